"""Column contracts: what each frame that crosses from one room to the next must hold.

``require(frame, TABLE)`` is called where a frame enters a room; inside it is trusted. Every geometry is in metres of
one projected system. Extra columns are allowed and carried along. Ids are strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from spatial.crs import require_metric
from spatial.errors import TableError

Kind = Literal["text", "integer", "number", "flag"]


@dataclass(frozen=True, slots=True)
class Table:
    """A contract: name, columns with their kinds, key column and the kinds of geometry allowed (none: no geometry)."""

    name: str
    columns: Mapping[str, Kind]
    key: str | None = None
    geometry: frozenset[str] = field(default_factory=frozenset)
    nullable: frozenset[str] = field(default_factory=frozenset)

    def empty(self, crs: Any = None) -> Any:
        """Return a frame with these columns and no rows."""
        return _empty(tuple(self.columns.items()), bool(self.geometry), crs).copy()


@lru_cache(maxsize=128)
def _empty(columns: tuple[tuple[str, Kind], ...], places: bool, crs: Any) -> Any:
    """Return a frame to be copied: to make it takes a hundred times as long."""
    dtypes = {"text": "str", "integer": "int64", "number": "float64", "flag": "bool"}
    made = {name: pd.Series(dtype=dtypes[kind]) for name, kind in columns}
    if not places:
        return pd.DataFrame(made)
    return gpd.GeoDataFrame(made, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


_LINES = frozenset({"LineString"})
_POINTS = frozenset({"Point"})
_POLYGONS = frozenset({"Polygon"})
_AREAS = frozenset({"Polygon", "MultiPolygon"})

COMMUNITIES = Table(
    "communities",
    {"community_id": "text", "name": "text", "households": "number", "proposed": "flag"},
    key="community_id",
    geometry=_AREAS,
    nullable=frozenset({"households"}),  # known total of households, missing when nobody gave one
)
BARRIERS = Table(
    "barriers",  # lines that borders should follow, with a strength 0-1
    {"barrier_id": "text", "kind": "text", "strength": "number", "crossable": "flag"},
    key="barrier_id",
    geometry=_LINES,
)
ESTATES = Table(
    "estates",  # access: gated, open or unknown
    {"estate_id": "text", "name": "text", "households": "integer", "access": "text", "estimated": "flag"},
    key="estate_id",
    geometry=_AREAS | _POINTS,
)
BUILDINGS = Table(
    "buildings",  # use: residential, commercial, ...; estate_id is "" where the building belongs to none
    {
        "building_id": "text",
        "estate_id": "text",
        "use": "text",
        "levels": "number",
        "households": "integer",
        "estimated": "flag",
    },
    key="building_id",
    geometry=_POLYGONS,
)
DEMAND = Table(
    "demand",  # places with households: a building, or an estate known only by a point or an outline
    {"demand_id": "text", "kind": "text", "estate_id": "text", "households": "integer", "estimated": "flag"},
    key="demand_id",
    geometry=_POINTS,
)
BLOCKS = Table(
    "blocks",  # kind: face, estate or part (of a face that was cut)
    {
        "block_id": "text",
        "community_id": "text",
        "kind": "text",
        "estate_id": "text",
        "households": "integer",
        "area_m2": "number",
        "oversize": "flag",
        "sub_grids_needed": "integer",
        "estimated": "flag",
    },
    key="block_id",
    geometry=_POLYGONS,
)
ADJACENCY = Table(
    "adjacency",  # one row per pair, focal < neighbor
    {
        "focal": "text",
        "neighbor": "text",
        "shared_m": "number",
        "clear_m": "number",
        "clarity": "number",
        "barrier": "text",
        "crossable": "flag",
    },
)
GATES = Table(
    "gates",
    {"gate_id": "text", "estate_id": "text", "access": "text", "hours": "text"},
    key="gate_id",
    geometry=_POINTS,
)
CANDIDATES = Table(
    "candidates",  # places where a centre may open; mode: transfer, vacate, share, new, reuse or ""
    {
        "site_id": "text",
        "name": "text",
        "kind": "text",
        "mode": "text",
        "cost": "number",
        "floor_area_m2": "number",
        "proposed": "flag",
    },
    key="site_id",
    geometry=_POINTS,
    nullable=frozenset({"cost", "floor_area_m2"}),
)
FACILITIES = Table(
    "facilities",  # centres that are open today
    {"site_id": "text", "name": "text", "kind": "text", "floor_area_m2": "number"},
    key="site_id",
    geometry=_POINTS,
    nullable=frozenset({"floor_area_m2"}),
)
CURRENT = Table(
    "current",  # today's grids, one or several layers (departments)
    {"layer": "text", "code": "text", "name": "text"},
    geometry=_AREAS,
)
POIS = Table("pois", {"poi_id": "text", "name": "text", "kind": "text"}, key="poi_id", geometry=_POINTS)
VERTICAL_GRIDS = Table(
    "vertical_grids",  # floors of towers and podiums that are grids of their own; 1 is the ground floor, -1 below it
    {"vertical_id": "text", "name": "text", "lowest_floor": "integer", "highest_floor": "integer"},
    key="vertical_id",
    geometry=_AREAS,
)
LISTED = Table(
    "listed",  # every input row that was not used as it stood; action: dropped, repaired, merged, kept or guessed
    {"source": "text", "row": "text", "reason": "text", "action": "text", "detail": "text", "households": "number"},
    nullable=frozenset({"households"}),
)
TRAVEL_TIMES = Table(
    "travel_times",  # one row per pair within the cutoff, sorted by origin, then destination
    {"origin_id": "text", "destination_id": "text", "walk_s": "number", "walk_m": "number"},
)
CIRCLES = Table(
    "circles",  # mode: time or distance; limit_m and minutes of the circle; households reached along the network
    {"site_id": "text", "mode": "text", "minutes": "number", "limit_m": "number", "households": "integer"},
    geometry=_AREAS,
)
SITES = Table(
    "sites",
    {
        "site_id": "text",
        "name": "text",
        "kind": "text",
        "existing": "flag",
        "proposed": "flag",
        "households": "integer",
        "mean_walk_s": "number",
    },
    key="site_id",
    geometry=_POINTS,
    nullable=frozenset({"mean_walk_s"}),
)
GRIDS = Table(
    "grids",  # status: in_band, low, high or oversize
    {
        "grid_id": "text",
        "code": "text",
        "community_id": "text",
        "level": "text",
        "kind": "text",
        "households": "integer",
        "blocks": "integer",
        "area_m2": "number",
        "status": "text",
        "oversize": "flag",
        "explanation": "text",
    },
    key="grid_id",
    geometry=_AREAS,
)
VIOLATIONS = Table(
    "violations",  # severity: error (a rule that always holds is broken) or warning (an exception that is counted)
    {"rule": "text", "severity": "text", "subject": "text", "message": "text"},
    geometry=frozenset({"Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "MultiPoint"}),
)


@dataclass(frozen=True, slots=True)
class Streets:
    """What was read of a street map, in metres.

    Attributes
    ----------
    ways:
        Lines: ``way_id`` (int64), one text column per tag ("" where absent; see ``WAY_TAGS``), ``nodes`` (an int64
        array per row, as many as the line has vertices; equal ids are the same place on the ground), ``geometry``.
    points:
        Tagged nodes: ``node_id`` (int64), a text column per tag of ``POINT_TAGS``, ``geometry``.
    areas:
        Closed outlines: ``area_id`` (text), a text column per tag of ``AREA_TAGS``, ``geometry`` (valid).
    outline:
        What the map covers, in metres; None where the source does not say.
    crs:
        The projected system of all of them.
    source:
        Where the map came from, for the report.
    dropped:
        Reason -> number of elements that were left out.
    """

    ways: Any
    points: Any
    areas: Any
    outline: Any
    crs: Any
    source: str
    dropped: Mapping[str, int]


WAY_TAGS = (
    "highway railway waterway barrier natural access foot motor_vehicle service oneway oneway:foot foot:backward "
    "sidewalk sidewalk:left sidewalk:right sidewalk:both footway bridge tunnel layer level area conveying incline "
    "surface name ref junction opening_hours wheelchair man_made"
).split()
POINT_TAGS = "barrier highway access foot entrance railway level opening_hours name amenity shop locked".split()
AREA_TAGS = (
    "building building:levels building:use building:flats landuse residential natural water waterway leisure amenity "
    "shop office place barrier area highway area:highway access name addr:housenumber levels man_made"
).split()


def require(frame: Any, table: Table) -> Any:
    """Return the frame if it keeps the contract.

    Raises
    ------
    TableError
        If a column, a key, a value or a kind of geometry is not as the table says.
    CrsError
        If its geometry is not in metres.
    """
    missing = [name for name in table.columns if name not in frame.columns]
    if missing:
        raise TableError(f"{table.name}: found columns {sorted(map(str, frame.columns))}, needed also {missing}")
    for name in table.columns:
        if name not in table.nullable and frame[name].isna().any():
            first = frame.index[frame[name].isna()][0]
            raise TableError(f"{table.name}: column {name} is empty in row {first}; needed a value in every row")
    _require_kinds(frame, table)
    if table.key is not None and frame[table.key].duplicated().any():
        twice = frame.loc[frame[table.key].duplicated(), table.key].iloc[0]
        raise TableError(f"{table.name}: {table.key} {twice!r} stands in more than one row; needed one row each")
    if table.geometry:
        _require_geometry(frame, table)
    return frame


def _require_kinds(frame: Any, table: Table) -> None:
    checks = {
        "text": lambda s: pd.api.types.is_string_dtype(s) or pd.api.types.is_object_dtype(s),
        "integer": pd.api.types.is_integer_dtype,
        "number": pd.api.types.is_numeric_dtype,
        "flag": pd.api.types.is_bool_dtype,
    }
    for name, kind in table.columns.items():
        if len(frame) and not checks[kind](frame[name]):
            raise TableError(f"{table.name}: column {name} holds {frame[name].dtype}, needed {kind}")


def _require_geometry(frame: Any, table: Table) -> None:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise TableError(f"{table.name}: found a frame without geometry, needed {sorted(table.geometry)}")
    require_metric(frame.crs, table.name)
    kinds = set(frame.geometry.geom_type.dropna().unique())
    if frame.geometry.isna().any() or frame.geometry.is_empty.any():
        raise TableError(f"{table.name}: a row has no geometry; needed one in every row")
    if not kinds <= table.geometry:
        raise TableError(
            f"{table.name}: found geometry {sorted(kinds - table.geometry)}, needed {sorted(table.geometry)}"
        )
