"""How full is the fullest pack at least if everybody is served within a radius? A linear programme that grows.

Above 1 no sites do: the number of sites and the money are packs with room for so much, and whoever breaks a pack that
may not be broken at all pays for it. The programme begins without rows and takes in those that its sites leave short,
and strict packs that they break (Contardo, Iori and Kramer, "A scalable exact algorithm for the vertex p-center
problem", 2019). Its bounds are computed anew from prices that are cut off at what is allowed, so that they hold
whatever the tolerances of a solver.
"""

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.center.near import Near
from spatial.siting.cover.table import matrix_of
from spatial.siting.ways import Deadline, Flags, Floats, Ints

FULL = 1.0 + 1e-7
"""A bound above this proves that there are no sites."""
_SHORT = 1e-6
_NEW_ROWS = 60
"""Rows taken in at once."""
_STRICT = 10.0
"""What a unit too much costs in a pack that may not be broken."""
_IDLE = 0.2
"""Share of the rows that bind nothing from which on they are taken out."""


class Programme:
    """The programme of one radius: rows taken in, bounds of the sites, and what is known where it stands."""

    def __init__(self, near: Near, deadline: Deadline) -> None:
        """Set up the packs that may be overfull alone, with all sites free."""
        self.near, self.deadline = near, deadline
        self.packs, self.room = near.packs[~near.strict].tocsr(), near.room[~near.strict]
        served, strict = matrix_of(near.table), near.packs[near.strict].tocsr()
        self.strict = strict
        # A strict pack asks that as much as it has room for is left of it.
        self.matrix = sparse.vstack([served, -strict]).tocsr()
        self.need = np.concatenate((near.need, -near.room[near.strict])).astype(np.float64)
        self.served = near.table.rows
        self.rows = np.zeros(0, np.int64)
        self.low, self.high = np.zeros(near.table.sites), np.ones(near.table.sites)
        self.share, self.adds = self.low, self.low
        self.highs = _solver(self.packs, self.room)

    def bind(self, low: Floats, high: Floats) -> bool:
        """Bound the sites, shut in ``high`` those that strict packs have no room for; tell whether enough are left."""
        left = self.near.room[self.near.strict] - self.strict @ low
        if (left < -_SHORT).any():
            return False
        shut = self.strict.indices[self.strict.data > np.repeat(left, np.diff(self.strict.indptr)) + _SHORT]
        high[shut] = low[shut]
        differ = np.flatnonzero((low != self.low) | (high != self.high)).astype(np.int32)
        if len(differ):
            self.highs.changeColsBounds(len(differ), differ, low[differ], high[differ])
            self.low, self.high = low.copy(), high.copy()
        return bool((self.matrix[: self.served] @ high >= self.need[: self.served]).all())

    def solve(self) -> float | None:
        """Return a proven bound, and keep how far each site is open and what it adds; None where the time is up."""
        while self.deadline.left() > 0.0:
            self._run()
            solution = self.highs.getSolution()
            self.share = np.asarray(solution.col_value)[: len(self.low)]
            bound = self._proved(np.asarray(solution.row_dual))
            if bound > FULL:
                return bound
            if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                return None if self.deadline.left() <= 0.0 else bound
            lack = self.need - self.matrix @ self.share
            lack[self.served :] -= solution.col_value[len(self.low) + 1]
            lack[self.rows] = 0.0
            new = np.flatnonzero(lack > _SHORT)
            if not len(new):
                self._let_go()
                return bound
            self._take(np.sort(new[np.argsort(-lack[new], kind="stable")[:_NEW_ROWS]]))
        return None

    def glance(self, site: int, value: float, steps: int) -> tuple[float, bool]:
        """Return about what the bound becomes with a site open (1) or shut (0), and whether there are no sites then.

        The solver is not where it was afterwards.
        """
        was = self.low[site], self.high[site]
        self.highs.changeColBounds(site, value, value)
        self.low[site] = self.high[site] = value
        self.highs.setOptionValue("simplex_iteration_limit", steps)
        self._run()
        self.highs.setOptionValue("simplex_iteration_limit", highspy.kHighsIInf)
        adds = self.adds
        found = float(self.highs.getInfo().objective_function_value)
        none = self._proved(np.asarray(self.highs.getSolution().row_dual)) > FULL
        self.adds = adds
        self.highs.changeColBounds(site, *was)
        self.low[site], self.high[site] = was
        return found, none

    def _run(self) -> None:
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(self.deadline.left(), 0.01))
        self.highs.run()

    def _take(self, rows: Ints) -> None:
        beyond = sparse.csr_array(np.column_stack((np.zeros(len(rows)), rows >= self.served)))
        part = sparse.hstack([self.matrix[rows], beyond]).tocsr()
        begin, index = part.indptr[:-1].astype(np.int32), part.indices.astype(np.int32)
        self.highs.addRows(len(rows), self.need[rows], np.full(len(rows), np.inf), part.nnz, begin, index, part.data)
        self.rows = np.concatenate((self.rows, rows))

    def _let_go(self) -> None:
        """Take out the rows that bind nothing, if there are many: steps cost as much as there are rows."""
        packs = len(self.room)
        spare = self.matrix[self.rows] @ self.share - self.need[self.rows] > _SHORT
        basic = highspy.HighsBasisStatus.kBasic
        idle = spare & np.array([one == basic for one in self.highs.getBasis().row_status[packs:]], np.bool_)
        if int(idle.sum()) > _IDLE * len(idle):
            self.highs.deleteRows(int(idle.sum()), (np.flatnonzero(idle) + packs).astype(np.int32))
            self.rows = self.rows[~idle]

    def _proved(self, dual: Floats) -> float:
        """Return the bound of some prices, and keep what each site adds to it."""
        packs = len(self.room)
        fine, price = np.maximum(-dual[:packs], 0.0), np.maximum(dual[packs:], 0.0)
        rent = float(fine @ self.room)
        if rent > 1.0:
            fine, price = fine / rent, price / rent
        strict = self.rows >= self.served
        if (total := float(price[strict].sum())) > _STRICT:
            price[strict] *= _STRICT / total
        self.adds = self.packs.T @ fine - self.matrix[self.rows].T @ price
        sites = float(np.minimum(self.adds * self.low, self.adds * self.high).sum())
        return float(price @ self.need[self.rows]) + sites


def _solver(held: sparse.csr_array, room: Floats) -> highspy.Highs:
    """Return a solver with packs: sites, then how full the fullest one is, and how far strict ones are broken."""
    packs, sites = held.shape
    highs, lp = highspy.Highs(), highspy.HighsLp()
    for name, value in {
        "output_flag": False, "presolve": "off", "solver": "simplex", "threads": 1, "parallel": "off",
    }.items():  # fmt: skip
        highs.setOptionValue(name, value)
    matrix = sparse.hstack([held, sparse.csr_array(np.column_stack((-room, np.zeros(packs))))]).tocsr()
    lp.num_col_, lp.num_row_ = sites + 2, packs
    lp.col_cost_ = np.concatenate((np.zeros(sites), [1.0, _STRICT]))
    lp.col_lower_ = np.zeros(sites + 2)
    lp.col_upper_ = np.concatenate((np.ones(sites), np.full(2, np.inf)))
    lp.row_lower_, lp.row_upper_ = np.full(packs, -np.inf), np.zeros(packs)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = sites + 2, packs
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    highs.passModel(lp)
    return highs


def keeps(near: Near, opened: Flags) -> bool:
    """Tell whether these columns serve every row and keep every pack."""
    served = matrix_of(near.table) @ opened.astype(np.float64) >= near.need
    return bool(served.all() and (near.packs @ opened.astype(np.float64) <= near.room).all())
