"""Which blocks share a border, and for how many metres, where only their outlines are known?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.barriers import index_barriers
from spatial.land.borders import build_adjacency
from spatial.land.tiling import Ints, find_segments
from spatial.profile import LandRules
from spatial.tables import BARRIERS

_SCALE = 1000.0
"""Steps per metre on which the vertices of outlines that fit are compared."""
_SNAP_M = 0.5
"""Vertices of outlines that do not fit are drawn together within this distance."""
_SLIVER_M = 1.0
"""Land between blocks that is narrower is a slip of the drawing, not a street."""


@dataclass(frozen=True, slots=True)
class Touching:
    """ADJACENCY of drawn blocks, and how well the drawing fits.

    Attributes
    ----------
    adjacency:
        ADJACENCY; no border is clear, as no barrier is known, and all are crossable.
    overlap_m2:
        Land that lies in more than one block.
    slipped:
        Whether the outlines do not fit and were mended to be measured.
    lone:
        Positions of the blocks that share no border with any other.
    """

    adjacency: Any
    overlap_m2: float
    slipped: bool
    lone: Ints


def build_touching(blocks: Any, outlines: Any, rules: LandRules) -> Touching:
    """Return the shared borders of BLOCKS whose land, all parts of it, is ``outlines`` (metres, in the same order).

    Outlines that fit are measured vertex by vertex. Others are mended first (GEOS coverage cleaning: vertices within
    half a metre drawn together, sides noded where a neighbour has a corner, gaps narrower than a metre closed, land of
    two blocks given to the first): measured lengths are then right to about the slip of the drawing. Blocks with a
    street between them share no border.
    """
    fits = len(outlines) < 2 or bool(shapely.coverage_is_valid(outlines, gap_width=_SLIVER_M))
    mended, overlap_m2 = outlines, 0.0
    if not fits:
        mended = shapely.coverage_clean(
            outlines, snapping_distance=_SNAP_M, gap_width=_SLIVER_M, merge_strategy="min_index"
        )
        overlap_m2 = max(0.0, float(shapely.area(outlines).sum() - shapely.area(shapely.union_all(outlines))))
    parts, owner = shapely.get_parts(mended, return_index=True)
    segments, _ = find_segments(parts, scale=_SCALE).regroup(owner.astype(np.int64))
    adjacency = build_adjacency(blocks, segments, index_barriers(BARRIERS.empty(blocks.crs)), _NO_CROSSINGS, rules)
    lone = np.ones(len(outlines), dtype=bool)
    inner = segments.pick(segments.second >= 0)
    lone[inner.first] = lone[inner.second] = False
    return Touching(adjacency, overlap_m2, not fits, np.flatnonzero(lone))


_NO_CROSSINGS: NDArray[np.object_] = np.array([], dtype=object)
