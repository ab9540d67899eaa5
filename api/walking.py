"""Which street map is walked for the requests that come in, and for whom are its circles counted?"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from api.snapshot import Snapshot
from spatial.errors import InputError, MissingError
from spatial.io.plan_walks import profile_of, read_plan_demand, read_plan_gates, sha256_of_streets
from spatial.io.profiles import DEFAULT_PROFILE, read_profile
from spatial.io.walk_inputs import read_map_system
from spatial.io.walk_network import read_walk_network
from spatial.io.walk_outputs import circles_to_geojson
from spatial.walking.access_walks import list_access
from spatial.walking.changes import change_network
from spatial.walking.coverage import count_circles
from spatial.walking.isochrones import build_isochrones
from spatial.walking.nearby import find_nearby
from spatial.walking.network import WalkNetwork
from spatial.walking.survey import require_near
from spatial.walking.travel import travel_times

Mode = Literal["time", "distance"]
Gates = Literal["open", "closed"]
_WARM: tuple[tuple[Mode, float], ...] = (("time", 60.0), ("distance", 60.0))


@dataclass(frozen=True, slots=True)
class Asked:
    """Limits in seconds or, in distance mode, metres, in rising order; which gates stand open; zoom of the map."""

    limits: tuple[float, ...]
    mode: Mode
    gates: Gates
    zoom: int | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """A walk network, the homes counted on it and a tree of them (None where no plan brings any), and the map's name.

    ``same_map`` tells whether it is the map that the plan was made from, None where that is not known.
    """

    network: WalkNetwork
    demand: Any | None
    tree: Any
    source: str
    same_map: bool | None

    def without_homes(self) -> "Ground":
        """Return the ground as one of a street map alone: nobody is counted on it."""
        return replace(self, demand=None, tree=None)

    def changed(self, close: Sequence[str], add: Sequence[Any]) -> "Ground":
        """Return the ground with gates or streets closed and footbridges added.

        Raises
        ------
        InputError
            If a name is of nothing on the network, or a footbridge ends far from every street.
        """
        if not close and not add:
            return self
        try:
            network = change_network(self.network, close=list(close))
        except MissingError as error:
            raise InputError(f"close: {error}") from error
        try:
            return replace(self, network=change_network(network, add=list(add)))
        except InputError as error:
            raise InputError(f"add: {error}") from error

    def circles(self, points: Any, asked: Asked) -> bytes:
        """Return the circles of ``site_id`` points as GeoJSON, counted along the network.

        Raises
        ------
        InputError
            If a point lies farther from every street than the smallest limit reaches.
        """
        access = self._near(points, asked)
        circles = build_isochrones(
            self.network, points, mode=asked.mode, limits=asked.limits, gates=asked.gates, zoom=asked.zoom
        )
        row = pd.Index(points["site_id"]).get_indexer(circles["site_id"])
        about = {name: access[name].to_numpy()[row].tolist() for name in ("access_m", "data_limited")}
        about["access_m"] = [round(metres, 3) for metres in about["access_m"]]
        if self.demand is None:
            return circles_to_geojson(circles, {"households": [None] * len(circles), **about})
        near = find_nearby(self.network, self.tree, points, limit=asked.limits[-1], mode=asked.mode)
        homes = self.demand.iloc[near]
        return circles_to_geojson(count_circles(circles, self.travel_times(points, homes, asked), homes), about)

    def travel_times(self, sources: Any, demand: Any, asked: Asked) -> Any:
        """Return TRAVEL_TIMES of ``site_id`` and ``demand_id`` points within the largest limit."""
        return travel_times(self.network, sources, demand, limit=asked.limits[-1], mode=asked.mode, gates=asked.gates)

    def require_near(self, sources: Any, asked: Asked) -> None:
        """Refuse sources that all lie farther from every street than the limit reaches.

        Raises
        ------
        InputError
            If they do.
        """
        require_near(list_access(self.network, sources), "source", self._reach(asked.limits[-1], asked))

    def _reach(self, limit: float, asked: Asked) -> float:
        return limit * (self.network.m_per_s if asked.mode == "time" else 1.0)

    def _near(self, points: Any, asked: Asked) -> Any:
        access = list_access(self.network, points)
        reach = self._reach(asked.limits[0], asked)
        far = np.flatnonzero(access["access_m"].to_numpy() > reach)
        if len(far):
            row = int(far[0])
            name, metres = points["site_id"].iloc[row], access["access_m"].iloc[row]
            raise InputError(
                f"point {name!r} lies {metres:,.0f} m from the nearest street of the map; "
                f"needed at most {reach:,.0f} m, which the smallest limit reaches"
            )
        return access


def follow_ground(osm: Path | str, now: Callable[[], Snapshot] | None) -> Callable[[], Ground]:
    """Return a function that gives the ground to walk on, built anew when the plan was replaced.

    Raises
    ------
    InputError
        If the street map cannot be read, or nothing in it can be walked.
    """
    lock = Lock()
    seen = _digest(now)
    ground = _build(osm, now)
    _warm(ground)

    def current() -> Ground:
        """Return the ground, built anew where the plan was replaced."""
        nonlocal seen, ground
        with lock:
            digest = _digest(now)
            if digest != seen:
                ground, seen = _build(osm, now), digest
            return ground

    return current


def _warm(ground: Ground) -> None:
    """Answer a first question, so that what is compiled or laid out once is there before a client waits for it."""
    place = gpd.GeoDataFrame({"site_id": ["1"]}, geometry=shapely.points(ground.network.xy[:1]), crs=ground.network.crs)
    home = place.rename(columns={"site_id": "demand_id"})
    for mode, limit in _WARM:
        asked = Asked((limit,), mode, "open")
        ground.circles(place, asked)
        ground.travel_times(place, home, asked)


def _digest(now: Callable[[], Snapshot] | None) -> str:
    return "" if now is None else now().plan.digest


def _build(osm: Path | str, now: Callable[[], Snapshot] | None) -> Ground:
    source = Path(osm).name
    if now is None:
        return Ground(read_walk_network(osm, read_profile(DEFAULT_PROFILE)), None, None, source, None)
    plan, crs = now().plan, read_map_system(osm)
    gates, estates = read_plan_gates(plan, crs)
    network = read_walk_network(osm, profile_of(plan), gates=gates, estates=estates, crs=crs)
    known = sha256_of_streets(plan)
    same = None if known is None else known == _sha256(Path(osm))
    demand = read_plan_demand(plan, crs)
    return Ground(network, demand, shapely.STRtree(demand.geometry.to_numpy()), source, same)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
