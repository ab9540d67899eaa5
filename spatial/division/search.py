"""How are the blocks of one piece divided best?

Blocks that can only follow their one neighbour are joined to it; a handful of blocks is divided exactly; more are
divided by annealing from several starts, and what is left outside the band is divided anew together with what
surrounds it. Effort is counted in moves, so that every machine finds the same division.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.division.annealing import anneal, sum_costs
from spatial.division.exact import MOST_BLOCKS, solve_exactly
from spatial.division.piece import Piece, merge_blocks, renumber, take_blocks
from spatial.division.sizes import STRENGTH, Band, Sizes, build_sizes, count_range, nearest_count
from spatial.division.trees import start_labels

_HOT, _COLD = 0.3, 0.01
_LENIENT = 1.0
_RECUTS, _CHANGES_OF_COUNT = 0.06, 0.05
_CHUNK = 200_000
_LEAST_MOVES, _REPAIR_MOVES = 60_000, 90_000
_SEVERAL_STARTS, _RUNS = 400, 6
_WINDOW = 300
_REPAIRS, _RINGS = 2, 3

Tick = Callable[[int], bool]
"""Told how many moves were made; False when time is up."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to search: moves per block, and the seed that every piece starts from."""

    moves_per_block: int
    seed: int

    def moves(self, blocks: int) -> int:
        """Return the moves that a piece of so many blocks gets."""
        return max(_LEAST_MOVES, self.moves_per_block * blocks) if blocks > MOST_BLOCKS else 0


def divide_piece(piece: Piece, band: Band, balance_weight: float, effort: Effort, tick: Tick) -> Any:
    """Return labels 0..k-1 of a connected division of a connected piece, in order of first appearance.

    No grid of two or more blocks is above the ceiling unless one of its blocks is; the floor is kept where the search
    finds a way.
    """
    sizes = build_sizes(band, int(piece.households.sum()), balance_weight)
    groups = _join_followers(piece)
    core = merge_blocks(piece, groups)
    state = np.array([effort.seed | 1], dtype=np.uint64)
    labels = _search(core, sizes, band, effort.moves(len(core.households)), state, tick)
    for _ in range(_REPAIRS):
        if not tick(0) or not _repair(core, sizes, band, labels, state, tick):
            break
    labels = _keep_ceiling(core, sizes, labels, state)
    return renumber(labels[groups])


def _join_followers(piece: Piece) -> Any:
    """Return group numbers: blocks without households and with one neighbour join it, again and again."""
    groups = np.arange(len(piece.households))
    core = piece
    while len(core.households) > 1:
        degree = np.diff(core.row)
        following = np.flatnonzero((core.households == 0) & (degree == 1))
        if not len(following):
            break
        target = np.arange(len(core.households))
        target[following] = core.neighbor[core.row[following]]
        step = renumber(target)
        groups, core = step[groups], merge_blocks(core, step)
    return groups


def _search(piece: Piece, sizes: Sizes, band: Band, moves: int, state: Any, tick: Tick) -> Any:
    if len(piece.households) <= MOST_BLOCKS:
        return solve_exactly(piece, sizes)
    return search_by_annealing(piece, sizes, band, moves, state, tick)


def search_by_annealing(piece: Piece, sizes: Sizes, band: Band, moves: int, state: Any, tick: Tick) -> Any:
    """Return the best labels that the runs of ``_plan_starts`` meet."""
    best, least = np.zeros(len(piece.households), dtype=np.int64), np.inf
    for grids, share in _plan_starts(piece, band, moves):
        labels, cost = _anneal_from(piece, sizes, grids or int(best.max()) + 1, share, state, tick)
        if cost < least - 1e-9:
            best, least = renumber(labels), cost
        if not tick(0):
            break
    return best


def _plan_starts(piece: Piece, band: Band, moves: int) -> list[tuple[int, int]]:
    """Return (number of grids, moves) of each run; 0 grids stands for as many as the best run so far ended with.

    Large pieces start once, at the number nearest the target. Others make several short runs, which find more than a
    long one: that number and its neighbours in the feasible range first, then what proved best.
    """
    total = int(piece.households.sum())
    wanted = nearest_count(total, band)
    if len(piece.households) > _SEVERAL_STARTS:
        return [(wanted, moves)]
    low, high = count_range(total, band)
    tried = [wanted, *(n for n in (wanted - 1, wanted + 1) if max(1, low) <= n <= high)]
    return [(n, moves // _RUNS) for n in (*tried, *[0] * (_RUNS - len(tried)))]


def _anneal_from(piece: Piece, sizes: Sizes, grids: int, moves: int, state: Any, tick: Tick) -> tuple[Any, float]:
    """Return the best labels met from a start with so many grids, and their cost."""
    labels = start_labels(piece, min(grids, len(piece.households)), state)
    best = labels.copy()
    room = int(labels.max()) + 1 + max(4, grids // 4)
    cost = np.inf
    for schedule, share in _schedules(moves):
        cost = anneal(piece, sizes, labels, best, room, schedule, share, state)
        if not tick(share):
            break
    return best, cost


def _schedules(moves: int) -> Iterator[tuple[tuple[float, ...], int]]:
    """Yield the temperatures and penalties of a run in calls of a fraction of a second each."""
    calls = max(1, -(-moves // _CHUNK))
    for i in range(calls):
        heat = [_HOT * (_COLD / _HOT) ** (j / calls) for j in (i, i + 1)]
        strength = [_LENIENT * (STRENGTH / _LENIENT) ** (j / calls) for j in (i, i + 1)]
        yield (*heat, *strength, _RECUTS, _CHANGES_OF_COUNT), moves * (i + 1) // calls - moves * i // calls


def measure_cost(piece: Piece, sizes: Sizes, labels: Any) -> float:
    """Return what a division costs: balance, borders and the penalty for grids outside the band."""
    room = int(labels.max()) + 1
    cost, penalty = sum_costs(piece, sizes, labels, np.zeros(room, np.int64), np.zeros(room, np.int64))
    return float(cost + STRENGTH * penalty)


def _out_of_band(piece: Piece, sizes: Sizes, labels: Any) -> Any:
    """Return a block of each grid outside the band whose blocks all keep the ceiling."""
    households = np.bincount(labels, piece.households).astype(np.int64)
    outside = sizes.penalty[np.minimum(households, len(sizes.penalty) - 1)] > 0
    outside[labels[piece.households > sizes.ceiling]] = False
    return np.flatnonzero(np.isin(labels, np.flatnonzero(outside)) & _first_of_each(labels))


def _first_of_each(labels: Any) -> Any:
    """Tell by block whether it is the first with its label."""
    first = np.zeros(len(labels), dtype=bool)
    first[np.unique(labels, return_index=True)[1]] = True
    return first


def _repair(piece: Piece, sizes: Sizes, band: Band, labels: Any, state: Any, tick: Tick) -> bool:
    """Divide the surroundings of each grid outside the band anew, in place; tell whether anything got better."""
    better = False
    for block in _out_of_band(piece, sizes, labels):
        for window in _windows(piece, labels, int(block), band):
            if not tick(0):
                return False
            if _redo(piece, sizes, band, labels, window, state):
                better = True
                break
    return better


def _windows(piece: Piece, labels: Any, block: int, band: Band) -> Iterator[Any]:
    """Yield the blocks of ever wider surroundings of a block's grid, if their households can make grids in the band."""
    window = labels == labels[block]
    for _ in range(_RINGS):
        wider = _with_neighbours(piece, labels, window)
        if wider.sum() == window.sum() or wider.sum() > _WINDOW:
            return
        window = wider
        low, high = count_range(int(piece.households[window].sum()), band)
        if low <= high:
            yield np.flatnonzero(window)


def _with_neighbours(piece: Piece, labels: Any, window: Any) -> Any:
    touched = window[piece.first] != window[piece.second]
    joined = np.concatenate([labels[piece.first[touched]], labels[piece.second[touched]], labels[window]])
    return np.isin(labels, joined)


def _redo(piece: Piece, sizes: Sizes, band: Band, labels: Any, blocks: Any, state: Any) -> bool:
    """Divide some whole grids anew where that is cheaper; borders to the other grids stay as they are."""
    part = take_blocks(piece, blocks)
    old = renumber(labels[blocks])
    new = _search(part, sizes, band, _REPAIR_MOVES, state, lambda moves: True)
    if measure_cost(part, sizes, new) >= measure_cost(part, sizes, old) - 1e-9:
        return False
    _relabel(labels, blocks, new)
    return True


def _relabel(labels: Any, blocks: Any, new: Any) -> None:
    labels[blocks] = labels.max() + 1 + new
    labels[:] = renumber(labels)


def _keep_ceiling(piece: Piece, sizes: Sizes, labels: Any, state: Any) -> Any:
    """Return labels with every grid above the ceiling cut in two until it keeps it, unless one block exceeds it."""
    labels = labels.copy()
    while True:
        households = np.bincount(labels, piece.households)
        largest = np.zeros(len(households))
        np.maximum.at(largest, labels, piece.households)
        over = np.flatnonzero((households > sizes.ceiling) & (largest <= sizes.ceiling))
        if not len(over):
            return labels
        blocks = np.flatnonzero(labels == over[0])
        _relabel(labels, blocks, start_labels(take_blocks(piece, blocks), 2, state))
