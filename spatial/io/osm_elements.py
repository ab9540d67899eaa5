"""Which nodes, ways and area relations does an OpenStreetMap source hold, whatever the order they stand in?"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.io.osm_columns import TagTable, tag_table
from spatial.io.osm_frames import Bools, Ints
from spatial.io.osm_tags import KEPT_KEYS, Tags, is_place

MAX_NODES = 100_000_000
UNITS_PER_DEGREE = 10_000_000
"""OpenStreetMap stores whole ten-millionths of a degree."""
_NOWHERE = 2**31 - 1
VERSIONS = "element given in several versions: newest kept"


@dataclass(frozen=True, slots=True)
class Relation:
    """An area relation: its id, its tags and its way members as (way id, role)."""

    relation_id: int
    tags: Tags
    members: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of a map, each kind sorted by id, each id once.

    Attributes
    ----------
    node_id, lonlat:
        All nodes; ``lonlat`` is (n, 2) in degrees, NaN where a node has no usable coordinates.
    place_row, place_tags:
        Rows of the nodes that carry tags worth a point, and those tags.
    way_id, way_tags, refs, offsets:
        All ways; the node ids of way ``i`` are ``refs[offsets[i]:offsets[i + 1]]``.
    relations:
        The relations of type multipolygon.
    box:
        West, south, east, north of the ground that the source says it covers.
    dropped:
        Reason -> number of elements left out so far.
    """

    node_id: Ints
    lonlat: NDArray[np.float64]
    place_row: Ints
    place_tags: TagTable
    way_id: Ints
    way_tags: TagTable
    refs: Ints
    offsets: Ints
    relations: Sequence[Relation]
    box: tuple[float, float, float, float] | None
    dropped: Mapping[str, int]

    def find_nodes(self, ids: Ints) -> tuple[Ints, Bools]:
        """Return the row of each node id, and whether there is one."""
        return find_sorted(self.node_id, ids)


@dataclass(frozen=True, slots=True)
class Pile:
    """Elements as they come from a source, in any order, with repeats; filled by one reading loop."""

    node_id: "array[int]" = field(default_factory=lambda: array("q"))
    node_version: "array[int]" = field(default_factory=lambda: array("i"))
    x: "array[int]" = field(default_factory=lambda: array("q"))
    y: "array[int]" = field(default_factory=lambda: array("q"))
    places: list[tuple[int, int, Tags]] = field(default_factory=list)
    way_id: "array[int]" = field(default_factory=lambda: array("q"))
    way_version: "array[int]" = field(default_factory=lambda: array("i"))
    way_tags: list[Tags] = field(default_factory=list)
    refs: "array[int]" = field(default_factory=lambda: array("q"))
    counts: "array[int]" = field(default_factory=lambda: array("q"))
    relations: list[tuple[int, Relation]] = field(default_factory=list)

    def add_node(self, node_id: int, version: int, x: int, y: int) -> None:
        """Take a node at whole ten-millionths of a degree."""
        self.node_id.append(node_id)
        self.node_version.append(version)
        self.x.append(x)
        self.y.append(y)

    def add_place(self, node_id: int, version: int, tags: Iterable[tuple[str, str]]) -> None:
        """Take the tags of a node, if it is worth a point."""
        kept = keep_tags(tags)
        if is_place(kept):
            self.places.append((node_id, version, kept))

    def add_way(self, way_id: int, version: int, tags: Iterable[tuple[str, str]], refs: Sequence[int]) -> None:
        """Take a way with the ids of its nodes."""
        self.way_id.append(way_id)
        self.way_version.append(version)
        self.way_tags.append(keep_tags(tags))
        self.refs.extend(refs)
        self.counts.append(len(refs))

    def add_relation(self, version: int, relation: Relation) -> None:
        """Take an area relation."""
        self.relations.append((version, relation))


def keep_tags(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the tags that Wangge reads."""
    return {key: value for key, value in tags if key in KEPT_KEYS}


def find_sorted(ids: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Return the row of each wanted id among sorted ids, and whether it is there (row 0 where not)."""
    if not len(ids):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    row = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found = ids[row] == wanted
    return np.where(found, row, 0), found


def take_ragged(flat: Any, offsets: Ints, rows: Ints) -> tuple[Any, Ints]:
    """Return the chosen pieces of a flat array, one after the other, and their new offsets."""
    counts = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    index = np.arange(ends[-1]) + np.repeat(offsets[:-1][rows] - ends[:-1], counts)
    return flat[index], ends


@dataclass(frozen=True, slots=True)
class Columns:
    """Elements as they come from a source, in any order, with repeats, as arrays.

    ``x`` and ``y`` are whole ten-millionths of a degree. Places are the nodes whose tags are worth a point. The node
    ids of the ways stand one after the other in ``refs``, ``counts`` of them each; relations come with their versions.
    """

    node_id: Ints
    node_version: Ints
    x: Ints
    y: Ints
    place_id: Ints
    place_version: Ints
    place_tags: TagTable
    way_id: Ints
    way_version: Ints
    way_tags: TagTable
    refs: Ints
    counts: Ints
    relations: Sequence[tuple[int, Relation]]


def sort_elements(pile: Pile, box: tuple[float, float, float, float] | None) -> Elements:
    """Return the elements of a pile sorted by id, as ``sort_columns`` does."""

    def numbers(values: Iterable[int]) -> Ints:
        return np.array(values, dtype=np.int64)

    columns = Columns(
        node_id=numbers(pile.node_id),
        node_version=numbers(pile.node_version),
        x=numbers(pile.x),
        y=numbers(pile.y),
        place_id=numbers([place[0] for place in pile.places]),
        place_version=numbers([place[1] for place in pile.places]),
        place_tags=tag_table([place[2] for place in pile.places]),
        way_id=numbers(pile.way_id),
        way_version=numbers(pile.way_version),
        way_tags=tag_table(pile.way_tags),
        refs=numbers(pile.refs),
        counts=numbers(pile.counts),
        relations=pile.relations,
    )
    return sort_columns(columns, box)


def sort_columns(columns: Columns, box: tuple[float, float, float, float] | None) -> Elements:
    """Return elements sorted by id; of one that comes several times the newest version stays, and those that say
    otherwise are counted.

    Raises
    ------
    InputError
        If there are more nodes than a city or province has.
    """
    if len(columns.node_id) > MAX_NODES:
        raise InputError(f"holds more than {MAX_NODES:,} nodes, needed the extract of a city or a province")
    dropped: Counter[str] = Counter()
    node_id, lonlat = _sort_nodes(columns, dropped)
    place_row, place_tags = _sort_places(columns, node_id)
    order = _newest_ways(columns, dropped)
    starts = _starts(columns.counts)
    refs, offsets = (columns.refs, starts) if order is None else take_ragged(columns.refs, starts, order)
    newest = {r.relation_id: r for _, r in sorted(columns.relations, key=_relation_key)}
    return Elements(
        node_id=node_id,
        lonlat=lonlat,
        place_row=place_row,
        place_tags=place_tags,
        way_id=columns.way_id if order is None else columns.way_id[order],
        way_tags=columns.way_tags if order is None else columns.way_tags.take(order),
        refs=refs,
        offsets=offsets,
        relations=[newest[i] for i in sorted(newest)],
        box=box,
        dropped=dropped,
    )


def _rising(ids: Ints) -> bool:
    return bool((ids[1:] > ids[:-1]).all())


def _starts(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _sort_nodes(columns: Columns, dropped: "Counter[str]") -> tuple[Ints, NDArray[np.float64]]:
    ids, x, y = columns.node_id, columns.x, columns.y
    if not _rising(ids):
        order = np.lexsort((y, x, columns.node_version, ids))
        ids, x, y = ids[order], x[order], y[order]
        last = np.concatenate([ids[1:] != ids[:-1], np.ones(min(len(ids), 1), dtype=bool)])
        other = (x[1:] != x[:-1]) | (y[1:] != y[:-1])
        dropped[VERSIONS] += int((~last[:-1] & other).sum())
        ids, x, y = ids[last], x[last], y[last]
    lonlat = np.empty((len(ids), 2))
    np.divide(x, UNITS_PER_DEGREE, out=lonlat[:, 0])
    np.divide(y, UNITS_PER_DEGREE, out=lonlat[:, 1])
    bad = np.union1d(_beyond(x, 180 * UNITS_PER_DEGREE), _beyond(y, 90 * UNITS_PER_DEGREE))
    lonlat[bad] = np.nan
    dropped["node without usable coordinates"] += len(bad)
    return ids, lonlat


def _beyond(values: Ints, most: int) -> Ints:
    """Return the rows of the numbers that are larger than that, or smaller than its negative: mostly none."""
    if not len(values) or (values.min() >= -most and values.max() <= most):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero((values < -most) | (values > most))


def _sort_places(columns: Columns, node_id: Ints) -> tuple[Ints, TagTable]:
    ids, tags = columns.place_id, columns.place_tags
    if not _rising(ids):
        tie = [sorted(mapping.items()) for mapping in tags]
        versions = columns.place_version.tolist()
        order = sorted(range(len(ids)), key=lambda k: (ids[k], versions[k], tie[k]))
        last = np.array(list({int(ids[k]): k for k in order}.values()), dtype=np.int64)
        ids, tags = ids[last], tags.take(last)
    row, _ = find_sorted(node_id, ids)
    return row, tags


def _newest_ways(columns: Columns, dropped: "Counter[str]") -> Ints | None:
    """Rows of the ways sorted by id, the newest of each, None where they are so already; equal versions are told
    apart by what they hold."""
    ids = columns.way_id
    if _rising(ids):
        return None
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    first = np.concatenate([np.ones(min(len(ids), 1), dtype=bool), ordered[1:] != ordered[:-1]])
    newest: Ints = order[first]
    starts = _starts(columns.counts).tolist()

    def key(row: int) -> tuple[int, list[int], list[tuple[str, str]]]:
        refs = columns.refs[starts[row] : starts[row + 1]].tolist()
        return int(columns.way_version[row]), refs, sorted(columns.way_tags[row].items())

    begin = np.flatnonzero(first)
    size = np.diff(np.append(begin, len(ids)))
    for at in np.flatnonzero(size > 1).tolist():  # ways that come twice are rare
        group = order[begin[at] : begin[at] + size[at]].tolist()
        dropped[VERSIONS] += len({repr(key(row)[1:]) for row in group}) - 1
        newest[at] = max(group, key=key)
    return newest


def _relation_key(entry: tuple[int, Relation]) -> tuple[int, int, list[tuple[str, str]], Any]:
    version, relation = entry
    return relation.relation_id, version, sorted(relation.tags.items()), relation.members


def fixed_point(degrees: Any) -> int:
    """Return a coordinate in ten-millionths of a degree, or a number beyond every coordinate if it is none."""
    try:
        units = round(float(degrees) * UNITS_PER_DEGREE)
    except (TypeError, ValueError, OverflowError):
        return _NOWHERE
    return units if abs(units) < _NOWHERE else _NOWHERE
