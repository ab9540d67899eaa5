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
_SIDE_SIZE, _BALL_SIZE = 0.1, 0.25
"""Natural units of the prices of a side and of a ball, as shares of what a site's rows may pay it on average."""

Ends = tuple[Floats, Floats]
"""The least and the most that each site may be open, 0 and 1 where it is free; then the same for each ball."""


@dataclass(frozen=True, slots=True)
class Posed:
    """The programme, its matrix by column, the rows whose lacks are columns, and what binds sites alone.

    ``balls`` are sets of sites, a row each, of which branching asks that one be open: places of ends behind the sites,
    prices behind all others.
    """

    programme: Programme
    back: sparse.csr_array
    touched: Ints
    sides: Sides
    balls: sparse.csr_array

    @property
    def sites(self) -> int:
        """Number of sites."""
        return self.programme.sites

    def proves(self, price: Floats, ends: Ends) -> tuple[float, Floats, Floats]:
        """Return what is left uncovered at least, and what that becomes with each site shut, or open."""
        programme, rows, sites = self.programme, len(self.programme.least), self.sites
        allowed = np.clip(price[:rows], 0.0, programme.top)
        held = np.where(ends[0][sites:] > 0.5, np.maximum(price[rows:], 0.0), 0.0)
        left = programme.cost - self.back @ allowed
        base = float(programme.least @ allowed) + float(np.minimum(left[sites:], 0.0).sum()) + float(held.sum())
        return least_of_sites(base, left[:sites] - self.balls.T @ held, self.sides, (ends[0][:sites], ends[1][:sites]))

    def held(self, ends: Ends) -> Ints:
        """Return the balls of which a site has to be open."""
        held: Ints = np.flatnonzero(ends[0][self.sites :] > 0.5)
        return held

    def within(self, ends: Ends) -> Programme:
        """Return the programme with other ends of its sites, and with rows for the balls that these ask for."""
        lacks = len(self.touched)
        sides = ((end[: self.sites], np.full(lacks, side)) for end, side in zip(ends, (0.0, 1.0), strict=True))
        low, high = (np.concatenate(both) for both in sides)
        return replace(self.with_balls(self.held(ends)), low=low, high=high)

    def with_balls(self, balls: Ints) -> Programme:
        """Return the programme with rows for some balls: at least one site of each is open."""
        old, more = self.programme, self.balls[balls]
        if not len(balls):
            return old
        given = ((old.matrix.data, more.data), (old.matrix.indices, more.indices))
        data, indices = (np.concatenate(both) for both in given)
        ptr = np.concatenate((old.matrix.indptr, old.matrix.indptr[-1] + more.indptr[1:]))
        matrix = sparse.csr_array((data, indices, ptr), shape=(len(ptr) - 1, old.matrix.shape[1]))
        adds = (old.least, 1.0), (old.size, self.ball_size), (old.top, np.inf)
        least, size, top = (np.concatenate((one, np.full(len(balls), same))) for one, same in adds)
        return replace(old, matrix=matrix, least=least, size=size, top=top)

    @property
    def places(self) -> int:
        """Number of sites and balls."""
        return self.sites + int(self.balls.shape[0])

    @property
    def ball_size(self) -> float:
        """Natural unit of the price of a ball."""
        return _BALL_SIZE * float(self.programme.size.sum()) / self.sites

    def prices_of(self, balls: Ints) -> Ints:
        """Return the places of prices, those of rows and those of some balls."""
        rows = len(self.programme.least)
        return np.concatenate((np.arange(rows), rows + balls))

    def members(self, ball: int) -> Ints:
        """Return the sites of a ball."""
        members: Ints = self.balls.indices[self.balls.indptr[ball] : self.balls.indptr[ball + 1]]
        return members

    def shares(self, point: Floats) -> Floats:
        """Return how far sites are open, and those of each ball together, up to one."""
        share = point[: self.sites]
        return np.concatenate((share, np.minimum(self.balls @ share, 1.0)))

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
    return Posed(programme, matrix.T.tocsr(), touched, sides, sparse.csr_array((0, sites.shape[1])))
