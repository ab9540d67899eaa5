"""How is the grid of a place, or of many, asked for?"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, get_args

import numpy as np
from fastapi import APIRouter, Depends, Request, Response

from api import schemas
from api.answers import answer
from api.audience import feeds_for
from api.layers import LoadedLayer
from api.openapi import parameter, says, tell_problems
from api.query import accept_only, read_degrees
from api.settings import Settings
from api.snapshot import Feeds
from spatial.crs import CoordType, unshift
from spatial.errors import InputError
from spatial.plan.locate import NOWHERE, Locator, build_locator, locate_rows

_KINDS: dict[str, CoordType] = {kind: kind for kind in get_args(CoordType)}
_KEPT = 2
_KIND_SCHEMA = {"type": "string", "enum": list(_KINDS), "default": "wgs84"}


def locate_router(find: Callable[[Request], Feeds], settings: Settings) -> APIRouter:
    """Return the routes that tell in which grid a place lies; ``find`` gives the layers that a request is for."""
    router = APIRouter(tags=["Locate"])
    seen_by, locate = feeds_for(find, settings), _finder()

    @router.get(
        "/locate",
        dependencies=[Depends(accept_only("lon", "lat", "coords"))],
        responses=says(schemas.Place),
        openapi_extra={
            "parameters": [
                {**parameter("lon", "Longitude.", _degrees(180)), "required": True},
                {**parameter("lat", "Latitude.", _degrees(90)), "required": True},
                parameter("coords", "Kind of the coordinates.", _KIND_SCHEMA),
            ]
        },
    )
    def one(request: Request) -> Response:
        """Return the grid in which a place lies; null outside all of them."""
        given, found = request.query_params, seen_by(request)
        place = [[read_degrees(given, "lon", 180.0), read_degrees(given, "lat", 90.0)]]
        rows = locate(found, place, _kind(given.get("coords", "wgs84")))
        ids, codes = _name(found.layer("grids"), rows)
        return answer(request, found, lambda: {"grid_id": ids[0], "code": codes[0]})

    @router.post(
        "/locate",
        dependencies=[Depends(accept_only())],
        responses={
            200: {"model": schemas.Places, "description": "The grid of each place."},
            **tell_problems({400: "A place cannot be read.", 413: "More bytes than the server takes."}),
        },
    )
    def many(request: Request, asked: schemas.PlacesAsked) -> dict[str, Any]:
        """Return for each place the grid in which it lies; null outside all of them."""
        if len(asked.points) > settings.locate_points_max:
            raise InputError(
                f"found {len(asked.points):,} points, needed at most {settings.locate_points_max:,}; send them in parts"
            )
        found = seen_by(request)
        ids, codes = _name(found.layer("grids"), locate(found, asked.points, _kind(asked.coords)))
        return {"grid_ids": ids, "codes": codes}

    return router


def _finder() -> Callable[[Feeds, Any, CoordType], Any]:
    """Return a function that gives the rows of the grids of places; the versions asked for last are kept ready."""
    lock = Lock()  # prepared areas index themselves when first asked, which two threads may not do at once
    ready = OrderedDict[str, Locator]()

    def find(feeds: Feeds, lonlat: Any, coords: CoordType) -> Any:
        """Return the row of the grid about each place, NOWHERE where none is."""
        xy = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
        grids = feeds.layer("grids")
        with lock:
            if feeds.digest not in ready:
                ready[feeds.digest] = build_locator(grids.geometry, grids.ids)
            while len(ready) > _KEPT:
                ready.popitem(last=False)
            return locate_rows(ready[feeds.digest], unshift(xy, coords))

    return find


def _name(grids: LoadedLayer, rows: Any) -> tuple[list[str | None], list[str | None]]:
    codes = grids.columns["code"].values if "code" in grids.columns else grids.ids
    at = rows.tolist()
    return [None if r == NOWHERE else grids.ids[r] for r in at], [None if r == NOWHERE else str(codes[r]) for r in at]


def _kind(name: str) -> CoordType:
    if name not in _KINDS:
        raise InputError(f"coords is {name!r}; needed one of {', '.join(_KINDS)}")
    return _KINDS[name]


def _degrees(most: int) -> dict[str, Any]:
    return {"type": "number", "minimum": -most, "maximum": most}
