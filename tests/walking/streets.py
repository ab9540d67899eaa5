"""Street maps drawn by hand: nodes by name, ways as strings of node names."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point, Polygon

from spatial.crs import metric_crs
from spatial.tables import AREA_TAGS, POINT_TAGS, WAY_TAGS, Streets

CRS = metric_crs(114.3, 30.6)
X0, Y0 = 500_000.0, 3_380_000.0
"""Where the drawing's origin lies: places are given relative to it."""


def draw(
    nodes: Mapping[str, tuple[float, float]],
    ways: Sequence[tuple[str, Mapping[str, str]]],
    points: Mapping[str, Mapping[str, str]] | None = None,
    areas: Sequence[tuple[Sequence[tuple[float, float]], Mapping[str, str]]] = (),
) -> Streets:
    """Return streets; a way is ("a b c", {"highway": "residential"}), a point is a node's name and its tags."""
    number = {name: i + 1 for i, name in enumerate(nodes)}
    place = {name: (X0 + x, Y0 + y) for name, (x, y) in nodes.items()}
    rows = []
    for i, (text, tags) in enumerate(ways):
        names = text.split()
        row: dict[str, Any] = {"way_id": i + 1, **dict.fromkeys(WAY_TAGS, ""), **tags}
        row["nodes"] = np.array([number[name] for name in names], dtype=np.int64)
        rows.append({**row, "geometry": LineString([place[name] for name in names])})
    marks = [
        {"node_id": number[name], **dict.fromkeys(POINT_TAGS, ""), **tags, "geometry": Point(place[name])}
        for name, tags in (points or {}).items()
    ]
    squares = [
        {
            "area_id": f"a{i}",
            **dict.fromkeys(AREA_TAGS, ""),
            **tags,
            "geometry": Polygon([(X0 + x, Y0 + y) for x, y in ring]),
        }
        for i, (ring, tags) in enumerate(areas)
    ]
    return Streets(
        ways=frame(rows, ["way_id", "nodes", *WAY_TAGS]),
        points=frame(marks, ["node_id", *POINT_TAGS]),
        areas=frame(squares, ["area_id", *AREA_TAGS]),
        outline=None,
        crs=CRS,
        source="drawn by hand",
        dropped={},
    )


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    if not rows:
        return gpd.GeoDataFrame({name: pd.Series(dtype=object) for name in columns}, geometry=[], crs=CRS)
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=CRS)


def sites(**places: tuple[float, float]) -> Any:
    return _places("site_id", places)


def homes(**places: tuple[float, float]) -> Any:
    out = _places("demand_id", places)
    return out.assign(kind="building", estate_id="", households=10, estimated=False)


def _places(column: str, places: Mapping[str, tuple[float, float]]) -> Any:
    points = [Point(X0 + x, Y0 + y) for x, y in places.values()]
    return gpd.GeoDataFrame({column: list(places)}, geometry=points, crs=CRS)


def gates(**rows: tuple[tuple[float, float], str, str]) -> Any:
    """Return GATES: name=((x, y), estate, access)."""
    return gpd.GeoDataFrame(
        {
            "gate_id": list(rows),
            "estate_id": [row[1] for row in rows.values()],
            "access": [row[2] for row in rows.values()],
            "hours": [""] * len(rows),
        },
        geometry=[Point(X0 + row[0][0], Y0 + row[0][1]) for row in rows.values()],
        crs=CRS,
    )


def estates(**outlines: Sequence[tuple[float, float]]) -> Any:
    """Return gated ESTATES: name=corners."""
    return gpd.GeoDataFrame(
        {
            "estate_id": list(outlines),
            "name": list(outlines),
            "households": [100] * len(outlines),
            "access": ["gated"] * len(outlines),
            "estimated": [False] * len(outlines),
        },
        geometry=[Polygon([(X0 + x, Y0 + y) for x, y in ring]) for ring in outlines.values()],
        crs=CRS,
    )


def grid_town(n: int = 5, step: float = 100.0) -> Streets:
    """Return n x n streets of residential kind, ``step`` metres apart."""
    nodes = {f"{i}.{j}": (i * step, j * step) for i in range(n) for j in range(n)}
    ways = [(" ".join(f"{i}.{j}" for i in range(n)), {"highway": "residential"}) for j in range(n)]
    ways += [(" ".join(f"{i}.{j}" for j in range(n)), {"highway": "residential"}) for i in range(n)]
    return draw(nodes, ways)
