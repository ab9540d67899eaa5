"""Which sites does a quick search open? Greedy adding, then the best swap until none helps.

The swap evaluates every pair (in, out) at once: gain of the one, loss of the other and the overlap of both
(Resende and Werneck, "A fast swap-based local search procedure for location problems", 2007).
"""

import numpy as np

from spatial.siting.costs import Costs, serve
from spatial.siting.reach import Flags, Floats, Ints

_PAIR_VISITS = 1_000_000_000
"""Entries looked at before a swap search stops: some seconds of work, the same on every machine."""
_TINY = 1e-9


def open_greedily(costs: Costs, p: int) -> Flags:
    """Return fixed columns plus at most ``p`` others, each the one that lowers the total most; ties by id.

    Columns that lower nothing stay shut.
    """
    opened = costs.fixed.copy()
    first = serve(costs, opened).first
    for _ in range(p):
        saved = np.maximum(first[costs.row] - costs.cost, 0.0) * costs.weight[costs.row]
        gain = np.bincount(costs.col, saved, len(opened))
        gain[opened | costs.closed] = 0.0
        best = int(gain.argmax())
        if gain[best] <= 0.0:
            break
        opened[best] = True
        entry = costs.col == best
        np.minimum.at(first, costs.row[entry], costs.cost[entry])
    return opened


def improve_by_swaps(costs: Costs, opened: Flags) -> Flags:
    """Return open columns of the same number from which no single swap lowers the total.

    Fixed columns stay. The search also stops after a fixed number of entries looked at.
    """
    opened = opened.copy()
    movable = np.flatnonzero(opened & ~costs.fixed)
    visits_per_round = max(len(costs.row) + len(movable) * len(opened), 1)
    for _ in range(max(_PAIR_VISITS // visits_per_round, 1)):
        if not len(movable):
            break
        out, new = _best_swap(costs, opened, movable)
        if out < 0:
            break
        opened[movable[out]], opened[new] = False, True
        movable = np.flatnonzero(opened & ~costs.fixed)
    return opened


def _best_swap(costs: Costs, opened: Flags, movable: Ints) -> tuple[int, int]:
    """Return the place in ``movable`` to shut and the column to open; (-1, -1) when no swap helps."""
    served = serve(costs, opened)
    slot = np.full(len(opened) + 1, -1)
    slot[movable] = np.arange(len(movable))
    at = slot[served.col]  # column -1 reads the extra last place, which is -1
    loss = np.bincount(at[at >= 0], ((served.second - served.first) * costs.weight)[at >= 0], len(movable))
    near = np.flatnonzero(costs.cost < served.second[costs.row])
    row, col, cost = costs.row[near], costs.col[near], costs.cost[near]
    gain = np.bincount(col, np.maximum(served.first[row] - cost, 0.0) * costs.weight[row], len(opened))
    saving = gain[None, :] - loss[:, None] + _overlap(costs, served.first, served.second, at, near, len(movable))
    saving[:, opened | costs.closed] = -np.inf
    best = int(saving.argmax())
    out, new = divmod(best, len(opened))
    worth = _TINY * max(float(served.first @ costs.weight), 1.0)
    if saving[out, new] <= worth:
        return -1, -1
    return out, new


def _overlap(costs: Costs, first: Floats, second: Floats, at: Ints, near: Ints, slots: int) -> Floats:
    """Return, per (out, in), the loss that does not happen because the new column takes over."""
    mine = near[at[costs.row[near]] >= 0]
    row = costs.row[mine]
    spared = (second[row] - np.maximum(costs.cost[mine], first[row])) * costs.weight[row]
    columns = len(costs.fixed)
    flat = np.bincount(at[row] * columns + costs.col[mine], spared, slots * columns).astype(np.float64)
    return flat.reshape(slots, columns)
