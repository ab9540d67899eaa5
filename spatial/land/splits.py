"""How is a piece of land divided between the buildings or points that stand on it?"""

from typing import Any

import numpy as np
import shapely
from scipy.spatial import Voronoi

from spatial.land.tiling import Floats, Ints, build_faces

_SEED_INSET_M = 0.3
_MILLIMETRES = 3
_GRID_M = 1e-3
_FAR, _FAR_POINTS = 20.0, 8  # points far around the land close the cells of the outermost


def split_between(land: Any, footprints: Any, labels: Ints, *, spacing_m: float) -> list[tuple[int, Any]]:
    """Return (label, polygon) pairs that tile the land: each part is nearest to its label's footprints.

    Cuts are the ridges of a Voronoi diagram of points along the outlines, one every ``spacing_m``. A footprint is never
    cut: a ridge that meets one goes round it. Where footprints of two labels overlap, the lower label has the overlap.
    A label may have several parts, or none.
    """
    if len(np.unique(labels)) == 1:
        return [(int(labels[0]), land)]
    lines = _draw_ridges(land, footprints, labels, spacing_m)
    solid = np.flatnonzero(shapely.get_dimensions(footprints) == 2)
    met = solid[np.unique(shapely.STRtree(lines).query(footprints[solid], predicate="intersects")[0])]
    if len(met):
        lines = np.append(
            shapely.difference(lines, shapely.union_all(footprints[met])), shapely.boundary(footprints[met])
        )
    parts = build_faces(np.append(lines, shapely.boundary(land)), grid=_GRID_M)
    places = shapely.point_on_surface(parts)
    inside = shapely.intersects(land, places)
    found = _label_places(places[inside], footprints, labels)
    return list(zip(found.tolist(), parts[inside], strict=True))


def open_polygons(polygons: Any, radius_m: float, *, min_area_m2: float) -> Any:
    """Return the parts of polygons that are wider than twice the radius and not small; empty where there are none."""
    shrunk = shapely.buffer(polygons, -radius_m, join_style="mitre")
    wide = shapely.intersection(shapely.buffer(shrunk, radius_m, join_style="mitre"), polygons)
    parts, owner = shapely.get_parts(wide, return_index=True)
    large = shapely.area(parts) >= min_area_m2
    out = np.full(len(polygons), shapely.Polygon(), dtype=object)
    for i in np.unique(owner[large]):  # few polygons fall into parts
        out[i] = shapely.union_all(parts[large & (owner == i)])
    return out


def _draw_ridges(land: Any, footprints: Any, labels: Ints, spacing_m: float) -> Any:
    """Return the lines midway between footprints of different labels, as far as they meet the land."""
    shrunk = shapely.buffer(footprints, -_SEED_INSET_M)
    outline = np.where(shapely.is_empty(shrunk), footprints, shrunk)
    xy, owner = shapely.get_coordinates(shapely.segmentize(outline, spacing_m), return_index=True)
    xy = np.round(xy, _MILLIMETRES)
    order = np.lexsort([labels[owner], xy[:, 1], xy[:, 0]])
    xy, label = xy[order], labels[owner[order]]
    fresh = np.append(True, (xy[1:] != xy[:-1]).any(axis=1))
    xy, label = xy[fresh], label[fresh]
    west, south, east, north = shapely.bounds(land)
    middle = np.array([(west + east) / 2, (south + north) / 2])
    far = _FAR * max(east - west, north - south, np.abs(xy - middle).max())
    angle = np.arange(_FAR_POINTS) * (2 * np.pi / _FAR_POINTS) + 0.1
    frame = far * np.column_stack([np.cos(angle), np.sin(angle)])
    diagram = Voronoi(np.concatenate([xy - middle, frame]))
    known = np.append(label, np.full(_FAR_POINTS, -1))[diagram.ridge_points]
    corner = np.array(diagram.ridge_vertices)
    between = (known[:, 0] != known[:, 1]) & (known >= 0).all(axis=1) & (corner >= 0).all(axis=1)
    lines = shapely.linestrings(diagram.vertices[corner[between]] + middle)
    return lines[shapely.intersects(lines, land)]


def _label_places(places: Any, footprints: Any, labels: Ints) -> Ints:
    """Label of the nearest footprint of each place; the lowest where several are as near."""
    which, where = shapely.STRtree(footprints).query_nearest(places)
    found = np.full(len(places), np.iinfo(np.int64).max)
    np.minimum.at(found, which, labels[where])
    return found


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
