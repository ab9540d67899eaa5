"""In which encoding are the texts of a shapefile written? By its .cpg, its language byte, or the bytes themselves."""

import codecs
import struct
from pathlib import Path

import numpy as np

from spatial.errors import InputError

_LANGUAGE_BYTE = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
_TRIED = ("utf-8", "gb18030")
_HEADER_BYTES = 32
_END_OF_FIELDS = 0x0D


def find_encoding(dbf: Path) -> tuple[str, str]:
    """Return the encoding of a .dbf and how it was found: ``.cpg``, ``language byte`` or ``its bytes``.

    Without a .cpg and without a Chinese language byte the texts decide: strictly UTF-8, else strictly GB18030. A text
    cut in the middle of a character at the end of its field does not count against an encoding.

    Raises
    ------
    InputError
        If the .dbf is damaged or neither encoding fits.
    """
    named = _read_cpg(dbf)
    if named is not None:
        return named, ".cpg"
    raw = dbf.read_bytes()
    if len(raw) < _HEADER_BYTES:
        raise InputError(f"{dbf.name} is cut short; needed a whole .dbf beside the .shp")
    if raw[29] in _LANGUAGE_BYTE:
        return _LANGUAGE_BYTE[raw[29]], "language byte"
    texts = _texts(raw)
    for encoding in _TRIED:
        if all(_decodes(text, encoding) for text in texts):
            return encoding, "its bytes"
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


def _texts(raw: bytes) -> set[bytes]:
    """Return the distinct field names and texts of a .dbf that hold bytes beyond ASCII."""
    count, header, length = struct.unpack_from("<IHH", raw, 4)
    found: set[bytes] = set()
    offset, at = 1, _HEADER_BYTES
    body = raw[header:]
    count = min(count, len(body) // length) if length else 0
    table = np.frombuffer(body[: count * length], dtype=f"S{length}") if count else np.empty(0, dtype="S1")
    rows = table.view("S1").reshape(count, length) if count else np.empty((0, 1), dtype="S1")
    while at + _HEADER_BYTES <= min(header, len(raw)) and raw[at] != _END_OF_FIELDS:
        found.add(raw[at : at + 11].split(b"\0")[0])
        width = raw[at + 16]
        if raw[at + 11 : at + 12] == b"C" and width and offset + width <= length and count:
            cells = np.ascontiguousarray(rows[:, offset : offset + width]).view(f"S{width}").ravel()
            found.update(cell.rstrip(b" \0") for cell in np.unique(cells).tolist())
        offset, at = offset + width, at + _HEADER_BYTES
    return {text for text in found if not text.isascii()}


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(text, final=False)
    except UnicodeDecodeError:
        return False
    return True
