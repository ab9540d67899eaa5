"""Sites decided in windows: sets of sites against every set, by linear programmes of rows that may be shared."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room import decide as room_decide
from spatial.siting.room.climb import Bound
from spatial.siting.room.decide import decide_sites
from spatial.siting.room.rooms import Choice, Rooms
from spatial.siting.ways import Deadline, Flags
from tests.siting.room.test_trade import made, shared_total


def stated(rooms: Rooms) -> Bound:
    """Return prices that rule out nothing, on whose way every site was open now and then."""
    n, m = len(rooms.load), len(rooms.room)
    none = np.zeros(m, dtype=bool)
    best = Choice(none, np.full(n, -1, dtype=np.int64), np.inf)
    return Bound(np.full(n, 50.0), 0.0, best, rooms.fits, none, none, share=np.full(m, 0.5))


def totals(rooms: Rooms, p: int) -> float:
    """Return the least total of any so many sites, if rows may be shared."""
    sets = (np.isin(np.arange(len(rooms.room)), one) for one in combinations(range(len(rooms.room)), p))
    return min(shared_total(rooms, one) for one in sets)


def test_a_window_of_all_sites_finds_the_best_of_every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_decide, "_DEAR", 99.0)
    compared = 0
    for seed in range(40):
        rooms, opened, _ = made(seed)
        if (start := shared_total(rooms, opened)) > 900.0:
            continue  # a row that nobody serves is no part of a window
        every = np.arange(len(opened))
        if any(len(room_decide._nearest(rooms, int(s), every >= 0)) < len(every) for s in every):
            continue  # sites without a row in common are in no window together
        found = decide_sites(rooms, stated(rooms), opened, deadline=Deadline(20.0))
        assert found.opened.sum() == opened.sum(), seed
        assert shared_total(rooms, found.opened) == pytest.approx(totals(rooms, int(opened.sum()))), seed
        compared += start > shared_total(rooms, found.opened)
    assert compared > 3


def test_windows_make_no_set_worse_and_leave_still_what_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_decide, "_WIDE", 3)
    for seed in range(40):
        rooms, opened, rng = made(seed)
        shut: Flags = ~opened & (rng.random(len(opened)) < 0.3)
        kept: Flags = opened & (rng.random(len(opened)) < 0.3)
        state = replace(stated(rooms), fixed=kept, banned=shut)
        found = decide_sites(rooms, state, opened, deadline=Deadline(20.0))
        assert shared_total(rooms, found.opened) <= shared_total(rooms, opened) + 1e-6, seed
        assert found.opened[kept].all(), seed
        assert not found.opened[shut].any(), seed
