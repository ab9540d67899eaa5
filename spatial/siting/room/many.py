"""Which sites with limited room should be open where rows are many? Prices and searches side by side, on two threads.

A first search among bundles of rows begins while prices still climb, another one at the prices they end with; what they
find is joined as in ``merge.py``, and the rows of the best sites are sent where a small model says.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np

from spatial.siting.room.bound import FAR, bound_rooms, is_closed, may_search, search_on
from spatial.siting.room.climb import Bound
from spatial.siting.room.decide import too_dear
from spatial.siting.room.merge import DEAR, join_sites, may_merge, merge_sites
from spatial.siting.room.near import list_near
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.settle import settle_rows
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import begun_split, filled_split
from spatial.siting.ways import Deadline, Flags

_BOUND_SHARE = 0.5
_TURNS = 500
"""Rounds of prices after which the first search begins."""
_END_SHARE, _JOIN_SHARE = 0.2, 0.3
"""Share of the time kept for a last model and for whole rows, and what of it that model may take."""


def settle_many(rooms: Rooms, *, deadline: Deadline, seed: int) -> Bound:
    """Return a bound and the best choice met, of a question with many rows."""
    searches, halted, jobs = may_search(rooms) and bool(rooms.paid.any()), Event(), list[Future[list[Flags]]]()
    until = Deadline(deadline.left(), clock=lambda: np.inf if halted.is_set() else deadline.clock())

    def look(now: Bound, _opened: Flags, turn: int) -> Bound:
        if searches and turn >= _TURNS and not jobs and may_merge(rooms, now):
            jobs.append(pool.submit(_found, rooms, now, until, seed))
        return now

    with ThreadPoolExecutor(1) as pool:
        try:
            short = Deadline(_BOUND_SHARE * deadline.left(), clock=deadline.clock)
            state = bound_rooms(rooms, deadline=short, seed=seed, look=look)
            if is_closed(rooms, state):
                return state
            if not jobs:
                return search_on(rooms, state, deadline, seed)
            own = _found(rooms, state, until, seed + 1)
            return _joined(rooms, state, [*own, *jobs[0].result()[::-1]], deadline, seed)
        finally:  # the other thread would go on until the end
            halted.set()


def _found(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> list[Flags]:
    """Return the open sites that a search among bundles leads to before the end, the best ones first."""
    near = list_near(rooms, state.prices, state.best.served, FAR).rooms
    short = Deadline(deadline.left() - _END_SHARE * deadline.budget_s, clock=deadline.clock)
    return merge_sites(rooms, near, state, deadline=short, seed=seed)


def _joined(rooms: Rooms, state: Bound, sets: list[Flags], deadline: Deadline, seed: int) -> Bound:
    """Return the state with the best choice of what searches found, or of what they agree on."""
    near, lost = list_near(rooms, state.prices, state.best.served, FAR).rooms, finite_lost(rooms)
    short = Deadline(_JOIN_SHARE * deadline.left(), clock=deadline.clock)
    opened = join_sites(near, lost, too_dear(near, state.prices, DEAR), sets, short)
    found = filled_split(near, begun_split(near, opened, lost).kept(), lost)
    if not np.isfinite(found.value):
        return search_on(rooms, state, deadline, seed)
    found = settle_rows(near, found, deadline=deadline)
    return replace(state, best=found) if found.value < state.best.value else state
