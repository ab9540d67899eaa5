"""How is a part of a layer written as a vector tile (Mapbox Vector Tile 2.1, WebMercatorQuad)?

Geometries are moved to the tile, cut a little beyond its border and rounded to whole units, vertex by vertex: borders
that are shared stay shared. Parts that vanish in the rounding are left out, and features all of whose parts do.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

EXTENT = 4096
"""Units along a side of a tile."""
BUFFER = 64
"""Units beyond the border of a tile that are drawn as well, so that lines at the border meet."""
MOST_ZOOM = 22
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

_MOST_LATITUDE = 85.0511287798066
_MOVE_ONE, _LINE, _CLOSE, _MOVE = 9, 2, 15, 1
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TileAddress:
    """A tile of WebMercatorQuad: rows are counted from the north, columns from the west."""

    zoom: int
    row: int
    col: int

    def exists(self) -> bool:
        """Tell whether the tiling has such a tile."""
        most = 1 << self.zoom if 0 <= self.zoom <= MOST_ZOOM else 0
        return 0 <= self.row < most and 0 <= self.col < most

    def bounds(self, buffer: int = BUFFER) -> tuple[float, float, float, float]:
        """Return west, south, east, north in degrees, so many units beyond the border."""
        by, side = buffer / EXTENT, 2.0**self.zoom
        west, east = ((self.col + offset) / side * 360.0 - 180.0 for offset in (-by, 1 + by))
        north, south = (_latitude((self.row + offset) / side) for offset in (-by, 1 + by))
        return west, south, east, north


def _latitude(share: float) -> float:
    return float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * share)))))


def write_tile(
    name: str, tile: TileAddress, geometry: Any, ids: Sequence[str], columns: Mapping[str, Sequence[Any]]
) -> bytes:
    """Return a tile of one layer; no bytes at all where nothing can be seen.

    Geometries are an array in longitude and latitude. Properties hold a text, number, flag or None (left out) per
    feature; each feature also has its id as the property ``id``.
    """
    placed = _clip(shapely.transform(geometry, lambda xy: _to_tile(xy, tile)))
    shapes = _encode_geometries(placed)
    if not shapes:
        return b""
    tags = _Tags({}, {})
    features = [
        _field(2, _field(2, tags.write({"id": ids[at], **{k: v[at] for k, v in columns.items()}})) + _kind(kind, text))
        for at, kind, text in shapes
    ]
    words = [_field(3, key.encode()) for key in tags.keys] + [_field(4, value) for value in tags.values]
    head = b"\x78" + _varint(2) + _field(1, name.encode())
    return _field(3, head + b"".join(features) + b"".join(words) + b"\x28" + _varint(EXTENT))


def _kind(kind: int, text: bytes) -> bytes:
    return b"\x18" + _varint(kind) + _field(4, text)


def _to_tile(lonlat: Any, tile: TileAddress) -> Any:
    lat = np.radians(np.clip(lonlat[:, 1], -_MOST_LATITUDE, _MOST_LATITUDE))
    side = 2.0**tile.zoom * EXTENT
    x = (lonlat[:, 0] + 180.0) / 360.0 * side - tile.col * EXTENT
    y = (1 - np.arcsinh(np.tan(lat)) / np.pi) / 2 * side - tile.row * EXTENT
    return np.column_stack([x, y])


def _clip(geometry: Any) -> Any:
    """Return geometries cut to the tile, areas with outer rings of positive area as the format asks for."""
    low, high = -BUFFER, EXTENT + BUFFER
    within = shapely.box(low, low, high, high)
    bounds = shapely.bounds(geometry)
    inside = (bounds[:, :2] >= low).all(axis=1) & (bounds[:, 2:] <= high).all(axis=1)
    cut = geometry.copy()
    cut[~inside] = shapely.clip_by_rect(geometry[~inside], *within.bounds)
    return shapely.orient_polygons(cut, exterior_cw=False)


def _encode_geometries(geometry: Any) -> list[tuple[int, int, bytes]]:
    """Return for each geometry that can be seen its position, kind (1 points, 2 lines, 3 areas) and commands."""
    dimension = shapely.get_dimensions(geometry)
    out = []
    for dim in (0, 1, 2):
        at = np.flatnonzero((dimension == dim) & ~shapely.is_empty(geometry))
        parts, of = shapely.get_parts(geometry[at], return_index=True)
        flat = shapely.get_dimensions(parts) == dim  # what a cut at a corner leaves beside an area is no area
        written = _encode_points if dim == 0 else _encode_paths
        out += [(int(at[row]), dim + 1, text) for row, text in written(parts[flat], of[flat])]
    return sorted(out)


def _encode_points(parts: Any, of: Any) -> list[tuple[int, bytes]]:
    xy, first = _whole(shapely.get_coordinates(parts)), _first(of)
    texts, starts = _varints(_deltas(xy, first).ravel())
    rows, counts = np.unique(of, return_counts=True)
    ends = np.cumsum(counts)
    return [
        (int(row), _varint(int(count) << 3 | _MOVE) + texts[starts[2 * (end - count)] : starts[2 * end]])
        for row, count, end in zip(rows, counts, ends, strict=True)
    ]


def _encode_paths(parts: Any, of: Any) -> list[tuple[int, bytes]]:
    """Return the commands of lines or rings, all at once: a tile has many thousand vertices."""
    closed = bool(len(parts)) and parts[0].geom_type == "Polygon"
    if closed:
        parts, ring_of = shapely.get_rings(parts, return_index=True)
        outer, of = _first(ring_of), of[ring_of]
    else:
        outer, ring_of = np.ones(len(parts), dtype=bool), np.arange(len(parts))
    xy, path = shapely.get_coordinates(parts, return_index=True)
    xy = _whole(xy)
    keep = _first(path) | (np.diff(xy, axis=0, prepend=xy[:1]) != 0).any(axis=1)
    if closed:
        keep &= ~(np.append(path[1:] != path[:-1], True) & ~_first(path))  # rings end where they begin
    xy, path = xy[keep], path[keep]
    good = _visible(xy, path, len(parts), outer, ring_of) if closed else np.bincount(path, minlength=len(parts)) >= 2
    xy, path = xy[good[path]], path[good[path]]
    return _commands(xy, path, of, closed=closed) if len(xy) else []


def _visible(xy: _Ints, ring: Any, rings: int, outer: Any, part: Any) -> Any:
    """Return which rings are left: three vertices or more, of an area turned the right way, in a part that is left."""
    first = _first(ring)
    begin = xy[np.maximum.accumulate(np.where(first, np.arange(len(xy)), 0))]
    follow = np.vstack([xy[1:], xy[:1]])
    last = np.append(first[1:], True)
    follow[last] = begin[last]
    cross = xy[:, 0] * follow[:, 1] - follow[:, 0] * xy[:, 1]
    area = np.bincount(ring, weights=cross, minlength=rings)
    good = (np.bincount(ring, minlength=rings) >= 3) & np.where(outer, area > 0, area < 0)
    whole = np.zeros(int(part.max()) + 1, dtype=bool)
    whole[part[outer]] = good[outer]
    return good & whole[part]


def _commands(xy: _Ints, path: Any, of: Any, *, closed: bool) -> list[tuple[int, bytes]]:
    feature = of[path]
    deltas = _deltas(xy, _first(feature))
    first = _first(path)
    start = np.flatnonzero(first)
    sizes = np.diff(np.append(start, len(xy)))
    extra = 3 if closed else 2
    number = np.cumsum(first) - 1
    at = 2 * np.arange(len(xy)) + extra * number + 1 + ~first
    stream = np.empty(2 * len(xy) + extra * len(start), dtype=np.int64)
    stream[at], stream[at + 1] = deltas[:, 0], deltas[:, 1]
    stream[at[start] - 1] = _MOVE_ONE
    stream[at[start] + 2] = (sizes - 1) << 3 | _LINE
    if closed:
        stream[at[start + sizes - 1] + 2] = _CLOSE
    texts, ends = _varints(stream)
    begins = at[np.flatnonzero(_first(feature))] - 1
    stops = np.append(begins[1:], len(stream))
    rows = feature[_first(feature)]
    return [(int(row), texts[ends[b] : ends[e]]) for row, b, e in zip(rows, begins, stops, strict=True)]


def _whole(xy: Any) -> _Ints:
    whole: _Ints = np.rint(xy).astype(np.int64)
    return whole


def _first(of: Any) -> Any:
    """Return where a sorted array begins a new number."""
    return np.diff(of, prepend=-1) != 0


def _deltas(xy: _Ints, first: Any) -> _Ints:
    """Return steps from vertex to vertex, from the origin where a feature begins, in zigzag."""
    before = np.vstack([np.zeros((1, 2), dtype=np.int64), xy[:-1]])
    before[first] = 0
    step = xy - before
    zigzag: _Ints = step << 1 ^ step >> 63
    return zigzag


def _varints(values: _Ints) -> tuple[bytes, _Ints]:
    """Return numbers as varints one after the other, and where each begins (and where the last ends)."""
    sizes = np.ones(len(values), dtype=np.int64)
    for bits in (7, 14, 21, 28):
        sizes += values >= 1 << bits
    begins = np.concatenate([[0], np.cumsum(sizes)])
    out = np.zeros(int(begins[-1]), dtype=np.uint8)
    for byte in range(5):
        has = sizes > byte
        more = np.where(sizes[has] > byte + 1, 0x80, 0)
        out[begins[:-1][has] + byte] = values[has] >> 7 * byte & 0x7F | more
    return out.tobytes(), begins


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


@dataclass(frozen=True, slots=True)
class _Tags:
    """The words of a layer: names and values of properties by their number, in the order of their first use."""

    keys: dict[str, int]
    values: dict[bytes, int]

    def write(self, properties: Mapping[str, Any]) -> bytes:
        """Return the numbers of names and values of a feature."""
        out = bytearray()
        for name, value in properties.items():
            if value is not None:
                out += _varint(self.keys.setdefault(name, len(self.keys)))
                out += _varint(self.values.setdefault(_value(value), len(self.values)))
        return bytes(out)


def _value(value: Any) -> bytes:
    if isinstance(value, bool | np.bool_):
        return b"\x38" + _varint(int(value))
    if isinstance(value, str):
        return _field(1, value.encode())
    number = float(value)
    if number.is_integer() and abs(number) < 2**53:
        whole = int(number)
        return b"\x30" + _varint(whole << 1 ^ whole >> 63)
    return b"\x19" + struct.pack("<d", number)
