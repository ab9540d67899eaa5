"""How is a piece of land divided between the buildings or points that stand on it?"""

from typing import Any

import numpy as np
import shapely

from spatial.land.tiling import Floats, Ints

_SEED_INSET_M = 0.3
_MILLIMETRES = 3


def split_between(land: Any, footprints: Any, labels: Ints, *, spacing_m: float) -> list[tuple[int, Any]]:
    """Return (label, polygon) pairs that tile the land: each part is nearest to its label's footprints.

    This is the Voronoi diagram of the outlines, with a vertex every ``spacing_m``, except that a footprint is
    never cut: it goes whole to its label, also where buildings touch. Where footprints of two labels overlap, the lower
    label has the overlap. A label may have several parts, or none.
    """
    numbers = np.unique(labels)
    if len(numbers) == 1:
        return [(int(numbers[0]), land)]
    regions, owner = _voronoi(land, footprints, spacing_m)
    solid = shapely.get_dimensions(footprints) == 2
    parts: list[tuple[int, Any]] = []
    for label in numbers:
        near = shapely.coverage_union_all(regions[np.isin(owner, np.flatnonzero(labels == label))])
        others = shapely.union_all(footprints[solid & (labels != label)])
        before = shapely.union_all(footprints[solid & (labels < label)])
        own = shapely.difference(shapely.union_all(footprints[solid & (labels == label)]), before)
        piece = shapely.intersection(land, shapely.union(shapely.difference(near, others), own))
        parts += [(int(label), p) for p in shapely.get_parts(piece) if p.geom_type == "Polygon" and p.area > 0]
    return parts


def _voronoi(land: Any, footprints: Any, spacing_m: float) -> tuple[Any, Ints]:
    """Return the Voronoi cells of points along the outlines of footprints, and the footprint of each."""
    shrunk = shapely.buffer(footprints, -_SEED_INSET_M)
    outline = np.where(shapely.is_empty(shrunk), footprints, shrunk)
    xy, owner = shapely.get_coordinates(shapely.segmentize(outline, spacing_m), return_index=True)
    xy = np.round(xy, _MILLIMETRES)
    _, once = np.unique(xy, axis=0, return_index=True)
    once.sort()
    if len(once) < 2:
        return np.array([land], dtype=object), owner[once].astype(np.int64)
    cells = shapely.voronoi_polygons(shapely.multipoints(xy[once]), extend_to=land, ordered=True)
    return shapely.get_parts(cells), owner[once].astype(np.int64)


def bisect(xy: Floats, households: Ints, target: int) -> Ints:
    """Return heap numbers: buildings halved along their long axis until no heap exceeds half the target.

    So a grid can be put together from two or three heaps. Where all of them together are within the target, they are
    one heap. A building is never halved.
    """
    heap = np.zeros(len(xy), dtype=np.int64)
    if households.sum() <= target:
        return heap
    waiting, fresh = [np.arange(len(xy))], 1
    while waiting:
        items = waiting.pop()
        if len(items) < 2 or households[items].sum() <= target / 2:
            continue
        along = items[_order_along(xy[items], households[items])]
        share = np.cumsum(households[along]) - households[along] / 2
        at = int(np.clip(np.searchsorted(share, households[items].sum() / 2), 1, len(along) - 1))
        heap[along[at:]] = fresh
        fresh += 1
        waiting += [along[:at], along[at:]]
    return np.unique(heap, return_inverse=True)[1].astype(np.int64)


def _order_along(xy: Floats, households: Ints) -> Ints:
    """Order places along the long axis of where the households live; ties from west to east."""
    weights = households if households.sum() else np.ones(len(xy))
    centred = xy - np.average(xy, axis=0, weights=weights)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    axis = axis * (1.0 if (round(axis[0], 9), axis[1]) > (0.0, 0.0) else -1.0)
    order: Ints = np.lexsort([xy[:, 1], xy[:, 0], np.round(centred @ axis, 3)])
    return order
