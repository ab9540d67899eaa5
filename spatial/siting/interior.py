"""Where does the interior point method end? Near the best prices; whoever takes them computes a bound of them anew."""

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.ways import Floats


def end_inside(
    matrix: sparse.sparray, cost: Floats, upper: Floats, limit: Floats, limit_s: float, tolerance: float
) -> tuple[Floats, Floats] | None:
    """Return (point, duals) of least cost, from 0 to ``upper``, where matrix times point stays below the limits.

    There is no crossover to a corner; after ``limit_s`` seconds the method ends where it stands. None where it has
    nothing to show.
    """
    by_column = matrix.tocsc()
    problem = highspy.HighsLp()
    problem.num_row_, problem.num_col_ = by_column.shape
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = cost, np.zeros(len(cost)), upper
    problem.row_lower_, problem.row_upper_ = np.full(len(limit), -np.inf), limit
    problem.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    problem.a_matrix_.start_, problem.a_matrix_.index_ = by_column.indptr, by_column.indices
    problem.a_matrix_.value_ = by_column.data
    solver = highspy.Highs()
    options = {"output_flag": False, "solver": "ipm", "run_crossover": "off", "threads": 1, "time_limit": limit_s}
    for name, value in {**options, "ipm_optimality_tolerance": tolerance}.items():
        solver.setOptionValue(name, value)
    solver.passModel(problem)
    solver.run()
    solution = solver.getSolution()
    point, dual = np.asarray(solution.col_value), np.asarray(solution.row_dual)
    if len(point) != len(cost) or not np.isfinite(point).all() or len(dual) != len(limit):
        return None
    return point, dual
