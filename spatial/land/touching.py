"""Which blocks share a border, and for how many metres, where only their outlines are known?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.barriers import index_barriers
from spatial.land.borders import build_adjacency
from spatial.land.tiling import Ints, Segments, build_faces, find_segments
from spatial.profile import LandRules
from spatial.tables import BARRIERS

_EXACT = 1000.0
"""Steps per metre on which vertices of a clean coverage are compared."""
_GRID_M = 0.05
"""Outlines that do not fit exactly are noded together on this grid: a vertex this close to a line lies on it."""
_SLIVER_M = 1.0
"""Land between blocks that is narrower on average is a slip of the drawing, not a street."""


@dataclass(frozen=True, slots=True)
class Touching:
    """ADJACENCY of drawn blocks, and how well the drawing fits.

    Attributes
    ----------
    adjacency:
        ADJACENCY; no border is clear, as no barrier is known, and all are crossable.
    overlap_m2:
        Land that lies in more than one block.
    slivers:
        Number of enclosed gaps, narrower than a metre, that were closed.
    lone:
        Positions of the blocks that share no border with any other.
    """

    adjacency: Any
    overlap_m2: float
    slivers: int
    lone: Ints


def build_touching(blocks: Any, outlines: Any, rules: LandRules) -> Touching:
    """Return the shared borders of BLOCKS whose land, all parts of it, is ``outlines`` (metres, in the same order).

    A clean coverage is measured vertex by vertex. Other drawings are noded together first (snap rounding, Hobby 1999),
    so that a corner on the side of a neighbour counts; land of two blocks counts for the first, and an enclosed gap
    narrower than a metre for the block it borders longest. Blocks with a street between them share no border.
    """
    clean = len(outlines) < 2 or bool(shapely.coverage_is_valid(outlines, gap_width=_SLIVER_M))
    overlap_m2, slivers = 0.0, 0
    if clean:
        parts, owner = shapely.get_parts(outlines, return_index=True)
        segments = _join(find_segments(parts, scale=_EXACT), owner.astype(np.int64), len(outlines))
    else:
        segments, overlap_m2, slivers = _node(outlines)
    adjacency = build_adjacency(blocks, segments, index_barriers(BARRIERS.empty(blocks.crs)), _NO_CROSSINGS, rules)
    lone = np.ones(len(outlines), dtype=bool)
    lone[segments.first] = lone[segments.second] = False
    return Touching(adjacency, overlap_m2, slivers, np.flatnonzero(lone))


_NO_CROSSINGS: NDArray[np.object_] = np.array([], dtype=object)


def _join(segments: Segments, owner: Ints, count: int) -> Segments:
    """Return the pieces of border between two blocks of faces that belong to blocks; owner ``count`` is nobody."""
    joined, _ = segments.regroup(owner)
    return joined.pick((joined.second >= 0) & (joined.second < count))


def _node(outlines: Any) -> tuple[Segments, float, int]:
    """Return the borders of blocks that do not fit exactly, the land that lies in several, and the gaps closed."""
    faces = build_faces(shapely.boundary(outlines), grid=_GRID_M)
    face, block = shapely.STRtree(outlines).query(shapely.point_on_surface(faces), predicate="intersects")
    owner = np.full(len(faces), len(outlines), dtype=np.int64)
    np.minimum.at(owner, face, block)
    twice = np.bincount(face, minlength=len(faces)) > 1
    segments = find_segments(faces, scale=1 / _GRID_M)
    gaps = np.flatnonzero((owner == len(outlines)) & (2 * shapely.area(faces) < _SLIVER_M * shapely.length(faces)))
    closed = 0
    for gap, nearest in _longest_neighbour(segments, gaps, owner, len(outlines)):  # few: slips of the drawing
        owner[gap] = nearest
        closed += 1
    return _join(segments, owner, len(outlines)), float(shapely.area(faces[twice]).sum()), closed


def _longest_neighbour(segments: Segments, gaps: Ints, owner: Ints, count: int) -> list[tuple[int, int]]:
    """Return for each gap the block that it shares the longest border with, the first of equals."""
    first = np.concatenate([segments.first, segments.second])
    second = np.concatenate([segments.second, segments.first])
    length = np.tile(segments.length, 2)
    use = np.isin(first, gaps) & (second >= 0)
    first, beside, length = first[use], owner[second[use]], length[use]
    found = []
    for gap in gaps.tolist():
        mine = (first == gap) & (beside < count)
        if mine.any():
            shared = np.bincount(beside[mine], length[mine])
            found.append((gap, int(np.argmax(np.round(shared, 3)))))
    return found
