"""Which inequalities does a fractional answer to a cover question break?

Zero-half cuts (Caprara and Fischetti, "{0, 1/2}-Chvatal-Gomory cuts", 1996): take an odd number k of rows, each of
which says that its sites or its own lack sum to at least one; half of their sum, with everything rounded up, says
that

    sum over sites of ceil(times listed / 2) * open  +  sum over the rows of lack  >=  (k + 1) / 2.

It is broken by an answer in which the sites listed an odd number of times, the lacks and the surpluses sum to less
than one. Rows are joined two at a time, those first that cancel most.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.siting.cover.table import CoverTable, matrix_of, pick, same_rows
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import inner, kernel

_LEAST_SHARE = 1e-4
_LEAST_BREAK = 0.04
_WIDTH = 12
"""Rows tried as the second of three."""
_MOST_ROWS = 9
_MOST_USES = 8
"""Cuts of one round in which a row may stand."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Sets of rows, one per cut: the rows of cut ``k`` (ascending) are ``row[ptr[k]:ptr[k + 1]]``."""

    ptr: Ints
    row: Ints

    @property
    def count(self) -> int:
        """Number of cuts."""
        return len(self.ptr) - 1

    @property
    def sizes(self) -> Ints:
        """Number of rows of each cut."""
        return np.diff(self.ptr)


NO_CUTS = Cuts(np.zeros(1, np.int64), np.zeros(0, np.int64))


def chosen_cuts(cuts: Cuts, kept: Flags) -> Cuts:
    """Return the flagged cuts."""
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(cuts.sizes[kept])))
    return Cuts(ptr, cuts.row[np.repeat(kept, cuts.sizes)])


def joined_cuts(first: Cuts, second: Cuts) -> Cuts:
    """Return the cuts of both."""
    return Cuts(np.concatenate((first.ptr, second.ptr[1:] + first.ptr[-1])), np.concatenate((first.row, second.row)))


def members(cuts: Cuts, rows: int) -> sparse.csr_array:
    """Return the matrix of cuts and the rows they are made of."""
    return sparse.csr_array((np.ones(len(cuts.row)), cuts.row, cuts.ptr), shape=(cuts.count, rows))


def site_terms(cuts: Cuts, table: CoverTable) -> sparse.csr_array:
    """Return the matrix of cuts and sites: how often a site is listed by the rows of a cut, halved and rounded up."""
    terms = (members(cuts, table.rows) @ matrix_of(table)).tocsr()
    terms.data = np.ceil(terms.data / 2.0)
    return terms


def broken_cuts(table: CoverTable, share: Floats, usable: Flags, *, most: int) -> Cuts:
    """Return cuts broken by the shares to which sites are open, the most broken first.

    ``usable`` flags rows that ask for one site each; what their sites lack to one, or have beyond it, counts against a
    cut.
    """
    sites = np.flatnonzero(share > _LEAST_SHARE)
    off = np.abs(1.0 - matrix_of(table) @ share)
    rows = np.flatnonzero(usable & (off < 1.0 - _LEAST_BREAK))
    small = pick(table, rows, sites)
    first, _ = same_rows(small)
    first = first[np.diff(small.ptr)[first] > 1]
    small, rows = pick(small, first, np.arange(len(sites))), rows[first]
    if small.rows < 3:
        return NO_CUTS
    room = small.rows * _WIDTH
    sizes, flat, broken = np.zeros(room, np.int64), np.zeros((room, _MOST_ROWS), np.int64), np.zeros(room)
    found = _search(small.ptr, small.site, small.col_ptr, small.row, share[sites], off[rows], sizes, flat, broken)
    return _select(rows, sizes[:found], flat[:found], broken[:found], most)


def _select(rows: Ints, sizes: Ints, flat: Ints, broken: Floats, most: int) -> Cuts:
    """Return the most broken cuts, each once, such that no row stands in many."""
    used = np.zeros(len(rows), np.int64)
    seen: set[tuple[int, ...]] = set()
    sets: list[Ints] = []
    for k in np.lexsort((np.arange(len(broken)), -np.round(broken, 9))):
        cut = np.sort(flat[k, : sizes[k]])
        key = tuple(cut.tolist())
        if key in seen or used[cut].max() >= _MOST_USES:
            continue
        seen.add(key)
        used[cut] += 1
        sets.append(np.sort(rows[cut]))
        if len(sets) == most:
            break
    if not sets:
        return NO_CUTS
    return Cuts(np.cumsum([0, *map(len, sets)], dtype=np.int64), np.concatenate(sets))


@inner
def _flip(i, sign, ptr, site, times):  # type: ignore[no-untyped-def]
    for s in range(ptr[i], ptr[i + 1]):
        times[site[s]] += sign


@inner
def _meet(chosen, count, taken, times, stamp, mark, ptr, site, col_ptr, row, share, met, touched):  # type: ignore[no-untyped-def]
    """Sum for each row outside the cut the shares it has in common with the sites listed an odd number of times."""
    size = 0
    for a in range(count):
        for s in range(ptr[chosen[a]], ptr[chosen[a] + 1]):
            j = site[s]
            if stamp[j] == mark or times[j] & 1 == 0:
                continue
            stamp[j] = mark
            for t in range(col_ptr[j], col_ptr[j + 1]):
                i = row[t]
                if taken[i]:
                    continue
                if met[i] == 0.0:
                    touched[size] = i
                    size += 1
                met[i] += share[j]
    return size


@inner
def _write(chosen, count, broken_by, found, sizes, flat, broken):  # type: ignore[no-untyped-def]
    for a in range(count):
        flat[found, a] = chosen[a]
    sizes[found] = count
    broken[found] = broken_by


@kernel
def _search(ptr, site, col_ptr, row, share, off, sizes, flat, broken):  # type: ignore[no-untyped-def]
    """Grow a cut from every row, two rows at a time, until it is broken or joining rows no longer helps."""
    rows = len(off)
    mass = np.zeros(rows)
    for i in range(rows):
        for s in range(ptr[i], ptr[i + 1]):
            mass[i] += share[site[s]]
    times, stamp = np.zeros(len(share), np.int64), np.zeros(len(share), np.int64)
    taken, met, touched = np.zeros(rows, np.bool_), np.zeros(rows), np.empty(rows, np.int64)
    chosen, second, cost_of = np.empty(_MOST_ROWS, np.int64), np.empty(_WIDTH, np.int64), np.empty(_WIDTH)
    mark, found = np.int64(0), np.int64(0)
    for seed in range(rows):
        count, cost = 1, off[seed] + mass[seed]
        chosen[0] = seed
        taken[seed] = True
        _flip(seed, 1, ptr, site, times)
        done = False
        while count + 2 <= _MOST_ROWS and not done:
            mark += 1
            size = _meet(chosen, count, taken, times, stamp, mark, ptr, site, col_ptr, row, share, met, touched)
            width = 0
            for a in range(size):
                i = touched[a]
                worth = off[i] + mass[i] - 2.0 * met[i]
                met[i] = 0.0
                if width == _WIDTH and worth >= cost_of[width - 1]:
                    continue
                at = min(width, _WIDTH - 1)
                width = at + 1
                while at > 0 and cost_of[at - 1] > worth:
                    cost_of[at], second[at] = cost_of[at - 1], second[at - 1]
                    at -= 1
                cost_of[at], second[at] = worth, i
            best, pair, third = cost - 1e-9, np.int64(-1), np.int64(-1)
            for b in range(width):
                i = second[b]
                chosen[count] = i
                taken[i] = True
                _flip(i, 1, ptr, site, times)
                mark += 1
                size = _meet(chosen, count + 1, taken, times, stamp, mark, ptr, site, col_ptr, row, share, met, touched)
                least, last = np.inf, np.int64(-1)
                for a in range(size):
                    k = touched[a]
                    worth = cost + cost_of[b] + off[k] + mass[k] - 2.0 * met[k]
                    met[k] = 0.0
                    if worth < least or (worth == least and k < last):
                        least, last = worth, k
                _flip(i, -1, ptr, site, times)
                taken[i] = False
                if least < 1.0 - _LEAST_BREAK and found < len(sizes):
                    chosen[count + 1] = last
                    _write(chosen, count + 2, 1.0 - least, found, sizes, flat, broken)
                    found += 1
                    done = True
                if least < best:
                    best, pair, third = least, i, last
            if pair < 0:
                break
            for one in (pair, third):
                chosen[count] = one
                taken[one] = True
                _flip(one, 1, ptr, site, times)
                count += 1
            cost = best
        for a in range(count):
            taken[chosen[a]] = False
            _flip(chosen[a], -1, ptr, site, times)
    return found
