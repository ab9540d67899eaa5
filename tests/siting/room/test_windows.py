"""Windows of a choice: never worse, nothing broken, and none of three open sites left that could be better."""

from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room.count import solve_rooms
from spatial.siting.room.rooms import Choice, Rooms, list_rooms, search_rooms, value_of_choice
from spatial.siting.room.windows import _rows_of, _sites_of, _window, better_windows
from spatial.siting.ways import Deadline, Ints
from tests.siting.room.test_rooms import capacitated_median

_ASIDE = 3


def begun(seed: int) -> tuple[Rooms, Choice]:
    """Points that all ask and may serve, at whole distances, some centre open already, and a first choice."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(14, 30)), int(rng.integers(4, 6))
    at = rng.integers(0, 40, (n, 2))
    cost = np.abs(at[:, None] - at[None]).sum(axis=2).astype(float)
    if seed % 3 == 0:
        cost[cost > 45] = np.inf
    load = rng.integers(1, 10, n).astype(float)
    room = rng.integers(10, 10 + max(2, int(2.2 * load.sum() / p)), n).astype(float)
    rooms = list_rooms(capacitated_median(cost, load, room, p))
    opened = np.zeros(n, dtype=bool)
    opened[rng.permutation(n)[:p]] = True
    return rooms, search_rooms(rooms, opened, opened, tries=0, seed=seed, deadline=Deadline(9.0))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7, 9, 10, 11])
def test_windows_better_a_choice_until_none_of_three_sites_does(seed: int) -> None:
    rooms, first = begun(seed)
    assert np.isfinite(first.value)
    best = better_windows(rooms, first, deadline=Deadline(60.0), seed=0)
    assert best.value <= first.value
    assert best.value == pytest.approx(value_of_choice(rooms, best.opened, best.served))
    inside = best.served >= 0
    full = np.bincount(best.served[inside], rooms.load[inside], len(rooms.room))
    assert (full <= rooms.room).all()
    assert best.opened.sum() <= first.opened.sum()
    assert best.opened[best.served[inside]].all()
    for near in combinations(np.flatnonzero(best.opened).tolist(), _ASIDE):
        if not _is_window(rooms, best, np.array(near)):
            continue
        rows = _rows_of(rooms, best, np.array(near))
        window = _window(rooms, _sites_of(rooms, best, np.array(near), rows), rows, np.array(near))
        found = solve_rooms(window.question, np.zeros(len(window.room)), None, 20.0, 0)
        entry = np.isin(rooms.row, rows) & (rooms.site == best.served[rooms.row])
        assert found.bound >= rooms.cost[entry].sum() + rooms.lost[rows[best.served[rows] < 0]].sum() - 1e-6


def _is_window(rooms: Rooms, best: Choice, near: Ints) -> bool:
    """Tell whether these are an open site and the two at which its rows would cost least, without ties."""
    for site in near:
        rows = np.flatnonzero(best.served == site)
        opened = np.flatnonzero(best.opened)
        dense = np.full((len(rooms.room), rooms.question.rows), 2.0 * rooms.cost.max() + 1.0)
        dense[rooms.site, rooms.row] = rooms.cost
        toll = dense[opened][:, rows].sum(axis=1)
        toll[opened == site] = -1.0
        order = np.argsort(toll, kind="stable")
        if len(rows) and set(opened[order[:_ASIDE]]) == set(near) and toll[order[2]] < toll[order[3]]:
            return True
    return False
