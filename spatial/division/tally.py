"""What does a division cost? Grid by grid, kept up while units change sides."""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import Piece
from spatial.division.sizes import STRENGTH, Sizes
from spatial.walking.columns import narrow
from spatial.walking.compiled import bare, pasted


class Tally(NamedTuple):
    """By label: households, units, the greatest anchor, span in metres; locked units and the lock they have."""

    households: Any
    units: Any
    anchor: Any
    locked: Any
    lock: Any
    span: Any


def lay_tally(room: int) -> Tally:
    """Return empty tallies for labels below ``room``."""
    return Tally(
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room),
    )


@pasted
def balance_at(sizes: Sizes, households: int, anchor: int) -> Any:
    """Return what the distance of a grid from its aim costs."""
    return sizes.balance[min(abs(households - max(sizes.target, anchor)), len(sizes.balance) - 1)]


@pasted
def penalty_at(sizes: Sizes, households: int, anchor: int) -> Any:
    """Return the penalty of a grid, 0 for one that is no more than its anchor."""
    return 0.0 if anchor > 0 and households <= anchor else sizes.penalty[min(households, len(sizes.penalty) - 1)]


@pasted
def may_hold(sizes: Sizes, households: int, anchor: int) -> bool:
    """Tell whether a grid of several units may have so many households."""
    return households <= max(sizes.ceiling, anchor)


@pasted
def column(piece: Piece, label: int) -> Any:
    """Return the column of ``change`` for a grid of this label."""
    return min(label, piece.change.shape[1] - 1)


@pasted
def distance(piece: Piece, a: int, b: int) -> Any:
    """Return the metres between two units."""
    return np.sqrt((piece.x[a] - piece.x[b]) ** 2 + (piece.y[a] - piece.y[b]) ** 2)


@pasted
def fill_tally(piece: Piece, sizes: Sizes, labels: Any, tally: Tally) -> Any:
    """Fill empty tallies; return (cost without penalty, penalty) of the division."""
    for node in range(len(labels)):
        add_unit(piece, tally, node, labels[node])
    if sizes.span_weight > 0.0:
        for a in range(len(labels)):
            for b in range(a):
                if labels[a] == labels[b]:
                    tally.span[labels[a]] = max(tally.span[labels[a]], distance(piece, a, b))
    cost, penalty = 0.0, 0.0
    for label in range(len(tally.units)):
        if tally.units[label] > 0:
            cost += balance_at(sizes, tally.households[label], tally.anchor[label])
            cost += sizes.span_weight * tally.span[label]
            penalty += penalty_at(sizes, tally.households[label], tally.anchor[label])
    for node in range(len(labels)):
        cost += piece.change[node, column(piece, labels[node])]
    for e in range(len(piece.border)):
        if labels[piece.first[e]] != labels[piece.second[e]]:
            cost += piece.border[e]
    return cost, penalty


@pasted
def add_unit(piece: Piece, tally: Tally, node: int, label: int) -> None:
    """Count a unit to a grid (its span is left as it is)."""
    tally.households[label] += piece.households[node]
    tally.units[label] += 1
    tally.anchor[label] = max(tally.anchor[label], piece.anchor[node])
    if piece.lock[node] >= 0:
        tally.locked[label] += 1
        tally.lock[label] = piece.lock[node]


@pasted
def clear_label(tally: Tally, label: int) -> None:
    """Empty a grid."""
    tally.households[label] = 0
    tally.units[label] = 0
    tally.anchor[label] = 0
    tally.locked[label] = 0
    tally.span[label] = 0.0


@bare
def sum_costs(piece: Piece, sizes: Sizes, labels: Any, tally: Tally) -> Any:
    """Fill empty tallies; return (cost without penalty, penalty) of the division."""
    return fill_tally(narrow(piece), narrow(sizes), narrow(labels), narrow(tally))


def measure_cost(piece: Piece, sizes: Sizes, labels: Any) -> float:
    """Return what a division costs: balance, penalty, change, span and borders."""
    cost, penalty = sum_costs(piece, sizes, np.array(labels, dtype=np.int64), lay_tally(int(labels.max()) + 1))
    return float(cost + STRENGTH * penalty)
