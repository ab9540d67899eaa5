"""Which sets of rows are left at all, where those are few, and what are sites worth with the best of them?

All sets that a choice of at most a total can have are listed once a bound is near enough to it; from then on they are
priced one by one (Baldacci, Christofides and Mingozzi, "An exact algorithm for the vehicle routing problem based on the
set partitioning formulation with additional cuts", 2008).
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.room.fill import join, look_ahead, part, sizes
from spatial.siting.room.price import list_items
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.sets import add_rest
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import kernel

_ROWS_PER_SET = 40
_VISITS_PER_SET = 400

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


def list_pool(rooms: Rooms, prices: Floats, alive: Flags, fines: ByRow, limit: Floats, most: int) -> Pool | None:
    """Return the sets whose sum of cost less prices with fines is at most their site's limit; None for too many."""
    ptr, site, cost = np.zeros(most + 2, np.int64), np.empty(most + 1, np.int64), np.empty(most + 1)
    row = np.empty(_ROWS_PER_SET * most, np.int64)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, alive)
    count = _list(*told, *fines, limit, ptr, row, site, cost, most, _VISITS_PER_SET * most)
    if count < 0:
        return None
    return Pool(ptr[: count + 1], row[: ptr[count]].copy(), site[:count].copy(), cost[:count].copy(), np.arange(count))


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
    ptr, row, cost, load, room, prices, open_to, tptr, triple, fine, limit,
    out_ptr, out_row, out_site, out_cost, most, visits,
):  # fmt: skip
    """List the sets of each site within its limit; return how many, -1 for too many."""
    size, width = sizes(ptr, room)
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    chosen, met, ahead = np.empty(size + 1, np.int64), np.zeros(len(fine) + 1, np.int64), np.zeros((size + 1, width))
    count = np.int64(0)
    for s in range(len(room)):
        if limit[s] == -np.inf:
            continue
        helps = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        told = (ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, gain, weight, helps, limit[s])
        many = add_rest(*told)
        look_ahead(gain, weight, many, np.int64(room[s]), ahead)
        at, depth, value, left = np.int64(0), np.int64(0), 0.0, np.int64(room[s])
        while True:
            visits -= 1
            if visits < 0:
                return np.int64(-1)
            if at < many and value + (ahead[at, left] if at < helps else gain[at]) >= -limit[s]:
                after = left - np.int64(weight[at])
                if after >= 0 and value + gain[at] + ahead[at + 1, after] >= -limit[s]:
                    chosen[depth] = at
                    depth += 1
                    value += gain[at] - join(row[items[at]], tptr, triple, fine, met)
                    left = after
                    if value >= -limit[s]:
                        if count == most or out_ptr[count] + depth > len(out_row):
                            return np.int64(-1)
                        out_ptr[count + 1], out_site[count], out_cost[count] = out_ptr[count] + depth, s, 0.0
                        for h in range(depth):
                            out_row[out_ptr[count] + h] = row[items[chosen[h]]]
                            out_cost[count] += cost[items[chosen[h]]]
                        count += 1
                at += 1
                continue
            if depth == 0:
                break
            depth -= 1
            at = chosen[depth]
            value -= gain[at] - part(row[items[at]], tptr, triple, fine, met)
            left += np.int64(weight[at])
            at += 1
    return count
