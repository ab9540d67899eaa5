"""Which layers does a plan folder hold, and what stands in each?

Every layer is served in longitude and latitude. Grids are the unions of their served blocks, so that no rounding can
open a gap between them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import LONLAT
from spatial.io.geojson import orient, round_lonlat, to_served
from spatial.plan.model import Plan
from spatial.tables import DEMAND, VIOLATIONS


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a plan: its name in files and URLs, and what it holds, in a sentence."""

    name: str
    title: str
    description: str
    shape: str
    """Kind of geometry of the whole layer, as OGR names it."""


_CIRCLES = (
    "What is within some minutes (mode time) or some metres (mode distance) on foot of a site; minutes is null in "
    "mode distance, limit_m in mode time is how far an adult walks in the minutes."
)
_VERTICAL = (
    "Floors of towers and podiums that are grids of their own, as they were given; 1 is the ground floor, -1 the first "
    "below it. Their homes are counted in the grid on the ground."
)
_GROUPS = ("elderly", "children")

_MADE = (
    Layer("blocks", "Blocks", "Smallest areas that are never split, each with the grid it belongs to.", "Polygon"),
    Layer("grids", "Grids 网格", "Contiguous blocks of about the profile's number of households.", "MultiPolygon"),
    Layer("circles", "Service circles 服务圈", _CIRCLES, "MultiPolygon"),
    Layer("sites", "Sites", "Service centres that are open today or chosen.", "Point"),
    Layer("demand", "Demand points", "Places with a number of households; counts only.", "Point"),
    Layer("communities", "Communities 社区", "Outlines inside which the grids lie.", "MultiPolygon"),
    Layer("barriers", "Barriers", "Lines that borders were held against.", "LineString"),
    Layer("violations", "Violations", "Rules that are broken, and exceptions that are counted.", "Unknown"),
)
_READ = (
    Layer("gates", "Gates 大门", "Gates of estates as they were given, with access and hours.", "Point"),
    Layer("candidates", "Candidates 备选点", "Places that were given as able to take a centre.", "Point"),
    Layer("existing", "Open centres 现有站点", "Centres that were given as open today.", "Point"),
    Layer("estates", "Estates 小区", "Estates with their numbers of households; counts only.", "Unknown"),
    Layer(
        "buildings", "Buildings 楼栋", "Buildings in the area, with the households the plan counts in each.", "Unknown"
    ),
    Layer("current", "Grids of today 现有网格", "Today's grids by department, not this plan's.", "MultiPolygon"),
    Layer("pois", "Places 设施", "Shops, schools, clinics and other places as they were given.", "Point"),
    Layer("vertical_grids", "Vertical grids 竖向网格", _VERTICAL, "MultiPolygon"),
)
PLAN_LAYERS = tuple(layer.name for layer in _MADE)
"""Names of the layers that every plan has; the others stand beside it where such an input was given."""
LAYERS = {layer.name: layer for layer in (*_MADE, *_READ)}
"""Layer by name, in the order in which they are listed."""
_COVERAGE = "Households of each community and grid that reach a site on foot in time, counted along the network."
_MICRO = "The grids of a plan that was divided into micro-grids."
WORKED_OUT = {
    layer.name: layer
    for layer in (
        Layer("micro_grids", "Micro-grids 微网格", _MICRO, "MultiPolygon"),
        Layer("coverage", "Coverage 覆盖", _COVERAGE, "MultiPolygon"),
    )
}
"""Layers that are in no file: worked out of the others when they are served."""


def build_layers(plan: Plan, violations: Any) -> dict[str, Any]:
    """Return each layer of ``PLAN_LAYERS`` as a lon/lat frame that ``to_feature_collection`` can write."""
    blocks = _serve_blocks(plan)
    return {
        "blocks": blocks,
        "grids": _serve_grids(plan, blocks),
        "circles": _serve_circles(plan.circles),
        "sites": to_served(plan.sites, ids=plan.sites["site_id"].tolist()),
        "demand": _serve_demand(plan),
        "communities": mend(to_served(plan.communities, ids=plan.communities["community_id"].tolist())),
        "barriers": to_served(plan.barriers, ids=plan.barriers["barrier_id"].tolist()),
        "violations": _serve_violations(violations, plan.crs),
    }


def measure_layers(layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what rounding to the served decimals did: valid coverages, mended and invalid features by layer."""
    invalid = {name: _invalid_ids(frame) for name, frame in layers.items()}
    return {
        "coverage_valid": {name: _covers(layers[name].geometry.to_numpy()) for name in ("blocks", "grids")},
        "invalid": {name: ids for name, ids in invalid.items() if ids},
        "mended": {name: frame.attrs["mended"] for name, frame in layers.items() if frame.attrs.get("mended")},
    }


def mend(served: Any) -> Any:
    """Return the frame with the areas that rounding made invalid mended on the grid of served decimals.

    The ids of the mended features stand in ``attrs["mended"]``. An area that would vanish is left as it is.
    """
    geometry = served.geometry.to_numpy().copy()
    broken = np.flatnonzero(~shapely.is_valid(geometry) & ~shapely.is_missing(geometry))
    whole = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
    whole = orient(round_lonlat(shapely.set_precision(whole, 1e-7)))
    kept = broken[~shapely.is_empty(whole)]
    geometry[kept] = whole[~shapely.is_empty(whole)]
    out = served.set_geometry(gpd.GeoSeries(geometry, index=served.index, crs=served.crs))
    out.attrs["mended"] = served.index[kept].tolist()
    return out


def _serve_blocks(plan: Plan) -> Any:
    blocks = plan.blocks.copy(deep=False)
    grid_id = blocks["block_id"].map(plan.assignment)
    blocks = blocks.drop(columns=[c for c in ("grid_id",) if c in blocks])
    blocks.insert(blocks.columns.get_loc("block_id") + 1, "grid_id", grid_id)
    return to_served(blocks, ids=blocks["block_id"].tolist())


def _serve_grids(plan: Plan, blocks: Any) -> Any:
    served = to_served(plan.grids, ids=plan.grids["grid_id"].tolist())
    geometry = blocks.geometry.to_numpy()
    unite = shapely.coverage_union_all if _covers(geometry) else shapely.union_all
    rows = blocks.reset_index(drop=True).groupby("grid_id", sort=True).indices
    # One union per grid: the parts of a grid are few, and a union of the whole layer would lose which is which.
    union = pd.Series({grid_id: unite(geometry[at]) for grid_id, at in rows.items()}, dtype=object)
    own = served.geometry.to_numpy()
    parts = [union.get(grid_id, own[i]) for i, grid_id in enumerate(served.index)]
    areas = np.array([_only_areas(part) for part in parts], dtype=object)
    return served.set_geometry(gpd.GeoSeries(orient(round_lonlat(areas)), index=served.index, crs=LONLAT))


def _only_areas(geometry: Any) -> Any:
    """Return a polygon or a multipolygon of the areas in what a union gave."""
    areas = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return areas[0] if len(areas) == 1 else shapely.multipolygons(areas)


def _serve_demand(plan: Plan) -> Any:
    kept = [name for name in (*DEMAND.columns, *_GROUPS, "block_id", "site_walk_s") if name in plan.demand.columns]
    demand = plan.demand[[*kept, plan.demand.geometry.name]]
    return to_served(demand, ids=demand["demand_id"].tolist())


def _serve_circles(circles: Any) -> Any:
    """Return the circles, without the minutes that one by distance was not asked for."""
    told = circles.assign(minutes=circles["minutes"].where(circles["mode"] == "time"))
    return mend(to_served(told, ids=_circle_ids(circles)))


def _circle_ids(circles: Any) -> list[str]:
    limits = np.where(circles["mode"] == "time", circles["minutes"], circles["limit_m"])
    units = np.where(circles["mode"] == "time", "min", "m")
    rows = zip(circles["site_id"], circles["mode"], limits, units, strict=True)
    return number_ids(f"{site}-{mode}-{limit:g}{unit}" for site, mode, limit, unit in rows)


def _serve_violations(violations: Any, crs: Any) -> Any:
    frame = VIOLATIONS.empty(crs) if violations is None else violations
    by = ["rule", "subject", "message"]
    frame = frame.sort_values(by, kind="stable") if len(frame) else frame
    return to_served(
        frame, ids=number_ids(f"{rule}-{subject}" for rule, subject in zip(frame.rule, frame.subject, strict=True))
    )


def number_ids(names: Iterable[str]) -> list[str]:
    """Return the names; one that came before gets a number."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return out


def _covers(geometry: Any) -> bool:
    return bool(shapely.is_valid(geometry).all() and shapely.coverage_is_valid(geometry)) if len(geometry) else True


def _invalid_ids(served: Any) -> list[str]:
    geometry = served.geometry.to_numpy()
    ids: list[str] = served.index[~shapely.is_valid(geometry) & ~shapely.is_missing(geometry)].tolist()
    return ids
