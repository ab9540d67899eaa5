"""Which column of a table of sites or of demand is which, by the names that offices give them, and what is a number?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.folding import fold_header
from spatial.io.counts import parse_number
from spatial.io.headers import find_columns

ID_COLUMNS = ("id", "demand_id", "site_id")
WEIGHTS = ("weight", "households", "population")
DEMAND_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("demand_id",), "weight": ("weight", "households"), "load": ("load",), "lon": ("lon",), "lat": ("lat",),
}  # fmt: skip
SITE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("source_id",), "capacity": ("capacity",), "cost": ("cost",), "mode": ("mode",), "fixed": ("fixed",),
    "level": ("level",), "floor_area_m2": ("area",), "lon": ("lon",), "lat": ("lat",),
}  # fmt: skip
"""By the name that a column goes by: fields of ``headers`` whose names it may bear instead."""

_OWN = {"id": ID_COLUMNS, "weight": WEIGHTS}
_KEPT = frozenset({"mode"})
_METRES = frozenset(fold_header(name) for name in "x y x坐标 y坐标 坐标x 坐标y".split())


def name_columns(frame: Any, fields: Mapping[str, tuple[str, ...]], where: str) -> tuple[Any, list[str]]:
    """Return a table whose known columns go by their own names, and a note on those that were called otherwise.

    A column of modes is there by the name that it bears, too: a condition may name it.

    Raises
    ------
    InputError
        If two columns bear the name of one.
    """
    known = know_columns([str(name) for name in frame.columns], fields, where)
    told = ", ".join(f"{column} as {name}" for column, name in known.items() if column.lower() != name)
    kept = {column: frame[column] for column, name in known.items() if name in _KEPT}
    return frame.rename(columns=known).assign(**kept), [f"{where}: read {told}"] if told else []


def know_columns(columns: Sequence[str], fields: Mapping[str, tuple[str, ...]], where: str) -> dict[str, str]:
    """Return column -> the name it goes by, of columns that bear another name; case and punctuation do not count.

    What bears its own name needs no other column. ``x`` and ``y`` are metres here and never degrees.

    Raises
    ------
    InputError
        If two columns bear the name of one.
    """
    known: dict[str, str] = {}
    for name, others in fields.items():
        if any(own in columns for own in _OWN.get(name, (name,))):
            continue
        free = [one for one in columns if one not in known and fold_header(one) not in _METRES]
        found = _alike(free, name) or next(filter(None, (find_columns(free, (f,), where).get(f) for f in others)), None)
        if found is not None:
            known[found] = name
    return known


def _alike(columns: list[str], name: str) -> str | None:
    """Return the first column that bears one of the names a field goes by, but for case and punctuation."""
    known = [fold_header(own) for own in _OWN.get(name, (name,))]
    alike = sorted((known.index(folded), one) for one in columns if (folded := fold_header(one)) in known)
    return alike[0][1] if alike else None


def to_numbers(column: Any) -> NDArray[np.float64]:
    """Return the numbers of a column of text, NaN where a cell holds none: ``3``, ``1,200``, ``30万``, ``600㎡``."""
    text = column.astype(str).str.strip()
    values = pd.to_numeric(text.where(text != "", np.nan), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    for k in np.flatnonzero(np.isnan(values) & (text != "").to_numpy()):
        try:
            number = parse_number(text.iloc[k])
        except InputError:
            continue
        values[k] = np.nan if number is None else number
    return np.asarray(values)
