"""A town of two by two blocks, its plan made by hand: what the folder, the feeds and the page are tested on.

b3 (480, grid g2) | b4 (1500, grid g3, oversize)
------------------+----------------------------
b1 (200, grid g1) | b2 (150, grid g1)
"""

from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import metric_crs, to_metres
from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.plan.metrics import measure_plan
from spatial.plan.model import Plan
from spatial.tables import (
    BUILDINGS,
    CANDIDATES,
    CIRCLES,
    COMMUNITIES,
    CURRENT,
    ESTATES,
    FACILITIES,
    GATES,
    LISTED,
    POIS,
    SITES,
    VERTICAL_GRIDS,
    Streets,
)

CRS = metric_crs(114.3, 30.6)
WEST, MIDDLE, EAST = 114.3, 114.3030001, 114.3061234
SOUTH, CENTRE, NORTH = 30.6, 30.6027003, 30.6054321
BEND = (114.3015557, 30.6029001)
"""A vertex of the border between b1 and b3 that lies on no straight line."""


def _metres(geometries: list[Any]) -> Any:
    return to_metres(np.array(geometries, dtype=object), CRS)


def _frame(columns: dict[str, list[Any]], geometries: list[Any]) -> Any:
    return gpd.GeoDataFrame(columns, geometry=_metres(geometries), crs=CRS)


def block_polygons() -> list[Any]:
    """The blocks in lon/lat, clockwise as planners' files often are."""
    return [
        shapely.Polygon([(WEST, SOUTH), (WEST, CENTRE), BEND, (MIDDLE, CENTRE), (MIDDLE, SOUTH)]),
        shapely.Polygon([(MIDDLE, SOUTH), (MIDDLE, CENTRE), (EAST, CENTRE), (EAST, SOUTH)]),
        shapely.Polygon([(WEST, CENTRE), (WEST, NORTH), (MIDDLE, NORTH), (MIDDLE, CENTRE), BEND]),
        shapely.Polygon([(MIDDLE, CENTRE), (MIDDLE, NORTH), (EAST, NORTH), (EAST, CENTRE)]),
    ]


def _blocks() -> Any:
    columns = {
        "block_id": ["b1", "b2", "b3", "b4"],
        "community_id": ["c1"] * 4,
        "kind": ["face", "face", "estate", "estate"],
        "estate_id": ["", "", "e1", "e2"],
        "households": [200, 150, 480, 1500],
        "area_m2": [0.0] * 4,
        "oversize": [False, False, False, True],
        "sub_grids_needed": [1, 1, 1, 3],
        "estimated": [False, True, False, False],
    }
    frame = _frame(columns, block_polygons())
    frame["area_m2"] = frame.area
    return frame


def _grids(blocks: Any) -> Any:
    b = blocks.geometry
    geometry = [shapely.union_all([b[0], b[1]]), b[2], b[3]]
    return gpd.GeoDataFrame(
        {
            "grid_id": ["g1", "g2", "g3"],
            "code": ["420102-001-01", "420102-001-02", "420102-001-03"],
            "community_id": ["c1"] * 3,
            "level": ["grid"] * 3,
            "kind": ["base"] * 3,
            "households": [350, 480, 1500],
            "blocks": [2, 1, 1],
            "area_m2": [g.area for g in geometry],
            "status": ["in_band", "in_band", "oversize"],
            "oversize": [False, False, True],
            "explanation": ["", "", "block b4 holds 1,500 households and cannot be cut"],
        },
        geometry=geometry,
        crs=CRS,
    )


def _circles(sites: Any) -> Any:
    rows = [(s, "time", m, m * 66.0, n) for s in ("s1", "s2") for m, n in ((5.0, 700), (10.0, 1900), (15.0, 2330))]
    rows.append(("s1", "distance", 0.0, 300.0, 650))
    frame = pd.DataFrame(rows, columns=[*CIRCLES.columns])
    at = sites.set_index("site_id").geometry
    areas = [at[r.site_id].buffer(r.limit_m * 0.3) for r in frame.itertuples()]
    return gpd.GeoDataFrame(frame, geometry=areas, crs=CRS)


def _sites() -> Any:
    rows = [
        ("s1", "邻里中心", "service_centre", True, False, 830, 201.5),
        ("s2", "", "service_centre", False, True, 1500, np.nan),
    ]
    columns = pd.DataFrame(rows, columns=[*SITES.columns]).to_dict("list")
    return _frame(columns, [shapely.Point(114.301, 30.6025), shapely.Point(114.3045, 30.6038)])


def _adjacency() -> Any:
    rows = [
        ("b1", "b2", 299.4, 299.4, 0.9, "secondary", True),
        ("b1", "b3", 290.0, 0.0, 0.0, "", True),
        ("b2", "b4", 299.0, 299.0, 1.0, "river", False),
        ("b3", "b4", 302.9, 302.9, 0.7, "residential", True),
    ]
    return pd.DataFrame(rows, columns=["focal", "neighbor", "shared_m", "clear_m", "clarity", "barrier", "crossable"])


def toy_violations() -> Any:
    """One exception, at the oversize block."""
    columns = {
        "rule": ["band"],
        "severity": ["warning"],
        "subject": ["g3"],
        "message": ["grid g3 holds 1,500 households, the ceiling is 700"],
    }
    return _frame(columns, [block_polygons()[3]])


@cache
def toy_scorecard() -> dict[str, Any]:
    """The score of the plan, as it is measured."""
    return measure_plan(build_toy_plan(), violations=toy_violations()).to_dict()


def build_toy_plan() -> Plan:
    """Return the plan; every call returns an equal one."""
    blocks, sites = _blocks(), _sites()
    outline = shapely.box(WEST, SOUTH, EAST, NORTH)
    area = shapely.union_all(blocks.geometry.to_numpy())
    points = [shapely.Point(p.representative_point()) for p in block_polygons()]
    demand = {
        "demand_id": ["d1", "d2", "d3", "d4"],
        "kind": ["building"] * 4,
        "estate_id": ["", "", "e1", "e2"],
        "households": [200, 150, 480, 1500],
        "estimated": [False, True, False, False],
        "block_id": ["b1", "b2", "b3", "b4"],
        "contact": ["to be left out"] * 4,
    }
    communities = {"community_id": ["c1"], "name": ["花园社区"], "households": [np.nan], "proposed": [True]}
    barriers = {
        "barrier_id": ["r1", "r2"],
        "kind": ["secondary", "river"],
        "strength": [0.9, 1.0],
        "crossable": [True, False],
    }
    lines = [
        shapely.LineString([(MIDDLE, SOUTH), (MIDDLE, NORTH)]),
        shapely.LineString([(MIDDLE, CENTRE), (EAST, CENTRE)]),
    ]
    return Plan(
        plan_id="toy-0001",
        version=1,
        profile=read_profile("about_500"),
        area=area,
        communities=_frame(communities, [outline]),
        blocks=blocks,
        adjacency=_adjacency(),
        demand=_frame(demand, points),
        assignment=pd.Series({"b1": "g1", "b2": "g1", "b3": "g2", "b4": "g3"}, name="grid_id"),
        grids=_grids(blocks),
        sites=sites,
        circles=_circles(sites),
        barriers=_frame(barriers, lines),
        report={
            "seed": 7,
            "provenance": {
                "streets": {"source": "OpenStreetMap", "path": "streets.osm.pbf", "sha256": "0" * 64, "rows": 2}
            },
            "listed": [
                {
                    "source": "estates",
                    "row": "12",
                    "reason": "no households",
                    "action": "dropped",
                    "detail": "江岸花园, 暂无资料",
                    "households": None,
                }
            ],
            "land": {"faces": 4, "deviation_m2": np.float64(0.25)},
            "division": {"status": "gap", "total": 2.0, "bound": 1.95, "gap": 0.025},
        },
    )


def _rows(table: Any, rows: list[tuple[Any, ...]], geometries: list[Any], **more: list[Any]) -> Any:
    return _frame({**pd.DataFrame(rows, columns=[*table.columns]).to_dict("list"), **more}, geometries)


def build_toy_inputs() -> Inputs:
    """Return inputs that fit the plan: two gates, a candidate, a centre, two estates, two layers of today, a place.

    Of today: the police have one grid over b1 and b2 (350 households) and one over b3 and b4 (1980); the Party has one
    grid over b1 and b3 (680).
    """
    b1, b2, b3, b4 = block_polygons()
    nothing = CURRENT.empty(CRS)
    return Inputs(
        communities=COMMUNITIES.empty(CRS),
        streets=Streets(nothing, nothing, nothing, None, CRS, "drawn by hand", {}),
        estates=_rows(
            ESTATES,
            [("e1", "江岸花园", 480, "gated", False), ("e2", "东苑", 1500, "open", False)],
            [b3, shapely.Point(114.3045, 30.604)],
            company=["某物业公司"] * 2,
            elderly=[np.nan, 410.0],
        ),
        buildings=BUILDINGS.empty(CRS),
        gates=_rows(
            GATES,
            [("t1", "e1", "private", "06:00-22:00"), ("t2", "e2", "open", "")],
            [shapely.Point(114.301, 30.6029), shapely.Point(114.3045, 30.6028)],
            keeper=["to be left out"] * 2,
        ),
        candidates=_rows(
            CANDIDATES, [("n1", "活动室", "hall", "share", 12.5, np.nan, False)], [shapely.Point(114.3045, 30.6038)]
        ),
        existing=_rows(FACILITIES, [("s1", "邻里中心", "service_centre", 640.0)], [shapely.Point(114.301, 30.6025)]),
        current=_rows(
            CURRENT,
            [("police", "p2", ""), ("police", "p1", "南片"), ("party", "d1", "")],
            [shapely.union_all([b3, b4]), shapely.union_all([b1, b2]), shapely.union_all([b1, b3])],
        ),
        pois=_rows(POIS, [("k1", "菜场", "market")], [shapely.Point(114.302, 30.601)]),
        vertical_grids=VERTICAL_GRIDS.empty(CRS),
        listed=LISTED.empty(),
        provenance={},
    )
