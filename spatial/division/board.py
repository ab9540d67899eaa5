"""What does a move of the search look at? A division on the board: labels, tallies, and which borders are cut."""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import FREE, Piece
from spatial.division.sizes import Sizes
from spatial.division.tally import Tally, distance, fill_tally, lay_tally
from spatial.division.trees import Desk, draw, lay_desk
from spatial.walking.compiled import pasted


class Board(NamedTuple):
    """A division that moves change in place.

    ``heat`` holds the temperature and the strength of the penalty now. Moves lay out in ``parts``, ``claim`` and
    ``names`` what they would make: up to three grids, what each costs by name (that of either grid it is cut from, or
    none), and the labels they would get.
    """

    piece: Piece
    sizes: Sizes
    labels: Any
    tally: Tally
    desk: Desk
    heat: Any
    parts: Tally
    claim: Any
    names: Any


def lay_board(piece: Piece, sizes: Sizes, labels: Any, room: int, state: Any) -> Board:
    """Return the board of labels below ``room``, nothing counted yet."""
    desk = lay_desk(piece, sizes, state)
    names = np.zeros(3, np.int64)
    return Board(piece, sizes, labels, lay_tally(room), desk, np.ones(2), lay_tally(3), np.zeros((3, 3)), names)


@pasted
def count_board(board: Board) -> Any:
    """Count what lies on a fresh board; return (cost without penalty, penalty)."""
    cost, penalty = fill_tally(board.piece, board.sizes, board.labels, board.tally)
    for e in range(len(board.piece.first)):
        board.desk.at[e] = -1
    for node in range(len(board.labels)):
        note_cuts(board, node)
    return cost, penalty


@pasted
def note_cuts(board: Board, node: int) -> None:
    """Bring the list of cut borders up to date about a unit."""
    piece, labels, desk = board.piece, board.labels, board.desk
    for p in range(piece.row[node], piece.touch[node]):
        e = piece.edge[p]
        at = desk.at[e]
        if labels[piece.neighbor[p]] != labels[node]:
            if at < 0:
                desk.at[e] = desk.size[0]
                desk.cut[desk.size[0]] = e
                desk.size[0] += 1
        elif at >= 0:
            desk.size[0] -= 1
            last = desk.cut[desk.size[0]]
            desk.cut[at], desk.at[last] = last, at
            desk.at[e] = -1


@pasted
def accepts(board: Board, cost: float, penalty: float) -> Any:
    """Tell whether a move with this change of cost and penalty is made, by chance where it is for the worse."""
    worse = cost + board.heat[1] * penalty
    return worse <= 0.0 or draw(board.desk.state) < np.exp(-worse / board.heat[0])


@pasted
def may_meet(board: Board, node: int, label: int) -> Any:
    """Tell whether the lock of a unit lets it join a grid."""
    lock, tally = board.piece.lock[node], board.tally
    return lock == FREE or tally.locked[label] == 0 or tally.lock[label] == lock


@pasted
def free_label(board: Board, start: int) -> int:
    """Return a label from ``start`` on that no grid has or is about to get, -1 where there is none."""
    for label in range(start, len(board.tally.units)):
        if board.tally.units[label] == 0 and label != board.names[0] and label != board.names[1]:
            return label
    return -1


@pasted
def anchor_without(board: Board, node: int) -> Any:
    """Return the anchor of a unit's grid without the unit."""
    piece, labels = board.piece, board.labels
    label, most = labels[node], board.tally.anchor[labels[node]]
    if piece.anchor[node] == 0 or piece.anchor[node] < most:
        return most
    most = np.int64(0)
    for other in range(len(labels)):
        if labels[other] == label and other != node and piece.anchor[other] > most:
            most = piece.anchor[other]
    return most


@pasted
def stays_connected(board: Board, node: int) -> bool:
    """Tell whether the grid of a unit, having other units, is connected without it."""
    piece, labels, mark, queue = board.piece, board.labels, board.desk.mark, board.desk.order
    label, needed, start = labels[node], 0, -1
    for p in range(piece.row[node], piece.touch[node]):
        other = piece.neighbor[p]
        if labels[other] == label:
            needed += 1
            start = other
            mark[other] = 2
    met, size = 1, 0
    if needed > 1:
        mark[start] = 1
        mark[node] = 1
        queue[0] = start
        done, size = 0, 1
        while done < size and met < needed:
            at = queue[done]
            done += 1
            for p in range(piece.row[at], piece.touch[at]):
                other = piece.neighbor[p]
                if labels[other] == label and mark[other] != 1:
                    if mark[other] == 2:
                        met += 1
                    mark[other] = 1
                    queue[size] = other
                    size += 1
    for i in range(size):
        mark[queue[i]] = 0
    for p in range(piece.row[node], piece.touch[node]):
        mark[piece.neighbor[p]] = 0
    mark[node] = 0
    return needed > 0 and met == needed


@pasted
def span_with(board: Board, node: int, label: int) -> Any:
    """Return the span of a grid once a unit has joined it."""
    span = board.tally.span[label]
    for other in range(len(board.labels)):
        if board.labels[other] == label:
            span = max(span, distance(board.piece, node, other))
    return span


@pasted
def span_without(board: Board, node: int) -> Any:
    """Return the span of a unit's grid without it."""
    labels, label = board.labels, board.labels[node]
    members, count, far = board.desk.order, 0, 0.0
    for other in range(len(labels)):
        if labels[other] == label and other != node:
            members[count] = other
            count += 1
            far = max(far, distance(board.piece, node, other))
    span = board.tally.span[label]
    if far < span:
        return span
    span = 0.0
    for i in range(count):
        for j in range(i):
            span = max(span, distance(board.piece, members[i], members[j]))
    return span
