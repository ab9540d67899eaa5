"""Where does the simplex method begin at a node of a p-median?

At the basis that its parent ended with, whatever was solved in between: from there the dual simplex method takes a
fraction of the steps. Rows and columns that have come since stand where they change nothing.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from spatial.siting.ways import Ints

_BASIC, _LOWER = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower


@dataclass(frozen=True, slots=True)
class Start:
    """A basis as HiGHS has it, with the names of its rows after the first."""

    basis: Any
    rows: Ints


def keep_start(highs: Any, rows: list[int]) -> Start:
    """Return where the programme stands. ``rows`` name its rows after the first, none twice."""
    return Start(highs.getBasis(), np.array(rows, np.int64))


def begin_at(highs: Any, rows: list[int], start: Start, paid: dict[int, int]) -> None:
    """Go back to a basis, unless rows of it have gone that bind.

    Rows since then are basic and columns at zero; the other way round where a row was ``paid`` before, with its column.
    """
    columns, now = highs.getNumCol(), np.array(rows, np.int64)
    if len(start.rows) == len(now) and len(start.basis.col_status) == columns and (start.rows == now).all():
        highs.setBasis(start.basis)
        return
    column_status = list(start.basis.col_status)
    column_status += [_LOWER] * (columns - len(column_status))
    first, *others = start.basis.row_status
    known = dict(zip(start.rows.tolist(), others, strict=True))
    row_status = [first, *(known.get(row, _BASIC) for row in rows)]
    for at, row in enumerate(rows, 1):
        if row not in known and row in paid:
            column_status[paid[row]], row_status[at] = _BASIC, _LOWER
    _set(highs, column_status, row_status)


def pay_at_once(highs: Any, columns: Ints, rows: Ints) -> None:
    """Make these columns basic in place of these rows: what they stand for was paid as if it were so."""
    basis = highs.getBasis()
    column_status, row_status = list(basis.col_status), list(basis.row_status)
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        column_status[column], row_status[row] = _BASIC, _LOWER
    _set(highs, column_status, row_status)


def _set(highs: Any, column_status: list[Any], row_status: list[Any]) -> None:
    """Set a basis if it has as many basic rows and columns as there are rows."""
    if column_status.count(_BASIC) + row_status.count(_BASIC) == len(row_status):
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status, basis.valid = column_status, row_status, True
        highs.setBasis(basis)
