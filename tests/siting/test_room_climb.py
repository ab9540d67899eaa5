"""Prices of many rows against the linear programme whose bound they climb to, and the search after them."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from spatial.siting import room_bound, room_climb
from spatial.siting.room_bound import search_on
from spatial.siting.room_climb import Bound, climb
from spatial.siting.rooms import Choice, Rooms, list_rooms, value_of_choice
from spatial.siting.ways import Deadline
from tests.siting.test_rooms import capacitated_median


def made(seed: int) -> Rooms:
    """Rows and sites of a square, rows shared at will, sites of uneven room of which a few may open."""
    rng = np.random.default_rng(seed)
    n, m, p = 60, 15, 5
    rows, sites = rng.uniform(0, 100, (n, 2)), rng.uniform(0, 100, (m, 2))
    cost, load = np.rint(np.hypot(*(rows[:, None] - sites[None]).T)).T, rng.integers(1, 9, n).astype(float)
    room = np.ceil(rng.uniform(0.5, 1.5, m) * load.sum() / p / 0.8)
    return list_rooms(replace(capacitated_median(cost, load, room, p), split=True))


def least_in_shares(rooms: Rooms) -> float:
    """Return the least total where sites may be open in part."""
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
    return float(linprog(cost, A_ub=upper, b_ub=most, A_eq=once, b_eq=np.ones(n), bounds=(0, 1)).fun)


@pytest.mark.parametrize("aim", [-np.inf, 0.9, 1.1, 2.0])
def test_prices_of_many_rows_climb_to_the_linear_programme_wherever_they_aim(
    monkeypatch: pytest.MonkeyPatch, aim: float
) -> None:
    monkeypatch.setattr(room_climb, "MOST_ROWS", 0)
    for seed in range(6):
        rooms = made(seed)
        n, m = rooms.question.rows, len(rooms.room)
        least, none = least_in_shares(rooms), np.zeros(m, dtype=bool)
        nobody = Choice(none, np.full(n, -1, dtype=np.int64), np.inf)
        state = Bound(np.full(n, 10.0), -np.inf, nobody, rooms.fits, none, none)
        deadline = Deadline(20.0, clock=time.process_time)
        found = climb(rooms, state, deadline, np.inf, lambda now, _opened, _turn: now, aim * least)
        assert found.bound <= least * (1 + 1e-6), seed
        assert found.bound >= least * (1 - 2e-3), seed


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
