"""Which rows of an input were not used as they stood, and why?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatial.tables import LISTED

_MANY = 20
_EXAMPLES = 3
MISPLACED = "rows may be in other coordinates than was said"
_LOUD = (
    MISPLACED, "no row could be used", "differs from the community's total",
    "gap between communities",
)  # fmt: skip
_LOUD_ROWS = 3
ACTIONS = ("dropped", "repaired", "merged", "kept", "guessed")


def list_rows(
    source: str, rows: Iterable[object], reason: str, action: str, detail: Any = "", households: Any = np.nan
) -> Any:
    """Return LISTED with one entry per row, for one reason; details and households are one value or one per row."""
    names = [str(row) for row in rows]
    if not names:
        return LISTED.empty()
    entries = {
        "source": source,
        "row": pd.Series(names, dtype="str"),
        "reason": reason,
        "action": action,
        "detail": _spread(detail, len(names), "str"),
        "households": _spread(households, len(names), "float64"),
    }
    return pd.DataFrame(entries, index=range(len(names))).astype(_DTYPES)


_DTYPES = {name: "str" if kind == "text" else "float64" for name, kind in LISTED.columns.items()}


def _spread(value: Any, count: int, dtype: str) -> Any:
    many = list(value) if not isinstance(value, str) and isinstance(value, Iterable) else [value] * count
    return pd.Series(many, dtype=dtype)


def list_note(source: str, reason: str, action: str, detail: str) -> Any:
    """Return LISTED with one entry about an input as a whole."""
    return list_rows(source, ["all"], reason, action, detail)


def join_listed(parts: Sequence[Any]) -> Any:
    """Return LISTED of all parts, in their order; those without entries are left out."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else LISTED.empty()


def group_listed(listed: Any, apart: Iterable[str] = ()) -> Any:
    """Return LISTED with rows that were kept or guessed, above twenty of one reason in one source, as one entry each.

    Its ``row`` is their number, its ``detail`` the first three (a text that all share stands once), its ``households``
    the sum. Rows that were dropped, repaired or merged, and those of the reasons ``apart``, stand for themselves.
    """
    key = listed[["source", "reason", "action"]].agg("\x1f".join, axis=1) if len(listed) else listed["source"]
    size = key.map(key.value_counts())
    many = (size > _MANY) & listed["action"].isin(["kept", "guessed"]) & ~listed["reason"].isin(list(apart))
    if not many.any():
        return listed
    first = listed[many].groupby(key[many], sort=False)
    entries = []
    for _, rows in first:
        entry = rows.iloc[[0]].assign(
            row=f"{len(rows):,} rows",
            detail=_tell_some(rows["row"].tolist(), rows["detail"].tolist()),
            households=rows["households"].sum(min_count=1),
        )
        entries.append(entry)
    return pd.concat([listed[~many], *entries]).sort_index().reset_index(drop=True).astype(_DTYPES)


def _tell_some(rows: Sequence[str], texts: Sequence[str]) -> str:
    """Return the first few of many rows with their texts; a text that all share stands once."""
    if texts[0] and len(set(texts)) == 1:
        return f"{', '.join(rows[:_EXAMPLES])}, ...: {texts[0]}"
    some = [f"{row}: {text}" if text else row for row, text in zip(rows, texts, strict=True)]
    return "; ".join([*some[:_EXAMPLES], "..."])


def say_doubts(listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is to be said before anything is made of the inputs: which may be in other coordinates."""
    return [f"{row['source']}: {row['reason']} ({row['detail']})" for row in listed if row["reason"] == MISPLACED]


def say_loud(listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each row of LISTED that a planner should know of before trusting what was made of the inputs.

    Of one reason the first three are told, and how many more there are.
    """
    lines = []
    for reason in _LOUD:
        rows = [row for row in listed if row["reason"] == reason]
        lines += [f"  {row['source']}: {reason} ({row['detail']})" for row in rows[:_LOUD_ROWS]]
        if len(rows) > _LOUD_ROWS:
            lines.append(f"  ... and {len(rows) - _LOUD_ROWS} more like it")
    return lines
