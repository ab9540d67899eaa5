"""Who may walk on a way or pass a point, how fast, and in which direction?

The most specific key wins: ``foot`` over ``access``. Private ways and private gates are a class of their own: residents
use them at the start or the end of a trip, nobody passes through. So are footways, drives and car parks with
``access=destination``; on a street that sign is for vehicles. Cycleways are walked where nothing forbids it: beside a
Chinese lane for bicycles runs a pavement, though few are mapped.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.walking.hours import ALWAYS, is_open, read_hours
from spatial.walking.walker import Walker

NONE, PUBLIC, PRIVATE = 0, 1, 2
"""Classes of a way: nobody walks it, everybody does, residents do."""

PASS, KEPT, RESIDENTS, SHUT, BLOCKED, ELEVATOR = 0, 1, 2, 3, 4, 5
"""Classes of a point: no obstacle, an open gate, a gate for residents, a closed gate, a wall, a lift between levels."""

_MAIN = "trunk trunk_link primary primary_link secondary secondary_link tertiary tertiary_link road".split()
MINOR = frozenset("living_street service footway path pedestrian steps corridor track cycleway bridleway".split())
"""Kinds of way on which an estate's gate may stand."""
_INNER = frozenset({*MINOR, "residential", "unclassified", "elevator", "platform", ""})
_WALKED = frozenset({*_MAIN, *MINOR, "residential", "unclassified", "elevator", "platform", "crossing"})
_MOTORWAYS = frozenset(["motorway", "motorway_link"])
_UNBUILT = frozenset("construction proposed planned abandoned razed disused demolished removed no".split())

_THROUGH_STREETS = frozenset([*_MAIN, "residential", "unclassified", "living_street", "track"])
"""Streets whose ``access=destination`` keeps vehicles from passing through, and nobody on foot."""

_OPEN_VALUES = frozenset("yes designated permissive public official discouraged".split())
_RESIDENT_VALUES = frozenset(
    "private residents resident destination customers permit delivery employees permits members key".split()
)
_CLOSED_VALUES = frozenset("no use_sidepath military agricultural forestry agricultural;forestry".split())

_WALLS = frozenset("wall fence hedge city_wall retaining_wall guard_rail debris ditch".split())
"""Barriers that no walker passes where they stand on a way."""
GATE_POINTS = frozenset(
    "gate lift_gate swing_gate sliding_gate kissing_gate wicket_gate entrance turnstile full-height_turnstile".split()
)
"""Barriers that are ways into an estate."""
_CLIMBED = frozenset("stile kissing_gate turnstile full-height_turnstile".split())
"""Barriers that no wheels pass."""
WALL_LINES = frozenset("wall fence hedge city_wall retaining_wall".split())


def read_tag(frame: Any, name: str) -> Any:
    """Return a text column, "" in every row where the frame has no such column."""
    if name in frame.columns:
        return frame[name].fillna("").astype(object)
    return pd.Series("", index=frame.index, dtype=object)


def _by_value(column: Any, rate: Callable[[str], int]) -> NDArray[np.int8]:
    """Rate each row of a text column; every different text is looked at once."""
    codes, values = pd.factorize(column.to_numpy())
    rated: NDArray[np.int8] = np.array([rate(str(value)) for value in values] or [0], dtype=np.int8)[codes]
    return rated


def _rate_access(value: str) -> int:
    """Return a class of way, or -1 where the text says nothing; of several values the most permissive counts."""
    classes = [
        PUBLIC
        if part in _OPEN_VALUES
        else PRIVATE
        if part in _RESIDENT_VALUES
        else NONE
        if part in _CLOSED_VALUES
        else -1
        for part in value.split(";")
    ]
    for kind in (PUBLIC, PRIVATE, NONE):
        if kind in classes:
            return kind
    return -1


def _said(frame: Any) -> NDArray[np.int8]:
    """Return what foot, else access, says of each row (-1: neither says anything)."""
    foot, general = _by_value(read_tag(frame, "foot"), _rate_access), _by_value(read_tag(frame, "access"), _rate_access)
    return np.where(foot >= 0, foot, general).astype(np.int8)


def classify_ways(ways: Any, counts: Any = 1) -> tuple[NDArray[np.int8], dict[str, int]]:
    """Return the class of each way, and reason -> number of streets that are left out; a row may stand for several."""
    highway = read_tag(ways, "highway")
    quay = (read_tag(ways, "railway") == "platform") | (read_tag(ways, "man_made") == "pier")
    kind = np.where((highway == "") & quay, "platform", highway)
    said, foot = _said(ways), _by_value(read_tag(ways, "foot"), _rate_access)
    klass = np.where(said >= 0, said, PUBLIC)
    signed = (read_tag(ways, "access") == "destination") & np.isin(highway, list(_THROUGH_STREETS))
    klass = np.where(signed & (foot < 0), PUBLIC, klass)
    klass = np.where((read_tag(ways, "service") == "private") & (said < 0), PRIVATE, klass)
    is_street = kind != ""
    gone = np.isin(kind, list(_UNBUILT))
    motorway = np.isin(kind, list(_MOTORWAYS)) & (foot != PUBLIC)
    other = ~np.isin(kind, list(_WALKED | _MOTORWAYS | _UNBUILT))
    reasons = {
        "not built or gone": is_street & gone,
        "motorway without foot=yes": motorway,
        "kind of way that is not walked": is_street & other,
        "closed to walkers": is_street & ~gone & ~motorway & ~other & (klass == NONE),
    }
    klass = np.where(is_street & ~gone & ~motorway & ~other, klass, NONE)
    return klass.astype(np.int8), {reason: int((rows * counts).sum()) for reason, rows in reasons.items()}


def open_at(hours: Any, minute: int | None) -> NDArray[np.bool_]:
    """Tell whether each of the opening hours holds at a minute of the week; unreadable ones and no minute always do."""
    if minute is None:
        return np.ones(len(hours), dtype=bool)
    return _by_value(hours, lambda text: (read := read_hours(text)) is None or is_open(read, minute)).astype(bool)


def tell_hours(hours: Any, walker: Walker, what: str, counts: Any = 1) -> Mapping[str, int]:
    """Return how many things of a kind have hours that bind somebody, by what became of them.

    A row may stand for several.
    """
    binding = _by_value(hours, lambda text: -1 if (read := read_hours(text)) is None else read != ALWAYS)
    closed, counts = ~open_at(hours, walker.minute()), np.broadcast_to(counts, len(hours))
    return {
        f"{what} with hours, not applied": int(counts[binding == 1].sum()) if walker.at is None else 0,
        f"{what} closed by their hours": int(counts[closed].sum()),
        f"{what} with hours that cannot be read, taken as without": int(counts[binding == -1].sum()),
    }


def is_passed(ways: Any, walker: Walker) -> NDArray[np.bool_]:
    """Tell which ways a walker can pass who climbs no steps: wheels take steps only where the map says so."""
    if walker.steps:
        return np.ones(len(ways), dtype=bool)
    wheels = read_tag(ways, "wheelchair")
    moving = ~read_tag(ways, "conveying").isin(["", "no"]) & (read_tag(ways, "highway") != "elevator")
    climbed = ((read_tag(ways, "highway") == "steps") | moving) & ~wheels.isin(["yes", "designated"])
    passed: NDArray[np.bool_] = ~(climbed | (wheels == "no")).to_numpy(dtype=bool)
    return passed


def classify_points(points: Any, walker: Walker) -> NDArray[np.int8]:
    """Return the class of each tagged point: what it does to a way that leads through it.

    What no wheels pass is a wall to who climbs no steps. Hours are not looked at.
    """
    barrier = read_tag(points, "barrier")
    said, locked = _said(points), read_tag(points, "locked") == "yes"
    klass = np.full(len(points), PASS, dtype=np.int8)
    stands = (barrier != "").to_numpy() & (barrier != "no").to_numpy()
    klass[stands] = KEPT
    klass[stands & (said < 0) & (np.isin(barrier, list(_WALLS)))] = BLOCKED
    klass[stands & (said < 0) & locked.to_numpy()] = RESIDENTS
    klass[stands & (said == PRIVATE)] = RESIDENTS
    klass[stands & (said == NONE)] = SHUT
    klass[stands & (said == NONE) & (np.isin(barrier, list(_WALLS)))] = BLOCKED
    klass[(read_tag(points, "highway") == "elevator").to_numpy()] = ELEVATOR
    if not walker.steps:
        klass[stands & np.isin(barrier, list(_CLIMBED))] = BLOCKED
    return klass


def directions(ways: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each way may be walked as drawn, and against it; ``oneway`` alone does not bind walkers."""
    oneway, backward = read_tag(ways, "oneway:foot"), read_tag(ways, "foot:backward")
    conveying = read_tag(ways, "conveying")
    against = (conveying == "backward") | (oneway == "-1")
    along = (conveying == "forward") | (oneway == "yes") | (backward == "no")
    return (~against).to_numpy(dtype=bool), (~along).to_numpy(dtype=bool)


def is_inner(ways: Any) -> NDArray[np.bool_]:
    """Tell which ways may belong to an estate: streets for through traffic never do."""
    return np.isin(read_tag(ways, "highway"), list(_INNER))
