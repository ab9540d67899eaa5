"""Which of some neighbouring sites with limited room should be open, decided exactly as if rows may be shared?

A window is some sites about one of which prices on their way and the present choice disagree. A mixed-integer model
says which as many of them are best for what they serve now, by entries that the prices hardly rule out (a local search
by exact models; Taillard and Voss, POPMUSIC, 2002). Sites that prices opened always stay open.
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.mip import Mip, Rows, solve_mip
from spatial.siting.room.climb import Bound, hardly_open
from spatial.siting.room.price import price_sites
from spatial.siting.room.rooms import Choice, Rooms
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import Split, begun_split, filled_split
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_WIDE = 30
"""Sites of a window."""
_INNER = 3
"""The nearest of so many sites of a window do not begin another one."""
_DEAR = 0.05
"""How much more than a row's price an entry with its room may cost, as a share of that price."""
_SURE, _DOUBT = 0.995, 0.02
"""Share of rounds from which on an open site stays, and by how much it differs from the choice to begin a window."""
_LITTLE, _HAIR = 1e-9, 1e-6


@dataclass(frozen=True, slots=True)
class Window:
    """Sites of a window; how much load of each row they serve; entries by row, site and whether they serve now."""

    site: Ints
    load: Floats
    row: Ints
    at: Ints
    cost: Floats
    share: Floats


def decide_sites(rooms: Rooms, state: Bound, opened: Flags, *, deadline: Deadline) -> Choice:
    """Return the choice that windows decided one after another lead to from some open sites."""
    lost, over = finite_lost(rooms), too_dear(rooms, state.prices, _DEAR)
    split, now = begun_split(rooms, opened, lost), opened.copy()
    still = state.fixed | state.banned | (hardly_open(rooms, state) & ~opened)
    while deadline.left() > 0.0:
        seen, better = still.copy(), False
        while deadline.left() > 0.0 and (seed := _doubtful(state.share, now, seen)) >= 0:
            near = _nearest(rooms, seed, ~still | now)
            seen[near[: max(len(near) // _INNER, 1)]] = True
            window = _window(rooms, split, np.sort(near), over)
            stays = now & (still | (state.share >= _SURE))
            other = _decided(rooms, window, now, stays, deadline)
            if other is None:
                continue
            new = begun_split(rooms, other, lost)
            if new.total < split.total * (1 - _LITTLE):
                split, now, better = new, other, True
        if not better:
            break
    return filled_split(rooms, split.kept(), lost)


def _doubtful(share: Floats, now: Flags, seen: Flags) -> int:
    """Return the site about which share and choice differ most, of those not seen; -1 if none differs much."""
    differ = np.where(seen, 0.0, np.abs(share - now))
    return int(np.argmax(differ)) if differ.max(initial=0.0) >= _DOUBT else -1


def decide_region(
    rooms: Rooms, split: Split, now: Flags, site: Ints, stays: Flags, over: Flags, deadline: Deadline
) -> Flags | None:
    """Return the best open sites among some that hold all that are open now, if others are better; all rows may move.

    The ``stays`` ones stay open; entries that are ``over`` serve only what they serve now.
    """
    return _decided(rooms, _window(rooms, split, site, over), now, stays, deadline)


def too_dear(rooms: Rooms, prices: Floats, most: float) -> Flags:
    """Return which entries cost, with the price of their room, more than their row's price by more than a share."""
    site, load, paid = rooms.site, rooms.load[rooms.row], prices[rooms.row]
    more = rooms.cost + load * rates_of(rooms, prices)[site] - paid
    return np.asarray((more > most * paid) | (load > rooms.room[site]))


def rates_of(rooms: Rooms, prices: Floats) -> Floats:
    """Return what a unit of room is worth at each site at some prices of rows: nothing where room is left."""
    worth, share, rate = np.zeros(len(rooms.room)), np.zeros(len(rooms.row)), np.full(len(rooms.room), np.inf)
    price_sites(rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, rooms.fits, False, worth, share)
    load = rooms.load[rooms.row]
    part = np.flatnonzero((share > 0.0) & (load > 0.0))
    np.minimum.at(rate, rooms.site[part], (prices[rooms.row[part]] - rooms.cost[part]) / load[part])
    full = np.bincount(rooms.site, load * share, len(rooms.room)) >= rooms.room * (1 - _HAIR)
    return np.where(full & np.isfinite(rate), rate, 0.0)


def _nearest(rooms: Rooms, seed: int, inside: Flags) -> Ints:
    """Return the sites of a window, beginning with its seed: those that have the cheapest row in common with it."""
    each = rooms.cost / np.maximum(rooms.load[rooms.row], _HAIR)
    least = np.full(len(rooms.load), np.inf)
    own = slice(rooms.ptr[seed], rooms.ptr[seed + 1])
    least[rooms.row[own]] = each[own]
    way = np.full(len(rooms.room), np.inf)
    np.minimum.at(way, rooms.site, least[rooms.row] + each)
    way[~inside], way[seed] = np.inf, -1.0
    order = np.argsort(way, kind="stable")[:_WIDE]
    return np.asarray(order[np.isfinite(way[order])])


def _window(rooms: Rooms, split: Split, site: Ints, over: Flags) -> Window:
    """Return a window with what it serves now and the entries that may serve that."""
    n, m = len(rooms.load), len(rooms.room)
    inside = np.zeros(m + 1, dtype=bool)
    inside[site] = True
    now = np.flatnonzero(split.flow[0] > _LITTLE)
    row, at, sent = split.told[3][now].astype(np.int64), split.told[1][now].astype(np.int64), split.flow[0][now]
    part = inside[at]
    load = np.bincount(row[part], sent[part], n).astype(np.float64)
    serves = np.zeros(len(rooms.row))
    key = rooms.site * n + rooms.row
    order = np.argsort(key, kind="stable")
    serves[order[np.searchsorted(key[order], at[part] * n + row[part])]] = sent[part]
    pick = np.flatnonzero(inside[rooms.site] & (load[rooms.row] > 0.0) & (~over | (serves > 0.0)))
    return Window(site, load, rooms.row[pick], rooms.site[pick], rooms.cost[pick], serves[pick])


def _decided(rooms: Rooms, window: Window, now: Flags, stays: Flags, deadline: Deadline) -> Flags | None:
    """Return the open sites with the best ones of a window instead of its own, if others are better."""
    site, (rows, who) = window.site, np.unique(window.row, return_inverse=True)
    width, size = len(window.row), len(site)
    part = window.load[rows] / np.maximum(rooms.load[rows], _HAIR)
    place = np.searchsorted(site, window.at)
    cost = np.r_[window.cost * part[who], np.zeros(size)]
    start = np.r_[window.share / window.load[window.row], now[site].astype(float)]
    lower = np.r_[np.zeros(width), stays[site].astype(float)]
    model = Mip(
        cost=cost,
        offset=0.0,
        lower=lower,
        upper=np.ones(width + size),
        whole=np.arange(width + size) >= width,
        rows=tuple(_rows(rooms, window, who, place, int(now[site].sum()), np.flatnonzero(~stays[window.at]))),
    )
    found = solve_mip(model, start=start, time_limit_s=deadline.left())
    if found.x is None or cost @ found.x > cost @ start * (1 - _HAIR):
        return None
    other = now.copy()
    other[site] = found.x[width:] > 0.5
    return None if (other == now).all() else other


def _rows(rooms: Rooms, window: Window, who: Ints, place: Ints, most: int, tied: Ints) -> list[Rows]:
    """Return that all is served, that no site is fuller than its room, how many open, and that only these serve."""
    site, width, size = window.site, len(window.row), len(window.site)
    every, each, many = np.arange(width), np.arange(size), int(who.max(initial=-1)) + 1
    none, one = np.full(size, -np.inf), np.ones(many)
    return [
        Rows(who, every, np.ones(width), one, one),
        Rows(np.r_[place, each], np.r_[every, width + each],
             np.r_[window.load[window.row], -rooms.room[site]], none, np.zeros(size)),
        Rows(np.zeros(size, dtype=np.int64), width + each, np.ones(size), np.full(1, most), np.full(1, most)),
        Rows(np.r_[np.arange(len(tied)), np.arange(len(tied))], np.r_[tied, width + place[tied]],
             np.r_[np.ones(len(tied)), -np.ones(len(tied))], np.full(len(tied), -np.inf), np.zeros(len(tied))),
    ]  # fmt: skip
