"""Open sites filled as far as their rows can: against every set of rows of each."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from spatial.siting.room.pack import pack_rooms
from spatial.siting.room.rooms import Choice, Rooms, list_rooms, value_of_choice
from spatial.siting.ways import Ints
from tests.siting.room.test_rooms import capacitated_median


def made(seed: int) -> tuple[Rooms, Choice]:
    """Rows of whole loads, as dear as they are large where nobody serves them, and some served ones."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 10)), int(rng.integers(1, 5))
    reach = np.where(rng.random((n, m)) < 0.3, np.inf, 0.0)
    load = rng.integers(1, 12, n).astype(float)
    room = rng.integers(3, 25, m).astype(float)
    rooms = list_rooms(replace(capacitated_median(reach, load, room, m), weight=load, missing=1.0))
    opened, served, left = rng.random(m) < 0.7, np.full(n, -1), room.copy()
    for i in range(n):
        for s in np.flatnonzero(opened & np.isfinite(reach[i]) & (load[i] <= left))[:1]:
            served[i] = s
            left[s] -= load[i]
    return rooms, Choice(opened, served, value_of_choice(rooms, opened, served))


def fullest(rooms: Rooms, served: Ints, site: int) -> float:
    """Return the most load that a site's own rows and nobody's come to within its room, by every set of them."""
    rows = rooms.row[rooms.ptr[site] : rooms.ptr[site + 1]]
    load = rooms.load[rows[(served[rows] == site) | (served[rows] < 0)]]
    sums = [sum(some) for k in range(len(load) + 1) for some in combinations(load, k)]
    return float(max(total for total in sums if total <= rooms.room[site]))


def test_no_site_could_be_fuller_with_its_own_rows_and_those_of_nobody() -> None:
    for seed in range(200):
        rooms, before = made(seed)
        found = pack_rooms(rooms, before)
        assert np.array_equal(found.opened, before.opened)
        assert found.value <= before.value, seed
        assert found.value == value_of_choice(rooms, found.opened, found.served)
        for i, site in enumerate(found.served.tolist()):
            part = rooms.row[rooms.ptr[site] : rooms.ptr[site + 1]] if site >= 0 else [i]
            assert i in part, seed
            assert site < 0 or found.opened[site], seed
        load = np.bincount(found.served[found.served >= 0], rooms.load[found.served >= 0], len(rooms.room))
        assert (load <= rooms.room).all(), seed
        for site in np.flatnonzero(found.opened).tolist():
            assert load[site] == fullest(rooms, found.served, site), seed


def test_loads_that_are_no_whole_numbers_are_left_as_they_are() -> None:
    rooms, before = made(1)
    rooms.load[0] += 0.5
    assert pack_rooms(rooms, before) is before
