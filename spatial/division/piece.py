"""What does the search see of blocks that can be divided together?

A piece is a connected set of units (a block, or blocks that must stay together) as flat arrays: households, neighbours
(compressed rows) and, for every pair of neighbours, what a grid border between them costs. Kernels and proofs work on
pieces alone and know no frames.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

FREE = -1
"""The lock of a unit that may share a grid with any other."""


class Piece(NamedTuple):
    """Units ``0..n-1`` and their ``m`` borders.

    Attributes
    ----------
    households, anchor:
        By unit; ``anchor`` holds the households of a block that sets the aim of its grid, 0 where there is none.
    lock:
        By unit: units of different locks never share a grid; ``FREE`` where there is none.
    change:
        By unit and today's grid: what the unit costs in the grid that inherits it; the last column stands for a grid
        that inherits none.
    x, y:
        By unit: where it lies, in metres.
    row, touch, neighbor, edge:
        ``neighbor[row[v]:row[v + 1]]`` are the neighbours of v, those before ``touch[v]`` in contact with it: only they
        connect a grid. ``edge`` is the number of the border.
    first, second, border, clarity:
        By border: its units, what it costs between two grids, and how clear a line it would follow (0-1).
    """

    households: Any
    anchor: Any
    lock: Any
    change: Any
    x: Any
    y: Any
    row: Any
    touch: Any
    neighbor: Any
    edge: Any
    first: Any
    second: Any
    border: Any
    clarity: Any


def build_piece(
    households: Any,
    first: Any,
    second: Any,
    border: Any,
    clarity: Any,
    *,
    contact: Any = None,
    anchor: Any = None,
    lock: Any = None,
    change: Any = None,
    xy: Any = None,
) -> Piece:
    """Return the piece of units with these households and these pairs of neighbours.

    Unless told otherwise all pairs are in contact, and there are no anchors, locks, grids of today or places.
    """
    count, pairs = len(households), len(first)
    apart = np.zeros(pairs, dtype=bool) if contact is None else ~np.asarray(contact, dtype=bool)
    tail = np.concatenate([first, second]).astype(np.int64)
    head = np.concatenate([second, first]).astype(np.int64)
    edge = np.concatenate([np.arange(pairs), np.arange(pairs)]).astype(np.int64)
    order = np.lexsort((edge, np.concatenate([apart, apart]), tail))
    row = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=count), out=row[1:])
    places = np.zeros((2, count)) if xy is None else np.array(xy, dtype=np.float64)
    return Piece(
        households=np.array(households, dtype=np.int64),
        anchor=np.zeros(count, dtype=np.int64) if anchor is None else np.array(anchor, dtype=np.int64),
        lock=np.full(count, FREE, dtype=np.int64) if lock is None else np.array(lock, dtype=np.int64),
        change=np.zeros((count, 1)) if change is None else np.array(change, dtype=np.float64, order="C"),
        x=places[0].copy(),
        y=places[1].copy(),
        row=row,
        touch=row[:-1] + np.bincount(tail[np.concatenate([~apart, ~apart])], minlength=count).astype(np.int64),
        neighbor=head[order],
        edge=edge[order],
        first=np.array(first, dtype=np.int64),
        second=np.array(second, dtype=np.int64),
        border=np.array(border, dtype=np.float64),
        clarity=np.array(clarity, dtype=np.float64),
    )


def count_olds(piece: Piece) -> int:
    """Return how many grids of today can be inherited: labels below stand for them."""
    return int(piece.change.shape[1]) - 1


def in_contact(piece: Piece) -> Any:
    """Tell by border whether its units are in contact."""
    found = np.zeros(len(piece.first), dtype=bool)
    place = np.arange(len(piece.edge))
    found[piece.edge[place < np.repeat(piece.touch, np.diff(piece.row))]] = True
    return found


def take_blocks(piece: Piece, blocks: Any) -> Piece:
    """Return the piece that these units (ascending numbers) form among themselves."""
    place = np.full(len(piece.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    inside = (place[piece.first] >= 0) & (place[piece.second] >= 0)
    return build_piece(
        piece.households[blocks],
        place[piece.first[inside]],
        place[piece.second[inside]],
        piece.border[inside],
        piece.clarity[inside],
        contact=in_contact(piece)[inside],
        anchor=piece.anchor[blocks],
        lock=piece.lock[blocks],
        change=piece.change[blocks],
        xy=(piece.x[blocks], piece.y[blocks]),
    )


def merge_blocks(piece: Piece, groups: Any) -> Piece:
    """Return the piece whose units are the groups 0..k-1 of this piece's units; borders between groups add up.

    Groups are in contact where any of their units are; a group lies in the middle of its units.

    Raises
    ------
    ValueError
        If a group holds two different locks.
    """
    count = int(groups.max()) + 1
    a, b = groups[piece.first], groups[piece.second]
    low, high = np.minimum(a, b), np.maximum(a, b)
    cut = low != high
    keys, pair = np.unique(low[cut] * count + high[cut], return_inverse=True)
    border = np.bincount(pair, piece.border[cut], len(keys))
    clear = np.bincount(pair, (piece.border * piece.clarity)[cut], len(keys))
    units = np.bincount(groups, minlength=count)
    anchor = np.zeros(count, dtype=np.int64)
    np.maximum.at(anchor, groups, piece.anchor)
    change = np.zeros((count, piece.change.shape[1]))
    np.add.at(change, groups, piece.change)
    return build_piece(
        np.bincount(groups, piece.households, count).astype(np.int64),
        keys // count,
        keys % count,
        border,
        np.divide(clear, border, out=np.zeros(len(keys)), where=border > 0),
        contact=np.bincount(pair, in_contact(piece)[cut], len(keys)) > 0,
        anchor=anchor,
        lock=_merge_locks(piece, groups, count),
        change=change,
        xy=[np.bincount(groups, at, count) / units for at in (piece.x, piece.y)],
    )


def _merge_locks(piece: Piece, groups: Any, count: int) -> Any:
    lock = np.full(count, FREE, dtype=np.int64)
    np.maximum.at(lock, groups, piece.lock)
    torn = np.flatnonzero((piece.lock != FREE) & (piece.lock != lock[groups]))
    if len(torn):
        unit = int(torn[0])
        raise ValueError(
            f"group {groups[unit]}: found the locks {piece.lock[unit]} and {lock[groups[unit]]}, needed one at most"
        )
    return lock


def label_connected(count: int, first: Any, second: Any) -> Any:
    """Return for each of ``count`` blocks the number of its connected component, in order of first appearance."""
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    found = connected_components(links, directed=False)[1]
    return renumber(found)


def renumber(labels: Any) -> Any:
    """Return the labels as 0..k-1 in order of first appearance."""
    _, start, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(start), dtype=np.int64)
    rank[np.argsort(start)] = np.arange(len(start))
    return rank[inverse]


def renumber_new(labels: Any, olds: int) -> Any:
    """Return the labels with names of today's grids (below ``olds``) kept, the others from there on as they appear."""
    out = np.array(labels, dtype=np.int64)
    new = out >= olds
    out[new] = olds + renumber(out[new])
    return out
