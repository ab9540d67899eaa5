"""How far do cuts lift the linear relaxation of a p-median, and what question has that as its plain bound?

The relaxation has a step by row and cost: it is paid where no site of the ball before it is open (Garcia, Labbe and
Marin, "Solving large p-median problems with a radius formulation", 2011). Only the step about the price of a row is
a column; nearer ones are taken as paid by what the ball lacks, farther ones as free, until the shares say otherwise.
Cuts at their prices are taken into the costs: steps get shorter, sites earn. No set of whole sites costs more then, and
the prices of that question reach the value of the relaxation with cuts.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np

from spatial.siting.median.core import Core, shrink
from spatial.siting.median.odd import EFFORTS, Cut, find_cuts, most_cuts
from spatial.siting.median.start import Start, begin_at, keep_start, pay_at_once
from spatial.siting.median.steps import ball_sums, earnings, staircase
from spatial.siting.ways import Deadline, Floats, Ints

_FREE, _COLUMN, _LACKING = 0, 1, 2
"""A step is taken as free, stands as a column, or is taken as paid by what its ball lacks."""
_SEEN = 1e-6
_PATIENCE, _GAIN = 4, 0.01
"""Rounds of cuts end when so many in a row close less than this share of what is missing."""
_FEW, _THOROUGH = 50, 10
"""With fewer cuts than this more effort is spent on finding them, where there are more rounds than that."""
_MANY = 150
"""With more cuts than this at once the relaxation is solved anew, which takes half as long as going on."""
NONE = np.zeros(0, np.int64)


@dataclass(slots=True)
class Program:
    """The relaxation as HiGHS has it; its rows after the first are balls (entry) and cuts (below 0).

    ``paid`` are the columns, by ball, of steps that were taken as paid before, ``held`` balls whose step is not paid.
    """

    highs: Any
    core: Core
    ends: Ints
    row: Ints
    step: Floats
    unit: float
    state: Ints
    rows: list[int] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    column: dict[int, int] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)
    held: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lifted:
    """A question that costs no set of whole sites more, prices by row, shares by site, the value (no proof), and where
    the simplex method ended."""

    core: Core
    price: Floats
    share: Floats
    value: float
    start: Start


def lift(
    program: Program,
    goal: float,
    deadline: Deadline,
    *,
    rounds: int,
    seed: int,
    opened: Ints = NONE,
    free: Ints | None = None,
    start: Start | None = None,
    held: tuple[int, ...] = (),
) -> Lifted | None:
    """Return the question with cuts at their prices in its costs, after so many rounds of cuts; None without time.

    Sites named ``opened`` are open and all but those and the ``free`` ones shut, and each ball that is ``held``, which
    stands as a column, has an open site. Cuts stay for the questions after it.
    The simplex method begins at ``start``, else where it ended last.
    """
    core, highs = program.core, program.highs
    m = len(core.names)
    low = np.isin(core.names, opened).astype(np.float64)
    high = np.ones(m) if free is None else np.maximum(low, np.isin(core.names, free))
    highs.changeColsBounds(m, np.arange(m, dtype=np.int32), low, high)
    _hold(program, held)
    if start is not None:
        begin_at(highs, program.rows, start, program.paid)
    best, waited, lifted, effort = -np.inf, 0, None, 0
    most = EFFORTS - 1 if rounds > _THOROUGH else 0
    for turn in range(rounds + 1):
        answer = _settled(program, goal, deadline)
        if answer is None:
            break
        share, value, dual, summed = answer
        lifted = Lifted(*_taken_in(program, dual), share, value, keep_start(highs, program.rows))
        waited = waited + 1 if value - best < _GAIN * max(goal - value, 0.0) else 0
        best = max(best, value)
        if turn == rounds or value > goal or waited >= _PATIENCE or not deadline.left():
            break
        cuts = find_cuts(core, program.ends, program.row, summed, share, seed=seed + turn, effort=effort)
        while len(cuts) < max(_FEW, most_cuts(share)) and effort < most:
            effort += 1
            cuts = find_cuts(core, program.ends, program.row, summed, share, seed=seed + turn, effort=effort)
        if not cuts:
            break
        _drop_slack(program)
        _add_cuts(program, cuts)
        if len(cuts) > _MANY:
            program.highs.clearSolver()
    return lifted


def _settled(program: Program, goal: float, deadline: Deadline) -> tuple[Floats, float, Floats, Floats] | None:
    """Return shares, value, duals and sums by ball once no step is taken for too little, or the goal is passed."""
    core = program.core
    while (answer := _run(program, deadline)) is not None:
        share, value, dual = answer
        summed = ball_sums(core.ptr, core.site, program.ends, program.row, share)
        if value > goal or not _widen(program, summed):
            return share, value, dual, summed
    return None


def begin(core: Core, price: Floats) -> Program:
    """Return the relaxation with the steps about the prices as columns."""
    m, length = len(core.names), np.diff(core.ptr)
    row_of = np.repeat(np.arange(len(length)), length)
    following = np.append(core.cost[1:], 0.0)
    following[core.ptr[1:] - 1] = core.cap
    ends = np.flatnonzero(following > core.cost)
    row = row_of[ends]
    step = core.weight[row] * (following[ends] - core.cost[ends])
    state = np.where(core.cost[ends] < price[row], _LACKING, _FREE)
    # The last step begun below the price is not surely paid in full.
    start = np.r_[0, np.cumsum(np.bincount(row, minlength=len(length)))]
    at = start[:-1] + np.bincount(row, state == _LACKING, len(length)).astype(np.int64) - 1
    state[at[at >= start[:-1]]] = _COLUMN
    unit = float(core.weight @ core.cap) / 1e4 or 1.0
    highs = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("parallel", "off")):
        highs.setOptionValue(option, value)
    highs.addVars(m, np.zeros(m), np.ones(m))
    every = np.arange(m, dtype=np.int32)
    highs.addRow(float(core.p), float(core.p), m, every, np.ones(m))
    program = Program(highs, core, ends, row, step, unit, state)
    _add_balls(program, np.flatnonzero(state == _COLUMN))
    return program


def _run(program: Program, deadline: Deadline) -> tuple[Floats, float, Floats] | None:
    """Return shares, value and duals of the rows; None where there is no time for them."""
    core, highs = program.core, program.highs
    m = len(core.names)
    lacking = charge(program)
    if not _solve(highs, deadline):
        return None
    solution = highs.getSolution()
    fixed = core.base + float(core.weight @ core.cost[core.ptr[:-1]]) + float(lacking.sum())
    value = float(highs.getInfo().objective_function_value) * program.unit + fixed
    share = np.clip(np.asarray(solution.col_value)[:m], 0.0, 1.0)
    return share, value, np.asarray(solution.row_dual)[1:] * program.unit


def charge(program: Program) -> Floats:
    """Let sites earn the steps that are taken as paid; return these by ball."""
    core, m = program.core, len(program.core.names)
    lacking: Floats = np.where(program.state == _LACKING, program.step, 0.0)
    earned = earnings(core.ptr, core.site, program.ends, program.row, lacking, m)
    program.highs.changeColsCost(m, np.arange(m, dtype=np.int32), (core.fee - earned) / program.unit)
    return lacking


def _hold(program: Program, held: tuple[int, ...]) -> None:
    """Let the steps of these balls alone not be paid."""
    for ball in program.held:
        program.highs.changeColBounds(program.column[ball], 0.0, highspy.kHighsInf)
    for ball in held:
        program.highs.changeColBounds(program.column[ball], 0.0, 0.0)
    program.held = held


def _solve(highs: Any, deadline: Deadline) -> bool:
    """Solve from the last basis, or without one from inside, which equal costs do not hold up; tell if that is done."""
    for solver in ("simplex",) if highs.getBasis().valid else ("ipm", "simplex"):
        highs.setOptionValue("solver", solver)
        highs.setOptionValue("time_limit", float(highs.getRunTime() + deadline.left()))
        highs.run()
        highs.setOptionValue("solver", "simplex")
        if highs.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            return True
    return False


def _widen(program: Program, summed: Floats) -> bool:
    """Make columns of the steps that were taken for too little, as the shares show; tell if there are any."""
    widened = add_paid(program, np.flatnonzero((program.state == _LACKING) & (summed > 1.0 + _SEEN)))
    return _add_balls(program, np.flatnonzero((program.state == _FREE) & (summed < 1.0 - _SEEN))) or widened


def add_paid(program: Program, paid: Ints) -> bool:
    """Make columns of these steps, which were taken as paid; tell if there are any."""
    column, row = program.highs.getNumCol() + np.arange(len(paid)), program.highs.getNumRow() + np.arange(len(paid))
    widened = _add_balls(program, paid)
    if widened:
        pay_at_once(program.highs, column, row)
        program.paid.update(zip(paid.tolist(), column.tolist(), strict=True))
    return widened


def _add_balls(program: Program, at: Ints) -> bool:
    """Make columns of these steps, each with the row of its ball."""
    core, highs = program.core, program.highs
    if not len(at):
        return False
    program.state[at] = _COLUMN
    columns = highs.getNumCol() + np.arange(len(at))
    highs.addVars(len(at), np.zeros(len(at)), np.full(len(at), highspy.kHighsInf))
    highs.changeColsCost(len(at), columns.astype(np.int32), program.step[at] / program.unit)
    first = core.ptr[program.row[at]]
    size = program.ends[at] - first + 2
    start = np.r_[0, np.cumsum(size)]
    index = np.empty(start[-1], np.int32)
    inside = np.arange(start[-1]) - np.repeat(start[:-1], size)
    tail = inside == np.repeat(size, size) - 1
    index[~tail] = core.site[(np.repeat(first, size) + inside)[~tail]]
    index[tail] = columns
    free = np.full(len(at), highspy.kHighsInf)
    highs.addRows(len(at), np.ones(len(at)), free, len(index), start[:-1].astype(np.int32), index, np.ones(len(index)))
    program.rows += [int(k) for k in at]
    program.column.update(zip(at.tolist(), columns.tolist(), strict=True))
    return True


def _add_cuts(program: Program, cuts: list[Cut]) -> None:
    """Add the cuts, with columns for all steps in them."""
    balls = np.searchsorted(program.ends, np.concatenate([cut.balls for cut in cuts]))
    balls = np.unique(balls)
    _add_balls(program, balls[program.state[balls] != _COLUMN])
    at = np.searchsorted(program.ends, np.concatenate([cut.balls for cut in cuts]))
    steps = np.array([program.column[k] for k in at.tolist()], np.int64)
    sites, paid = [len(cut.site) for cut in cuts], [len(cut.balls) for cut in cuts]
    owner = np.r_[np.repeat(np.arange(len(cuts)), sites), np.repeat(np.arange(len(cuts)), paid)]
    order = np.argsort(owner, kind="stable")
    index = np.concatenate([*(cut.site for cut in cuts), steps])[order]
    value = np.concatenate([*(cut.value for cut in cuts), np.ones(len(steps))])[order]
    start = np.r_[0, np.cumsum(np.add(sites, paid))][:-1]
    low, free = np.array([cut.low for cut in cuts]), np.full(len(cuts), highspy.kHighsInf)
    program.highs.addRows(len(cuts), low, free, len(index), start.astype(np.int32), index.astype(np.int32), value)
    program.rows += [-len(program.cuts) - 1 - k for k in range(len(cuts))]
    program.cuts += cuts


def _drop_slack(program: Program) -> None:
    """Delete the cuts that do not bind."""
    status = program.highs.getBasis().row_status
    slack = [k for k, at in enumerate(program.rows) if at < 0 and status[k + 1] == highspy.HighsBasisStatus.kBasic]
    if slack:
        program.highs.deleteRows(len(slack), np.array(slack, np.int32) + 1)
        gone = set(slack)
        program.rows[:] = [at for k, at in enumerate(program.rows) if k not in gone]


def _taken_in(program: Program, dual: Floats) -> tuple[Core, Floats]:
    """Return the question with the cuts at their prices in its costs, and the prices of its rows.

    Whatever the prices, it costs no set more than the question did: no step becomes negative. Those of balls that are
    held are as long as their prices ask for: no set pays them.
    """
    core, step, fee, base = program.core, program.step.copy(), program.core.fee.copy(), program.core.base
    paid = np.where(program.state == _LACKING, program.step, 0.0)
    rows = np.array(program.rows, np.int64)
    paid[rows[rows >= 0]] = np.maximum(dual[rows >= 0], 0.0)
    taken = [(program.cuts[-at - 1], max(float(dual[k]), 0.0)) for k, at in enumerate(program.rows) if at < 0]
    held, owed = list(program.held), paid.copy()
    for cut, each in taken:
        owed[np.searchsorted(program.ends, cut.balls)] += each
    step[held] = np.maximum(step[held], owed[held])
    for cut, each in taken:
        steps = np.searchsorted(program.ends, cut.balls)
        each = min(each, float(step[steps].min(initial=np.inf)))
        step[steps] -= each
        fee[cut.site] -= each * cut.value
        base += each * cut.low
    paid = np.minimum(paid, step)
    low, mass = core.cost[core.ptr[:-1]], core.weight
    cost, cap = staircase(core.ptr, program.ends, program.row, step / mass[program.row], low)
    price = low + np.bincount(program.row, paid, len(low)) / mass
    lifted = replace(core, cost=cost, cap=cap, fee=fee, base=base)
    whole, rows = shrink(lifted, np.zeros(len(core.names), np.int64))
    return whole, price[rows]
