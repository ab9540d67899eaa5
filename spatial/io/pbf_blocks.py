"""Which nodes, ways and area relations does one unpacked block of a .osm.pbf file hold?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.io.osm_columns import KEY_CODE, TagTable
from spatial.io.osm_elements import Relation
from spatial.io.osm_tags import KEPT_KEYS, PLACE_KEYS
from spatial.io.pbf_blobs import chosen, damaged, fields_of, last_value
from spatial.io.pbf_kernels import (
    CHUNK,
    DELTA,
    FIRST,
    ID,
    KEYS,
    PLAIN,
    SECOND,
    THIRD,
    VALS,
    VERSION,
    VISIBLE,
    Bytes,
    Ints,
    list_entities,
    split_tags,
    to_units,
    unpack,
    zigzag,
)

NOWHERE = 2**31 - 1
_NANO = 100  # billionths of a degree in the unit that is kept
_WAY_MEMBER = 1
_KEY_CODES = {key.encode(): KEY_CODE[key] for key in KEPT_KEYS}


@dataclass(frozen=True, slots=True)
class Block:
    """Elements in the order of the file; ``x`` and ``y`` are ten-millionths of a degree.

    The values of ``place_tags`` and ``way_tags``, which hold no texts, are rows of ``texts``: the places (start, end)
    in ``data`` of those that are used.
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
    relations: tuple[tuple[int, Relation], ...]
    texts: Ints
    data: Bytes
    at: int


@dataclass(frozen=True, slots=True)
class _Text:
    """The bytes of a block, also as an array, the places of its texts, and where its blob stands in the file."""

    raw: bytes
    data: Bytes
    table: Ints
    at: int

    def read(self, rows: Ints) -> list[bytes]:
        """Return these texts as they stand."""
        return [self.raw[start:end] for start, end in self.table[rows].tolist()]

    def decode(self, rows: Ints) -> list[str]:
        """Return these texts."""
        try:
            return [text.decode() for text in self.read(rows)]
        except UnicodeDecodeError as error:
            raise damaged(self.at, f"a blob holds a text that is no UTF-8: {error}") from error


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Nodes of a group: ids, versions, raw latitude and longitude, and tags as (node, key, value) texts."""

    node_id: Ints
    version: Ints
    lat: Ints
    lon: Ints
    tags: tuple[Ints, Ints, Ints]


def read_block(raw: bytes, at: int) -> Block:
    """Return the elements of a block whose blob starts at a byte of the file.

    Raises
    ------
    InputError
        If a number, a text or a list in it cannot be what it should be.
    """
    data = np.frombuffer(raw, dtype=np.uint8)
    fields = fields_of(data, 0, len(data), at)
    strings = [fields_of(data, a, b, at) for _, _, a, b in chosen(fields, 1).tolist()]
    table = np.concatenate([chosen(found, 1)[:, 2:] for found in strings] or [np.empty((0, 2), dtype=np.int64)])
    text = _Text(raw, data, np.ascontiguousarray(table), at)
    members = [fields_of(data, a, b, at) for _, _, a, b in chosen(fields, 2).tolist()]
    group = np.concatenate(members) if members else np.empty((0, 4), dtype=np.int64)
    found = [_dense_nodes(text, a, b) for _, _, a, b in chosen(group, 2).tolist()]
    plain = chosen(group, 1)
    if len(plain):
        found.append(_plain_nodes(text, plain))
    none = np.empty(0, dtype=np.int64)
    lon = np.concatenate([none, *(nodes.lon for nodes in found)])
    lat = np.concatenate([none, *(nodes.lat for nodes in found)])
    nodes, ways = _join_nodes(text, found), _read_ways(text, chosen(group, 3))
    used, row = _used(text, np.concatenate([nodes["place_tags"].value, ways["way_tags"].value]))
    of_places, of_ways = np.split(row.astype(np.int32), [len(nodes["place_tags"].value)])
    nodes["place_tags"] = replace(nodes["place_tags"], value=of_places)
    ways["way_tags"] = replace(ways["way_tags"], value=of_ways)
    return Block(
        **nodes,
        x=_fixed(lon, fields, 20, text),
        y=_fixed(lat, fields, 19, text),
        **ways,
        relations=_read_relations(text, chosen(group, 4)),
        texts=text.table[used],
        data=data,
        at=at,
    )


def _join_nodes(text: _Text, found: list[_Nodes]) -> dict[str, Any]:
    none = np.empty(0, dtype=np.int64)
    starts = np.cumsum([0, *(len(nodes.node_id) for nodes in found)])
    owner = np.concatenate([none, *(nodes.tags[0] + s for nodes, s in zip(found, starts.tolist(), strict=False))])
    key, value = (np.concatenate([none, *(nodes.tags[i] for nodes in found)]) for i in (1, 2))
    node_id = np.concatenate([none, *(nodes.node_id for nodes in found)])
    version = np.concatenate([none, *(nodes.version for nodes in found)])
    tags = _keep_tags(text, len(node_id), owner, key, value)
    places = tags.having(PLACE_KEYS)
    return {
        "node_id": node_id,
        "node_version": version,
        "place_id": node_id[places],
        "place_version": version[places],
        "place_tags": tags.take(places),
    }


def _fixed(raw: Ints, fields: Ints, offset_field: int, text: _Text) -> Ints:
    """Return coordinates in ten-millionths of a degree, cut towards zero; those beyond all maps are NOWHERE."""
    granularity, offset = last_value(fields, 17, 100), last_value(fields, offset_field, 0)
    if not 0 < granularity <= 10**9 or abs(offset) > 2**62:
        raise damaged(text.at, f"a block has a granularity of {granularity} and an offset of {offset}")
    units: Ints = to_units(raw, granularity, offset, _NANO, NOWHERE)
    return units


# -- nodes ----------------------------------------------------------------------------------------------------------


def _dense_nodes(text: _Text, start: int, end: int) -> _Nodes:
    fields = fields_of(text.data, start, end, text.at)
    node_id = _column(text, fields, 1, DELTA)
    n = len(node_id)
    lat, lon = _column(text, fields, 8, DELTA), _column(text, fields, 9, DELTA)
    version, visible = np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64)
    for _, _, a, b in chosen(fields, 5).tolist():
        info = fields_of(text.data, a, b, text.at)
        version = _column(text, info, 1, PLAIN, version)
        visible = _column(text, info, 6, PLAIN, visible)
    for name, column in (("latitudes", lat), ("longitudes", lon), ("versions", version), ("flags", visible)):
        if len(column) != n:
            raise damaged(text.at, f"a blob holds {n:,} dense nodes and {len(column):,} {name}, needed as many of each")
    mixed = _column(text, fields, 10, PLAIN)
    owner, key, value, wrong = split_tags(mixed, n)
    if wrong >= 0:
        raise damaged(text.at, "a blob holds tags of dense nodes that belong to no node or have no value")
    if visible.all():
        return _Nodes(node_id, version, lat, lon, (owner, key, value))
    kept = visible != 0
    tags = _tags_of_kept(kept, owner, key, value)
    return _Nodes(node_id[kept], version[kept], lat[kept], lon[kept], tags)


def _tags_of_kept(kept: NDArray[np.bool_], owner: Ints, key: Ints, value: Ints) -> tuple[Ints, Ints, Ints]:
    still = kept[owner]
    return (np.cumsum(kept) - 1)[owner[still]], key[still], value[still]


def _plain_nodes(text: _Text, messages: Ints) -> _Nodes:
    rows = _entities(text, messages)
    if (rows[:, [FIRST + 1, SECOND + 1]] != -1).any():
        raise damaged(text.at, "a blob holds a node without a latitude or longitude")
    return _Nodes(zigzag(rows[:, ID]), rows[:, VERSION], zigzag(rows[:, FIRST]), zigzag(rows[:, SECOND]),
                  _raw_tags(text, rows))  # fmt: skip


# -- ways and relations ---------------------------------------------------------------------------------------------


def _read_ways(text: _Text, messages: Ints) -> dict[str, Any]:
    rows = _entities(text, messages)
    refs, offsets = _packed(text, rows[:, FIRST], rows[:, FIRST + 1], DELTA)
    return {
        "way_id": rows[:, ID],
        "way_version": rows[:, VERSION],
        "way_tags": _keep_tags(text, len(rows), *_raw_tags(text, rows)),
        "refs": refs,
        "counts": np.diff(offsets),
    }


def _read_relations(text: _Text, messages: Ints) -> tuple[tuple[int, Relation], ...]:
    """Return the relations that draw areas, with their versions."""
    rows = _entities(text, messages)
    if not len(rows):
        return ()
    tags = _read_texts(text, _keep_tags(text, len(rows), *_raw_tags(text, rows)))
    role, offsets = _packed(text, rows[:, FIRST], rows[:, FIRST + 1], PLAIN)
    member, of_member = _packed(text, rows[:, SECOND], rows[:, SECOND + 1], DELTA)
    kind, of_kind = _packed(text, rows[:, THIRD], rows[:, THIRD + 1], PLAIN)
    if not (np.array_equal(offsets, of_member) and np.array_equal(offsets, of_kind)):
        raise damaged(text.at, "a blob holds a relation whose members, roles and kinds are not as many")
    _check_texts(text, role)
    out = []
    for row in np.flatnonzero(tags.judge(lambda tags: tags.get("type") == "multipolygon", ["type"])).tolist():
        drawn = offsets[row] + np.flatnonzero(kind[offsets[row] : offsets[row + 1]] == _WAY_MEMBER)
        members = tuple(zip(member[drawn].tolist(), text.decode(role[drawn]), strict=True))
        out.append((int(rows[row, VERSION]), Relation(int(rows[row, ID]), tags[row], members)))
    return tuple(out)


def _entities(text: _Text, messages: Ints) -> Ints:
    """Return the visible ones of so many elements, a row each."""
    start, end = np.ascontiguousarray(messages[:, 2]), np.ascontiguousarray(messages[:, 3])
    rows: Ints
    rows, wrong = list_entities(text.data, start, end)
    if wrong >= 0:
        raise damaged(text.at, f"a blob holds an element that cannot be, {wrong:,} bytes into it")
    rows[rows[:, VERSION] == -1, VERSION] = 0
    if len(rows) and not (rows[:, VERSION].min() >= 0 and rows[:, VERSION].max() <= NOWHERE):
        raise damaged(text.at, "a blob holds an element with a negative version")
    visible: Ints = rows[rows[:, VISIBLE] != 0]
    return visible


def _raw_tags(text: _Text, rows: Ints) -> tuple[Ints, Ints, Ints]:
    key, offsets = _packed(text, rows[:, KEYS], rows[:, KEYS + 1], PLAIN)
    value, of_value = _packed(text, rows[:, VALS], rows[:, VALS + 1], PLAIN)
    if not np.array_equal(offsets, of_value):
        raise damaged(text.at, "a blob holds an element with more keys than values, or fewer")
    return np.repeat(np.arange(len(rows)), np.diff(offsets)), key, value


# -- all ------------------------------------------------------------------------------------------------------------


def _column(text: _Text, fields: Ints, number: int, meaning: int, default: Ints | None = None) -> Ints:
    """Return the packed numbers of a field, the default where there are none."""
    if len(fields) and ((fields[:, 0] == number) & (fields[:, 1] != CHUNK)).any():
        raise damaged(text.at, f"a blob holds field {number} of its nodes unpacked, needed packed")
    found = chosen(fields, number)
    if len(found) > 1:
        raise damaged(text.at, f"a blob holds field {number} of its nodes twice")
    values, _ = _packed(text, found[:, 2], found[:, 3], meaning)
    return default if default is not None and not len(values) else values


def _packed(text: _Text, start: Ints, end: Ints, meaning: int) -> tuple[Ints, Ints]:
    if ((start < 0) | (end < start)).any():  # a number in place of a list has no end
        raise damaged(text.at, "a blob holds an element with a list that is not packed")
    values, offsets, wrong = unpack(text.data, np.ascontiguousarray(start), np.ascontiguousarray(end), meaning)
    if wrong >= 0:
        raise damaged(text.at, f"a blob holds a number without an end, {wrong:,} bytes into it")
    return values, offsets


def _check_texts(text: _Text, rows: Ints) -> None:
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(text.table)):
        raise damaged(text.at, f"a blob names text {int(rows.max()):,} of {len(text.table):,}")


def _keep_tags(text: _Text, count: int, owner: Ints, key: Ints, value: Ints) -> TagTable:
    """Return the tags with kept keys; their values are the numbers of texts of the block, not read yet."""
    _check_texts(text, key)
    _check_texts(text, value)
    used, row = _used(text, key)
    code = np.array([_KEY_CODES.get(name, -1) for name in text.read(used)], dtype=np.int32)[row]
    kept = np.flatnonzero(code >= 0)
    return TagTable(count, owner[kept], code[kept], value[kept].astype(np.int32), ())


def _read_texts(text: _Text, tags: TagTable) -> TagTable:
    used, row = _used(text, tags.value.astype(np.int64))
    return replace(tags, value=row.astype(np.int32), texts=tuple(text.decode(used)))


def _used(text: _Text, rows: Ints) -> tuple[Ints, Ints]:
    """Return the texts that are used, and for each use the place among them."""
    flag = np.zeros(len(text.table) + 1, dtype=bool)
    flag[rows] = True
    place = np.cumsum(flag) - 1
    return np.flatnonzero(flag), place[rows]
