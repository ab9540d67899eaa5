"""What in the blocks is doubtful, so that a planner should look at it?"""

from typing import Any

import numpy as np
import shapely

from spatial.land.listing import Row, list_row
from spatial.land.slivers import is_sliver
from spatial.land.tiling import Segments
from spatial.profile import LandRules

_M2_PER_HA = 10_000.0
_WALL_M = 0.3
"""A border this near to the outline of a building runs along it, not through it."""


def list_doubts(
    blocks: Any, demand: Any, segments: Segments, barriers: Any, inputs: tuple[Any, Any], rules: LandRules
) -> list[Row]:
    """Return rows for LISTED; ``inputs`` are the estates and the buildings.

    Estate points too near a barrier to tell their side, estates that share a block because their points cannot be told
    apart, estates whose outline a street cuts, buildings under a border, implausible densities, and slivers that have
    no neighbour to join.
    """
    estates, buildings = inputs
    return [
        *_list_near(estates, barriers, rules),
        *_list_shared(demand),
        *_list_torn(blocks, demand, estates),
        *_list_crossed(buildings, segments),
        *_list_dense(blocks, rules),
        *_list_slivers(blocks, rules),
    ]


def _list_near(estates: Any, barriers: Any, rules: LandRules) -> list[Row]:
    points = estates.loc[(estates.geometry.geom_type == "Point").to_numpy()].sort_values("estate_id")
    strong = barriers.geometry.to_numpy()[barriers["strength"].to_numpy() >= rules.face_strength]
    if len(points) == 0 or len(strong) == 0:
        return []
    which, distance = shapely.STRtree(strong).query_nearest(
        points.geometry.to_numpy(), max_distance=rules.near_barrier_m, return_distance=True, all_matches=False
    )
    names, households = points["estate_id"].to_numpy(dtype=object), points["households"].to_numpy()
    detail = "{:.1f} m from a street or other barrier; which side it lies on is chance"
    return [
        list_row("estates", names[i], "near a barrier", "kept", detail.format(metres), households[i])
        for i, metres in zip(which[0], distance, strict=True)
    ]


def _list_shared(demand: Any) -> list[Row]:
    """Estates known only as a whole that share a block with another estate."""
    estates = demand.loc[demand["estate_id"] != ""].groupby("block_id")["estate_id"].nunique()
    crowd = demand.loc[(demand["kind"] == "estate") & demand["block_id"].isin(estates.index[estates > 1])]
    return [
        list_row("estates", name, "shares a block", "merged", f"block {block}: too near to be told apart", count)
        for name, block, count in zip(crowd["estate_id"], crowd["block_id"], crowd["households"], strict=True)
    ]


def _list_torn(blocks: Any, demand: Any, estates: Any) -> list[Row]:
    """Estates whose households ended up in several blocks."""
    count = demand.loc[demand["estate_id"] != ""].groupby("estate_id")["block_id"].nunique()
    households = demand.groupby("estate_id")["households"].sum()
    return [
        list_row("estates", name, "lies in several blocks", "kept", f"{number} blocks", households[name])
        for name, number in count[count > 1].items()
    ]


def _list_crossed(buildings: Any, segments: Segments) -> list[Row]:
    """Buildings under a border between two blocks: a street, railway or community line drawn over them."""
    inner = segments.pick(segments.second >= 0)
    if len(buildings) == 0 or len(inner.first) == 0:
        return []
    lines = shapely.linestrings(np.stack([inner.start, inner.end], axis=1))
    solid = shapely.buffer(buildings.geometry.to_numpy(), -_WALL_M)
    crossed = np.unique(shapely.STRtree(lines).query(solid, predicate="intersects")[0])
    rows = buildings.iloc[crossed].sort_values("building_id")
    return [
        list_row("buildings", name, "crossed by a border", "kept", "a barrier is drawn over it", count)
        for name, count in zip(rows["building_id"], rows["households"], strict=True)
    ]


def _list_dense(blocks: Any, rules: LandRules) -> list[Row]:
    density = blocks["households"].to_numpy() / (blocks["area_m2"].to_numpy() / _M2_PER_HA)
    names, households = blocks["block_id"].to_numpy(dtype=object), blocks["households"].to_numpy()
    return [
        list_row("blocks", names[i], "implausible density", "kept", f"{density[i]:.0f} per hectare", households[i])
        for i in np.flatnonzero(density > rules.max_households_per_ha)
    ]


def _list_slivers(blocks: Any, rules: LandRules) -> list[Row]:
    names, households = blocks["block_id"].to_numpy(dtype=object), blocks["households"].to_numpy()
    return [
        list_row("blocks", names[i], "sliver", "kept", "no neighbour in its community to join", households[i])
        for i in np.flatnonzero(is_sliver(blocks.geometry.to_numpy(), rules))
    ]
