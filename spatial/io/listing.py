"""Which rows of an input were not used as they stood, and why?"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatial.tables import LISTED

ACTIONS = ("dropped", "repaired", "merged", "kept", "guessed")


def list_rows(
    source: str, rows: Iterable[object], reason: str, action: str, detail: Any = "", households: Any = np.nan
) -> Any:
    """Return LISTED with one entry per row, for one reason; details and households are one value or one per row."""
    names = [str(row) for row in rows]
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
