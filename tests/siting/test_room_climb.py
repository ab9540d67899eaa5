"""Prices of many rows against the linear programme whose bound they climb to."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from spatial.siting import room_climb
from spatial.siting.room_climb import Bound, climb
from spatial.siting.rooms import Choice, Rooms, list_rooms
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
