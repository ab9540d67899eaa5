"""A thread that proves beside one that searches: what is told is the same whichever is held up."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spatial.siting.room import few, fewest
from spatial.siting.room.beside import Known
from spatial.siting.room.cover import search_few
from spatial.siting.room.fewest import count_by_sites
from spatial.siting.room.rooms import Choice
from spatial.siting.ways import Deadline
from tests.siting.room.test_fewest import listed, scattered

_LONG_S, _HELD_S, _SEEDS = 20.0, 0.004, (1, 3, 7, 9)


def choice(value: float) -> Choice:
    return Choice(np.zeros(1, np.bool_), np.zeros(1, np.int64), value)


def test_of_equal_choices_that_of_fewer_steps_is_told_whichever_was_told_first() -> None:
    early, late, worse = choice(3.0), choice(3.0), choice(4.0)
    known = Known(([(9.0, late)], [(1.0, worse), (5.0, early)]), [2.5], [9.0, 5.0])
    assert known.best is early
    known = Known(([(5.0, early)], [(1.0, worse), (5.0, late)]), [2.5], [9.0, 5.0])
    assert known.best is early


def test_a_thread_goes_on_until_it_made_more_steps_than_the_best_choice_took() -> None:
    known = Known(([], [(5.0, choice(3.0))]), [2.0], [4.0, 5.0])
    assert not known.over(0)
    assert not known.over(1)
    known.bounds.append(2.5)
    assert known.over(1)
    assert not known.over(0)
    known.steps[0] = 5.0
    assert not known.over(0)  # of as many steps the first thread's are told
    known.steps[0] = 6.0
    assert known.over(0)


def held(function: Callable[..., Any]) -> Callable[..., Any]:
    def later(*args: Any, **options: Any) -> Any:
        time.sleep(_HELD_S)
        return function(*args, **options)

    return later


def told(seed: int) -> tuple[bytes, bytes, float, bool]:
    rooms = listed(scattered(seed, 60 + seed % 3 * 40, 16 + seed % 5 * 4, 0.4 + 0.05 * (seed % 5)))
    first = search_few(rooms, target=0, seed=0, deadline=Deadline(_LONG_S), steps=64)
    if first is None:
        return b"", b"", 0.0, False
    worst = Choice(first.opened, first.served, first.value + 3.0)  # both threads have to find better ones
    best, bound = count_by_sites(rooms, worst, deadline=Deadline(_LONG_S), seed=seed, steps=20_000)
    return best.opened.tobytes(), best.served.tobytes(), bound, best.value <= np.ceil(bound - 1e-6)


@pytest.mark.parametrize("steps", [1.0, 40.0])  # what the searching thread meets comes before the other's, or after
def test_the_choice_is_the_same_where_either_thread_is_held_up(steps: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewest, "_GUIDE_STEPS", steps)
    free = [told(seed) for seed in _SEEDS]
    assert all(proved for *_, proved in free)
    for module, names in ((few, ("settle_relaxed",)), (fewest, ("search_few", "fewest_sites"))):
        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(module, name, held(getattr(module, name)))
            assert [told(seed) for seed in _SEEDS] == free, names
