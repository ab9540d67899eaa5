"""How few sites cover all rows, by prices that go on from those before the last cuts?

The interior point method prices the first rounds. From then on a round adds to the programme what its shares broke,
and little else changes: steps from the prices before come near to the new ones in a fraction of the time. The bound is
computed from the prices anew, so that it holds wherever the steps end.
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import Cuts
from spatial.siting.cover.prices import Prices, cover_terms
from spatial.siting.cover.steps import Programme, near_prices
from spatial.siting.cover.table import CoverTable, matrix_of
from spatial.siting.ways import Deadline, Floats, Ints

LARGE = 50_000
"""Entries of a table from which on prices are come near to by steps."""
_UNIT = 3.0
"""Natural size of a price, in what a row pays where all pay alike."""


def near_all(
    table: CoverTable,
    need: Ints,
    cuts: Cuts,
    hulls: sparse.csr_array,
    start: Prices,
    *,
    little: float,
    deadline: Deadline,
) -> Prices:
    """Return prices that bound from below how many sites cover each row as often as it needs.

    ``start`` has a price for each row, cut and hull, 0 for those that are new, and the share of each site. Steps end
    where so many as are looked at together raise the bound by less than ``little`` of it.
    """
    terms, least = cover_terms(table, cuts, hulls)
    matrix = sparse.vstack([matrix_of(table), terms]).tocsr()
    gives = np.concatenate((need.astype(np.float64), least))

    def bound(price: Floats) -> float:
        """Return the bound that prices prove, at least 0."""
        worth = matrix.T @ price
        return float(gives @ price - np.maximum(worth - 1.0, 0.0).sum())

    unit = np.full(len(gives), _UNIT * max(start.bound, 1.0) / max(table.rows, 1))
    programme = Programme(
        matrix, np.ones(table.sites), gives, unit, np.full(len(gives), np.inf), table.sites, table.sites
    )
    begin = start.share, np.concatenate((start.row, start.cut))
    looks = iter([np.inf])  # the first steps lose more than they gain: where they begin is nothing to compare with
    point, price, _ = near_prices(
        programme, begin, lambda at: next(looks, -bound(at)), enough=little * max(start.bound, 1.0), deadline=deadline
    )
    row, cut = price[: table.rows], price[table.rows :]
    return Prices(bound(price), row, cut, matrix.T @ price, np.clip(point, 0.0, 1.0), 1.0)
