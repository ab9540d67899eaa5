"""Which nodes, ways and area relations does one unpacked block of a .osm.pbf file hold?"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.io.osm_columns import KEYS as KEY_NAMES
from spatial.io.osm_elements import Relation
from spatial.io.osm_tags import PLACE_KEYS
from spatial.io.pbf_blobs import chosen, damaged, fields_of, last_value
from spatial.io.pbf_kernels import (
    CHUNK,
    DELTA,
    ENDLESS,
    FIRST,
    ID,
    KEYS,
    NO_TEXT,
    PLAIN,
    SECOND,
    THIRD,
    UNKNOWN,
    VALS,
    VERSION,
    VISIBLE,
    Bytes,
    Ints,
    list_entities,
    list_tags,
    to_units,
    unpack,
    zigzag,
)

NOWHERE = 2**31 - 1
_NANO = 100  # billionths of a degree in the unit that is kept
_WAY_MEMBER = 1
_LETTERS = max(len(name.encode()) for name in KEY_NAMES)
_KEYS = np.array([[len(name.encode()), *name.encode().ljust(_LETTERS, b"\0")] for name in KEY_NAMES], dtype=np.uint8)
_PLACE_KEYS = np.array([name in PLACE_KEYS for name in KEY_NAMES])
_ANY_KEY = np.ones(len(KEY_NAMES), dtype=bool)
_NOT_DENSE = -1
_NONE = np.empty(0, dtype=np.int64)

Bools = NDArray[np.bool_]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TagColumns:
    """Tags of kept keys in the order of their elements: which element, which key, which text of the block is the
    value."""

    owner: Ints
    key: Codes
    value: Codes


@dataclass(frozen=True, slots=True)
class Block:
    """Elements in the order of the file; ``x`` and ``y`` are ten-millionths of a degree.

    Places are the nodes that are worth a point. ``texts`` are the places (start, end) of the texts in ``data``, which
    is the block whose blob starts at the byte ``at`` of the file.
    """

    node_id: Ints
    node_version: Ints
    x: Ints
    y: Ints
    place_id: Ints
    place_version: Ints
    place_tags: TagColumns
    way_id: Ints
    way_version: Ints
    way_tags: TagColumns
    refs: Ints
    counts: Ints
    relations: tuple[tuple[int, Relation], ...]
    texts: Ints
    data: Bytes
    at: int


@dataclass(frozen=True, slots=True)
class _Text:
    """The bytes of a block, the places of its texts, the code of the key that each is, and where its blob stands."""

    data: Bytes
    table: Ints
    codes: Ints
    at: int

    def decode(self, number: int) -> str:
        """Return a text."""
        start, end = self.table[number].tolist()
        try:
            return self.data[start:end].tobytes().decode()
        except UnicodeDecodeError as error:
            raise damaged(self.at, f"a blob holds a text that is no UTF-8: {error}") from error


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Nodes of a group: ids, versions, raw longitude and latitude, and the tags of those that are worth a point."""

    node_id: Ints
    version: Ints
    lon: Ints
    lat: Ints
    tags: TagColumns


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
    table = np.concatenate([chosen(found, 1)[:, 2:] for found in strings] or [_NONE.reshape(0, 2)])
    text = _Text(data, np.ascontiguousarray(table), np.full(len(table), UNKNOWN), at)
    members = [fields_of(data, a, b, at) for _, _, a, b in chosen(fields, 2).tolist()]
    group = _join(members if members else [_NONE.reshape(0, 4)])
    kinds = [group[group[:, 0] == kind] for kind in (1, 2, 3, 4)]
    plain, dense, ways, relations = (rows[rows[:, 1] == CHUNK] for rows in kinds)
    return Block(
        **_read_nodes(text, dense, plain, fields),
        **_read_ways(text, ways),
        relations=_read_relations(text, relations),
        texts=text.table,
        data=data,
        at=at,
    )


def _join(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


# -- nodes ----------------------------------------------------------------------------------------------------------


def _read_nodes(text: _Text, dense: Ints, plain: Ints, fields: Ints) -> dict[str, Any]:
    found = [_dense_nodes(text, a, b) for _, _, a, b in dense.tolist()]
    if len(plain) or not found:
        found.append(_plain_nodes(text, plain))
    starts = np.cumsum([0, *(len(nodes.node_id) for nodes in found)]).tolist()
    node_id, version = _join([nodes.node_id for nodes in found]), _join([nodes.version for nodes in found])
    row = _join([nodes.tags.owner + start for nodes, start in zip(found, starts, strict=False)])
    begins = np.concatenate([np.ones(min(len(row), 1), dtype=bool), row[1:] != row[:-1]])
    place = row[begins]
    key, value = _join([nodes.tags.key for nodes in found]), _join([nodes.tags.value for nodes in found])
    return {
        "node_id": node_id,
        "node_version": version,
        "x": _fixed(_join([nodes.lon for nodes in found]), fields, 20, text),
        "y": _fixed(_join([nodes.lat for nodes in found]), fields, 19, text),
        "place_id": node_id[place],
        "place_version": version[place],
        "place_tags": TagColumns(np.cumsum(begins) - 1, key, value),
    }


def _fixed(raw: Ints, fields: Ints, offset_field: int, text: _Text) -> Ints:
    """Return coordinates in ten-millionths of a degree, cut towards zero; those beyond all maps are NOWHERE."""
    granularity, offset = last_value(fields, 17, 100), last_value(fields, offset_field, 0)
    if not 0 < granularity <= 10**9 or abs(offset) > 2**62:
        raise damaged(text.at, f"a block has a granularity of {granularity} and an offset of {offset}")
    units: Ints = to_units(raw, granularity, offset, _NANO, NOWHERE)
    return units


def _dense_nodes(text: _Text, start: int, end: int) -> _Nodes:
    fields = fields_of(text.data, start, end, text.at).tolist()
    node_id, lat, lon = _columns(text, [_list_of(text, fields, number) for number in (1, 8, 9)], DELTA)
    n = len(node_id)
    version, visible = np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64)
    for number, wire, a, b in fields:
        if (number, wire) == (5, CHUNK):
            info = fields_of(text.data, a, b, text.at).tolist()
            told = _columns(text, [_list_of(text, info, 1), _list_of(text, info, 6)], PLAIN)
            version, visible = told[0] if len(told[0]) else version, told[1] if len(told[1]) else visible
    for name, column in (("latitudes", lat), ("longitudes", lon), ("versions", version), ("flags", visible)):
        if len(column) != n:
            raise damaged(text.at, f"a blob holds {n:,} dense nodes and {len(column):,} {name}, needed as many of each")
    mixed = np.zeros((1, VALS), dtype=np.int64)
    mixed[0, KEYS:] = _list_of(text, fields, 10)
    tags = _list_tags(text, mixed, n, _PLACE_KEYS)
    if visible.all():
        return _Nodes(node_id, version, lon, lat, tags)
    kept = visible != 0
    still = kept[tags.owner]
    tags = TagColumns((np.cumsum(kept) - 1)[tags.owner[still]], tags.key[still], tags.value[still])
    return _Nodes(node_id[kept], version[kept], lon[kept], lat[kept], tags)


def _plain_nodes(text: _Text, messages: Ints) -> _Nodes:
    rows = _entities(text, messages)
    if (rows[:, [FIRST + 1, SECOND + 1]] != -1).any():
        raise damaged(text.at, "a blob holds a node without a latitude or longitude")
    lat, lon = zigzag(rows[:, FIRST]), zigzag(rows[:, SECOND])
    return _Nodes(zigzag(rows[:, ID]), rows[:, VERSION], lon, lat, _list_tags(text, rows, _NOT_DENSE, _PLACE_KEYS))


# -- ways and relations ---------------------------------------------------------------------------------------------


def _read_ways(text: _Text, messages: Ints) -> dict[str, Any]:
    rows = _entities(text, messages)
    refs, offsets = _packed(text, rows[:, FIRST], rows[:, FIRST + 1], DELTA)
    return {
        "way_id": rows[:, ID],
        "way_version": rows[:, VERSION],
        "way_tags": _list_tags(text, rows, _NOT_DENSE, _ANY_KEY),
        "refs": refs,
        "counts": np.diff(offsets),
    }


def _read_relations(text: _Text, messages: Ints) -> tuple[tuple[int, Relation], ...]:
    """Return the relations that draw areas, with their versions."""
    if not len(messages):
        return ()
    rows = _entities(text, messages)
    tags = _list_tags(text, rows, _NOT_DENSE, _ANY_KEY)
    role, offsets = _packed(text, rows[:, FIRST], rows[:, FIRST + 1], PLAIN)
    member, of_member = _packed(text, rows[:, SECOND], rows[:, SECOND + 1], DELTA)
    kind, of_kind = _packed(text, rows[:, THIRD], rows[:, THIRD + 1], PLAIN)
    if not (np.array_equal(offsets, of_member) and np.array_equal(offsets, of_kind)):
        raise damaged(text.at, "a blob holds a relation whose members, roles and kinds are not as many")
    if len(role) and not (role.min() >= 0 and role.max() < len(text.table)):
        raise _no_text(text, int(role.max()))
    held: list[dict[str, str]] = [{} for _ in rows]
    for owner, key, value in zip(tags.owner.tolist(), tags.key.tolist(), tags.value.tolist(), strict=True):
        held[owner][KEY_NAMES[key]] = text.decode(value)
    out = []
    for row in [row for row, mapping in enumerate(held) if mapping.get("type") == "multipolygon"]:
        drawn = offsets[row] + np.flatnonzero(kind[offsets[row] : offsets[row + 1]] == _WAY_MEMBER)
        members = tuple(
            (way, text.decode(of)) for way, of in zip(member[drawn].tolist(), role[drawn].tolist(), strict=True)
        )
        out.append((int(rows[row, VERSION]), Relation(int(rows[row, ID]), held[row], members)))
    return tuple(out)


def _entities(text: _Text, messages: Ints) -> Ints:
    """Return the visible ones of so many elements, a row each."""
    start, end = np.ascontiguousarray(messages[:, 2]), np.ascontiguousarray(messages[:, 3])
    rows: Ints
    rows, wrong = list_entities(text.data, start, end)
    if wrong >= 0:
        raise damaged(text.at, f"a blob holds an element that cannot be, {wrong:,} bytes into it")
    version = rows[:, VERSION]
    version[version == -1] = 0
    if len(rows) and not (version.min() >= 0 and version.max() <= NOWHERE):
        raise damaged(text.at, "a blob holds an element with a negative version")
    visible = rows[:, VISIBLE] != 0
    return rows if visible.all() else rows[visible]


# -- all ------------------------------------------------------------------------------------------------------------


def _list_of(text: _Text, fields: list[list[int]], number: int) -> tuple[int, int]:
    """Return the place of the packed numbers of a field, (0, 0) where there are none."""
    found = [field for field in fields if field[0] == number]
    if any(field[1] != CHUNK for field in found):
        raise damaged(text.at, f"a blob holds field {number} of its nodes unpacked, needed packed")
    if len(found) > 1:
        raise damaged(text.at, f"a blob holds field {number} of its nodes twice")
    return (found[0][2], found[0][3]) if found else (0, 0)


def _columns(text: _Text, places: list[tuple[int, int]], meaning: int) -> list[Ints]:
    """Return the packed numbers of each of these places."""
    start, end = np.array(places, dtype=np.int64).T
    values, offsets = _packed(text, start, end, meaning)
    return [values[a:b] for a, b in pairwise(offsets.tolist())]


def _packed(text: _Text, start: Ints, end: Ints, meaning: int) -> tuple[Ints, Ints]:
    if ((start < 0) | (end < start)).any():  # a number in place of a list has no end
        raise damaged(text.at, "a blob holds an element with a list that is not packed")
    values, offsets, wrong = unpack(text.data, np.ascontiguousarray(start), np.ascontiguousarray(end), meaning)
    if wrong >= 0:
        raise damaged(text.at, f"a blob holds a number without an end, {wrong:,} bytes into it")
    return values, offsets


def _list_tags(text: _Text, rows: Ints, dense: int, asked: Bools) -> TagColumns:
    """Return the tags of the elements that have at least one with a key that is asked for."""
    most = int((rows[:, KEYS + 1] - rows[:, KEYS]).sum())
    owner, key, value = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
    texts = text.table, _KEYS, text.codes
    count, wrong, found = list_tags(text.data, rows, dense, texts, asked, (owner, key, value))
    if wrong == NO_TEXT:
        raise _no_text(text, found)
    if wrong == ENDLESS:
        raise damaged(text.at, f"a blob holds a number without an end, {found:,} bytes into it")
    if wrong and dense >= 0:
        raise damaged(text.at, "a blob holds tags of dense nodes that belong to no node or have no value")
    if wrong:
        raise damaged(text.at, "a blob holds an element with more keys than values, or fewer")
    return TagColumns(owner[:count], key[:count], value[:count])


def _no_text(text: _Text, number: int) -> Exception:
    return damaged(text.at, f"a blob names text {number:,} of {len(text.table):,}")
