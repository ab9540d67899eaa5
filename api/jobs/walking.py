"""How are many circles and walks answered by a worker, on the street map that is served?"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from api.jobs.serving import Serving
from api.jobs.telling import Teller
from api.settings import Settings
from api.snapshot import follow_folder
from api.walk_answers import answer_times, change_ground, read_asked, read_points
from api.walk_models import CirclesAsked, TimesAsked
from api.walking import Ground, follow_ground
from spatial.errors import MissingError
from spatial.io.plan_folder import read_plan_folder
from spatial.io.plan_walks import profile_of
from spatial.io.profiles import DEFAULT_PROFILE

_AT_ONCE = 50
"""Places whose circles are drawn together; between two lots progress is told."""
_READING = 0.1


def run_circles(inputs: Any, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return circles about places, as many as a job may have."""
    ground, settings = _ground(serving, teller), _settings(serving)
    body = CirclesAsked.model_validate(inputs)
    asked = replace(read_asked(ground, body.minutes, body.metres, body.gates, settings), zoom=body.zoom)
    points = read_points(body.points, ground, "site_id", "point", settings)
    points = points.sort_values("site_id", kind="stable", ignore_index=True)
    changed = change_ground(ground, body, settings)
    features: list[Any] = []
    boxes: list[list[float]] = []
    for first in range(0, len(points), _AT_ONCE):
        lot = points.iloc[first : first + _AT_ONCE].reset_index(drop=True)
        drawn = orjson.loads(changed.circles(lot, asked))
        features += drawn["features"]
        boxes += [drawn["bbox"]] if "bbox" in drawn else []
        done = (first + len(lot)) / len(points)
        teller.progress("drawing circles", _READING + (1.0 - _READING) * done)
    head = {"type": "FeatureCollection", "bbox": _around(boxes), "profile": _name_profile(serving)}
    return {"circles": {**head, "features": features}}


def run_walk(inputs: Any, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return seconds and metres of every walk within the limit."""
    ground, settings = _ground(serving, teller), _settings(serving)
    body = TimesAsked.model_validate(inputs)
    teller.progress("walking", _READING)
    return {"times": answer_times(ground, body, settings)}


def _name_profile(serving: Serving) -> str:
    """Return the name of the profile by which people walk: that of the plan folder that is served, if one is."""
    return DEFAULT_PROFILE if serving.folder is None else profile_of(read_plan_folder(serving.folder)).name


def _around(boxes: list[list[float]]) -> list[float]:
    """Return the box around boxes: west, south, east, north."""
    west, south, east, north = zip(*boxes, strict=True)
    return [min(west), min(south), max(east), max(north)]


def _settings(serving: Serving) -> Settings:
    """Return the settings of a job: more places and pairs than an answer on the spot may have."""
    own = serving.settings
    more = {"walk_points_max": own.job_points_max, "walk_pairs_max": own.job_pairs_max}
    return own.model_copy(update=more)


def _ground(serving: Serving, teller: Teller) -> Ground:
    if serving.osm is None:
        raise MissingError("no street map is served here; needed one to walk on")
    teller.progress("reading the street map", 0.0)
    return _follow(serving.osm, serving.folder)()


@cache
def _follow(osm: Path, folder: Path | None) -> Callable[[], Ground]:
    """Return what gives the ground; a worker keeps it for its next job."""
    return follow_ground(osm, None if folder is None else follow_folder(folder))
