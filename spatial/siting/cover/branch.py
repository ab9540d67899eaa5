"""What does branch and cut prove about a cover question that has become small?

HiGHS gets the rows of the question, the cuts and hulls that the prices use, and the best set known.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import Cuts, members, site_terms
from spatial.siting.cover.prices import cover_terms
from spatial.siting.cover.table import CoverTable, matrix_of
from spatial.siting.ways import Floats, Ints

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Branched:
    """The best columns, what they are worth, the proven bound, how the solver ended and how many nodes it took."""

    chosen: Ints
    value: float
    bound: float
    ended: str
    nodes: int


def branch_cover(table: CoverTable, weight: Floats, p: int, cuts: Cuts, chosen: Ints, *, limit_s: float) -> Branched:
    """Return at most ``p`` columns that cover the most weight; ``chosen`` is a set to start from."""
    rows, sites = table.rows, table.sites
    covered = matrix_of(table)
    top = sparse.hstack([covered, -sparse.eye_array(rows)])
    few = sparse.csr_array(np.concatenate((np.ones(sites), np.zeros(rows)))[None, :])
    broken = sparse.hstack([site_terms(cuts, table), -members(cuts, rows)])
    matrix = sparse.vstack([top, few, broken]).tocsr()
    low = np.concatenate((np.zeros(rows), [-np.inf], (1.0 - cuts.sizes) / 2.0))
    high = np.concatenate((np.full(rows, np.inf), [float(p)], np.full(cuts.count, np.inf)))
    opened = np.zeros(sites)
    opened[chosen] = 1.0
    start = np.concatenate((opened, np.minimum(covered @ opened, 1.0)))
    solver = _model(matrix, np.concatenate((np.zeros(sites), -weight)), low, high, sites)
    point, _, bound, ended, nodes = _run(solver, start, limit_s)
    columns = np.flatnonzero(point[:sites] > _HALF)
    opened = np.zeros(sites)
    opened[columns] = 1.0
    return Branched(columns, float(weight[covered @ opened > _HALF].sum()), -bound, ended, nodes)


def branch_all(
    table: CoverTable, need: Ints, cuts: Cuts, chosen: Ints, *, limit_s: float, hulls: sparse.csr_array | None = None
) -> Branched:
    """Return the fewest columns that cover each row as often as it needs; ``chosen`` is a cover to start from."""
    terms, least = cover_terms(table, cuts, hulls)
    matrix = sparse.vstack([matrix_of(table), terms]).tocsr()
    low = np.concatenate((need.astype(np.float64), least))
    start = np.zeros(table.sites)
    start[chosen] = 1.0
    solver = _model(matrix, np.ones(table.sites), low, np.full(len(low), np.inf), table.sites)
    point, _, bound, ended, nodes = _run(solver, start, limit_s)
    columns = np.flatnonzero(point > _HALF)
    return Branched(columns, float(len(columns)), bound, ended, nodes)


def _model(matrix: sparse.csr_array, cost: Floats, low: Floats, high: Floats, whole: int) -> highspy.Highs:
    """Return a solver for the least cost over unit boxes whose first columns are whole numbers."""
    problem = highspy.HighsLp()
    problem.num_row_, problem.num_col_ = matrix.shape
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = cost, np.zeros(len(cost)), np.ones(len(cost))
    problem.row_lower_, problem.row_upper_ = low, high
    problem.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    problem.a_matrix_.start_, problem.a_matrix_.index_ = matrix.indptr, matrix.indices
    problem.a_matrix_.value_ = matrix.data
    kinds = highspy.HighsVarType
    problem.integrality_ = [kinds.kInteger] * whole + [kinds.kContinuous] * (len(cost) - whole)
    solver = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 1e-6}.items():
        solver.setOptionValue(name, value)
    solver.passModel(problem)
    return solver


def _run(solver: highspy.Highs, start: Floats, limit_s: float) -> tuple[Floats, float, float, str, int]:
    """Return the best point, its cost, the bound, how it ended and the nodes taken."""
    guess = highspy.HighsSolution()
    guess.col_value = start.tolist()
    solver.setSolution(guess)
    solver.setOptionValue("time_limit", max(limit_s, 0.01))
    solver.run()
    info, status = solver.getInfo(), solver.getModelStatus()
    ended = "done" if status == highspy.HighsModelStatus.kOptimal else "time is up"
    point = np.asarray(solver.getSolution().col_value)
    feasible = (
        len(point) == len(start) and info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    )
    best = point if feasible else start
    return best, float(info.objective_function_value), float(info.mip_dual_bound), ended, int(info.mip_node_count)
