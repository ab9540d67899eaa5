"""Which part of the ground does a street map cover, and in which metres is it drawn?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import metric_crs, require_metric, to_metres
from spatial.errors import InputError
from spatial.io.osm_elements import Elements
from spatial.io.osm_frames import Bools

MARGIN_M = 1000.0
"""How far beyond the covered ground lines and areas may reach before they are cut."""
_FAR_DEGREES = 10.0  # beyond this a transverse Mercator zone bends too much to be of use
_EDGE_DEGREES = 0.02  # a box edge is a curve in metres: one vertex every two kilometres or so


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a map is drawn.

    Attributes
    ----------
    crs:
        The projected system.
    covered:
        The ground that the source says it covers, or that was asked for, in metres; None where nobody says.
    zone:
        West, south, east, north in metres; what lies beyond is cut off.
    bounded:
        The source says what it covers.
    clip:
        The ground asked for, in metres; what does not touch it is dropped.
    centre:
        Longitude and latitude in the middle.
    """

    crs: Any
    covered: Any
    zone: tuple[float, float, float, float]
    bounded: bool
    clip: Any
    centre: tuple[float, float]

    def near(self, lonlat: NDArray[np.float64]) -> Bools:
        """Tell which points are close enough to be drawn in these metres; NaN is not."""
        lon, lat = lonlat.T  # column by column: reducing rows of two takes several times as long
        west, south = self.centre
        return np.asarray((np.abs(lon - west) < _FAR_DEGREES) & (np.abs(lat - south) < _FAR_DEGREES))

    def overlaps(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Bools:
        """Tell which boxes, given by their lowest and highest corners, touch the zone."""
        west, south, east, north = self.zone
        fits = (low[:, 0] <= east) & (low[:, 1] <= north) & (high[:, 0] >= west) & (high[:, 1] >= south)
        return np.asarray(fits)

    def holds(self, geometry: Any) -> Bools:
        """Tell which geometries touch the ground asked for, or else the zone."""
        if self.clip is None:
            bounds = shapely.bounds(geometry)
            return self.overlaps(bounds[:, :2], bounds[:, 2:])
        shapely.prepare(self.clip)
        return np.asarray(shapely.intersects(self.clip, geometry))


def find_extent(elements: Elements, *, crs: Any, clip: Any, name: str) -> Extent:
    """Return where the elements lie: the header's box if it holds a node, cut to the clip; else wherever nodes are.

    Raises
    ------
    InputError
        If there is no located node and no box, or the clip is no polygon in longitude and latitude; ``name`` is the
        file's.
    CrsError
        If the system asked for is not in metres.
    """
    box = _usable_box(elements)
    ground = check_clip(clip)
    if ground is not None and box is not None and shapely.intersects(ground, box):
        ground = shapely.intersection(ground, box)
    asked = ground if ground is not None else box
    centre = _centre(elements, asked, name)
    metric = metric_crs(*centre) if crs is None else require_metric(crs, "the system asked for")
    if asked is None:
        everywhere = (-np.inf, -np.inf, np.inf, np.inf)
        return Extent(metric, None, everywhere, False, None, centre)
    covered = to_metres(shapely.segmentize(asked, _EDGE_DEGREES), metric)
    west, south, east, north = covered.bounds
    zone = (west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M)
    clip_m = None if clip is None else to_metres(clip, metric)
    return Extent(metric, covered, zone, box is not None, clip_m, centre)


def check_clip(clip: Any) -> Any:
    """Return a clip as a valid outline, None as None.

    Raises
    ------
    InputError
        If it is no polygon, is empty or is not in longitude and latitude.
    """
    if clip is None:
        return None
    if shapely.get_type_id(clip) not in (3, 6) or clip.is_empty:
        raise InputError(f"clip is {getattr(clip, 'geom_type', type(clip).__name__)}, needed a polygon with an area")
    west, south, east, north = clip.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise InputError(f"clip reaches from ({west:.6g}, {south:.6g}) to ({east:.6g}, {north:.6g}), needed lon/lat")
    return shapely.make_valid(clip, method="structure", keep_collapsed=False)


def _usable_box(elements: Elements) -> Any:
    if elements.box is None:
        return None
    west, south, east, north = elements.box
    low, high = np.array([west, south]), np.array([east, north])
    if not (west < east and south < north):
        return None
    inside = ((elements.lonlat >= low) & (elements.lonlat <= high)).all(axis=1)
    return shapely.box(west, south, east, north) if inside.any() or not len(elements.lonlat) else None


def _centre(elements: Elements, asked: Any, name: str) -> tuple[float, float]:
    if asked is not None:
        west, south, east, north = asked.bounds
        return (west + east) / 2, (south + north) / 2
    located = elements.lonlat[~np.isnan(elements.lonlat[:, 0])]
    if not len(located):
        raise InputError(f"street map {name} holds no node with coordinates and names no bounds; needed a street")
    lon, lat = (np.median(column) for column in located.T)
    return float(lon), float(lat)
