"""How long does it take to walk from every home to every site?"""

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError, TableError
from spatial.tables import TRAVEL_TIMES
from spatial.walking.neighbours import estate_pairs, merge_pairs
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import pair_costs
from spatial.walking.search import Gates, Mode, build_graph
from spatial.walking.snapping import snap

Ints = NDArray[np.int64]


def travel_times(
    network: WalkNetwork,
    origins: Any,
    destinations: Any,
    *,
    limit: float | None = None,
    mode: Mode = "time",
    gates: Gates = "open",
) -> Any:
    """Return TRAVEL_TIMES: the fastest (or, in distance mode, shortest) walk of every pair within the limit.

    Origins are sites (column ``site_id``), destinations homes (``demand_id``); people walk from home to site, which
    matters only on escalators and one-way footways. Places are snapped to edges; the access walk counts at the adult
    speed. ``limit`` is in seconds or, in distance mode, metres; None means the profile's largest circle, infinity none.
    With ``gates="open"`` residents of both ends pass their private ways and gates; with ``"closed"`` only the home's
    residents do, so a site on private ground serves nobody outside it. Inside a closed estate without paths on the map
    people walk straight.

    Raises
    ------
    InputError
        If the limit is not above 0, or mode or gates is not a word above.
    TableError, CrsError
        If an id is missing or stands twice, or a frame is not points in the network's system.
    """
    limit = check_limit(network, limit, mode, gates)
    site_id, site_order = sorted_ids(origins, "site_id")
    home_id, home_order = sorted_ids(destinations, "demand_id")
    places, lived = origins.iloc[site_order], destinations.iloc[home_order]
    graph, sites, homes = build_graph(network, mode), snap(network, places), snap(network, lived)
    found = pair_costs(graph, sites, homes, limit, gates)
    inside = estate_pairs(network, graph, (places, sites), (lived, homes), limit)
    i, j, cost, other = merge_pairs(found, inside)
    walk_s, walk_m = (cost, other) if mode == "time" else (other, cost)
    columns = {"origin_id": site_id.take(i), "destination_id": home_id.take(j), "walk_s": walk_s, "walk_m": walk_m}
    return pd.DataFrame(columns) if len(i) else TRAVEL_TIMES.empty()


def measure_detour(times: Any, origins: Any, destinations: Any) -> Any:
    """Return, per row of TRAVEL_TIMES, metres walked over metres as the crow flies (NaN where both are one place)."""
    start = pd.Series(origins.geometry.array, index=origins["site_id"]).reindex(times["origin_id"])
    end = pd.Series(destinations.geometry.array, index=destinations["demand_id"]).reindex(times["destination_id"])
    straight = shapely.distance(start.to_numpy(), end.to_numpy())
    ratio = np.divide(times["walk_m"], straight, out=np.full(len(times), np.nan), where=straight > 0)
    return pd.Series(ratio, index=times.index, name="detour")


def check_limit(network: WalkNetwork, limit: float | None, mode: Mode, gates: Gates) -> float:
    """Return the limit as a number; None is the profile's largest circle.

    Raises
    ------
    InputError
        If it is not above 0, or mode or gates is unknown.
    """
    if mode not in ("time", "distance"):
        raise InputError(f"found mode {mode!r}, needed time or distance")
    if gates not in ("open", "closed"):
        raise InputError(f"found gates {gates!r}, needed open or closed")
    if limit is None:
        limit = network.rules.circle_min[-1] * 60.0 if mode == "time" else network.rules.circle_m[-1]
    if not _is_number(limit):
        raise InputError(f"found the limit {limit!r}, needed a number of {'seconds' if mode == 'time' else 'metres'}")
    if not limit > 0:
        raise InputError(f"found the limit {limit}, needed {'seconds' if mode == 'time' else 'metres'} above 0")
    return float(limit)


def _is_number(given: object) -> bool:
    return isinstance(given, Real) and not isinstance(given, bool)


def sorted_ids(frame: Any, column: str) -> tuple[Any, Ints]:
    """Return the ids in order, as text, and the rows they stand in.

    Raises
    ------
    TableError
        If there is no such column, or an id is missing or stands twice.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TableError(f"found {type(frame).__name__}, needed a frame of points with {column}")
    if column not in frame.columns:
        raise TableError(f"found columns {sorted(map(str, frame.columns))}, needed {column}")
    blank = (frame[column].isna() | (frame[column] == "")).to_numpy()
    if blank.any():
        raise TableError(f"{column} is empty in row {frame.index[int(blank.argmax())]}; needed one in every row")
    texts = frame[column].astype("str").to_numpy(dtype=object)
    order = np.argsort(texts, kind="stable")
    ids = pd.array(texts[order], dtype="str")
    twice = pd.Series(ids).duplicated()
    if twice.any():
        raise TableError(f"{column} {ids[int(twice.idxmax())]!r} stands in more than one row; needed one row each")
    return ids, order
