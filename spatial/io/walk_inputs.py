"""What does a planner bring to ask who walks where: a street map, facilities, demand, gates and closed estates?"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import InputError
from spatial.io.district import link_estates
from spatial.io.estates import read_estates
from spatial.io.features import Features, locate, read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.layers import read_gates
from spatial.io.listing import group_listed, join_listed, list_note
from spatial.io.needed import Sheet
from spatial.io.numbers import read_numbers
from spatial.io.osm_extent import find_extent
from spatial.io.osm_file import OSM_SUFFIXES, read_elements
from spatial.io.rows import carry_rows, drop_rows
from spatial.io.shapes import to_points
from spatial.io.spots import read_heights
from spatial.io.streets import read_streets
from spatial.io.systems import Undeclared, check_coords, read_system
from spatial.io.walk_areas import read_areas
from spatial.io.walk_network import read_walk_network
from spatial.profile import Profile
from spatial.progress import Progress, silent
from spatial.tables import DEMAND, require
from spatial.walking.network import WalkNetwork
from spatial.walking.walker import Walker

_ADULT = Walker()
_NO_COUNTS = ("lon", "lat", "lonlat", "levels", "area", "built", "cost", "code", "demand_id", "suspect", "name")
"""Columns of numbers that count nobody."""
_OWN = frozenset({"demand_id", "kind", "estate_id", "households", "estimated", "geometry"})


@dataclass(frozen=True, slots=True)
class WalkSources:
    """Files by their path (``file.gpkg:layer`` picks a layer), and columns by their name; what is None is not there.

    Attributes
    ----------
    osm:
        The street map.
    sources, demand:
        Places that are walked to, and places with households; their ids in a column that says so, else unlike names,
        else the number of the row.
    gates, estates:
        Gates, and the closed estates they lead into.
    heights:
        Heights as a raster or as places (see ``read_heights``); without them every walk is level.
    households, by, kind:
        Columns: households of the demand (1 each where there is none), groups of the demand, kind of the sources.
    areas:
        Layers of polygons (grids, communities) by which the demand in them is counted.
    coords, crs:
        What coordinates mean, and are in, in files that declare no system.
    attribution:
        Whom the street map is credited to, where that does not follow from the kind of file.
    """

    osm: str | Path
    sources: str | Path
    demand: str | Path
    gates: str | Path | None = None
    estates: str | Path | None = None
    heights: str | Path | None = None
    households: str | None = None
    by: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    kind: str | None = None
    coords: str | None = None
    crs: str | None = None
    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class WalkInputs:
    """The network; sources (``site_id, name, kind``) and DEMAND in its system; what is counted, by what; LISTED."""

    network: WalkNetwork
    sources: Any
    demand: Any
    counted: tuple[str, ...]
    by: Mapping[str, Any]
    listed: Any
    provenance: Mapping[str, Any]


def read_walk_inputs(
    sources: WalkSources, profile: Profile, *, walker: Walker = _ADULT, on_progress: Progress = silent
) -> WalkInputs:
    """Return all that walks of a walker are measured from, in one system of metres.

    Every column of the demand that holds nothing but numbers of at least 0 is counted beside the households. Rows
    without a place are dropped and listed; blank cells of such a column count 0 and are listed.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        If a file cannot be read or used; the message names it.
    """
    undeclared = Undeclared(
        None if sources.crs is None else read_system(sources.crs),
        "wgs84" if sources.coords is None else check_coords(sources.coords),
    )
    coords = None if sources.coords is None else undeclared.coords
    on_progress("walk network", 0.0)
    network, listed = read_network(sources, profile, walker, undeclared)
    on_progress("reading points", 0.0)
    given = {
        name: read_features(getattr(sources, name), network.crs, coords, source=name, undeclared=undeclared)
        for name in ("sources", "demand")
    }
    places, notes = _read_sources(given["sources"], sources.kind)
    demand, counted, by, more = read_demand(given["demand"], sources.households, sources.by)
    for path in sources.areas:
        on_progress("reading areas", 0.0)
        name, of, told = read_areas(path, demand, coords, undeclared)
        if name in by:
            raise InputError(f"found {name!r} twice among the groups to count by, needed different names")
        by[name] = of
        more = join_listed([more, told])
    origins = {name: {k: v for k, v in one.origin.items() if k != "source"} for name, one in given.items()}
    everything = group_listed(join_listed([*listed, notes, more]))
    return WalkInputs(network, places, demand, counted, by, everything, _digest(sources, origins))


def read_network(
    sources: WalkSources, profile: Profile, walker: Walker, undeclared: Undeclared
) -> tuple[WalkNetwork, list[Any]]:
    """Return the network with the gates and estates that are given, and LISTED of these."""
    if sources.gates is None and sources.estates is None and sources.heights is None:
        return read_walk_network(sources.osm, profile, walker=walker), []
    crs = read_map_system(sources.osm)
    gates, estates, listed = _read_gates(sources, crs, undeclared)
    given: dict[str, Any] = {"gates": gates, "estates": estates, "walker": walker, "crs": crs}
    if sources.heights is not None:
        given["heights"], told = read_heights(sources.heights, crs, undeclared=undeclared)
        listed = [*listed, told]
    return read_walk_network(sources.osm, profile, **given), listed


def read_map_system(path: str | Path) -> Any:
    """Return the projected system in which a street map is walked: that of its middle."""
    if str(path).lower().endswith(OSM_SUFFIXES):
        return find_extent(read_elements(Path(path)), crs=None, clip=None, name=Path(path).name).crs
    return read_streets(path).crs


def _read_gates(sources: WalkSources, crs: Any, undeclared: Undeclared) -> tuple[Any, Any, list[Any]]:
    """Return GATES and ESTATES, None where there are none, and LISTED."""
    gates, estates, listed = None, None, []
    if sources.estates is not None:
        estates, notes = read_estates(sources.estates, crs, undeclared=undeclared)
        listed.append(notes)
    if sources.gates is not None:
        gates, notes = read_gates(sources.gates, crs, undeclared=undeclared)
        listed.append(notes)
        if estates is not None:
            gates, notes = link_estates(carry_rows(gates), estates, "gates")
            gates = drop_rows(gates)
            listed.append(notes)
    return gates, estates, listed


def _read_sources(given: Features, kind: str | None) -> tuple[Any, Any]:
    """Return ``site_id, name, kind`` as points, sorted by id, and LISTED."""
    sheet, frame, listed = as_points(given)
    ids, named = read_ids(sheet, frame, "source_id", "sources")
    columns = find_columns(frame.columns, ("name", "kind"), sheet.where)
    kind = sheet.need(kind) if kind is not None else columns.get("kind")
    texts = {"name": text_of(frame, columns.get("name")), "kind": text_of(frame, kind).str.strip()}
    out = gpd.GeoDataFrame({"site_id": ids, **texts}, geometry=frame.geometry, crs=frame.crs)
    return _by_id(out, "site_id"), join_listed([given.listed, listed, named])


def read_demand(
    given: Features, households: str | None, by: tuple[str, ...]
) -> tuple[Any, tuple[str, ...], dict[str, Any], Any]:
    """Return DEMAND, the columns that are counted, name -> group of each demand point, and LISTED."""
    sheet, frame, listed = as_points(given)
    ids, named = read_ids(sheet, frame, "demand_id", "demand")
    homes, told, column = _read_households(sheet, frame, households)
    groups = {sheet.need(name): text_of(frame, sheet.need(name)).str.strip() for name in by}
    skipped = {column, *groups, *find_columns(frame.columns, _NO_COUNTS, sheet.where).values()}
    numbers, blanks = _read_counts(frame, sorted(map(str, set(frame.columns) - skipped - {"geometry"})))
    out = {"demand_id": ids, "kind": "point", "estate_id": "", "households": homes, "estimated": False, **numbers}
    demand = gpd.GeoDataFrame(out, geometry=frame.geometry, crs=frame.crs)
    demand = require(_by_id(demand.astype({"kind": "str", "estate_id": "str"}), "demand_id"), DEMAND)
    placed = {name: pd.Series(texts.to_numpy(), index=ids.to_numpy()) for name, texts in groups.items()}
    notes = join_listed([given.listed, listed, named, told, blanks])
    return demand, ("households", *numbers), placed, notes


def as_points(given: Features) -> tuple[Sheet, Any, Any]:
    """Return the rows as a sheet (of all of them), those that have a place as points, and LISTED."""
    source, file = given.origin["source"], given.origin["path"]
    sheet = Sheet(given.frame, f"{source} ({file})")
    frame, listed = to_points(given.frame, source)
    if not len(frame):
        raise InputError(f"{source}: none of {len(given.frame):,} rows of {file} has a place; needed coordinates")
    return sheet, frame, listed


def read_ids(sheet: Sheet, frame: Any, field: str, source: str) -> tuple[Any, Any]:
    """Return the ids of the rows: their own, else unlike names, else their numbers in the file; and LISTED."""
    found = find_columns(frame.columns, (field, "name"), sheet.where)
    if field in found:
        return sheet.keys(found[field]).loc[frame.index], join_listed([])
    names = text_of(frame, found.get("name")).str.strip()
    if "name" in found and (names != "").all() and names.is_unique:
        return names, list_note(source, "no column of ids", "guessed", f"{found['name']} names each row")
    numbers = pd.Series([str(row) for row in frame.index], index=frame.index, dtype="str")
    return numbers, list_note(source, "no column of ids", "guessed", "the number of the row in the file names it")


def _read_households(sheet: Sheet, frame: Any, column: str | None) -> tuple[Any, Any, str | None]:
    """Return the households of each row, LISTED, and the column they stand in."""
    found = sheet.need(column) if column is not None else None
    found = found or find_columns(frame.columns, ("households",), sheet.where).get("households")
    if found is not None:
        return sheet.counts(found).loc[frame.index], join_listed([]), found
    ones = pd.Series(1, index=frame.index, dtype="int64")
    return ones, list_note("demand", "no column of households", "guessed", "each point counts as one household"), None


def _read_counts(frame: Any, columns: list[str]) -> tuple[dict[str, Any], Any]:
    """Return the columns of numbers, blanks as 0, and LISTED of the blanks; whole numbers stay whole."""
    counts, parts = {}, []
    for column in columns:
        text = text_of(frame, column).str.strip()
        numbers, odd = read_numbers(frame, {column: column}, "demand")
        values = numbers[column]
        blank = text == ""
        if len(odd) or blank.all() or column in _OWN or (values < 0).any() or values[~blank].isna().any():
            continue
        if blank.any():
            parts.append(list_note("demand", "blank cells", "guessed", f"{column}: {blank.sum():,} of them count as 0"))
        filled = values.fillna(0.0)
        counts[column] = filled.astype("int64") if (filled == np.floor(filled)).all() else filled
    return counts, join_listed(parts)


def _by_id(frame: Any, key: str) -> Any:
    return frame.astype({key: "str"}).sort_values(key, kind="stable").reset_index(drop=True)


def _digest(sources: WalkSources, origins: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each input, what the reader found, the file's name (no folder) and its SHA-256."""
    told: dict[str, dict[str, Any]] = {}
    for name in ("osm", "sources", "demand", "gates", "estates", "heights"):
        if (given := getattr(sources, name)) is not None:
            path = locate(given).path
            told[name] = {**origins.get(name, {}), "path": path.name, "sha256": _sha256(path)}
    for number, one in enumerate(sources.areas, 1):
        told[f"areas {number}"] = {"path": locate(one).path.name, "sha256": _sha256(locate(one).path)}
    if sources.attribution is not None:
        told["osm"]["attribution"] = sources.attribution
    return told


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
