"""Which of the grids known make the cheapest plan, and what is each unit worth to it? The linear master program."""

from typing import Any, NamedTuple

import highspy
import numpy as np

from spatial.division.piece import Piece, count_olds
from spatial.division.pricing import SCALE
from spatial.division.roots import cost_size
from spatial.division.sizes import Sizes
from spatial.division.tally import distance
from spatial.walking.columns import narrow
from spatial.walking.compiled import kernel, shared


@kernel
def _sum_columns(piece: Piece, spanned: bool, units: Any, start: Any, names: Any, sums: Any) -> None:
    """Fill by column: households, anchor, half of its border, change and, if wanted, its span."""
    piece, inside = narrow(piece), np.full(len(piece.households), -1)
    for column in range(len(names)):
        for i in range(start[column], start[column + 1]):
            inside[units[i]] = column
        for i in range(start[column], start[column + 1]):
            node = units[i]
            sums[column, 0] += piece.households[node]
            sums[column, 1] = max(sums[column, 1], float(piece.anchor[node]))
            sums[column, 3] += piece.change[node, names[column]]
            for p in range(piece.row[node], piece.row[node + 1]):
                if inside[piece.neighbor[p]] != column:
                    sums[column, 2] += 0.5 * piece.border[piece.edge[p]]
            for j in range(start[column], i if spanned else start[column]):
                sums[column, 4] = max(sums[column, 4], distance(piece, node, units[j]))


@shared
def _mark(units: Any, start: Any, column: int, inside: Any) -> None:
    """Note of the units of a column that they are in it."""
    for i in range(start[column], start[column + 1]):
        inside[units[i]] = column


@shared
def _has_two(triples: Any, cut: int, column: int, inside: Any) -> bool:
    """Tell whether a column whose units are marked holds two or more of a cut's three."""
    number = 0
    for i in range(3):
        number += 1 if inside[triples[cut, i]] == column else 0
    return number >= 2


@kernel
def hold_two(count: int, units: Any, start: Any, triples: Any) -> Any:
    """Tell by column and cut whether the column holds two or more of the three units."""
    inside, held = np.full(count, -1), np.zeros((len(start) - 1, len(triples)), np.bool_)
    for column in range(len(start) - 1):
        _mark(units, start, column, inside)
        for cut in range(len(triples)):
            held[column, cut] = _has_two(triples, cut, column, inside)
    return held


@kernel
def fine_columns(count: int, units: Any, start: Any, triples: Any, fines: Any) -> Any:
    """Add up by column the fines of the cuts of whose three units it holds two or more; no table of both is made."""
    inside, fined = np.full(count, -1), np.zeros(len(start) - 1)
    for column in range(len(start) - 1):
        _mark(units, start, column, inside)
        for cut in range(len(triples)):
            if _has_two(triples, cut, column, inside):
                fined[column] += fines[cut]
    return fined


class Worth(NamedTuple):
    """What a plan pays: for every unit; by today's grid inherited (last: none) for a grid; for breaking each cut.

    ``total`` is what all that comes to: a bound on every plan if no grid costs less than it is paid.
    """

    units: Any
    names: Any
    fines: Any
    total: float


class Master:
    """The grids known, each once, and the linear program that mixes them so that every unit is covered.

    Covering may miss by ``slack`` at the price of the centre: of the many prices that explain one optimum this takes
    those nearest to the centre, which makes pricing quick (du Merle and others 1999).
    """

    def __init__(self, piece: Piece, sizes: Sizes) -> None:
        """Begin without grids."""
        self.piece, self.sizes = piece, sizes
        self.units, self.olds = len(piece.households), count_olds(piece)
        self.columns: list[Any] = []
        self.names: list[int] = []
        self.cost = np.zeros(0)
        self.triples = np.zeros((0, 3), dtype=np.int64)
        self._known: set[tuple[int, bytes]] = set()
        self._solver = new_solver()
        self._solver.setOptionValue("simplex_strategy", 4)
        empty = np.zeros(0, np.int32), np.zeros(0)
        for _ in range(self.units):
            self._solver.addRow(1.0, 1.0, 0, *empty)
        for _ in range(self.olds):
            self._solver.addRow(-highspy.kHighsInf, 1.0, 0, *empty)
        self._solver.addRow(0.0, float(self.units), 0, *empty)
        self.counts = 0, self.units
        for unit in range(self.units):
            self._solver.addCol(0.0, 0.0, 0.0, 1, np.array([unit], np.int32), np.ones(1))
        for more in (1.0, -1.0):
            self._solver.addCol(0.0, 0.0, 0.0, 1, np.array([self.units + self.olds], np.int32), np.array([more]))
        self._spare = self.units + 2

    def add(self, columns: list[tuple[Any, int]]) -> int:
        """Add grids (sorted units, today's grid inherited); return how many are new."""
        fresh = []
        for units, name in columns:
            key = name, units.astype(np.int32).tobytes()
            if key not in self._known:
                self._known.add(key)
                fresh.append((units, name))
        if not fresh:
            return 0
        flat = np.concatenate([units for units, _ in fresh])
        start = np.cumsum([0, *(len(units) for units, _ in fresh)])
        names = np.array([name for _, name in fresh])
        cost = price_columns(self.piece, self.sizes, flat, start, names)
        self.columns += [units for units, _ in fresh]
        self.names += [name for _, name in fresh]
        self.cost = np.concatenate([self.cost, cost])
        named = np.flatnonzero(names < self.olds)
        column, cut = np.nonzero(hold_two(self.units, flat, start, self.triples))
        head, every = self.units + self.olds, np.arange(len(fresh))
        rows = np.concatenate([flat, self.units + names[named], np.full(len(fresh), head), head + 1 + cut])
        owner = np.concatenate([np.repeat(every, np.diff(start)), named, every, column])
        order = np.lexsort((rows, owner))
        rows, at = rows[order], np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(fresh)))])
        self._solver.addCols(
            len(fresh), cost, np.zeros(len(fresh)), np.full(len(fresh), highspy.kHighsInf),
            len(rows), at[:-1].astype(np.int32), rows.astype(np.int32), np.ones(len(rows)),
        )  # fmt: skip
        return len(fresh)

    def cost_of(self, grids: list[tuple[Any, int]]) -> float:
        """Return what a division of these grids costs."""
        flat, start = np.concatenate([units for units, _ in grids]), np.cumsum([0, *(len(g) for g, _ in grids)])
        return float(price_columns(self.piece, self.sizes, flat, start, np.array([name for _, name in grids])).sum())

    def reduce(self, worth: Worth) -> Any:
        """Return the reduced cost of every column."""
        flat, start = np.concatenate(self.columns), np.cumsum([0, *map(len, self.columns)])
        paid = np.add.reduceat(worth.units[flat], start[:-1])
        fined = fine_columns(self.units, flat, start, self.triples, worth.fines / SCALE)
        return self.cost - paid - worth.names[np.array(self.names)] + fined

    def count_grids(self, least: int, most: int, price: float) -> None:
        """Ask for at least and at most so many grids; each one missing, or too many, costs the price."""
        self.counts = least, most
        spare = np.arange(self.units, self._spare, dtype=np.int32)
        self._solver.changeColsCost(2, spare, np.full(2, price))
        self._solver.changeColsBounds(2, spare, np.zeros(2), np.full(2, highspy.kHighsInf))
        self._solver.changeRowBounds(self.units + self.olds, float(least), float(most))

    def cut(self, triples: Any) -> None:
        """Add cuts: of the grids that hold two or more of three units, a plan has one at most."""
        start = np.cumsum([0, *map(len, self.columns)])
        held = hold_two(self.units, np.concatenate(self.columns), start, triples)
        for cut in range(len(triples)):
            index = (self._spare + np.flatnonzero(held[:, cut])).astype(np.int32)
            self._solver.addRow(-highspy.kHighsInf, 1.0, len(index), index, np.ones(len(index)))
        self.triples = np.concatenate([self.triples, triples])

    def solve(self, centre: Any, slack: float) -> tuple["Worth", Any]:
        """Return what everything is worth, and the share of every column; covering misses by ``slack`` at most."""
        index = np.arange(self.units, dtype=np.int32)
        self._solver.changeColsCost(self.units, index, np.asarray(centre, dtype=np.float64))
        self._solver.changeColsBounds(self.units, index, np.full(self.units, -slack), np.full(self.units, slack))
        self._solver.run()
        found = self._solver.getSolution()
        dual, share = np.array(found.row_dual), np.array(found.col_value)
        rows = self.units + self.olds
        fines = np.floor(np.maximum(0.0, -dual[rows + 1 :]) * SCALE).astype(np.int64)
        names, count = np.minimum(dual[self.units : rows], 0.0), float(dual[rows])
        duals = dual[: self.units]
        total = duals.sum() + names.sum() - fines.sum() / SCALE + count * self.counts[0 if count > 0.0 else 1]
        return Worth(duals, np.append(names, 0.0) + count, fines, float(total)), share[self._spare :]


def new_solver() -> Any:
    """Return a silent solver that works on one thread, so that its way depends on nothing but the program."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


def price_columns(piece: Piece, sizes: Sizes, units: Any, start: Any, names: Any) -> Any:
    """Return the cost of grids: size, half of their borders, change, span.

    Pricing leaves the span out: what it bounds is no more than what a grid costs, what it lists is no less than needed.
    """
    sums = np.zeros((len(names), 5))
    _sum_columns(piece, sizes.span_weight > 0.0, units, start, names, sums)
    cost = cost_size(sizes, sums[:, 0].astype(np.int64), sums[:, 1].astype(np.int64)) + sums[:, 2] + sums[:, 3]
    return cost + sizes.span_weight * sums[:, 4]
