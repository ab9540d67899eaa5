"""How well do facilities serve demand on foot: walks, circles, coverage, who is not served and why, in one go?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spatial.errors import InputError
from spatial.progress import Progress, silent
from spatial.tables import DEMAND, require
from spatial.walking.access_walks import list_access, measure_access_walks, measure_nearest_detour
from spatial.walking.coverage import count_circles
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import WalkNetwork
from spatial.walking.reasons import explain_unreached
from spatial.walking.search import Gates, Mode
from spatial.walking.themes import check_limits, cover_themes, read_count
from spatial.walking.travel import check_limit, travel_times

_ROUND_M = 10.0
"""Lengths from here on are told in whole metres."""


@dataclass(frozen=True, slots=True)
class Walks:
    """What is asked: limits in seconds or, in distance mode, metres; which gates stand open (see ``travel_times``)."""

    limits: tuple[float, ...]
    mode: Mode = "time"
    gates: Gates = "open"


@dataclass(frozen=True, slots=True)
class Survey:
    """TRAVEL_TIMES, CIRCLES with counts, coverage (``cover_themes``), unreached demand, and what is told beside."""

    times: Any
    circles: Any
    coverage: Any
    unreached: Any
    report: Mapping[str, Any]


def survey_walks(
    network: WalkNetwork,
    sites: Any,
    demand: Any,
    asked: Walks,
    *,
    counted: Sequence[str] = ("households",),
    by: Mapping[str, Any] | None = None,
    themes: Mapping[str, Iterable[str]] | None = None,
    on_progress: Progress = silent,
) -> Survey:
    """Return how sites (``site_id``, points) serve DEMAND within the limits; counts and groups as ``cover_themes``.

    Raises
    ------
    InputError
        If there is no site or no demand, none of either lies within the largest limit of a street (the coordinates are
        then of another place), a limit is not a number above 0, or a counted column holds what cannot be counted.
    TableError, CrsError
        If a frame breaks its contract or is in another system than the network.
    """
    require(demand, DEMAND)
    for name in counted:
        read_count(demand, name)
    limits = check_limits(asked.limits, asked.mode)
    check_limit(network, limits[-1], asked.mode, asked.gates)
    on_progress("finding the doors", 0.0)
    doors = {"site": list_access(network, sites), "demand point": list_access(network, demand)}
    farthest = limits[-1] * (network.m_per_s if asked.mode == "time" else 1.0)
    for what, access in doors.items():
        require_near(access, what, farthest)
    on_progress("travel times", 0.0)
    times = travel_times(network, sites, demand, limit=limits[-1], mode=asked.mode, gates=asked.gates)
    on_progress("circles", 0.0)
    circles = build_isochrones(network, sites, mode=asked.mode, limits=limits, gates=asked.gates)
    circles = count_circles(circles, times, demand, counted=counted)
    on_progress("coverage", 0.0)
    coverage = cover_themes(times, demand, limits=limits, mode=asked.mode, counted=counted, by=by, themes=themes)
    on_progress("reasons", 0.0)
    unreached = explain_unreached(network, sites, demand, limit=limits[-1], mode=asked.mode, gates=asked.gates)
    unreached = unreached.merge(demand[["demand_id", *counted]], on="demand_id", how="left", validate="1:1")
    report = {
        "network": dict(network.report),
        "access_walks": _tell_doors(network, doors, sites, demand),
        "detour_to_nearest": measure_nearest_detour(
            times, sites, demand, by="walk_s" if asked.mode == "time" else "walk_m"
        ),
        "unreached": _count_reasons(unreached, counted),
    }
    return Survey(times, circles, coverage, unreached, report)


def require_near(access: Any, what: str, farthest_m: float) -> None:
    """Refuse points (as ``list_access`` tells of them) of which none can serve or be served.

    Raises
    ------
    InputError
        If there is none, or all lie farther than that from the street map: they are of another place.
    """
    if not len(access):
        raise InputError(f"found no {what}, needed at least one")
    nearest = float(access["access_m"].min())
    if nearest > farthest_m:
        raise InputError(
            f"found the nearest {what} {_metres(nearest)} from any street of the map, needed at least one within the "
            f"largest limit of {_metres(farthest_m)}; are the coordinates right, and is it the right map?"
        )


def _metres(length: float) -> str:
    return f"{length:,.0f} m" if length >= _ROUND_M else f"{length:.3g} m"


def _tell_doors(network: WalkNetwork, doors: Mapping[str, Any], sites: Any, demand: Any) -> dict[str, Any]:
    longest = network.rules.max_access_m
    weight = demand["households"].to_numpy()
    far = (doors["site"]["access_m"] > longest).to_numpy()
    return {
        "sites": {
            **measure_access_walks(doors["site"], longest_m=longest),
            "ids_beyond": sorted(sites["site_id"][far].astype("str")),
        },
        "demand": dict(measure_access_walks(doors["demand point"], weight, longest_m=longest)),
        "meaning": f"beyond {longest:g} m the map lacks the paths there, so what is told is limited by the data",
    }


def _count_reasons(unreached: Any, counted: Sequence[str]) -> dict[str, Any]:
    rows = unreached.groupby("reason")[list(counted)].sum()
    points = unreached["reason"].value_counts()
    return {
        str(reason): {"points": int(points[reason]), **{name: rows.loc[reason, name].item() for name in counted}}
        for reason in sorted(rows.index)
    }
