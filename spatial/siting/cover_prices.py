"""How much can p sites cover at most, and how few can cover all? Prices on the rows that prove it.

The linear programme is handed to the interior point method in its dual form, one row per site: with a few thousand
sites and many more demand rows its equations are ten times smaller, and zero-half cuts are columns. No crossover is
run. Whatever the prices are worth numerically, the bound is computed from them anew, as the value of the Lagrangian
function at prices that are cut off at what is allowed; it holds however early the method stopped.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.cover_cuts import Cuts, members, site_terms
from spatial.siting.cover_table import CoverTable, matrix_of, pick, site_sums
from spatial.siting.ways import Floats, Ints

_SHORTEST_S = 0.05
_LARGE = 200_000
_EXACT, _ROUGH = 1e-6, 1e-4
"""Where the interior point method stops, below and from ``_LARGE`` entries on: what it leaves is small."""


@dataclass(frozen=True, slots=True)
class Prices:
    """A proven bound, the price of each row and cut, what each site is worth at these prices, and how far it is open.

    For the maximal cover ``bound`` is at least what any p sites cover; ``rate`` is the price of one more site. For the
    set cover it is at most what any cover costs, and ``rate`` is 1.
    """

    bound: float
    row: Floats
    cut: Floats
    worth: Floats
    share: Floats
    rate: float


def price_cover(
    table: CoverTable,
    weight: Floats,
    p: int,
    cuts: Cuts,
    *,
    limit_s: float,
    core: Ints | None = None,
    hulls: sparse.csr_array | None = None,
) -> Prices | None:
    """Return prices that bound from above what ``p`` sites cover, or none if the time did not do for any.

    The linear programme sees the ``core`` sites alone (all if not given); the bound counts every site. ``hulls`` are
    further inequalities over the sites, and then the lacks of the rows, at least 1 each; their prices follow those of
    the cuts.
    """
    sites = np.arange(table.sites) if core is None else core
    small = table if core is None else pick(table, np.arange(table.rows), core)
    rows, free = table.rows, len(sites) + 1
    terms, least = cover_terms(table, cuts, None if hulls is None else hulls[:, : table.sites])
    inside = members(cuts, rows)
    if hulls is not None:
        inside = sparse.vstack([inside, hulls[:, table.sites :]]).tocsr()
    touched = np.unique(inside.indices)
    slack = sparse.hstack([-sparse.eye_array(len(sites)), sparse.csr_array(-np.ones((len(sites), 1)))])
    top = [matrix_of(small).T, terms[:, sites].T, slack]
    cap = [sparse.eye_array(rows, format="csr")[touched], inside[:, touched].T, None]
    cost = np.concatenate((-np.ones(rows), -least, np.ones(free - 1), [float(p)]))
    upper = np.concatenate((weight, np.full(len(least) + free, np.inf)))
    limit = np.concatenate((np.zeros(len(sites)), weight[touched]))
    solved = _interior(sparse.block_array([top, cap] if len(touched) else [top]), cost, upper, limit, limit_s)
    if solved is None:
        return None
    point, dual = solved
    row, cut = np.clip(point[:rows], 0.0, weight), np.maximum(point[rows : rows + len(least)], 0.0)
    share = np.zeros(table.sites)
    share[sites] = np.clip(-dual[: len(sites)], 0.0, 1.0)
    worth = site_sums(table, row) + terms.T @ cut
    left = np.maximum(weight - row - inside.T @ cut, 0.0).sum()
    best = np.maximum(np.sort(worth)[::-1][:p], 0.0).sum()
    return Prices(
        float(left + best + (inside.sum(axis=1) - least) @ cut), row, cut, worth, share, float(max(point[-1], 0.0))
    )


def price_all(
    table: CoverTable, need: Ints, cuts: Cuts, *, limit_s: float, hulls: sparse.csr_array | None = None
) -> Prices | None:
    """Return prices that bound from below how many sites cover each row as often as it needs; none as above.

    ``hulls`` are further inequalities over the sites, at least 1 each; their prices follow those of the cuts.
    """
    rows, sites = table.rows, table.sites
    terms, least = cover_terms(table, cuts, hulls)
    gives = np.concatenate((need.astype(np.float64), least, -np.ones(sites)))
    matrix = sparse.hstack([matrix_of(table).T, terms.T, -sparse.eye_array(sites)])
    solved = _interior(matrix, -gives, np.full(len(gives), np.inf), np.ones(sites), limit_s)
    if solved is None:
        return None
    point, dual = solved
    row, cut = np.maximum(point[:rows], 0.0), np.maximum(point[rows : rows + len(least)], 0.0)
    worth = site_sums(table, row) + terms.T @ cut
    bound = float(gives[:rows] @ row + least @ cut - np.maximum(worth - 1.0, 0.0).sum())
    return Prices(bound, row, cut, worth, np.clip(-dual[:sites], 0.0, 1.0), 1.0)


def cover_terms(table: CoverTable, cuts: Cuts, hulls: sparse.csr_array | None) -> tuple[sparse.csr_array, Floats]:
    """Return the inequalities of cuts and hulls where everything must be covered: terms by site, and least sums."""
    terms, least = site_terms(cuts, table), (cuts.sizes + 1) / 2.0
    if hulls is None or hulls.shape[0] == 0:
        return terms, least
    return sparse.vstack([terms, hulls]).tocsr(), np.concatenate((least, np.ones(hulls.shape[0])))


def _interior(
    matrix: sparse.sparray, cost: Floats, upper: Floats, limit: Floats, limit_s: float
) -> tuple[Floats, Floats] | None:
    """Return the point and duals the interior point method ends at: least cost, matrix times point below a limit."""
    if limit_s < _SHORTEST_S:
        return None
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
    tolerance = _EXACT if by_column.nnz < _LARGE else _ROUGH
    for name, value in {**options, "ipm_optimality_tolerance": tolerance}.items():
        solver.setOptionValue(name, value)
    solver.passModel(problem)
    solver.run()
    solution = solver.getSolution()
    point, dual = np.asarray(solution.col_value), np.asarray(solution.row_dual)
    if len(point) != len(cost) or not np.isfinite(point).all() or len(dual) != len(limit):
        return None
    return point, dual
