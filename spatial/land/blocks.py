"""How is land cut into blocks that tile it exactly? Area, barriers, estates and buildings in; blocks and demand out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT_DECIMALS, to_lonlat, to_metres
from spatial.errors import InputError
from spatial.inputs import Inputs
from spatial.land.barriers import build_barriers, grade_segments, index_barriers, to_barriers
from spatial.land.borders import build_adjacency, find_crossings
from spatial.land.cuts import Parts, Seeds, cut_faces
from spatial.land.faces import Faces, build_street_faces
from spatial.land.households import Homes, place_households, to_listed
from spatial.land.outline import list_doubts, measure_deviation
from spatial.land.slivers import absorb, is_sliver
from spatial.land.tiling import Ints, Segments, build_faces, connected_groups, dissolve, find_segments, locate
from spatial.profile import Profile
from spatial.progress import Progress, silent
from spatial.tables import BLOCKS, COMMUNITIES, DEMAND, require

_SCALE = 10.0**LONLAT_DECIMALS
_STRAIGHT_M = 100.0
"""Lines get a vertex at least this often before they go to lon/lat: so straight ones bend by less than 1 mm."""
_NEAR_M = 0.05


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
    estates = inputs.estates.sort_values("estate_id", ignore_index=True)
    on_progress("land: barriers", 0.0)
    barriers = build_barriers(inputs.streets, rules)
    homes = place_households(estates, inputs.buildings, inputs.communities, profile.households)
    on_progress("land: faces", 0.15)
    faces = build_street_faces(inputs.communities, barriers, estates, profile)
    on_progress("land: cuts", 0.4)
    parts = cut_faces(faces.polygons, _seeds(faces, homes, inputs.buildings), faces.inner_lines, profile)
    on_progress("land: tiling", 0.6)
    every = _with_outlines(barriers, inputs.communities, estates, profile)
    tiles = _tile(parts, faces, homes, every, profile, inputs.crs)
    on_progress("land: borders", 0.85)
    blocks, demand = _to_blocks(tiles, faces, homes, estates, profile, inputs.crs)
    adjacency = build_adjacency(
        blocks,
        find_segments_m(tiles.lonlat, inputs.crs),
        index_barriers(every),
        find_crossings(barriers, inputs.streets),
        rules,
    )
    communities = _adopt(inputs.communities, blocks)
    area = shapely.coverage_union_all(blocks.geometry.to_numpy())
    doubts = list_doubts(blocks, demand, barriers, estates, profile)
    listed = pd.concat([homes.listed, to_listed(doubts)], ignore_index=True)
    report = {
        **faces.report,
        **tiles.report,
        **_count(blocks, demand, homes),
        "deviation": measure_deviation(inputs.communities, area),
    }
    on_progress("land", 1.0)
    return Land(area, communities, blocks, adjacency, demand, barriers, listed, report)


def _seeds(faces: Faces, homes: Homes, buildings: Any) -> Seeds:
    """Lay demand and uninhabited buildings out over the faces."""
    lived = homes.demand["demand_id"].str.removeprefix("b-")
    rest = buildings.loc[~buildings["building_id"].isin(lived)].sort_values("building_id")
    demand, shapes = homes.demand, rest.geometry.to_numpy()
    places = np.concatenate([demand.geometry.to_numpy(), shapely.point_on_surface(shapes)])
    estate = np.concatenate([demand["estate_id"].to_numpy(dtype=object), np.full(len(rest), "", dtype=object)])
    footprints = np.concatenate([homes.footprints, shapes])
    kind = demand["kind"].to_numpy(dtype=object) == "estate"
    footprints[: len(demand)][kind] = demand.geometry.to_numpy()[kind]
    return Seeds(
        footprints=footprints,
        face=locate(places, faces.polygons),
        households=np.concatenate([demand["households"].to_numpy(dtype=np.int64), np.zeros(len(rest), np.int64)]),
        estate=estate,
        is_point=np.concatenate([kind, np.zeros(len(rest), dtype=bool)]),
    )


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
        barriers.crs,
    )


@dataclass(frozen=True, slots=True)
class _Tiles:
    """Final polygons in lon/lat and metres, with the face of each and whether it is one part of several."""

    lonlat: Any
    metric: Any
    face: Ints
    is_part: NDArray[np.bool_]
    report: Mapping[str, Any]


def _tile(parts: Parts, faces: Faces, homes: Homes, barriers: Any, profile: Profile, crs: Any) -> _Tiles:
    """Node all borders once in snapped lon/lat, and gather the tiles into blocks-to-be."""
    lines = shapely.segmentize(shapely.boundary(parts.polygons), _STRAIGHT_M)
    cells = build_faces(to_lonlat(lines, crs), grid=1 / _SCALE)
    cells = shapely.transform(cells, lambda xy: np.round(xy, LONLAT_DECIMALS))
    metric = to_metres(cells, crs)
    part, near = _locate_cells(metric, parts.polygons)
    cells, metric, part = cells[near], metric[near], part[near]
    if len(cells) == 0:
        raise InputError("the area: no line encloses any land; needed at least one outline that is a polygon")
    face, index = parts.face[part], index_barriers(barriers)
    segments = find_segments_m(cells, crs)
    same = (segments.second >= 0) & (part[segments.first] == part[segments.second])
    group = connected_groups(len(cells), segments.first[same], segments.second[same])
    cells, face, is_cut = _gather(cells, group, face, parts.is_cut[part])
    leftovers = slivers = 0
    for step in ("leftovers", "slivers"):
        metric, segments = to_metres(cells, crs), find_segments_m(cells, crs)
        strength = grade_segments(segments, index, tolerance_m=1.0)["strength"]
        if step == "leftovers":
            empty = np.bincount(locate(homes.demand.geometry.to_numpy(), metric), minlength=len(cells)) == 0
            scrap, realm = is_cut & empty, face
        else:
            scrap, realm = is_sliver(metric, profile.land), faces.community[face]
        group = absorb(metric, segments, strength, scrap=scrap, realm=realm, rules=profile.land)
        cells, face, is_cut = _gather(cells, group, face, is_cut, size=shapely.area(metric))
        leftovers, slivers = (int(scrap.sum()), slivers) if step == "leftovers" else (leftovers, int(scrap.sum()))
    count = np.bincount(face, minlength=len(faces.polygons))
    report = {"cut_leftovers_merged": leftovers, "cut_slivers_merged": slivers, "faces_cut": int((count > 1).sum())}
    order = _reading_order(to_metres(cells, crs), faces.community_ids[faces.community[face]])
    cells, face = cells[order], face[order]
    return _Tiles(cells, to_metres(cells, crs), face, count[face] > 1, report)


def _reading_order(metric: Any, community: Any) -> Ints:
    """Return the order of the tiles: by community, then west to east and north to south."""
    places = shapely.get_coordinates(shapely.point_on_surface(metric))
    order: Ints = np.lexsort([-places[:, 1], np.round(places[:, 0]), community.astype(str)])
    return order


def _locate_cells(cells: Any, parts: Any) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the part of each cell, and whether it lies in one at all (a hole of the area does not)."""
    places = shapely.point_on_surface(cells)
    part = locate(places, parts)
    return part, shapely.distance(places, parts[part]) <= _NEAR_M


def _gather(
    cells: Any, group: Ints, face: Ints, is_cut: NDArray[np.bool_], size: Any = None
) -> tuple[Any, Ints, NDArray[np.bool_]]:
    """Dissolve groups of cells; a group takes the face of its largest cell."""
    area = shapely.area(cells) if size is None else size
    order = np.lexsort([np.arange(len(cells)), -area, group])
    largest = order[np.searchsorted(group[order], np.arange(group.max() + 1))]
    return dissolve(cells, group), face[largest], is_cut[largest]


def find_segments_m(lonlat: Any, crs: Any) -> Segments:
    """Return the border segments of a lon/lat tiling, in metres."""
    found = find_segments(lonlat, scale=_SCALE)
    ends = shapely.get_coordinates(to_metres(shapely.points(np.concatenate([found.start, found.end])), crs))
    return Segments(found.first, found.second, ends[: len(found.first)], ends[len(found.first) :])


def _to_blocks(tiles: _Tiles, faces: Faces, homes: Homes, estates: Any, profile: Profile, crs: Any) -> tuple[Any, Any]:
    """Return BLOCKS, numbered in the order of the tiles, and DEMAND with its block."""
    metric, face = tiles.metric, tiles.face
    community = faces.community_ids[faces.community[face]]
    ids = np.array([f"b{i + 1:05d}" for i in range(len(metric))], dtype=object)
    block = locate(homes.demand.geometry.to_numpy(), metric)
    households = np.bincount(block, weights=homes.demand["households"], minlength=len(ids)).astype(np.int64)
    guessed = np.bincount(block, weights=homes.demand["estimated"], minlength=len(ids)) > 0
    estate, ceiling = faces.estate[face], profile.grid.ceiling_households
    names = np.append(estates["estate_id"].to_numpy(dtype=object), "")
    access = np.append(estates["access"].to_numpy(dtype=object), "")
    access[access == "unknown"] = profile.land.unknown_access
    kind = np.where(estate >= 0, "estate", np.where(tiles.is_part, "part", "face"))
    blocks = gpd.GeoDataFrame(
        {
            "block_id": pd.Series(ids, dtype="str"),
            "community_id": pd.Series(community, dtype="str"),
            "kind": pd.Series(kind, dtype="str"),
            "estate_id": pd.Series(names[estate], dtype="str"),
            "access": pd.Series(access[estate], dtype="str"),
            "households": households,
            "area_m2": shapely.area(metric),
            "oversize": households > ceiling,
            "sub_grids_needed": np.where(households > ceiling, -(-households // ceiling), 0).astype(np.int64),
            "estimated": guessed,
        },
        geometry=metric,
        crs=crs,
    )
    demand = homes.demand.assign(block_id=pd.Series(ids[block], dtype="str"))
    for group in ("elderly", "children"):
        if group in demand:
            blocks[group] = np.bincount(block, weights=demand[group], minlength=len(ids)).astype(np.int64)
    return require(blocks, BLOCKS), require(demand, DEMAND)


def _adopt(communities: Any, blocks: Any) -> Any:
    """Return the communities as the union of their blocks; one without any land of its own is left out."""
    rows = communities.set_index("community_id").loc[sorted(blocks["community_id"].unique())].reset_index()
    _, group = np.unique(blocks["community_id"].to_numpy(dtype=str), return_inverse=True)
    shapes = dissolve(blocks.geometry.to_numpy(), group.astype(np.int64))
    return require(rows.set_geometry(gpd.GeoSeries(shapes, crs=blocks.crs)), COMMUNITIES)


def _count(blocks: Any, demand: Any, homes: Homes) -> dict[str, Any]:
    lived, oversize = blocks["households"] > 0, blocks["oversize"]
    unknown = (blocks["kind"] == "estate") & ~blocks["access"].isin(["gated", "open"])
    return {
        "blocks": len(blocks),
        "blocks_without_households": int((~lived).sum()),
        "oversize_blocks": int(oversize.sum()),
        "oversize_households": int(blocks.loc[oversize, "households"].sum()),
        "demand_points": len(demand),
        "households": int(demand["households"].sum()),
        "households_estimated": homes.estimated_households,
        "estates_of_unknown_access": int(unknown.sum()),
    }
