"""Where do people live, where may a centre be, how far is it? The tables of a siting question as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import InfeasibleError, InputError
from spatial.siting.ways import Flags, Floats, Ints, Ways, build_ways
from spatial.tables import CANDIDATES, DEMAND, FACILITIES, TRAVEL_TIMES, require

Texts = NDArray[Any]
HOUSEHOLDS = "households"
_LEVEL = "level"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Places:
    """Sites, sorted by id; what is not known is missing, infinite (room) or "".

    Attributes
    ----------
    ids, existing:
        Ids, and which of them are open today.
    price, room, xy:
        Money it takes to open a site, what it has room for, and where it is, in metres.
    marks:
        Texts that conditions may name: ``kind``, ``mode``, and further columns such as the street or community.
    level:
        Rank of a site; a site serves its own rank and those below it.
    """

    ids: Texts
    existing: Flags
    price: Floats
    room: Floats
    xy: Floats
    marks: Mapping[str, Texts]
    level: Ints


@dataclass(frozen=True, slots=True)
class Homes:
    """Demand points by id: how many of each group live there (the first counts by default), the room they take."""

    ids: Texts
    groups: Mapping[str, Floats]
    load: Floats


@dataclass(frozen=True, slots=True)
class Setting:
    """Homes, sites and the walks between them; ``ignored`` counts the rows that were left out, by reason."""

    places: Places
    homes: Homes
    ways: Ways
    ignored: Mapping[str, int]


def read_setting(times: Any, demand: Any, candidates: Any, existing: Any, groups: tuple[str, ...] = ()) -> Setting:
    """Return the arrays of a siting question, whatever the row order of its tables.

    Of several walks between the same two places the shortest counts. ``groups`` are further columns of ``demand`` with
    numbers of people.

    Raises
    ------
    InputError
        If a walk is negative or missing, or names a site or demand point that is not there; if households are negative,
        or a site is both a candidate and existing.
    InfeasibleError
        If there is no candidate.
    TableError
        If a table breaks its contract.
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
    places, homes = _places(candidates, existing), _homes(demand, groups)
    at = positions(times["origin_id"].to_numpy(dtype=object), places.ids)
    to = positions(times["destination_id"].to_numpy(dtype=object), homes.ids)
    _refuse_unknown(times, at, to)
    walk_s = times["walk_s"].to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(walk_s) & (walk_s >= 0)))
    if len(bad):
        row = times.iloc[int(bad[0])]
        raise InputError(
            f"travel_times: {row['origin_id']!r} to {row['destination_id']!r} takes {row['walk_s']} s; "
            "needed 0 or more seconds"
        )
    ways, ignored = join_walks(at, to, walk_s, len(homes.ids), len(places.ids))
    return Setting(places, homes, ways, ignored)


def _refuse_unknown(times: Any, at: Ints, to: Ints) -> None:
    """Refuse a table of times that is of other sites or demand than those given: its pairs would count for nothing."""
    parts = []
    for column, where, of in (("origin_id", at, "sites"), ("destination_id", to, "demand")):
        names = sorted(set(times[column].to_numpy(dtype=object)[where < 0]))
        if names:
            shown = ", ".join(repr(str(name)) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            parts.append(f"{len(names)} ids that are not among the {of} ({shown})")
    if parts:
        raise InputError(
            f"travel_times: found {' and '.join(parts)}; needed the times of these sites and this demand alone, so "
            "leave out the other rows"
        )


def join_walks(at: Ints, to: Ints, cost: Floats, homes: int, sites: int) -> tuple[Ways, dict[str, int]]:
    """Return the walks from sites ``at`` to homes ``to`` (-1: unknown), one per pair, and what was left out."""
    known = (at >= 0) & (to >= 0)
    ignored = {"unknown_site": int((at < 0).sum()), "unknown_demand": int(((at >= 0) & (to < 0)).sum())}
    if not known.all():
        at, to, cost = at[known], to[known], cost[known]
    key = to * sites + at
    sorted_key = np.sort(key)
    if (sorted_key[1:] == sorted_key[:-1]).any():
        order = np.lexsort((cost, key))
        first = np.r_[True, key[order][1:] != key[order][:-1]]
        ignored["longer_walk_of_a_pair"] = int((~first).sum())
        keep = order[first]
        at, to, cost = at[keep], to[keep], cost[keep]
    else:
        ignored["longer_walk_of_a_pair"] = 0
    return build_ways(to, at, cost, homes, sites), ignored


def positions(ids: Texts, known: Texts) -> Ints:
    """Return where each id stands among the known ones, -1 where it does not."""
    place = {name: i for i, name in enumerate(known)}
    return np.fromiter((place.get(name, -1) for name in ids), dtype=np.int64, count=len(ids))


def _places(candidates: Any, existing: Any) -> Places:
    ids = np.array([*candidates["site_id"], *existing["site_id"]], dtype=object)
    order = np.argsort(ids)
    new, old = len(candidates), len(existing)
    names = ["kind", *sorted(set(candidates.columns) - set(CANDIDATES.columns) - {"geometry", _LEVEL})]
    marks = {name: _joined(candidates, existing, name)[order] for name in names}
    marks["mode"] = np.r_[candidates["mode"].to_numpy(dtype=object), np.full(old, "", dtype=object)][order]
    level = np.r_[_numbers(candidates, _LEVEL, 1.0), _numbers(existing, _LEVEL, 1.0)][order]
    return Places(
        ids=ids[order],
        existing=np.r_[np.zeros(new, dtype=bool), np.ones(old, dtype=bool)][order],
        price=np.r_[candidates["cost"].to_numpy(dtype=np.float64), np.zeros(old)][order],
        room=np.r_[_numbers(candidates, "floor_area_m2", np.nan), _numbers(existing, "floor_area_m2", np.nan)][order],
        xy=np.concatenate([_xy(candidates), _xy(existing)])[order],
        marks=marks,
        level=level.astype(np.int64),
    )


def _joined(candidates: Any, existing: Any, name: str) -> Texts:
    parts = [
        frame[name].fillna("").astype(str).to_numpy(dtype=object)
        if name in frame.columns
        else np.full(len(frame), "", dtype=object)
        for frame in (candidates, existing)
    ]
    return np.concatenate(parts)


def _numbers(frame: Any, name: str, missing: float) -> Floats:
    if name not in frame.columns:
        return np.full(len(frame), missing)
    return np.asarray(frame[name].fillna(missing), dtype=np.float64)


def _xy(frame: Any) -> Floats:
    return np.column_stack([frame.geometry.x, frame.geometry.y]).astype(np.float64).reshape(-1, 2)


def _homes(demand: Any, groups: tuple[str, ...]) -> Homes:
    ids = demand["demand_id"].to_numpy(dtype=object)
    order = np.argsort(ids)
    counts = {}
    for name in dict.fromkeys((HOUSEHOLDS, *groups)):
        if name not in demand.columns:
            raise InputError(f"demand: found no column {name!r}; needed the numbers of that group")
        counts[name] = demand[name].to_numpy(dtype=np.float64)[order]
        bad = np.flatnonzero(~(counts[name] >= 0))
        if len(bad):
            raise InputError(f"demand: {ids[order][bad[0]]!r} has {counts[name][bad[0]]:g} {name}; needed 0 or more")
    return Homes(ids[order], counts, counts[HOUSEHOLDS])
