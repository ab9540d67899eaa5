"""Street maps in PBF written byte by byte, so that a test can say what stands in them, right or wrong."""

import lzma
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

Field = tuple[int, int | bytes]


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> int:
    return (value << 1) ^ (value >> 63)


def message(*fields: Field) -> bytes:
    """A message of fields: a number is a varint, bytes are bytes."""
    out = b""
    for number, value in fields:
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        else:
            out += varint(number << 3) + varint(value)
    return out


def packed(values: Sequence[int]) -> bytes:
    return b"".join(varint(value) for value in values)


def steps(values: Sequence[int]) -> bytes:
    """Numbers as steps from one to the next, their signs in the lowest bits."""
    return packed([zigzag(b - a) for a, b in zip([0, *values], values, strict=False)])


def blob(kind: str, content: bytes, packing: str = "zlib") -> bytes:
    packers = {"raw": (1, bytes), "zlib": (3, zlib.compress), "lzma": (4, lzma.compress), "zstd": (7, bytes)}
    number, pack = packers[packing]
    size = () if packing == "raw" else ((2, len(content)),)
    body = message(*size, (number, pack(content)))
    head = message((1, kind.encode()), (3, len(body)))
    return struct.pack(">I", len(head)) + head + body


def header(*features: str, box: tuple[int, int, int, int] | None = None) -> bytes:
    """The first blob; a box is left, right, top, bottom in billionths of a degree."""
    needed = [(4, name.encode()) for name in features or ("OsmSchema-V0.6", "DenseNodes")]
    sides = [] if box is None else [(1, message(*((k + 1, zigzag(side)) for k, side in enumerate(box))))]
    return blob("OSMHeader", message(*sides, *needed))


def block(*groups: bytes, texts: Sequence[str] = ("",), extra: Sequence[Field] = ()) -> bytes:
    table = message(*((1, text.encode()) for text in texts))
    return message((1, table), *((2, group) for group in groups), *extra)


def dense(ids: Sequence[int], lats: Sequence[int], lons: Sequence[int], *more: Field) -> bytes:
    """A group of dense nodes."""
    return message((2, message((1, steps(ids)), (8, steps(lats)), (9, steps(lons)), *more)))


def way(way_id: int, refs: Sequence[int], *more: Field) -> bytes:
    """A group of one way."""
    return message((3, message((1, way_id), (8, steps(refs)), *more)))


def write(path: Path, *blobs: bytes) -> Path:
    path.write_bytes(b"".join(blobs))
    return path
