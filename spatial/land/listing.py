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


def name_estates(listed: Any, estates: Any) -> Any:
    """Return LISTED whose details about an estate begin with its name: ids may be ours, names are those of the file."""
    names = dict(zip(estates["estate_id"], estates["name"], strict=True))
    told = [
        f"{name}: {detail}".removesuffix(": ") if source == "estates" and (name := names.get(row, "")) not in ("", row)
        else detail
        for source, row, detail in listed[["source", "row", "detail"]].itertuples(index=False)
    ]  # fmt: skip
    return listed.assign(detail=pd.Series(told, listed.index, dtype="str"))
