"""How are the grids of a state served: as the unions of their served blocks, with what was measured of them?

The same grid gives the same bytes in whatever version it stands; only the grids that changed are built.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import shapely

from spatial.crs import to_lonlat
from spatial.io.geojson import PROPERTY_DECIMALS, orient, round_lonlat, write_features
from spatial.plan.edits import Ground, build_ground
from spatial.plan.model import Plan

_SHAPES_PER_BLOCK = 2
"""So many shapes of grids are kept for each block: those of many versions, as grids are of several blocks."""
_DECIDED = ("name", "locked", "content")
_MEASURED_OF_CHANGE = ("deviation", "deviation_share", "households_before")


@dataclass(frozen=True, slots=True)
class ServedGround:
    """What edits of a plan stand on, and how it is served.

    Attributes
    ----------
    ground:
        What no edit changes, in metres.
    lonlat:
        Its blocks as they are served, in the order of the ground.
    unite:
        The union that the served blocks allow.
    place:
        Row of each block.
    shapes:
        Served shapes of grids by their blocks, as they were united: filled as they are asked for.
    walks_s:
        Walking radius by the blocks of a grid, where it was measured: that of grids whose blocks are those of the first
        version.
    """

    ground: Ground
    lonlat: Any
    unite: Any
    place: Mapping[str, int]
    walks_s: Mapping[str, float]
    shapes: dict[str, Any] = field(default_factory=dict)


def build_served_ground(plan: Plan) -> ServedGround:
    """Return the ground of a plan, prepared once."""
    ground = build_ground(plan)
    lonlat = orient(to_lonlat(ground.geometry, ground.crs))
    covers = bool(shapely.is_valid(lonlat).all() and shapely.coverage_is_valid(lonlat)) if len(lonlat) else True
    unite = shapely.coverage_union_all if covers else shapely.union_all
    place = {block: row for row, block in enumerate(ground.index.tolist())}
    return ServedGround(ground, lonlat, unite, place, _known_walks(plan))


def _known_walks(plan: Plan) -> dict[str, float]:
    if "farthest_walk_s" not in plan.grids:
        return {}
    blocks = plan.assignment.groupby(plan.assignment).groups
    walks = plan.grids.set_index("grid_id")["farthest_walk_s"].dropna()
    return {_key(blocks[grid_id]): float(seconds) for grid_id, seconds in walks.items() if grid_id in blocks}


def _key(blocks: Any) -> str:
    return "\0".join(sorted(str(block) for block in blocks))


def build_features(served: ServedGround, rows: Any, blocks: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Return the GeoJSON feature of each grid of ``rows``, parsed, by grid id; ``blocks`` names those of each.

    ``rows`` are GRIDS, or its columns by name.

    What was measured of the change alone is left out: it belongs to no version.
    """
    ids = rows["grid_id"].tolist()
    if not ids:
        return {}
    extra = (*_DECIDED, *_MEASURED_OF_CHANGE, "geometry")
    walks = [served.walks_s.get(_key(blocks[grid_id]), np.nan) for grid_id in ids]
    properties = {name: _plain(np.asarray(rows[name])) for name in rows if name not in extra}
    properties["farthest_walk_s"] = _plain(np.array(walks, dtype=np.float64))
    shapes = np.array([_unite(served, blocks[grid_id]) for grid_id in ids], dtype=object)
    collection = write_features(ids, shapes, properties)
    return {feature["id"]: feature for feature in orjson.loads(collection)["features"]}


def _plain(values: Any) -> list[Any]:
    """Return values as plan folders tell them: floats rounded, missing ones as None."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    rounded = np.round(values, PROPERTY_DECIMALS) + 0.0  # minus zero becomes zero
    return [value if np.isfinite(value) else None for value in rounded.tolist()]


def _unite(served: ServedGround, blocks: list[str]) -> Any:
    key = _key(blocks)
    shape = served.shapes.get(key)
    if shape is None:
        if len(served.shapes) >= _SHAPES_PER_BLOCK * len(served.place):
            served.shapes.clear()
        shape = served.shapes[key] = _unite_anew(served, blocks)
    return shape


def _unite_anew(served: ServedGround, blocks: list[str]) -> Any:
    at = [served.place[block] for block in blocks]
    parts = shapely.get_parts(served.unite(served.lonlat[at]))
    areas = [part for part in parts if part.geom_type == "Polygon"]
    shape = areas[0] if len(areas) == 1 else shapely.multipolygons(areas)
    return orient(round_lonlat(np.array([shapely.normalize(shape)], dtype=object)))[0]
