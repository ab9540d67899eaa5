"""How does a plan come about? Land, grids, walks, sites: the whole way as named stages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.division.communities import propose_communities
from spatial.division.divide import Division, divide
from spatial.errors import InputError
from spatial.inputs import Inputs
from spatial.land.blocks import Land, build_blocks
from spatial.land.tiling import dissolve
from spatial.plan.codes import assign_codes
from spatial.plan.digest import digest_inputs
from spatial.plan.grids import build_grids
from spatial.plan.model import Plan
from spatial.profile import Profile
from spatial.progress import Progress, insisting, silent
from spatial.siting.candidates import propose_candidates
from spatial.siting.choose import choose_sites
from spatial.tables import CANDIDATES, CIRCLES, SITES, require
from spatial.walking.coverage import count_circles, measure_coverage
from spatial.walking.exchange import street_corners
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.radius import measure_grid_walks
from spatial.walking.snapping import describe_snaps
from spatial.walking.travel import travel_times

_CANDIDATE_SPACING_M = 300.0
_SECONDS = 60.0


def make_plan(inputs: Inputs, profile: Profile, *, seed: int = 0, on_progress: Progress = silent) -> Plan:
    """Return the plan of a district: blocks, grids inside their communities, sites and the circles about them.

    Equal inputs, profile and seed give an equal plan, whatever the order of rows. Where no communities are known they
    are proposed from the same blocks. Where no candidates are given, places with many households and street corners are
    proposed; without streets to walk on, nothing is sited and the report says so.

    Raises
    ------
    SpatialError
        If an input breaks its contract or leaves no land to divide.
    CancelledError
        If ``on_progress`` raises it; KeyboardInterrupt likewise.
    """
    land = build_blocks(inputs, profile, on_progress=on_progress)
    land = _name_communities(land, profile, seed, on_progress)
    division = _divide_or_stop(land, profile, seed, on_progress)
    grids = build_grids(
        land.blocks, division.assignment, profile, adjacency=land.adjacency, explanations=division.explanations
    )
    grids = grids.assign(code=assign_codes(grids, land.communities))
    service = _walk_and_site(inputs, land, division.assignment, profile, on_progress)
    grids["farthest_walk_s"] = grids["grid_id"].map(service.grid_walks_s).astype("float64")
    report = {
        "listed": pd.concat([inputs.listed, land.listed], ignore_index=True).to_dict("records"),
        "provenance": dict(inputs.provenance),
        "seed": seed,
        "streets": {"source": inputs.streets.source, "dropped": dict(inputs.streets.dropped)},
        "land": dict(land.report),
        "division": _tell_division(division),
        **service.report,
    }
    demand = land.demand.assign(site_walk_s=land.demand["demand_id"].map(service.site_walks_s).astype("float64"))
    on_progress("plan", 1.0)
    return Plan(
        plan_id=digest_inputs(inputs.provenance, profile, seed, 1),
        version=1,
        profile=profile,
        area=land.area,
        communities=land.communities,
        blocks=land.blocks,
        adjacency=land.adjacency,
        demand=demand,
        assignment=division.assignment,
        grids=grids,
        sites=service.sites,
        circles=service.circles,
        barriers=land.barriers,
        report=report,
    )


def _name_communities(land: Land, profile: Profile, seed: int, on_progress: Progress) -> Land:
    """Propose communities where only an area was given."""
    if not land.communities["proposed"].any():
        return land
    rng = np.random.default_rng([seed, 0])
    named = propose_communities(land.blocks, land.adjacency, profile, rng=rng, on_progress=on_progress)
    ids = named.loc[land.blocks["block_id"]].to_numpy(dtype=object)
    blocks = land.blocks.assign(community_id=pd.Series(ids, index=land.blocks.index, dtype="str"))
    names, group = np.unique(ids.astype(str), return_inverse=True)
    communities = gpd.GeoDataFrame(
        {
            "community_id": pd.Series(names, dtype="str"),
            "name": pd.Series([""] * len(names), dtype="str"),
            "households": np.nan,
            "proposed": True,
        },
        geometry=dissolve(blocks.geometry.to_numpy(), group.astype(np.int64)),
        crs=blocks.crs,
    )
    report = {**land.report, "communities_proposed": len(names)}
    return replace(land, blocks=blocks, communities=communities, report=report)


def _divide_or_stop(land: Land, profile: Profile, seed: int, on_progress: Progress) -> Division:
    """Return the blocks divided; a stop is raised rather than answered by the best division so far."""
    rng = np.random.default_rng([seed, 1])
    with insisting(on_progress) as tell:
        division = divide(land.blocks, land.adjacency, profile, rng=rng, on_progress=tell)
    if division.stopped:
        raise KeyboardInterrupt
    return division


@dataclass(frozen=True, slots=True)
class _Service:
    """Sites, the circles about them, the walking radius of each grid, the walk from each demand point to its nearest
    site where that is within the widest circle, and what the report says of all."""

    sites: Any
    circles: Any
    grid_walks_s: Mapping[str, float]
    site_walks_s: Mapping[str, float]
    report: Mapping[str, Any]


def _walk_and_site(inputs: Inputs, land: Land, assignment: Any, profile: Profile, on_progress: Progress) -> _Service:
    """Choose sites along the walk network and draw their circles, where there are streets to walk on."""
    on_progress("walk network", 0.0)
    try:
        network = build_walk_network(inputs.streets, profile, gates=inputs.gates, estates=inputs.estates)
    except InputError as error:
        return _no_service(inputs.crs, str(error), {})
    candidates = _candidates(inputs, land.demand, network)
    if land.demand.empty or len(candidates) == 0:
        why = "nobody lives here" if land.demand.empty else "there is no place where a site may open"
        return _no_service(inputs.crs, why, network.report)
    places = pd.concat([candidates[["site_id", "geometry"]], inputs.existing[["site_id", "geometry"]]])
    places = gpd.GeoDataFrame(places, crs=inputs.crs).sort_values("site_id", ignore_index=True)
    on_progress("travel times", 0.0)
    limit_s = _SECONDS * max(*profile.walking.circle_min, profile.siting.cutoff_min)
    times = travel_times(network, places, land.demand, limit=limit_s)
    on_progress("siting", 0.0)
    choice = choose_sites(times, land.demand, candidates, profile, existing=inputs.existing)
    on_progress("circles", 0.0)
    circles, metres = _draw_circles(network, choice.sites, land.demand, times)
    mine = times[times["origin_id"].isin(choice.sites["site_id"])]
    report = {
        "walking": {**network.report, "starts": describe_snaps(network, land.demand)},
        "siting": {**choice.to_dict(), "candidates": _tell_candidates(inputs, candidates)},
        "coverage": _cover(mine, metres, land, profile),
    }
    nearest = mine.groupby("destination_id")["walk_s"].min().to_dict()
    return _Service(choice.sites, circles, _walk_grids(network, land.demand, assignment), nearest, report)


def _walk_grids(network: WalkNetwork, demand: Any, assignment: Any) -> dict[str, float]:
    """Return the walking radius of each grid in which somebody lives, in seconds."""
    grid = pd.Series(demand["block_id"].map(assignment).to_numpy(), index=demand["demand_id"], name="grid_id")
    walks: dict[str, float] = measure_grid_walks(network, demand, grid).to_dict()
    return walks


def _no_service(crs: Any, why: str, walking: Mapping[str, Any]) -> _Service:
    report = {"walking": dict(walking), "siting": {"status": "not done", "why": why}}
    return _Service(SITES.empty(crs), CIRCLES.empty(crs), {}, {}, report)


def _candidates(inputs: Inputs, demand: Any, network: WalkNetwork) -> Any:
    """Return the candidates given, or proposed ones where none are."""
    if len(inputs.candidates):
        return require(inputs.candidates, CANDIDATES)
    return propose_candidates(demand, street_corners(network), spacing_m=_CANDIDATE_SPACING_M)


def _tell_candidates(inputs: Inputs, candidates: Any) -> str:
    if len(inputs.candidates):
        return f"{len(candidates)} given"
    return f"{len(candidates)} proposed: none were given, or none of them lies in the area"


def _draw_circles(network: WalkNetwork, sites: Any, demand: Any, times: Any) -> tuple[Any, Any]:
    """Return circles by time and by distance, counted along the network, and the walks in metres."""
    by_time = count_circles(build_isochrones(network, sites), times, demand)
    by_distance = build_isochrones(network, sites, mode="distance")
    metres = travel_times(network, sites, demand, limit=float(by_distance["limit_m"].max()), mode="distance")
    both = pd.concat([by_time, count_circles(by_distance, metres, demand)], ignore_index=True)
    return require(both.sort_values(["site_id", "mode", "limit_m"], ignore_index=True), CIRCLES), metres


def _cover(times: Any, metres: Any, land: Land, profile: Profile) -> dict[str, Any]:
    """Return the households within each limit of an open or chosen site: by time, by community, and by distance."""
    limits_s = tuple(_SECONDS * minutes for minutes in profile.walking.circle_min)
    community = land.blocks.set_index("block_id")["community_id"]
    by = pd.Series(
        community.loc[land.demand["block_id"]].to_numpy(), index=land.demand["demand_id"], name="community_id"
    )
    whole = measure_coverage(times, land.demand, limits_s=limits_s)
    parts = measure_coverage(times, land.demand, limits_s=limits_s, by=by)
    far = measure_coverage(metres, land.demand, limits_m=profile.walking.circle_m)
    return {
        "all": [*whole.to_dict("records"), *far.to_dict("records")],
        "by_community": parts.to_dict("records"),
    }


def _tell_division(division: Division) -> dict[str, Any]:
    return {
        "status": division.status,
        "total": division.total,
        "bound": division.bound,
        "gap": division.gap,
        "objective": dict(division.objective),
        "reasons": list(division.reasons),
        "violations": list(division.violations),
    }
