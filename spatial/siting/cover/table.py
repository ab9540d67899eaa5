"""Which rows does each site cover, and which rows and sites cannot matter?

The table of a cover question, by row and by column, and what falls out of it before anything is searched: rows that
list the same sites become one, a site goes whose rows another covers too, and where all rows must be covered a row
goes whose sites include those of another (Beasley, "An algorithm for set covering problem", 1987; Chen et al.,
"Efficient presolving methods for solving maximal covering and partial set covering location problems", 2023).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.siting.ways import Deadline, Flags, Floats, Ints, Sites, Ways
from spatial.walking.compiled import kernel

_SLICE = 512
"""Sets looked at between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class CoverTable:
    """A sparse table of ones: the sites of row ``i`` (ascending) from ``ptr[i]`` on, the rows of a site likewise."""

    ptr: Ints
    site: Sites
    col_ptr: Ints
    row: Sites

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.ptr) - 1

    @property
    def sites(self) -> int:
        """Number of columns."""
        return len(self.col_ptr) - 1

    @property
    def entries(self) -> int:
        """Number of pairs of a site and a row it covers."""
        return len(self.site)


def cover_table(ways: Ways) -> CoverTable:
    """Return the pairs of a table of costs, whatever they cost."""
    return table_of(sparse.csr_array((np.ones(len(ways.site)), ways.site, ways.ptr), shape=(ways.rows, ways.sites)))


def table_of(matrix: sparse.csr_array) -> CoverTable:
    """Return the pairs of a sparse matrix."""
    by_row = matrix.tocsr()
    by_row.sort_indices()
    by_col = by_row.tocsc()
    return CoverTable(
        by_row.indptr.astype(np.int64),
        by_row.indices.astype(np.int32),
        by_col.indptr.astype(np.int64),
        by_col.indices.astype(np.int32),
    )


def matrix_of(table: CoverTable) -> sparse.csr_array:
    """Return the table as a sparse matrix of ones."""
    ones = np.ones(table.entries)
    return sparse.csr_array((ones, table.site, table.ptr), shape=(table.rows, table.sites))


def pick(table: CoverTable, rows: Ints | Flags, sites: Ints | Flags) -> CoverTable:
    """Return the table of some rows and sites, renumbered in the order given."""
    return table_of(matrix_of(table)[rows][:, sites])


def covered_rows(table: CoverTable, opened: Flags) -> Ints:
    """Return how many open sites each row lists."""
    hits = np.concatenate((np.zeros(1, np.int64), np.cumsum(opened[table.site], dtype=np.int64)))
    return hits[table.ptr[1:]] - hits[table.ptr[:-1]]


def site_sums(table: CoverTable, value: Floats) -> Floats:
    """Return for each site the sum of a value over its rows."""
    total = np.concatenate((np.zeros(1), np.cumsum(value[table.row])))
    return total[table.col_ptr[1:]] - total[table.col_ptr[:-1]]


def same_rows(table: CoverTable) -> tuple[Ints, Ints]:
    """Return one row of each group of rows that list the same sites, and the group of each row.

    Groups are ordered by what they list (their first site, then a hash of all), so that the order of the input is
    forgotten.
    """
    key = np.zeros((2, table.rows), np.uint64)
    rng = np.random.default_rng(0)
    for column in range(2):
        token = rng.integers(1, 2**63, max(table.sites, 1), dtype=np.uint64)
        total = np.concatenate((np.zeros(1, np.uint64), np.cumsum(token[table.site], dtype=np.uint64)))
        key[column] = total[table.ptr[1:]] - total[table.ptr[:-1]]
    start = np.append(table.site, np.int32(0))[table.ptr[:-1]]
    order = np.lexsort((key[1], key[0], start))
    new = np.ones(table.rows, np.bool_)
    new[1:] = (key[:, order[1:]] != key[:, order[:-1]]).any(axis=0)
    group = np.empty(table.rows, np.int64)
    group[order] = np.cumsum(new) - 1
    return order[new], group


def dominated_sites(table: CoverTable, *, deadline: Deadline | None = None) -> Flags:
    """Flag the sites all of whose rows another site covers that stays; of equal ones the first stays.

    Once a deadline is over the sites not looked at yet stay.
    """
    return _flagged((table.col_ptr, table.row, table.ptr, table.site), np.arange(table.sites), np.False_, deadline)


def implied_rows(table: CoverTable, *, deadline: Deadline | None = None) -> Flags:
    """Flag the rows that are covered whenever another row is that stays; of equal ones the first stays.

    Once a deadline is over the rows not looked at yet imply none.
    """
    order = np.argsort(np.diff(table.ptr), kind="stable")
    return _flagged((table.ptr, table.site, table.col_ptr, table.row), order, np.True_, deadline)


def _flagged(sets: tuple[Ints | Sites, ...], order: Ints, drop_larger: np.bool_, deadline: Deadline | None) -> Flags:
    """Return what ``_included`` flags, with a look at the clock from slice to slice."""
    dead = np.zeros(len(order), np.bool_)
    for start in range(0, len(order), _SLICE):
        if deadline is not None and deadline.left() <= 0.0:
            break
        _included(*sets, order[start : start + _SLICE], drop_larger, dead)
    return dead


@kernel
def _included(ptr, item, back_ptr, back, order, drop_larger, dead):  # type: ignore[no-untyped-def]
    """Flag sets included in another one (or, if the larger are to be dropped, those that include another one).

    What includes a set stands in the list of each of its items: the shortest list is narrowed by the others until only
    the set itself is left.
    """
    count = len(ptr) - 1
    kept = np.empty(count, np.int64)
    for a in order:
        if dead[a]:
            continue
        first, last = ptr[a], ptr[a + 1]
        if first == last:
            dead[a] = not drop_larger
            continue
        shortest = first
        for t in range(first, last):
            b = item[t]
            s = item[shortest]
            if back_ptr[b + 1] - back_ptr[b] < back_ptr[s + 1] - back_ptr[s]:
                shortest = t
        s = item[shortest]
        size = 0
        for u in range(back_ptr[s], back_ptr[s + 1]):
            other = back[u]
            if other != a and not dead[other] and ptr[other + 1] - ptr[other] >= last - first:
                kept[size] = other
                size += 1
        for t in range(first, last):
            if size == 0:
                break
            if t == shortest:
                continue
            u, end = back_ptr[item[t]], back_ptr[item[t] + 1]
            left = 0
            for q in range(size):
                while u < end and back[u] < kept[q]:
                    u += 1
                if u < end and back[u] == kept[q]:
                    kept[left] = kept[q]
                    left += 1
            size = left
        for q in range(size):
            other = kept[q]
            if drop_larger:
                dead[other] = True
            elif ptr[other + 1] - ptr[other] > last - first or other < a:
                dead[a] = True
