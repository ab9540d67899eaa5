"""How low can a total be, where rows are served or not, if the rows of an area are looked at together?

What a row at a time proves is far from the truth where rows need two open sites: each row may pair the shares of its
sites as it likes. Here areas of rows pay their sites, each as far as a search of the area itself proves
(``area_branch.py``): Lagrangian decomposition into clusters (Senne, Pereira and Lorena, "A decomposition heuristic
for the maximal covering location problem", 2010). Areas have pairs of sites in common too, and would still pair them
each as it likes: so they pay each other for pairs that are open together, until they agree on pairs as on sites
(tighter relaxations of marginals: Sontag, Meltzer, Globerson, Jaakkola and Weiss, "Tightening LP relaxations for MAP
using message passing", 2008). To an area a pair is one more row, of no weight of its own: what it asks for a pair is
asked for both sites, less where none of them is open; what it gives for a pair is lacked unless both are.

Prices are found as those of single rows are (``rows.py``): shares stay near a centre that moves to them, and areas are
visited in turn; an area's prices are those at which a mix of the sets of sites met in it comes nearest to the shares
(Boland et al., "Combining progressive hedging with a Frank-Wolfe method to compute Lagrangian dual bounds", 2018).
Sets are met by steepest descent (``area_search.py``); what prices prove is told by searches of all sets, once in some
rounds.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from spatial.siting.general.area_branch import decide
from spatial.siting.general.area_mix import blend, keep_set
from spatial.siting.general.area_search import descend
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import inner, kernel

_COLUMNS = 100
"""Sets of sites that an area keeps."""
_TIMES, _STEPS = 4, 100
"""Sets that are sought at most in a visit of an area, and steps by which those that are known are mixed."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Rows by area, the sites and pairs of each area, and where prices stand.

    ``row_ptr`` and ``site_ptr`` are by area; of its places the first ``own`` are sites, whose names are in ``name``,
    the others pairs, whose numbers are there. Its last rows, as many as it has pairs, list the ends of these. ``ptr``
    is by row, ``site`` has for each entry the place of its site among those of its area. ``price`` is by entry and
    ``level`` by row, within areas; ``ask`` is what an area pays a site or for a pair, ``worth`` what it costs with the
    best set known for that, or proved. ``known`` has the sets of each area in columns, ``cost`` what its rows lack with
    them, ``part`` how far they are mixed and ``count`` how many there are.
    """

    row_ptr: Ints
    site_ptr: Ints
    own: Ints
    ptr: Ints
    site: Ints
    weight: Floats
    name: Ints
    price: Floats
    level: Floats
    ask: Floats
    worth: Floats
    known: Flags
    cost: Floats
    part: Floats
    count: Ints


def gather(
    label: Ints, matrix: sparse.csr_array, weight: Floats, price: Floats, level: Floats, ask: sparse.csr_array,
    worth: Floats, pairs: Ints,
) -> Areas:  # fmt: skip
    """Return the areas of these labels of rows, without a known set.

    ``matrix`` has the sites of each row, ``price`` its entries' prices; ``ask`` is by area and site. ``pairs`` has two
    sites in each row; an area has those of which it has both.
    """
    sizes, owns, names, lists, weights, prices, levels, asks = [], [], [], [], [], [], [], []
    for a in range(len(worth)):
        rows = np.flatnonzero(label == a)
        entry = np.concatenate([np.arange(matrix.indptr[i], matrix.indptr[i + 1]) for i in rows])
        name, slot = np.unique(matrix.indices[entry], return_inverse=True)
        place = np.full(matrix.shape[1], -1)
        place[name] = np.arange(len(name))
        both = np.flatnonzero((place[pairs] >= 0).all(axis=1))
        none = np.zeros(len(both))
        sizes.append(np.concatenate((np.diff(matrix.indptr)[rows], np.full(len(both), 2))))
        owns.append(len(name))
        names.append(np.concatenate((name, both)))
        lists.append(np.concatenate((slot, place[pairs[both]].ravel())))
        weights.append(np.concatenate((weight[rows], none)))
        prices.append(np.concatenate((price[entry], np.zeros(2 * len(both)))))
        levels.append(np.concatenate((level[rows], none)))
        asks.append(np.concatenate((np.asarray(ask[[a], :][:, name].toarray(), np.float64).ravel(), none)))
    places = sum(map(len, names))
    return Areas(
        _starts(map(len, sizes)), _starts(map(len, names)), np.array(owns, np.int64), _starts(np.concatenate(sizes)),
        np.concatenate(lists).astype(np.int64), np.concatenate(weights), np.concatenate(names).astype(np.int64),
        np.concatenate(prices), np.concatenate(levels), np.concatenate(asks), worth.copy(),
        np.zeros((_COLUMNS, places), np.bool_), np.zeros((_COLUMNS, len(worth))), np.zeros((_COLUMNS, len(worth))),
        np.zeros(len(worth), np.int64),
    )  # fmt: skip


def _starts(sizes: Any) -> Ints:
    """Return where each one starts that is so long, and where the last one ends."""
    return np.cumsum([0, *sizes], dtype=np.int64)


def know(areas: Areas, need: int, area: int, opened: Flags) -> None:
    """Add a set of sites, flags by site of the area, to those that the area knows, in place."""
    _know(
        area, opened, np.int64(need), areas.row_ptr, areas.site_ptr, areas.own, areas.ptr, areas.site, areas.weight,
        areas.ask, areas.known, areas.cost, areas.part, areas.count,
    )  # fmt: skip


@kernel
def _know(a, opened, need, row_ptr, site_ptr, own, ptr, site, weight, ask, known, cost, part, count):  # type: ignore[no-untyped-def]
    """Keep a set of sites of an area."""
    keep_set(a, opened, need, row_ptr, site_ptr, own, ptr, site, weight, ask, known, cost, part, count)


def columns(areas: Areas) -> tuple[Any, ...]:
    """Return all arrays, as the kernels take them."""
    return tuple(getattr(areas, one.name) for one in fields(areas))


@kernel
def visit(  # type: ignore[no-untyped-def]
    a, need, near, pair_near, sites, pairs, row_ptr, site_ptr, own, ptr, site, weight, name, price, level, ask, worth,
    known, cost, part, count,
):  # fmt: skip
    """Give an area the prices that are best for the sets known, or as far as they gain if each search meets a new one.

    ``sites`` and ``near`` are as in ``rows.py``. ``pairs`` has rows for where pairs are drawn to, what they are paid
    and how far they are open.
    """
    first, last = site_ptr[a], site_ptr[a + 1]
    size, own_size = last - first, own[a]
    free, new = np.empty(size), np.zeros(size)
    low, high = np.empty(own_size), np.empty(own_size)
    for t in range(own_size):
        low[t], high[t] = sites[0, name[first + t]], sites[1, name[first + t]]
    for k in range(count[a]):
        for t in range(own_size):
            if (known[k, first + t] and high[t] < 0.5) or (not known[k, first + t] and low[t] > 0.5):
                cost[k, a] = np.inf
    best, weights, needs, asked = _posing(a, need, row_ptr, own, weight)
    for turn in range(_TIMES):
        for t in range(size):
            j = name[first + t]
            if t < own_size:
                aim = sites[2, j] + (sites[3, j] + sites[4, j] - ask[first + t]) / near
                free[t] = aim if low[t] < 0.5 else 1.0
            else:
                free[t] = pairs[0, j] + (pairs[1, j] - ask[first + t]) / pair_near
        if not blend(a, first, size, own_size, free, near, pair_near, known, cost, part, count, new, _STEPS):
            new[:] = ask[first:last]
        _start_at(a, first, size, own_size, low, new, known, cost, count, best)
        less = _pose(a, new, need, row_ptr, own, ptr, site, weights, needs, asked)
        begin, end = row_ptr[a], row_ptr[a + 1]
        entry = ptr[begin]
        local, listed = ptr[begin : end + 1] - entry, site[entry : ptr[end]]
        least = descend(local, listed, weights, needs, asked, low, high, best) - less
        fresh = keep_set(a, best, need, row_ptr, site_ptr, own, ptr, site, weight, ask, known, cost, part, count)
        if fresh and turn < _TIMES - 1:
            continue
        gain, length = least - worth[a], 0.0
        for t in range(size):
            j, step = name[first + t], new[t] - ask[first + t]
            if t < own_size:
                gain -= step * sites[5, j]
                length += step * step / near
            else:
                gain -= step * pairs[2, j]
                length += step * step / pair_near
        if gain > 0.0 or not fresh:  # where no new set was met, these prices are the best for the sets there are
            by = min(1.0, gain / length) if length > 0.0 and fresh else 1.0
            worth[a] += by * (least - worth[a])
            for t in range(size):
                j, step = name[first + t], by * (new[t] - ask[first + t])
                ask[first + t] += step
                if t < own_size:
                    sites[3, j] += step
                    aim = sites[2, j] + (sites[3, j] + sites[4, j]) / near
                    sites[5, j] = min(max(aim, sites[0, j]), sites[1, j])
                else:
                    pairs[1, j] += step
                    pairs[2, j] = min(max(pairs[0, j] + pairs[1, j] / pair_near, 0.0), 1.0)
        if not fresh:
            break


@kernel
def prove(  # type: ignore[no-untyped-def]
    a, need, most, near, slack, sites, row_ptr, site_ptr, own, ptr, site, weight, name, price, level, ask, worth, known,
    cost, part, count,
):  # fmt: skip
    """Search all sets of an area for what its prices are worth, in place. ``most`` and ``slack`` are ``decide``'s."""
    first, last, own_size = site_ptr[a], site_ptr[a + 1], own[a]
    low, high = np.empty(own_size), np.empty(own_size)
    for t in range(own_size):
        low[t], high[t] = sites[0, name[first + t]], sites[1, name[first + t]]
    best, weights, needs, asked = _posing(a, need, row_ptr, own, weight)
    new = ask[first:last].copy()
    _start_at(a, first, last - first, own_size, low, new, known, cost, count, best)
    less = _pose(a, new, need, row_ptr, own, ptr, site, weights, needs, asked)
    begin, end = row_ptr[a], row_ptr[a + 1]
    entry = ptr[begin]
    local, listed = ptr[begin : end + 1] - entry, site[entry : ptr[end]]
    told = price[entry : ptr[end]], level[begin:end]
    least, _ = decide(local, listed, weights, needs, *told, asked, low, high, best, most, near, slack)
    worth[a] = least - less
    keep_set(a, best, need, row_ptr, site_ptr, own, ptr, site, weight, ask, known, cost, part, count)


@inner
def _posing(a, need, row_ptr, own, weight):  # type: ignore[no-untyped-def]
    """Return flags of no site of an area, its weights, what its rows need, and room for what its sites ask."""
    begin, end = row_ptr[a], row_ptr[a + 1]
    needs = np.empty(end - begin, np.int64)
    needs[:] = need
    return np.zeros(own[a], np.bool_), weight[begin:end].copy(), needs, np.empty(own[a])


@inner
def _pose(a, new, need, row_ptr, own, ptr, site, weights, needs, asked):  # type: ignore[no-untyped-def]
    """Write what sites ask and rows of pairs weigh at prices of places; return what that comes to too much."""
    less, rows, pairs = 0.0, row_ptr[a + 1] - row_ptr[a], len(new) - own[a]
    for t in range(own[a]):
        asked[t] = new[t]
    for q in range(pairs):
        i, paid = rows - pairs + q, new[own[a] + q]
        weights[i] = abs(paid)
        less += abs(paid)
        needs[i] = 1 if paid > 0.0 else 2
        if paid > 0.0:
            entry = ptr[row_ptr[a] + i]
            asked[site[entry]] += paid
            asked[site[entry + 1]] += paid
    return less


@inner
def _start_at(a, first, size, own_size, low, new, known, cost, count, best):  # type: ignore[no-untyped-def]
    """Flag the sites of the set known that is cheapest at these prices; the settled ones if none may be."""
    cheapest: Any = np.inf
    for t in range(own_size):
        best[t] = low[t] > 0.5
    for k in range(count[a]):
        asked = cost[k, a]
        for t in range(size):
            if known[k, first + t]:
                asked += new[t]
        if asked < cheapest:
            cheapest = asked
            best[:] = known[k, first : first + own_size]
