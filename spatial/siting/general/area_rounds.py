"""How far do rounds over areas of rows raise the bound of a total where rows are served or not?

Rows that have the same sites are one. Areas begin as neighbours (rows with most sites in common, k-means of
directions), and are visited round by round; where a round closes little of the gap, they are joined by pairs that pay
the same sites.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from spatial.siting.general.areas import Areas, columns, gather, know, visit
from spatial.siting.general.rows import (
    CENTRE,
    HIGH,
    LEVEL,
    LOW,
    PAID,
    REACH,
    SHARE,
    WEIGHT,
    RowPrices,
    set_fines,
    side_table,
)
from spatial.siting.price import Priced, Sides, least_of_sites
from spatial.siting.ways import Deadline, Flags, Floats, Ints, Ways

_ROWS_EACH, _FEWEST = 35, 4
"""Rows of an area on average at first, and areas at least."""
_NEAR = 0.4
"""A share moves by one where its price exceeds the others by this part of what an open site is paid on average."""
_MEANS, _FINES = 10, 8
"""Rounds of k-means, and visits of areas between two settings of the fines."""
_BRANCHES, _SLACK = 1000, 0.01
"""Branches in which an area is decided at most, and the share of the gap that all areas may leave undecided."""
_KEPT = 6
"""Sets of each of two areas of which those of the joined one are made."""
_FAINT = 1e-7


@dataclass(frozen=True, slots=True)
class Standing:
    """Areas, labels and sites of the rows they are made of, and where prices stand, as in ``RowPrices``."""

    areas: Areas
    label: Ints
    matrix: sparse.csr_array
    sites: Floats
    fine: Floats
    near: float
    rounds: int


def begin_areas(ways: Ways, need: int, prices: RowPrices, opened: Flags, *, seed: int) -> Standing:
    """Return areas of the rows at the prices of single rows, which know the open sites and the fixed ones."""
    matrix, weight, price, level = _once(ways, prices)
    label = _neighbours(matrix, weight, max(matrix.shape[0] // _ROWS_EACH, _FEWEST), np.random.default_rng(seed))
    count = int(label.max()) + 1
    of_area = sparse.csr_array((weight, (label, np.arange(len(label)))), shape=(count, len(label)))
    ask = (of_area @ sparse.csr_array((price, matrix.indices, matrix.indptr), shape=matrix.shape)).tocsr()
    areas = gather(label, matrix, weight, price, level, ask, of_area @ level)
    for a in range(count):
        name = areas.name[areas.site_ptr[a] : areas.site_ptr[a + 1]]
        know(areas, need, a, opened[name])
        know(areas, need, a, prices.sites[LOW, name] > 0.5)
    sites = prices.sites.copy()
    sites[CENTRE], sites[PAID] = sites[SHARE], np.bincount(areas.name, areas.ask, ways.sites)
    paid = np.sort(sites[PAID])[::-1][: max(int(np.ceil(sites[SHARE].sum())), 1)]
    near = max(_NEAR * float(paid.mean()), 1e-300)
    return Standing(areas, label, matrix, sites, prices.fine.copy(), near, 0)


def visit_all(
    now: Standing, need: int, sides: Sides, ends: tuple[Floats, Floats], gap: float, *, deadline: Deadline, seed: int
) -> tuple[Standing, Priced]:
    """Return the areas after a visit of each, and what they prove."""
    areas, sites, fine, table = _own(now.areas), now.sites.copy(), now.fine.copy(), side_table(sides)
    sites[LOW], sites[HIGH] = ends
    sites[CENTRE] = np.clip(sites[CENTRE], *ends)
    count, told = len(areas.worth), columns(areas)
    for turn, a in enumerate(np.random.default_rng([seed, now.rounds]).permutation(count)):
        if turn % _FINES == 0:
            set_fines(*table, sites, fine, now.near)
        visit(a, np.int64(need), np.int64(_BRANCHES), now.near, _SLACK * gap / count, sites, *told)
        if deadline.left() <= 0.0:
            break
    set_fines(*table, sites, fine, now.near)
    sites[CENTRE] = sites[SHARE]
    moved = replace(now, areas=areas, sites=sites, fine=fine, rounds=now.rounds + 1)
    return moved, _prove(moved, sides, ends)


def join_areas(now: Standing, need: int) -> Standing:
    """Return the areas joined by pairs, those first that pay the same sites the most alike."""
    old, m = now.areas, now.matrix.shape[1]
    count = len(old.worth)
    own = np.repeat(np.arange(count), np.diff(old.site_ptr))
    ask = sparse.csr_array((old.ask, (own, old.name)), shape=(count, m))
    mate = _mates(ask)
    first = np.flatnonzero(np.arange(count) <= mate)
    new = np.empty(count, np.int64)
    new[first] = new[mate[first]] = np.arange(len(first))
    label = new[now.label]
    fold = sparse.csr_array((np.ones(count), (new, np.arange(count))), shape=(len(first), count))
    back = np.empty(len(label), np.int64)  # where rows stand in the areas
    back[np.argsort(now.label, kind="stable")] = np.arange(len(label))
    starts = np.concatenate([np.arange(old.ptr[i], old.ptr[i + 1]) for i in back])
    areas = gather(
        label, now.matrix, old.weight[back], old.price[starts], old.level[back], (fold @ ask).tocsr(), fold @ old.worth
    )
    for a, one in enumerate(first):
        name = areas.name[areas.site_ptr[a] : areas.site_ptr[a + 1]]
        for opened in _both(old, int(one), int(mate[one]), m):
            know(areas, need, a, opened[name])
    return replace(now, areas=areas, label=label)


def _once(ways: Ways, prices: RowPrices) -> tuple[sparse.csr_array, Floats, Floats, Floats]:
    """Return rows with different sites: their sites, weights, and mean prices and levels as shares of the weights."""
    size = np.diff(ways.ptr)
    used = np.arange(len(ways.site)) - np.repeat(ways.ptr[:-1], size) < np.repeat(prices.length, size)
    value = np.where(used, prices.price, 0.0) / np.repeat(prices.rows[REACH], size)
    every = sparse.csr_array((value, ways.site.astype(np.int64), ways.ptr.copy()), shape=(ways.rows, ways.sites))
    every.sort_indices()
    kind: dict[bytes, int] = {}
    of_row = np.array(
        [kind.setdefault(every.indices[a:b].tobytes(), len(kind)) for a, b in pairwise(ways.ptr.tolist())]
    )
    _, first = np.unique(of_row, return_index=True)
    weight = prices.rows[WEIGHT] * prices.rows[REACH]
    whole = np.bincount(of_row, weight)
    place = np.concatenate([np.arange(ways.ptr[i], ways.ptr[i + 1]) for i in first])
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(size[first])))
    matrix = sparse.csr_array((np.ones(len(place)), every.indices[place], ptr), shape=(len(first), ways.sites))
    mean = sparse.csr_array((weight / whole[of_row], (of_row, np.arange(ways.rows))), shape=(len(first), ways.rows))
    # Each entry of a row of a kind stands at the same place as in the first of that kind.
    start = np.repeat(ptr[of_row] - ways.ptr[:-1], size) + np.arange(len(every.data))
    price = np.bincount(start, every.data * np.repeat((weight / whole[of_row]), size), len(place))
    level = np.asarray(mean @ (prices.rows[LEVEL] / prices.rows[REACH]), np.float64)
    return matrix, np.asarray(whole, np.float64), np.asarray(price, np.float64), level


def _neighbours(matrix: sparse.csr_array, weight: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Return labels of rows whose sites have many rows in common, at most ``count``.

    Rows beside each other may have few sites or none in common; the rows of their sites are nearly the same.
    """
    sites = sparse.diags_array(1.0 / np.sqrt(np.diff(matrix.indptr))) @ matrix
    rows = sparse.diags_array(weight / weight.mean()) @ sites
    unit = (sites @ (sites.T @ rows).tocsr()).tocsr()
    unit = (sparse.diags_array(1.0 / linalg.norm(unit, axis=1)) @ unit).tocsr()
    nearest, seeds = np.zeros(len(weight)), []
    for _ in range(min(count, len(weight))):
        odds = weight * np.maximum(1.0 - nearest, 0.0)
        if odds.sum() <= 0.0:
            break
        seeds.append(int(rng.choice(len(weight), p=odds / odds.sum())))
        nearest = np.maximum(nearest, unit @ unit[[seeds[-1]]].toarray()[0])
    heart = unit[np.array(seeds)].toarray()
    for _ in range(_MEANS):
        label = np.argmax(unit @ heart.T, axis=1)
        inside = sparse.csr_array((weight, (label, np.arange(len(label)))), shape=(len(heart), len(label)))
        heart = np.asarray((inside @ unit).toarray())
        heart /= np.maximum(np.linalg.norm(heart, axis=1), 1e-300)[:, None]
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _own(areas: Areas) -> Areas:
    """Return areas whose prices and sets are their own, to be changed in place."""
    names = ("price", "level", "ask", "worth", "known", "cost", "part", "count")
    return replace(areas, **{name: getattr(areas, name).copy() for name in names})


def _prove(now: Standing, sides: Sides, ends: tuple[Floats, Floats]) -> Priced:
    """Return what areas and fines prove, computed from what areas ask and prove of themselves."""
    areas, fine = now.areas, now.fine[:-1]
    paid = np.bincount(areas.name, areas.ask, now.sites.shape[1])
    adds = -paid - sides.matrix.T @ fine
    bound, shut, opened = least_of_sites(float(areas.worth.sum() + sides.least @ fine), adds, sides, ends)
    binds = bool((fine > _FAINT * max(float(np.abs(adds).max(initial=0.0)), 1e-300)).any())
    rows = len(now.label)
    return Priced(
        bound, now.sites[SHARE].copy(), np.zeros(rows), shut, opened, np.ones(rows, dtype=bool), np.zeros(rows), binds
    )


def _mates(ask: sparse.csr_array) -> Ints:
    """Return for each area the one it is joined to, itself if none is left."""
    length = np.sqrt(np.asarray(ask.multiply(ask).sum(axis=1)).ravel())
    unit = sparse.diags_array(1.0 / np.maximum(length, 1e-300)) @ ask
    alike = sparse.triu(unit @ unit.T, 1).tocoo()
    mate, free = np.arange(ask.shape[0]), np.ones(ask.shape[0], dtype=bool)
    order = np.lexsort((alike.coords[1], alike.coords[0], -np.round(alike.data, 9)))
    for a, b in zip(alike.coords[0][order].tolist(), alike.coords[1][order].tolist(), strict=True):
        if free[a] and free[b]:
            mate[a], mate[b], free[a], free[b] = b, a, False, False
    return mate


def _both(areas: Areas, a: int, b: int, sites: int) -> list[Flags]:
    """Return sets of sites, flags of all, of the cheapest sets of two areas."""
    pools = []
    for one in dict.fromkeys((a, b)):
        first, last = areas.site_ptr[one], areas.site_ptr[one + 1]
        known = areas.known[: areas.count[one], first:last]
        order = np.argsort(areas.cost[: areas.count[one], one] + known @ areas.ask[first:last], kind="stable")
        flags = np.zeros((min(_KEPT, len(order)), sites), dtype=bool)
        flags[:, areas.name[first:last]] = known[order[:_KEPT]]
        pools.append(flags)
    if len(pools) == 1:
        return [*pools[0]]
    return [one | other for one in pools[0] for other in pools[1]]
