"""What does a model of sites tell if they open in shares, as rows join it and sites are opened or shut?

HiGHS holds the inequalities that matter, and goes on from where it was by the dual simplex method; others wait until an
answer breaks them. Only prices are taken from it: bounds are computed from them anew, so they hold wherever it stopped.
"""

from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.room.sites import Master, join_terms
from spatial.siting.ways import Deadline, Floats, Ints

_SLICE, _STEPS = 2_000, 2**31 - 1
"""Steps of the simplex method between two looks at the clock, and as many as there are."""
_BROKEN, _AT_ONCE, _TURNS = 1e-5, 300, 20
"""Waiting inequalities that are broken by more than this come back, so many at once at most, so often at most."""
_PAST = 1e-3
"""The solver may stop where it is above the most that is asked for by this much."""
_BASIC = highspy.HighsBasisStatus.kBasic

Ends = tuple[Floats, Floats]
"""The least and the most that each column may be."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The solver, the model with all inequalities known, and which of them the solver holds, in its order."""

    highs: Any
    master: Master
    inside: Ints


@dataclass(frozen=True, slots=True)
class Told:
    """The bound of some prices, the prices of all inequalities, what columns cost beyond them, and the last point.

    The bound is infinite where no point is left.
    """

    bound: float
    price: Floats
    left: Floats
    point: Floats


def begin_relaxed(master: Master, first_s: float) -> Relaxed:
    """Return the programme after the interior point method has solved it in so many seconds, or not."""
    relaxed = _held(_empty(master), np.arange(len(master.least)))
    highs = relaxed.highs
    highs.setOptionValue("solver", "ipm")
    highs.setOptionValue("time_limit", first_s)
    highs.run()
    highs.setOptionValue("solver", "simplex")
    highs.setOptionValue("time_limit", np.inf)
    return relaxed


def begin_near(master: Master, point: Floats, spare: float) -> Relaxed:
    """Return the programme whose solver holds what a point breaks, or keeps with less than this to spare."""
    return _held(_empty(master), np.flatnonzero(master.terms @ point - master.least < spare))


def _empty(master: Master) -> Relaxed:
    """Return the programme whose solver holds none of the inequalities.

    Sites and lacks are as well as they are: scaled, as many steps raise the bound by less, and more answers are unsure.
    """
    highs, count = highspy.Highs(), len(master.cost)
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("presolve", "off"),
        ("solver", "simplex"),
        ("simplex_scale_strategy", 0),
        ("simplex_dual_edge_weight_strategy", 1),
    ):
        highs.setOptionValue(option, value)
    problem = highspy.HighsLp()
    problem.num_row_, problem.num_col_ = 0, count
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = master.cost, master.lower, master.upper
    highs.passModel(problem)
    return Relaxed(highs, master, np.zeros(0, np.int64))


def copy_relaxed(relaxed: Relaxed, basis: Any) -> Relaxed:
    """Return the programme with a solver of its own, which goes on from a basis."""
    other = _held(_empty(relaxed.master), relaxed.inside)
    other.highs.setBasis(basis)
    return other


def join_relaxed(relaxed: Relaxed, terms: sparse.csr_array, least: Floats) -> Relaxed:
    """Return the programme with more inequalities."""
    known = len(relaxed.master.least)
    relaxed = replace(relaxed, master=join_terms(relaxed.master, terms, least))
    return _held(relaxed, np.arange(known, known + len(least)))


def _held(relaxed: Relaxed, rows: Ints) -> Relaxed:
    """Return the programme whose solver holds some more of the inequalities known."""
    terms = relaxed.master.terms[rows]
    start, index = terms.indptr[:-1].astype(np.int32), terms.indices.astype(np.int32)
    least, most = relaxed.master.least[rows], np.full(len(rows), np.inf)
    relaxed.highs.addRows(len(rows), least, most, terms.nnz, start, index, terms.data.astype(np.float64))
    return replace(relaxed, inside=np.concatenate((relaxed.inside, rows)))


def shed_relaxed(relaxed: Relaxed, point: Floats, slack: float) -> Relaxed:
    """Return the programme whose solver lets go the inequalities that a point keeps with so much to spare."""
    spare = relaxed.master.terms[relaxed.inside] @ point - relaxed.master.least[relaxed.inside]
    idle = np.array([status == _BASIC for status in relaxed.highs.getBasis().row_status], np.bool_)
    gone = np.flatnonzero((spare > slack) & idle)
    if len(gone):
        relaxed.highs.deleteRows(len(gone), gone.astype(np.int32))
    return replace(relaxed, inside=np.delete(relaxed.inside, gone))


def set_ends(relaxed: Relaxed, ends: Ends) -> None:
    """Let the columns be within these ends."""
    every = np.arange(len(ends[0]), dtype=np.int32)
    relaxed.highs.changeColsBounds(len(every), every, *ends)


def set_basis(relaxed: Relaxed, basis: Any) -> None:
    """Let the solver go on from a basis; inequalities that joined since are slack there."""
    more = len(relaxed.inside) - len(basis.row_status)
    if more:
        longer = highspy.HighsBasis()
        longer.col_status, longer.valid = basis.col_status, True
        longer.row_status = [*basis.row_status, *[_BASIC] * more]
        basis = longer
    relaxed.highs.setBasis(basis)


def run_steps(relaxed: Relaxed, steps: int = _STEPS) -> bool:
    """Let the simplex method make so many steps; return whether it came to its end before."""
    relaxed.highs.setOptionValue("simplex_iteration_limit", steps)
    relaxed.highs.run()
    return bool(relaxed.highs.getModelStatus() != highspy.HighsModelStatus.kIterationLimit)


def run_until(relaxed: Relaxed, deadline: Deadline) -> bool:
    """Let the simplex method come to its end, or as far as time does; return whether it came there."""
    while not (done := run_steps(relaxed, _SLICE)) and deadline.left() > 0.0:
        pass
    return done


def solve_relaxed(relaxed: Relaxed, ends: Ends, goal: float, steps: int = _STEPS) -> tuple[Relaxed, Told]:
    """Return the programme with what was broken, and what it tells within the ends, as far as so many steps lead.

    It ends above the goal, too.
    """
    for _ in range(_TURNS):
        done, held = run_steps(relaxed, steps), len(relaxed.inside)
        told = tell(relaxed, ends)
        if not done or told.bound > goal:
            break
        relaxed = recall(relaxed, told.point)
        if len(relaxed.inside) == held:
            break
    return relaxed, told


def settle_relaxed(relaxed: Relaxed, ends: Ends, most: float, deadline: Deadline) -> tuple[Relaxed, Told | None]:
    """Return the programme with what was broken, and what it tells within the ends; None if there is no time.

    Its bound is infinite where nothing costs ``most`` or less; the solver may stop as soon as it sees that.
    """
    highs = relaxed.highs
    while True:
        highs.setOptionValue("objective_bound", most + _PAST)
        run_until(relaxed, deadline)
        told = tell(relaxed, ends)
        unsure = highs.getModelStatus() != highspy.HighsModelStatus.kOptimal
        if told.bound <= most + _PAST / 2 and unsure and deadline.left() > 0.0:
            highs.clearSolver()  # what prices do not show is looked at anew, to the end
            highs.setOptionValue("objective_bound", np.inf)
            run_until(relaxed, deadline)
            told = tell(relaxed, ends)
        if told.bound > most + _PAST / 2:
            return relaxed, replace(told, bound=np.inf)
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return relaxed, None
        held = len(relaxed.inside)
        relaxed = recall(relaxed, told.point)
        if len(relaxed.inside) == held:
            return relaxed, told


def recall(relaxed: Relaxed, point: Floats) -> Relaxed:
    """Return the programme whose solver holds again what waits and is broken by a point."""
    waits = np.ones(len(relaxed.master.least), np.bool_)
    waits[relaxed.inside] = False
    rows = np.flatnonzero(waits)
    short = relaxed.master.least[rows] - relaxed.master.terms[rows] @ point
    worst = np.argsort(-short, kind="stable")[:_AT_ONCE]
    worst = worst[short[worst] > _BROKEN]
    return _held(relaxed, np.sort(rows[worst])) if len(worst) else relaxed


def tell(relaxed: Relaxed, ends: Ends) -> Told:
    """Return what the solver's prices prove."""
    master, solution = relaxed.master, relaxed.highs.getSolution()
    point, price = np.clip(np.asarray(solution.col_value), *ends), np.zeros(len(master.least))
    if solution.dual_valid:
        price[relaxed.inside] = np.maximum(np.asarray(solution.row_dual), 0.0)
    left = master.cost - master.terms.T @ price
    bound = float(master.least @ price + np.minimum(left * ends[0], left * ends[1]).sum())
    if relaxed.highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible and _is_empty(relaxed, ends):
        bound = np.inf
    return Told(bound, price, left, point)


def _is_empty(relaxed: Relaxed, ends: Ends) -> bool:
    """Tell whether a ray of prices proves that no point keeps all inequalities within the ends."""
    _, some, ray = relaxed.highs.getDualRay()
    master = relaxed.master
    for sign in (1.0, -1.0) if some else ():
        price = np.maximum(sign * np.asarray(ray), 0.0)
        price /= max(float(price.max(initial=0.0)), 1e-300)
        left = -(master.terms[relaxed.inside].T @ price)
        if float(master.least[relaxed.inside] @ price + np.minimum(left * ends[0], left * ends[1]).sum()) > _BROKEN:
            return True
    return False
