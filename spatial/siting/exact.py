"""Which sites are best, with proof? The exact models, built as sparse arrays and solved by HiGHS.

Cost models use Elloumi's formulation of the p-median ("A tighter formulation of the p-median problem", 2010): per row
and distinct cost, one variable says that no open site is that cheap. For maximal cover each row has one cost, and the
model becomes the usual covering one.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from spatial.errors import SpatialError
from spatial.siting.costs import Costs
from spatial.siting.reach import Flags, Floats, Ints

_SCALE_TO = 1e5


@dataclass(frozen=True, slots=True)
class Model:
    """A mixed-integer model: minimise ``offset + cost @ x`` with ``low <= matrix @ x <= high`` and 0 <= x <= 1.

    The first ``whole`` variables are 0 or 1; ``columns`` says which site each of them opens.
    """

    cost: Floats
    offset: float
    matrix: Any
    low: Floats
    high: Floats
    columns: Ints
    whole: int


@dataclass(frozen=True, slots=True)
class Solved:
    """Open columns (None if HiGHS found none), a proven lower bound, and HiGHS's word for how it ended."""

    opened: Flags | None
    bound: float
    ended: str


def median_model(costs: Costs, p: int) -> Model:
    """Return the model of at most ``p`` open columns besides the fixed ones, at the least total cost."""
    cap = np.full(len(costs.weight), costs.default)
    sure = costs.fixed[costs.col]
    np.minimum.at(cap, costs.row[sure], costs.cost[sure])
    used = ~sure & ~costs.closed[costs.col] & (costs.cost < cap[costs.row])
    row, col, cost = costs.row[used], costs.col[used], costs.cost[used]
    columns = np.flatnonzero(~costs.fixed & ~costs.closed)
    new_row = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    new_level = new_row | np.r_[True, cost[1:] != cost[:-1]] if len(row) else new_row
    heads = np.flatnonzero(new_level)
    level_row, level_cost, level_first = row[heads], cost[heads], new_row[heads]
    following = np.r_[level_cost[1:], 0.0]
    last = np.r_[level_first[1:], True]
    beyond = np.where(last[: len(heads)], cap[level_row], following[: len(heads)])
    lowest = cap.copy()
    lowest[level_row[level_first]] = level_cost[level_first]
    matrix = _level_matrix(np.cumsum(new_level) - 1, col, columns, level_first, len(costs.fixed))
    levels = len(heads)
    return Model(
        cost=np.r_[np.zeros(len(columns)), costs.weight[level_row] * (beyond - level_cost)],
        offset=float(costs.weight @ lowest),
        matrix=matrix,
        low=np.r_[level_first.astype(np.float64), -np.inf],
        high=np.r_[np.full(levels, np.inf), float(p)],
        columns=columns,
        whole=len(columns),
    )


def _level_matrix(level: Ints, col: Ints, columns: Ints, first: Flags, width: int) -> Any:
    """Return the rows: sites of a level, plus its variable, less the one before; and last the number of sites."""
    place = np.full(width, -1)
    place[columns] = np.arange(len(columns))
    m, levels = len(columns), len(first)
    later = np.flatnonzero(~first)
    rows = np.r_[level, np.arange(levels), later, np.full(m, levels)]
    cols = np.r_[place[col], m + np.arange(levels), m + later - 1, np.arange(m)]
    values = np.r_[np.ones(len(level) + levels), -np.ones(len(later)), np.ones(m)]
    return sparse.csr_array((values, (rows, cols)), shape=(levels + 1, m + levels))


def cover_model(cover: Any, columns: Ints) -> Model:
    """Return the model of the fewest columns such that every row of a 0/1 matrix has one of them."""
    rows, m = cover.shape
    return Model(
        cost=np.ones(m),
        offset=0.0,
        matrix=sparse.csr_array(cover, dtype=np.float64),
        low=np.ones(rows),
        high=np.full(rows, np.inf),
        columns=columns,
        whole=m,
    )


def solve(model: Model, width: int, start: Flags, *, time_limit_s: float) -> Solved:
    """Return the open columns among ``width`` that HiGHS finds, starting from those of ``start``.

    Raises
    ------
    SpatialError
        If HiGHS refuses the model or stops for a reason other than an answer or its limits.
    """
    if model.whole == 0:
        return Solved(np.zeros(width, dtype=bool), model.offset, "optimal")
    highs, scale = highspy.Highs(), _scale(model)
    for option, value in (
        ("output_flag", False), ("parallel", "off"), ("random_seed", 0), ("time_limit", max(time_limit_s, 0.0)),
        ("mip_rel_gap", 0.0), ("mip_abs_gap", 1e-7),
    ):  # fmt: skip
        highs.setOptionValue(option, value)
    _expect(highs.passModel(_lp(model, scale)), "takes the model")
    solution = highspy.HighsSolution()
    solution.col_value = _start(model, start)
    _expect(highs.setSolution(solution), "takes the start")
    _expect(highs.run(), "runs")
    return _read(highs, model, scale, width)


def _scale(model: Model) -> float:
    """Return the factor that brings the total to a size at which HiGHS's tolerances are small."""
    size = float(np.abs(model.cost).sum())
    return 1.0 if float(model.cost.max()) <= 1.0 else _SCALE_TO / size


def _lp(model: Model, scale: float) -> Any:
    lp = highspy.HighsLp()
    n = len(model.cost)
    lp.num_col_, lp.num_row_ = n, model.matrix.shape[0]
    lp.col_cost_ = model.cost * scale
    lp.col_lower_, lp.col_upper_ = np.zeros(n), np.ones(n)
    lp.row_lower_, lp.row_upper_ = model.low, model.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = n, model.matrix.shape[0]
    lp.a_matrix_.start_ = model.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.matrix.data
    kinds = [highspy.HighsVarType.kInteger] * model.whole + [highspy.HighsVarType.kContinuous] * (n - model.whole)
    lp.integrality_ = kinds
    return lp


def _start(model: Model, start: Flags) -> Floats:
    """Return values of all variables at an open set: a level's variable is 1 while no site so far is open."""
    x = np.zeros(len(model.cost))
    x[: model.whole] = start[model.columns]
    levels = len(x) - model.whole
    if levels:
        hit = model.matrix[:levels, : model.whole] @ x[: model.whole] > 0
        row = np.cumsum(model.low[:levels]).astype(np.int64) - 1
        seen = np.cumsum(hit)
        before = np.r_[0, seen][np.flatnonzero(model.low[:levels] > 0)]
        x[model.whole :] = seen == before[row]
    return x


def _read(highs: Any, model: Model, scale: float, width: int) -> Solved:
    status, info = highs.getModelStatus(), highs.getInfo()
    ended = highs.modelStatusToString(status)
    kinds = highspy.HighsModelStatus
    if status not in (kinds.kOptimal, kinds.kTimeLimit, kinds.kInterrupt, kinds.kSolutionLimit):
        raise SpatialError(f"siting: HiGHS ended with {ended!r}; needed an answer or a limit")
    opened = None
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        x = np.asarray(highs.getSolution().col_value[: model.whole])
        opened = np.zeros(width, dtype=bool)
        opened[model.columns[x > 0.5]] = True
    bound = info.mip_dual_bound / scale + model.offset
    return Solved(opened, bound if np.isfinite(bound) else -np.inf, ended.lower())


def _expect(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise SpatialError(f"siting: HiGHS reports an error where it {what}")
