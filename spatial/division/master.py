"""Which of the grids known make the cheapest plan, and what is each unit worth to it? The linear master program."""

from typing import Any

import highspy
import numpy as np

from spatial.division.piece import Piece, count_olds
from spatial.division.pricing import SCALE
from spatial.division.roots import cost_size
from spatial.division.sizes import Sizes
from spatial.walking.compiled import kernel


@kernel
def _sum_columns(piece: Piece, units: Any, start: Any, names: Any, sums: Any) -> None:
    """Fill by column: households, anchor, half of its border and change."""
    inside = np.full(len(piece.households), -1)
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


@kernel
def hold_two(count: int, units: Any, start: Any, triples: Any) -> Any:
    """Tell by column and cut whether the column holds two or more of the three units."""
    inside, held = np.full(count, -1), np.zeros((len(start) - 1, len(triples)), np.bool_)
    for column in range(len(start) - 1):
        for i in range(start[column], start[column + 1]):
            inside[units[i]] = column
        for cut in range(len(triples)):
            number = 0
            for i in range(3):
                number += 1 if inside[triples[cut, i]] == column else 0
            held[column, cut] = number >= 2
    return held


class Master:
    """The grids known, each once, and the linear program that mixes them so that every unit is covered.

    Covering may miss by ``slack`` at the price of the centre: of the many prices that explain one optimum this takes
    those nearest to the centre, which makes pricing quick (du Merle and others 1999).
    """

    def __init__(self, piece: Piece, sizes: Sizes) -> None:
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
        for unit in range(self.units):
            self._solver.addCol(0.0, 0.0, 0.0, 1, np.array([unit], np.int32), np.ones(1))

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
        rows, at = flat, start
        named = np.flatnonzero(names < self.olds)
        if len(named):
            rows = np.insert(flat, start[named + 1], self.units + names[named])
            at = start + np.concatenate([[0], np.cumsum(names < self.olds)])
        if len(self.triples):
            column, cut = np.nonzero(hold_two(self.units, flat, start, self.triples))
            rows = np.insert(rows, at[column + 1], self.units + self.olds + cut)
            at = at + np.concatenate([[0], np.cumsum(np.bincount(column, minlength=len(fresh)))])
        self._solver.addCols(
            len(fresh), cost, np.zeros(len(fresh)), np.full(len(fresh), highspy.kHighsInf),
            len(rows), at[:-1].astype(np.int32), rows.astype(np.int32), np.ones(len(rows)),
        )  # fmt: skip
        return len(fresh)

    def cost_of(self, grids: list[tuple[Any, int]]) -> float:
        """Return what a division of these grids costs."""
        flat, start = np.concatenate([units for units, _ in grids]), np.cumsum([0, *(len(g) for g, _ in grids)])
        return float(price_columns(self.piece, self.sizes, flat, start, np.array([name for _, name in grids])).sum())

    def reduce(self, duals: Any, names: Any, fines: Any) -> Any:
        """Return the reduced cost of every column."""
        flat, start = np.concatenate(self.columns), np.cumsum([0, *map(len, self.columns)])
        paid = np.add.reduceat(np.asarray(duals)[flat], start[:-1])
        fined = hold_two(self.units, flat, start, self.triples) @ (np.asarray(fines) / SCALE)
        return self.cost - paid + np.asarray(names)[np.array(self.names)] + fined

    def cut(self, triples: Any) -> None:
        """Add cuts: of the grids that hold two or more of three units, a plan has one at most."""
        start = np.cumsum([0, *map(len, self.columns)])
        held = hold_two(self.units, np.concatenate(self.columns), start, triples)
        for cut in range(len(triples)):
            index = (self.units + np.flatnonzero(held[:, cut])).astype(np.int32)
            self._solver.addRow(-highspy.kHighsInf, 1.0, len(index), index, np.ones(len(index)))
        self.triples = np.concatenate([self.triples, triples])

    def solve(self, centre: Any, slack: float) -> tuple[float, Any, Any, Any, Any]:
        """Return (value, worth of units, worth of names, share of every column)."""
        index = np.arange(self.units, dtype=np.int32)
        self._solver.changeColsCost(self.units, index, np.asarray(centre, dtype=np.float64))
        self._solver.changeColsBounds(self.units, index, np.full(self.units, -slack), np.full(self.units, slack))
        self._solver.run()
        found = self._solver.getSolution()
        dual, share = np.array(found.row_dual), np.array(found.col_value)
        value = float(self._solver.getInfo().objective_function_value)
        rows = self.units + self.olds
        fines = np.floor(np.maximum(0.0, -dual[rows:]) * SCALE).astype(np.int64)
        return value, dual[: self.units], dual[self.units : rows], fines, share[self.units :]


def new_solver() -> Any:
    """Return a silent solver that works on one thread, so that its way depends on nothing but the program."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


def price_columns(piece: Piece, sizes: Sizes, units: Any, start: Any, names: Any) -> Any:
    """Return the cost of grids: size, half of their borders, change."""
    sums = np.zeros((len(names), 4))
    _sum_columns(piece, units, start, names, sums)
    return cost_size(sizes, sums[:, 0].astype(np.int64), sums[:, 1].astype(np.int64)) + sums[:, 2] + sums[:, 3]
