"""What does a register say, row by row? CSV and Excel tables as text, whatever their encoding and their title rows."""

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import InputError
from spatial.io.headers import count_known
from spatial.io.workbooks import read_sheets

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_ENCODINGS = ("utf-8-sig", "gb18030", "big5hkscs")
_LOOKALIKES = ("gb18030", "big5hkscs")
_SNIFFED_CHARACTERS = 4000
_ANY_DELIMITER = re.compile(r"[\r\n,\t;|，\"]+")
_DELIMITERS = ",\t;|，"
_HEADER_WITHIN = 20
_SNIFFED_ROWS = 40
_MAX_BYTES = 500 * 2**20


def read_table(path: str | Path, *, sheet: str | None = None, encoding: str | None = None) -> Any:
    """Return a table of text, stripped, one row per filled row of the file; the index is the row's number there.

    The header is the row, among the first twenty, with most names that are known (see ``headers``), else the first
    filled row; what stands above it is a title. ``attrs`` holds the ``encoding``, ``sheet`` and ``header_row`` found
    and the visible ``unread_sheets``.

    Raises
    ------
    InputError
        If the file is missing, of another kind, damaged or in an unknown encoding, or a row has more cells than the
        header.
    """
    path = Path(path)
    _check_file(path)
    if path.suffix.lower() in _WORKBOOKS:
        return _read_workbook(path, sheet)
    text, found = _decode(path.read_bytes(), path.name, encoding)
    rows = _split(text, path.name)
    return _to_frame(rows, path.name, {"encoding": found})


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"table {path.name} is not there")
    if path.suffix.lower() not in (*TABLE_SUFFIXES, ".xls"):
        raise InputError(f"table {path.name} ends with none of {', '.join(TABLE_SUFFIXES)}")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"table {path.name} has {path.stat().st_size:,} bytes; needed at most {_MAX_BYTES:,}")


Rows = list[tuple[int, list[str]]]
"""Filled rows with their number in the file."""


def _read_workbook(path: Path, sheet: str | None) -> Any:
    sheets = read_sheets(path, sheet)
    filled = [(one.name, [(n, cells) for n, cells in enumerate(one.rows, 1) if any(cells)]) for one in sheets]
    filled = [(name, rows) for name, rows in filled if rows]
    if not filled:
        raise InputError(f"{path.name} has no filled sheet; needed a header and rows")
    name, rows = max(filled, key=lambda one: _best_score(one[1]))
    unread = [other for other, _ in filled if other != name]
    return _to_frame(rows, path.name, {"encoding": "xlsx", "sheet": name, "unread_sheets": unread})


def _decode(raw: bytes, name: str, encoding: str | None) -> tuple[str, str]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\0" in raw:
        raise InputError(f"table {name} holds zero bytes; needed text (CSV) or a workbook that ends with .xlsx")
    else:
        encodings = _ENCODINGS
    decoded: list[tuple[str, str]] = []
    for one in (encoding,) if encoding else encodings:
        try:
            plain = one == "utf-8-sig" and not raw.startswith(b"\xef\xbb\xbf")
            decoded.append((raw.decode(one), "utf-8" if plain else one))
        except LookupError as error:
            raise InputError(f"table {name}: unknown encoding {one!r}") from error
        except UnicodeDecodeError:
            continue
        if one not in _LOOKALIKES:
            break
    if decoded:  # GB18030 gives a meaning to most of Big5: the one whose header can be read is right
        return max(decoded, key=lambda one: count_known(_ANY_DELIMITER.split(one[0][:_SNIFFED_CHARACTERS])))
    raise InputError(f"table {name} is not in {encoding or ' or '.join(encodings)}; save it as UTF-8 and try again")


def _split(text: str, name: str) -> Rows:
    """Return the rows of a delimited text, split by the delimiter that shows most known headers, then most columns."""
    parsed = []
    for delimiter in _DELIMITERS:
        try:
            parsed.append((_judge(_parse(text, delimiter, _SNIFFED_ROWS)), delimiter))
        except csv.Error:
            continue
    best = max(parsed, key=lambda one: (one[0], -_DELIMITERS.index(one[1])), default=((0, 0), ","))[1]
    try:
        return _parse(text, best)
    except csv.Error as error:
        raise InputError(
            f"table {name} cannot be split into cells: {error}; look for a quote that is not closed"
        ) from error


def _parse(text: str, delimiter: str, most: int | None = None) -> Rows:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: Rows = []
    line = 1
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            rows.append((line, stripped))
        line = reader.line_num + 1
        if most is not None and len(rows) >= most:
            break
    return rows


def _judge(rows: Rows) -> tuple[int, int]:
    widths = Counter(len(cells) for _, cells in rows)
    return _best_score(rows), widths.most_common(1)[0][0] if widths else 0


def _best_score(rows: Rows) -> int:
    return max((count_known(cells) for _, cells in rows[:_HEADER_WITHIN]), default=0)


def _to_frame(rows: Rows, name: str, attrs: dict[str, Any]) -> Any:
    if not rows:
        raise InputError(f"table {name} is empty; needed a header and rows")
    scores = [count_known(cells) for _, cells in rows[:_HEADER_WITHIN]]
    at = scores.index(max(scores))
    header_row, header = rows[at]
    header, width = _trim(header), max((len(_trim(cells)) for _, cells in rows[at + 1 :]), default=0)
    if "sheet" in attrs:  # cells of a workbook stand in columns whether these have a name or not
        header += [""] * (width - len(header))
    body = []
    for number, cells in rows[at + 1 :]:
        kept = _trim(cells)
        if len(kept) > len(header):
            raise InputError(
                f"table {name}: row {number} has {len(kept)} cells, its header (row {header_row}) {len(header)}; "
                "needed no more (put quotes about a cell that holds a comma)"
            )
        body.append(kept + [""] * (len(header) - len(kept)))
    index = pd.Index([number for number, _ in rows[at + 1 :]], name="row", dtype="int64")
    frame = pd.DataFrame(body, index=index, columns=_unique(header), dtype="str")
    frame.attrs.update({**attrs, "header_row": header_row})
    return frame


def _trim(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _unique(header: list[str]) -> list[str]:
    """Return column names without repetition: a blank one is named by its place, a repeated one gets a number."""
    seen: Counter[str] = Counter()
    names = []
    for place, text in enumerate(header, 1):
        name = " ".join(text.split()) or f"column {place}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
