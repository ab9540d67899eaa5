"""Which moves make a division better? Units change sides; grids are cut anew; names of today's grids are swapped.

Simulated annealing over the lawful divisions of one piece: grids connected over borders in contact, none above the
ceiling, none with different locks. The number of grids is free. Every move keeps all that; the penalty for grids below
the floor grows while the temperature falls, so that the search can pass through small grids early and ends without.
"""

from typing import Any, NamedTuple

from spatial.division.board import (
    Board,
    accepts,
    anchor_without,
    count_board,
    may_meet,
    note_cuts,
    span_with,
    span_without,
    stays_connected,
)
from spatial.division.recut import recut
from spatial.division.sizes import STRENGTH
from spatial.division.tally import add_unit, balance_at, column, may_hold, penalty_at
from spatial.division.trees import draw
from spatial.walking.columns import narrow
from spatial.walking.compiled import bare, pasted

_ALONE, _RENAMES = 0.1, 0.02
_NONE, _RECUT, _RENAME, _FLIP = range(4)
"""Kinds of moves."""


class Schedule(NamedTuple):
    """How a run cools: temperature and strength of the penalty, at the start and at the end; and its mix of moves.

    ``recuts`` is the share of moves that cut grids anew, ``counts`` the share of those that change their number.
    """

    hot: float
    cold: float
    lenient: float
    strict: float
    recuts: float
    counts: float


@pasted
def _flip(board: Board, node: int, b: int) -> Any:
    """Try to move a unit to the neighbouring grid b; return the change of (cost, penalty)."""
    piece, sizes, labels, tally = board.piece, board.sizes, board.labels, board.tally
    a, h = labels[node], piece.households[node]
    after, anchor = tally.households[b] + h, max(tally.anchor[b], piece.anchor[node])
    if not may_hold(sizes, after, anchor) or not may_meet(board, node, b):
        return 0.0, 0.0
    cost, penalty = 0.0, 0.0
    for p in range(piece.row[node], piece.row[node + 1]):
        label = labels[piece.neighbor[p]]
        if label == a:
            cost += piece.border[piece.edge[p]]
        elif label == b:
            cost -= piece.border[piece.edge[p]]
    if piece.change.shape[1] > 1:
        cost += piece.change[node, column(piece, b)] - piece.change[node, column(piece, a)]
    rest = anchor_without(board, node)
    if h > 0 or tally.units[a] == 1:
        cost += balance_at(sizes, after, anchor) - balance_at(sizes, tally.households[b], tally.anchor[b])
        cost -= balance_at(sizes, tally.households[a], tally.anchor[a])
        penalty += penalty_at(sizes, after, anchor) - penalty_at(sizes, tally.households[b], tally.anchor[b])
        penalty -= penalty_at(sizes, tally.households[a], tally.anchor[a])
        if tally.units[a] > 1:
            cost += balance_at(sizes, tally.households[a] - h, rest)
            penalty += penalty_at(sizes, tally.households[a] - h, rest)
    span_a, span_b = 0.0, 0.0
    if sizes.span_weight > 0.0:
        span_a, span_b = span_without(board, node), span_with(board, node, b)
        cost += sizes.span_weight * (span_a + span_b - tally.span[a] - tally.span[b])
    if not accepts(board, cost, penalty):
        return 0.0, 0.0
    if tally.units[a] > 1 and not stays_connected(board, node):
        return 0.0, 0.0
    labels[node] = b
    tally.households[a] -= h
    tally.units[a] -= 1
    tally.locked[a] -= 1 if piece.lock[node] >= 0 else 0
    tally.anchor[a] = rest if tally.units[a] > 0 else 0
    tally.span[a], tally.span[b] = span_a, span_b
    add_unit(piece, tally, node, b)
    note_cuts(board, node)
    return cost, penalty


@pasted
def _swap_names(board: Board, node: int) -> Any:
    """Try to give a unit's grid one of today's names, in exchange for its own; return the change of (cost, penalty)."""
    piece, labels, tally = board.piece, board.labels, board.tally
    olds = piece.change.shape[1] - 1
    a, b = labels[node], int(draw(board.desk.state) * olds)
    if draw(board.desk.state) < 0.5:
        for old in range(olds):
            if piece.change[node, old] < piece.change[node, b]:
                b = old
    if a == b:
        return 0.0, 0.0
    cost = 0.0
    for other in range(len(labels)):
        if labels[other] == a or labels[other] == b:
            then = b if labels[other] == a else a
            cost += piece.change[other, column(piece, then)] - piece.change[other, column(piece, labels[other])]
    if not accepts(board, cost, 0.0):
        return 0.0, 0.0
    for other in range(len(labels)):
        if labels[other] == a:
            labels[other] = b
        elif labels[other] == b:
            labels[other] = a
    for numbers in (tally.households, tally.units, tally.anchor, tally.locked, tally.lock):
        numbers[a], numbers[b] = numbers[b], numbers[a]
    tally.span[a], tally.span[b] = tally.span[b], tally.span[a]
    return cost, 0.0


@pasted
def _draw_move(board: Board, schedule: Schedule) -> Any:
    """Return a move to try about a cut border: its kind, a unit, and the grid beside it (or the unit's own)."""
    piece, labels, desk = board.piece, board.labels, board.desk
    kind = draw(desk.state)
    whole = desk.size[0] == 0
    e = int(draw(desk.state) * len(piece.first)) if whole else desk.cut[int(draw(desk.state) * desk.size[0])]
    node, other = piece.first[e], piece.second[e]
    if draw(desk.state) < 0.5:
        node, other = other, node
    if kind < schedule.recuts:
        alone = whole or draw(desk.state) < _ALONE * schedule.counts
        return _RECUT, node, labels[node] if alone else labels[other]
    if piece.change.shape[1] > 1 and kind < schedule.recuts + _RENAMES:
        return _RENAME, node, labels[node]
    return _NONE if whole else _FLIP, node, labels[other]


@bare
def anneal(board: Board, best: Any, least: float, keep: Any, schedule: Schedule, moves: int) -> Any:
    """Change the division on a fresh board, a lawful one, by ``moves`` moves; return (cost of the best met, snapshots).

    ``best`` holds a division of the cost ``least``, and in the end the best met; the labels are put into the rows of
    ``keep`` at regular moves. Long runs are made of several calls that hand labels, best and state on.
    """
    board, best, keep = narrow(board), narrow(best), narrow(keep)
    labels, kept = board.labels, 0
    cost, penalty = count_board(board)
    for move in range(moves):
        if move % 64 == 0:
            done = move / moves
            board.heat[0] = schedule.hot * (schedule.cold / schedule.hot) ** done
            board.heat[1] = schedule.lenient * (schedule.strict / schedule.lenient) ** done
        kind, node, label = _draw_move(board, schedule)
        change, extra = 0.0, 0.0
        if kind == _RECUT:
            change, extra = recut(board, node, label, schedule.counts)
        elif kind == _RENAME:
            change, extra = _swap_names(board, node)
        elif kind == _FLIP:
            change, extra = _flip(board, node, label)
        cost += change
        penalty += extra
        if cost + STRENGTH * penalty < least - 1e-9:
            least = cost + STRENGTH * penalty
            for unit in range(len(labels)):
                best[unit] = labels[unit]
        if kept < len(keep) and (kept + 1) * moves <= (move + 1) * len(keep):
            for unit in range(len(labels)):
                keep[kept, unit] = labels[unit]
            kept += 1
    return least, kept
