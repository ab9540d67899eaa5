"""How is land cut into blocks that tile it exactly? Area, barriers, estates and buildings in; blocks and demand out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.inputs import Inputs
from spatial.land.barriers import build_barriers, index_barriers, to_barriers
from spatial.land.borders import build_adjacency, find_crossings
from spatial.land.cuts import Seeds, cut_faces
from spatial.land.doubts import list_doubts
from spatial.land.faces import Faces, draw_faces, settle_faces
from spatial.land.groups import GROUPS
from spatial.land.households import Homes, place_demand, place_households
from spatial.land.intake import repair_shapes
from spatial.land.listing import name_estates, to_listed
from spatial.land.outline import measure_deviation
from spatial.land.tiles import Tiles, build_tiles
from spatial.land.tiling import dissolve, locate
from spatial.land.totals import compare_totals, list_totals
from spatial.profile import Profile
from spatial.progress import Progress, silent
from spatial.tables import BLOCKS, COMMUNITIES, require


@dataclass(frozen=True, slots=True)
class Land:
    """Blocks and all that goes with them; ``area`` is the adopted outline, the exact union of the blocks."""

    area: Any
    communities: Any
    blocks: Any
    adjacency: Any
    demand: Any
    barriers: Any
    listed: Any
    report: Mapping[str, Any]


def build_blocks(inputs: Inputs, profile: Profile, *, on_progress: Progress = silent) -> Land:
    """Return the blocks of the area, their adjacency and the demand points in them.

    All lines (outline, communities, barriers, estate outlines, cuts) are noded together and snapped once to 7-decimal
    lon/lat, so the blocks are a valid coverage as served; the snapped outline is the adopted area. Slivers join a
    neighbour, islands of a cut that nobody lives in too; every demand point lies in exactly one block.

    Raises
    ------
    InputError
        If the area has no land that lines can enclose.
    """
    rules = profile.land
    estates, rows = repair_shapes(inputs.estates, "estates", "estate_id", single=False)
    buildings, more = repair_shapes(inputs.buildings, "buildings", "building_id", single=True)
    communities, most = repair_shapes(inputs.communities, "communities", "community_id", single=False)
    on_progress("land: barriers", 0.0)
    barriers = build_barriers(inputs.streets, rules)
    every = _with_outlines(barriers, communities, estates, profile)
    on_progress("land: faces", 0.1)
    drawn = draw_faces(communities, barriers, estates, profile)
    homes = place_households(estates, buildings, communities, drawn.polygons, profile.households)
    places, footprints = homes.demand.geometry.to_numpy(), buildings.geometry.to_numpy()
    faces = settle_faces(drawn, every, places, footprints, profile)
    on_progress("land: cuts", 0.4)
    seeds = _seeds(faces, homes, buildings, estates, profile)
    parts = cut_faces(faces.polygons, seeds, faces.inner_lines, faces.streets, profile)
    on_progress("land: tiling", 0.6)
    tiles = _number(build_tiles(parts, faces, places, every, rules, inputs.crs), faces)
    on_progress("land: borders", 0.85)
    demand = place_demand(homes.demand, tiles.metric, _ids(len(tiles.metric)))
    blocks = _to_blocks(tiles, faces, demand, estates, profile, inputs.crs)
    crossings = find_crossings(barriers, inputs.streets)
    adjacency = build_adjacency(blocks, tiles.segments, index_barriers(every), crossings, rules)
    adopted = _adopt(communities, blocks)
    area = shapely.coverage_union_all(blocks.geometry.to_numpy())
    doubts = list_doubts(blocks, demand, tiles.segments, barriers, (estates, buildings), rules)
    totals = compare_totals(communities, blocks.groupby("community_id")["households"].sum())
    doubts += list_totals(totals, profile.checks.total_tolerance)
    listed = pd.concat([to_listed([*most, *rows, *more]), homes.listed, to_listed(doubts)], ignore_index=True)
    listed = name_estates(listed, estates)
    report = {
        **faces.report,
        **tiles.report,
        **_count(blocks, demand, estates, homes),
        "community_totals": totals.to_dict("records"),
        "deviation": measure_deviation(communities, area),
    }
    on_progress("land", 1.0)
    return Land(area, adopted, blocks, adjacency, demand, barriers, listed, report)


def _seeds(faces: Faces, homes: Homes, buildings: Any, estates: Any, profile: Profile) -> Seeds:
    """Lay demand and uninhabited buildings out over the faces."""
    demand = homes.demand
    lived = demand["demand_id"].str.removeprefix("b-")
    rest = buildings.loc[~buildings["building_id"].isin(lived)].sort_values("building_id")
    shapes = rest.geometry.to_numpy()
    places = np.concatenate([demand.geometry.to_numpy(), shapely.point_on_surface(shapes)])
    kind = demand["kind"].to_numpy(dtype=object) == "estate"
    footprints = np.concatenate([np.where(kind, demand.geometry.to_numpy(), homes.footprints), shapes])
    closed = estates.loc[_resolve(estates["access"], profile) == "gated", "estate_id"]
    none = np.zeros(len(rest), dtype=bool)
    return Seeds(
        footprints=footprints,
        face=locate(places, faces.polygons),
        households=np.concatenate([demand["households"].to_numpy(dtype=np.int64), none.astype(np.int64)]),
        estate=np.concatenate([demand["estate_id"].to_numpy(dtype=object), np.full(len(rest), "", dtype=object)]),
        is_point=np.concatenate([kind, none]),
        is_closed=np.concatenate([demand["estate_id"].isin(closed).to_numpy(dtype=bool), none]),
        is_one=np.append(estates["estate_id"].isin(closed).to_numpy(dtype=bool), False)[faces.estate],
    )


def _resolve(access: Any, profile: Profile) -> Any:
    """Return the access of estates with the profile's choice where it is not known."""
    return access.replace("unknown", profile.land.unknown_access)


def _with_outlines(barriers: Any, communities: Any, estates: Any, profile: Profile) -> Any:
    """Return barriers with the community lines and estate outlines, on which a border is clear too."""
    outlines = [shapely.boundary(communities.geometry.to_numpy())]
    polygons = estates.geometry.to_numpy()[(estates.geometry.geom_type != "Point").to_numpy()]
    outlines.append(shapely.boundary(polygons))
    kinds = np.repeat(np.array(["community", "estate"], dtype=object), [len(o) for o in outlines])
    lines, owner = shapely.get_parts(np.concatenate(outlines), return_index=True)
    strength = np.array([profile.land.barrier_strength.get(k, 0.0) for k in kinds[owner]])
    return to_barriers(
        np.concatenate([barriers.geometry.to_numpy(), lines]),
        np.concatenate([barriers["kind"].to_numpy(dtype=object), kinds[owner]]),
        np.concatenate([barriers["strength"].to_numpy(), strength]),
        np.concatenate([barriers["crossable"].to_numpy(), np.ones(len(lines), dtype=bool)]),
        barriers.crs,
    )


def _number(tiles: Tiles, faces: Faces) -> Tiles:
    """Return the tiles in the order of block numbers: by community, then west to east and north to south."""
    x, y = shapely.get_coordinates(shapely.point_on_surface(tiles.metric)).T
    community = faces.community_ids[faces.community[tiles.face]].astype(str)
    order = np.lexsort([-y, np.round(x), community])
    rank = np.argsort(order)
    segments, _ = tiles.segments.regroup(rank)
    return replace(
        tiles, metric=tiles.metric[order], face=tiles.face[order], is_part=tiles.is_part[order], segments=segments
    )


def _to_blocks(tiles: Tiles, faces: Faces, demand: Any, estates: Any, profile: Profile, crs: Any) -> Any:
    """Return BLOCKS of numbered tiles and of demand that knows its block."""
    ids = _ids(len(tiles.metric))
    block = demand["block_id"].map(pd.Series(np.arange(len(ids)), index=ids)).to_numpy(dtype=np.int64)
    households = np.bincount(block, weights=demand["households"], minlength=len(ids)).astype(np.int64)
    outline, ceiling = faces.estate[tiles.face], profile.grid.ceiling_households
    names = np.append(estates["estate_id"].to_numpy(dtype=object), "")
    estate = np.where(outline >= 0, names[outline], _sole_estate(demand, ids))
    access = (
        _resolve(estates.set_index("estate_id")["access"], profile).reindex(estate).fillna("").to_numpy(dtype=object)
    )
    whole = (outline >= 0) | (access == "gated")
    blocks = gpd.GeoDataFrame(
        {
            "block_id": pd.Series(ids, dtype="str"),
            "community_id": pd.Series(faces.community_ids[faces.community[tiles.face]], dtype="str"),
            "kind": pd.Series(np.where(whole, "estate", np.where(tiles.is_part, "part", "face")), dtype="str"),
            "estate_id": pd.Series(estate, dtype="str"),
            "access": pd.Series(access, dtype="str"),
            "households": households,
            "area_m2": shapely.area(tiles.metric),
            "oversize": households > ceiling,
            "sub_grids_needed": np.where(households > ceiling, -(-households // ceiling), 0).astype(np.int64),
            "estimated": np.bincount(block, weights=demand["estimated"], minlength=len(ids)) > 0,
        },
        geometry=tiles.metric,
        crs=crs,
    )
    for group in GROUPS:
        if group in demand:
            blocks[group] = np.bincount(block, weights=demand[group], minlength=len(ids)).astype(np.int64)
    return require(blocks, BLOCKS)


def _ids(count: int) -> Any:
    return np.array([f"b{i + 1:05d}" for i in range(count)], dtype=object)


def _sole_estate(demand: Any, ids: Any) -> Any:
    """Estate of each block whose households all belong to one, "" otherwise."""
    by_block = demand.groupby("block_id")["estate_id"]
    sole = by_block.first().where(by_block.nunique() == 1, "")
    return sole.reindex(ids).fillna("").to_numpy(dtype=object)


def _adopt(communities: Any, blocks: Any) -> Any:
    """Return the communities as the union of their blocks; one without any land of its own is left out."""
    rows = communities.set_index("community_id").loc[sorted(blocks["community_id"].unique())].reset_index()
    _, group = np.unique(blocks["community_id"].to_numpy(dtype=str), return_inverse=True)
    shapes = dissolve(blocks.geometry.to_numpy(), group.astype(np.int64))
    return require(rows.set_geometry(gpd.GeoSeries(shapes, crs=blocks.crs)), COMMUNITIES)


def _count(blocks: Any, demand: Any, estates: Any, homes: Homes) -> dict[str, Any]:
    lived, oversize = blocks["households"] > 0, blocks["oversize"]
    unknown = estates["access"] == "unknown"
    named = demand.loc[demand["estate_id"] != ""]
    return {
        "blocks": len(blocks),
        "blocks_without_households": int((~lived).sum()),
        "oversize_blocks": int(oversize.sum()),
        "oversize_households": int(blocks.loc[oversize, "households"].sum()),
        "demand_points": len(demand),
        "households": int(demand["households"].sum()),
        "households_estimated": homes.estimated_households,
        "estates": len(estates),
        "estates_of_unknown_access": int(unknown.sum()),
        "estates_in_several_blocks": int((named.groupby("estate_id")["block_id"].nunique() > 1).sum()),
    }
