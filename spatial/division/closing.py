"""Which of some grids make the cheapest plan? Exactly: cuts and reduced costs leave little for branching."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from spatial.division.master import hold_two, new_solver
from spatial.division.separation import find_cuts

_ROUNDS, _CUTS = 30, 40
_SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class Choice:
    """The cheapest plan among some grids.

    Attributes
    ----------
    chosen:
        Positions of the columns that make it; None where no plan costs less than was asked for.
    bound:
        No plan made of the columns costs less; what was asked for, where none is cheaper.
    proved:
        Whether all of that was proved within the limits.
    """

    chosen: Any
    bound: float
    proved: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the choice may take: nodes of the branching (a machine's speed plays no part), and the seconds left."""

    nodes: int
    left: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Grids:
    """Columns: sorted units, today's grid inherited, cost."""

    units: list[Any]
    names: Any
    cost: Any

    def take(self, which: Any) -> "Grids":
        """Return some of them."""
        return Grids([self.units[i] for i in which], self.names[which], self.cost[which])


def close_plan(
    grids: Grids, shape: tuple[int, int], counts: tuple[int, int], rank: Any, below: float, limits: Limits
) -> Choice:
    """Return the cheapest plan that costs less than ``below`` and is made of these grids, as many as ``counts`` allows.

    ``shape`` is the number of units and of today's grids.
    """
    solver = _fill(grids, shape, counts)
    alive, cuts = np.ones(len(grids.units), dtype=bool), np.zeros((0, 3), dtype=np.int64)
    flat = np.concatenate(grids.units)
    start = np.cumsum([0, *map(len, grids.units)])
    bound = -np.inf
    for _ in range(_ROUNDS):
        solver.setOptionValue("time_limit", solver.getRunTime() + max(0.0, limits.left()))
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Choice(None, below, True)
        if status != highspy.HighsModelStatus.kOptimal:
            return Choice(None, bound, False)
        found = solver.getSolution()
        shares, reduced = np.array(found.col_value), np.array(found.col_dual)
        bound = max(bound, float(solver.getInfo().objective_function_value))
        if bound >= below - _SLACK:
            return Choice(None, below, True)
        dead = np.flatnonzero(alive & (reduced > below - bound + _SLACK)).astype(np.int32)
        solver.changeColsBounds(len(dead), dead, np.zeros(len(dead)), np.zeros(len(dead)))
        alive[dead] = False
        if ((shares < 1e-6) | (shares > 1.0 - 1e-6)).all():
            return Choice(np.flatnonzero(shares > 0.5), bound, True)
        fresh = find_cuts(grids.units, shares, rank, _CUTS)
        if not len(fresh):
            break
        held = hold_two(shape[0], flat, start, fresh)
        for cut in range(len(fresh)):
            index = np.flatnonzero(held[:, cut]).astype(np.int32)
            solver.addRow(-highspy.kHighsInf, 1.0, len(index), index, np.ones(len(index)))
        cuts = np.concatenate([cuts, fresh])
    solver = _fill(grids.take(np.flatnonzero(alive)), shape, counts)
    return _branch(solver, grids, np.flatnonzero(alive), cuts, (bound, below), limits)


def _fill(grids: Grids, shape: tuple[int, int], counts: tuple[int, int]) -> Any:
    """Return the linear program: every unit once, every today's grid inherited once at most, as many grids as asked."""
    units, olds = shape
    solver = new_solver()
    empty = np.zeros(0, np.int32), np.zeros(0)
    for row in range(units + olds):
        solver.addRow(1.0 if row < units else -highspy.kHighsInf, 1.0, 0, *empty)
    solver.addRow(float(counts[0]), float(counts[1]), 0, *empty)
    last = [units + olds]
    rows = [
        np.concatenate([column, [units + name] if name < olds else [], last]).astype(np.int32)
        for column, name in zip(grids.units, grids.names, strict=True)
    ]
    start = np.cumsum([0, *map(len, rows)])
    flat = np.concatenate(rows)
    count = len(rows)
    solver.addCols(
        count, grids.cost, np.zeros(count), np.full(count, highspy.kHighsInf),
        len(flat), start[:-1].astype(np.int32), flat, np.ones(len(flat)),
    )  # fmt: skip
    return solver


def _branch(solver: Any, grids: Grids, alive: Any, cuts: Any, between: tuple[float, float], limits: Limits) -> Choice:
    """Decide what the cuts left open by branch and bound over the columns still alive."""
    bound, below = between
    kept = [grids.units[i] for i in alive]
    held = hold_two(
        max(int(units[-1]) for units in kept) + 1, np.concatenate(kept), np.cumsum([0, *map(len, kept)]), cuts
    )
    for cut in range(len(cuts)):
        index = np.flatnonzero(held[:, cut]).astype(np.int32)
        solver.addRow(-highspy.kHighsInf, 1.0, len(index), index, np.ones(len(index)))
    count = len(kept)
    index = np.arange(count, dtype=np.int32)
    solver.changeColsIntegrality(count, index, np.full(count, highspy.HighsVarType.kInteger))
    solver.setOptionValue("mip_max_nodes", limits.nodes)
    solver.setOptionValue("time_limit", solver.getRunTime() + max(0.0, limits.left()))
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-7)
    solver.setOptionValue("objective_bound", below)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound):
        return Choice(None, below, True)
    bound = max(bound, min(below, float(info.mip_dual_bound)))
    proved = status == highspy.HighsModelStatus.kOptimal
    if info.primal_solution_status != 2 or info.objective_function_value >= below - _SLACK:
        return Choice(None, below if proved else bound, proved)
    return Choice(alive[np.array(solver.getSolution().col_value) > 0.5], bound, proved)
