"""Which prices are best of all? The linear relaxation by Benders cuts, solved by HiGHS from where it stood before.

Per row one variable holds its cost, and cuts say how far open sites can lower it (Duran-Mateluna, Ales and Elloumi, "An
efficient Benders decomposition for the p-median problem", 2023). Only the prices are taken from HiGHS: the bound is
computed from them anew, so that no tolerance of it enters a proof.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from spatial.siting.median_core import Core
from spatial.siting.ways import Deadline, Floats, Ints
from spatial.walking.compiled import kernel

_VIOLATED = 1e-6
_ROOT_ROUNDS, _ROUNDS = 60, 8
_GAIN = 1e-3
"""Rounds of cuts at a node end when one lifts the bound by less than this share of what is missing."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The relaxation of a core: HiGHS with columns for its sites, then its rows; costs are divided by ``unit``.

    ``rows`` and ``levels`` list the cuts as HiGHS has them, after its first row; they grow with it.
    """

    highs: Any
    core: Core
    unit: float
    rows: list[Ints]
    levels: list[Floats]


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How far each site of the core is open, prices by row, and the value (not a proof)."""

    share: Floats
    price: Floats
    value: float


def relax(core: Core, price: Floats) -> Relaxed:
    """Return the relaxation with the cuts next to these prices, not solved yet."""
    m, n = len(core.names), len(core.cap)
    unit = float(core.weight @ core.cap) / 1e4 or 1.0
    highs = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("parallel", "off")):
        highs.setOptionValue(option, value)
    low = np.minimum(core.cost[core.ptr[:-1]], core.cap)
    highs.addVars(m, np.zeros(m), np.ones(m))
    highs.addVars(n, low, np.full(n, highspy.kHighsInf))
    every = np.arange(m + n, dtype=np.int32)
    highs.changeColsCost(m + n, every, np.concatenate((np.zeros(m), core.weight / unit)))
    highs.addRow(float(core.p), float(core.p), m, every[:m], np.ones(m))
    relaxed = Relaxed(highs, core, unit, [], [])
    entry = np.repeat(price, np.diff(core.ptr))
    below = core.ptr[:-1] + np.add.reduceat((core.cost < entry).astype(np.int64), core.ptr[:-1])
    last = core.ptr[1:]
    upper = np.where(below < last, core.cost[np.minimum(below, last - 1)], core.cap)
    lower = np.where(below > core.ptr[:-1], core.cost[np.maximum(below - 1, 0)], -1.0)
    _add_cuts(relaxed, np.where(upper > low, upper, -1.0))
    _add_cuts(relaxed, np.where((lower > low) & (lower < upper), lower, -1.0))
    return relaxed


def solve_at(
    relaxed: Relaxed, opened: Ints, free: Ints, goal: float, deadline: Deadline, *, first: bool = False
) -> Relaxation | None:
    """Return the relaxation with the named sites open, the free ones between, all others shut; None if it has none.

    Cuts that the solution breaks are added and stay; a few rounds of them at most, since every round gives a bound.
    """
    core, highs = relaxed.core, relaxed.highs
    m = len(core.names)
    low, high = np.isin(core.names, opened).astype(np.float64), np.isin(core.names, free).astype(np.float64)
    highs.changeColsBounds(m, np.arange(m, dtype=np.int32), low, np.maximum(low, high))
    before, answer = -np.inf, None
    for _ in range(_ROOT_ROUNDS if first else _ROUNDS):
        highs.setOptionValue("time_limit", float(highs.getRunTime() + deadline.left()))
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return answer
        solution = highs.getSolution()
        x = np.asarray(solution.col_value)
        value = float(highs.getInfo().objective_function_value) * relaxed.unit + core.base
        answer = Relaxation(x[:m], _prices(relaxed, np.asarray(solution.row_dual)), value)
        level = broken_levels(core.ptr, core.site, core.cost, core.cap, x[:m], x[m:])
        added = _add_cuts(relaxed, level)
        if not added or value > goal or not deadline.left():
            break
        if not first and value - before < _GAIN * max(goal - value, 0.0):
            break
        before = value
    if first:
        _drop_slack(relaxed)
    return answer


def _prices(relaxed: Relaxed, dual: Floats) -> Floats:
    """Return, by row, the mean level of its cuts, each weighed by its dual: a price no worse than the duals."""
    core, n = relaxed.core, len(relaxed.core.cap)
    row, level = np.concatenate(relaxed.rows), np.concatenate(relaxed.levels)
    share = np.maximum(dual[1:], 0.0) * relaxed.unit / core.weight[row]
    taken = np.bincount(row, share, n)
    low = np.minimum(core.cost[core.ptr[:-1]], core.cap)
    price: Floats = np.bincount(row, share * level, n) + np.maximum(1.0 - taken, 0.0) * low
    return price / np.maximum(taken, 1.0)


def _add_cuts(relaxed: Relaxed, level: Floats) -> int:
    """Add a cut for each row with a level of at least 0; return their number."""
    core = relaxed.core
    rows = np.flatnonzero(level >= 0.0)
    if len(rows):
        start, index, value = cut_rows(core.ptr, core.site, core.cost, level, rows, len(core.names))
        free = np.full(len(rows), highspy.kHighsInf)
        relaxed.rows.append(rows)
        relaxed.levels.append(level[rows])
        relaxed.highs.addRows(len(rows), level[rows], free, len(index), start, index, value)
    return len(rows)


def _drop_slack(relaxed: Relaxed) -> None:
    """Delete the cuts that do not bind."""
    status = relaxed.highs.getBasis().row_status
    slack = np.array([s == highspy.HighsBasisStatus.kBasic for s in status[1:]], bool)
    if slack.any():
        gone = np.flatnonzero(slack) + 1
        relaxed.highs.deleteRows(len(gone), gone.astype(np.int32))
        relaxed.rows[:] = [np.concatenate(relaxed.rows)[~slack]]
        relaxed.levels[:] = [np.concatenate(relaxed.levels)[~slack]]


@kernel
def broken_levels(ptr, site, cost, cap, share, paid):  # type: ignore[no-untyped-def]
    """Return, by row, the level of the cut that the solution breaks most; -1 where it breaks none."""
    n = len(cap)
    level = np.full(n, -1.0)
    for i in range(n):
        reach, kept = cap[i], 0.0
        summed = 0.0
        for k in range(ptr[i], ptr[i + 1]):
            if summed + share[site[k]] >= 1.0 - 1e-9:
                reach = cost[k]
                break
            summed += share[site[k]]
            kept += share[site[k]] * cost[k]
        # The row pays for the shares up to there, and the rest at the level.
        least = kept + (1.0 - summed) * reach
        if least > paid[i] + _VIOLATED * max(1.0, reach):
            level[i] = reach
    return level


@kernel
def cut_rows(ptr, site, cost, level, rows, sites):  # type: ignore[no-untyped-def]
    """Return starts, columns and values of the cuts: cost of the row plus what open sites save reach the level."""
    start = np.zeros(len(rows) + 1, np.int32)
    for r in range(len(rows)):
        i = rows[r]
        count = 1
        for k in range(ptr[i], ptr[i + 1]):
            if cost[k] >= level[i]:
                break
            count += 1
        start[r + 1] = start[r] + count
    index, value = np.empty(start[len(rows)], np.int32), np.empty(start[len(rows)])
    for r in range(len(rows)):
        i = rows[r]
        at = start[r]
        for k in range(ptr[i], ptr[i + 1]):
            if cost[k] >= level[i]:
                break
            index[at] = site[k]
            value[at] = level[i] - cost[k]
            at += 1
        index[at] = sites + i
        value[at] = 1.0
    return start, index, value
