"""How is an input row that was not used as it stood put on record?"""

from typing import Any

import pandas as pd

from spatial.tables import LISTED, require

Row = dict[str, Any]
"""One row of LISTED."""


def list_row(source: str, row: str, reason: str, action: str, detail: str = "", households: float = 0.0) -> Row:
    """Return one row of LISTED."""
    return {
        "source": source,
        "row": str(row),
        "reason": reason,
        "action": action,
        "detail": detail,
        "households": float(households),
    }


def to_listed(rows: list[Row]) -> Any:
    """Return LISTED of rows given as mappings."""
    if not rows:
        return LISTED.empty()
    text = {name: "str" for name, kind in LISTED.columns.items() if kind == "text"}
    return require(pd.DataFrame(rows, columns=list(LISTED.columns)).astype(text), LISTED)
