"""On which sites together is a question of fees split, so that both halves cost more?

A ball is what a row would buy from at most so far: the sites of its first entries. Where half a site is open in it, and
the next share of a site is far, either all of it is shut or one of its sites is open. Shutting a single site of many
that stand close moves nothing; such a ball moves both halves (branching on sums of variables: Ryan and Foster 1981).
That some site of it is open is a row more: it costs nothing in the ball, and else what the cheapest site there costs.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from spatial.siting.median.branch import Node
from spatial.siting.median.core import Core, shrink
from spatial.siting.ways import Floats, Ints

_LEAST, _MOST = 0.35, 0.65
"""Shares of open sites that a ball may hold."""
_SEEN = 1e-3
"""Sites with less of a share are left out of balls."""
_CODE = -7046029254386353131
"""Sums of what this odd number makes of names tell sets of sites apart."""


def split_ball(node: Node, share: Floats) -> list[Node]:
    """Return the node with all sites of a ball shut, and with one of them open at least.

    Return nothing if no ball is half open, or a site of it is free of charge. ``share`` says how far each site is open.
    """
    core = node.core
    found = find_ball(core, share)
    if found is None or core.fee[found[0]].min() <= 0.0:
        return []
    ball, mass = found
    shut = np.zeros(len(core.names), np.int64)
    shut[ball] = -1
    smaller, rows = shrink(core, shut)
    without = Node(smaller, node.opened, node.price[rows], node.bound)
    if len(ball) == 1:
        smaller, rows = shrink(core, -shut)
        return [without, Node(smaller, (*node.opened, int(core.names[ball[0]])), node.price[rows], node.bound)]
    return [without, Node(_with_row(core, ball, mass), node.opened, np.append(node.price, 0.0), node.bound)]


def find_ball(core: Core, share: Floats) -> tuple[Ints, float] | None:
    """Return the sites of the half open ball that rows would walk farthest to leave, and the weight of these rows.

    Rows that were added to a question count only where there are no others.
    """
    seen = share > _SEEN
    inside = seen[core.site]
    entry = np.flatnonzero(inside)
    site, length = core.site[entry], np.add.reduceat(inside, core.ptr[:-1], dtype=np.int64)
    row = np.repeat(np.arange(len(core.cap)), length)
    first = np.r_[0, np.cumsum(length)]
    held = _within(share[site], row, first)
    beyond = np.append(core.cost[entry[1:]], np.inf)
    beyond[first[1:][length > 0] - 1] = np.inf
    step = core.weight[row] * (np.minimum(beyond, core.cap[row]) - core.cost[entry])
    at = np.flatnonzero((held > _LEAST) & (held < _MOST) & (step > 0.0))
    if not len(at):
        return None
    code = _CODE * np.arange(1, len(share) + 1, dtype=np.int64)
    codes = _within((_CODE * (code ^ (code >> 29)))[site], row, first)
    _, one, group = np.unique(codes[at], return_index=True, return_inverse=True)
    worth = np.bincount(group, (step * np.minimum(held, 1.0 - held))[at])
    best = int(worth.argmax())
    last = at[one[best]]
    ball: Ints = np.sort(site[first[row[last]] : last + 1]).astype(np.int64)
    rows = row[at[group == best]]
    # With rows that were added for the same ball the next one would weigh twice as much each time, without end.
    own = rows[core.rows[rows] >= 0]
    return ball, float(core.weight[own].sum()) if len(own) else float(core.weight[rows].max())


def _within(value: Any, row: Ints, first: Ints) -> Any:
    """Return the running sums of the values of each row; whole numbers wrap around."""
    summed = np.concatenate((np.zeros(1, value.dtype), np.cumsum(value)))
    return summed[1:] - summed[first[row]]


def _with_row(core: Core, ball: Ints, mass: float) -> Core:
    """Return the core with one row more, which is served free of charge in the ball."""
    cap = float(core.fee[ball].min()) / mass
    return replace(
        core, ptr=np.append(core.ptr, core.ptr[-1] + len(ball)), site=np.append(core.site, ball.astype(np.int32)),
        cost=np.append(core.cost, np.zeros(len(ball))), cap=np.append(core.cap, cap),
        weight=np.append(core.weight, mass), rows=np.append(core.rows, -1),
    )  # fmt: skip
