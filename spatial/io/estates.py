"""Which estates (小区) are there, with how many households, closed or open? Rows in = rows used + rows listed."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from spatial.crs import CoordType
from spatial.errors import InputError
from spatial.io.access import read_access
from spatial.io.counts import is_approximate
from spatial.io.features import Features, Locator, read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.identity import drop_alike, drop_repeated, name_rows
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.numbers import read_counts, read_numbers
from spatial.io.rows import label_listed, number_rows, row_labels
from spatial.io.shapes import to_places
from spatial.io.systems import Undeclared
from spatial.tables import ESTATES, require

MAX_HOUSEHOLDS = 10_000
"""Counts beyond this were wrong in every listing that was looked at."""
_SOURCE = "estates"
_ALIKE_DECIMALS = 2  # of a metre: one place written with more or fewer digits
_TEXTS = ("company", "built", "community")
_NUMBERS = ("buildings", "elderly", "children")
_UNDECLARED = Undeclared()


def read_estates(
    path: str | Path | Locator,
    crs: Any,
    coords: CoordType | None = None,
    *,
    undeclared: Undeclared = _UNDECLARED,
    max_households: int = MAX_HOUSEHOLDS,
) -> tuple[Any, Any]:
    """Return ESTATES in metres of ``crs``, sorted by id, and LISTED.

    Each row of the file either becomes an estate or is listed once as dropped: without a place, a repetition, a line of
    totals, doubtful by its own column, without a usable count, or with 0 or more than ``max_households`` households.
    Outlines without any column of households are kept with 0 households, to be filled from buildings.
    ``attrs["origin"]`` tells what the file said of itself, ``attrs["rows"]`` the number of each row in it.

    Raises
    ------
    InputError
        If the file cannot be read, or holds points and no column of households.
    CrsError
        If its system is unknown or unusable.
    PersonalDataError
        If it holds names of persons, identity numbers or telephone numbers.
    """
    return build_estates(read_features(path, crs, coords, source=_SOURCE, undeclared=undeclared), max_households)


def build_estates(features: Features, max_households: int = MAX_HOUSEHOLDS) -> tuple[Any, Any]:
    """Return ESTATES of rows of text with a geometry, and LISTED."""
    wanted = ("name", "households", "access", "suspect", *_TEXTS, *_NUMBERS)
    columns = find_columns(features.frame.columns, wanted, _SOURCE)
    frame, unusable = to_places(features.frame, _SOURCE)
    frame, repeated = drop_repeated(frame, _SOURCE)
    frame, doubtful = _drop_suspect(frame, columns)
    frame, uncounted = _count(frame, columns, max_households)
    frame, alike = _drop_alike(frame, columns)
    frame, ids = name_rows(frame, "estate_id", "e", _SOURCE)
    access, unclear = read_access(text_of(frame, columns.get("access")), columns.get("access", ""), _SOURCE)
    more, odd = _more_columns(frame, columns)
    estates = gpd.GeoDataFrame(
        {
            "estate_id": frame["estate_id"],
            "name": text_of(frame, columns.get("name")),
            "households": frame["_households"].astype("int64"),
            "access": access,
            "estimated": frame["_estimated"].astype(bool),
            **more,
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    notes = [features.listed, unusable, repeated, doubtful, uncounted, alike, ids, unclear, odd]
    rows, named = number_rows(estates, estates["estate_id"])
    estates = require(estates.reset_index(drop=True), ESTATES)
    estates.attrs = {"origin": dict(features.origin), "rows": rows}
    return estates, label_listed(join_listed(notes), features.frame, "estate_id", named)


def _drop_suspect(frame: Any, columns: dict[str, str]) -> tuple[Any, Any]:
    said = text_of(frame, columns.get("suspect")).str.casefold()
    doubtful = said.isin(["1", "true", "yes", "y", "是"])
    name = text_of(frame, columns.get("name"))[doubtful]
    return frame[~doubtful], list_rows(_SOURCE, frame.index[doubtful], "marked as doubtful", "dropped", name)


def _count(frame: Any, columns: dict[str, str], most: int) -> tuple[Any, Any]:
    """Return the rows with a plausible count in ``_households``, and LISTED of the others."""
    if "households" not in columns:
        if (frame.geom_type == "Point").any():
            raise InputError(f"{_SOURCE}: found columns {_named(frame)}, needed one of households, such as 总户数")
        note = list_note(_SOURCE, "no column of households", "guessed", "0 each; buildings inside bring the counts")
        return frame.assign(_households=0, _estimated=True), note if len(frame) else join_listed([])
    text = text_of(frame, columns["households"])
    count, problem = read_counts(text)
    implausible = count.notna() & ((count <= 0) | (count > most))
    problem = problem.mask(implausible, f"households not between 1 and {most:,}")
    problem = problem.mask((problem == "") & count.isna(), "no household count")
    bad = problem != ""
    name = text_of(frame, columns.get("name"))
    told = name.where(text == "", name + ": " + text)
    parts = []
    for reason in sorted(set(problem[bad])):
        mine = problem == reason
        parts.append(list_rows(_SOURCE, frame.index[mine], reason, "dropped", told[mine], count[mine]))
    about = text.map(is_approximate).astype(bool)
    return frame.assign(_households=count.fillna(0), _estimated=about)[~bad], join_listed(parts)


def _drop_alike(frame: Any, columns: dict[str, str]) -> tuple[Any, Any]:
    """Drop rows of one name, place and count, however these are written: they would be counted twice."""
    name = text_of(frame, columns.get("name"))
    place = shapely.to_wkt(shapely.normalize(frame.geometry.to_numpy()), rounding_precision=_ALIKE_DECIMALS)
    key = name + "\x1f" + pd.Series(place, index=frame.index, dtype="str") + "\x1f" + frame["_households"].astype("str")
    counted = frame["_households"].astype("float64")
    return drop_alike(frame, key.mask(name == "", ""), _SOURCE, doubt=frame["_estimated"], households=counted)


def _named(frame: Any) -> list[str]:
    return [str(name) for name in frame.columns if name != frame.geometry.name]


def _more_columns(frame: Any, columns: dict[str, str]) -> tuple[dict[str, Any], Any]:
    """Return the columns that are carried where the input has them: text as it stands, counts as numbers."""
    texts: dict[str, Any] = {name: text_of(frame, columns[name]) for name in _TEXTS if name in columns}
    numbers, listed = read_numbers(frame, {name: columns[name] for name in _NUMBERS if name in columns}, _SOURCE)
    return {**texts, **numbers}, listed


def list_stacked(estates: Any) -> Any:
    """Return LISTED of estates on one and the same point: they cannot be told apart on the ground."""
    points = estates[estates.geom_type == "Point"]
    spot = pd.Series(
        list(map(tuple, shapely.get_coordinates(points.geometry).round(2))), index=points.index, dtype=object
    )
    shared = spot[spot.duplicated(keep=False)]
    together = shared.groupby(shared).transform(lambda rows: "、".join(points.loc[rows.index, "name"]))
    count = points.loc[shared.index, "households"].to_numpy(dtype=float)
    labels = row_labels(estates)[shared.index]
    return list_rows(_SOURCE, labels, "on the same point as another", "kept", together, count)
