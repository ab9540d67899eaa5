"""How much sites with room serve at most: bounds of sites and lacks against an exact model of all pairs."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import Question
from spatial.siting.room import grow
from spatial.siting.room import served as room_served
from spatial.siting.room.rooms import Choice, Rooms, list_rooms
from spatial.siting.room.served import counts_served, serve_most
from spatial.siting.ways import Deadline, row_of
from tests.siting.room.test_fewest import scattered

_HELD_S = 0.004


def served(seed: int, p: int, *, fixed: int = 0, banned: int = 0, rate: float = 1.0, **size: float) -> Question:
    """Rows that lose ``rate`` for each of their load if no site has room for them; p sites may open."""
    question = scattered(seed, **size)  # type: ignore[arg-type]
    m, ways = len(question.fixed), question.ways
    return replace(
        question, goal="sum", p=p, missing=rate, weight=question.load.copy(),
        ways=replace(ways, cost=np.zeros(len(ways.cost))),
        fixed=np.arange(m) < fixed, banned=np.arange(m) >= m - banned, counted=np.arange(m) >= fixed,
    )  # fmt: skip


def least_lost(question: Question, *, parts: bool = False) -> float:
    """Return what is lost at least, of the exact model of rows and sites."""
    model = room_model(question, np.zeros(len(question.fixed)))
    if parts:
        sites = np.arange(len(model.cost)) < len(question.fixed)
        model = replace(model, whole=model.whole & sites)
    return solve_mip(model, start=None, time_limit_s=20.0).bound


def listed(question: Question) -> Rooms:
    return list_rooms(question)


class _Ticks(threading.local):
    """A clock of each thread that goes on by a second each time it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def answered(question: Question) -> tuple[Choice, float]:
    """Return the answer in so many looks at the clock."""
    found = serve_most(listed(question), deadline=Deadline(150.0, clock=_Ticks()), seed=0)
    assert found is not None
    return found


def test_one_of_two_sites_serves_what_it_has_room_for() -> None:
    """Rows of 3 and 2 near site 0 (room 4), a row of 3 near site 1 (room 9): either leaves 5 out; both 2."""
    base = served(0, 1)
    ways = replace(base.ways, ptr=np.array([0, 1, 2, 3]), site=np.array([0, 0, 1], np.int32), cost=np.zeros(3), sites=2)
    nothing = np.zeros(2, bool)
    question = replace(
        base, ways=ways, weight=np.array([3.0, 2.0, 3.0]), load=np.array([3.0, 2.0, 3.0]),
        capacity=np.array([4.0, 9.0]), fixed=nothing, banned=nothing, counted=~nothing, charge=np.ones(2),
        price=np.zeros(2),
    )  # fmt: skip
    for p, least in ((1, 5.0), (2, 2.0)):
        best, bound = answered(replace(question, p=p))
        assert best.value == least, p
        assert bound <= least, p


def test_what_is_served_is_near_to_the_exact_model_and_keeps_every_room() -> None:
    for seed in range(12):
        question = served(seed, 4, fixed=seed % 2, banned=seed % 3, rows=60, sites=12)
        rooms = listed(question)
        best, bound = answered(question)
        least = least_lost(question)
        assert bound <= least + 1e-6 <= best.value + 2e-6, seed
        assert best.value <= least + 0.06 * question.load.sum(), seed
        inside = best.served >= 0
        full = np.bincount(best.served[inside], question.load[inside], len(question.fixed))
        assert (full <= rooms.room + 1e-9).all(), seed
        assert best.opened[best.served[inside]].all(), seed
        listed_there = np.zeros((question.rows, len(question.fixed)), bool)
        listed_there[row_of(question.ways), question.ways.site] = True
        assert listed_there[np.flatnonzero(inside), best.served[inside]].all(), seed
        assert best.opened[question.fixed].all(), seed
        assert not best.opened[question.banned & ~question.fixed].any(), seed
        assert (best.opened & ~question.fixed).sum() <= question.p, seed


def test_a_question_counts_what_is_served_only_where_all_sites_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_served, "MOST_ROWS", 10)
    question = served(1, 3)
    assert counts_served(listed(question))
    farther = replace(question, ways=replace(question.ways, cost=np.arange(len(question.ways.cost), dtype=float)))
    assert not counts_served(listed(farther))
    assert not counts_served(listed(replace(question, weight=question.weight + 1.0)))
    assert not counts_served(listed(replace(question, missing=np.inf)))
    assert not counts_served(listed(replace(question, budget=3.0)))
    monkeypatch.setattr(room_served, "MOST_ROWS", 1000)
    assert not counts_served(listed(question))


def test_the_same_question_has_the_same_answer_whoever_asks_again() -> None:
    question = served(3, 4, rows=40, sites=9)
    some = [answered(question) for _ in range(2)]
    assert some[0][1] == some[1][1]
    assert some[0][0].value == some[1][0].value
    assert (some[0][0].served == some[1][0].served).all()


def test_the_answer_is_the_same_whichever_thread_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves of the programme, and searches beside it: threads tell each other nothing while they go on."""
    question = served(1, 4, rows=60, sites=12)
    best, bound = answered(question)
    slow = ((grow, "_half", False), (grow, "_half", True), (room_served, "anneal_rooms", False),
            (room_served, "raise_lacks", True))  # fmt: skip
    for module, name, main in slow:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, held(getattr(module, name), main))
            same, as_high = answered(question)
        assert best.value == same.value, name
        assert (best.served == same.served).all(), name
        assert bound == as_high, name


def held(function: Callable[..., Any], main: bool) -> Callable[..., Any]:
    """Return the function, which goes on only after a while in the main thread, or in the other one."""

    def later(*args: Any, **options: Any) -> Any:
        if (threading.current_thread() is threading.main_thread()) == main:
            time.sleep(_HELD_S)
        return function(*args, **options)

    return later
