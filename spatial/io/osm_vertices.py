"""Which node is each vertex of a line, where a source numbers only the ends of its lines, or nothing at all?"""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.io.osm_frames import Bools, Ints, split_ragged

Floats = NDArray[np.float64]

PER_METRE = 100
"""Ends that agree in whole centimetres are one place."""


def end_points(lines: Any) -> tuple[Floats, Floats]:
    """Return the first and the last vertex of each line."""
    return _xy(shapely.get_point(lines, 0)), _xy(shapely.get_point(lines, -1))


def hold_numbers(lines: Any) -> Bools:
    """Tell which lines have a finite number at every vertex; what is no geometry has."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    found = np.ones(len(lines), dtype=bool)
    found[owner[~np.isfinite(xy).all(axis=1)]] = False
    return found


def _xy(points: Any) -> Floats:
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)])


def to_cells(xy: Floats) -> Ints:
    """Return whole centimetres."""
    return np.round(xy * PER_METRE).astype(np.int64)


def number_vertices(lines: Any, first: Ints, last: Ints) -> list[Ints]:
    """Return a node id for each vertex: the given ones at the ends, fresh negative ones between, in order of the lines.

    Fresh ids lie below every id given.
    """
    counts = shapely.get_num_coordinates(lines)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    lowest = min(0, int(first.min()), int(last.min())) if len(first) else 0
    inner = np.ones(offsets[-1], dtype=bool)
    inner[offsets[:-1]] = inner[offsets[1:] - 1] = False
    ids = np.empty(offsets[-1], dtype=np.int64)
    ids[inner] = lowest - 1 - np.arange(inner.sum())
    ids[offsets[:-1]], ids[offsets[1:] - 1] = first, last
    return split_ragged(ids, offsets)


def number_by_place(lines: Any) -> list[Ints]:
    """Return a node id for each vertex by where it stands: ends within the same centimetre share an id.

    Ids of ends count up from 1 in order of x, then y. A vertex on which another line ends is that end: drawn maps join
    streets so. Two lines that merely cross, even at a vertex of both, do not meet: it may be a bridge.
    """
    if not len(lines):
        return []
    first, last = end_points(lines)
    places = np.unique(to_cells(np.concatenate([first, last])), axis=0)
    nodes = number_vertices(lines, _place_ids(places, first), _place_ids(places, last))
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    flat = np.concatenate(nodes)
    at = _place_ids(places, xy)
    flat = np.where(at > 0, at, flat)
    return split_ragged(flat, np.searchsorted(owner, np.arange(len(lines) + 1)).astype(np.int64))


def _place_ids(places: Ints, xy: Floats) -> Ints:
    """Return the position, from 1, of each point among sorted places; 0 where it is none of them."""
    index = pd.MultiIndex.from_arrays([places[:, 0], places[:, 1]])
    cells = to_cells(xy)
    found = index.get_indexer(pd.MultiIndex.from_arrays([cells[:, 0], cells[:, 1]]))
    return np.asarray(found, dtype=np.int64) + 1


def orient(lines: Any, u: Ints, v: Ints) -> Bools:
    """Tell which lines run from v to u: undirected sources do not say which end is which.

    A node stands where most ends of its lines meet; a line is turned if its ends fit the other way round better. A
    line that fits both ways, as one that meets no other, is taken as it runs.
    """
    first, last = (to_cells(xy) for xy in end_points(lines))
    ends = np.concatenate([np.column_stack([node, cell]) for node in (u, v) for cell in (first, last)])
    _, inverse, counts = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    u_first, u_last, v_first, v_last = counts[inverse.ravel()].reshape(4, -1)
    return np.asarray(u_last + v_first > u_first + v_last)


def stray_ends(lines: Any, u: Ints, v: Ints) -> tuple[Bools, Bools]:
    """Tell which first and which last vertices stand elsewhere than most ends of the same node."""
    cells = np.concatenate([to_cells(xy) for xy in end_points(lines)])
    frame = pd.DataFrame({"node": np.concatenate([u, v]), "x": cells[:, 0], "y": cells[:, 1]})
    counts = frame.groupby(["node", "x", "y"], sort=True).size().rename("n").reset_index()
    home = counts.sort_values(["node", "n", "x", "y"], ascending=[True, False, True, True]).drop_duplicates("node")
    home = home.set_index("node").loc[frame["node"]]
    stray = (home["x"].to_numpy() != cells[:, 0]) | (home["y"].to_numpy() != cells[:, 1])
    return stray[: len(u)], stray[len(u) :]
