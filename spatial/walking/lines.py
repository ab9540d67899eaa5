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


def take_lines(lines: Lines, rows: Ints) -> tuple[Ints, Ints]:
    """Return (where the vertices of these ways start, which of all vertices they are), one way after the other."""
    counts = np.diff(lines.offsets)[rows]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    at = np.repeat(lines.offsets[rows] - start[:-1], counts)
    at += np.arange(len(at))
    return start, at


def link_vertices(start: Ints, vertex: Ints) -> tuple[Ints, Ints, Ints]:
    """Return (way, vertex, next vertex) of the straight pieces of ways, of any two vertices in a row that differ."""
    way, a, b = np.empty((3, len(vertex)), dtype=np.int64)
    count = _link(start, vertex, way, a, b)
    return way[:count], a[:count], b[:count]


@kernel
def _link(start: Ints, vertex: Ints, way: Ints, a: Ints, b: Ints) -> Any:
    count = np.int64(0)
    for line in range(len(start) - 1):
        for i in range(start[line], start[line + 1] - 1):
            if vertex[i + 1] != vertex[i]:
                way[count], a[count], b[count] = line, vertex[i], vertex[i + 1]
                count += 1
    return count


def number_ids(ids: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the different ids, rising, the first place of each, and which of them stands at each place."""
    if not len(ids):
        return ids, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    low, high = int(ids.min()), int(ids.max())
    if (high - low).bit_length() + len(ids).bit_length() > 63:  # else an id and its place fit into one number
        return np.unique(ids, return_index=True, return_inverse=True)
    bits = len(ids).bit_length()
    packed, other = (ids - low) << bits | np.arange(len(ids)), np.empty(len(ids), dtype=np.int64)
    for digit in range(-(-(high - low).bit_length() // _DIGIT_BITS)):
        _sort_by(packed, other, bits + digit * _DIGIT_BITS)
        packed, other = other, packed
    first, which = other, np.empty(len(ids), dtype=np.int64)
    first = first[: _number(packed, bits, first, which)]
    return ids[first], first, which


@kernel
def _sort_by(values: Ints, out: Ints, shift: int) -> None:
    """Sort by one digit; values of the same digit keep their order."""
    last = (1 << _DIGIT_BITS) - 1
    put = np.zeros(last + 2, np.int64)
    for value in values:
        put[((value >> shift) & last) + 1] += 1
    for d in range(last):
        put[d + 1] += put[d]
    for value in values:
        d = (value >> shift) & last
        out[put[d]] = value
        put[d] += 1


@kernel
def _number(packed: Ints, bits: int, first: Ints, which: Ints) -> Any:
    """Number the ids of sorted pairs of an id and a place; return how many there are."""
    count = np.int64(0)
    for k in range(len(packed)):
        place = packed[k] & ((1 << bits) - 1)
        if k == 0 or packed[k] >> bits != packed[k - 1] >> bits:
            first[count] = place
            count += 1
        which[place] = count - 1
    return count
