"""By what name is a row of a file listed? Its number in the file, and its id where it has one: ``24 (E0001)``."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spatial.io.features import text_of
from spatial.io.headers import find_columns

_ROW = "_row"


def label_listed(listed: Any, given: Any, field: str, named: Mapping[str, str]) -> Any:
    """Return LISTED whose rows, numbers in a file, have ids beside them: those they were given, else the file's own.

    ``given`` are all rows of the file, by number; ``named`` tells the id of each row that is used.
    """
    own = text_of(given, find_columns(given.columns, (field,), "rows").get(field))
    ids = {**{str(row): text for row, text in own.items() if text}, **named}
    names = [f"{row} ({ids[row]})" if row in ids else row for row in listed["row"]]
    return listed.assign(row=pd.Series(names, index=listed.index, dtype="str"))


def number_rows(frame: Any, ids: Any) -> tuple[list[str], dict[str, str]]:
    """Return the number of each row of a frame that is still indexed by it, and number -> its first id."""
    numbers = [str(row) for row in frame.index]
    return numbers, dict(reversed(list(zip(numbers, ids, strict=True))))


def carry_rows(frame: Any) -> Any:
    """Return a frame whose ``attrs["rows"]``, the numbers of its rows in their file, became a column; no attrs."""
    rows = frame.attrs.get("rows")
    out = frame.copy()
    out.attrs = {}
    return out if rows is None else out.assign(**{_ROW: pd.Series(rows, index=out.index, dtype="str")})


def drop_rows(frame: Any) -> Any:
    """Return a frame without the numbers of its rows."""
    return frame.drop(columns=_ROW, errors="ignore")


def row_labels(frame: Any) -> Any:
    """Return by what name each row is listed: number and id, the id alone where the number is not known."""
    ids = (frame["code"] if "code" in frame.columns else frame.iloc[:, 0]).astype("str")
    return frame[_ROW] + " (" + ids + ")" if _ROW in frame.columns else ids
