"""How does any file of a planner become rows of text with a geometry in metres? What could not is listed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.crs import CoordType
from spatial.errors import InputError
from spatial.io.coordinates import place_rows
from spatial.io.headers import find_columns
from spatial.io.listing import join_listed, list_note
from spatial.io.registers import TABLE_SUFFIXES, read_table
from spatial.io.systems import Undeclared, metric_system, to_metric
from spatial.io.totals import drop_totals
from spatial.io.vectors import VECTOR_SUFFIXES, read_vector
from spatial.personal import check_personal

_UNDECLARED = Undeclared()


@dataclass(frozen=True, slots=True)
class Locator:
    """A file, the layer of it, and the name of the rows wanted: ``districts.gpkg|layer=outlines|name=江岸区``."""

    path: Path
    layer: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """Rows of text with a geometry in metres (or none), LISTED, and what the file said of itself."""

    frame: Any
    listed: Any
    origin: Mapping[str, Any]


def locate(path: str | Path | Locator) -> Locator:
    """Return the parts of ``file|layer=...|name=...``, or of ``file:layer``; what follows the file may be left out.

    Raises
    ------
    InputError
        If a part is neither a layer nor a name.
    """
    if isinstance(path, Locator):
        return path
    file, *parts = str(path).split("|")
    found: dict[str, str] = {}
    if not parts and not Path(file).exists():
        head, _, layer = file.rpartition(":")
        if layer.strip() and Path(head).suffix.lower() in (*TABLE_SUFFIXES, *VECTOR_SUFFIXES):
            return Locator(Path(head), layer.strip())
    for part in parts:
        key, _, value = part.partition("=")
        key = "layer" if key.strip() == "layername" else key.strip()
        if key not in ("layer", "name") or not value.strip():
            raise InputError(f"found {part!r} after {Path(file).name}, needed layer=... or name=...")
        found[key] = value.strip()
    return Locator(Path(file), found.get("layer"), found.get("name"))


def read_features(
    path: str | Path | Locator,
    crs: Any,
    coords: CoordType | None = None,
    *,
    source: str,
    undeclared: Undeclared = _UNDECLARED,
) -> Features:
    """Return the rows of a CSV, Excel or vector file, in the order of the file; the index is the row's number there.

    Columns hold text, "" where nothing is given. ``coords`` says what longitudes and latitudes of this file mean,
    whatever it declares; without it a declared system stands, and ``undeclared`` says what the others are in. Without
    ``crs`` the geometry is in the file's own system where that is a zone in metres, else in the zone about its middle.

    Raises
    ------
    InputError
        If the file cannot be read or holds personal data.
    CrsError
        If its system is unknown or unusable.
    """
    where = locate(path)
    if crs is not None and crs.is_projected:
        undeclared = replace(undeclared, near=crs)
    suffix = where.path.suffix.lower()
    if suffix in TABLE_SUFFIXES or suffix == ".xls":
        frame, notes, origin = _from_table(where, source, undeclared)
    elif suffix in VECTOR_SUFFIXES:
        frame, notes, origin = _from_vector(where, source, undeclared)
    else:
        raise InputError(
            f"{source}: {where.path.name} ends with none of {', '.join((*TABLE_SUFFIXES, *VECTOR_SUFFIXES))}"
        )
    frame = _select(frame, where, source)
    rows = len(frame)
    frame, totals = drop_totals(frame, source)
    kind = coords or ("wgs84" if origin["crs_from"] == "file" else undeclared.coords)
    own = frame.crs
    metric = to_metric(frame, metric_system(frame) if crs is None else crs, kind)
    origin = {
        "source": source,
        "path": where.path.name,
        "rows": rows,
        "crs": own.to_string(),
        "coords": kind,
        **origin,
    }
    return Features(metric, join_listed([*notes, totals]), {k: v for k, v in origin.items() if v not in (None, [], "")})


def _from_table(where: Locator, source: str, undeclared: Undeclared) -> tuple[Any, list[Any], dict[str, Any]]:
    table = read_table(where.path, sheet=where.layer)
    check_personal(table, f"{source} ({where.path.name})")
    told = table.attrs
    frame, guessed = place_rows(table, source, undeclared)
    notes = [guessed]
    if unread := told.get("unread_sheets"):
        notes.append(list_note(source, "sheet not read", "dropped", f"{', '.join(unread)}; read: {told['sheet']}"))
    origin = {"encoding": told["encoding"], "sheet": told.get("sheet"), "crs_from": "table"}
    return frame, notes, origin


def _from_vector(where: Locator, source: str, undeclared: Undeclared) -> tuple[Any, list[Any], dict[str, Any]]:
    frame = read_vector(where.path, layer=where.layer, crs=undeclared.crs, near=undeclared.near)
    check_personal(frame, f"{source} ({where.path.name})")
    told = frame.attrs
    notes = [list_note(source, "remark of the reader", "kept", remark) for remark in told["remarks"]]
    if told["crs_from"] == "guess":
        detail = "no coordinate system declared; longitudes and latitudes are taken as WGS 84 or as --coords says"
        notes.append(list_note(source, "undeclared coordinate system", "guessed", detail))
    texts = {str(name): to_text(frame[name]) for name in frame.columns if name != frame.geometry.name}
    frame = frame[["geometry"]].assign(**texts)
    return frame, notes, {"encoding": told["encoding"], "layer": told["layer"], "crs_from": told["crs_from"]}


def to_text(column: Any) -> Any:
    """Return a column as text: "" for nothing, whole numbers without a fraction."""
    return pd.Series([_one_text(value) for value in column], index=column.index, dtype="str")


def _one_text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    return str(value).strip()


def _select(frame: Any, where: Locator, source: str) -> Any:
    """Return the rows whose name is the one asked for, all of them where none is."""
    if where.name is None:
        return frame
    found = find_columns(frame.columns, ("name", "community_name"), source)
    columns = sorted(set(found.values()))
    mine = np.zeros(len(frame), dtype=bool)
    for column in columns:
        mine |= (frame[column] == where.name).to_numpy(dtype=bool)
    if not mine.any():
        known = sorted({text for column in columns for text in frame[column]})[:20]
        raise InputError(f"{source}: {where.path.name} has no row named {where.name!r}; found {known}")
    return frame[mine]


def text_of(frame: Any, column: str | None) -> Any:
    """Return a column as text, "" in every row where the frame has no such column."""
    if column is None:
        return pd.Series("", index=frame.index, dtype="str")
    return frame[column].fillna("").astype("str")
