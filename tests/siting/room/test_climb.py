"""Prices of many rows against the linear programme whose bound they climb to, and the search after them."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from spatial.siting.room import bound as room_bound
from spatial.siting.room import climb as room_climb
from spatial.siting.room.bound import search_on
from spatial.siting.room.climb import Bound, climb, hardly_open, open_by_worth, open_mostly
from spatial.siting.room.rooms import Choice, Rooms, list_rooms, value_of_choice
from spatial.siting.room.split import begin_split
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import split_of
from spatial.siting.ways import Deadline, Flags
from tests.siting.room.test_rooms import capacitated_median


def made(seed: int, n: int = 60, m: int = 15, p: int = 5) -> Rooms:
    """Rows and sites of a square, rows shared at will, sites of uneven room of which a few may open."""
    rng = np.random.default_rng(seed)
    rows, sites = rng.uniform(0, 100, (n, 2)), rng.uniform(0, 100, (m, 2))
    cost, load = np.rint(np.hypot(*(rows[:, None] - sites[None]).T)).T, rng.integers(1, 9, n).astype(float)
    room = np.ceil(rng.uniform(0.5, 1.5, m) * load.sum() / p / 0.8)
    return list_rooms(replace(capacitated_median(cost, load, room, p), split=True))


def begin(rooms: Rooms) -> Bound:
    """Return the state before any step: no choice is known, and all prices are alike."""
    n, none = rooms.question.rows, np.zeros(len(rooms.room), dtype=bool)
    nobody = Choice(none, np.full(n, -1, dtype=np.int64), np.inf)
    return Bound(np.full(n, 10.0), -np.inf, nobody, rooms.fits, rooms.question.fixed, rooms.question.banned)


def climbed(rooms: Rooms, aim: float) -> Bound:
    deadline = Deadline(20.0, clock=time.process_time)
    return climb(rooms, begin(rooms), deadline, np.inf, lambda now, _opened, _turn: now, aim)


def shared_total(rooms: Rooms, opened: Flags) -> float:
    """Return what some open sites cost if rows may be shared."""
    split = split_of(rooms, opened, finite_lost(rooms))
    return float(begin_split(split.told, split.flow, split.ways, split.past))


def least_in_shares(rooms: Rooms, opened: Flags | None = None) -> float:
    """Return the least total where sites may be open in part; some that are told at least for their half."""
    k, m, n = len(rooms.row), len(rooms.room), rooms.question.rows
    every, site = np.arange(k), rooms.site
    once = sparse.csr_array((np.ones(k), (rooms.row, every)), shape=(n, k + m))
    full = sparse.csr_array((rooms.load[rooms.row], (site, every)), shape=(m, k + m)) + sparse.csr_array(
        (-rooms.room, (np.arange(m), k + np.arange(m))), shape=(m, k + m)
    )
    linked = sparse.csr_array((np.r_[np.ones(k), -np.ones(k)], (np.r_[every, every], np.r_[every, k + site])))
    few = sparse.csr_array(np.r_[np.zeros(k), np.ones(m)][None])
    most = np.r_[np.zeros(m + k), float(rooms.most)]
    cost = np.r_[rooms.cost, np.zeros(m)]
    upper = sparse.vstack([full, linked, few])
    low = np.zeros(k + m)
    low[k:] = 0.0 if opened is None else 0.5 * opened
    bounds = np.c_[low, np.ones(k + m)]
    return float(linprog(cost, A_ub=upper, b_ub=most, A_eq=once, b_eq=np.ones(n), bounds=bounds).fun)


@pytest.mark.parametrize("aim", [-np.inf, 0.9, 1.1, 2.0])
def test_prices_of_many_rows_climb_to_the_linear_programme_wherever_they_aim(
    monkeypatch: pytest.MonkeyPatch, aim: float
) -> None:
    monkeypatch.setattr(room_climb, "MOST_ROWS", 0)
    for seed in range(6):
        rooms = made(seed)
        least = least_in_shares(rooms)
        found = climbed(rooms, aim * least)
        assert found.bound <= least * (1 + 1e-6), seed
        assert found.bound >= least * (1 - 2e-3), seed


def test_sites_that_prices_hardly_open_open_only_at_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_climb, "MOST_ROWS", 0)
    for seed in range(4):
        rooms = made(seed)
        least = least_in_shares(rooms)
        found = climbed(rooms, 1.1 * least)
        rare = hardly_open(rooms, found)
        assert rare.any()
        assert not (open_mostly(rooms, found) & rare).any(), seed
        for site in np.flatnonzero(rare)[:2]:
            assert least_in_shares(rooms, np.arange(len(rooms.room)) == site) > least * (1 + 1e-9), (seed, site)


def test_sites_that_prices_open_mostly_cost_less_than_those_worth_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_climb, "MOST_ROWS", 0)
    mostly, by_worth = 0.0, 0.0
    for seed in range(4):
        rooms = made(seed, 150, 50, 15)
        found = climbed(rooms, 10.0 * 150)
        assert int(open_mostly(rooms, found).sum()) == rooms.most
        mostly += shared_total(rooms, open_mostly(rooms, found))
        by_worth += shared_total(rooms, open_by_worth(rooms, found))
    assert mostly < 0.99 * by_worth


def test_sites_open_mostly_keep_those_that_stay_open_or_shut_and_without_a_way_are_those_worth_most() -> None:
    rooms = made(3)
    fixed, banned = np.arange(15) == 2, np.arange(15) >= 11
    rooms = replace(rooms, question=replace(rooms.question, fixed=fixed, banned=banned), most=4)
    state = begin(rooms)
    assert np.array_equal(open_mostly(rooms, state), open_by_worth(rooms, state))
    assert not hardly_open(rooms, state).any()
    share = np.r_[np.linspace(0.0, 0.5, 11), np.full(4, 0.9)]
    state = replace(state, share=share)
    assert np.flatnonzero(open_mostly(rooms, state)).tolist() == [2, 7, 8, 9, 10]
    assert np.flatnonzero(hardly_open(rooms, state)).tolist() == [0]


def test_a_choice_among_all_sites_is_worth_what_it_costs_where_the_near_ones_are_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most rows stand about eight small sites, and have to be served by sites farther away than prices look."""
    monkeypatch.setattr(room_bound, "_MOST_OPEN", 0)
    rng = np.random.default_rng(0)
    rows, sites = rng.uniform(0, 100, (60, 2)), rng.uniform(40, 140, (24, 2))
    rows[:45], sites[:8] = rng.uniform(0, 15, (45, 2)), rng.uniform(0, 15, (8, 2))
    cost = np.rint(np.hypot(*(rows[:, None] - sites[None]).T)).T
    room = np.r_[np.full(8, 15.0), np.full(16, 60.0)]
    rooms = list_rooms(capacitated_median(cost, rng.integers(1, 9, 60).astype(float), room, 14))
    none = np.zeros(24, dtype=bool)
    nobody = Choice(none, np.full(60, -1, dtype=np.int64), np.inf)
    state = Bound(np.ones(60), -np.inf, nobody, rooms.fits, none, none)
    best = search_on(rooms, state, Deadline(2.0, clock=time.process_time), 0).best
    assert (best.served >= 0).all()
    assert best.value == value_of_choice(rooms, best.opened, best.served)
