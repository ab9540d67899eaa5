"""Which sets of rows are left at all, where those are few, and what are sites worth with the best of them?

All sets that a choice of at most a total can have are listed once a bound is near enough to it; from then on they are
priced one by one (Baldacci, Christofides and Mingozzi, "An exact algorithm for the vehicle routing problem based on the
set partitioning formulation with additional cuts", 2008).
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.room.fill import LEFT, VISITS, join, look_ahead, next_set, sizes
from spatial.siting.room.price import list_items
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.sets import add_rest
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import inner, kernel

_ROWS_PER_SET = 40
_VISITS_PER_SET = 100
_NARROW, _MOST_BELOW = 0.2, 0.999
"""Share of the gap by which limits come down where visits do not do, and the share of it that is all of it."""

ByRow = tuple[Ints, Ints, Floats]
"""Which triples each row is in, as places in the fines that come last."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Sets of rows: where each begins, its rows, its site, its cost; and the numbers of those that are still inside."""

    ptr: Ints
    row: Ints
    site: Ints
    cost: Floats
    inside: Ints


def list_pool(
    rooms: Rooms, prices: Floats, alive: Flags, fines: ByRow, limit: Floats, gap: float, most: int
) -> tuple[Pool, float] | None:
    """Return the sets whose sum of cost less prices with fines is at most their site's limit, and how far below it.

    That is nothing unless more than ``most`` sets would be left, or it took too long; None where it is the gap.
    """
    ptr, site, cost, below = np.zeros(most + 2, np.int64), np.empty(most, np.int64), np.empty(most), np.empty(most)
    row = np.empty(_ROWS_PER_SET * most, np.int64)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, alive)
    count, lower = _list(*told, *fines, limit, gap, ptr, row, site, cost, below, _VISITS_PER_SET * most)
    if count < 0:
        return None
    part = (ptr[: count + 1].copy(), row[: ptr[count]].copy(), site[:count].copy(), cost[:count].copy())
    return Pool(*part, np.arange(count)), float(lower)


def keep_open(pool: Pool, rooms: Rooms, alive: Flags) -> Pool:
    """Return the pool with only the sets all of whose entries are alive."""
    may = np.zeros((len(rooms.room), len(rooms.load)), dtype=bool)
    may[rooms.site[alive], rooms.row[alive]] = True
    kept = np.empty(len(pool.inside), dtype=bool)
    _flag_open(pool.inside, pool.ptr, pool.row, pool.site, may, kept)
    return replace(pool, inside=pool.inside[kept])


def keep_within(pool: Pool, rooms: Rooms, prices: Floats, fines: ByRow, limit: Floats) -> tuple[Pool, Flags]:
    """Return the pool with only the sets within their site's limit, and the entries that are in any of them."""
    _, _, value = price_pool(pool, rooms, prices, fines, 1)
    kept = pool.inside[value <= limit[pool.site[pool.inside]]]
    may = np.zeros((len(rooms.room), len(rooms.load)), dtype=bool)
    _flag_rows(kept, pool.ptr, pool.row, pool.site, may)
    return replace(pool, inside=kept), may[rooms.site, rooms.row]


def name_sets(pool: Pool, rooms: Rooms) -> Ints:
    """Return a number for each set that hardly two of them share: a sum of random ones for its site and rows."""
    rng, high = np.random.default_rng(0), 2**62
    of_site, of_row = rng.integers(0, high, len(rooms.room)), rng.integers(0, high, len(rooms.load))
    sums = np.r_[0, np.cumsum(of_row[pool.row])]
    return np.asarray(of_site[pool.site] + sums[pool.ptr[1:]] - sums[pool.ptr[:-1]])


def price_pool(pool: Pool, rooms: Rooms, prices: Floats, fines: ByRow, each: int) -> tuple[Floats, Ints, Floats]:
    """Return the least sum of cost less prices with fines of each site, at most zero; its best sets; and all sums.

    The best sets come as numbers, ``each`` places to a site, -1 for none.
    """
    m = len(rooms.room)
    least, best = np.zeros((m, each)), np.full((m, each), -1, np.int64)
    value = np.empty(len(pool.inside))
    _price(pool.inside, pool.ptr, pool.row, pool.site, pool.cost, prices, *fines, least, best, value)
    return least[:, 0].copy(), best, value


@kernel
def _price(inside, ptr, row, site, cost, prices, tptr, triple, fine, least, best, value):  # type: ignore[no-untyped-def]
    """Write what each set inside adds to, and the best sets of each site, the best one first."""
    met = np.zeros(len(fine) + 1, np.int64)
    for q in range(len(inside)):
        c = inside[q]
        total = cost[c]
        for h in range(ptr[c], ptr[c + 1]):
            total += join(row[h], tptr, triple, fine, met) - prices[row[h]]
        for h in range(ptr[c], ptr[c + 1]):
            for e in range(tptr[row[h]], tptr[row[h] + 1]):
                met[triple[e]] = 0
        value[q] = total
        s, at = site[c], least.shape[1]
        while at > 0 and total < least[s, at - 1]:
            if at < least.shape[1]:
                least[s, at], best[s, at] = least[s, at - 1], best[s, at - 1]
            at -= 1
        if at < least.shape[1]:
            least[s, at], best[s, at] = total, c


@kernel
def _flag_open(inside, ptr, row, site, may, kept):  # type: ignore[no-untyped-def]
    for q in range(len(inside)):
        c = inside[q]
        kept[q] = True
        for h in range(ptr[c], ptr[c + 1]):
            kept[q] = kept[q] and may[site[c], row[h]]


@kernel
def _flag_rows(inside, ptr, row, site, may):  # type: ignore[no-untyped-def]
    for c in inside:
        for h in range(ptr[c], ptr[c + 1]):
            may[site[c], row[h]] = True


@kernel
def _list(  # type: ignore[no-untyped-def]
    ptr, row, cost, load, room, prices, open_to, tptr, triple, fine, limit, gap,
    out_ptr, out_row, out_site, out_cost, out_below, visits,
):  # fmt: skip
    """List the sets of each site within its limit; return how many, and how far below limits they are.

    That is as little as leaves places and visits enough; there are -1 sets where it is as much as the gap.
    """
    size, width = sizes(ptr, room)
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    chosen, met, ahead = np.empty(size + 1, np.int64), np.zeros(len(fine) + 1, np.int64), np.zeros((size + 1, width))
    place, value = np.zeros(4, np.int64), np.zeros(1)
    count, below, left = np.int64(0), 0.0, visits
    for s in range(len(room)):
        if limit[s] == -np.inf:
            continue
        helps = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        told = (ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, gain, weight, helps)
        many = add_rest(*told, limit[s] - below)
        look_ahead(gain, weight, many, np.int64(room[s]), ahead)
        search = (row, items, gain, weight, helps, many, tptr, triple, fine)
        place[:], value[0] = 0, 0.0
        place[LEFT] = np.int64(room[s])
        while True:
            place[VISITS] = left
            size = next_set(search, chosen, met, ahead, place, value, below - limit[s])
            left = place[VISITS]
            if size == 0:
                break
            if size < 0 or count == len(out_site) or out_ptr[count] + size > len(out_row):
                below = below + _NARROW * (gap - below) if size < 0 else _upper_half(out_below[:count], gap)
                count, left = _thin(out_ptr, out_row, out_site, out_cost, out_below, count, below), visits
                if below >= _MOST_BELOW * gap:
                    return np.int64(-1), gap
            if size > 0 and value[0] >= below - limit[s]:
                out_ptr[count + 1], out_site[count], out_cost[count] = out_ptr[count] + size, s, 0.0
                out_below[count] = limit[s] + value[0]
                for h in range(size):
                    out_row[out_ptr[count] + h] = row[items[chosen[h]]]
                    out_cost[count] += cost[items[chosen[h]]]
                count += 1
    return count, below


@inner
def _upper_half(values, gap):  # type: ignore[no-untyped-def]
    """Return the least of those values that are more than the middle one, the gap if there are none."""
    if len(values) == 0:
        return gap
    middle, least = np.partition(values, len(values) // 2)[len(values) // 2], gap
    for one in values:
        if one > middle:
            least = min(least, one)
    return least


@inner
def _thin(out_ptr, out_row, out_site, out_cost, out_below, count, below):  # type: ignore[no-untyped-def]
    """Keep only the sets so far below their limits; return how many."""
    kept = np.int64(0)
    for c in range(count):
        if out_below[c] >= below:
            first, last = out_ptr[c], out_ptr[c + 1]
            out_ptr[kept + 1] = out_ptr[kept] + last - first
            out_site[kept], out_cost[kept], out_below[kept] = out_site[c], out_cost[c], out_below[c]
            for h in range(last - first):
                out_row[out_ptr[kept] + h] = out_row[first + h]
            kept += 1
    return kept
