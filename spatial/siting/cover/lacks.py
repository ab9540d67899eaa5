"""Which inequalities over sites and lacks does a fractional answer to a maximal cover question break?

A row that may stay uncovered asks for one of its sites or for its own lack, a site of its own that nobody pays for but
the weight. With the lacks as further columns the maximal cover is a set cover whose sites are counted and whose lacks
are weighed: the inequalities of windows (``hulls.py``) hold as they are.
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.hulls import broken_hulls
from spatial.siting.cover.prices import Prices
from spatial.siting.cover.table import CoverTable, matrix_of, pick, same_rows, table_of
from spatial.siting.ways import Deadline, Floats, Ints

_LEAST_SHARE = 0.003
_LEAST_PRICE = 1e-4
_APART = 0.01
"""By how much an inequality is broken at least: a part of a site is little where sites and lacks sum to many."""


def no_lack_hulls(table: CoverTable) -> sparse.csr_array:
    """Return the matrix of no inequalities over the sites and the lacks of a table."""
    return sparse.csr_array((0, table.sites + table.rows))


def broken_lack_hulls(
    table: CoverTable,
    weight: Floats,
    prices: Prices,
    *,
    deadline: Deadline | None = None,
    turn: tuple[int, int] = (0, 1),
) -> sparse.csr_array:
    """Return inequalities broken by the shares to which sites are open and rows left uncovered.

    A row each, at least 1; a column for each site, then one for the lack of each row. Once a deadline is over
    no more are sought. With a ``turn`` windows form around some of the rows, as ``broken_hulls`` tells.
    """
    rows, price = _heaviest(table, weight, prices)
    price = price / max(prices.rate, 1.0)
    asked = matrix_of(table)[rows]
    lacks = np.maximum(1.0 - asked @ prices.share, 0.0)
    whole = table_of(sparse.hstack([asked, sparse.eye_array(len(rows))]).tocsr())
    share = np.concatenate((prices.share, lacks))
    usable = price > _LEAST_PRICE
    found = broken_hulls(whole, share, price, usable, deadline=deadline, apart=_APART, turn=turn).tocoo()
    column = np.concatenate((np.arange(table.sites), table.sites + rows))[found.col]
    return sparse.csr_array((found.data, (found.row, column)), shape=(found.shape[0], table.sites + table.rows))


def _heaviest(table: CoverTable, weight: Floats, prices: Prices) -> tuple[Ints, Floats]:
    """Return the heaviest row of those that list the same sites with a share, ascending, and what all of them pay."""
    open_some = np.flatnonzero(prices.share > _LEAST_SHARE)
    first, group = same_rows(pick(table, np.arange(table.rows), open_some))
    order = np.lexsort((np.arange(table.rows), -weight, group))
    heads = np.searchsorted(group[order], np.arange(len(first)))
    rows = np.sort(order[heads]).astype(np.int64)
    paid = np.bincount(group, prices.row, len(first)).astype(np.float64)
    return rows, paid[group[rows]]
