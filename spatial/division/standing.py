"""How does a plan stand, and how would it stand if a block moved? Sums by grid and over all, kept up move by move."""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.merits import Terrain
from spatial.walking.compiled import bare, inner

COUNT, HOUSEHOLDS, CAP, AREA, OUTLINE, ALONE, STRANGERS, DEVIATION, COMPACT = range(9)
COLUMNS = 9
GRIDS, DEVIATIONS, NEAR, COMPACTS, CUT, CLEAR, BRIGHT, ABOVE, OVER, BELOW, UNDER, WORST, LEAST = range(13)
SUMS = 13
GOALS = 11
FAIR = 1e-10
LONGEST = 4


class Goal(NamedTuple):
    """What to keep: by goal (the seven merits, then four breaches with a minus) its start, its unit and its force.

    ``force`` is changed by the search, and handed on from call to call.
    """

    start: Any
    unit: Any
    force: Any


class Standing(NamedTuple):
    """A plan and its sums: by block ``labels``, by label the columns of ``grid``, over all ``total``.

    ``fresh`` and ``trial`` hold two grids and the sums over all as a move would make them; ``value`` is what they are
    judged by. The rest is scratch: marks, a tree, its open borders, and how to take moves back.
    """

    labels: Any
    grid: Any
    total: Any
    fresh: Any
    trial: Any
    value: Any
    mark: Any
    order: Any
    parent: Any
    weight: Any
    side: Any
    open_node: Any
    open_parent: Any
    open_edge: Any
    undo_block: Any
    undo_label: Any
    undo_grid: Any
    undo_total: Any


@inner
def settle(terrain: Terrain, row: Any) -> None:
    """Fill what follows from the sums of a grid."""
    row[DEVIATION] = abs(row[HOUSEHOLDS] - terrain.target) / terrain.target
    outline = max(row[OUTLINE], 1e-9)
    row[COMPACT] = min(1.0, 4.0 * np.pi * row[AREA] / (outline * outline))


@inner
def add(terrain: Terrain, total: Any, row: Any, sign: float) -> None:
    """Count a grid in (sign 1) or out (sign -1) of the sums."""
    households = row[HOUSEHOLDS]
    total[GRIDS] += sign
    total[DEVIATIONS] += sign * row[DEVIATION]
    total[COMPACTS] += sign * row[COMPACT]
    if 5.0 * abs(households - terrain.target) <= terrain.target:
        total[NEAR] += sign
    if households > row[CAP]:
        total[ABOVE] += sign * (households - row[CAP])
        total[OVER] += sign
    if households < terrain.floor:
        total[BELOW] += sign * (terrain.floor - households)
        total[UNDER] += sign


def lay_standing(terrain: Terrain, labels: Any, room: int) -> Standing:
    """Return how a plan with labels below ``room`` stands; moves change its labels in place."""
    count, entries = len(labels), len(terrain.neighbor) + 1
    standing = Standing(
        labels=labels,
        grid=np.zeros((room, COLUMNS)),
        total=np.zeros(SUMS),
        fresh=np.zeros((2, COLUMNS)),
        trial=np.zeros(SUMS),
        value=np.zeros(GOALS),
        mark=np.zeros(count, np.int64),
        order=np.zeros(count, np.int64),
        parent=np.zeros(count, np.int64),
        weight=np.zeros(count, np.int64),
        side=np.zeros(count, np.int64),
        open_node=np.zeros(entries, np.int64),
        open_parent=np.zeros(entries, np.int64),
        open_edge=np.zeros(entries, np.int64),
        undo_block=np.zeros(LONGEST, np.int64),
        undo_label=np.zeros((LONGEST, 2), np.int64),
        undo_grid=np.zeros((LONGEST, 2, COLUMNS)),
        undo_total=np.zeros((LONGEST, SUMS)),
    )
    _sum_up(terrain, standing)
    return standing


@bare
def _sum_up(terrain: Terrain, plan: Standing) -> None:
    """Fill the sums of a plan whose sums are all 0."""
    for label in range(len(plan.grid)):
        plan.grid[label, CAP] = terrain.ceiling
    for node in range(len(plan.labels)):
        put(terrain, plan.grid[plan.labels[node]], node)
    for e in range(len(terrain.first)):
        a, b = plan.labels[terrain.first[e]], plan.labels[terrain.second[e]]
        if a == b:
            plan.grid[a, OUTLINE] -= 2.0 * terrain.shared_m[e]
        else:
            cut_border(terrain, plan.total, e, 1.0)
    plan.total[LEAST] = 2.0
    for label in range(len(plan.grid)):
        row = plan.grid[label]
        if row[COUNT] > 0:
            settle(terrain, row)
            add(terrain, plan.total, row, 1.0)
            plan.total[WORST] = max(plan.total[WORST], row[DEVIATION])
            plan.total[LEAST] = min(plan.total[LEAST], row[COMPACT])


@inner
def put(terrain: Terrain, row: Any, node: int) -> None:
    """Count a block into a grid, its borders not looked at."""
    row[COUNT] += 1
    row[HOUSEHOLDS] += terrain.households[node]
    row[CAP] = max(row[CAP], terrain.households[node])
    row[AREA] += terrain.area_m2[node]
    row[OUTLINE] += terrain.outline_m[node]
    row[ALONE] += terrain.alone[node]
    row[STRANGERS] += 1 - max(terrain.alone[node], terrain.guest[node])


@inner
def weigh(total: Any, value: Any) -> None:
    """Fill the value of each goal, more is better."""
    grids = max(total[GRIDS], 1.0)
    value[0] = -total[DEVIATIONS] / grids
    value[1] = -total[WORST]
    value[2] = total[NEAR] / grids
    value[3] = total[CLEAR] / total[CUT] if total[CUT] > 1e-6 else 1.0
    value[4] = total[BRIGHT] / total[CUT] if total[CUT] > 1e-6 else 1.0
    value[5] = total[COMPACTS] / grids
    value[6] = total[LEAST]
    value[7] = -total[ABOVE]
    value[8] = -total[OVER]
    value[9] = -total[BELOW]
    value[10] = -total[UNDER]


@inner
def judge(goal: Goal, total: Any, value: Any) -> Any:
    """Return (energy of the search, sum of gains, whether nothing is behind)."""
    weigh(total, value)
    energy, gain, fair = 0.0, 0.0, True
    for i in range(GOALS):
        ahead = value[i] - goal.start[i]
        if ahead < -FAIR:
            fair = False
            energy -= goal.force[i] * ahead / goal.unit[i]
        elif i < 7:
            gain += ahead / goal.unit[i]
    return energy - gain, gain, fair


@inner
def breach(row: Any) -> float:
    """Return how many blocks share a grid with one that stands alone by rule."""
    return row[ALONE] - 1.0 + row[STRANGERS] if row[ALONE] > 0 else 0.0


@inner
def exchange(terrain: Terrain, plan: Standing, x: int, y: int) -> None:
    """Turn ``trial``, borders done, into the sums with grids x and y (maybe one) replaced by the fresh."""
    trial, fresh = plan.trial, plan.fresh
    gone_worst, gone_least = -1.0, 3.0
    for label in (x, y):
        row = plan.grid[label]
        if row[COUNT] > 0 and (label == x or x != y):
            add(terrain, trial, row, -1.0)
            gone_worst, gone_least = max(gone_worst, row[DEVIATION]), min(gone_least, row[COMPACT])
        if x == y:
            break
    new_worst, new_least = -1.0, 3.0
    for i in range(2):
        row = fresh[i]
        if row[COUNT] > 0:
            settle(terrain, row)
            add(terrain, trial, row, 1.0)
            new_worst, new_least = max(new_worst, row[DEVIATION]), min(new_least, row[COMPACT])
    if new_worst < trial[WORST] <= gone_worst or new_least > trial[LEAST] >= gone_least:
        trial[WORST], trial[LEAST] = new_worst, new_least
        for label in range(len(plan.grid)):
            if label != x and label != y and plan.grid[label, COUNT] > 0:
                trial[WORST] = max(trial[WORST], plan.grid[label, DEVIATION])
                trial[LEAST] = min(trial[LEAST], plan.grid[label, COMPACT])
    else:
        trial[WORST], trial[LEAST] = max(trial[WORST], new_worst), min(trial[LEAST], new_least)


@inner
def try_move(terrain: Terrain, plan: Standing, node: int, b: int) -> bool:
    """Fill ``fresh`` and ``trial`` as if the block were in grid b; tell whether lone blocks get no new company."""
    labels, fresh, trial = plan.labels, plan.fresh, plan.trial
    a = labels[node]
    for i in range(SUMS):
        trial[i] = plan.total[i]
    for i in range(COLUMNS):
        fresh[0, i], fresh[1, i] = plan.grid[a, i], plan.grid[b, i]
    put(terrain, fresh[1], node)
    fresh[0, COUNT] -= 1
    fresh[0, HOUSEHOLDS] -= terrain.households[node]
    fresh[0, AREA] -= terrain.area_m2[node]
    fresh[0, OUTLINE] -= terrain.outline_m[node]
    fresh[0, ALONE] -= terrain.alone[node]
    fresh[0, STRANGERS] -= 1 - max(terrain.alone[node], terrain.guest[node])
    if breach(fresh[0]) + breach(fresh[1]) > breach(plan.grid[a]) + breach(plan.grid[b]):
        return False
    if terrain.households[node] > terrain.ceiling:
        fresh[0, CAP] = terrain.ceiling
        for other in range(len(labels)):
            if labels[other] == a and other != node:
                fresh[0, CAP] = max(fresh[0, CAP], terrain.households[other])
    for p in range(terrain.row[node], terrain.row[node + 1]):
        label, e = labels[terrain.neighbor[p]], terrain.edge[p]
        if label == a:
            fresh[0, OUTLINE] += 2.0 * terrain.shared_m[e]
            cut_border(terrain, trial, e, 1.0)
        elif label == b:
            fresh[1, OUTLINE] -= 2.0 * terrain.shared_m[e]
            cut_border(terrain, trial, e, -1.0)
    exchange(terrain, plan, a, b)
    return True


@inner
def cut_border(terrain: Terrain, total: Any, e: int, sign: float) -> None:
    """Count a border in (sign 1) or out (sign -1) of those between grids."""
    total[CUT] += sign * terrain.shared_m[e]
    total[CLEAR] += sign * terrain.clear_m[e]
    total[BRIGHT] += sign * terrain.bright_m[e]


@inner
def keeps_parts(terrain: Terrain, plan: Standing, node: int) -> bool:
    """Tell whether the grid of a block does not fall into more parts without it."""
    labels, mark, order = plan.labels, plan.mark, plan.order
    label, needed, start = labels[node], 0, -1
    for p in range(terrain.row[node], terrain.touch[node]):
        other = terrain.neighbor[p]
        if labels[other] == label:
            needed += 1
            start = other
            mark[other] = 2
    met, done, size = 1, 0, 0
    if needed > 1:
        mark[start], mark[node] = 1, 1
        order[0] = start
        size = 1
    while done < size and met < needed:
        at = order[done]
        done += 1
        for p in range(terrain.row[at], terrain.touch[at]):
            other = terrain.neighbor[p]
            if labels[other] == label and mark[other] != 1:
                met += 1 if mark[other] == 2 else 0
                mark[other] = 1
                order[size] = other
                size += 1
    for i in range(size):
        mark[order[i]] = 0
    for p in range(terrain.row[node], terrain.touch[node]):
        mark[terrain.neighbor[p]] = 0
    mark[node] = 0
    return needed <= 1 or met == needed


@inner
def commit_move(plan: Standing, node: int, b: int, step: int) -> None:
    """Make the move that was tried, and note how to take it back."""
    a = plan.labels[node]
    plan.undo_block[step] = node
    plan.undo_label[step, 0], plan.undo_label[step, 1] = a, b
    for i in range(COLUMNS):
        plan.undo_grid[step, 0, i], plan.undo_grid[step, 1, i] = plan.grid[a, i], plan.grid[b, i]
        plan.grid[a, i], plan.grid[b, i] = plan.fresh[0, i], plan.fresh[1, i]
    for i in range(SUMS):
        plan.undo_total[step, i] = plan.total[i]
        plan.total[i] = plan.trial[i]
    plan.labels[node] = b


@inner
def take_back(plan: Standing, steps: int) -> None:
    """Undo the first ``steps`` committed moves."""
    for step in range(steps - 1, -1, -1):
        a, b = plan.undo_label[step, 0], plan.undo_label[step, 1]
        for i in range(COLUMNS):
            plan.grid[a, i], plan.grid[b, i] = plan.undo_grid[step, 0, i], plan.undo_grid[step, 1, i]
        for i in range(SUMS):
            plan.total[i] = plan.undo_total[step, i]
        plan.labels[plan.undo_block[step]] = a
