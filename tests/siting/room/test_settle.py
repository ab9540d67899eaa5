"""Rows sent to open sites by a small model: totals against scipy's model of all entries, from any start."""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from spatial.siting.room import settle as room_settle
from spatial.siting.room.rooms import Choice, Rooms, list_rooms, value_of_choice
from spatial.siting.room.settle import settle_rows
from spatial.siting.ways import Deadline, Flags
from tests.siting.room.test_rooms import capacitated_median


def made(seed: int) -> tuple[Rooms, Choice | None]:
    """Sites with little room, some not in reach of all, and rows that go to any open sites with room."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 25)), int(rng.integers(2, 7))
    cost = rng.integers(0, 40, (n, m)).astype(float)
    cost[rng.random((n, m)) < 0.2] = np.inf
    load = rng.integers(1, 9, n).astype(float)
    p = int(rng.integers(2, m + 1))
    room = rng.integers(4, 2 + max(4, int(2.2 * load.sum() / p)), m).astype(float)
    opened = np.zeros(m, dtype=bool)
    opened[rng.permutation(m)[:p]] = True
    rooms = list_rooms(capacitated_median(cost, load, room, p))
    left, served = np.where(opened, rooms.room, 0.0), np.full(n, -1, dtype=np.int64)
    for i in np.argsort(-load, kind="stable"):
        may = np.flatnonzero((left >= load[i]) & np.isfinite(cost[i]))
        if not len(may):
            return rooms, None
        served[i] = rng.choice(may)
        left[served[i]] -= load[i]
    return rooms, Choice(opened, served, value_of_choice(rooms, opened, served))


def least_total(rooms: Rooms, opened: Flags) -> float:
    """Return the least total of whole rows at some open sites, by a model of all their entries."""
    use = np.flatnonzero(opened[rooms.site])
    every, n, m = np.arange(len(use)), len(rooms.load), len(rooms.room)
    once = sparse.csr_array((np.ones(len(use)), (rooms.row[use], every)), shape=(n, len(use)))
    full = sparse.csr_array((rooms.load[rooms.row[use]], (rooms.site[use], every)), shape=(m, len(use)))
    rules = [LinearConstraint(once, 1, 1), LinearConstraint(full, -np.inf, rooms.room)]
    found = milp(rooms.cost[use], constraints=rules, bounds=Bounds(0, 1), integrality=np.ones(len(use)))
    return float(found.fun)


def test_rows_go_where_they_cost_least_together() -> None:
    better = 0
    for seed in range(60):
        rooms, start = made(seed)
        if start is None:
            continue
        found = settle_rows(rooms, start, deadline=Deadline(20.0))
        assert abs(found.value - least_total(rooms, start.opened)) < 1e-6, seed
        assert abs(found.value - value_of_choice(rooms, start.opened, found.served)) < 1e-9, seed
        assert (np.bincount(found.served, rooms.load, len(rooms.room)) <= rooms.room).all(), seed
        better += found.value < start.value
    assert better > 15


def test_with_few_entries_a_choice_stays_whole_and_becomes_no_worse(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(room_settle, "_MORE", 2)
    for seed in range(60):
        rooms, start = made(seed)
        if start is not None:
            found = settle_rows(rooms, start, deadline=Deadline(20.0))
            assert found.value <= start.value, seed
            assert (found.served >= 0).all(), seed
            assert (np.bincount(found.served, rooms.load, len(rooms.room)) <= rooms.room).all(), seed


def test_without_time_a_choice_stays_as_it_is() -> None:
    rooms, start = next(one for one in map(made, range(99)) if one[1] is not None)
    assert start is not None
    assert settle_rows(rooms, start, deadline=Deadline(0.0)) is start
