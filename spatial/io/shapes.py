"""Is the geometry of a row usable, and as what: an area, a point or either? What is not is dropped and listed."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.io.listing import join_listed, list_rows

_POINT, _LINE, _RING, _POLYGON, _MULTIPOINT, _MULTIPOLYGON, _COLLECTION = 0, 1, 2, 3, 4, 6, 7
_AREAS = (_POLYGON, _MULTIPOLYGON)
_POINTS = (_POINT, _MULTIPOINT)


def keep_placed(frame: Any, source: str) -> tuple[Any, Any]:
    """Return the rows that have a geometry of finite coordinates, and LISTED of the others."""
    geometry = frame.geometry.to_numpy()
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    infinite = ~missing & ~np.isfinite(shapely.bounds(geometry)).all(axis=1)
    listed = [
        list_rows(source, frame.index[missing], "no coordinates", "dropped"),
        list_rows(source, frame.index[infinite], "coordinates that are no place on the earth", "dropped"),
    ]
    return frame[~(missing | infinite)], join_listed(listed)


def to_areas(frame: Any, source: str) -> tuple[Any, Any]:
    """Return rows as valid polygons or multipolygons, and LISTED of those that were repaired, guessed or dropped."""
    frame, unplaced = keep_placed(frame, source)
    geometry, closed = _close_lines(frame.geometry.to_numpy())
    kind = shapely.get_type_id(geometry)
    area_like = np.isin(kind, (*_AREAS, _COLLECTION))
    wrong = list_rows(source, frame.index[~area_like], "not an area", "dropped", frame.geom_type[~area_like].to_list())
    shut = list_rows(source, frame.index[closed], "closed line taken as an outline", "guessed")
    frame = frame[area_like].set_geometry(
        gpd.GeoSeries(geometry[area_like], index=frame.index[area_like], crs=frame.crs)
    )
    frame, repaired = repair_areas(frame, source)
    return frame, join_listed([unplaced, wrong, shut, repaired])


def repair_areas(frame: Any, source: str) -> tuple[Any, Any]:
    """Return areas made valid without losing land, and LISTED with the area before and after."""
    geometry = frame.geometry.to_numpy()
    broken = ~shapely.is_valid(geometry) | (shapely.get_type_id(geometry) == _COLLECTION)
    reasons = shapely.is_valid_reason(geometry[broken])
    fixed = geometry.copy()
    fixed[broken] = _only_areas(shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False))
    before, after = shapely.area(geometry), shapely.area(fixed)
    flat = after <= 0
    mended = broken & ~flat
    details = [
        f"{reason.split('[')[0].strip()}; area {old:,.1f} -> {new:,.1f} m2"
        for reason, old, new in zip(reasons, before[broken], after[broken], strict=True)
    ]
    told = np.full(len(frame), "", dtype=object)
    told[broken] = details
    listed = [
        list_rows(source, frame.index[mended], "invalid outline", "repaired", told[mended]),
        list_rows(source, frame.index[flat], "outline without an area", "dropped", told[flat]),
    ]
    whole = frame[~flat].set_geometry(gpd.GeoSeries(fixed[~flat], index=frame.index[~flat], crs=frame.crs))
    return whole, join_listed(listed)


def to_points(frame: Any, source: str) -> tuple[Any, Any]:
    """Return rows as points, a point inside for areas and lines, and LISTED of those that were guessed or dropped."""
    frame, unplaced = keep_placed(frame, source)
    geometry = frame.geometry.to_numpy()
    kind = shapely.get_type_id(geometry)
    several = shapely.get_num_geometries(geometry) > 1
    spread = ~np.isin(kind, _POINTS) | several
    detail = [f"{name}: a point on it stands for it" for name in frame.geom_type[spread]]
    listed = list_rows(source, frame.index[spread], "not a point", "guessed", detail)
    points = shapely.point_on_surface(geometry)
    single = (kind == _POINT) | ((kind == _MULTIPOINT) & ~several)
    points[single] = shapely.get_geometry(geometry[single], 0)
    frame = frame.set_geometry(gpd.GeoSeries(points, index=frame.index, crs=frame.crs))
    return frame, join_listed([unplaced, listed])


def to_places(frame: Any, source: str) -> tuple[Any, Any]:
    """Return rows as points where they are points and as valid areas elsewhere, and LISTED."""
    kind = shapely.get_type_id(frame.geometry.to_numpy())
    pointed = np.isin(kind, _POINTS)
    points, one = to_points(frame[pointed], source)
    areas, other = to_areas(frame[~pointed], source)
    if not len(points) or not len(areas):
        return (areas if len(areas) else points), join_listed([one, other])
    return gpd.GeoDataFrame(pd.concat([points, areas]), crs=frame.crs).sort_index(), join_listed([one, other])


def _close_lines(geometry: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Return geometries with closed lines turned into polygons, and which ones were."""
    kind = shapely.get_type_id(geometry)
    closed = np.isin(kind, (_LINE, _RING)) & shapely.is_closed(geometry) & (shapely.get_num_coordinates(geometry) >= 4)
    out = geometry.copy()
    out[closed] = [shapely.Polygon(line) for line in geometry[closed]]  # one by one: rings differ in length
    return out, closed


def _only_areas(geometry: Any) -> Any:
    """Return geometries without their points and lines."""
    mixed = shapely.get_type_id(geometry) == _COLLECTION
    out = geometry.copy()
    for at in np.flatnonzero(mixed):  # rare: what a repair leaves beside the area
        parts = [part for part in _parts(geometry[at]) if part.geom_type == "Polygon"]
        out[at] = shapely.union_all(parts) if parts else shapely.Polygon()
    return out


def _parts(geometry: Any) -> list[Any]:
    if geometry.geom_type.startswith(("Multi", "Geometry")):
        return [part for one in geometry.geoms for part in _parts(one)]
    return [geometry]
