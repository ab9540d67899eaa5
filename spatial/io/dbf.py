"""In which encoding are the texts of a shapefile written? By its .cpg, its language byte, or the bytes themselves."""

import codecs
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spatial.errors import InputError

_LANGUAGE_BYTE = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
_TRIED = ("utf-8", "gb18030")
_HEADER_BYTES = 32
_NAME_BYTES = 11
_END_OF_FIELDS = 0x0D


def find_encoding(dbf: Path) -> str:
    """Return the encoding of a .dbf, by its .cpg, its language byte or its bytes.

    Without a .cpg and without a Chinese language byte the texts decide: strictly UTF-8, else strictly GB18030. A text
    cut in the middle of a character at the end of its field does not count against an encoding.

    Raises
    ------
    InputError
        If the .dbf is damaged or neither encoding fits.
    """
    named = _read_cpg(dbf)
    if named is not None:
        return named
    raw = dbf.read_bytes()
    if len(raw) < _HEADER_BYTES:
        raise InputError(f"{dbf.name} is cut short; needed a whole .dbf beside the .shp")
    if raw[29] in _LANGUAGE_BYTE:
        return _LANGUAGE_BYTE[raw[29]]
    texts = _texts(raw)
    for encoding in _TRIED:
        if all(_decodes(text, encoding) for text in texts):
            return encoding
    raise InputError(f"{dbf.name} is neither UTF-8 nor GB18030; add a .cpg file that names its encoding")


def _read_cpg(dbf: Path) -> str | None:
    """Return the encoding that a .cpg names, as Python and GDAL know it; None where nothing is named."""
    beside = [path for path in dbf.parent.iterdir() if path.name.lower() == dbf.stem.lower() + ".cpg"]
    if not beside:
        return None
    said = beside[0].read_bytes()[:64].decode("ascii", errors="ignore").strip().lower().removeprefix("ansi ")
    said = {"65001": "utf-8", "936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "950": "big5"}.get(said, said)
    said = f"cp{said}" if said.isdigit() and not said.startswith("8859") else said
    try:
        found = codecs.lookup(said).name
    except LookupError:
        return None
    return "gb18030" if found in ("gbk", "gb2312") else found


def mend_cut_texts(raw: bytes, encoding: str) -> bytes | None:
    """Return a .dbf without the half characters at the end of cut names and texts; None where there are none.

    A name of four Chinese characters in UTF-8 has twelve bytes and is cut to ten: most readers stumble over the rest.
    """
    out = np.frombuffer(raw, dtype=np.uint8).copy()
    rows = _rows(out)
    for field in _fields(raw):
        name = raw[field.at : field.at + _NAME_BYTES].split(b"\0")[0]
        if half := _half_character(name, encoding):
            out[field.at + len(name) - half : field.at + len(name)] = 0
        if field.is_text and len(rows):
            cells = rows[:, field.offset : field.offset + field.width]
            for text in _distinct(cells):
                if half := _half_character(text, encoding):
                    same = (cells[:, : len(text)] == np.frombuffer(text, dtype=np.uint8)).all(axis=1)
                    rows[same, field.offset + len(text) - half : field.offset + len(text)] = ord(" ")
    mended = out.tobytes()
    return None if mended == raw else mended


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a field is described, where it lies in a row, and whether it holds text."""

    at: int
    offset: int
    width: int
    is_text: bool


def _fields(raw: bytes) -> list[_Field]:
    header, length = struct.unpack_from("<HH", raw, 8)
    fields, offset, at = [], 1, _HEADER_BYTES
    while at + _HEADER_BYTES <= min(header, len(raw)) and raw[at] != _END_OF_FIELDS:
        width = raw[at + 16]
        fields.append(_Field(at, offset, width, raw[at + 11 : at + 12] == b"C" and 0 < width <= length - offset))
        offset, at = offset + width, at + _HEADER_BYTES
    return fields


def _rows(raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the rows of a .dbf as a view of its bytes."""
    count, header, length = struct.unpack_from("<IHH", raw[:_HEADER_BYTES].tobytes(), 4)
    count = min(count, max(len(raw) - header, 0) // length) if length else 0
    return raw[header : header + count * length].reshape(count, length) if count else np.empty((0, 1), dtype=np.uint8)


def _texts(raw: bytes) -> set[bytes]:
    """Return the distinct field names and texts of a .dbf that hold bytes beyond ASCII."""
    rows = _rows(np.frombuffer(raw, dtype=np.uint8))
    found = set()
    for field in _fields(raw):
        found.add(raw[field.at : field.at + _NAME_BYTES].split(b"\0")[0])
        if field.is_text and len(rows):
            found.update(_distinct(rows[:, field.offset : field.offset + field.width]))
    return {text for text in found if not text.isascii()}


def _distinct(cells: NDArray[np.uint8]) -> list[bytes]:
    """Return the distinct texts of a column of bytes, without the blanks at their ends."""
    column = np.ascontiguousarray(cells).view(f"S{cells.shape[1]}").ravel()
    return [text.rstrip(b" \0") for text in np.unique(column).tolist()]


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        _half_character(text, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _half_character(text: bytes, encoding: str) -> int:
    """Return how many bytes at the end of a text are the beginning of a character that was cut."""
    if text.isascii():
        return 0
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    decoder.decode(text, final=False)
    return len(decoder.getstate()[0])
