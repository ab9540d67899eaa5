"""What do walks answer to a question in full: the limits checked, the places read, the network as it would be?"""

from dataclasses import replace
from typing import Any

from api.settings import Settings
from api.walk_models import CirclesAsked, PointCollection, Points, TimesAsked, WhatIf
from api.walking import Asked, Gates, Ground
from spatial.errors import InputError
from spatial.io.walk_outputs import table_of_times
from spatial.io.walk_points import lines_of, points_of

_SECONDS = 60.0


def answer_circles(ground: Ground, body: CirclesAsked, settings: Settings) -> bytes:
    """Return the circles about places as GeoJSON.

    Raises
    ------
    InputError
        If a limit, a place or a change cannot be used, or there are too many of them.
    """
    asked = read_asked(ground, body.minutes, body.metres, body.gates, settings)
    asked = replace(asked, zoom=body.zoom)
    points = read_points(body.points, ground, "site_id", "point", settings)
    return change_ground(ground, body, settings).circles(points, asked)


def answer_times(ground: Ground, body: TimesAsked, settings: Settings) -> dict[str, Any]:
    """Return seconds and metres of every walk within the limit, and who reaches no source.

    Raises
    ------
    InputError
        If the limit, a place or a change cannot be used, there are too many of them, or no source lies within the
        limit of a street.
    """
    limits = [None if one is None else [one] for one in (body.minutes, body.metres)]
    asked = read_asked(ground, limits[0], limits[1], body.gates, settings)
    sources = read_points(body.sources, ground, "site_id", "source", settings)
    demand = read_points(body.demand, ground, "demand_id", "demand", settings, most=settings.walk_pairs_max)
    if len(sources) * len(demand) > settings.walk_pairs_max:
        raise InputError(
            f"found {len(sources):,} sources and {len(demand):,} demand points, needed at most "
            f"{settings.walk_pairs_max:,} pairs"
        )
    ground.require_near(sources, asked)
    found = change_ground(ground, body, settings).travel_times(sources, demand, asked)
    return _tell_times(found, demand, asked)


def read_asked(
    ground: Ground, minutes: list[float] | None, metres: list[float] | None, gates: Gates, settings: Settings
) -> Asked:
    """Return the limits, checked; without any they are the profile's minutes."""
    if minutes is not None and metres is not None:
        raise InputError("found minutes and metres, needed one of them")
    if metres is not None:
        return Asked(_limits("metres", metres, settings.walk_metres_max, settings), "distance", gates)
    given = list(ground.network.rules.circle_min) if minutes is None else minutes
    limits = _limits("minutes", given, settings.walk_minutes_max, settings)
    return Asked(tuple(one * _SECONDS for one in limits), "time", gates)


def _limits(name: str, given: list[float], most: float, settings: Settings) -> tuple[float, ...]:
    wrong = [one for one in given if not 0 < one <= most]
    if wrong or not given:
        found = f"{wrong[0]:g}" if wrong else "none"
        raise InputError(f"{name}: found {found}, needed limits above 0, at most {most:g}")
    if len(set(given)) > settings.walk_limits_max:
        raise InputError(f"{name}: found {len(set(given))} limits, needed at most {settings.walk_limits_max}")
    return tuple(sorted(set(given)))


def read_points(
    given: Points, ground: Ground, key: str, what: str, settings: Settings, *, most: int | None = None
) -> Any:
    """Return the points that were sent, in metres."""
    many = given.features if isinstance(given, PointCollection) else given
    most = settings.walk_points_max if most is None else most
    if not 0 < len(many) <= most:
        raise InputError(f"found {len(many):,} places of {what}, needed 1 to {most:,}")
    plain = given.model_dump() if isinstance(given, PointCollection) else given
    return points_of(plain, ground.network.crs, key=key, what=what)


def change_ground(ground: Ground, body: WhatIf, settings: Settings) -> Ground:
    """Return the ground as the body would have it."""
    if len(body.close) + len(body.add) > settings.walk_changes_max:
        raise InputError(f"found {len(body.close) + len(body.add)} changes, needed at most {settings.walk_changes_max}")
    return ground.changed(body.close, lines_of(body.add, ground.network.crs, what="footbridge"))


def _tell_times(times: Any, demand: Any, asked: Asked) -> dict[str, Any]:
    table = table_of_times(times)
    reached = set(table["demand_id"])
    return {
        "mode": asked.mode,
        "limit": asked.limits[-1],
        "pairs": table.to_dict("records"),
        "unreached": sorted(set(demand["demand_id"]) - reached),
    }
