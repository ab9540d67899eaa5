"""How is a mixed-integer model handed to HiGHS, and what does its answer prove?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spatial.errors import SpatialError
from spatial.siting.ways import Deadline

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SCALE_TO, _SEEN = 1e5, 1e-5
"""Costs of a model add up to this for HiGHS, whose tolerance is 1e-7; smaller ones than the other are lost on it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a model: entries (row from 0, column, value), and low and high of each row."""

    row: Ints
    col: Ints
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Mip:
    """Minimise ``offset + cost @ x`` under rows, with ``lower <= x <= upper`` and some of x whole."""

    cost: Floats
    offset: float
    lower: Floats
    upper: Floats
    whole: NDArray[np.bool_]
    rows: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class MipAnswer:
    """The best x found (None if none), a proven lower bound, and whether there is none at all."""

    x: Floats | None
    bound: float
    infeasible: bool


def solve_mip(model: Mip, *, start: Floats | None, time_limit_s: float, seed: int = 0) -> MipAnswer:
    """Return what HiGHS finds within the time, from a start that keeps the rows.

    Raises
    ------
    SpatialError
        If HiGHS refuses the model or stops for a reason other than an answer or its limit.
    """
    if time_limit_s <= 0.0:
        return MipAnswer(None, -np.inf, False)
    deadline, scale = Deadline(time_limit_s), _scale(model)
    for presolve in ("choose", "off"):  # a presolved answer may break a row of the model; HiGHS tells, and stops
        highs = _ready(model, scale, start, deadline, seed, presolve)
        if highs.run() != highspy.HighsStatus.kError:
            return _read(highs, model, scale)
        if deadline.left() <= 0.0:
            return MipAnswer(None, -np.inf, False)
    raise SpatialError("siting: HiGHS reports an error where it runs; needed an answer")


def _ready(
    model: Mip, scale: float, start: Floats | None, deadline: Deadline, seed: int, presolve: str
) -> highspy.Highs:
    """Return a solver that holds the model."""
    highs = highspy.Highs()
    for option, value in (
        ("output_flag", False), ("parallel", "off"), ("threads", 1), ("random_seed", seed),
        ("time_limit", deadline.left()), ("presolve", presolve), ("mip_rel_gap", 0.0), ("mip_abs_gap", 1e-7),
    ):  # fmt: skip
        highs.setOptionValue(option, value)
    _expect(highs.passModel(_lp(model, scale)), "takes the model")
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start
        _expect(highs.setSolution(solution), "takes the start")
    return highs


def _scale(model: Mip) -> float:
    """Return the factor that brings the total to a size at which HiGHS's tolerances are small."""
    size = float(np.abs(model.cost).sum())
    return _SCALE_TO / size if size else 1.0


def _unseen(model: Mip, scale: float) -> float:
    """Return what the columns come to whose cost HiGHS cannot tell from nothing, beside costs that are far higher."""
    size = np.abs(model.cost)
    tiny = (size > 0.0) & (size * scale < _SEEN)
    return float(size[tiny] @ (model.upper[tiny] - model.lower[tiny])) if tiny.any() else 0.0


def _lp(model: Mip, scale: float) -> Any:
    lp, n = highspy.HighsLp(), len(model.cost)
    matrix, low, high = _stack(model.rows, n)
    lp.num_col_, lp.num_row_ = n, len(low)
    lp.col_cost_ = model.cost * scale
    lp.col_lower_, lp.col_upper_ = model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = n, len(low)
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    if model.whole.any():
        lp.integrality_ = [kinds[int(one)] for one in model.whole]
    return lp


def _stack(rows: Sequence[Rows], columns: int) -> tuple[Any, Floats, Floats]:
    """Return the rows as one sparse matrix, with their lows and highs."""
    sizes = [len(one.low) for one in rows]
    first = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    low = np.concatenate([one.low for one in rows]) if rows else np.zeros(0)
    high = np.concatenate([one.high for one in rows]) if rows else np.zeros(0)
    if not rows:
        return sparse.csr_array((0, columns)), low, high
    row = np.concatenate([one.row + at for one, at in zip(rows, first[:-1], strict=True)])
    col = np.concatenate([one.col for one in rows])
    value = np.concatenate([one.value for one in rows])
    return sparse.csr_array((value, (row, col)), shape=(len(low), columns)), low, high


def _read(highs: Any, model: Mip, scale: float) -> MipAnswer:
    status, info, kinds = highs.getModelStatus(), highs.getInfo(), highspy.HighsModelStatus
    if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
        return MipAnswer(None, np.inf, True)
    if status not in (kinds.kOptimal, kinds.kTimeLimit, kinds.kInterrupt, kinds.kSolutionLimit, kinds.kModelEmpty):
        raise SpatialError(f"siting: HiGHS ended with {highs.modelStatusToString(status)!r}; needed an answer")
    x = None
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        x = np.asarray(highs.getSolution().col_value, dtype=np.float64)
    mixed = bool(model.whole.any())
    dual = info.mip_dual_bound if mixed else (info.objective_function_value if status == kinds.kOptimal else -np.inf)
    bound = dual / scale + model.offset - _unseen(model, scale)
    return MipAnswer(x, bound if np.isfinite(bound) else -np.inf, False)


def _expect(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise SpatialError(f"siting: HiGHS reports an error where it {what}")
