"""How are the units of one piece divided best?

Units that can only follow their one neighbour are joined to it; a handful of units is divided exactly; more are
divided by annealing from several starts. Then windows, some neighbouring grids at a time, are annealed again, and what
is left outside the band is divided anew together with what surrounds it. Effort is counted in moves, so that every
machine finds the same division.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spatial.division.annealing import Schedule, anneal
from spatial.division.board import lay_board
from spatial.division.exact import MOST_BLOCKS, is_small, solve_exactly
from spatial.division.names import match_names
from spatial.division.piece import FREE, Piece, count_olds, merge_blocks, renumber, renumber_new
from spatial.division.sizes import STRENGTH, Band, Sizes, build_sizes, nearest_count
from spatial.division.starts import mend_labels, start_labels
from spatial.division.tally import measure_cost
from spatial.division.windows import count_lawful, list_outside, pick_window, put_back, take_window, widen_window

_HOT, _COLD, _WARM = 0.3, 0.01, 0.2
_HOTS = (0.3, 1.0, 3.0)
_LENIENT = 1.0
_RECUTS, _CHANGES_OF_COUNT = 0.05, 0.05
_CHUNK = 50_000
_LEAST_MOVES, _REPAIR_MOVES = 120_000, 60_000
_SEVERAL_STARTS, _RUNS, _WINDOWS_FROM = 400, 6, 150
_STARTED_UNITS, _FIRST_PER_UNIT, _WINDOW_PER_UNIT = 3000, 200, 100
_WINDOW = 300
_REPAIRS, _REPAIR_SHARE = 3, 8
_COARSE = 4

Tick = Callable[[int], bool]
"""Told how many moves were made; False when time is up."""


def _always(_moves: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to search: moves per unit, and the seed that every piece starts from."""

    moves_per_block: int
    seed: int

    def moves(self, blocks: int) -> int:
        """Return the moves that a piece of so many units gets."""
        return max(_LEAST_MOVES, self.moves_per_block * blocks) if blocks > MOST_BLOCKS else 0


@dataclass(frozen=True, slots=True)
class Found:
    """The best division found: labels by unit (below the number of today's grids: inherits that one), and its cost.

    ``snapshots`` holds other lawful divisions met on the way, one a row.
    """

    labels: Any
    cost: float
    snapshots: Any


class Task(NamedTuple):
    """A piece to be divided, the random state and the tick of the search."""

    piece: Piece
    sizes: Sizes
    band: Band
    state: Any
    tick: Tick


def divide_piece(piece: Piece, band: Band, balance_weight: float, effort: Effort, tick: Tick) -> Any:
    """Return labels 0..k-1 of a lawful division of a connected piece, in order of first appearance.

    Units above the ceiling set the aim of their grid, so that land without households may join them.
    """
    sizes = build_sizes(band, int(piece.households.sum()), balance_weight)
    over = np.where(piece.households > band.ceiling, piece.households, 0)
    whole = piece._replace(anchor=np.maximum(piece.anchor, over))
    return find_labels(whole, sizes, band, effort, tick).labels


def find_labels(
    piece: Piece,
    sizes: Sizes,
    band: Band,
    effort: Effort,
    tick: Tick,
    *,
    start: Any = None,
    snapshots: int = 0,
) -> Found:
    """Return the best division found of a connected piece; it is lawful whatever ``tick`` says.

    Labels are numbered by first appearance from the number of today's grids on; those below inherit. With ``start``
    (any labels; what is unlawful in them is cut) the search begins there too, and never returns worse than what it
    mended. ``snapshots`` says how many other divisions are wanted.
    """
    groups = _join_followers(piece, sizes)
    core = merge_blocks(piece, groups)
    state = np.array([effort.seed | 1], dtype=np.uint64)
    if is_small(core):
        labels = solve_exactly(core, sizes)
        found = Found(labels, 0.0, labels[None][: min(snapshots, 1)])
    else:
        task = Task(core, sizes, band, state, tick)
        begun = None if start is None else np.asarray(start, dtype=np.int64)[_leaders(piece, groups)]
        found = search_by_annealing(task, effort.moves(len(core.households)), start=begun, snapshots=snapshots)
        found = _repair_all(task, found, _REPAIR_SHARE * effort.moves(len(core.households)))
    labels = renumber_new(found.labels[groups], count_olds(piece))
    return Found(labels, measure_cost(piece, sizes, labels), found.snapshots[:, groups])


def _join_followers(piece: Piece, sizes: Sizes) -> Any:
    """Return group numbers: units without households and in contact with one other join it, again and again."""
    groups, core = np.arange(len(piece.households)), piece
    while len(core.households) > 1 and sizes.span_weight == 0.0:
        follows = (core.households == 0) & (core.touch - core.row[:-1] == 1)
        leader = core.neighbor[np.minimum(core.row[:-1], len(core.neighbor) - 1)]
        follows &= (core.lock == FREE) | (core.lock[leader] == FREE) | (core.lock == core.lock[leader])
        follows &= ~follows[leader] | (leader < np.arange(len(leader)))
        if not follows.any():
            break
        step = renumber(np.where(follows, leader, np.arange(len(leader))))
        groups, core = step[groups], merge_blocks(core, step)
    return groups


def _leaders(piece: Piece, groups: Any) -> Any:
    """Return for each group its unit with most households, the first of equals."""
    order = np.lexsort((np.arange(len(groups)), -piece.households, groups))
    return order[np.searchsorted(groups[order], np.arange(int(groups.max()) + 1))]


def search_by_annealing(task: Task, moves: int, *, start: Any = None, snapshots: int = 0) -> Found:
    """Return the best of several runs, improved window by window until the moves are spent."""
    runs = _plan_runs(task, moves)
    few = snapshots // (len(runs) + (start is not None))
    begun = [] if start is None else [search_from(task, start, runs[0].moves, snapshots=few)]
    kept = [found.snapshots for found in begun]
    best, hot = (begun[0], _HOT) if begun else (None, _HOT)
    for run in runs:
        if best is not None and not task.tick(0):
            break
        grids = run.grids or len(set(best.labels.tolist())) if best is not None else run.grids
        labels = match_names(task.piece, start_labels(task.piece, task.sizes, grids, task.state))
        found = search_from(task, labels, run.moves, hot=run.hot or hot, lenient=_LENIENT, snapshots=few)
        kept.append(found.snapshots)
        if best is None or found.cost < best.cost - 1e-9:
            best, hot = found, run.hot or hot
    assert best is not None
    best = _polish(task, best, moves - sum(run.moves for run in runs))
    return Found(best.labels, best.cost, np.concatenate(kept))


class Start(NamedTuple):
    """A run from a fresh start: number of grids and temperature, 0 for those of the best so far; and moves."""

    grids: int
    hot: float
    moves: int


def _plan_runs(task: Task, moves: int) -> list[Start]:
    """Return the fresh starts of a search.

    Large pieces start at the number nearest the target, hot where grids have few units each (few large units need heat
    to pass each other, many small ones lose their order in it). Others make several short runs, which find more than a
    long one: that number and its neighbours in the feasible range, from ever hotter, and then what proved best.
    """
    piece, band, units = task.piece, task.band, len(task.piece.households)
    over = int((piece.anchor > band.ceiling).sum())
    rest = int(piece.households[piece.anchor <= band.ceiling].sum())
    wanted = over + (nearest_count(rest, band) if rest or not over else 0)
    if units > _SEVERAL_STARTS:
        runs = max(1, _STARTED_UNITS // units)
        hot = _HOTS[-1] if units < _COARSE * wanted else _HOT
        return [Start(wanted, hot, min(moves // (2 * runs), _FIRST_PER_UNIT * units))] * runs
    low, high = count_lawful(piece, band, np.ones(units, dtype=bool))
    share = (moves if units < _WINDOWS_FROM else moves // 2) // _RUNS
    near = [n for n in (wanted - 1, wanted + 1) if max(1, low) <= n <= high]
    tried = [Start(n, hot, share) for n, hot in zip([wanted, *near, wanted, wanted], _HOTS, strict=False)]
    return [*tried, *[Start(0, 0.0, share)] * (_RUNS - len(tried))]


def search_from(
    task: Task,
    labels: Any,
    moves: int,
    *,
    hot: float = _WARM,
    lenient: float = STRENGTH,
    snapshots: int = 0,
) -> Found:
    """Return the best division met by annealing from given labels, and snapshots of the cold half of the run.

    Labels are any numbers from 0 on, those below the number of today's grids inherit; what is unlawful is cut first.
    """
    piece, sizes, olds = task.piece, task.sizes, count_olds(task.piece)
    labels = mend_labels(piece, sizes, labels, max(int(labels.max()) + 1, olds), task.state)
    labels = renumber_new(labels, olds)
    best, least = labels.copy(), measure_cost(piece, sizes, labels)
    room = max(int(labels.max()) + 1, olds) + max(8, len(set(labels.tolist())) // 4)
    keep, kept = np.zeros((snapshots, len(labels)), dtype=np.int64), 0
    calls = max(2, -(-moves // _CHUNK))
    for i in range(calls):
        schedule = _cool(hot, lenient, i / calls, (i + 1) / calls)
        share = moves * (i + 1) // calls - moves * i // calls
        upto = snapshots * max(0, 2 * (i + 1) - calls) // calls
        board = lay_board(piece, sizes, labels, room, task.state)
        least, added = anneal(board, best, least, keep[kept:upto], schedule, share)
        kept += added
        if not task.tick(share):
            break
    return Found(renumber_new(best, olds), float(least), keep[:kept])


def _cool(hot: float, lenient: float, begin: float, end: float) -> Schedule:
    """Return the schedule of a part of a run."""
    heat = [hot * (_COLD / hot) ** at for at in (begin, end)]
    strength = [lenient * (STRENGTH / lenient) ** at for at in (begin, end)]
    return Schedule(heat[0], heat[1], strength[0], strength[1], _RECUTS, _CHANGES_OF_COUNT)


def _polish(task: Task, best: Found, moves: int) -> Found:
    """Anneal window after window again until the moves are spent, keeping what got cheaper."""
    labels, cost = best.labels, best.cost
    while moves > 0 and task.tick(0):
        units = pick_window(task.piece, labels, min(_WINDOW, 3 * len(labels) // 4), task.state)
        labels, saved = _redo(task, labels, units, _WINDOW_PER_UNIT * len(units))
        cost -= saved
        task.tick(min(moves, _WINDOW_PER_UNIT * len(units)))
        moves -= _WINDOW_PER_UNIT * len(units)
    return Found(labels, cost, best.snapshots)


def _redo(task: Task, labels: Any, units: Any, moves: int, *, afresh: bool = False) -> tuple[Any, float]:
    """Divide some whole grids anew where that is cheaper; return all labels, and what was saved."""
    part, old, free = take_window(task.piece, labels, units)
    inner = Task(part, task.sizes, task.band, task.state, _always)
    if afresh and is_small(part):
        new = solve_exactly(part, task.sizes)
    elif afresh:
        new = search_by_annealing(inner, moves, start=old).labels
    else:
        new = search_from(inner, old, moves, hot=_HOT).labels
    saved = measure_cost(part, task.sizes, old) - measure_cost(part, task.sizes, new)
    if saved <= 1e-9:
        return labels, 0.0
    return put_back(labels, units, new, free, count_olds(task.piece)), saved


def _repair_all(task: Task, found: Found, moves: int) -> Found:
    """Divide the surroundings of each grid outside the band anew, as long as that helps and moves are left."""
    labels, cost = found.labels, found.cost
    for _ in range(_REPAIRS):
        before = cost
        for unit in list_outside(task.piece, task.sizes, labels):
            for units in widen_window(task.piece, labels, int(unit), task.band, _WINDOW):
                if moves <= 0 or not task.tick(0):
                    return Found(labels, cost, found.snapshots)
                moves -= _REPAIR_MOVES
                labels, saved = _redo(task, labels, units, _REPAIR_MOVES, afresh=True)
                cost -= saved
                if saved > 0.0:
                    break
        if cost >= before - 1e-9:
            break
    return Found(labels, cost, found.snapshots)
