"""How are small towns drawn in metres? Outlines, ways, estates and buildings, put together as inputs.

Coordinates in the drawings count from a corner at ``X0, Y0``, a real place in Xianyang, so that blocks can be snapped
to lon/lat as real ones are. Streets that cross share a vertex there, unless one of them is a bridge or a tunnel.
"""

from itertools import count
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import metric_crs
from spatial.inputs import INPUT_TABLES, Inputs
from spatial.tables import AREA_TAGS, LISTED, POINT_TAGS, WAY_TAGS, Streets, require

CRS = metric_crs(108.7, 34.3)
X0, Y0 = 564_000.0, 3_797_000.0


def at(geometry: Any) -> Any:
    """Move a drawing (or an array of them) from the corner of the town to its place on Earth."""
    return shapely.transform(geometry, lambda xy: np.add(xy, (X0, Y0)))


def box(west: float, south: float, east: float, north: float) -> Any:
    return at(shapely.box(west, south, east, north))


def polygon(*xy: tuple[float, float]) -> Any:
    return at(shapely.Polygon(xy))


def point(x: float, y: float) -> Any:
    return at(shapely.Point(x, y))


def way(*xy: tuple[float, float], **tags: str) -> dict[str, Any]:
    """A line with tags; ``_`` in a tag's name stands for ``:``."""
    return {**{k.replace("_", ":"): v for k, v in tags.items()}, "geometry": at(shapely.LineString(xy))}


def street(*xy: tuple[float, float], **tags: str) -> dict[str, Any]:
    return way(*xy, highway="residential", **tags)


def estate(name: str, geometry: Any, households: int, access: str = "unknown") -> dict[str, Any]:
    return {"estate_id": name, "name": name, "households": households, "access": access, "geometry": geometry}


def building(name: str, geometry: Any, households: int = 0, **columns: Any) -> dict[str, Any]:
    return {"building_id": name, "geometry": geometry, "households": households, **columns}


def community(name: str, geometry: Any, households: float = float("nan")) -> dict[str, Any]:
    return {"community_id": name, "name": name, "households": households, "proposed": False, "geometry": geometry}


def water(name: str, geometry: Any) -> dict[str, Any]:
    return {"area_id": name, "natural": "water", "geometry": geometry}


def draw_town(
    communities: Any, *, ways: Any = (), estates: Any = (), buildings: Any = (), areas: Any = (), gates: Any = ()
) -> Inputs:
    """Return the Inputs of a drawing; a lone outline is one community, ``c``."""
    rows = communities if isinstance(communities, list) else [community("c", communities)]
    given = {
        "communities": _frame(rows, "communities", {}),
        "estates": _frame(list(estates), "estates", {"estimated": False, "access": "unknown"}),
        "buildings": _frame(
            list(buildings), "buildings", {"estate_id": "", "use": "residential", "levels": 6.0, "estimated": False}
        ),
        "gates": _frame(list(gates), "gates", {"access": "open", "hours": ""}),
    }
    absent = {name: table.empty(CRS) for name, table in INPUT_TABLES.items() if name not in given}
    return Inputs(streets=_streets(list(ways), list(areas)), listed=LISTED.empty(), provenance={}, **given, **absent)


def _frame(rows: list[dict[str, Any]], name: str, defaults: dict[str, Any]) -> Any:
    table = INPUT_TABLES[name]
    if not rows:
        return table.empty(CRS)
    columns = list(table.columns) + sorted({k for row in rows for k in row} - set(table.columns) - {"geometry"})
    filled = [{**defaults, **row} for row in rows]
    data = {name: [row.get(name) for row in filled] for name in columns}
    return require(gpd.GeoDataFrame(data, geometry=[row["geometry"] for row in filled], crs=CRS), table)


def _streets(ways: list[dict[str, Any]], areas: list[dict[str, Any]]) -> Streets:
    lines = _share_vertices(ways)
    ids: dict[tuple[float, float], int] = {}
    fresh = count(1)
    nodes = [np.array([ids.setdefault(xy, next(fresh)) for xy in line.coords], dtype=np.int64) for line in lines]
    table = pd.DataFrame({"way_id": np.arange(1, len(ways) + 1, dtype=np.int64)})
    for tag in WAY_TAGS:
        table[tag] = pd.Series([str(way.get(tag, "")) for way in ways], dtype="str")
    table["nodes"] = pd.Series(nodes, dtype=object)
    outlines = gpd.GeoDataFrame({"area_id": pd.Series([area["area_id"] for area in areas], dtype="str")})
    for tag in AREA_TAGS:
        outlines[tag] = pd.Series([str(area.get(tag, "")) for area in areas], dtype="str")
    points = pd.DataFrame({"node_id": pd.Series(dtype="int64")} | {tag: pd.Series(dtype="str") for tag in POINT_TAGS})
    return Streets(
        ways=gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(lines, crs=CRS), crs=CRS),
        points=gpd.GeoDataFrame(points, geometry=gpd.GeoSeries([], crs=CRS), crs=CRS),
        areas=gpd.GeoDataFrame(
            outlines, geometry=gpd.GeoSeries([area["geometry"] for area in areas], crs=CRS), crs=CRS
        ),
        outline=None,
        crs=CRS,
        source="drawn by hand",
        dropped={},
    )


def _share_vertices(ways: list[dict[str, Any]]) -> list[Any]:
    """Give ways on the ground a common vertex wherever they meet."""
    lines = [way["geometry"] for way in ways]
    level = [not way.get("bridge") and not way.get("tunnel") for way in ways]
    out = []
    for i, line in enumerate(lines):
        met = [shapely.intersection(line, other) for j, other in enumerate(lines) if i != j and level[i] and level[j]]
        places = [xy for part in met for xy in shapely.get_coordinates(part)]
        known = shapely.get_coordinates(line)
        along = {float(shapely.line_locate_point(line, shapely.Point(xy))): tuple(xy) for xy in places}
        for xy in known:  # the drawn vertex wins over one computed at the same place
            along[float(shapely.line_locate_point(line, shapely.Point(xy)))] = tuple(xy)
        ring = tuple(known[0]) == tuple(known[-1])
        inner = [along[k] for k in sorted(along) if 0 < k < line.length]
        merged = [tuple(known[0]), *inner, tuple(known[-1])] if not ring else [tuple(known[0]), *inner, tuple(known[0])]
        out.append(shapely.LineString(np.round(merged, 6)))
    return out
