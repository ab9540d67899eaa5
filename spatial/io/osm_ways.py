"""Where do the lines of a street map run, when nodes are missing, repeated or far outside the map?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.io.osm_columns import TagTable
from spatial.io.osm_elements import Elements, take_ragged
from spatial.io.osm_extent import Extent
from spatial.io.osm_frames import Bools, Ints, empty_ways, split_ragged, ways_frame
from spatial.io.osm_runs import boxes_of, count_runs, cut_runs
from spatial.io.osm_tags import LINE_KEYS, Tags, is_way
from spatial.walking.edge_grid import box_of

Floats = NDArray[np.float64]

MISSING = "way node without a place on the map"
REPEATED = "way node repeated in a row"
TOO_SHORT = "way with fewer than two located nodes"
OUTSIDE = "way outside the map"
CUT = "way cut where it leaves the map"
BROKEN = "way broken where its nodes are missing"
NO_LENGTH = "way of no length"


@dataclass(frozen=True, slots=True)
class Runs:
    """Drawn ways by id: the vertices of way ``i`` are ``offsets[i]:offsets[i + 1]`` of ``node`` and ``xy``, metres."""

    way_id: Ints
    tags: TagTable
    offsets: Ints
    node: Ints
    xy: Floats

    def take(self, rows: Ints) -> "Runs":
        """Return these ways, in this order."""
        node, offsets = take_ragged(self.node, self.offsets, rows)
        xy, _ = take_ragged(self.xy, self.offsets, rows)
        return Runs(self.way_id[rows], self.tags.take(rows), offsets, node, xy)


def closed_ways(elements: Elements) -> Bools:
    """Tell which ways end where they begin, after at least one other node."""
    first, last = elements.offsets[:-1], elements.offsets[1:] - 1
    closed = np.zeros(len(first), dtype=bool)
    long = last - first >= 2
    closed[long] = elements.refs[first[long]] == elements.refs[last[long]]
    return closed


def build_ways(
    elements: Elements, extent: Extent, xy: Floats, *, banks: Mapping[int, Tags], dropped: "Counter[str]"
) -> tuple[Any, Counter[str]]:
    """Return the frame of the ways, and what was left out, added to what was before."""
    runs, counts = find_runs(elements, extent, xy, banks=banks, dropped=dropped)
    if not len(runs.way_id):
        return empty_ways(extent.crs), counts
    nodes = split_ragged(runs.node, runs.offsets)
    return ways_frame(runs.way_id, runs.tags, nodes, draw_runs(runs), extent.crs), counts


def draw_runs(runs: Runs) -> Any:
    """Return the ways as an array of LineStrings."""
    if not len(runs.way_id):
        return np.empty(0, dtype=object)
    return shapely.from_ragged_array(shapely.GeometryType.LINESTRING, runs.xy, (runs.offsets,))


def find_runs(
    elements: Elements, extent: Extent, xy: Floats, *, banks: Mapping[int, Tags], dropped: "Counter[str]"
) -> tuple[Runs, Counter[str]]:
    """Return the ways as located runs of nodes within the map, and what was left out, added to what was before.

    A way that falls into several runs keeps its id for the first; the others get negative ids of their own. Banks are
    rows of ways that are drawn with other tags than their own: the shores of water whose outline does not close.
    """
    counts = Counter(dropped)
    drawn = elements.way_tags.judge(lambda tags: is_way(tags, False) + 2 * is_way(tags, True), LINE_KEYS)
    flag = np.where(closed_ways(elements), drawn & 2, drawn & 1) > 0
    flag[sorted(banks)] = True
    chosen = np.flatnonzero(flag)
    if not len(chosen):
        none = np.empty(0, dtype=np.int64)
        return Runs(none, elements.way_tags.take(none), np.zeros(1, dtype=np.int64), none, np.empty((0, 2))), counts
    places = elements.refs, elements.offsets, chosen, elements.node_id, xy
    owner, offsets, node, spots, found = cut_runs(*places, np.array(extent.zone))
    counts.update(count_runs(found, (MISSING, REPEATED, TOO_SHORT, OUTSIDE, CUT, BROKEN)))
    lowest = min(0, int(elements.node_id[0])) if len(elements.node_id) else 0
    spots, node = _end_at_zone(spots, node, offsets, extent, lowest)
    owner, offsets, node, spots = _holding(owner, offsets, node, spots, extent, counts)
    way_id = _number(elements.way_id, chosen[owner])
    tags = elements.way_tags.override(banks) if banks else elements.way_tags
    runs = Runs(way_id, tags.take(chosen[owner]), offsets, node, spots)
    order = np.argsort(way_id, kind="stable")
    if (order == np.arange(len(order))).all():
        return runs, counts
    return runs.take(order), counts


def _end_at_zone(xy: Floats, nodes: Ints, offsets: Ints, extent: Extent, lowest: int) -> tuple[Floats, Ints]:
    """Return the vertices with the ends that lie outside moved to where the line leaves the zone, as fresh nodes."""
    low, high = np.array(extent.zone[:2]), np.array(extent.zone[2:])
    if not len(xy):
        return xy, nodes
    lowest_xy, highest_xy = box_of(xy)
    if ((lowest_xy >= low) & (highest_xy <= high)).all():
        return xy, nodes
    ends = np.concatenate([offsets[:-1], offsets[1:] - 1])
    inward = np.concatenate([offsets[:-1] + 1, offsets[1:] - 2])

    def is_outside(rows: Ints) -> Bools:
        return np.asarray(((xy[rows] < low) | (xy[rows] > high)).any(axis=1))

    move = is_outside(ends)
    move[move] = ~is_outside(inward[move])
    if not move.any():
        return xy, nodes
    end, near = ends[move], xy[inward[move]]
    step = xy[end] - near
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(step > 0, (high - near) / step, np.where(step < 0, (low - near) / step, np.inf)).min(axis=1)
    moved, renamed = xy.copy(), nodes.copy()
    moved[end] = near + share[:, None] * step
    renamed[end] = lowest - 1 - np.arange(len(end))
    return moved, renamed


def _holding(
    owner: Ints, offsets: Ints, nodes: Ints, xy: Floats, extent: Extent, counts: "Counter[str]"
) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the runs that have a length and touch the ground asked for."""
    if not len(owner):
        return owner, offsets, nodes, xy
    low, high = boxes_of(xy, offsets)
    flat = (low == high).all(axis=1)
    counts[NO_LENGTH] += int(flat.sum())
    if extent.clip is None:
        held = extent.overlaps(low, high)
    else:
        held = extent.holds(shapely.from_ragged_array(shapely.GeometryType.LINESTRING, xy, (offsets,)))
    keep = held & ~flat
    whole = np.bincount(owner[keep], minlength=int(owner[-1]) + 1) > 0
    counts[OUTSIDE] += len(np.unique(owner[~held & ~flat & ~whole[owner]]))
    if keep.all():
        return owner, offsets, nodes, xy
    rows = np.flatnonzero(keep)
    nodes, ends = take_ragged(nodes, offsets, rows)
    return owner[rows], ends, nodes, take_ragged(xy, offsets, rows)[0]


def _number(way_id: Ints, rows: Ints) -> Ints:
    """Return an id for each run: that of its way for the first, then fresh negative ones."""
    ids = way_id[rows].copy()
    again = np.concatenate([[False], rows[1:] == rows[:-1]]) if len(rows) else np.empty(0, dtype=bool)
    lowest = min(0, int(way_id.min())) if len(way_id) else 0
    ids[again] = lowest - 1 - np.arange(again.sum())
    return ids
