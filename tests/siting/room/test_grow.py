"""What rounds of inequalities and halving prove of sites and lacks, against an exact model of all pairs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from spatial.siting.room import grow
from spatial.siting.room.grow import grow_parts
from spatial.siting.room.lacks import Raised, begin_lacks, lacks_master, raise_lacks
from spatial.siting.room.relaxed import begin_relaxed, copy_relaxed, run_steps, solve_relaxed, tell
from spatial.siting.room.rows import list_kinds
from spatial.siting.ways import Deadline
from tests.siting.room.test_served import least_lost, listed, served


def raised(seed: int, **size: int) -> tuple[Raised, float]:
    """Return a programme after its rounds, and what is lost at least if rows may be shared."""
    question = served(seed, 4, fixed=seed % 3, banned=seed % 2, rate=1.0 + seed % 4, **size)
    rooms = listed(question)
    begun = begin_lacks(rooms, Deadline(20.0))
    assert begun is not None
    found = raise_lacks(begun, list_kinds(rooms), Deadline(20.0))
    return found, least_lost(question, parts=True)


def grown(found: Raised, goal: float, left_s: float = 20.0) -> float:
    """Return what halving proves, a half in a thread."""
    with ThreadPoolExecutor(1) as pool:
        return grow_parts(found.relaxed, found.told, goal=goal, deadline=Deadline(left_s), pool=pool)


def test_nothing_is_lost_below_the_bound_of_rounds_and_little_is_lost_above_it() -> None:
    gaps = []
    for seed in range(40):
        found, least = raised(seed, rows=30, sites=9)
        assert found.told.bound <= least + 1e-6, seed
        gaps.append(found.told.bound > 0.95 * least)
    assert sum(gaps) > 25


@pytest.mark.parametrize("steps", [400, 3])
def test_halving_proves_what_is_lost_at_least_however_few_steps_a_half_may_take(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the goal all is closed; with the goal beyond it the bound ends where whole sites are lost for."""
    monkeypatch.setattr(grow, "_STEPS", steps)
    for seed in range(12):
        found, least = raised(seed, rows=40, sites=10)
        far = grown(found, 1.2 * least + 10.0)
        assert far <= least + 1e-6, seed
        assert far >= found.told.bound - 1e-6, seed
        if steps == 400:
            found, least = raised(seed, rows=40, sites=10)
            near = grown(found, 0.999 * least)
            assert near == pytest.approx(0.999 * least), seed


def test_a_tree_without_time_has_the_bound_it_began_with() -> None:
    found, _ = raised(3, rows=40, sites=10)
    assert grown(found, 1e9, left_s=0.0) == found.told.bound


def test_a_bound_beyond_the_goal_is_the_goal() -> None:
    found, _ = raised(4, rows=40, sites=10)
    assert grown(found, found.told.bound / 2.0) == found.told.bound / 2.0


def test_a_copy_of_a_programme_stands_where_the_other_does() -> None:
    for seed in range(5):
        found, _ = raised(seed, rows=40, sites=10)
        ends = found.relaxed.master.lower, found.relaxed.master.upper
        run_steps(found.relaxed)
        other = copy_relaxed(found.relaxed, found.relaxed.highs.getBasis())
        assert run_steps(other, 0)
        assert tell(other, ends).bound == pytest.approx(tell(found.relaxed, ends).bound), seed


def test_prices_prove_a_bound_wherever_the_simplex_method_stops_and_that_nothing_is_possible() -> None:
    question = served(5, 3, rows=40, sites=10)
    master, least = lacks_master(listed(question)), least_lost(question, parts=True)
    for steps in (0, 1, 5, 20, 200):
        relaxed = begin_relaxed(master, 0.0)
        run_steps(relaxed, steps)
        assert tell(relaxed, (master.lower, master.upper)).bound <= least + 1e-6, steps
    many = np.where(np.arange(len(master.cost)) < 4, 1.0, master.lower)
    relaxed = begin_relaxed(replace(master, lower=many), 0.0)
    _, told = solve_relaxed(relaxed, (many, master.upper), np.inf)
    assert told.bound == np.inf
