"""Which blobs does a .osm.pbf file hold, what does its header say, and what is inside a blob once it is unpacked?

The layout is that of https://wiki.openstreetmap.org/wiki/PBF_Format: four bytes of length, a BlobHeader, a Blob, and so
on to the end. Lengths are held against the limits given there before anything is read or unpacked.
"""

import lzma
import mmap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spatial.errors import InputError
from spatial.io.pbf_kernels import CHUNK, VARINT, Bytes, Ints, list_fields, zigzag

MAX_HEADER = 64 * 2**10
MAX_BLOB = 32 * 2**20
_PACKINGS = {4: "lzma", 5: "bzip2", 6: "lz4", 7: "zstd"}
_UNDERSTOOD = frozenset({"OsmSchema-V0.6", "DenseNodes", "HistoricalInformation"})
_UNITS = 100  # the header gives its box in billionths of a degree, the map is kept in ten-millionths
_HALF_TURN, _QUARTER_TURN = 1_800_000_000, 900_000_000

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Blob:
    """A packed piece of the file: what it holds, where it starts, and its bytes."""

    kind: str
    at: int
    data: bytes


class Damaged(InputError):
    """Bytes that cannot be what they should be; knows where they stand."""


def damaged(at: int, what: str) -> Damaged:
    """Return the error for what was found at a byte of the file."""
    return Damaged(f"is no whole OpenStreetMap file: at byte {at:,} {what}")


def fields_of(data: Bytes, start: int, end: int, at: int) -> Ints:
    """Return the fields of a message in a blob that starts at a byte of the file."""
    fields: Ints
    fields, wrong = list_fields(data, start, end)
    if wrong >= 0:
        raise damaged(at, f"a blob holds no field where one should start, {wrong:,} bytes into it")
    return fields


def chosen(fields: Ints, number: int, wire: int = CHUNK) -> Ints:
    """Return the rows of the fields with a number; of another wire type they are not what they should be."""
    found: Ints = fields[(fields[:, 0] == number) & (fields[:, 1] == wire)]
    return found


def last_value(fields: Ints, number: int, default: int) -> int:
    """Return the number that a field holds; the last one counts."""
    found = chosen(fields, number, VARINT)
    return int(found[-1, 2]) if len(found) else default


def read_blobs(path: Path) -> Iterator[Blob]:
    """Give the blobs of a file in their order.

    Raises
    ------
    InputError
        If the file is empty, ends within a blob, or names a length beyond the limits.
    """
    if not path.stat().st_size:
        raise damaged(0, "it ends: it is empty")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        at, size = 0, len(whole)
        while at < size:
            start = at
            length = int.from_bytes(_slice(whole, at, 4, size), "big")
            if not 0 < length <= MAX_HEADER:
                raise damaged(at, f"a blob header of {length:,} bytes is announced, needed 1 to {MAX_HEADER:,}")
            kind, length, at = _read_header(_slice(whole, at + 4, length, size), start)
            yield Blob(kind, start, _slice(whole, at, length, size))
            at += length


def _slice(whole: mmap.mmap, at: int, length: int, size: int) -> bytes:
    if length > size - at:
        raise damaged(size, f"it ends: {length - (size - at):,} bytes of what starts at byte {at:,} are missing")
    return whole[at : at + length]


def _read_header(data: bytes, start: int) -> tuple[str, int, int]:
    """Return the kind of a blob, its length and where it starts."""
    fields = fields_of(np.frombuffer(data, dtype=np.uint8), 0, len(data), start)
    kind, length = chosen(fields, 1), last_value(fields, 3, -1)
    if not len(kind):
        raise damaged(start, "a blob header names no kind of blob")
    if not 0 <= length <= MAX_BLOB:
        raise damaged(start, f"a blob of {length:,} bytes is announced, needed at most {MAX_BLOB:,}")
    return data[kind[-1, 2] : kind[-1, 3]].decode("latin-1"), length, start + 4 + len(data)


def unpack_blob(blob: Blob) -> bytes:
    """Return what is inside a blob.

    Raises
    ------
    InputError
        If it is packed in a way that is not understood, unpacks beyond the limit or to another size than it says.
    """
    fields = fields_of(np.frombuffer(blob.data, dtype=np.uint8), 0, len(blob.data), blob.at)
    announced = last_value(fields, 2, -1)
    for number in (1, 3, 4):
        found = chosen(fields, number)
        if len(found):
            packed = memoryview(blob.data)[found[-1, 2] : found[-1, 3]]
            if number == 1:
                return bytes(packed)
            return _inflate(packed, number, announced, blob.at)
    for number, name in _PACKINGS.items():
        if len(chosen(fields, number)):
            raise InputError(
                f"is packed with {name} (at byte {blob.at:,}), needed none, zlib or lzma; repack it, "
                "as with osmium cat -f pbf,pbf_compression=zlib"
            )
    raise damaged(blob.at, "a blob holds no data")


def _inflate(packed: memoryview, number: int, announced: int, at: int) -> bytes:
    if not 0 <= announced <= MAX_BLOB:
        raise damaged(at, f"a blob says that it unpacks to {announced:,} bytes, needed at most {MAX_BLOB:,}")
    try:
        if number == 3:
            inflater = zlib.decompressobj()
            data = inflater.decompress(packed, announced + 1)
            whole = inflater.eof
        else:
            unpacker = lzma.LZMADecompressor()
            data = unpacker.decompress(packed, announced + 1)
            whole = unpacker.eof
    except (zlib.error, lzma.LZMAError) as error:
        raise damaged(at, f"a blob cannot be unpacked: {error}") from error
    if not whole or len(data) != announced:
        raise damaged(at, f"a blob does not unpack to the {announced:,} bytes that it says")
    return data


def read_header(blob: Blob) -> Box | None:
    """Return west, south, east, north of the ground that a file says it covers, None where it does not say.

    Raises
    ------
    InputError
        If the file is no map, or needs a feature that is not understood.
    """
    if blob.kind != "OSMHeader":
        raise damaged(blob.at, f"a blob of kind {blob.kind[:20]!r} stands first, needed OSMHeader")
    data = np.frombuffer(unpack_blob(blob), dtype=np.uint8)
    fields = fields_of(data, 0, len(data), blob.at)
    needed = {data[a:b].tobytes().decode("utf-8", "replace") for _, _, a, b in chosen(fields, 4).tolist()}
    if unknown := sorted(needed - _UNDERSTOOD):
        raise InputError(f"needs the feature {unknown[0]!r}; understood are {', '.join(sorted(_UNDERSTOOD))}")
    boxes = chosen(fields, 1)
    return _read_box(data, boxes[-1, 2], boxes[-1, 3], blob.at) if len(boxes) else None


def _read_box(data: Bytes, start: int, end: int, at: int) -> Box | None:
    fields = fields_of(data, start, end, at)
    # as libosmium: whole ten-millionths, cut towards zero
    west, east, north, south = (
        int(zigzag(last_value(fields, number, 0)) / _UNITS) for number in (1, 2, 3, 4)
    )  # fmt: skip
    (west, east), (south, north) = sorted((west, east)), sorted((south, north))
    if max(-west, east) > _HALF_TURN or max(-south, north) > _QUARTER_TURN:
        return None
    return west / 1e7, south / 1e7, east / 1e7, north / 1e7
