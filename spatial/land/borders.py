"""Which blocks lie side by side, on what line, and can people cross it?"""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.land.barriers import BarrierIndex, grade_segments
from spatial.land.tiling import Segments, connected_groups, find_root
from spatial.profile import LandRules
from spatial.tables import ADJACENCY, Streets, require

_WALKABLE = (
    "trunk primary secondary tertiary unclassified residential living_street pedestrian service footway path cycleway "
    "steps road track bridleway corridor trunk_link primary_link secondary_link tertiary_link"
).split()
_ON_LINE_M = 1.0
_ARM_M = 1.0
"""How far from where they meet the line ways are looked at."""


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
    """Return the points where people can walk across a railway or water: bridges, underpasses, level crossings.

    A way that only reaches the line (a pier, a path along the bank) is none: ways must lead off on both sides of it.
    """
    ways = streets.ways
    on_foot = ways["foot"].isin(["yes", "designated", "permissive"])
    shut = ways["foot"].isin(["no", "private"]) | (ways["access"].isin(["no", "private"]) & ~on_foot)
    lines = ways.geometry.to_numpy()[(ways["highway"].isin(_WALKABLE) & ~shut).to_numpy(dtype=bool)]
    apart = barriers.geometry.to_numpy()[~barriers["crossable"].to_numpy(dtype=bool)]
    if len(lines) == 0 or len(apart) == 0:
        return np.array([], dtype=object)
    way, line = shapely.STRtree(apart).query(lines, predicate="intersects")
    met, pair = shapely.get_parts(shapely.intersection(lines[way], apart[line]), return_index=True)
    point = shapely.get_type_id(met) == shapely.GeometryType.POINT
    met, way, line = met[point], lines[way[pair[point]]], apart[line[pair[point]]]
    sides = _sides_of(met, way, line)
    place, at = np.unique(np.round(shapely.get_coordinates(met), 2), axis=0, return_inverse=True)
    left = np.bincount(at.ravel(), weights=(sides == 1).any(axis=1), minlength=len(place)) > 0
    right = np.bincount(at.ravel(), weights=(sides == -1).any(axis=1), minlength=len(place)) > 0
    return shapely.points(place[left & right])


def _sides_of(met: Any, way: Any, line: Any) -> NDArray[np.int64]:
    """Return on which side of the line (1 left, -1 right, 0 on it) each of the two arms of a way leads off."""
    mid, along = shapely.line_locate_point(line, met), shapely.line_locate_point(way, met)
    behind = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(mid - _ARM_M, 0)))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, mid + _ARM_M))
    sides = []
    for step in (-_ARM_M, _ARM_M):
        arm = shapely.get_coordinates(
            shapely.line_interpolate_point(way, np.clip(along + step, 0, shapely.length(way)))
        )
        cross = (ahead - behind)[:, 0] * (arm - behind)[:, 1] - (ahead - behind)[:, 1] * (arm - behind)[:, 0]
        off = np.abs(cross) / np.maximum(np.hypot(*(ahead - behind).T), 1e-9)
        sides.append(np.where(off > _ARM_M / 10, np.sign(cross), 0).astype(np.int64))
    return np.stack(sides, axis=1)


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
    """Mark borders to open so that every connected group of blocks in a community has someone living in it.

    Borders are taken from the longest down; each that has an empty group on one side joins its two groups.
    """
    attached = np.zeros(len(pairs), dtype=bool)
    if not len(pairs):
        return attached
    community = blocks["community_id"].to_numpy(dtype=object)
    first, second = pairs["focal"].to_numpy(), pairs["neighbor"].to_numpy()
    same = community[first] == community[second]
    shared = pairs["shared_m"].to_numpy()
    open_ = pairs["crossable"].to_numpy(dtype=bool) & same & (shared >= min_shared_m)
    group = connected_groups(len(blocks), first[open_], second[open_])
    lived = (np.bincount(group, weights=blocks["households"]) > 0).tolist()
    parent = list(range(len(lived)))
    ways_out = np.flatnonzero(same & (group[first] != group[second]))
    for i in ways_out[np.lexsort([ways_out, -shared[ways_out]])]:  # few: borders between groups that nothing connects
        a, b = find_root(parent, int(group[first[i]])), find_root(parent, int(group[second[i]]))
        if a != b and not (lived[a] and lived[b]):
            attached[i] = True
            parent[b] = a
            lived[a] = lived[a] or lived[b]
    return attached
