"""What numbers do the columns of a table hold, and which cells are none?"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spatial.errors import InputError
from spatial.io.counts import parse_count, parse_number
from spatial.io.features import text_of
from spatial.io.listing import join_listed, list_rows


def read_counts(column: Any) -> tuple[Any, Any]:
    """Return whole numbers (as float, NaN where nothing is known) and the problem of each cell, "" if none."""
    return _parse(column, parse_count, "household count not understood")


def read_numbers(
    frame: Any, columns: Mapping[str, str], source: str, *, parse: Callable[[object], float | None] = parse_number
) -> tuple[dict[str, Any], Any]:
    """Return field -> numbers (NaN where nothing is known), and LISTED of cells not understood."""
    numbers, parts = {}, []
    for field, column in columns.items():
        text = text_of(frame, column)
        numbers[field], problem = _parse(text, parse, f"{field} not understood")
        bad = problem != ""
        parts.append(list_rows(source, frame.index[bad], f"{field} not understood", "kept", text[bad]))
    return numbers, join_listed(parts)


def _parse(column: Any, parse: Callable[[object], float | None], reason: str) -> tuple[Any, Any]:
    """Parse each different text once."""
    values: dict[str, float] = {}
    problems: dict[str, str] = {}
    for text in column.unique():
        try:
            value = parse(text)
        except InputError:
            value, problems[text] = None, reason
        values[text] = np.nan if value is None else float(value)
    return column.map(values).astype("float64"), column.map(lambda text: problems.get(text, "")).astype("str")
