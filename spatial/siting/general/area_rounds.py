"""How far do rounds over areas of rows raise the bound of a total where rows are served or not?

Rows that have the same sites are one. Areas are neighbours (rows with most sites in common, k-means of directions),
and are visited round by round. They agree on sites, and on those pairs of sites with the largest shares that several
of them have.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from spatial.siting.general.areas import Areas, columns, gather, know, prove, visit
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
_BRANCHES, _SLACK = 4000, 0.05
"""Branches in which an area is decided at most, and the share of the gap that all areas may leave undecided."""
_PAIRS, _LEAST_SHARE = 3000, 0.02
"""Pairs of sites that areas agree on at most, and how far both are open at least."""
_PAIR_NEAR = 0.05
"""How far prices of pairs have to differ for one of them to open, as a share of that for a site."""
_FAINT = 1e-7


@dataclass(frozen=True, slots=True)
class Standing:
    """Areas, labels and sites of the rows they are made of, and where prices stand, as in ``RowPrices``.

    ``pairs`` has rows for where pairs are drawn to, what they are paid and how far they are open.
    """

    areas: Areas
    label: Ints
    matrix: sparse.csr_array
    sites: Floats
    pairs: Floats
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
    pairs = _shared_pairs(ask, prices.sites[SHARE], prices.sites[LOW] > 0.5)
    areas = gather(label, matrix, weight, price, level, ask, of_area @ level, pairs)
    for a in range(count):
        name = areas.name[areas.site_ptr[a] : areas.site_ptr[a] + areas.own[a]]
        know(areas, need, a, opened[name])
        know(areas, need, a, prices.sites[LOW, name] > 0.5)
    sites, places = prices.sites.copy(), _are_sites(areas)
    sites[CENTRE], sites[PAID] = sites[SHARE], np.bincount(areas.name[places], areas.ask[places], ways.sites)
    paid = np.sort(sites[PAID])[::-1][: max(int(np.ceil(sites[SHARE].sum())), 1)]
    near = max(_NEAR * float(paid.mean()), 1e-300)
    return Standing(areas, label, matrix, sites, np.zeros((3, len(pairs))), prices.fine.copy(), near, 0)


def visit_all(
    now: Standing, need: int, sides: Sides, ends: tuple[Floats, Floats], *, deadline: Deadline, seed: int
) -> Standing:
    """Return the areas after a visit of each."""
    areas, sites, pairs, fine = _own(now.areas), now.sites.copy(), now.pairs.copy(), now.fine.copy()
    table = side_table(sides)
    sites[LOW], sites[HIGH] = ends
    sites[CENTRE] = np.clip(sites[CENTRE], *ends)
    told = columns(areas)
    for turn, a in enumerate(np.random.default_rng([seed, now.rounds]).permutation(len(areas.worth))):
        if turn % _FINES == 0:
            set_fines(*table, sites, fine, now.near)
        visit(a, np.int64(need), now.near, _PAIR_NEAR * now.near, sites, pairs, *told)
        if deadline.left() <= 0.0:
            break
    set_fines(*table, sites, fine, now.near)
    sites[CENTRE], pairs[0] = sites[SHARE], pairs[2]
    return replace(now, areas=areas, sites=sites, pairs=pairs, fine=fine, rounds=now.rounds + 1)


def prove_all(
    now: Standing, need: int, sides: Sides, ends: tuple[Floats, Floats], gap: float, *, deadline: Deadline
) -> tuple[Standing, Priced | None]:
    """Return the areas after a search of each, and what they prove; None if the time is over before all are."""
    areas, sites = _own(now.areas), now.sites.copy()
    sites[LOW], sites[HIGH] = ends
    slack, told = _SLACK * gap / len(areas.worth), columns(areas)
    for a in range(len(areas.worth)):
        if deadline.left() <= 0.0:
            return now, None
        prove(a, np.int64(need), np.int64(_BRANCHES), now.near, slack, sites, *told)
    moved = replace(now, areas=areas)
    return moved, _prove(moved, sides, ends)


def _are_sites(areas: Areas) -> Flags:
    """Flag the places of areas that are sites."""
    size = np.diff(areas.site_ptr)
    within = np.arange(len(areas.name)) - np.repeat(areas.site_ptr[:-1], size)
    return np.asarray(within < np.repeat(areas.own, size), np.bool_)


def _shared_pairs(ask: sparse.csr_array, share: Floats, settled: Flags) -> Ints:
    """Return pairs of free sites that two areas pay or more, those with the largest shares."""
    free = np.flatnonzero((share > _LEAST_SHARE) & ~settled)
    pays = sparse.csr_array((ask[:, free] != 0.0).astype(np.float64))
    common = sparse.triu(pays.T @ pays, 1).tocoo()
    first, second = common.coords[0][common.data > 1.5], common.coords[1][common.data > 1.5]
    order = np.lexsort((second, first, -np.round(share[free[first]] * share[free[second]], 9)))[:_PAIRS]
    return np.stack([free[first[order]], free[second[order]]], axis=1).astype(np.int64)


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
    areas, fine, places = now.areas, now.fine[:-1], _are_sites(now.areas)
    paid = np.bincount(areas.name[places], areas.ask[places], now.sites.shape[1])
    both = np.bincount(areas.name[~places], areas.ask[~places], now.pairs.shape[1])
    adds, least = -paid - sides.matrix.T @ fine, float(areas.worth.sum() - np.maximum(both, 0.0).sum())
    bound, shut, opened = least_of_sites(least + float(sides.least @ fine), adds, sides, ends)
    binds = bool((fine > _FAINT * max(float(np.abs(adds).max(initial=0.0)), 1e-300)).any())
    rows = len(now.label)
    return Priced(
        bound, now.sites[SHARE].copy(), np.zeros(rows), shut, opened, np.ones(rows, dtype=bool), np.zeros(rows), binds
    )
