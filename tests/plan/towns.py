"""A town of square blocks, 100 m wide, whose plan is known: grids of four blocks, and hands to break it with."""

from dataclasses import fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import metric_crs, to_lonlat, to_metres
from spatial.io.profiles import read_profile
from spatial.plan.grids import build_grids
from spatial.plan.model import Plan
from spatial.tables import BARRIERS, CIRCLES, SITES

CRS = metric_crs(108.7, 34.3)
CORNER = shapely.get_coordinates(to_metres(shapely.Point(108.7, 34.3), CRS))[0].round()
SIDE_M = 100.0
_PROFILE = read_profile("about_500")


def square(column: float, row: float, width: float = 1.0, height: float = 1.0) -> Any:
    """A rectangle in units of a block's side, from the town's south-west corner."""
    west, south = CORNER + SIDE_M * np.array([column, row])
    return shapely.box(west, south, west + SIDE_M * width, south + SIDE_M * height)


def snapped(shapes: Any) -> Any:
    """The same shapes on the served decimals, as land makes them; vertices move by less than a centimetre."""
    return to_metres(to_lonlat(np.asarray(shapes, dtype=object), CRS), CRS)


def block_frame(columns: int, rows: int, households: int = 125) -> Any:
    """Blocks named by column and row, ``b00`` in the south-west."""
    return _blocks(columns, rows, households).copy()


@cache
def _blocks(columns: int, rows: int, households: int) -> Any:
    places = [(c, r) for c in range(columns) for r in range(rows)]
    geometry = snapped([square(c, r) for c, r in places])
    frame = gpd.GeoDataFrame({"block_id": [f"b{c}{r}" for c, r in places]}, geometry=geometry, crs=CRS)
    return frame.assign(
        community_id="610402001001",
        kind="face",
        estate_id="",
        households=households,
        area_m2=frame.area,
        oversize=False,
        sub_grids_needed=1,
        estimated=False,
    )


def adjacency_frame(blocks: Any, *, clear_m: float = 100.0) -> Any:
    """Pairs of blocks side by side, each with 100 m of border on a street."""
    return _sides(tuple(blocks["block_id"]), clear_m).copy()


@cache
def _sides(names: tuple[str, ...], clear_m: float) -> Any:
    where = {name: (int(name[1]), int(name[2])) for name in names}
    pairs = [
        (a, b)
        for a in where
        for b in where
        if a < b and abs(where[a][0] - where[b][0]) + abs(where[a][1] - where[b][1]) == 1
    ]
    frame = pd.DataFrame(pairs, columns=["focal", "neighbor"]).sort_values(["focal", "neighbor"], ignore_index=True)
    street = "residential" if clear_m else ""
    return frame.assign(shared_m=100.0, clear_m=clear_m, clarity=clear_m / 100.0, barrier=street, crossable=True)


def demand_frame(blocks: Any) -> Any:
    """One point in the middle of each block, with all its households."""
    columns = {
        "demand_id": "d" + blocks["block_id"],
        "households": blocks["households"],
        "block_id": blocks["block_id"],
    }
    frame = gpd.GeoDataFrame(columns, geometry=blocks.geometry.centroid, crs=CRS)
    return frame.assign(kind="building", estate_id=blocks["estate_id"], estimated=False)


def quarters(blocks: Any) -> Any:
    """The assignment of blocks to grids of two by two."""
    names = [f"g{int(name[1]) // 2}{int(name[2]) // 2}" for name in blocks["block_id"]]
    return pd.Series(names, index=blocks["block_id"], name="grid_id")


def make_plan(blocks: Any, assignment: Any, adjacency: Any = None, **parts: Any) -> Plan:
    """A plan of these blocks; parts replace what follows from them."""
    profile = parts.pop("profile", _PROFILE)
    adjacency = adjacency_frame(blocks) if adjacency is None else adjacency
    outline = gpd.GeoDataFrame(
        {"community_id": sorted(set(blocks["community_id"]))},
        geometry=[shapely.union_all(part.geometry) for _, part in blocks.groupby("community_id")],
        crs=CRS,
    )
    plan = Plan(
        plan_id="toy",
        version=1,
        profile=profile,
        area=shapely.union_all(blocks.geometry.to_numpy()),
        communities=outline.assign(name="", households=np.nan, proposed=False),
        blocks=blocks,
        adjacency=adjacency,
        demand=demand_frame(blocks),
        assignment=assignment,
        grids=build_grids(blocks, assignment, profile, adjacency=adjacency),
        sites=SITES.empty(CRS),
        circles=CIRCLES.empty(CRS),
        barriers=BARRIERS.empty(CRS),
        report=MappingProxyType({}),
    )
    return replace(plan, **parts)


def four_grids() -> Plan:
    """Sixteen blocks of 125 households in four grids of 500: nothing is wrong with it; each call gives frames anew."""
    parts = {part.name: getattr(_four_grids(), part.name) for part in fields(Plan)}
    frames = {name: part.copy() for name, part in parts.items() if isinstance(part, pd.DataFrame | pd.Series)}
    return replace(_four_grids(), **frames)


@cache
def _four_grids() -> Plan:
    blocks = block_frame(4, 4)
    return make_plan(blocks, quarters(blocks))


def with_grid_shapes(plan: Plan, shapes: dict[str, Any]) -> Plan:
    """The plan with other geometry for some grids."""
    geometry = [shapes.get(name, old) for name, old in zip(plan.grids["grid_id"], plan.grids.geometry, strict=True)]
    return replace(plan, grids=plan.grids.set_geometry(gpd.GeoSeries(geometry, index=plan.grids.index, crs=CRS)))
