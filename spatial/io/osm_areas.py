"""Which pieces of ground do the closed ways and the multipolygon relations of a street map enclose?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.io.osm_columns import TagTable, join_tables, tag_table
from spatial.io.osm_elements import Elements, Relation, find_sorted, take_ragged
from spatial.io.osm_extent import Extent
from spatial.io.osm_frames import Bools, Ints, areas_frame
from spatial.io.osm_rings import even_odd, join_rings
from spatial.io.osm_tags import GROUND_KEYS, LINE_KEYS, Tags, is_area, is_linear, is_water, main_tags
from spatial.io.osm_ways import closed_ways

Floats = NDArray[np.float64]

OPEN = "area outline that is not closed"
UNLOCATED = "area outline with missing nodes"
FEW = "area outline with fewer than three corners"
REPAIRED = "area outline that crossed itself: repaired"
NO_SURFACE = "area without surface"
OUTSIDE = "area outside the map"
CUT = "area cut where it leaves the map"
REPEATS = "outline that repeats its multipolygon"
PARTIAL = "multipolygon whose outline does not close: closed parts kept"
HOPELESS = "multipolygon without a closed outline"
BANKS = "shore of unclosed water kept as a line"


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas of a map, the ways that are the shores of unclosed water, and what was left out."""

    frame: Any
    banks: Mapping[int, Tags]
    dropped: Counter[str]


@dataclass(frozen=True, slots=True)
class _Ways:
    """Areas of ways before they are checked: texts of ids in their order, tags, geometries."""

    ids: list[str]
    tags: TagTable
    geometry: list[Any]


@dataclass(frozen=True, slots=True)
class _Relations:
    """Areas of relations before they are checked, one after the other."""

    ids: list[str]
    tags: list[Tags]
    geometry: list[Any]


def build_areas(elements: Elements, extent: Extent, xy: Floats) -> Areas:
    """Return the areas, valid and within the map, ways before relations, each by id."""
    counts: Counter[str] = Counter()
    relations, covered, banks = _from_relations(elements, xy, counts)
    ways, shores = _from_ways(elements, xy, covered, counts)
    banks |= {i: {**elements.way_tags[i], **_bank(elements.way_tags[i])} for i in shores}
    ids, tags = [*ways.ids, *relations.ids], join_tables([ways.tags, tag_table(relations.tags)])
    geometry = np.empty(len(ids), dtype=object)
    geometry[:] = [*ways.geometry, *relations.geometry]
    geometry, keep = _finish(geometry, extent, counts)
    rows = np.flatnonzero(keep)
    frame = areas_frame([ids[i] for i in rows.tolist()], tags.take(rows), geometry[keep], extent.crs)
    counts[BANKS] += len(banks)
    return Areas(frame, banks, counts)


# -- closed ways ----------------------------------------------------------------------------------------------------


def _from_ways(elements: Elements, xy: Floats, covered: set[int], counts: "Counter[str]") -> tuple[_Ways, list[int]]:
    """Return the areas of closed ways, and the rows of those of water that lack nodes."""
    closed = closed_ways(elements)
    wanted = elements.way_tags.judge(lambda t: is_area(t, t.get("area") == "yes"), GROUND_KEYS).astype(bool)
    line = elements.way_tags.judge(is_linear, LINE_KEYS).astype(bool)
    short = np.diff(elements.offsets) < 4
    known = np.zeros(len(wanted), dtype=bool)
    known[sorted(covered)] = True
    counts[REPEATS] += int((known & wanted & closed).sum())
    wanted &= ~known
    ends_meet = closed | (short & _same_ends(elements))
    counts[OPEN] += int((wanted & ~ends_meet & ~line).sum())
    counts[FEW] += int((wanted & ends_meet & short).sum())
    rows = np.flatnonzero(wanted & closed & ~short)
    whole, polygons = _close(elements, xy, rows, counts)
    shores = [i for i in np.setdiff1d(rows, whole).tolist() if is_water(elements.way_tags[i])]
    tags = elements.way_tags.take(whole)
    return _Ways([f"way/{i}" for i in elements.way_id[whole].tolist()], tags, list(polygons)), shores


def _same_ends(elements: Elements) -> Bools:
    first, last = elements.offsets[:-1], elements.offsets[1:] - 1
    same = np.zeros(len(first), dtype=bool)
    some = last >= first
    same[some] = elements.refs[first[some]] == elements.refs[last[some]]
    return same


def _close(elements: Elements, xy: Floats, rows: Ints, counts: "Counter[str]") -> tuple[Ints, Any]:
    """Return the rows whose nodes are all located, and their polygons."""
    if not len(rows):
        return rows, np.empty(0, dtype=object)
    refs, offsets = take_ragged(elements.refs, elements.offsets, rows)
    spot = locate(elements, xy, refs)
    owner = np.repeat(np.arange(len(rows)), np.diff(offsets))
    lost = np.bincount(owner[np.isnan(spot[:, 0])], minlength=len(rows)) > 0
    counts[UNLOCATED] += int(lost.sum())
    keep = ~lost[owner]
    kept_counts = np.diff(offsets)[~lost]
    if not len(kept_counts):
        return rows[~lost], np.empty(0, dtype=object)
    rings = shapely.linearrings(spot[keep], indices=np.repeat(np.arange(len(kept_counts)), kept_counts))
    return rows[~lost], shapely.polygons(rings)


def locate(elements: Elements, xy: Floats, refs: Ints) -> Floats:
    """Return the metres of each node id, NaN where it has no place."""
    row, found = elements.find_nodes(refs)
    if not len(xy):
        return np.full((len(refs), 2), np.nan)
    return np.where(found[:, None], xy[row], np.nan)


# -- multipolygon relations -----------------------------------------------------------------------------------------


def _from_relations(
    elements: Elements, xy: Floats, counts: "Counter[str]"
) -> tuple[_Relations, set[int], dict[int, Tags]]:
    """Return the relations' areas, the rows of ways that only repeat them, and the shores of unclosed water."""
    found = _Relations([], [], [])
    covered: set[int] = set()
    banks: dict[int, Tags] = {}
    for relation in elements.relations:  # each joins its own few ways: nothing to vectorise over
        rows, roles = _members(elements, relation)
        tags = _tags_of(elements, relation, rows, roles)
        if not is_area(tags, outlined=True):
            continue
        refs, lines = _member_lines(elements, xy, rows)
        joined = join_rings(refs, lines, roles)
        whole = not joined.open and len(rows) == len(relation.members)
        polygon = even_odd(joined.rings, joined.outer)
        if not whole:
            counts[HOPELESS if polygon is None else PARTIAL] += 1
            if is_water(tags):
                banks |= {rows[i]: {**elements.way_tags[rows[i]], **_bank(tags)} for i in joined.open}
        elif polygon is None:
            counts[NO_SURFACE] += 1
        if polygon is not None:
            found.ids.append(f"relation/{relation.relation_id}")
            found.tags.append(tags)
            found.geometry.append(polygon)
            covered |= _repeating(elements, tags, rows, roles)
    return found, covered, banks


def _members(elements: Elements, relation: Relation) -> tuple[list[int], list[str]]:
    """Return the rows of the member ways that the map holds, each once, and their roles."""
    roles: dict[int, str] = {}
    for way_id, role in relation.members:
        roles.setdefault(way_id, role)
    ids = np.array(sorted(roles), dtype=np.int64)
    row, there = find_sorted(elements.way_id, ids)
    return row[there].tolist(), [roles[i] for i in ids[there].tolist()]


def _tags_of(elements: Elements, relation: Relation, rows: Sequence[int], roles: Sequence[str]) -> Tags:
    """Return the relation's tags, or, where it says nothing of the ground, those its outer ways share."""
    if main_tags(relation.tags):
        return relation.tags
    outer = [set(elements.way_tags[i].items()) for i, role in zip(rows, roles, strict=True) if role != "inner"]
    shared = set.intersection(*outer) if outer else set()
    return {**dict(sorted(shared)), **relation.tags}


def _member_lines(elements: Elements, xy: Floats, rows: Sequence[int]) -> tuple[list[Ints], list[Floats]]:
    refs = [elements.refs[elements.offsets[i] : elements.offsets[i + 1]] for i in rows]
    return refs, [locate(elements, xy, ids) for ids in refs]


def _repeating(elements: Elements, tags: Tags, rows: Sequence[int], roles: Sequence[str]) -> set[int]:
    """Return the outer ways that say of the ground what their relation says already."""
    said = main_tags(tags)
    return {
        i
        for i, role in zip(rows, roles, strict=True)
        if role != "inner" and (own := main_tags(elements.way_tags[i])) and own.items() <= said.items()
    }


def _bank(tags: Tags) -> dict[str, str]:
    return {"waterway": "riverbank", "name": tags.get("name", "")}


# -- all ------------------------------------------------------------------------------------------------------------


def _finish(geometry: Any, extent: Extent, counts: "Counter[str]") -> tuple[Any, Bools]:
    """Return the geometries valid and cut to the zone, and which of them remain."""
    if not len(geometry):
        return geometry, np.empty(0, dtype=bool)
    geometry = geometry.copy()
    wrong = ~shapely.is_valid(geometry)
    geometry[wrong] = shapely.make_valid(geometry[wrong], method="structure", keep_collapsed=False)
    solid = _solid(geometry)
    counts[REPAIRED] += int((wrong & solid).sum())
    counts[NO_SURFACE] += int((~solid).sum())
    held = np.zeros(len(geometry), dtype=bool)
    held[solid] = extent.holds(geometry[solid])
    counts[OUTSIDE] += int((solid & ~held).sum())
    bounds = shapely.bounds(geometry)
    west, south, east, north = extent.zone
    beyond = held & ((bounds[:, :2] < (west, south)) | (bounds[:, 2:] > (east, north))).any(axis=1)
    if beyond.any():
        cut = shapely.intersection(geometry[beyond], shapely.box(*extent.zone))
        geometry[beyond] = [_polygonal(part) for part in cut]
        counts[CUT] += int(beyond.sum())
    return geometry, held & _solid(geometry)


def _polygonal(geometry: Any) -> Any:
    """Return the polygons of a geometry: a cut along an edge can leave lines and points beside them."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = shapely.get_parts(geometry)
    return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), (3, 6))])


def _solid(geometry: Any) -> Bools:
    return np.asarray(np.isin(shapely.get_type_id(geometry), (3, 6)) & (shapely.area(geometry) > 0))
