"""What do layers of homes, candidates and open centres say of a siting question, and how far apart are they on foot?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import InputError
from spatial.io.features import Features, read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.listing import group_listed, join_listed
from spatial.io.numbers import read_numbers
from spatial.io.site_inputs import WEIGHT, SiteInputs, build_places
from spatial.io.systems import Undeclared, check_coords, read_system
from spatial.io.walk_inputs import WalkSources, as_points, read_demand, read_ids, read_network
from spatial.profile import Profile
from spatial.progress import Progress, silent
from spatial.siting.setting import Homes, Setting, join_walks, positions
from spatial.walking.access_walks import list_access
from spatial.walking.network import WalkNetwork
from spatial.walking.survey import require_near
from spatial.walking.travel import travel_times
from spatial.walking.walker import Walker

_NUMBERS = {"capacity": "capacity", "level": "level", "cost": "cost", "floor_area_m2": "area"}
_TEXTS = ("kind", "mode", "name", "fixed")
_PLACED = ("lon", "lat", "lonlat")
_SHOWN = 8


def read_site_layers(
    sources: WalkSources, profile: Profile, *, existing: str | None, limit_s: float, on_progress: Progress = silent
) -> SiteInputs:
    """Return a siting question whose costs are seconds on foot along the streets, to everybody within the limit.

    ``sources.sources`` holds the candidates and ``existing`` the centres that are open today, which stay open. Headers
    are known as everywhere (费用, 取得方式, 建筑面积, 容量, 级别, 已有); every other column that a condition may name
    goes by its own name. Demand counts its households, 1 each where there are none; further columns of numbers are
    groups, ``load`` the room that a point takes.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        If a file cannot be used, an id stands twice, or everybody is farther than the limit from any street.
    """
    undeclared = Undeclared(
        None if sources.crs is None else read_system(sources.crs),
        "wgs84" if sources.coords is None else check_coords(sources.coords),
    )
    on_progress("walk network", 0.0)
    network, listed = read_network(sources, profile, Walker(), undeclared)
    on_progress("reading points", 0.0)
    coords = None if sources.coords is None else undeclared.coords

    def read(path: str, source: str) -> Features:
        return read_features(path, network.crs, coords, source=source, undeclared=undeclared)

    demand, counted, _, told = read_demand(read(str(sources.demand), "demand"), sources.households, ())
    sites, notes = _read_sites(read(str(sources.sources), "candidates"), fixed=False)
    listed = [*listed, told, notes]
    if existing is not None:
        more, notes = _read_sites(read(existing, "existing"), fixed=True)
        twice = sorted(set(sites["id"]) & set(more["id"]))
        if twice:
            raise InputError(f"site {twice[0]!r} is both a candidate and an existing one; needed different ids")
        sites, listed = pd.concat([sites, more], ignore_index=True), [*listed, notes]
    texts = sites.drop(columns="geometry").fillna("")
    places, floor, limited = build_places(texts, "candidates")
    on_progress("travel times", 0.0)
    setting = Setting(places, _homes(demand, counted), *_walk(network, sites, demand, places.ids, limit_s))
    lines = _tell(group_listed(join_listed(listed)))
    if np.isfinite(limit_s):
        lines.append(f"walks of more than {limit_s / 60:g} min were not looked at")
    return SiteInputs(setting, "seconds", True, floor, limited, tuple(lines))


def _read_sites(given: Features, *, fixed: bool) -> tuple[Any, Any]:
    """Return sites as a table of text with ``id``, ``x`` and ``y`` and their points, and LISTED."""
    source = given.origin["source"]
    sheet, frame, listed = as_points(given)
    ids, named = read_ids(sheet, frame, "source_id", source)
    known = find_columns(frame.columns, (*_TEXTS, *_PLACED, *_NUMBERS.values(), "source_id"), sheet.where)
    numbers = {name: known.get(field) for name, field in _NUMBERS.items()}
    amounts, odd = read_numbers(frame, {name: column for name, column in numbers.items() if column}, source)
    taken = {*known.values(), *filter(None, numbers.values()), frame.geometry.name}
    others = {str(name): text_of(frame, name).str.strip() for name in frame.columns if name not in taken}
    columns = {
        **others,
        **{name: text_of(frame, known[name]).str.strip() for name in _TEXTS if name in known},
        **{name: _digits(values) for name, values in amounts.items()},
        "id": ids.astype("str"),
        "x": _digits(frame.geometry.x),
        "y": _digits(frame.geometry.y),
    }
    if fixed:
        columns["fixed"] = pd.Series("1", index=frame.index)
    sites = gpd.GeoDataFrame(columns, geometry=frame.geometry, crs=frame.crs)
    return sites.reset_index(drop=True), join_listed([given.listed, listed, named, odd])


def _digits(values: Any) -> Any:
    return values.map(lambda value: "" if pd.isna(value) else repr(float(value))).astype("str")


def _homes(demand: Any, counted: tuple[str, ...]) -> Homes:
    """Return the homes of DEMAND: their weight is their households, their groups whatever else is counted."""
    groups = {WEIGHT: demand["households"].to_numpy(dtype=np.float64)}
    groups |= {name: demand[name].to_numpy(dtype=np.float64) for name in counted if name not in ("households", "load")}
    load = demand["load"].to_numpy(dtype=np.float64) if "load" in counted else groups[WEIGHT]
    return Homes(demand["demand_id"].to_numpy(dtype=object), groups, load)


def _walk(network: WalkNetwork, sites: Any, demand: Any, ids: Any, limit_s: float) -> tuple[Any, Any]:
    """Return the walks of everybody to every site within the limit, and what was left out."""
    points = sites.rename(columns={"id": "site_id"})
    farthest_s = limit_s if np.isfinite(limit_s) else network.rules.circle_min[-1] * 60.0
    for what, frame in (("site", points), ("demand point", demand)):
        require_near(list_access(network, frame), what, farthest_s * network.m_per_s)
    times = travel_times(network, points, demand, limit=limit_s)
    at = positions(times["origin_id"].to_numpy(dtype=object), ids)
    homes = demand["demand_id"].to_numpy(dtype=object)
    to = positions(times["destination_id"].to_numpy(dtype=object), homes)
    return join_walks(at, to, times["walk_s"].to_numpy(dtype=np.float64), len(homes), len(ids))


def _tell(listed: Any) -> list[str]:
    """Return a line for each note on the inputs, the first few of many."""
    lines = [f"{row.source}: {row.reason} ({row.row}: {row.detail})" for row in listed.head(_SHOWN).itertuples()]
    if len(listed) > _SHOWN:
        lines.append(f"... and {len(listed) - _SHOWN} more notes on the inputs")
    return lines
