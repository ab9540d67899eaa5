"""How is a plan folder put into a store?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from api.store.plans import to_profile
from api.store.tables import geometries_of
from spatial import tables
from spatial.crs import metric_crs, require_metric, to_metres
from spatial.errors import InputError, SpatialError
from spatial.io.plan_folder import PlanFolder, read_plan_folder
from spatial.plan.model import Plan

_FRAMES = {
    "blocks": tables.BLOCKS,
    "grids": tables.GRIDS,
    "communities": tables.COMMUNITIES,
    "demand": tables.DEMAND,
    "sites": tables.SITES,
    "circles": tables.CIRCLES,
    "barriers": tables.BARRIERS,
}
_TOLD = ("seed", "provenance", "attribution", "stages", "title")
_DTYPES = {"text": "str", "integer": "int64", "number": "float64", "flag": "bool"}


def read_folder_plan(folder: Path) -> tuple[Plan, dict[str, list[dict[str, Any]]]]:
    """Return the plan that stands in a folder, and the features of each of its layers, parsed.

    Geometries are the served ones, put into metres: a centimetre from those the plan was made with.

    Raises
    ------
    MissingError
        If there is no plan in the folder.
    InputError
        If the plan is broken.
    """
    found = read_plan_folder(folder)
    try:
        return _to_plan(found)
    except SpatialError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"plan folder {folder}: found files that fit their digests and are not those of a plan "
            f"({type(error).__name__}: {error}); needed them as a division writes them"
        ) from error


def _to_plan(found: PlanFolder) -> tuple[Plan, dict[str, list[dict[str, Any]]]]:
    layers: dict[str, list[dict[str, Any]]] = {name: found.read_layer(name)["features"] for name in found.layers}
    crs = _system(found, layers["blocks"])
    frames = {name: _to_frame(layers[name], table, crs) for name, table in _FRAMES.items()}
    blocks = frames["blocks"]
    assignment = pd.Series(blocks["grid_id"].to_numpy(), index=pd.Index(blocks["block_id"], name="block_id"))
    frames["blocks"] = blocks.drop(columns="grid_id")
    plan = Plan(
        plan_id=str(found.report["plan_id"]),
        version=1,
        profile=to_profile(found.report["profile"]),
        area=shapely.union_all(frames["communities"].geometry.to_numpy()),
        adjacency=_read_adjacency(found),
        assignment=assignment.rename("grid_id"),
        report={name: found.report[name] for name in _TOLD if name in found.report},
        **frames,
    )
    return plan, layers


def _system(found: PlanFolder, blocks: Sequence[Mapping[str, Any]]) -> CRS:
    """Return the system that the plan was worked in, by its name, else the one of its place."""
    try:
        return require_metric(CRS(found.report["crs"]["worked_in"]), "the plan")
    except CRSError:
        west, south, east, north = shapely.total_bounds(geometries_of(blocks))
        return metric_crs((west + east) / 2, (south + north) / 2)


def _to_frame(features: Sequence[Mapping[str, Any]], table: tables.Table, crs: CRS) -> Any:
    if not features:
        return table.empty(crs)
    frame = pd.DataFrame([feature["properties"] for feature in features])
    for name, kind in table.columns.items():
        if name not in frame:
            raise InputError(f"layer {table.name} of the plan has no property {name!r}; write the plan again")
        frame[name] = frame[name].astype(_DTYPES[kind]) if name not in table.nullable else pd.to_numeric(frame[name])
    geometry = to_metres(geometries_of(features), crs)
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=crs)


def _read_adjacency(found: PlanFolder) -> Any:
    path = found.folder / "adjacency.csv"
    if not path.is_file():
        raise InputError(f"{found.folder} holds no adjacency.csv; write the plan again")
    kinds = {name: _DTYPES[kind] for name, kind in tables.ADJACENCY.columns.items()}
    return pd.read_csv(path, encoding="utf-8-sig", dtype=kinds, keep_default_na=False)
