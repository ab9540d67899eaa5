"""Which open site should give way to which shut one, where rows are small against the room of a site?

The prices of room at the open sites tell at once how low the total can be after each exchange (they stay prices of the
transport problem, and the newcomer is filled with what gains most for its load); only exchanges that may pay are
carried out, and a chain of moves settles each (see ``flow.py``).
"""

import sys
from dataclasses import dataclass

import numpy as np

from spatial.siting.room.flow import fill_sites
from spatial.siting.room.price import price_sites
from spatial.siting.room.rooms import Choice, Rooms, search_rooms, value_of_choice
from spatial.siting.ways import Deadline, Flags, Floats, Ints
from spatial.walking.compiled import kernel

_TRIED, _LISTED = 4, 40
"""Exchanges that are carried out in a step, and likely ones looked at for those."""
_REST, _MORE_REST = 3, 6
"""Steps for which a site that was opened or shut stays so, and up to how many more, by chance."""
_FAR = 0.01
"""How much worse than the best the search may become before it goes back there, as a share."""
_MOST_CHAINS = 1500
_SURE = 4.0
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Filled:
    """Open sites by column, what rows pay there (last: nobody), the column of each, prices of room, the total."""

    site: Ints
    paid: Floats
    who: Ints
    price: Floats
    value: float


def swap_rooms(
    rooms: Rooms, opened: Flags, still: Flags, *, deadline: Deadline, seed: int, steps: int = sys.maxsize
) -> Choice:
    """Return the best choice met by exchanges of sites from some open ones; the ``still`` ones do not move.

    Each step makes the best of the likeliest exchanges, be it for the better or the worse, among sites that have not
    moved of late (a tabu search).
    """
    rng = np.random.default_rng(seed)
    lost = finite_lost(rooms)
    now = best = _fill_first(rooms, np.flatnonzero(opened), lost)
    free, step = np.zeros(len(rooms.room), dtype=np.int64), 0
    while step < steps and deadline.left() > 0.0:
        step += 1
        pairs, least = _likely_pairs(rooms, now, still)
        if not len(pairs):
            break
        moved = (free[now.site[pairs[:, 0]]] > step) | (free[pairs[:, 1]] > step)
        pick = (~moved & (least < best.value * (1 + _FAR))) | (least < best.value * (1 - _HAIR))
        made = _best_exchange(rooms, now, pairs[pick], best.value * (1 + _FAR), deadline)
        if made is None:  # from the best on, by any exchange
            pairs, _ = (pairs, least) if now is best else _likely_pairs(rooms, best, still)
            out, new = pairs[int(rng.integers(len(pairs)))].tolist()
            made = _exchange(rooms, best, out, new, np.inf), [int(best.site[out]), new]
        now, changed = made
        free[changed] = step + _REST + rng.integers(0, _MORE_REST, 2)
        if now.value < best.value * (1 - _HAIR):
            best = now
    return _choice_of(rooms, best)


def finite_lost(rooms: Rooms) -> Floats:
    """Return what a row costs that nobody serves, much more than any site asks where all have to be served."""
    dear = float(rooms.paid.max(initial=0.0)) + 1.0
    light = max(float(rooms.load.mean()), _HAIR)
    return np.where(np.isfinite(rooms.lost), rooms.lost, _SURE * dear * (1.0 + rooms.load / light))


def _column(rooms: Rooms, site: int) -> Floats:
    """Return what each row pays at a site; infinite where that does not serve it."""
    out = np.full(len(rooms.load), np.inf)
    part = slice(rooms.ptr[site], rooms.ptr[site + 1])
    row = rooms.row[part]
    out[row] = np.where(rooms.load[row] <= rooms.room[site], rooms.cost[part], np.inf)
    return out


def _fill_first(rooms: Rooms, site: Ints, lost: Floats) -> Filled:
    """Return the open sites filled from scratch."""
    paid = np.ascontiguousarray(np.stack([*(_column(rooms, int(s)) for s in site), lost], axis=1))
    return _filled(rooms, site, paid, np.argmin(paid, axis=1), np.zeros(len(site) + 1), np.inf)


def _filled(rooms: Rooms, site: Ints, paid: Floats, who: Ints, price: Floats, enough: float) -> Filled:
    room = np.r_[rooms.room[site], np.inf]
    value = fill_sites(paid, rooms.load, room, who, price, _MOST_CHAINS, enough)
    return Filled(site, paid, who, np.where(np.isfinite(price), np.maximum(price, 0.0), 0.0), value)


def _exchange(rooms: Rooms, now: Filled, out: int, new: int, enough: float) -> Filled:
    """Return the open sites after the column ``out`` has been given to the site ``new``."""
    paid, who, site, price = now.paid.copy(), now.who.copy(), now.site.copy(), now.price.copy()
    price[out], site[out] = np.inf, new
    paid[:, out] = np.inf
    gone = np.flatnonzero(who == out)
    who[gone] = np.argmin(_asked(paid[gone], rooms.load[gone], price), axis=1)
    every = np.arange(len(who))
    asked = paid[every, who] + price[who] * rooms.load
    paid[:, out] = _column(rooms, new)
    gain = asked - paid[:, out]
    like = np.flatnonzero(gain > 0.0)
    like = like[np.argsort(-gain[like] / np.maximum(rooms.load[like], _HAIR), kind="stable")]
    who[like[np.cumsum(rooms.load[like]) <= rooms.room[new]]] = out
    return _filled(rooms, site, paid, who, price, enough)


def _asked(paid: Floats, load: Floats, price: Floats) -> Floats:
    """Return what each column asks of each row: its cost, and the price of the room it takes."""
    room = np.where(np.isfinite(price), price, 0.0)
    return np.asarray(paid + load[:, None] * room)


def _best_exchange(
    rooms: Rooms, now: Filled, pairs: Ints, enough: float, deadline: Deadline
) -> tuple[Filled, list[int]] | None:
    """Return what the best of the likeliest exchanges leads to, at the first that pays, and the sites it changed."""
    found, value = None, enough
    for out, new in pairs[:_TRIED].tolist():
        other = _exchange(rooms, now, out, new, value)
        if other.value < value:
            found, value = (other, [int(now.site[out]), new]), other.value
        if value < now.value * (1 - _HAIR) or deadline.left() <= 0.0:
            break
    return found


def _likely_pairs(rooms: Rooms, now: Filled, still: Flags) -> tuple[Ints, Floats]:
    """Return column and site of the likeliest exchanges and the totals the prices allow them, the lowest first."""
    every, width = np.arange(len(now.who)), len(now.site)
    asked = _asked(now.paid, rooms.load, now.price)
    own = asked[every, now.who]
    asked[every, now.who] = np.inf
    dear = float(now.paid[:, -1].max(initial=0.0))
    other = np.where(now.who < width, np.minimum(asked.min(axis=1), dear), own)
    opened = np.zeros(len(rooms.room), dtype=bool)
    opened[now.site] = True
    new = np.flatnonzero(~opened & ~still)
    worth, share = np.zeros(len(rooms.room)), np.zeros(len(rooms.row))
    price_sites(rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, own, rooms.fits, False, worth, share)
    extra = np.zeros((len(new), width + 1))
    _list_extra(rooms.ptr, rooms.row, rooms.cost, new, now.who, own, other, extra)
    closing = np.bincount(now.who, other - own, width + 1)[:width] + now.price[:width] * rooms.room[now.site]
    low = own.sum() - now.price[:width] @ rooms.room[now.site]
    least = low + closing[None] + worth[new, None] - extra[:, :width]
    least[:, still[now.site]] = np.inf
    order = np.argsort(least, axis=None, kind="stable")[:_LISTED]
    order = order[np.isfinite(least.ravel()[order])]
    return np.asarray(np.c_[order % width, new[order // width]], dtype=np.int64), np.asarray(least.ravel()[order])


@kernel
def _list_extra(ptr, row, cost, new, who, own, other, extra):  # type: ignore[no-untyped-def]
    """Add up what each new site gains beside its worth from the rows of each column, if that one is shut."""
    for h in range(len(new)):
        for k in range(ptr[new[h]], ptr[new[h] + 1]):
            i = row[k]
            if cost[k] < other[i]:
                extra[h, who[i]] += other[i] - max(own[i], cost[k])


def fill_whole(rooms: Rooms, site: Ints, who: Ints, price: Floats, lost: Floats) -> Choice:
    """Return open sites filled with whole rows, beginning with the column of each (last: nobody) and prices of room.

    What chains leave undone rows do one by one, if need be in each other's stead.
    """
    paid = np.ascontiguousarray(np.stack([*(_column(rooms, int(s)) for s in site), lost], axis=1))
    found = _choice_of(rooms, _filled(rooms, site, paid, who.copy(), price.copy(), np.inf))
    if not np.isfinite(found.value):
        return found
    still = np.ones(len(rooms.room), dtype=np.bool_)
    return search_rooms(rooms, found.opened, still, tries=0, seed=0, deadline=Deadline(0.0), served=found.served)


def _choice_of(rooms: Rooms, best: Filled) -> Choice:
    """Return the filled sites as a choice."""
    opened, served = np.zeros(len(rooms.room), dtype=bool), np.r_[best.site, -1][best.who]
    opened[best.site] = True
    return Choice(opened, served, value_of_choice(rooms, opened, served) if np.isfinite(best.value) else np.inf)
