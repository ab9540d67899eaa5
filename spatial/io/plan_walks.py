"""Which blocks, homes, gates, estates and policy does a plan folder hold, to divide and to walk again?"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from spatial.crs import metric_crs, to_metres
from spatial.errors import InputError
from spatial.io.plan_folder import PlanFolder
from spatial.profile import Profile, build_profile
from spatial.tables import ADJACENCY, BLOCKS, DEMAND, ESTATES, GATES, Table, require


def read_plan_demand(plan: PlanFolder, crs: Any) -> Any:
    """Return DEMAND of a plan in metres of a system, with the further columns it was served with."""
    return _read(plan, "demand", DEMAND, crs)


def read_plan_blocks(plan: PlanFolder) -> tuple[Any, Any]:
    """Return BLOCKS of a plan, in metres of the zone about its middle, each with its ``grid_id``, and ADJACENCY."""
    box = plan.read_layer("blocks")["bbox"]
    crs = metric_crs((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    blocks = _read(plan, "blocks", BLOCKS, crs).astype({"grid_id": "str"})
    kinds = {column: _DTYPES[kind] for column, kind in ADJACENCY.columns.items() if kind != "flag"}
    path = plan.folder / "adjacency.csv"
    try:
        pairs = pd.read_csv(path, dtype=kinds, keep_default_na=False, encoding="utf-8-sig")
        return blocks, require(pairs[[*ADJACENCY.columns]], ADJACENCY)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read ({error}); write the plan again") from error


def read_plan_gates(plan: PlanFolder, crs: Any) -> tuple[Any, Any]:
    """Return GATES and ESTATES of a plan in metres of a system, None for what it was made without."""
    found = [_read(plan, name, table, crs) if name in plan.layers else None for name, table in _ENTRIES.items()]
    return found[0], found[1]


_ENTRIES: Mapping[str, Table] = {"gates": GATES, "estates": ESTATES}
_DTYPES = {"text": "str", "integer": "int64", "number": "float64", "flag": "bool"}


def _read(plan: PlanFolder, name: str, table: Table, crs: Any) -> Any:
    features = plan.read_layer(name)["features"]
    if not features:
        return table.empty(crs)
    frame = pd.DataFrame([feature["properties"] for feature in features])
    missing = [column for column in table.columns if column not in frame.columns]
    if missing:
        raise InputError(f"{plan.folder}: layer {name} misses {missing[0]!r}; write the plan again")
    kinds = {column: _DTYPES[kind] for column, kind in table.columns.items()}
    lonlat = gpd.GeoDataFrame.from_features(features).geometry.to_numpy()
    geometry = to_metres(shapely.force_2d(lonlat), crs)
    return require(gpd.GeoDataFrame(frame.astype(kinds), geometry=geometry, crs=crs), table)


def profile_of(plan: PlanFolder) -> Profile:
    """Return the profile that a plan was made with.

    Raises
    ------
    ProfileError
        If the plan was written before a number of today's profiles existed.
    """
    told = plan.report["profile"]
    return build_profile({"name": told["name"], "title": told["title"], **told["numbers"]})


def sha256_of_streets(plan: PlanFolder) -> str | None:
    """Return the SHA-256 of the street map that a plan was made from, None where its report tells none."""
    osm = plan.report.get("provenance", {}).get("osm", {})
    found = osm.get("sha256") if isinstance(osm, Mapping) else None
    return found if isinstance(found, str) else None
