"""Who can walk to which site? Turns the tables of a siting question into sorted arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import InfeasibleError, InputError
from spatial.tables import CANDIDATES, DEMAND, FACILITIES, TRAVEL_TIMES, require

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Reach:
    """Sites, demand points and the walks between them.

    Attributes
    ----------
    site_ids, existing:
        Sorted ids of candidates and existing sites, and which of them are open already.
    demand_ids, households:
        Sorted ids of the demand points and their households.
    demand, site, walk_s:
        One entry per known walk, sorted by demand, then seconds, then site; one walk per pair.
    ignored:
        Reason -> number of rows of the travel-time table that name something outside this question.
    """

    site_ids: Texts
    existing: Flags
    demand_ids: Texts
    households: Floats
    demand: Ints
    site: Ints
    walk_s: Floats
    ignored: Mapping[str, int]


def build_reach(times: Any, demand: Any, candidates: Any, existing: Any) -> Reach:
    """Return the arrays of a siting question, whatever the row order of its tables.

    Of several walks between the same two places the shortest counts. Rows of ``times`` that name an unknown site or
    demand point are left out and counted.

    Raises
    ------
    InputError
        If a walk is negative or missing, households are negative, or a site is both a candidate and existing.
    InfeasibleError
        If there is no candidate.
    """
    require(times, TRAVEL_TIMES)
    require(demand, DEMAND)
    require(candidates, CANDIDATES)
    require(existing, FACILITIES)
    if candidates.empty:
        raise InfeasibleError("siting: found no candidate site; needed at least one place where a centre may open")
    twice = sorted(set(candidates["site_id"]) & set(existing["site_id"]))
    if twice:
        raise InputError(f"siting: site {twice[0]!r} is both a candidate and an existing site; needed one of the two")
    site_ids, open_now = _sites(candidates, existing)
    order = np.argsort(demand["demand_id"].to_numpy(dtype=object))
    demand_ids = demand["demand_id"].to_numpy(dtype=object)[order]
    households = demand["households"].to_numpy(dtype=np.float64)[order]
    if (households < 0).any():
        first = demand_ids[households < 0][0]
        raise InputError(f"demand: {first!r} has {households[households < 0][0]:g} households; needed 0 or more")
    at, to, walk_s, ignored = _walks(times, site_ids, demand_ids)
    return Reach(site_ids, open_now, demand_ids, households, to, at, walk_s, ignored)


def _sites(candidates: Any, existing: Any) -> tuple[Texts, Flags]:
    ids = np.concatenate([candidates["site_id"].to_numpy(dtype=object), existing["site_id"].to_numpy(dtype=object)])
    open_now = np.repeat([False, True], [len(candidates), len(existing)])
    order = np.argsort(ids)
    return ids[order], open_now[order]


def _walks(times: Any, site_ids: Texts, demand_ids: Texts) -> tuple[Ints, Ints, Floats, dict[str, int]]:
    """Return site, demand and seconds of each known walk, and what was left out."""
    at = _positions(times["origin_id"].to_numpy(dtype=object), site_ids)
    to = _positions(times["destination_id"].to_numpy(dtype=object), demand_ids)
    walk_s = times["walk_s"].to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(walk_s) & (walk_s >= 0))
    if bad.any():
        row = times.iloc[int(np.flatnonzero(bad)[0])]
        raise InputError(
            f"travel_times: {row['origin_id']!r} to {row['destination_id']!r} takes {row['walk_s']} s; "
            "needed 0 or more seconds"
        )
    known = (at >= 0) & (to >= 0)
    ignored = {"unknown_site": int((at < 0).sum()), "unknown_demand": int(((at >= 0) & (to < 0)).sum())}
    at, to, walk_s = at[known], to[known], walk_s[known]
    order = np.lexsort((walk_s, at, to))
    at, to, walk_s = at[order], to[order], walk_s[order]
    shortest = np.ones(len(at), dtype=bool)
    shortest[1:] = (at[1:] != at[:-1]) | (to[1:] != to[:-1])
    ignored["longer_walk_of_a_pair"] = int((~shortest).sum())
    at, to, walk_s = at[shortest], to[shortest], walk_s[shortest]
    order = np.lexsort((at, walk_s, to))
    return at[order], to[order], walk_s[order], ignored


def _positions(ids: Texts, known: Texts) -> Ints:
    """Return where each id stands among the known ones, -1 where it does not."""
    place = {name: i for i, name in enumerate(known)}
    return np.fromiter((place.get(name, -1) for name in ids), dtype=np.int64, count=len(ids))
