"""Which changes make a plan better on some measure and worse on none? Blocks change sides, grids are cut anew.

Annealing over connected plans in which falling behind the start on any measure, or breaking a hard rule further, costs
a force per measure. A force grows while its measure is behind and wanes while it is not, so that the search swings
about the edge of the thin set of plans that are nowhere worse; the best of that set is kept (strategic oscillation,
Glover and Laguna 1997). What is ahead on every measure counts as the sum of the shares of the way to perfect.
"""

from typing import Any

import numpy as np

from spatial.division.merits import Terrain
from spatial.division.standing import (
    CAP,
    COLUMNS,
    COUNT,
    FAIR,
    GOALS,
    LONGEST,
    OUTLINE,
    SUMS,
    Goal,
    Standing,
    breach,
    commit_move,
    cut_border,
    exchange,
    judge,
    keeps_parts,
    put,
    take_back,
    try_move,
    weigh,
)
from spatial.division.trees import draw
from spatial.walking.compiled import bare, inner

_GROW, _WANE, _SOFTEST, _HARDEST = 1.25, 0.9, 1.0, 300.0
_CHECK, _TRIES, _MORE = 100, 40, 1e-9
_SINGLE, _BOTH, _NOISE = 0.05, 1.6, 0.3


@inner
def _next_move(terrain: Terrain, plan: Standing, node: int, state: Any) -> Any:
    """Return (a block near ``node`` in the same grid, a grid beside it), or (-1, -1) where none was met."""
    labels, mark, order = plan.labels, plan.mark, plan.order
    label = labels[node]
    order[0], mark[node] = node, 1
    done, size = 0, 1
    while done < size:
        at = order[done]
        done += 1
        for p in range(terrain.row[at], terrain.touch[at]):
            other = terrain.neighbor[p]
            if labels[other] == label and mark[other] == 0:
                mark[other] = 1
                order[size] = other
                size += 1
    for i in range(size):
        mark[order[i]] = 0
    for _ in range(12):
        at = order[int(draw(state) * size)]
        near = terrain.touch[at] - terrain.row[at]
        if at != node and near > 0:
            beside = labels[terrain.neighbor[terrain.row[at] + int(draw(state) * near)]]
            if beside != label:
                return at, beside
    return np.int64(-1), np.int64(-1)


@inner
def _chain(
    terrain: Terrain, plan: Standing, goal: Goal, node: int, b: int, length: int, heat: float, state: Any
) -> bool:
    """Move a block to grid b, then others on from there, until a move is accepted; else take all back."""
    before = judge(goal, plan.total, plan.value)[0]
    for step in range(length):
        if not try_move(terrain, plan, node, b):
            take_back(plan, step)
            return False
        worse = judge(goal, plan.trial, plan.value)[0] - before
        accepted = worse <= 0.0 or draw(state) < np.exp(-worse / heat)
        if (not accepted and step + 1 == length) or not keeps_parts(terrain, plan, node):
            take_back(plan, step)
            return False
        commit_move(plan, node, b, step)
        if accepted:
            return True
        node, b = _next_move(terrain, plan, node, state)
        if node < 0:
            take_back(plan, step + 1)
            return False
    return False


@inner
def _grow(terrain: Terrain, plan: Standing, a: int, b: int, root: int, bias: float, state: Any) -> int:
    """Grow a random tree over the blocks of grids a and b; return how many it reached.

    Of two open borders drawn at random the less clear one is crossed with probability ``bias``: clear ones come late.
    """
    count, size, node = 0, 0, np.int64(root)
    plan.parent[root] = -1
    plan.mark[root] = 1
    while True:
        plan.order[count] = node
        plan.weight[node] = terrain.households[node]
        plan.side[node] = 0
        count += 1
        for p in range(terrain.row[node], terrain.touch[node]):
            other = terrain.neighbor[p]
            if plan.mark[other] == 0 and (plan.labels[other] == a or plan.labels[other] == b):
                plan.open_node[size], plan.open_parent[size] = other, node
                plan.open_edge[size] = terrain.edge[p]
                size += 1
        node = np.int64(-1)
        while size > 0 and node < 0:
            at = int(draw(state) * size)
            other = int(draw(state) * size)
            e, f = plan.open_edge[at], plan.open_edge[other]
            if (
                draw(state) < bias
                and terrain.bright_m[f] * terrain.shared_m[e] < terrain.bright_m[e] * terrain.shared_m[f]
            ):
                at = other
            if plan.mark[plan.open_node[at]] == 0:
                node = plan.open_node[at]
                plan.parent[node] = plan.open_parent[at]
                plan.mark[node] = 1
            size -= 1
            plan.open_node[at], plan.open_parent[at] = plan.open_node[size], plan.open_parent[size]
            plan.open_edge[at] = plan.open_edge[size]
        if node < 0:
            break
    for i in range(count - 1, 0, -1):
        plan.weight[plan.parent[plan.order[i]]] += plan.weight[plan.order[i]]
    for i in range(count):
        plan.mark[plan.order[i]] = 0
    return count


@inner
def _cut(terrain: Terrain, plan: Standing, count: int, noise: float, state: Any) -> bool:
    """Cut the grown tree where both sides are about the target, give or take noise; mark one side."""
    total = plan.weight[plan.order[0]]
    best, chosen = 1e18, -1
    for i in range(1, count):
        weight = plan.weight[plan.order[i]]
        worst = max(abs(weight - terrain.target), abs(total - weight - terrain.target)) / terrain.target
        score = worst + noise * draw(state)
        if score < best:
            best, chosen = score, i
    if chosen < 0:
        return False
    plan.side[plan.order[chosen]] = 1
    for i in range(chosen + 1, count):
        node = plan.order[i]
        plan.side[node] = plan.side[plan.parent[node]]
    return True


@inner
def _free_label(plan: Standing) -> int:
    for label in range(len(plan.grid)):
        if plan.grid[label, COUNT] == 0:
            return label
    return -1


@inner
def _weigh_sides(terrain: Terrain, plan: Standing, a: int, b: int, count: int) -> int:
    """Fill ``fresh`` with the two sides of the tree and the borders of ``trial``; return blocks that stay."""
    fresh, trial, labels = plan.fresh, plan.trial, plan.labels
    for i in range(SUMS):
        trial[i] = plan.total[i]
    for i in range(COLUMNS):
        fresh[0, i], fresh[1, i] = 0.0, 0.0
    fresh[0, CAP], fresh[1, CAP] = terrain.ceiling, terrain.ceiling
    stay = 0
    for i in range(count):
        node = plan.order[i]
        side = plan.side[node]
        put(terrain, fresh[side], node)
        stay += 1 if (labels[node] == a) == (side == 0) else 0
        for p in range(terrain.row[node], terrain.row[node + 1]):
            other, e = terrain.neighbor[p], terrain.edge[p]
            if other < node or (labels[other] != a and labels[other] != b):
                continue
            now, then = labels[other] != labels[node], side != plan.side[other]
            if not then:
                fresh[side, OUTLINE] -= 2.0 * terrain.shared_m[e]
            if now != then:
                cut_border(terrain, trial, e, 1.0 if then else -1.0)
    return stay


@inner
def _recut(terrain: Terrain, plan: Standing, goal: Goal, root: int, b: int, heat: float, state: Any) -> bool:
    """Cut the grid of a block, with grid b where that is another, anew: into two, or into one where both are small."""
    a = plan.labels[root]
    count = _grow(terrain, plan, a, b, root, draw(state), state)
    one, two = a, b if a != b else _free_label(plan)
    if two < 0 or count != plan.grid[one, COUNT] + plan.grid[two, COUNT]:
        return False
    small = plan.weight[root] <= _BOTH * terrain.target
    if (a == b or not small or draw(state) < 0.5) and not _cut(terrain, plan, count, _NOISE * draw(state), state):
        return False
    stay = _weigh_sides(terrain, plan, a, b, count)
    if breach(plan.fresh[0]) + breach(plan.fresh[1]) > breach(plan.grid[one]) + breach(plan.grid[two]):
        return False
    exchange(terrain, plan, one, two)
    worse = judge(goal, plan.trial, plan.value)[0] - judge(goal, plan.total, plan.value)[0]
    if worse > 0.0 and draw(state) >= np.exp(-worse / heat):
        return False
    if a != b and 2 * stay < count:
        one, two = two, one
    for i in range(COLUMNS):
        plan.grid[one, i], plan.grid[two, i] = plan.fresh[0, i], plan.fresh[1, i]
    for i in range(SUMS):
        plan.total[i] = plan.trial[i]
    for i in range(count):
        node = plan.order[i]
        plan.labels[node] = one if plan.side[node] == 0 else two
    return True


@inner
def _press(goal: Goal, plan: Standing) -> None:
    """Let the force of each goal grow while the plan is behind on it, and wane while it is not."""
    weigh(plan.total, plan.value)
    for i in range(GOALS):
        behind = plan.value[i] < goal.start[i] - FAIR
        goal.force[i] = min(max(goal.force[i] * (_GROW if behind else _WANE), _SOFTEST), _HARDEST)


@inner
def _draw_border(terrain: Terrain, labels: Any, state: Any) -> Any:
    """Return two blocks in contact, of two grids if that is easily found, in random order."""
    e = terrain.contact[int(draw(state) * len(terrain.contact))]
    for _ in range(_TRIES):
        if labels[terrain.first[e]] != labels[terrain.second[e]]:
            break
        e = terrain.contact[int(draw(state) * len(terrain.contact))]
    if draw(state) < 0.5:
        return terrain.first[e], terrain.second[e]
    return terrain.second[e], terrain.first[e]


@bare
def search_better(
    terrain: Terrain, goal: Goal, plan: Standing, best: Any, least: float, schedule: Any, moves: int, state: Any
) -> float:
    """Change a plan by ``moves`` moves; keep in ``best`` the plan of most gain that is nowhere behind; return its gain.

    ``least`` is the gain of ``best`` so far. ``schedule`` is (temperature at the start, at the end, share of moves that
    cut grids anew, share that move several blocks). The plan and the forces of the goals are changed in place.
    """
    labels, heat = plan.labels, schedule[0]
    for move in range(moves):
        if move % _CHECK == 0:
            heat = schedule[0] * (schedule[1] / schedule[0]) ** (move / moves)
            _press(goal, plan)
        node, other = _draw_border(terrain, labels, state)
        changed, kind = False, draw(state)
        if kind < schedule[2]:
            b = labels[node] if draw(state) < _SINGLE else labels[other]
            changed = _recut(terrain, plan, goal, node, b, heat, state)
        elif labels[node] != labels[other]:
            length = 2 + int(draw(state) * (LONGEST - 1)) if kind < schedule[2] + schedule[3] else 1
            changed = _chain(terrain, plan, goal, node, labels[other], length, heat, state)
        if changed:
            _, gain, fair = judge(goal, plan.total, plan.value)
            if fair and gain > least + _MORE:
                least = gain
                for n in range(len(labels)):
                    best[n] = labels[n]
    return least
