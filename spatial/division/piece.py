"""What does the search see of blocks that can be divided together?

A piece is a connected set of blocks as flat arrays: households, neighbours (compressed rows) and, for every pair of
neighbours, what a grid border between them costs. Kernels and proofs work on pieces alone and know no frames.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


class Piece(NamedTuple):
    """Blocks ``0..n-1`` and their ``m`` borders; ``neighbor`` and ``edge`` list the borders of each block by row.

    ``border`` is the cost of a grid border along the edge, ``clarity`` (0-1) how clear a line it would follow.
    """

    households: Any
    row: Any
    neighbor: Any
    edge: Any
    first: Any
    second: Any
    border: Any
    clarity: Any


def build_piece(households: Any, first: Any, second: Any, border: Any, clarity: Any) -> Piece:
    """Return the piece of blocks with these households and these pairs of neighbours."""
    count, pairs = len(households), len(first)
    tail = np.concatenate([first, second]).astype(np.int64)
    head = np.concatenate([second, first]).astype(np.int64)
    edge = np.concatenate([np.arange(pairs), np.arange(pairs)]).astype(np.int64)
    order = np.lexsort((edge, tail))
    row = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=count), out=row[1:])
    return Piece(
        np.ascontiguousarray(households, dtype=np.int64),
        row,
        head[order],
        edge[order],
        np.ascontiguousarray(first, dtype=np.int64),
        np.ascontiguousarray(second, dtype=np.int64),
        np.ascontiguousarray(border, dtype=np.float64),
        np.ascontiguousarray(clarity, dtype=np.float64),
    )


def take_blocks(piece: Piece, blocks: Any) -> Piece:
    """Return the piece that these blocks (ascending numbers) form among themselves."""
    place = np.full(len(piece.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    inside = (place[piece.first] >= 0) & (place[piece.second] >= 0)
    return build_piece(
        piece.households[blocks],
        place[piece.first[inside]],
        place[piece.second[inside]],
        piece.border[inside],
        piece.clarity[inside],
    )


def merge_blocks(piece: Piece, groups: Any) -> Piece:
    """Return the piece whose blocks are the groups 0..k-1 of this piece's blocks; borders between groups add up."""
    count = int(groups.max()) + 1
    a, b = groups[piece.first], groups[piece.second]
    low, high = np.minimum(a, b), np.maximum(a, b)
    cut = low != high
    keys, pair = np.unique(low[cut] * count + high[cut], return_inverse=True)
    border = np.bincount(pair, piece.border[cut], len(keys))
    clear = np.bincount(pair, (piece.border * piece.clarity)[cut], len(keys))
    clarity = np.divide(clear, border, out=np.zeros(len(keys)), where=border > 0)
    households = np.bincount(groups, piece.households, count).astype(np.int64)
    return build_piece(households, keys // count, keys % count, border, clarity)


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
