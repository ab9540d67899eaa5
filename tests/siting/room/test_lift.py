"""Sets of rows where room is limited: their pricing with fines against every set, bounds against an exact model."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.question import AS_MANY_AS_NEEDED
from spatial.siting.room.branch import branch_sets
from spatial.siting.room.climb import goal_of
from spatial.siting.room.fill import broken_triples, fill_sites, flag_sites
from spatial.siting.room.lift import lift_part, list_lifted
from spatial.siting.room.master import begin_master, set_box, solve_mix, try_sites
from spatial.siting.room.rooms import Rooms, list_rooms
from spatial.siting.room.tree import dearest_of
from spatial.siting.room.worth import Fined
from spatial.siting.ways import Deadline
from tests.siting.room.test_rooms import capacitated_median
from tests.siting.room.test_tree import by_model, drawn, nothing_known

INF = np.inf
ENOUGH = 100_000


def by_row(triples: list[tuple[int, int, int]], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return by row the triples that it is in."""
    lists = [[t for t, one in enumerate(triples) if i in one] for i in range(rows)]
    ptr = np.cumsum([0, *(len(one) for one in lists)])
    return ptr, np.array([t for one in lists for t in one], dtype=np.int64)


@pytest.mark.parametrize("seed", range(40))
def test_a_site_is_worth_the_best_of_all_sets_with_their_fines_and_keeps_the_entries_of_those_within_a_limit(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    ptr, row = np.array([0, n]), np.arange(n)
    cost, prices = rng.integers(0, 9, n).astype(float), rng.integers(0, 15, n).astype(float)
    load, room = rng.integers(1, 6, n).astype(float), np.array([float(rng.integers(1, 15))])
    may, triples = rng.random(n) < 0.9, list(combinations(range(n), 3))
    triples = [triples[k] for k in rng.permutation(len(triples))[: int(rng.integers(0, 8))]]
    fine = rng.integers(1, 6, len(triples)).astype(float)
    sums = {
        rows: sum(cost[i] - prices[i] for i in rows)
        + sum(fine[t] for t, one in enumerate(triples) if len(set(one) & set(rows)) >= 2)
        for size in range(1, n + 1)
        for rows in combinations(np.flatnonzero(may).tolist(), size)
        if sum(load[i] for i in rows) <= room[0]
    }
    least = min([0.0, *sums.values()])
    told = (ptr, row, cost, load, room, prices, may, *by_row(triples, n), fine)
    entry, held, worth = np.zeros((1, 3, n), np.int64), np.zeros((1, 3), np.int64), np.zeros(1)
    fill_sites(*told, np.zeros(1, dtype=bool), 1, 1e-9, ENOUGH, entry, held, worth)
    assert least - 1e-8 <= worth[0] <= least
    found = [sums[tuple(sorted(entry[0, q, : held[0, q]].tolist()))] for q in range(3) if held[0, q]]
    assert max(found, default=-1.0) < 0.0
    assert min([0.0, *found]) == least
    fill_sites(*told, np.zeros(1, dtype=bool), 1, 1e-9, 2, entry, held, worth)
    assert worth[0] <= least
    for limit in (-3.0, 0.0, 2.5):
        inside = [rows for rows, value in sums.items() if value <= limit]
        flags = np.zeros(n, dtype=bool)
        assert flag_sites(*told, np.array([limit]), ENOUGH, flags) == len(inside)
        assert np.flatnonzero(flags).tolist() == sorted({i for rows in inside for i in rows})
        flags[:] = False
        if flag_sites(*told, np.array([limit]), 1, flags) == INF:
            assert (flags == may).all()


@pytest.mark.parametrize("seed", range(20))
def test_triples_that_shares_of_sets_break_are_all_found_once_with_what_they_break_by(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 7
    sets = [np.flatnonzero(one) for one in rng.random((12, n)) < 0.4]
    share = rng.integers(1, 10, len(sets)) / 20.0
    ptr = np.cumsum([0, *(len(one) for one in sets)])
    met, over = broken_triples(n, ptr, np.concatenate(sets), share, 0.02, 1000)
    both = np.zeros((n, n))
    for one, part in zip(sets, share, strict=True):
        both[np.ix_(one, one)] += part
    expected = {}
    for three in combinations(range(n), 3):
        total = sum(p for one, p in zip(sets, share, strict=True) if np.isin(three, one).sum() >= 2) - 1.0
        if total > 0.02 + 1e-9 and max(both[i, j] for i, j in combinations(three, 2)) < 1.0 - 1e-6:
            expected[three] = total
    names = [tuple(sorted(one)) for one in met.tolist()]
    assert len(set(names)) == len(names)
    found = dict(zip(names, over.tolist(), strict=True))
    assert {one: found[one] for one in expected} == pytest.approx(expected)
    for three, value in found.items():
        total = sum(p for one, p in zip(sets, share, strict=True) if np.isin(three, one).sum() >= 2)
        assert value == pytest.approx(total - 1.0)


def fined(rooms: Rooms) -> Fined:
    """No choice met, no prices, no triples."""
    known = nothing_known(rooms)
    return Fined(
        known.prices, known.bound, known.best, known.alive, known.fixed, known.banned, np.zeros((0, 3), np.int64),
        np.zeros(0),
    )  # fmt: skip


def test_a_lifted_bound_is_no_higher_than_the_least_total_and_what_is_as_low_is_left() -> None:
    closed = 0
    for seed in range(150):
        rooms, best = list_rooms(drawn(seed)), by_model(drawn(seed))
        if not rooms.whole or best == INF:
            continue
        lifted = lift_part(
            begin_master(rooms), rooms, fined(rooms), dearest_of(rooms), deadline=Deadline(300.0), first=True
        )
        state = lifted.state
        assert state.best.value >= best - 1e-6, seed
        assert state.bound <= min(best, goal_of(rooms, state.best.value)) + 1.0 + 1e-6, seed
        assert state.bound <= best + 1e-6 or state.best.value <= best + 1e-6, seed
        closed += state.bound > best - 1.0
        if state.best.value > best:  # the best is still ahead: a part with room for it has to be left
            left, total = list_lifted(rooms, lifted, best + 1e-6, 0 if seed % 2 else ENOUGH)
            assert left.bound <= best + 1e-6 == total, seed
            assert (left.pool is None) == bool(seed % 2), seed
            rows = np.bincount(rooms.row[left.alive], minlength=len(rooms.load)) > 0
            assert (rows | np.isfinite(rooms.lost)).all(), seed
    assert closed > 60


def test_from_nothing_sets_find_and_prove_what_an_exact_model_says() -> None:
    met = none = 0
    for seed in range(300):
        question = drawn(seed)
        rooms = list_rooms(question)
        if not rooms.whole:
            continue
        best = by_model(question)
        found = branch_sets(rooms, nothing_known(rooms), deadline=Deadline(300.0), seed=0)
        assert found.best.value == (best if best == INF else pytest.approx(best, abs=1e-5)), seed
        assert found.bound == found.best.value, seed
        new = int((found.best.opened & ~question.fixed).sum())
        assert question.p == AS_MANY_AS_NEEDED or new <= question.p, seed
        met, none = met + (best < INF), none + (best == INF)
    assert met > 100
    assert none > 20


def test_a_row_without_weight_has_to_be_served_too_and_hides_no_choice() -> None:
    cost = np.array([[1.0, 5.0], [2.0, 1.0], [3.0, 3.0]])
    question = capacitated_median(cost, np.ones(3), np.array([2.0, 2.0]), 2)
    rooms = list_rooms(replace(question, weight=np.array([1.0, 1.0, 0.0])))
    assert (rooms.lost == INF).all()
    found = branch_sets(rooms, nothing_known(rooms), deadline=Deadline(300.0), seed=0)
    assert (found.best.value, found.bound) == (2.0, 2.0)
    assert (found.best.served >= 0).all()


def test_tight_rooms_are_proved_as_an_exact_model_proves_them() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        at = rng.integers(0, 100, (11, 2))
        load = rng.integers(1, 21, 11).astype(float)
        cost = np.floor(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)))
        question = capacitated_median(cost, load, np.full(11, np.ceil(load.sum() / 3 / 0.93)), 3)
        rooms, best = list_rooms(question), by_model(question)
        found = branch_sets(rooms, nothing_known(rooms), deadline=Deadline(300.0), seed=0)
        assert (found.best.value, found.bound) == (best if best == INF else round(best),) * 2, seed
        taken = np.bincount(found.best.served[found.best.served >= 0], load[found.best.served >= 0], 11)
        assert (taken <= question.capacity).all(), seed


def test_trials_tell_how_much_dearer_a_mix_becomes_and_leave_it_as_it_was() -> None:
    looked = lifts = 0
    for seed in range(80):
        rooms = list_rooms(drawn(seed))
        if not rooms.whole:
            continue
        master = begin_master(rooms)
        state = lift_part(master, rooms, fined(rooms), dearest_of(rooms), deadline=Deadline(300.0)).state
        set_box(master, rooms, state.prices, 3.0)
        before = solve_mix(master, 60.0)
        assert before is not None
        sites = np.flatnonzero(~state.fixed & ~state.banned)[:3]
        gains = try_sites(master, sites, 10_000)
        n = len(rooms.load)
        for s, one in zip(sites.tolist(), gains.tolist(), strict=True):
            for gain, (low, high) in zip(one, ((-INF, 0.0), (1.0, 1.0)), strict=True):
                master.highs.changeRowBounds(n + s, low, high)
                there = solve_mix(master, 60.0)
                master.highs.changeRowBounds(n + s, -INF, 1.0)
                if there is not None:
                    assert gain == pytest.approx(there.value - before.value, abs=1e-6), seed
                    looked, lifts = looked + 1, lifts + (gain > 1e-3)
        after = solve_mix(master, 60.0)
        assert after is not None
        assert after.value == pytest.approx(before.value, abs=1e-6), seed
    assert looked > 50
    assert lifts > 5


def test_out_of_time_the_bound_still_holds() -> None:
    for seed in range(60):
        question = drawn(seed)
        rooms, best = list_rooms(question), by_model(question)
        if not rooms.whole:
            continue
        clock = iter(range(10**6))
        for ticks in (1, 4, 20):
            found = branch_sets(
                rooms, nothing_known(rooms), deadline=Deadline(float(ticks), clock=partial(_next, clock)), seed=0
            )
            assert found.bound <= best + 1e-5, seed
            assert found.best.value >= best - 1e-5, seed


def test_the_same_question_gives_the_same_choice_twice() -> None:
    for seed in range(1, 20, 3):
        rooms = list_rooms(drawn(seed))
        one, two = (branch_sets(rooms, nothing_known(rooms), deadline=Deadline(300.0), seed=3).best for _ in range(2))
        assert (one.opened.tolist(), one.served.tolist()) == (two.opened.tolist(), two.served.tolist())


def _next(clock: Iterator[int]) -> float:
    return float(next(clock))
