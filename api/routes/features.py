"""How are the layers of a plan served as feeds (OGC API - Features, Parts 1 to 3)?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from api import feeds, pages, schemas
from api.answers import GEOJSON, GEOJSON_SEQ, HTML, JSON, SCHEMA, GeoJson, answer, choose_form, root_of
from api.audience import feeds_for
from api.layers import LoadedLayer
from api.openapi import form_parameter, items_parameters, says, system_parameter
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
    find: Callable[[Request], Feeds], settings: Settings, *, also_kept: Sequence[str] = ()
) -> APIRouter:
    """Return the routes of the feeds; ``find`` gives the layers that a request is for.

    ``also_kept`` are the conformance classes of what the server has beside the feeds.
    """
    router = APIRouter(tags=["Feeds"])
    seen_by = feeds_for(find, settings)
    plain = [Depends(accept_only("f"))]
    form = {"parameters": [form_parameter("json", "html")]}

    def told(request: Request, title: str, document: Callable[[Feeds, str], dict[str, Any]]) -> Response:
        """Return a document in the form that is wanted."""
        found, root = seen_by(request), root_of(request, settings)
        if choose_form(request, *_DOCUMENT) == "html":
            return answer(request, found, lambda: pages.document_page(title, document(found, root), root), HTML)
        return answer(request, found, lambda: document(found, root))

    @router.get(
        "/", summary="Landing page", dependencies=plain, openapi_extra=form, responses=says(schemas.Landing, also=HTML)
    )
    def landing(request: Request) -> Response:
        people = choose_form(request, *_DOCUMENT) == "html" and "f" not in request.query_params
        if people and "files" in seen_by(request).report:  # a plan folder has a map page
            return RedirectResponse(f"{root_of(request, settings)}/map/", 303, headers={"Vary": "Accept"})
        return told(request, "Wangge", feeds.landing)

    @router.get("/conformance", dependencies=plain, openapi_extra=form, responses=says(schemas.Conformance, also=HTML))
    def conformance(request: Request) -> Response:
        """Return the parts of OGC API that are kept."""
        return told(request, "Conformance", lambda found, root: feeds.conformance(found))

    @router.get("/collections", dependencies=plain, openapi_extra=form, responses=says(schemas.Collections, also=HTML))
    def collections(request: Request) -> Response:
        """Return all feeds of the plan."""
        found, root = seen_by(request), root_of(request, settings)
        if choose_form(request, *_DOCUMENT) == "html":
            return answer(request, found, lambda: pages.collections_page(feeds.collections(found, root)), HTML)
        return answer(request, found, lambda: feeds.collections(found, root))

    @router.get(
        "/collections/{collectionId}",
        dependencies=plain,
        openapi_extra=form,
        responses=says(schemas.Collection, missing=True, also=HTML),
    )
    def collection(request: Request, collectionId: str) -> Response:
        """Return one feed: what it holds and where it lies."""
        layer = seen_by(request).layer(collectionId)
        return told(request, layer.title, lambda found, root: feeds.collection(layer, found, root))

    @router.get(
        "/collections/{collectionId}/queryables",
        dependencies=plain,
        openapi_extra=form,
        responses=says(schemas.Queryables, missing=True, kind=SCHEMA, also=HTML),
    )
    def queryables(request: Request, collectionId: str) -> Response:
        """Return what a filter may ask of a feed, as JSON Schema."""
        found, root = seen_by(request), root_of(request, settings)
        layer = found.layer(collectionId)
        if choose_form(request, *_QUERYABLES) == "html":
            document = feeds.queryables(layer, root)
            return answer(request, found, lambda: pages.document_page(layer.title, document, root), HTML)
        return answer(request, found, lambda: feeds.queryables(layer, root), SCHEMA)

    @router.get(
        "/collections/{collectionId}/items",
        dependencies=[Depends(accept_only(*ITEMS_PARAMETERS))],
        response_class=GeoJson,
        responses=says(schemas.FeatureCollection, missing=True, kind=GEOJSON, also=(GEOJSON_SEQ, HTML)),
        openapi_extra={"parameters": items_parameters(settings)},
    )
    def items(request: Request, collectionId: str) -> Response:
        """Return a page of a feed; follow its next link for the rest."""
        found = seen_by(request)
        query = read_items_query(request, settings, found.systems)
        return _answer_items(request, found, found.layer(collectionId), query, root_of(request, settings))

    @router.get(
        "/collections/{collectionId}/items/{featureId:path}",
        dependencies=[Depends(accept_only("crs", "f"))],
        response_class=GeoJson,
        responses=says(schemas.Feature, missing=True, kind=GEOJSON, also=HTML),
        openapi_extra={
            "parameters": [
                system_parameter("crs", "System of the geometry."),
                form_parameter("geojson", "json", "html"),
            ]
        },
    )
    def feature(request: Request, collectionId: str, featureId: str) -> Response:
        """Return one feature."""
        found, root = seen_by(request), root_of(request, settings)
        system = read_system(request.query_params, "crs", found.systems)
        layer = found.layer(collectionId)
        row = layer.row(featureId)
        if choose_form(request, *_FEATURE) == "html":
            document = orjson.loads(feeds.feature(layer, row, CRS84, root))
            shown = {**document["properties"], "links": document["links"]}
            return answer(request, found, lambda: pages.document_page(f"{layer.title}: {featureId}", shown, root), HTML)
        return answer(
            request, found, lambda: feeds.feature(layer, row, system, root), GEOJSON, Content_Crs=_content_crs(system)
        )

    return router


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
