"""Where do the ways of a map run, and which tags have they, as columns?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.walking.compiled import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIGIT_BITS = 11


@dataclass(frozen=True, slots=True)
class Lines:
    """Ways: the vertices of way i are ``offsets[i]:offsets[i + 1]`` of ``node`` (ids of the map) and ``xy`` (metres).

    ``kinds`` is a frame of tags as ``Streets.ways`` has them, ``kind`` the row in it of each way.
    """

    way_id: Ints
    kind: Ints
    kinds: Any
    offsets: Ints
    node: Ints
    xy: Floats


def to_lines(ways: Any) -> Lines:
    """Return the ways of a street map as columns.

    Raises
    ------
    InputError
        If a way has more nodes than vertices, or fewer.
    """
    xy, owner = shapely.get_coordinates(ways.geometry.array, return_index=True)
    counts = np.bincount(owner, minlength=len(ways))
    lists = ways["nodes"].to_list()
    sizes = np.array([len(nodes) for nodes in lists], dtype=np.int64)
    if (sizes != counts).any():
        bad = int(np.flatnonzero(sizes != counts)[0])
        raise InputError(
            f"streets: way {ways['way_id'].iloc[bad]} has {sizes[bad]} nodes and {counts[bad]} vertices; "
            "needed as many of each"
        )
    node = np.concatenate([np.empty(0, dtype=np.int64), *lists]).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Lines(ways["way_id"].to_numpy(), np.arange(len(ways)), ways, offsets, node, xy)


def take_lines(lines: Lines, rows: Ints) -> tuple[Ints, Ints, Floats]:
    """Return (way, node, place) of the vertices of these ways, one way after the other; ways count from 0."""
    counts = np.diff(lines.offsets)[rows]
    owner = np.repeat(np.arange(len(rows)), counts)
    if len(rows) == len(lines.way_id) and (rows == np.arange(len(rows))).all():
        return owner, lines.node, lines.xy
    ends = np.cumsum(counts)
    at = np.arange(len(owner)) + np.repeat(lines.offsets[rows] - (ends - counts), counts)
    return owner, lines.node[at], lines.xy[at]


def number_ids(ids: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the different ids, rising, the first place of each, and which of them stands at each place."""
    if not len(ids):
        return ids, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    low, high = int(ids.min()), int(ids.max())
    if high - low >= 2**62:
        return np.unique(ids, return_index=True, return_inverse=True)
    passes = -(-max(1, (high - low).bit_length()) // _DIGIT_BITS)
    first, which = _number(ids, low, passes)
    return ids[first], first, which


@kernel
def _number(ids: Ints, low: int, passes: int) -> tuple[Ints, Ints]:
    """Sort by the digits of the distance from the lowest, the last digit first (radix sort: equal ids keep places)."""
    n, digits = len(ids), 1 << _DIGIT_BITS
    order, other = np.arange(n), np.empty(n, np.int64)
    for digit in range(passes):
        shift = digit * _DIGIT_BITS
        put = np.zeros(digits + 1, np.int64)
        for i in range(n):
            put[(((ids[i] - low) >> shift) & (digits - 1)) + 1] += 1
        for d in range(digits):
            put[d + 1] += put[d]
        for k in range(n):
            i = order[k]
            d = ((ids[i] - low) >> shift) & (digits - 1)
            other[put[d]] = i
            put[d] += 1
        order, other = other, order
    first, which = np.empty(n, np.int64), np.empty(n, np.int64)
    count = np.int64(-1)
    for k in range(n):
        i = order[k]
        if k == 0 or ids[i] != ids[order[k - 1]]:
            count += 1
            first[count] = i
        which[i] = count
    return first[: count + 1].copy(), which
