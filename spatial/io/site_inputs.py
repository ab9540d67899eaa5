"""What does a planner bring to choose sites: costs by pair, demand by id, and candidates with what each takes?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.crs import LONLAT, metric_crs, transform_xy
from spatial.errors import InputError
from spatial.io.cost_table import read_costs, tell_strange
from spatial.io.registers import read_table
from spatial.io.site_columns import DEMAND_COLUMNS, ID_COLUMNS, SITE_COLUMNS, WEIGHTS, name_columns, to_numbers
from spatial.io.totals import find_totals
from spatial.personal import check_personal
from spatial.siting.setting import Homes, Places, Setting, join_walks

WEIGHT = "weight"
_LOAD, _LEVEL = "load", "level"
_NOT_GROUPS = frozenset({*ID_COLUMNS, _LOAD, "lon", "lat", "x", "y"})
_SITE_NUMBERS = ("capacity", "cost", "floor_area_m2", _LEVEL, "lon", "lat", "x", "y")
_TRUE = frozenset("1 true yes y t fixed open existing 是 已有 现有 1.0".split())
_FALSE = frozenset(["", "0", "false", "no", "n", "f", "否", "0.0", "nan", "none"])
MODES: Mapping[str, str] = {
    "划转": "transfer", "腾退": "vacate", "共享": "share", "新建": "new", "闲置盘活": "reuse", "盘活": "reuse",
}  # fmt: skip
"""How a place is come by, in the words of offices."""


@dataclass(frozen=True, slots=True)
class SiteSources:
    """Files of a siting question, the column of costs, and whether pairs with unknown ids are left out."""

    times: Path
    demand: Path
    candidates: Path
    cost_column: str | None = None
    skip_unknown: bool = False


@dataclass(frozen=True, slots=True)
class SiteInputs:
    """A setting as read; whether its costs are seconds; the floor area of sites; notes on what was left out."""

    setting: Setting
    column: str
    in_seconds: bool
    floor_area_m2: NDArray[np.float64]
    has_capacity: bool
    notes: tuple[str, ...]


def read_site_inputs(sources: SiteSources) -> SiteInputs:
    """Return a siting question's tables, sorted by id.

    Demand has ``id`` and ``weight`` (0 or more), may have ``load`` (room taken, else the weight) and groups: further
    columns of numbers. Candidates have ``id`` and may have ``capacity``, ``cost``, ``mode``, ``fixed``, ``level``,
    ``lon`` and ``lat`` (or ``x`` and ``y`` in metres), ``floor_area_m2`` and further columns of text.

    Raises
    ------
    InputError, PersonalDataError
        If a file cannot be used; the message names it, with the column or the id.
    """
    homes, left = _read_homes(sources.demand)
    sites, more = _read_rows(sources.candidates, "candidates", SITE_COLUMNS)
    places, floor, limited = build_places(sites, sources.candidates.name)
    table = read_costs(sources.times, places.ids, homes.ids, column=sources.cost_column)
    notes = [*left, *more]
    if strange := tell_strange(table, sources.times.name, {"sites": places.ids, "demand": homes.ids}):
        if not sources.skip_unknown:
            raise InputError(f"{strange}; needed known ids, or --skip-unknown to leave those pairs out")
        notes.append(f"{strange}; those pairs are left out")
    if table.blank:
        notes.append(f"{sources.times.name}: pairs without a cost, left out: {table.blank}")
    ways, ignored = join_walks(table.site, table.demand, table.cost, len(homes.ids), len(places.ids))
    if not len(ways.site):
        raise InputError(f"{sources.times.name} holds no pair of a known site and a known demand point; needed some")
    if ignored["longer_walk_of_a_pair"]:
        notes.append(
            f"{ignored['longer_walk_of_a_pair']} pairs of {sources.times.name} stand twice; the lower cost counts"
        )
    return SiteInputs(
        Setting(places, homes, ways, ignored), table.column, table.in_seconds, floor, limited, tuple(notes)
    )


def with_floor_rooms(inputs: SiteInputs, floor_m2: float) -> SiteInputs:
    """Return the inputs where a site without a capacity has room for as much as its floor area is enough for.

    ``floor_m2`` is what 100 of the load need; a site without either has room for everybody.
    """
    places, area = inputs.setting.places, inputs.floor_area_m2
    room = np.where(np.isfinite(places.room) | np.isnan(area), places.room, area * 100.0 / floor_m2)
    setting = replace(inputs.setting, places=replace(places, room=room))
    return replace(inputs, setting=setting, has_capacity=bool(np.isfinite(room).any()))


def _read_homes(path: Path) -> tuple[Homes, list[str]]:
    frame, told = _read_rows(path, "demand", DEMAND_COLUMNS)
    ids, order = _ids(frame, path.name)
    weight = next((name for name in WEIGHTS if name in frame.columns), None)
    if weight is None:
        raise InputError(f"{path.name}: found columns {', '.join(frame.columns)}; needed weight beside id")
    groups = {WEIGHT: _numbers(frame, weight, ids, path.name, needed=True)}
    passed = []
    for name in frame.columns:
        if name in _NOT_GROUPS or name == weight:
            continue
        values = to_numbers(frame[name])
        if (values >= 0).all() and np.isfinite(values).all():
            groups[name] = values
        else:
            passed.append(name)
    load = _numbers(frame, _LOAD, ids, path.name, needed=True) if _LOAD in frame.columns else groups[WEIGHT]
    notes = [f"{path.name}: columns {', '.join(passed)} hold no numbers of people and are not read"] if passed else []
    notes = [*told, *notes]
    return Homes(ids[order], {name: values[order] for name, values in groups.items()}, load[order]), notes


def build_places(frame: Any, where: str) -> tuple[Places, NDArray[np.float64], bool]:
    """Return the sites of a table of text, sorted by id, their floor areas, and whether any has a capacity.

    Raises
    ------
    InputError
        If an id is missing or stands twice, or a cell holds no number where one is needed.
    """
    ids, order = _ids(frame, where)
    number = {name: _numbers(frame, name, ids, where) for name in _SITE_NUMBERS if name in frame.columns}
    blank = np.full(len(ids), np.nan)
    room = number.get("capacity", blank)
    level = number.get(_LEVEL, np.ones(len(ids)))
    texts = [name for name in frame.columns if name not in (*ID_COLUMNS, *_SITE_NUMBERS, "fixed")]
    marks = {name: frame[name].to_numpy(dtype=object)[order] for name in texts}
    mode = marks.get("mode", np.full(len(ids), "", dtype=object))
    marks["mode"] = np.array([MODES.get(one, one) for one in mode], dtype=object)
    marks.setdefault("kind", np.full(len(ids), "", dtype=object))
    places = Places(
        ids=ids[order],
        existing=_flags(frame, ids, where)[order],
        price=number.get("cost", blank)[order],
        room=np.where(np.isnan(room), np.inf, room)[order],
        xy=_xy(number, len(ids))[order],
        marks=marks,
        level=np.where(np.isnan(level), 1, level)[order].astype(np.int64),
    )
    return places, number.get("floor_area_m2", blank)[order], bool(np.isfinite(room).any())


def _read_frame(path: Path, what: str) -> Any:
    """Return a table of text; an empty cell is ""."""
    if not path.is_file():
        raise InputError(f"{what}: {path} is not there")
    if path.suffix.lower() == ".parquet":
        try:
            raw = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{what}: {path.name} cannot be read: {str(error).splitlines()[0]}") from error
        frame = raw.apply(_texts) if len(raw.columns) else raw
    else:
        frame = read_table(path)
    frame.columns = [str(name).strip() for name in frame.columns]
    check_personal(frame, path.name)
    if not len(frame):
        raise InputError(f"{what}: {path.name} has no rows; needed at least one")
    return frame.reset_index(drop=True)


def _read_rows(path: Path, what: str, fields: Mapping[str, tuple[str, ...]]) -> tuple[Any, list[str]]:
    """Return a table without its lines of totals, its columns by the names they go by, and notes on both."""
    frame, totals = _drop_totals(_read_frame(path, what), path.name)
    frame, named = name_columns(frame, fields, path.name)
    return frame, [*named, *totals]


def _drop_totals(frame: Any, where: str) -> tuple[Any, list[str]]:
    """Return a table without its lines of totals, and a note where there are any."""
    total = find_totals(frame)
    rows = ", ".join(str(position) for position in np.flatnonzero(total) + 1)
    notes = [f"{where}: {total.sum()} lines of totals are left out (row {rows} of the data)"] if total.any() else []
    return frame[~total].reset_index(drop=True), notes


def _texts(values: Any) -> Any:
    if pd.api.types.is_float_dtype(values.dtype):
        return values.map(lambda v: "" if pd.isna(v) else (str(int(v)) if float(v).is_integer() else repr(float(v))))
    return values.map(lambda v: "" if pd.isna(v) else str(v).strip()).astype(object)


def _ids(frame: Any, where: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    column = next((name for name in ID_COLUMNS if name in frame.columns), None)
    if column is None:
        raise InputError(f"{where}: found columns {', '.join(frame.columns)}; needed id")
    ids = frame[column].astype(str).str.strip().to_numpy(dtype=object)
    empty = np.flatnonzero(ids == "")
    if len(empty):
        raise InputError(f"{where}: id is empty in row {empty[0] + 1} of the data; needed one in every row")
    order = np.argsort(ids, kind="stable")
    twice = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    if len(twice):
        raise InputError(f"{where}: id {ids[order][twice[0]]!r} stands in more than one row; needed one row each")
    return ids, order


def _numbers(frame: Any, name: str, ids: NDArray[Any], where: str, *, needed: bool = False) -> NDArray[np.float64]:
    text = frame[name].astype(str).str.strip()
    values = to_numbers(text)
    signed = name in ("lon", "lat", "x", "y", _LEVEL)
    bad = np.isnan(values) & ((text != "").to_numpy() | needed)
    bad |= np.isinf(values) & (name != "capacity")
    if not signed:
        bad |= values < 0
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        raise InputError(f"{where}: {name} of {ids[k]!r} is {text.iloc[k]!r}; needed a number of at least 0")
    return values


def _flags(frame: Any, ids: NDArray[Any], where: str) -> NDArray[np.bool_]:
    if "fixed" not in frame.columns:
        return np.zeros(len(ids), dtype=bool)
    words = frame["fixed"].astype(str).str.strip().str.lower()
    strange = ~words.isin(_TRUE | _FALSE)
    if strange.any():
        k = int(np.flatnonzero(strange.to_numpy())[0])
        raise InputError(f"{where}: fixed of {ids[k]!r} is {words.iloc[k]!r}; needed yes or no, 1 or 0")
    return np.asarray(words.isin(_TRUE).to_numpy(dtype=bool))


def _xy(number: Mapping[str, NDArray[np.float64]], size: int) -> NDArray[np.float64]:
    """Return the coordinates in metres, missing where none are given."""
    if "x" in number and "y" in number:
        return np.column_stack([number["x"], number["y"]])
    out = np.full((size, 2), np.nan)
    if "lon" not in number or "lat" not in number:
        return out
    lonlat = np.column_stack([number["lon"], number["lat"]])
    known = np.isfinite(lonlat).all(axis=1)
    if known.any():
        metric = metric_crs(*lonlat[known].mean(axis=0))
        out[known] = transform_xy(lonlat[known], LONLAT, metric)
    return out
