"""How are circles and walks served that a client asks for at any place?"""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from api.answers import GEOJSON, JSON, GeoJson
from api.audience import is_internal
from api.openapi import Responses, tell_busy, tell_model, tell_problems
from api.query import accept_only
from api.settings import Settings
from api.walk_answers import answer_circles, answer_times, read_asked
from api.walk_models import (
    MOST_ZOOM,
    Circles,
    CirclesAsked,
    Times,
    TimesAsked,
    Walkable,
)
from api.walking import Gates, Ground
from spatial.errors import InputError
from spatial.io.walk_points import points_of

_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_CACHE = {"Cache-Control": "no-cache"}


def walking_router(ground: Callable[[], Ground], settings: Settings) -> APIRouter:
    """Return the routes of walks; ``ground`` gives the network as it stands.

    Homes are counted for the house alone: circles a step apart would tell the public of each building.
    """
    router = APIRouter(prefix="/walking", tags=["Walking"])

    def seen_by(request: Request) -> Ground:
        here = ground()
        return here if is_internal(request, settings) else here.without_homes()

    @router.get("", summary="Network", dependencies=[Depends(accept_only())], responses=_says(Walkable))
    def about(request: Request) -> Response:
        """Return what is walked on, and the limits on what may be asked."""
        return _json(_about(seen_by(request), settings))

    @router.get(
        "/circle",
        summary="Circles about a place",
        dependencies=[Depends(accept_only("lon", "lat", "minutes", "metres", "gates", "zoom"))],
        response_class=GeoJson,
        responses=_says(Circles),
        openapi_extra={"parameters": _circle_parameters()},
    )
    def circle(request: Request) -> Response:
        """Return the area within so many minutes or metres of a place, and to the house who walks there from home."""
        here, given = seen_by(request), request.query_params
        place = [_decimal(name, given.get(name)) for name in ("lon", "lat")]
        minutes, metres = (_decimals(name, given.get(name)) for name in ("minutes", "metres"))
        asked = read_asked(here, minutes, metres, _read_gates(given.get("gates", "open")), settings)
        asked = replace(asked, zoom=_read_zoom(given.get("zoom")))
        points = points_of([place], here.network.crs, key="site_id", what="point")
        return _geojson(here.circles(points, asked))

    @router.post(
        "/circles",
        summary="Circles about places",
        dependencies=[Depends(accept_only())],
        response_class=GeoJson,
        responses=_says(Circles) | tell_busy(),
    )
    def circles(request: Request, body: CirclesAsked) -> Response:
        """Return the circles of many places at once, where asked as if gates were closed and footbridges added."""
        return _geojson(answer_circles(seen_by(request), body, settings))

    @router.post(
        "/travel-times",
        summary="Travel times",
        dependencies=[Depends(accept_only())],
        responses=_says(Times) | tell_busy(),
    )
    def times(body: TimesAsked) -> Response:
        """Return seconds and metres of every walk within the limit, from demand to source."""
        return _json(answer_times(ground(), body, settings))

    return router


def _says(model: type) -> Responses:
    problems = {400: "Something that was sent is unknown, no number or too much.", 413: "The body is too large."}
    return {200: tell_model(model), **tell_problems(problems)}


def _circle_parameters() -> list[dict[str, Any]]:
    number, texts = {"type": "number"}, {"type": "array", "items": {"type": "number"}}
    told = [
        ("lon", "Longitude in degrees.", True, number),
        ("lat", "Latitude in degrees.", True, number),
        ("minutes", "Limits in minutes, such as 5,10,15; else the profile's.", False, texts),
        ("metres", "Limits in metres, such as 300,500,1000, in place of minutes.", False, texts),
        (
            "gates",
            "Whether residents of both ends pass their gates, or those of the home alone.",
            False,
            {"type": "string", "enum": ["open", "closed"], "default": "open"},
        ),
        (
            "zoom",
            "Zoom of the web map that shows the circle: at a small one outlines have fewer vertices.",
            False,
            {"type": "integer", "minimum": 0, "maximum": MOST_ZOOM},
        ),
    ]
    return [
        {"name": name, "in": "query", "required": required, "description": text, "schema": schema}
        | ({"style": "form", "explode": False} if schema is texts else {})
        for name, text, required, schema in told
    ]


def _about(ground: Ground, settings: Settings) -> dict[str, Any]:
    network, demand = ground.network, ground.demand
    return {
        "source": ground.source,
        "same_map_as_plan": ground.same_map,
        "nodes": network.node_count,
        "edges": network.edge_count,
        "demand_points": None if demand is None else len(demand),
        "households": None if demand is None else int(demand["households"].sum()),
        "m_per_s": network.m_per_s,
        "minutes": list(network.rules.circle_min),
        "metres": list(network.rules.circle_m),
        "most_points": settings.walk_points_max,
        "most_pairs": settings.walk_pairs_max,
        "network": dict(network.report),
    }


def _read_gates(text: str) -> Gates:
    if text == "open":
        return "open"
    if text == "closed":
        return "closed"
    raise InputError(f"gates is {text!r}; needed open or closed")


def _read_zoom(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or int(text) > MOST_ZOOM:
        raise InputError(f"zoom is {text!r}; needed a whole number from 0 to {MOST_ZOOM}")
    return int(text)


def _decimal(name: str, text: str | None) -> float:
    if text is None:
        raise InputError(f"query parameter {name!r} is missing; needed degrees")
    if not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
        raise InputError(f"{name} is {text!r}; needed a number of degrees")
    return float(text)


def _decimals(name: str, text: str | None) -> list[float] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(_DECIMAL.fullmatch(part) for part in parts):
        raise InputError(f"{name} is {text!r}; needed numbers such as 5,10,15")
    return [float(part) for part in parts]


def _geojson(content: bytes) -> Response:
    return Response(content, media_type=GEOJSON, headers=_CACHE)


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), media_type=JSON, headers=_CACHE)
