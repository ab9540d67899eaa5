"""Which linear programme is a cover question with its inequalities, and what do prices prove about it?

What is left uncovered is to weigh least. A row's lack that stands in one inequality alone limits the price of that and
is no column. Whatever prices are worth, the bound is computed from them anew, as the value of the Lagrangian function.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.cover.steps import Programme
from spatial.siting.price import Sides, least_of_sites
from spatial.siting.ways import Floats, Ints

_TINY = 1e-9
_SIDE_SIZE = 0.1
"""Natural unit of the price of a side, as a share of what a site's rows may pay it on average."""

Ends = tuple[Floats, Floats]
"""The least and the most that each site may be open, 0 and 1 where it is free."""


@dataclass(frozen=True, slots=True)
class Posed:
    """The programme, its matrix by column, the rows whose lacks are columns, and what binds sites alone."""

    programme: Programme
    back: sparse.csr_array
    touched: Ints
    sides: Sides

    @property
    def sites(self) -> int:
        """Number of sites."""
        return self.programme.sites

    def proves(self, price: Floats, ends: Ends) -> tuple[float, Floats, Floats]:
        """Return what is left uncovered at least, and what that becomes with each site shut, or open."""
        programme = self.programme
        allowed = np.clip(price, 0.0, programme.top)
        left = programme.cost - self.back @ allowed
        base = float(programme.least @ allowed) + float(np.minimum(left[self.sites :], 0.0).sum())
        return least_of_sites(base, left[: self.sites], self.sides, ends)

    def within(self, ends: Ends) -> Programme:
        """Return the programme with other ends of its sites."""
        lacks = len(self.touched)
        low, high = (np.concatenate((end, np.full(lacks, side))) for end, side in zip(ends, (0.0, 1.0), strict=True))
        return replace(self.programme, low=low, high=high)

    def falls(self, ends: Ends) -> Callable[[Floats], float]:
        """Return the function of prices that steps make small: the bound, turned round."""
        return lambda price: -self.proves(price, ends)[0]

    def point(self, share: Floats, lack: Floats) -> Floats:
        """Return the point at such shares of sites and lacks of rows."""
        return np.concatenate((share, lack[self.touched]))


def pose_cover(sites: sparse.csr_array, rows: sparse.csr_array, least: Floats, weight: Floats, sides: Sides) -> Posed:
    """Return the programme of ``sites @ share + rows @ lack >= least`` with sides, lacks at their weights.

    Prices are those of the inequalities, then of the sides.
    """
    uses = np.bincount(rows.indices, minlength=len(weight))
    touched = np.flatnonzero(uses > 1)
    alone = rows.tocoo()
    once = uses[alone.col] == 1
    top = np.full(len(least), np.inf)
    np.minimum.at(top, alone.row[once], weight[alone.col[once]] / alone.data[once])
    amount = rows.sum(axis=1)
    size = np.where(amount > 0.0, rows @ weight / np.maximum(amount, _TINY), weight.mean())
    matrix = sparse.block_array([[sites, rows[:, touched]], [sides.matrix, None]]).tocsr()
    worth = float((sites.T @ size).mean()) if sites.shape[1] else 1.0
    programme = Programme(
        matrix,
        np.concatenate((np.zeros(sites.shape[1]), weight[touched])),
        np.concatenate((least, sides.least)),
        np.concatenate((size, np.full(len(sides.least), _SIDE_SIZE * worth))),
        np.concatenate((top, np.full(len(sides.least), np.inf))),
        sites.shape[1],
        sides.most,
        counted=sides.counted,
    )
    return Posed(programme, matrix.T.tocsr(), touched, sides)
