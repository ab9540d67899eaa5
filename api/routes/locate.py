"""How is the grid of a place, or of many, asked for, and the vertical grid of its floor?"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, get_args

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from numpy.typing import NDArray

from api import schemas
from api.answers import JSON, answer
from api.audience import feeds_for
from api.layers import LoadedLayer
from api.moments import require_time
from api.openapi import parameter, says, tell_busy, tell_problems, time_parameter
from api.places import Batch, read_batch
from api.query import accept_only, read_degrees, read_floor
from api.settings import Settings
from api.snapshot import Feeds
from api.turns import Queue
from spatial.crs import CoordType, unshift
from spatial.errors import InputError
from spatial.plan.locate import (
    NOWHERE,
    FloorLocator,
    Locator,
    build_floor_locator,
    build_locator,
    list_floors,
    locate_on_floors,
    locate_rows,
)

VERTICAL = "vertical_grids"
_KINDS: dict[str, CoordType] = {kind: kind for kind in get_args(CoordType)}
_KEPT = 2
_AT_ONCE = 100_000
"""Places that are looked for before another request has its turn."""
_MANY_BYTES = 2_000_000
"""Longer bodies are read one at a time: a million places take some hundred megabytes while they are found."""
_KIND_SCHEMA = {"type": "string", "enum": list(_KINDS), "default": "wgs84"}
_FLOOR_SCHEMA = {"type": "integer", "minimum": -schemas.MOST_FLOORS, "maximum": schemas.MOST_FLOORS}
Rows = NDArray[np.int64]


def locate_router(find: Callable[[Request], Feeds], settings: Settings) -> APIRouter:
    """Return the routes that tell in which grid a place lies; ``find`` gives the layers that a request is for."""
    router = APIRouter(tags=["Locate"])
    ask = Asking(feeds_for(find, settings), Finder(), Queue(lambda: 1))
    _add_one(router, ask)
    _add_many(router, ask, settings)
    return router


@dataclass(frozen=True, slots=True)
class Ready:
    """The grids of a version ready to be asked, and its vertical grids where it has some."""

    grids: Locator
    vertical: FloorLocator | None


class Finder:
    """Finds grids of places; the versions asked for last are kept ready."""

    def __init__(self) -> None:
        """Keep no version yet."""
        self._lock = Lock()  # prepared areas index themselves when first asked, which two threads may not do at once
        self._ready = OrderedDict[str, Ready]()

    def locate(self, feeds: Feeds, xy: Any, floors: Any) -> tuple[Rows, Rows | None]:
        """Return the rows of the grids of places and, where floors are given, of the vertical grids."""
        rows, vertical = np.full(len(xy), NOWHERE), np.full(len(xy), NOWHERE)
        for start in range(0, len(xy), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            with self._lock:
                ready = self._take(feeds)
                rows[part] = locate_rows(ready.grids, xy[part])
                if floors is not None and ready.vertical is not None:
                    vertical[part] = locate_on_floors(ready.vertical, xy[part], floors[part])
        return rows, None if floors is None else vertical

    def stack(self, feeds: Feeds, xy: Any) -> list[int]:
        """Return the rows of all vertical grids at a place, from the lowest floor up."""
        with self._lock:
            ready = self._take(feeds)
            return [] if ready.vertical is None else list_floors(ready.vertical, xy)

    def _take(self, feeds: Feeds) -> Ready:
        """Return the grids of a version; whoever calls holds the lock."""
        ready = self._ready.pop(feeds.digest, None) or _prepare(feeds)
        self._ready[feeds.digest] = ready
        while len(self._ready) > _KEPT:
            self._ready.popitem(last=False)
        return ready


def _prepare(feeds: Feeds) -> Ready:
    grids, layer = feeds.layer("grids"), feeds.layers.get(VERTICAL)
    vertical = None
    if layer is not None and layer.features:
        floors = (layer.columns[name].values for name in ("lowest_floor", "highest_floor"))
        vertical = build_floor_locator(layer.geometry, layer.ids, *floors)
    return Ready(build_locator(grids.geometry, grids.ids), vertical)


@dataclass(frozen=True, slots=True)
class Asking:
    """What both routes share: who sees which feeds, who finds grids, and whose turn it is to send many places."""

    seen_by: Callable[[Request], Feeds]
    finder: Finder
    turn: Queue

    def tell_one(self, request: Request, found: Feeds) -> dict[str, Any]:
        """Return what is at the place that the parameters of a request name."""
        given = request.query_params
        place = [[read_degrees(given, "lon", 180.0), read_degrees(given, "lat", 90.0)]]
        floor = read_floor(given, schemas.MOST_FLOORS)
        xy = unshift(np.array(place), _kind(given.get("coords", "wgs84")))
        rows, on_floor = self.finder.locate(found, xy, None if floor is None else np.array([float(floor)]))
        ids, codes = _name(found.layer("grids"), rows)
        shown = self.finder.stack(found, xy[0]) if on_floor is None else [r for r in on_floor.tolist() if r != NOWHERE]
        return {"grid_id": ids[0], "code": codes[0], "vertical_grids": [_tell_vertical(found, row) for row in shown]}

    def answer_many(self, request: Request, content: bytes, most: int) -> Response:
        """Return the answer to a body of places."""
        return Response(orjson.dumps(self._tell_many(request, read_batch(content, most=most))), media_type=JSON)

    def _tell_many(self, request: Request, batch: Batch) -> dict[str, Any]:
        """Return what is at each place of a batch."""
        found = self.seen_by(request)
        rows, vertical = self.finder.locate(found, unshift(batch.lonlat, batch.coords), batch.floors)
        ids, codes = _name(found.layer("grids"), rows)
        told: dict[str, Any] = {"grid_ids": ids, "codes": codes}
        if vertical is not None:
            layer = found.layers.get(VERTICAL)
            told["vertical_ids"] = [None] * len(ids) if layer is None else _pick(layer.ids, vertical)
        return told


def _add_one(router: APIRouter, ask: Asking) -> None:
    floor = "Floor: 1 is that on the ground, -1 the first below; without it the vertical grids of all floors are told."

    @router.get(
        "/locate",
        dependencies=[Depends(accept_only("lon", "lat", "coords", "floor", "datetime")), Depends(require_time)],
        responses=says(schemas.Place),
        openapi_extra={
            "parameters": [
                {**parameter("lon", "Longitude.", _degrees(180)), "required": True},
                {**parameter("lat", "Latitude.", _degrees(90)), "required": True},
                parameter("coords", "Kind of the coordinates.", _KIND_SCHEMA),
                parameter("floor", floor, _FLOOR_SCHEMA),
                time_parameter(),
            ]
        },
    )
    def one(request: Request) -> Response:
        """Return the grid in which a place lies, null outside all of them, and its vertical grids."""
        found = ask.seen_by(request)
        told = ask.tell_one(request, found)
        return answer(request, found, lambda: told)


def _add_many(router: APIRouter, ask: Asking, settings: Settings) -> None:
    body = {"content": {JSON: {"schema": schemas.PlacesAsked.model_json_schema()}}, "required": True}
    most = settings.locate_points_max

    @router.post(
        "/locate",
        dependencies=[Depends(accept_only("datetime")), Depends(require_time)],
        responses={
            200: {"model": schemas.Places, "description": "The grid of each place."},
            **tell_problems({400: "A place cannot be read.", 413: "More bytes than the server takes."}),
            **tell_busy(),
        },
        openapi_extra={"parameters": [time_parameter()], "requestBody": body},
    )
    async def many(request: Request) -> Response:
        """Return for each place, by the million, the grid in which it lies; null outside all of them."""
        content = await request.body()
        if len(content) <= _MANY_BYTES:
            return await run_in_threadpool(ask.answer_many, request, content, most)
        await ask.turn.take()  # here, and not in a thread: those who wait would keep all threads from everybody else
        try:
            return await run_in_threadpool(ask.answer_many, request, content, most)
        finally:
            ask.turn.give_back()


def _name(grids: LoadedLayer, rows: Rows) -> tuple[list[str | None], list[str | None]]:
    codes = grids.columns["code"].values if "code" in grids.columns else grids.ids
    return _pick(grids.ids, rows), _pick(codes, rows)


def _pick(names: Any, rows: Rows) -> list[str | None]:
    """Return the name of each row; None where it is ``NOWHERE``, the last of all."""
    if len(rows) < len(names):  # all names of a city take milliseconds
        return [None if row == NOWHERE else str(names[row]) for row in rows.tolist()]
    picked: list[str | None] = np.array([*map(str, names), None], dtype=object)[rows].tolist()
    return picked


def _tell_vertical(feeds: Feeds, row: int) -> dict[str, Any]:
    layer = feeds.layer(VERTICAL)
    told = {name: layer.columns[name].values[row] for name in ("name", "lowest_floor", "highest_floor")}
    floors = {name: int(told[name]) for name in ("lowest_floor", "highest_floor")}
    return {"vertical_id": layer.ids[row], "name": str(told["name"]), **floors}


def _kind(name: str) -> CoordType:
    if name not in _KINDS:
        raise InputError(f"coords is {name!r}; needed one of {', '.join(_KINDS)}")
    return _KINDS[name]


def _degrees(most: int) -> dict[str, Any]:
    return {"type": "number", "minimum": -most, "maximum": most}
