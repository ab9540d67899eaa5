"""Which lines should a border follow, and how strongly?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.land.tiling import Floats, Segments
from spatial.profile import LandRules
from spatial.tables import BARRIERS, Streets, require

_ROAD_CLASSES = (
    "motorway trunk primary secondary tertiary unclassified residential living_street pedestrian service footway path"
).split()
_ALIKE = {"road": "unclassified", "busway": "secondary", "cycleway": "path", "steps": "footway", "track": "service"}
_RAILS = ("rail", "light_rail", "subway", "narrow_gauge", "monorail")
_WALLS = {"wall": "wall", "city_wall": "wall", "retaining_wall": "wall", "fence": "fence", "hedge": "fence"}
_WATERWAYS = {"river": "river", "canal": "canal", "stream": "stream", "drain": "stream", "ditch": "stream"}
_SEPARATES = ("rail", "river", "canal", "water")
ENCLOSING = ("wall", "fence", "estate")
"""Kinds of barrier that enclose a piece of land; all others run through or past it."""
_WATER_MIN_M2 = 5_000.0  # ponds below this shape a park, not a border
_RUN_SHARE = 0.5  # a centre line that runs through half of a water's extent stands for it
_PARALLEL = np.cos(np.radians(25.0))


def build_barriers(streets: Streets, rules: LandRules) -> Any:
    """Return BARRIERS: roads, railways, waterways, shores, walls and fences of a street map, with their strength.

    Tunnels and culverts are no barriers, nor is water below half a hectare; the shore of a river counts only where
    no centre line runs along the water. ``crossable`` is False for railways on the ground and for water: they separate
    where nothing crosses them. Under a railway on a bridge or a viaduct people pass.
    """
    ways = streets.ways
    kinds = _kind_of_ways(ways)
    viaduct = (~ways["bridge"].isin(["", "no"]) & (kinds == "rail")).to_numpy(dtype=bool)[kinds != ""]
    lines = ways.geometry.to_numpy()[kinds != ""]
    kinds = kinds[kinds != ""]
    shores = _find_shores(streets.areas, lines[np.isin(kinds, ("river", "canal"))])
    lines = np.concatenate([lines, shores])
    kinds = np.concatenate([kinds, np.full(len(shores), "water", dtype=object)])
    crossable = ~np.isin(kinds.astype(str), _SEPARATES) | np.append(viaduct, np.zeros(len(shores), dtype=bool))
    strength = np.array([rules.barrier_strength.get(kind, 0.0) for kind in kinds], dtype=np.float64)
    used = strength > 0
    return to_barriers(lines[used], kinds[used], strength[used], crossable[used], streets.crs)


def to_barriers(lines: Any, kinds: Any, strength: Floats, crossable: NDArray[np.bool_], crs: Any) -> Any:
    """Return BARRIERS of lines; ids follow their place, west to east, then kind."""
    west, south, east, north = shapely.bounds(lines).T if len(lines) else np.zeros((4, 0))
    order = np.lexsort([kinds.astype(str), shapely.length(lines), south, east, -north, west])
    frame = gpd.GeoDataFrame(
        {
            "barrier_id": pd.Series([f"l{i:06d}" for i in range(len(order))], dtype="str"),
            "kind": pd.Series(kinds[order], dtype="str"),
            "strength": strength[order],
            "crossable": crossable[order],
        },
        geometry=lines[order],
        crs=crs,
    )
    return require(frame, BARRIERS)


def _kind_of_ways(ways: Any) -> NDArray[np.object_]:
    """Kind of barrier per way, "" for those that are none."""
    kind = np.full(len(ways), "", dtype=object)
    road = ways["highway"].str.removesuffix("_link").replace(_ALIKE).to_numpy(dtype=object)
    tests: list[tuple[Any, Any]] = [
        (ways["natural"] == "coastline", "water"),
        (ways["barrier"].isin(list(_WALLS)), ways["barrier"].map(_WALLS)),
        (ways["waterway"].isin(list(_WATERWAYS)), ways["waterway"].map(_WATERWAYS)),
        (ways["railway"].isin(_RAILS), "rail"),
        (pd.Series(np.isin(road.astype(str), _ROAD_CLASSES), index=ways.index), pd.Series(road, index=ways.index)),
    ]
    for test, value in tests:
        mask = test.to_numpy(dtype=bool)
        kind[mask] = value.to_numpy(dtype=object)[mask] if isinstance(value, pd.Series) else value
    under = ways["tunnel"].isin(["yes", "culvert", "building_passage", "covered"]).to_numpy(dtype=bool)
    indoor = (ways["level"] != "").to_numpy(dtype=bool) & (ways["highway"] == "corridor").to_numpy(dtype=bool)
    kind[under | indoor] = ""
    return kind


def _find_shores(areas: Any, centre_lines: Any) -> Any:
    """Shore lines of the waters that no centre line runs along."""
    is_water = (areas["natural"] == "water") | (areas["waterway"].isin(["riverbank", "dock"]))
    waters = areas.geometry.to_numpy()[is_water.to_numpy(dtype=bool)]
    waters = shapely.get_parts(waters)
    waters = waters[shapely.area(waters) >= _WATER_MIN_M2]
    if len(waters) and len(centre_lines):
        line, water = shapely.STRtree(waters).query(centre_lines, predicate="intersects")
        inside = shapely.length(shapely.intersection(centre_lines[line], waters[water]))
        run = np.bincount(water, weights=inside, minlength=len(waters))
        across = 2 * shapely.minimum_bounding_radius(waters)
        waters = waters[run < _RUN_SHARE * across]
    return shapely.get_parts(shapely.boundary(waters))


@dataclass(frozen=True, slots=True)
class BarrierIndex:
    """Barriers cut into straight pieces, to be asked for the strongest one along a border."""

    tree: Any
    direction: Floats
    strength: Floats
    separates: NDArray[np.bool_]
    kinds: NDArray[np.object_]


def index_barriers(barriers: Any) -> BarrierIndex:
    """Return the index of BARRIERS."""
    xy, line = shapely.get_coordinates(barriers.geometry.to_numpy(), return_index=True)
    joined = np.flatnonzero((line[1:] == line[:-1]) & (xy[1:] != xy[:-1]).any(axis=1))
    start, end = xy[joined], xy[joined + 1]
    reach = end - start
    return BarrierIndex(
        tree=shapely.STRtree(shapely.linestrings(np.stack([start, end], axis=1))),
        direction=reach / np.hypot(*reach.T)[:, None] if len(reach) else reach,
        strength=barriers["strength"].to_numpy()[line[joined]],
        separates=~barriers["crossable"].to_numpy()[line[joined]],
        kinds=barriers["kind"].to_numpy(dtype=object)[line[joined]],
    )


def grade_segments(segments: Segments, index: BarrierIndex, *, tolerance_m: float) -> Mapping[str, Any]:
    """Return for each border segment (metres) what barrier it runs on, as arrays.

    ``strength``: of the strongest barrier within the tolerance that runs within 25 degrees of the segment, taken as the
    mean over three places of it; ``separates``: whether a railway or water runs along the middle within a metre;
    ``kind``: that railway or water, else the strongest barrier at the middle, "" for none.
    """
    count = len(segments.first)
    reach = segments.end - segments.start
    direction = reach / np.maximum(np.hypot(*reach.T), 1e-12)[:, None]
    total = np.zeros(count)
    kind = np.full(count, "", dtype=object)
    separates = np.zeros(count, dtype=bool)
    for share in (1 / 6, 1 / 2, 5 / 6):
        places = shapely.points(segments.start + share * reach)
        which, piece = index.tree.query(places, predicate="dwithin", distance=tolerance_m)
        along = np.abs((direction[which] * index.direction[piece]).sum(axis=1)) >= _PARALLEL
        which, piece = which[along], piece[along]
        best = np.zeros(count)
        np.maximum.at(best, which, index.strength[piece])
        total += best
        if share == 1 / 2:
            order = np.lexsort([index.kinds[piece].astype(str), index.strength[piece]])
            kind[which[order]] = index.kinds[piece][order]
            which, piece = index.tree.query(places, predicate="dwithin", distance=1.0)
            near = index.separates[piece] & (
                np.abs((direction[which] * index.direction[piece]).sum(axis=1)) >= _PARALLEL
            )
            separates[which[near]] = True
            order = np.argsort(index.kinds[piece[near]].astype(str), kind="stable")
            kind[which[near][order]] = index.kinds[piece[near][order]]
    return {"strength": total / 3, "kind": kind, "separates": separates}
