"""Can a choice be bettered among a few open sites next to each other? Such windows are decided one by one.

A window has the rows that those sites serve; the sites may move to any near these rows that are not open elsewhere
(Stefanello, de Araujo and Mueller, "Matheuristics for the capacitated p-median problem", 2015).
"""

from dataclasses import replace

import numpy as np

from spatial.siting.room.bound import bound_rooms, is_closed
from spatial.siting.room.branch import branch_sets
from spatial.siting.room.climb import goal_of
from spatial.siting.room.rooms import Choice, Rooms, list_rooms, value_of_choice
from spatial.siting.ways import Deadline, Floats, Ints, Ways, row_of

_SIZES = (3, 5)
"""Open sites of a window: small ones first, wider ones once no small one is bettered."""
_WINDOW_S = 1.0
_NEAREST = 3
"""So many of the nearest sites of each of its rows may open in a window."""


def better_windows(rooms: Rooms, best: Choice, *, deadline: Deadline, seed: int) -> Choice:
    """Return the choice after all windows were decided, as far as time does."""
    known: set[tuple[bytes, bytes]] = set()
    dense = np.full((len(rooms.room), rooms.question.rows), 2.0 * float(rooms.cost.max(initial=0.0)) + 1.0)
    dense[rooms.site, rooms.row] = rooms.cost
    for size in _SIZES:
        turn = 0
        while turn < len(opened := np.flatnonzero(best.opened)) and size < len(opened):
            if deadline.left() <= 0.0:
                return best
            near = _neighbours(dense, best, opened, int(opened[turn]), size)
            rows = _rows_of(rooms, best, near)
            key, turn = (near.tobytes(), rows.tobytes()), turn + 1
            if key in known:
                continue
            known.add(key)
            found = _decided(rooms, best, near, rows, deadline, seed)
            if found.value < best.value:
                best, turn = found, 0
    return best


def _neighbours(dense: Floats, best: Choice, opened: Ints, site: int, size: int) -> Ints:
    """Return the open sites at which the rows of one of them would cost least, in ascending order."""
    toll = dense[opened][:, best.served == site].sum(axis=1)
    toll[opened == site] = -1.0
    return np.sort(opened[np.argsort(toll, kind="stable")[:size]])


def _rows_of(rooms: Rooms, best: Choice, near: Ints) -> Ints:
    """Return the rows that some sites serve, and those that nobody does and they might."""
    may = np.isin(best.served, near)
    may[rooms.row[np.isin(rooms.site, near) & (best.served[rooms.row] < 0)]] = True
    return np.flatnonzero(may)


def _decided(rooms: Rooms, best: Choice, near: Ints, rows: Ints, deadline: Deadline, seed: int) -> Choice:
    """Return the choice with the best one of a window that was found in its time."""
    sites = _sites_of(rooms, best, near, rows)
    window = _window(rooms, sites, rows, near)
    place = np.full(len(rooms.room), -1, dtype=np.int64)
    place[sites] = np.arange(len(sites))
    served = best.served[rows]
    who = np.where(served < 0, -1, place[served])
    now = Choice(best.opened[sites], who, value_of_choice(window, best.opened[sites], who))
    short = Deadline(min(_WINDOW_S, deadline.left()), clock=deadline.clock)
    state = bound_rooms(window, deadline=short, seed=seed, enough=goal_of(window, now.value), best=now)
    if not is_closed(window, state):
        state = branch_sets(window, state, deadline=short, seed=seed)
    if state.best.value >= now.value:
        return best
    opened, served = best.opened.copy(), best.served.copy()
    opened[sites] = state.best.opened
    served[rows] = np.where(state.best.served < 0, -1, sites[state.best.served])
    return Choice(opened, served, value_of_choice(rooms, opened, served))


def _sites_of(rooms: Rooms, best: Choice, near: Ints, rows: Ints) -> Ints:
    """Return the sites that may open in a window: its own, and the nearest ones of its rows that are not open."""
    ways, shut = rooms.question.ways, ~best.opened & ~rooms.question.banned
    row = row_of(ways)
    inside = np.isin(row, rows) & shut[ways.site]
    row, site = row[inside], ways.site[inside].astype(np.int64)
    first = np.searchsorted(row, row)  # entries of a row stand nearest first
    return np.union1d(near, site[np.arange(len(row)) - first < _NEAREST])


def _window(rooms: Rooms, sites: Ints, rows: Ints, near: Ints) -> Rooms:
    """Return the question of some rows and sites; as many may be open as are now."""
    question, ways = rooms.question, rooms.question.ways
    may, asks = np.zeros(len(rooms.room), dtype=bool), np.zeros(question.rows, dtype=bool)
    may[sites], asks[rows] = True, True
    place, row = np.cumsum(may) - 1, row_of(ways)
    inside = asks[row] & may[ways.site]
    size = np.bincount(row[inside], minlength=question.rows)[rows]
    return list_rooms(
        replace(
            question,
            ways=Ways(
                np.r_[0, np.cumsum(size)].astype(ways.ptr.dtype),
                place[ways.site[inside]].astype(ways.site.dtype),
                ways.cost[inside],
                len(sites),
            ),
            weight=question.weight[rows],
            load=question.load[rows],
            p=int(question.counted[near].sum()),
            counted=question.counted[sites],
            fixed=question.fixed[sites],
            banned=question.banned[sites],
            charge=question.charge[sites],
            price=question.price[sites],
            capacity=question.capacity[sites],
        )
    )
