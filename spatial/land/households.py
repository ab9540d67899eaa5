"""Where do the households live? Demand points from estates and buildings, conserved to the last household."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.land.estimates import Counts, estimate_rest, measure_floor, scale_to_totals, share_estates
from spatial.land.groups import GROUPS, count_groups
from spatial.land.listing import Row, list_row, to_listed
from spatial.land.owners import Owners, find_owners, index_in
from spatial.land.tiling import Ints, locate
from spatial.profile import HouseholdRules
from spatial.tables import DEMAND, require

_HOMES = ("residential", "apartments", "house", "dormitory", "terrace", "detached")
_ON_BORDER_M = 0.02
_MOSTLY = 0.99


@dataclass(frozen=True, slots=True)
class Homes:
    """DEMAND, the footprint of each demand point (a point where none is known), and what was guessed."""

    demand: Any
    footprints: Any
    listed: Any
    estimated_households: int


def place_households(estates: Any, buildings: Any, communities: Any, faces: Any, rules: HouseholdRules) -> Homes:
    """Return demand points: one per residential building with households, one per estate known only as a whole.

    An estate's count is kept exactly: buildings with counts of their own keep them, the rest is shared among its other
    residential buildings by floor area and flagged. A building belongs to the estate it names, else to the one that
    encloses it, else to the nearest estate known only by a point in the same street face: both count the same people.
    Buildings of no counted estate are estimated from floor area. Where a community's total is known, the estimates are
    scaled to fill it exactly. Everything guessed, contradictory or outside the communities is listed; what lies outside
    is left out.
    """
    area = shapely.union_all(communities.geometry.to_numpy())
    estates = estates.sort_values("estate_id").reset_index(drop=True)
    homes = buildings.loc[_is_home(buildings)].sort_values("building_id").reset_index(drop=True)
    owners = find_owners(homes, estates, communities, faces, rules.estate_reach_m)
    counts, whole = _count(homes, owners, estates, communities, rules)
    parts, rows = _part_inside(estates, whole, area)
    groups, people = count_groups(homes, estates, owners, counts.households, whole)
    demand, footprints = _to_demand(homes, owners, estates.set_geometry(parts), (counts, whole), groups)
    inside = shapely.intersects(area, demand.geometry.to_numpy())
    rows = [*counts.rows, *people, *rows, *_list_outside(demand.loc[~inside])]
    demand, footprints = demand.loc[inside].reset_index(drop=True), footprints[inside]
    guessed = int(demand.loc[demand["estimated"], "households"].sum())
    return Homes(require(demand, DEMAND), footprints, to_listed(rows), guessed)


def _is_home(buildings: Any) -> NDArray[np.bool_]:
    home: NDArray[np.bool_] = (buildings["use"].isin(_HOMES) | (buildings["households"] > 0)).to_numpy(dtype=bool)
    return home


def _count(homes: Any, owners: Owners, estates: Any, communities: Any, rules: HouseholdRules) -> tuple[Counts, Ints]:
    """Return the counts of all homes, and of estates that keep theirs as a whole."""
    floor = measure_floor(homes, rules)
    given = Counts(homes["households"].to_numpy(dtype=np.int64), homes["estimated"].to_numpy(dtype=bool), ())
    counts, whole = share_estates(estates, owners, given, floor)
    shapes = communities.geometry.to_numpy()
    community = index_in(shapely.point_on_surface(homes.geometry.to_numpy()), shapes)
    counted = np.append(estates["households"].to_numpy() > 0, False)[owners.estate]
    blank = np.flatnonzero((counts.households == 0) & (community >= 0) & ~counted)
    counts = estimate_rest(counts, floor, blank, rules)
    whole_in = index_in(shapely.point_on_surface(estates.geometry.to_numpy()), shapes)
    elsewhere = np.bincount(whole_in + 1, weights=whole, minlength=len(shapes) + 1)[1:]
    return scale_to_totals(counts, floor, blank, community, communities.assign(elsewhere=elsewhere)), whole


def _part_inside(estates: Any, whole: Ints, area: Any) -> tuple[Any, list[Row]]:
    """Return the geometry of estates, outlines known only as a whole cut down to the area; lists those cut."""
    shapes = estates.geometry.to_numpy().copy()
    alone = np.flatnonzero((whole > 0) & (shapely.get_dimensions(shapes) == 2) & shapely.intersects(area, shapes))
    inside = shapely.intersection(shapes[alone], area)
    land = shapely.area(inside) > 0
    alone, inside = alone[land], inside[land]
    shorn = shapely.area(inside) < _MOSTLY * shapely.area(shapes[alone])
    rows = [
        list_row(
            "estates", estates["estate_id"].iloc[i], "reaches outside the area", "kept", "counted inside", whole[i]
        )
        for i in alone[shorn]
    ]
    shapes[alone] = inside
    return gpd.GeoSeries(shapes, index=estates.index, crs=estates.crs), rows


def _to_demand(
    homes: Any, owners: Owners, estates: Any, placed: tuple[Counts, Ints], groups: Mapping[str, tuple[Ints, Ints]]
) -> tuple[Any, Any]:
    """Return DEMAND, sorted by id, and the footprint of each row."""
    counts, whole = placed
    lived, alone = np.flatnonzero(counts.households > 0), np.flatnonzero(whole > 0)
    names = np.append(estates["estate_id"].to_numpy(dtype=object), "")
    shapes = np.concatenate([homes.geometry.to_numpy()[lived], estates.geometry.to_numpy()[alone]])
    columns = {
        "demand_id": ["b-" + i for i in homes["building_id"].iloc[lived]]
        + ["e-" + i for i in estates["estate_id"].iloc[alone]],
        "kind": ["building"] * len(lived) + ["estate"] * len(alone),
        "estate_id": np.concatenate([names[owners.estate[lived]], names[alone]]),
        "households": np.concatenate([counts.households[lived], whole[alone]]),
        "estimated": np.concatenate([counts.estimated[lived], estates["estimated"].to_numpy(dtype=bool)[alone]]),
    }
    for group, (of_homes, of_estates) in groups.items():
        columns[group] = np.concatenate([of_homes[lived], of_estates[alone]])
    frame = gpd.GeoDataFrame(columns, geometry=shapely.point_on_surface(shapes), crs=homes.crs or estates.crs)
    order = np.argsort(frame["demand_id"].to_numpy(dtype=str), kind="stable")
    frame = frame.iloc[order].reset_index(drop=True).astype(dict.fromkeys(("demand_id", "kind", "estate_id"), "str"))
    return frame, shapes[order]


def _list_outside(demand: Any) -> list[Row]:
    groups = [name for name in GROUPS if name in demand]
    return [
        list_row(
            row["kind"] + "s",
            row["demand_id"][2:],
            "outside the area",
            "dropped",
            ", ".join(f"{name}: {row[name]}" for name in groups),
            row["households"],
        )
        for row in demand.drop(columns="geometry").to_dict("records")
    ]


def place_demand(demand: Any, blocks: Any, ids: Any) -> Any:
    """Return DEMAND with a ``block_id`` per point; one within 2 cm of a border moves inside its block."""
    places = demand.geometry.to_numpy().copy()
    block = locate(places, blocks)
    near = np.flatnonzero(shapely.distance(shapely.boundary(blocks[block]), places) < _ON_BORDER_M)
    inner = shapely.buffer(blocks[block[near]], -2 * _ON_BORDER_M)
    places[near] = shapely.get_point(shapely.shortest_line(inner, places[near]), 0)
    out = demand.assign(block_id=pd.Series(ids[block], dtype="str", index=demand.index))
    return require(out.set_geometry(gpd.GeoSeries(places, crs=demand.crs, index=demand.index)), DEMAND)
