"""What does an OpenStreetMap extract on disk hold: streets, walls, water, buildings, gates?"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT, transform_xy
from spatial.io.osm_areas import build_areas
from spatial.io.osm_elements import Elements
from spatial.io.osm_extent import Extent, find_extent
from spatial.io.osm_file import read_elements
from spatial.io.osm_frames import counted, points_frame
from spatial.io.osm_ways import build_ways
from spatial.tables import Streets

Floats = NDArray[np.float64]


def read_osm(path: str | Path, *, crs: Any = None, clip: Any = None) -> Streets:
    """Return the street map of a ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file, in metres.

    The file may hold its elements in any order and may be broken in every way an extract can be: what is missing,
    repeated, unclosed or far outside is repaired or left out, and counted in ``dropped``.

    Parameters
    ----------
    crs:
        The projected system; that of the middle of the map where none is given.
    clip:
        A polygon in longitude and latitude; what does not touch it is left out.

    Raises
    ------
    InputError
        If the file is missing, damaged or empty, or the clip is no polygon in longitude and latitude.
    CrsError
        If the system is not in metres.
    """
    path = Path(path)
    return build_streets(read_elements(path), crs=crs, clip=clip, source=path.name)


def build_streets(elements: Elements, *, crs: Any = None, clip: Any = None, source: str) -> Streets:
    """Return the street map that elements make."""
    extent = find_extent(elements, crs=crs, clip=clip, name=source)
    dropped = Counter(elements.dropped)
    xy = locate_nodes(elements, extent, dropped)
    areas = build_areas(elements, extent, xy)
    ways, dropped = build_ways(elements, extent, xy, banks=areas.banks, dropped=dropped + areas.dropped)
    points = build_points(elements, extent, xy, dropped)
    return Streets(
        ways=ways,
        points=points,
        areas=areas.frame,
        outline=_outline(extent, ways),
        crs=extent.crs,
        source=source,
        dropped=counted(dropped),
    )


def locate_nodes(elements: Elements, extent: Extent, dropped: "Counter[str]") -> Floats:
    """Return the metres of every node, NaN for those without a place near the map."""
    near = extent.near(elements.lonlat)
    dropped["node too far from the map to be drawn"] += int((~near & ~np.isnan(elements.lonlat[:, 0])).sum())
    if near.all():
        xy = transform_xy(elements.lonlat, LONLAT, extent.crs)
    else:
        xy = np.full(elements.lonlat.shape, np.nan)
        xy[near] = transform_xy(elements.lonlat[near], LONLAT, extent.crs)
    xy[~(np.isfinite(xy[:, 0]) & np.isfinite(xy[:, 1]))] = np.nan
    return xy


def build_points(elements: Elements, extent: Extent, xy: Floats, dropped: "Counter[str]") -> Any:
    """Return the frame of the tagged nodes."""
    spot = xy[elements.place_row] if len(xy) else np.empty((0, 2))
    located = np.isfinite(spot).all(axis=1)
    dropped["tagged node without a place on the map"] += int((~located).sum())
    rows = np.flatnonzero(located)
    points = shapely.points(spot[rows])
    held = extent.holds(points)
    dropped["tagged node outside the map"] += int((~held).sum())
    rows = rows[held]
    tags = elements.place_tags.take(rows)
    return points_frame(elements.node_id[elements.place_row[rows]], tags, points[held], extent.crs)


def _outline(extent: Extent, ways: Any) -> Any:
    """Return the ground covered: what the source says, else the hull of the ways, cut to what was asked for."""
    if extent.covered is not None and extent.bounded:
        return extent.covered
    hull = shapely.convex_hull(shapely.multilinestrings(ways.geometry.to_numpy())) if len(ways) else None
    if hull is None or hull.geom_type != "Polygon":
        return extent.covered
    return hull if extent.covered is None else shapely.intersection(hull, extent.covered)
