"""Branching where room is limited, against an exact model, and against what its parts should be by hand."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.room import tree as room_tree
from spatial.siting.room.climb import Bound
from spatial.siting.room.rooms import Choice, Rooms, list_rooms
from spatial.siting.room.tree import branch_rooms
from spatial.siting.ways import Deadline
from tests.siting.room.test_rooms import capacitated_median

INF = np.inf


def nothing_known(rooms: Rooms) -> Bound:
    """No choice met, no prices: all is left to branching."""
    question, n = rooms.question, rooms.question.rows
    nobody = Choice(question.fixed.copy(), np.full(n, -1, dtype=np.int64), INF)
    return Bound(np.zeros(n), -INF, nobody, rooms.fits, question.fixed.copy(), question.banned.copy())


def drawn(seed: int) -> Question:
    """Up to 9 rows and 6 sites: some out of reach, some sure or shut, rows to lose, loads that are not whole."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 10)), int(rng.integers(1, 7))
    cost = np.where(rng.random((n, m)) < 0.8, rng.integers(0, 30, (n, m)), INF)
    load = rng.integers(1, 9, n).astype(float) + (rng.random(n) if seed % 3 == 0 else 0.0)
    p = AS_MANY_AS_NEEDED if seed % 7 == 0 else int(rng.integers(1, 5))
    room = rng.integers(3, 25, m).astype(float)
    fixed = rng.random(m) < 0.15
    question = capacitated_median(cost, load, room, p)
    missing = INF if seed % 2 else float(rng.integers(5, 40))
    banned = ~fixed & (rng.random(m) < 0.1)
    return replace(question, fixed=fixed, banned=banned, counted=~fixed, missing=missing)


def by_model(question: Question) -> float:
    """Return the least total by one exact model; infinite where some row that must be served cannot be."""
    found = solve_mip(room_model(question, np.zeros(len(question.fixed))), start=None, time_limit_s=30.0)
    return INF if found.x is None else found.bound


def test_from_nothing_branching_finds_and_proves_what_an_exact_model_says() -> None:
    met = 0
    for seed in range(300):
        question = drawn(seed)
        rooms, best = list_rooms(question), by_model(question)
        found = branch_rooms(rooms, nothing_known(rooms), most=INF, deadline=Deadline(300.0), seed=0)
        assert found.best.value == (best if best == INF else pytest.approx(best, abs=1e-5)), seed
        assert found.bound == found.best.value, seed
        met += best < INF
    assert 150 <= met < 300


def test_a_choice_keeps_room_and_reach_and_what_is_sure_or_shut() -> None:
    for seed in range(0, 300, 3):
        question = drawn(seed)
        rooms = list_rooms(question)
        found = branch_rooms(rooms, nothing_known(rooms), most=INF, deadline=Deadline(300.0), seed=0).best
        if found.value == INF:
            continue
        served = found.served >= 0
        cost = np.full((question.rows, len(question.fixed)), INF)
        cost[np.repeat(np.arange(question.rows), np.diff(question.ways.ptr)), question.ways.site] = question.ways.cost
        paid = cost[np.flatnonzero(served), found.served[served]].sum()
        lost = question.missing * (~served).sum() if (~served).any() else 0.0
        assert found.value == pytest.approx(paid + lost), seed
        load = np.bincount(found.served[served], question.load[served], len(question.fixed))
        assert (load <= question.capacity * (1 + 1e-9) + 1e-9).all(), seed
        assert found.opened[found.served[served]].all(), seed
        assert (found.opened >= question.fixed).all(), seed
        assert not (found.opened & question.banned).any(), seed
        new = int((found.opened & ~question.fixed).sum())
        assert question.p == AS_MANY_AS_NEEDED or new <= question.p, seed


def test_among_choices_of_at_most_a_total_no_bound_is_above_the_least_and_none_that_is_less_is_missed() -> None:
    for seed in range(120):
        question = drawn(seed)
        rooms, best = list_rooms(question), by_model(question)
        for most in (0.9 * best, best + 1e-6, 1.1 * best):
            if not np.isfinite(most):
                continue
            found = branch_rooms(rooms, nothing_known(rooms), most=most, deadline=Deadline(300.0), seed=0)
            assert found.bound <= best + 1e-5, seed
            assert found.best.value >= best - 1e-5, seed
            if found.best.value > best + 1e-5:  # not met: then it was told that none is as low, or some way to it
                assert found.bound < best - 1e-5 or most < best, seed


def test_out_of_time_the_bound_is_that_of_the_parts_left_and_no_more() -> None:
    for seed in range(60):
        question = drawn(seed)
        rooms, best = list_rooms(question), by_model(question)
        clock = iter(range(10**6))
        for ticks in (1, 3, 9):
            deadline = Deadline(float(ticks), clock=partial(_next, clock))
            found = branch_rooms(rooms, nothing_known(rooms), most=INF, deadline=deadline, seed=0)
            assert found.bound <= best + 1e-5, seed
            assert found.best.value >= best - 1e-5, seed


def test_halving_by_sites_alone_first_or_by_rows_alone_first_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for doubt in (0.0, 1.0):
        monkeypatch.setattr(room_tree, "_DOUBT", doubt)
        for seed in range(60):
            question = drawn(seed)
            rooms = list_rooms(question)
            found = branch_rooms(rooms, nothing_known(rooms), most=INF, deadline=Deadline(300.0), seed=0)
            best = by_model(question)
            assert found.best.value == (best if best == INF else pytest.approx(best, abs=1e-5)), seed


def test_a_row_too_large_for_every_site_is_told_without_a_search() -> None:
    question = capacitated_median(np.ones((3, 2)), np.array([1.0, 9.0, 1.0]), np.array([8.0, 8.0]), 2)
    rooms = list_rooms(question)
    found = branch_rooms(rooms, nothing_known(rooms), most=INF, deadline=Deadline(300.0), seed=0)
    assert (found.best.value, found.bound) == (INF, INF)


def test_the_same_question_and_seed_give_the_same_choice_twice() -> None:
    for seed in range(20):
        rooms = list_rooms(drawn(seed))
        one, two = (
            branch_rooms(rooms, nothing_known(rooms), most=INF, deadline=Deadline(300.0), seed=3).best for _ in range(2)
        )
        assert (one.opened.tolist(), one.served.tolist()) == (two.opened.tolist(), two.served.tolist())


def _next(clock: Iterator[int]) -> float:
    return float(next(clock))
