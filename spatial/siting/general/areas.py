"""How low can a total be, where rows are served or not, if the rows of an area are looked at together?

What a row at a time proves is far from the truth where rows need two open sites: each row may pair the shares of its
sites as it likes. Here areas of rows pay their sites, each as far as a search of the area itself proves
(``area_branch.py``): Lagrangian decomposition into clusters (Senne, Pereira and Lorena, "A decomposition heuristic
for the maximal covering location problem", 2010). Prices are found as those of single rows are (``rows.py``):
shares stay near a centre that moves to them, and areas are visited in turn; an area's prices are those at which a mix
of the sets of sites met in it comes nearest to the shares (Boland et al., "Combining progressive hedging with a
Frank-Wolfe method to compute Lagrangian dual bounds", 2018), as far as what they prove of the area gains by them.
Once that closes little, areas are joined by pairs.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from spatial.siting.general.area_branch import cost_of, decide
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import inner, kernel

_COLUMNS = 60
"""Sets of sites that an area keeps."""
_STEPS, _FAINT = 300, 1e-5
"""Steps by which sets are mixed at most; they end where the best and the worst differ by less than this share."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Rows by area, the sites of each area, and where prices stand.

    ``row_ptr`` and ``site_ptr`` are by area, ``ptr`` by row, ``site`` has for each entry the place of its site among
    those of its area, whose names are in ``name``. ``price`` is by entry and ``level`` by row, within areas; ``ask`` is
    what an area pays a site, ``worth`` what it proves of itself for that. ``known`` has the sets of each area in
    columns, ``cost`` what its rows lack with them, ``part`` how far they are mixed and ``count`` how many there are.
    """

    row_ptr: Ints
    site_ptr: Ints
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
    worth: Floats,
) -> Areas:  # fmt: skip
    """Return the areas of these labels of rows, without a known set.

    ``matrix`` has the sites of each row, ``price`` its entries' prices; ``ask`` is by area and site.
    """
    order, areas = np.argsort(label, kind="stable"), len(worth)
    row_ptr = np.searchsorted(label[order], np.arange(areas + 1)).astype(np.int64)
    place = np.concatenate([np.arange(matrix.indptr[i], matrix.indptr[i + 1]) for i in order])
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.diff(matrix.indptr)[order])))
    own = np.repeat(np.repeat(np.arange(areas), np.diff(row_ptr)), np.diff(ptr))
    key, slot = np.unique(own * matrix.shape[1] + matrix.indices[place], return_inverse=True)
    area, name = key // matrix.shape[1], key % matrix.shape[1]
    site_ptr = np.searchsorted(area, np.arange(areas + 1)).astype(np.int64)
    return Areas(
        row_ptr, site_ptr, ptr, (slot - site_ptr[own]).astype(np.int64), weight[order], name.astype(np.int64),
        price[place], level[order], np.asarray(ask[area, name], np.float64).ravel(), worth.copy(),
        np.zeros((_COLUMNS, len(name)), np.bool_), np.zeros((_COLUMNS, areas)), np.zeros((_COLUMNS, areas)),
        np.zeros(areas, np.int64),
    )  # fmt: skip


def know(areas: Areas, need: int, area: int, opened: Flags) -> None:
    """Add a set of sites, flags by site of the area, to those that the area knows, in place."""
    _know(
        area, opened, np.int64(need), areas.row_ptr, areas.site_ptr, areas.ptr, areas.site, areas.weight, areas.ask,
        areas.known, areas.cost, areas.part, areas.count,
    )  # fmt: skip


def columns(areas: Areas) -> tuple[Ints | Floats | Flags, ...]:
    """Return all arrays, as the kernels take them."""
    return tuple(getattr(areas, one.name) for one in fields(areas))


@kernel
def visit(  # type: ignore[no-untyped-def]
    a, need, most, near, slack, sites, row_ptr, site_ptr, ptr, site, weight, name, price, level, ask, worth, known,
    cost, part, count,
):  # fmt: skip
    """Give an area new prices, in place, as far as they gain; at a first visit see what it proves at those it has.

    ``most`` and ``slack`` are those of ``decide``; ``sites`` and ``near`` as in ``rows.py``.
    """
    first, last = site_ptr[a], site_ptr[a + 1]
    size = last - first
    free, low, high = np.empty(size), np.empty(size), np.empty(size)
    for t in range(size):
        j = name[first + t]
        low[t], high[t] = sites[0, j], sites[1, j]
        aim = sites[2, j] + (sites[3, j] + sites[4, j] - ask[first + t]) / near
        free[t] = aim if low[t] < 0.5 else 1.0
    for k in range(count[a]):
        for t in range(size):
            if (known[k, first + t] and high[t] < 0.5) or (not known[k, first + t] and low[t] > 0.5):
                cost[k, a] = np.inf
    if part[:, a].any():
        new = _blend(a, first, size, free, near, known, cost, part, count)
    else:
        new = ask[first:last].copy()
        part[0, a] = 1.0
    begin, end = row_ptr[a], row_ptr[a + 1]
    entry = ptr[begin]
    local = ptr[begin : end + 1] - entry
    best, cheapest = np.zeros(size, np.bool_), np.inf
    for t in range(size):
        best[t] = low[t] > 0.5
    for k in range(count[a]):
        asked = cost[k, a]
        for t in range(size):
            if known[k, first + t]:
                asked += new[t]
        if asked < cheapest:
            cheapest = asked
            best[:] = known[k, first:last]
    least, _ = decide(
        local, site[entry : ptr[end]], weight[begin:end], need, price[entry : ptr[end]], level[begin:end], new, low,
        high, best, most, near, slack,
    )  # fmt: skip
    gain, length = least - worth[a], 0.0
    for t in range(size):
        step = new[t] - ask[first + t]
        gain -= step * sites[5, name[first + t]]
        length += step * step
    if gain > 0.0:
        by = min(1.0, gain * near / length) if length > 0.0 else 1.0
        worth[a] += by * (least - worth[a])
        for t in range(size):
            j, step = name[first + t], by * (new[t] - ask[first + t])
            ask[first + t] += step
            sites[3, j] += step
            aim = sites[2, j] + (sites[3, j] + sites[4, j]) / near
            sites[5, j] = min(max(aim, sites[0, j]), sites[1, j])
    _know(a, best, need, row_ptr, site_ptr, ptr, site, weight, ask, known, cost, part, count)


@inner
def _blend(a, first, size, free, near, known, cost, part, count):  # type: ignore[no-untyped-def]
    """Mix the sets of an area to be cheap and near to free shares; return the prices where they are.

    Frank-Wolfe steps go from the worst set that is mixed in to the best of all.
    """
    mixed, new, total = np.zeros(size), np.zeros(size), 0.0
    for k in range(count[a]):
        if cost[k, a] == np.inf:
            part[k, a] = 0.0
        total += part[k, a]
    if total <= 0.0:
        for k in range(count[a]):
            if cost[k, a] < np.inf:
                part[k, a], total = 1.0, 1.0
                break
    if total <= 0.0:
        return new
    for k in range(count[a]):
        part[k, a] /= total
        if part[k, a] > 0.0:
            for t in range(size):
                mixed[t] += part[k, a] * known[k, first + t]
    for _ in range(_STEPS):
        for t in range(size):
            new[t] = near * max(0.0, mixed[t] - free[t])
        best, worst = np.inf, -np.inf
        into: Any = np.int64(-1)
        out: Any = np.int64(-1)
        for k in range(count[a]):
            if cost[k, a] == np.inf:
                continue
            asked = cost[k, a]
            for t in range(size):
                if known[k, first + t]:
                    asked += new[t]
            if asked < best:
                best, into = asked, k
            if part[k, a] > 0.0 and asked > worst:
                worst, out = asked, k
        if worst - best <= _FAINT * max(abs(best), 1.0) or into == out:
            return new
        length = 0.0
        for t in range(size):
            if known[into, first + t] != known[out, first + t]:
                length += 1.0
        by = min(part[out, a], (worst - best) / (near * length))
        part[into, a] += by
        part[out, a] -= by
        if part[out, a] < 1e-12:
            part[out, a] = 0.0
        for t in range(size):
            mixed[t] += by * (np.float64(known[into, first + t]) - np.float64(known[out, first + t]))
    return new


@kernel
def _know(a, opened, need, row_ptr, site_ptr, ptr, site, weight, ask, known, cost, part, count):  # type: ignore[no-untyped-def]
    """Keep a set of sites of an area, in the place of the dearest that is not mixed in if there are too many."""
    first, last = site_ptr[a], site_ptr[a + 1]
    at = count[a]
    for k in range(count[a]):
        same = True
        for t in range(last - first):
            if known[k, first + t] != opened[t]:
                same = False
                break
        if same:
            return
    if at == len(known):
        at, dear = 0, -1.0
        for k in range(count[a]):
            asked = cost[k, a]
            for t in range(first, last):
                if known[k, t]:
                    asked += ask[t]
            if part[k, a] <= 0.0 and asked > dear:
                at, dear = k, asked
    else:
        count[a] += 1
    begin, end = row_ptr[a], row_ptr[a + 1]
    nothing = np.zeros(last - first)
    entry = ptr[begin]
    local = ptr[begin : end + 1] - entry
    known[at, first:last], part[at, a] = opened, 0.0
    cost[at, a] = cost_of(local, site[entry : ptr[end]], weight[begin:end], need, nothing, opened)
