"""Which blocks lie side by side, on what line, and can people cross it?"""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.land.barriers import BarrierIndex, grade_segments
from spatial.land.tiling import Segments, connected_groups
from spatial.profile import LandRules
from spatial.tables import ADJACENCY, Streets, require

_WALKABLE = (
    "trunk primary secondary tertiary unclassified residential living_street pedestrian service footway path cycleway "
    "steps road track bridleway corridor trunk_link primary_link secondary_link tertiary_link"
).split()
_ON_LINE_M = 1.0


def build_adjacency(blocks: Any, segments: Segments, index: BarrierIndex, crossings: Any, rules: LandRules) -> Any:
    """Return ADJACENCY of blocks from the border segments (metres) between them.

    ``clear_m`` is the length on barriers of at least ``clear_strength``, ``clarity`` the length-weighted strength,
    ``barrier`` the kind that most of the border runs on. A pair is not crossable where the whole border, but for less
    than ``min_shared_m``, runs on a railway or water that no walkable way crosses there. A group of blocks that nobody
    lives in and that nothing connects is joined to its longest neighbour (``attached``): land must lie in some grid.
    """
    inner = segments.pick(segments.second >= 0)
    grade = grade_segments(inner, index, tolerance_m=rules.clear_tolerance_m)
    pieces = pd.DataFrame(
        {
            "focal": inner.first,
            "neighbor": inner.second,
            "shared_m": inner.length,
            "clear_m": np.where(grade["strength"] >= rules.clear_strength, inner.length, 0.0),
            "clarity": grade["strength"] * inner.length,
            "apart_m": np.where(grade["separates"], inner.length, 0.0),
            "barrier": grade["kind"],
        }
    )
    pairs = pieces.groupby(["focal", "neighbor"], sort=True)[["shared_m", "clear_m", "clarity", "apart_m"]].sum()
    pairs["clarity"] = (pairs["clarity"] / pairs["shared_m"]).clip(0.0, 1.0)
    pairs["barrier"] = _main_kind(pieces)
    pairs = pairs.reset_index()
    apart = (pairs["shared_m"] - pairs["apart_m"]).to_numpy() < rules.min_shared_m
    apart &= pairs["apart_m"].to_numpy() > 0
    apart[apart] = ~_is_crossed(pairs[apart], inner, crossings)
    pairs["crossable"] = ~apart
    pairs["attached"] = _attach(blocks, pairs, rules.min_shared_m)
    pairs["crossable"] |= pairs["attached"]
    names = blocks["block_id"].to_numpy(dtype=object)
    pairs["focal"], pairs["neighbor"] = names[pairs["focal"]], names[pairs["neighbor"]]
    frame = pairs.drop(columns="apart_m").astype({"focal": "str", "neighbor": "str", "barrier": "str"})
    return require(frame.sort_values(["focal", "neighbor"], ignore_index=True), ADJACENCY)


def _main_kind(pieces: Any) -> Any:
    """Kind of barrier that holds most of each pair's border."""
    length = pieces.groupby(["focal", "neighbor", "barrier"], sort=True)["shared_m"].sum().reset_index()
    length = length.sort_values(["focal", "neighbor", "shared_m", "barrier"], ascending=[True, True, False, True])
    return length.drop_duplicates(["focal", "neighbor"]).set_index(["focal", "neighbor"])["barrier"]


def find_crossings(barriers: Any, streets: Streets) -> Any:
    """Return the points where a walkable way meets a railway or water: bridges, underpasses, level crossings."""
    ways = streets.ways
    on_foot = ways["foot"].isin(["yes", "designated", "permissive"])
    shut = ways["foot"].isin(["no", "private"]) | (ways["access"].isin(["no", "private"]) & ~on_foot)
    lines = ways.geometry.to_numpy()[(ways["highway"].isin(_WALKABLE) & ~shut).to_numpy(dtype=bool)]
    apart = barriers.geometry.to_numpy()[~barriers["crossable"].to_numpy(dtype=bool)]
    if len(lines) == 0 or len(apart) == 0:
        return np.array([], dtype=object)
    way, line = shapely.STRtree(apart).query(lines, predicate="intersects")
    met = shapely.get_parts(shapely.intersection(lines[way], apart[line]))
    return met[shapely.get_type_id(met) == shapely.GeometryType.POINT]


def _is_crossed(pairs: Any, inner: Segments, crossings: Any) -> NDArray[np.bool_]:
    """Tell for each pair whether a crossing lies on the border between its two blocks."""
    if len(crossings) == 0 or len(pairs) == 0:
        return np.zeros(len(pairs), dtype=bool)
    width = int(inner.second.max()) + 1
    wanted = pairs["focal"].to_numpy() * width + pairs["neighbor"].to_numpy()
    key = inner.first * width + inner.second
    mine = np.flatnonzero(np.isin(key, wanted))
    pieces = shapely.linestrings(np.stack([inner.start[mine], inner.end[mine]], axis=1))
    which, _ = shapely.STRtree(crossings).query(pieces, predicate="dwithin", distance=_ON_LINE_M)
    return np.isin(wanted, key[mine[which]])


def _attach(blocks: Any, pairs: Any, min_shared_m: float) -> NDArray[np.bool_]:
    """Mark borders to open so that every connected group of blocks in a community has someone living in it."""
    attached = np.zeros(len(pairs), dtype=bool)
    community = blocks["community_id"].to_numpy(dtype=object)
    households = blocks["households"].to_numpy()
    first, second = pairs["focal"].to_numpy(), pairs["neighbor"].to_numpy()
    same = community[first] == community[second]
    open_ = pairs["crossable"].to_numpy(dtype=bool) & same & (pairs["shared_m"].to_numpy() >= min_shared_m)
    while True:
        group = connected_groups(len(blocks), first[open_ | attached], second[open_ | attached])
        empty = np.bincount(group, weights=households, minlength=group.max() + 1 if len(group) else 0) == 0
        ways_out = same & (group[first] != group[second]) & (empty[group[first]] | empty[group[second]])
        ways_out &= ~attached
        if not ways_out.any():
            return attached
        # One border at a time, the longest: the group it joins may be the way out for the next.
        length = np.where(ways_out, pairs["shared_m"].to_numpy(), -1.0)
        attached[int(np.argmax(length))] = True
