"""What are sites worth with the best of their sets of rows at prices and fines, and which sets does that leave?"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.room.bound import site_totals
from spatial.siting.room.climb import Bound, choose, total_of
from spatial.siting.room.fill import fill_sites, flag_sites
from spatial.siting.room.master import Taken
from spatial.siting.room.pool import ByRow, Pool, keep_within, list_pool, price_pool
from spatial.siting.room.rooms import Rooms
from spatial.siting.ways import Flags, Floats, Ints

_VISITS, _FLAG_VISITS = 400_000, 400_000
"""Steps that a search for the sets of one site may take: for the best ones, and for all that are good enough."""
_EACH = 2
_HAIR, _LITTLE = 1e-11, 1e-9


@dataclass(frozen=True, slots=True)
class Fined(Bound):
    """A bound whose prices go with fines on some triples of rows; the sets that are left, if they have been listed."""

    triples: Ints
    fines: Floats
    pool: Pool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The bound at some prices and fines, what each site is worth at them, and sets that pay there."""

    bound: float
    prices: Floats
    fines: Floats
    worth: Floats
    sets: list[Taken]


@dataclass(frozen=True, slots=True)
class Lifted:
    """A state with its bound; how far the mix opens each site and serves by each entry, and how many sets are left."""

    state: Fined
    opened: Floats
    share: Floats
    sets: float


def price_part(rooms: Rooms, state: Fined, prices: Floats, fines: Floats) -> Found:
    """Return what sites are worth at prices and fines, with some sets that are best there."""
    hair, by_row = _HAIR * max(float(prices.max(initial=0.0)), 1.0), _by_row(state.triples, fines, len(rooms.load))
    if state.pool is None:
        worth, sets = _filled(rooms, state, prices, by_row, hair)
    else:
        worth, best, _ = price_pool(state.pool, rooms, prices, by_row, _EACH)
        worth, sets = worth - hair, [_in_pool(state.pool, c) for c in best[best >= 0].tolist()]
    bound = total_of(prices, worth[choose(rooms, worth, state)]) - float(fines.sum()) * (1.0 + _HAIR)
    return Found(bound, prices, fines, worth, sets)


def _filled(rooms: Rooms, state: Fined, prices: Floats, by_row: ByRow, hair: float) -> tuple[Floats, list[Taken]]:
    """Return what sites are worth and sets that are best there, from all that a part may have."""
    m, longest = len(rooms.room), int(np.diff(rooms.ptr).max(initial=0))
    entry, held = np.empty((m, _EACH, longest), np.int64), np.zeros((m, _EACH), np.int64)
    worth, new = np.empty(m), max(rooms.most - int((state.fixed & ~rooms.question.fixed).sum()), 0)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, state.alive)
    fill_sites(*told, *by_row, state.fixed, new, hair, _VISITS, entry, held, worth)
    return worth, [taken_of(rooms, s, entry[s, q, : held[s, q]]) for s, q in np.argwhere(held > 0).tolist()]


def _in_pool(pool: Pool, number: int) -> Taken:
    rows = pool.row[pool.ptr[number] : pool.ptr[number + 1]]
    return Taken(int(pool.site[number]), np.sort(rows), float(pool.cost[number]), number)


def taken_of(rooms: Rooms, site: int, entry: Ints) -> Taken:
    """Return entries of one site as a set."""
    return Taken(site, np.sort(rooms.row[entry]), float(rooms.cost[entry].sum()))


def _by_row(triples: Ints, fines: Floats, rows: int) -> ByRow:
    """Return by row which triples with a fine it is in, as places in the fines that follow."""
    some = np.flatnonzero(fines > 0.0)
    row = triples[some].ravel()
    ptr = np.r_[0, np.cumsum(np.bincount(row, minlength=rows))]
    return ptr, np.repeat(np.arange(len(some)), 3)[np.argsort(row, kind="stable")], fines[some]


def cut_part(rooms: Rooms, state: Fined, opened: Floats, share: Floats, goal: float) -> Lifted:
    """Return the part without what is in no set that a choice of at most this total can have."""
    limit, banned, fixed = _limits(rooms, state, goal)
    by_row = _by_row(state.triples, state.fines, len(rooms.load))
    if state.pool is not None:
        pool, flags = keep_within(state.pool, rooms, state.prices, by_row, limit)
        state, sets = replace(state, pool=pool), float(len(pool.inside))
    else:
        flags = np.zeros(len(rooms.row), dtype=bool)
        told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, state.alive)
        sets = flag_sites(*told, *by_row, limit, _FLAG_VISITS, flags)
    return Lifted(replace(state, alive=flags & state.alive, fixed=fixed, banned=banned), opened, share, sets)


def _limits(rooms: Rooms, state: Fined, goal: float) -> tuple[Floats, Flags, Flags]:
    """Return what sets of each site add to at most in a choice of at most a total, and sites it has not, and has."""
    found = price_part(rooms, state, state.prices, state.fines)
    opens, shuts = site_totals(rooms, state, found.worth, found.bound)
    limit = goal - (opens - found.worth) + _LITTLE * max(abs(goal), 1.0)
    banned = state.banned | (opens > goal)
    limit[banned] = -np.inf
    return limit, banned, state.fixed | (shuts > goal)


def pool_of(rooms: Rooms, state: Fined, goal: float, most: int) -> tuple[Fined, float]:
    """Return the state with all sets listed that choices of at most a total can have, and that total.

    That is the goal, or as near to it as leaves no more than ``most`` sets; where none above the bound does, it is the
    goal without a list.
    """
    limit, banned, fixed = _limits(rooms, state, goal)
    by_row = _by_row(state.triples, state.fines, len(rooms.load))
    listed = list_pool(rooms, state.prices, state.alive, by_row, limit, goal - state.bound, most) if most else None
    if listed is None:
        return replace(state, banned=banned, fixed=fixed), goal
    return replace(state, banned=banned, fixed=fixed, pool=listed[0]), goal - listed[1]
