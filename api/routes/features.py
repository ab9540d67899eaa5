"""How are the layers of a plan read as feeds (OGC API - Features, Parts 1 to 3)?"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from api import feeds, pages, schemas
from api.answers import GEOJSON, GEOJSON_SEQ, HTML, JSON, SCHEMA, GeoJson, answer, choose_form, root_of
from api.audience import feeds_for
from api.grid_tags import tag_of_state
from api.layers import LoadedLayer
from api.moments import require_time
from api.openapi import form_parameter, items_parameters, parameter, says, system_parameter
from api.query import ITEMS_PARAMETERS, ItemsQuery, accept_only, read_items_query, read_system
from api.settings import Settings
from api.snapshot import Feeds
from spatial.crs import CRS84, NamedSystem

_DOCUMENT = (("json", JSON), ("json", GEOJSON), ("html", HTML))
_ITEMS = (("geojson", GEOJSON), ("json", JSON), ("jsonseq", GEOJSON_SEQ), ("html", HTML))
_FEATURE = (("geojson", GEOJSON), ("json", JSON), ("html", HTML))
_QUERYABLES = (("json", SCHEMA), ("json", JSON), ("html", HTML))
_STREAMED_AT_ONCE = 500
_RECORD = b"\x1e"


def features_router(
    find: Callable[[Request], Feeds], settings: Settings, *, when: str = "Features have no time: every one matches."
) -> APIRouter:
    """Return the routes of the feeds; ``find`` gives the layers that a request is for, ``when`` tells of datetime."""
    router = APIRouter(tags=["Feeds"])
    seen_by = feeds_for(find, settings)
    _add_documents(router, seen_by, settings)
    _add_layers(router, seen_by, settings)
    _add_items(router, seen_by, settings, when)
    return router


def _add_documents(router: APIRouter, seen_by: Callable[[Request], Feeds], settings: Settings) -> None:
    """Add what tells of all feeds of a plan."""

    @router.get("/", summary="Landing page", **_says_document(schemas.Landing))
    def landing(request: Request) -> Response:
        people = choose_form(request, *_DOCUMENT) == "html" and "f" not in request.query_params
        if people and "files" in seen_by(request).report:  # a plan folder has a map page
            return RedirectResponse(f"{root_of(request, settings)}/map/", 303, headers={"Vary": "Accept"})
        root = root_of(request, settings)
        return _tell(request, seen_by(request), "Wangge", lambda found: feeds.landing(found, root), root)

    @router.get("/conformance", **_says_document(schemas.Conformance))
    def conformance(request: Request) -> Response:
        """Return the parts of OGC API that are kept."""
        return _tell(request, seen_by(request), "Conformance", feeds.conformance, root_of(request, settings))

    @router.get("/collections", **_says_document(schemas.Collections))
    def collections(request: Request) -> Response:
        """Return all feeds of the plan."""
        found, root = seen_by(request), root_of(request, settings)
        if choose_form(request, *_DOCUMENT) == "html":
            return answer(request, found, lambda: pages.collections_page(feeds.collections(found, root)), HTML)
        return answer(request, found, lambda: feeds.collections(found, root))


def _add_layers(router: APIRouter, seen_by: Callable[[Request], Feeds], settings: Settings) -> None:
    """Add what tells of one feed."""

    @router.get("/collections/{collectionId}", **_says_document(schemas.Collection, missing=True))
    def collection(request: Request, collectionId: str) -> Response:
        """Return one feed: what it holds and where it lies."""
        found, root = seen_by(request), root_of(request, settings)
        layer = found.layer(collectionId)
        return _tell(request, found, layer.title, lambda found: feeds.collection(layer, found, root), root)

    @router.get(
        "/collections/{collectionId}/queryables", **_says_document(schemas.Queryables, missing=True, kind=SCHEMA)
    )
    def queryables(request: Request, collectionId: str) -> Response:
        """Return what a filter may ask of a feed, as JSON Schema."""
        found, root = seen_by(request), root_of(request, settings)
        layer = found.layer(collectionId)
        if choose_form(request, *_QUERYABLES) == "html":
            document = feeds.queryables(layer, root)
            return answer(request, found, lambda: pages.document_page(layer.title, document, root), HTML)
        return answer(request, found, lambda: feeds.queryables(layer, root), SCHEMA)


def _says_document(model: type, *, missing: bool = False, kind: str = JSON) -> dict[str, Any]:
    """Return what a route of a document takes and answers; QGIS sends a datetime that it was given to all of them."""
    time = parameter("datetime", "The time of the features that are asked for.", {"type": "string"})
    return {
        "dependencies": [Depends(accept_only("datetime", "f")), Depends(require_time)],
        "openapi_extra": {"parameters": [time, form_parameter("json", "html")]},
        "responses": says(model, missing=missing, kind=kind, also=HTML),
    }


def _tell(
    request: Request, found: Feeds, title: str, document: Callable[[Feeds], dict[str, Any]], root: str
) -> Response:
    """Return a document in the form that is wanted."""
    if choose_form(request, *_DOCUMENT) == "html":
        return answer(request, found, lambda: pages.document_page(title, document(found), root), HTML)
    return answer(request, found, lambda: document(found))


def _add_items(router: APIRouter, seen_by: Callable[[Request], Feeds], settings: Settings, when: str) -> None:
    """Add the features of one feed, by pages and each alone."""
    asked = [{**one, "description": when} if one["name"] == "datetime" else one for one in items_parameters(settings)]
    of_one = [system_parameter("crs", "System of the geometry."), form_parameter("geojson", "json", "html")]

    @router.get(
        "/collections/{collectionId}/items",
        dependencies=[Depends(accept_only(*ITEMS_PARAMETERS))],
        response_class=GeoJson,
        responses=says(schemas.FeatureCollection, missing=True, kind=GEOJSON, also=(GEOJSON_SEQ, HTML)),
        openapi_extra={"parameters": asked},
    )
    def items(request: Request, collectionId: str) -> Response:
        """Return a page of a feed; follow its next link for the rest."""
        found = seen_by(request)
        query = read_items_query(request, settings, found.systems)
        return _answer_items(request, found, found.layer(collectionId), query, root_of(request, settings))

    @router.get(
        "/collections/{collectionId}/items/{featureId:path}",
        dependencies=[Depends(accept_only("crs", "datetime", "f")), Depends(require_time)],
        response_class=GeoJson,
        responses=says(schemas.Feature, missing=True, kind=GEOJSON, also=HTML),
        openapi_extra={"parameters": [*of_one, *(one for one in asked if one["name"] == "datetime")]},
    )
    def feature(request: Request, collectionId: str, featureId: str) -> Response:
        """Return one feature."""
        found = seen_by(request)
        system = read_system(request.query_params, "crs", found.systems)
        return _answer_feature(request, found, found.layer(collectionId), featureId, system, root_of(request, settings))


def _answer_feature(
    request: Request, found: Feeds, layer: LoadedLayer, key: str, system: NamedSystem, root: str
) -> Response:
    """Return one feature in the form that is wanted; its entity tag names its state where clients may change it."""
    row = layer.row(key)
    form = choose_form(request, *_FEATURE)
    state = found.state_of(layer.name, key)
    tag = {} if state is None else {"ETag": tag_of_state(state, str(request.url), HTML if form == "html" else GEOJSON)}
    if form == "html":
        document = orjson.loads(feeds.feature(layer, row, CRS84, root))
        shown = {**document["properties"], "links": document["links"]}
        return answer(request, found, lambda: pages.document_page(f"{layer.title}: {key}", shown, root), HTML, **tag)
    told = {"Content_Crs": _content_crs(system), **tag}
    return answer(request, found, lambda: feeds.feature(layer, row, system, root), GEOJSON, **told)


def _answer_items(request: Request, found: Feeds, layer: LoadedLayer, query: ItemsQuery, root: str) -> Response:
    """Return a page of features in the form that is wanted."""
    asked = dict(request.query_params)
    match choose_form(request, *_ITEMS):
        case "html":
            document = feeds.items_for_people(layer, query, {**asked, "f": "html"}, root)
            return answer(request, found, lambda: pages.items_page(layer.title, document), HTML)
        case "jsonseq":
            told = {"Content_Crs": _content_crs(query.system)}
            return answer(request, found, lambda: _stream(layer, query), GEOJSON_SEQ, **told)
    content = lambda: feeds.items(layer, query, asked, root)  # noqa: E731
    return answer(request, found, content, GEOJSON, Content_Crs=_content_crs(query.system))


def _stream(layer: LoadedLayer, query: ItemsQuery) -> StreamingResponse:
    """Return features one after the other (RFC 8142): all that match, unless the client names a limit."""
    rows = query.choose(layer)[query.offset :]
    rows = rows[: query.limit] if query.limit_given else rows
    system = None if query.system is CRS84 else query.system

    def records() -> Iterator[bytes]:
        for start in range(0, len(rows), _STREAMED_AT_ONCE):
            features = layer.write(rows[start : start + _STREAMED_AT_ONCE], system)
            yield b"".join(_RECORD + feature + b"\n" for feature in features)

    return StreamingResponse(records(), media_type=GEOJSON_SEQ)


def _content_crs(system: NamedSystem) -> str:
    return f"<{system.uri}>"
