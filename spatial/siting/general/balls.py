"""Which cover question is a total whose rows pay by how near they are served?

A row pays the step from each of its costs to the next unless one of the sites up to that cost, a ball, is open (radius
formulation: Garcia, Labbe and Marin, "Solving large p-median problems with a radius formulation", 2011). Balls are rows
that are but served or not, and the steps their weights, so that all that is known of covers holds for totals. Where
rows list few sites many have balls in common.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.cover.prices import LARGE
from spatial.siting.cover.table import cover_table, same_rows
from spatial.siting.general.task import Task
from spatial.siting.question import Question
from spatial.siting.ways import Ints, Sites, Ways, row_of

_MOST_LISTED, _MOST_ENTRIES = 4_000_000, 400_000
"""Entries of balls at most, before and after those of the same sites have become one."""


def has_few_balls(question: Question) -> bool:
    """Tell whether rows that pay by how near they are served list so few sites that their balls may stand for them."""
    size = np.diff(question.ways.ptr)
    total = question.goal == "sum" and question.need == 1 and np.isfinite(question.missing)
    many = bool(question.ways.cost.any()) and len(question.ways.site) >= LARGE
    return bool(total and many and int(size @ (size + 1)) // 2 <= _MOST_LISTED)


def ball_task(task: Task) -> Task | None:
    """Return the task with a row for each ball, with what rows pay for its steps together; None for too many or few.

    Rows need one site each. ``base`` stays: what all rows pay in any case.
    """
    ways = task.ways
    if len(ways.site) < LARGE:
        return None
    row = row_of(ways)
    beyond = np.append(ways.cost[1:], 0.0)
    beyond[ways.ptr[1:] - 1] = task.gone
    last = np.flatnonzero(beyond > ways.cost)
    ptr = np.zeros(len(last) + 1, np.int64)
    np.cumsum(last - ways.ptr[row[last]] + 1, out=ptr[1:])
    if ptr[-1] > _MOST_LISTED:
        return None
    balls = Ways(ptr, _listed(ways, ways.ptr[row[last]], ptr), np.zeros(ptr[-1]), ways.sites)
    first, group = same_rows(cover_table(balls))
    step = np.bincount(group, task.weight[row[last]] * (beyond[last] - ways.cost[last]), len(first))
    ptr = np.zeros(len(first) + 1, np.int64)
    np.cumsum(np.diff(balls.ptr)[first], out=ptr[1:])
    if ptr[-1] > _MOST_ENTRIES:
        return None
    once, ones = Ways(ptr, _listed(balls, balls.ptr[first], ptr), np.zeros(ptr[-1]), ways.sites), np.ones(len(first))
    return replace(task, ways=once, gone=ones, reach=ones, weight=step.astype(np.float64))


def _listed(ways: Ways, begin: Ints, ptr: Ints) -> Sites:
    """Return sites from these entries on, as many for each as there is room from ``ptr`` to the next."""
    return np.asarray(ways.site[np.repeat(begin - ptr[:-1], np.diff(ptr)) + np.arange(ptr[-1])], np.int32)
