"""Which inequalities that every cover of a few rows satisfies does a fractional answer break, however they arise?

Local cuts (Boyd, "Fenchel cutting planes for integer programs", 1994; Applegate, Bixby, Chvatal and Cook, "TSP cuts
which do not conform to the template paradigm", 2001): the covers of a window of rows are so few that the shares to
which its sites are open can be held against all of them. If covers that are packed into the shares weigh less than
one together, the prices of the packing say

    sum over sites of price * open  >=  1        for every cover of the window,

and the shares break it. A site without a share costs as much as what covers its rows of the window: whoever opens it
may open that in its place.
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.packing import (
    DEPTH,
    KEPT,
    KINDS,
    LEAST_BREAK,
    REALS,
    SHARE,
    TRAILS,
    WHOLES,
    cheapest,
    pack,
)
from spatial.siting.cover.table import CoverTable, matrix_of
from spatial.siting.ways import Deadline, Flags, Floats
from spatial.walking.compiled import kernel, shared

_ROWS = 32
_FEWEST_ROWS, _ROWS_OFF = 3, 4
"""A window with too many kinds of sites loses rows, so many at a time, unless too few would stay."""
_USES = 3
"""Windows in which a row may stand before it is the centre of none."""
_LEAST_SHARE = 0.003
_LEAST_PRICE = 1e-3
_MOST_SUM, _TIGHT_SUM = 1.3, 1.02
"""Rows whose shares sum to less are looked at if they have a price, and if they have none."""
_MOST, _ENTRIES_EACH = 6_000, 100
_SLICE = 256
"""Rows that windows form around between two looks at the clock."""
_NONE, _ONE = np.uint64(0), np.uint64(1)


def no_hulls(sites: int) -> sparse.csr_array:
    """Return the matrix of no inequalities."""
    return sparse.csr_array((0, sites))


def broken_hulls(
    table: CoverTable,
    share: Floats,
    price: Floats,
    usable: Flags,
    *,
    deadline: Deadline | None = None,
    apart: float = LEAST_BREAK,
    turn: tuple[int, int] = (0, 1),
) -> sparse.csr_array:
    """Return inequalities broken by the shares to which sites are open: a row each, at least 1, a column per site.

    ``usable`` flags rows that ask for one site each; windows form around those with the highest price first, until a
    deadline is over. The shares sum to less than 1 by ``apart`` at least. With a ``turn`` (k, n) windows form around
    each n-th of these rows from the k-th on, and fewer of them: several threads look at a part each.
    """
    total = matrix_of(table) @ share
    tight = usable & ((total < _TIGHT_SUM) | ((total < _MOST_SUM) & (price > _LEAST_PRICE)))
    seeds = np.flatnonzero(tight)
    seeds = seeds[np.lexsort((seeds, -np.round(price[seeds], 6)))][turn[0] :: turn[1]].copy()
    used, found = np.full(table.rows, turn[1] - 1), [no_hulls(table.sites)]
    for start in range(0, len(seeds), _SLICE):
        if sum(part.shape[0] for part in found) >= _MOST or (deadline is not None and deadline.left() <= 0.0):
            break
        some = seeds[start : start + _SLICE]
        ptr = np.zeros(len(some) + 1, np.int64)
        site, coef = np.zeros(len(some) * _ENTRIES_EACH, np.int64), np.zeros(len(some) * _ENTRIES_EACH)
        told = (table.ptr, table.site, table.col_ptr, table.row, share, total, tight, some, used, apart)
        count = _hulls(*told, ptr, site, coef)
        ptr = ptr[: count + 1]
        found.append(sparse.csr_array((coef[: ptr[-1]], site[: ptr[-1]], ptr), shape=(count, table.sites)))
    return _each_once(sparse.vstack(found).tocsr())


def _each_once(hulls: sparse.csr_array) -> sparse.csr_array:
    """Return the inequalities, equal ones once, in the order in which they were found."""
    token = np.random.default_rng(0).random(hulls.shape[1])
    _, first = np.unique(np.round(hulls @ token, 9), return_index=True)
    return hulls[np.sort(first)]


@kernel
def _hulls(ptr, site, col_ptr, row, share, total, tight, seeds, used, apart, out_ptr, out_site, out_coef):  # type: ignore[no-untyped-def]
    """Write the inequality of each window that gives one; return how many there are."""
    marks = (np.zeros(len(share), np.bool_), np.zeros(len(total), np.bool_))
    met, touched = np.zeros(len(total)), np.empty(len(total), np.int64)
    rows, near = np.empty(_ROWS, np.int64), np.empty(len(share), np.int64)
    pattern, kind_of = np.zeros(len(share), np.uint64), np.empty(len(share), np.int64)
    mask, lists = np.empty(KINDS, np.uint64), np.empty((_ROWS, KINDS + 1), np.int64)
    whole, real = np.zeros((WHOLES, KINDS), np.int64), np.zeros((REALS, KINDS))
    inverse = np.empty((KINDS, KINDS))
    trail, reach = np.empty((DEPTH + 1, TRAILS), np.int64), np.empty(DEPTH + 1, np.uint64)
    found, filled = np.int64(0), np.int64(0)
    for seed in seeds:
        if used[seed] >= _USES:
            continue
        count = _grow(seed, ptr, site, col_ptr, row, share, total, tight, rows, marks, met, touched)
        for a in range(count):
            used[rows[a]] += 1
        kinds = np.int64(KINDS + 1)
        while kinds > KINDS and count >= _FEWEST_ROWS:
            size = _see(count, rows, ptr, site, near, pattern)
            kinds = _sort_kinds(size, near, pattern, share, kind_of, mask, real)
            if kinds <= KINDS and _list_kinds(kinds, count, mask, lists) and filled + size <= len(out_site):
                cost = pack(kinds, count, apart, mask, lists, whole, real, inverse, trail, reach)
                if cost > 0:
                    for a in range(size):
                        j = near[a]
                        paid = _price(kind_of[j], pattern[j], cost, kinds, count, mask, lists, whole, trail, reach)
                        if paid > 0:
                            out_site[filled], out_coef[filled] = j, paid / cost
                            filled += 1
                    found += 1
                    out_ptr[found] = filled
            for a in range(size):
                pattern[near[a]] = _NONE
            count -= _ROWS_OFF
    return found


@shared
def _grow(seed, ptr, site, col_ptr, row, share, total, tight, rows, marks, met, touched):  # type: ignore[no-untyped-def]
    """Gather rows around one, those first that have the largest part of their shares in common with the rows so far."""
    inside, taken = marks
    count, size, new = np.int64(0), np.int64(0), seed
    while True:
        rows[count], taken[new] = new, True
        count += 1
        for s in range(ptr[new], ptr[new + 1]):
            j = site[s]
            if inside[j]:
                continue
            inside[j] = True
            for t in range(col_ptr[j], col_ptr[j + 1]):
                i = row[t]
                if tight[i] and not taken[i] and share[j] > 0.0:
                    if met[i] == 0.0:
                        touched[size] = i
                        size += 1
                    met[i] += share[j]
        pick, most = np.int64(-1), 0.0
        for a in range(size):
            i = touched[a]
            part = met[i] / total[i]
            if not taken[i] and (part > most + 1e-12 or (part > most - 1e-12 and i < pick)):
                pick, most = i, part
        if pick < 0 or count == len(rows):
            break
        new = pick
    for a in range(size):
        met[touched[a]] = 0.0
    for a in range(count):
        taken[rows[a]] = False
        for s in range(ptr[rows[a]], ptr[rows[a] + 1]):
            inside[site[s]] = False
    return count


@shared
def _see(count, rows, ptr, site, near, pattern):  # type: ignore[no-untyped-def]
    """Note for each site which rows it covers, the rows with fewest sites first; return how many sites are near."""
    for a in range(1, count):
        i, b = rows[a], a
        while b > 0 and ptr[rows[b - 1] + 1] - ptr[rows[b - 1]] > ptr[i + 1] - ptr[i]:
            rows[b] = rows[b - 1]
            b -= 1
        rows[b] = i
    size = np.int64(0)
    for a in range(count):
        for s in range(ptr[rows[a]], ptr[rows[a] + 1]):
            j = site[s]
            if pattern[j] == _NONE:
                near[size] = j
                size += 1
            pattern[j] |= _ONE << np.uint64(a)
    return size


@shared
def _sort_kinds(size, near, pattern, share, kind_of, mask, real):  # type: ignore[no-untyped-def]
    """Join the sites with a share that cover the same rows; return how many kinds there are, one too many at most."""
    kinds = np.int64(0)
    for a in range(size):
        j = near[a]
        kind_of[j] = -1
        if share[j] < _LEAST_SHARE:
            continue
        k = np.int64(0)
        while k < kinds and mask[k] != pattern[j]:
            k += 1
        if k == KINDS:
            return np.int64(KINDS + 1)
        if k == kinds:
            mask[k], real[SHARE, k] = pattern[j], 0.0
            kinds += 1
        real[SHARE, k] += share[j]
        kind_of[j] = k
    return kinds


@shared
def _list_kinds(kinds, count, mask, lists):  # type: ignore[no-untyped-def]
    """List the kinds of each row; tell whether every row has one."""
    every = True
    for r in range(count):
        lists[r, 0] = 0
        for k in range(kinds):
            if (mask[k] >> np.uint64(r)) & _ONE != _NONE:
                lists[r, 0] += 1
                lists[r, lists[r, 0]] = k
        every = every and lists[r, 0] > 0
    return every


@shared
def _price(kind, pattern, cost, kinds, count, mask, lists, whole, trail, reach):  # type: ignore[no-untyped-def]
    """Return what a site pays: the price of its kind, or what kinds that cover all its rows cost at least."""
    if kind >= 0:
        return whole[KEPT, kind]
    paid = cost
    for k in range(kinds):
        if pattern & ~mask[k] == _NONE:
            paid = min(paid, whole[KEPT, k])
    if paid == cost:
        joined = cheapest(kinds, count, pattern, cost, np.int64(0), KEPT, mask, lists, whole, trail, reach)
        paid = joined if joined >= 0 else cost
    return paid
