"""What do answers of a linear programme of sites prove, as sites open and shut and inequalities come and go?

The dual simplex method goes on from where it was. Inequalities that hold nothing back wait aside until an answer breaks
them. Bounds are computed anew from prices, and what HiGHS calls impossible counts only where prices show it.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.room.sites import Master
from spatial.siting.ways import Deadline, Floats

_SLICE = 2_000
"""Steps of the simplex method between two looks at the clock."""
_NEAR, _LOOSE = 0.05, 0.02
"""Inequalities kept with no more than the first to spare are there from the start; those with more than the other may
go aside."""
_MORE_ROWS = 250
"""So many rows more than to begin with are let be."""
_BROKEN = 1e-3
_PAST = 1e-3
"""The simplex method may end where it is above the most that is asked by this much."""
SETTLED = 0.2
"""A part with nothing in it comes to this much more than is asked for, as far as gains are counted."""
_HAIR = 1e-6
_BASIC = highspy.HighsBasisStatus.kBasic
_STATUS = highspy.HighsModelStatus


@dataclass(slots=True)
class Programme:
    """HiGHS with the inequalities ``terms`` and the least of each, others that wait ``aside``, and how many there were
    to begin with; sites that cost more than ``most`` are not asked for."""

    highs: Any
    cost: Floats
    most: float
    terms: sparse.csr_array
    least: Floats
    aside: sparse.csr_array
    least_aside: Floats
    first: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Shares of the sites, the bound that prices prove, and what each site costs beyond what they pay for it."""

    point: Floats
    bound: float
    rest: Floats


def begin_programme(master: Master, point: Floats, most: float) -> Programme:
    """Return the programme with those inequalities of a model that a point hardly keeps; the others wait."""
    highs = highspy.Highs()
    for name, value in (
        ("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 1),
        ("objective_bound", most + _PAST),
    ):  # fmt: skip
        highs.setOptionValue(name, value)
    problem = highspy.HighsLp()
    problem.num_row_, problem.num_col_ = 0, len(master.cost)
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = master.cost, master.lower, master.upper
    highs.passModel(problem)
    near = master.terms @ point - master.least < _NEAR
    none, no_least = sparse.csr_array((0, len(master.cost))), np.zeros(0)
    programme = Programme(
        highs, master.cost, most, none, no_least, master.terms[~near], master.least[~near], int(near.sum())
    )
    add_rows(programme, master.terms[near], master.least[near])
    return programme


def add_rows(programme: Programme, terms: sparse.csr_array, least: Floats) -> None:
    """Add some inequalities."""
    start, index = terms.indptr[:-1].astype(np.int32), terms.indices.astype(np.int32)
    count, free = len(least), np.full(len(least), np.inf)
    programme.highs.addRows(count, least, free, terms.nnz, start, index, terms.data.astype(np.float64))
    programme.terms = sparse.vstack([programme.terms, terms]).tocsr()
    programme.least = np.concatenate((programme.least, least))


def add_broken(programme: Programme, point: Floats) -> bool:
    """Add the inequalities from aside that a point breaks; return whether there are any."""
    broken = programme.aside @ point < programme.least_aside - _BROKEN
    if broken.any():
        terms, least = programme.aside[broken], programme.least_aside[broken]
        programme.aside, programme.least_aside = programme.aside[~broken], programme.least_aside[~broken]
        add_rows(programme, terms, least)
    return bool(broken.any())


def put_aside(programme: Programme, point: Floats) -> None:
    """Put the inequalities aside that the last answer keeps with most to spare, if there are many."""
    over = len(programme.least) - programme.first
    if over <= _MORE_ROWS:
        return
    basis, highs = programme.highs.getBasis(), programme.highs
    status = list(basis.row_status)
    spare = programme.terms @ point - programme.least
    loose = np.array([one == _BASIC for one in status]) & (spare > _LOOSE)
    order = np.argsort(np.where(loose, -spare, 0.0), kind="stable")[:over]
    gone = np.zeros(len(status), np.bool_)
    gone[order] = True
    gone &= loose
    if not gone.any():
        return
    programme.aside = sparse.vstack([programme.aside, programme.terms[gone]]).tocsr()
    programme.least_aside = np.concatenate((programme.least_aside, programme.least[gone]))
    programme.terms, programme.least = programme.terms[~gone], programme.least[~gone]
    highs.deleteRows(int(gone.sum()), np.flatnonzero(gone).astype(np.int32))
    basis.row_status = [status[k] for k in np.flatnonzero(~gone)]
    highs.setBasis(basis)


def all_rows(programme: Programme) -> tuple[sparse.csr_array, Floats]:
    """Return all inequalities with the least of each."""
    terms = sparse.vstack([programme.terms, programme.aside]).tocsr()
    return terms, np.concatenate((programme.least, programme.least_aside))


def set_ends(programme: Programme, low: Floats, high: Floats) -> None:
    """Let each site be open from its lower share to its upper one."""
    every = np.arange(len(low), dtype=np.int32)
    programme.highs.changeColsBounds(len(low), every, low, high)


def answer_of(programme: Programme, low: Floats, high: Floats, deadline: Deadline) -> Answer | None:
    """Return the answer within these ends, its bound infinite if nothing costs as little as asked; None for no time."""
    highs = programme.highs
    status = _run(highs, deadline)
    if status == _STATUS.kOptimal:
        return _read(programme, low, high)
    if status == _STATUS.kObjectiveBound and (found := _read(programme, low, high)).bound == np.inf:
        return found
    if status == _STATUS.kInfeasible and _impossible(programme, low, high):
        return Answer(low, np.inf, programme.cost)
    highs.clearSolver()  # what was not shown is looked at anew, to the end
    highs.setOptionValue("objective_bound", np.inf)
    status = _run(highs, deadline)
    highs.setOptionValue("objective_bound", programme.most + _PAST)
    return _read(programme, low, high) if status == _STATUS.kOptimal else None


def _run(highs: Any, deadline: Deadline) -> Any:
    """Return how the simplex method ends."""
    highs.setOptionValue("simplex_iteration_limit", _SLICE)
    highs.run()
    while highs.getModelStatus() == _STATUS.kIterationLimit and deadline.left() > 0.0:
        highs.run()
    return highs.getModelStatus()


def _read(programme: Programme, low: Floats, high: Floats) -> Answer:
    """Return what the last answer says; its bound is infinite if that is more than is asked for."""
    solution = programme.highs.getSolution()
    price = np.maximum(np.asarray(solution.row_dual), 0.0)
    rest = programme.cost - programme.terms.T @ price
    bound = float(programme.least @ price + np.minimum(rest * low, rest * high).sum())
    point = np.clip(np.asarray(solution.col_value), low, high)
    return Answer(point, np.inf if bound > programme.most + _HAIR else bound, rest)


def _impossible(programme: Programme, low: Floats, high: Floats) -> bool:
    """Tell whether a ray of prices shows that the inequalities ask for more than the ends allow."""
    _, has, ray = programme.highs.getDualRay()
    for price in (np.maximum(ray, 0.0), np.maximum(-np.asarray(ray), 0.0)) if has else ():
        pays = programme.terms.T @ price
        most = float(np.maximum(pays * low, pays * high).sum())
        if float(programme.least @ price) > most + _HAIR * max(most, float(price.max(initial=0.0))):
            return True
    return False


def try_site(programme: Programme, site: int, start: float, steps: int) -> tuple[float, float]:
    """Return how far the cost rises from a start with a site shut, and with it open, in so many steps.

    At most to what a part with nothing in it comes to; the programme is then as it was.
    """
    highs, rises = programme.highs, []
    basis = highs.getBasis()
    highs.setOptionValue("simplex_iteration_limit", steps)
    for end in (0.0, 1.0):
        highs.changeColBounds(site, end, end)
        highs.run()
        over = highs.getModelStatus() in (_STATUS.kInfeasible, _STATUS.kObjectiveBound)
        now = np.inf if over else float(highs.getInfo().objective_function_value)
        rises.append(min(max(now, start), programme.most + SETTLED) - start)
        highs.changeColBounds(site, 0.0, 1.0)
        highs.setBasis(basis)
    return rises[0], rises[1]
