"""What text stands in the cells of an Excel workbook that may be hostile, merged or formatted to the last row?"""

import datetime
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial.errors import InputError
from spatial.io.containers import DAMAGES, check_container

_MAX_CELLS = 10_000_000
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its name and its rows of text, row 1 first, with merged cells filled in."""

    name: str
    rows: list[list[str]]


def read_sheets(path: Path, sheet: str | None = None) -> list[Sheet]:
    """Return the visible worksheets of an .xlsx workbook, or the one that is named.

    A merged cell's text stands in each of its cells; a number stands in the first alone, so that a total over several
    rows is not counted again in each of them.

    Raises
    ------
    InputError
        If the file is no .xlsx workbook, has no such sheet, or would unpack beyond measure.
    """
    raw = path.read_bytes()
    if raw.startswith(_OLD_EXCEL):
        raise InputError(f"{path.name} is an old .xls or a protected workbook; needed .xlsx (save it as such) or CSV")
    check_container(raw, path.name)
    book = _open(raw, path.name)
    wanted = [one for one in book.worksheets if one.sheet_state == "visible"] if sheet is None else []
    if sheet is not None:
        wanted = [one for one in book.worksheets if one.title == sheet]
        if not wanted:
            raise InputError(f"{path.name}: no sheet {sheet!r}; found {[one.title for one in book.worksheets]}")
    return [Sheet(one.title, _rows(one, path.name)) for one in wanted]


def _open(raw: bytes, name: str) -> Any:
    import openpyxl

    try:
        return openpyxl.load_workbook(io.BytesIO(raw), data_only=True, keep_links=False)
    except (*DAMAGES, TypeError, AttributeError, IndexError, SyntaxError) as error:
        raise InputError(f"{name} cannot be read as an .xlsx workbook: {error}") from error


def _rows(sheet: Any, name: str) -> list[list[str]]:
    if sheet.max_row * sheet.max_column > _MAX_CELLS:
        raise InputError(
            f"{name}: sheet {sheet.title!r} reaches to row {sheet.max_row} and column {sheet.max_column}; needed at "
            f"most {_MAX_CELLS:,} cells (delete the empty formatted ones)"
        )
    rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    for merged in sheet.merged_cells.ranges:
        _fill(rows, merged)
    return rows


def _fill(rows: list[list[str]], merged: Any) -> None:
    cells = _cells(merged, len(rows), len(rows[0]) if rows else 0)
    first = next(cells, None)
    if first is None:
        return
    text = rows[first[0]][first[1]]
    if not text.replace(".", "").replace(",", "").isdigit():
        for row, column in cells:
            rows[row][column] = text


def _cells(merged: Any, height: int, width: int) -> Iterator[tuple[int, int]]:
    for row in range(merged.min_row - 1, min(merged.max_row, height)):
        for column in range(merged.min_col - 1, min(merged.max_col, width)):
            yield row, column


def _text(value: Any) -> str:
    """Return a cell as text: whole numbers without a fraction, so that ids stay ids; errors of formulas are blank."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer():
            return str(int(value))
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case str() if value.startswith("#") and value.endswith(("!", "?", "N/A")):
            return ""
    return str(value).strip()
