"""How are the layers of a plan served as feeds (OGC API - Features, Part 1: Core)?"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from api import schemas
from api.answers import GEOJSON, JSON, OPENAPI, GeoJson, answer, link, prefers_html, root_of, with_query
from api.query import ItemsQuery, accept_only, read_items_query
from api.settings import Settings
from api.snapshot import LoadedLayer, Snapshot
from spatial.errors import InputError

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]


def features_router(now: Callable[[], Snapshot], settings: Settings) -> APIRouter:
    """Return the routes of the feeds; ``now`` gives the plan as it stands."""
    router = APIRouter(tags=["Feeds"])

    @router.get("/", summary="Landing page", dependencies=[Depends(accept_only("f"))], responses=_says(schemas.Landing))
    def landing(request: Request) -> Response:
        wanted = request.query_params.get("f", "")
        if wanted not in ("", "json", "html"):
            raise InputError(f"f is {wanted!r}; needed json or html")
        if wanted == "html" or (not wanted and prefers_html(request.headers.get("accept", ""))):
            return RedirectResponse(f"{root_of(request, settings)}/map/", 303, headers={"Vary": "Accept"})
        snapshot = now()
        out = answer(request, snapshot, lambda: _landing(snapshot, root_of(request, settings)))
        out.headers["Vary"] = "Accept"
        return out

    @router.get("/conformance", dependencies=[Depends(accept_only("f"))], responses=_says(schemas.Conformance))
    def conformance(request: Request) -> Response:
        """Return the parts of OGC API that are kept."""
        return answer(request, now(), lambda: {"conformsTo": CONFORMS_TO})

    @router.get("/collections", dependencies=[Depends(accept_only("f"))], responses=_says(schemas.Collections))
    def collections(request: Request) -> Response:
        """Return all feeds of the plan."""
        snapshot, root = now(), root_of(request, settings)
        return answer(request, snapshot, lambda: _collections(snapshot, root))

    @router.get(
        "/collections/{collectionId}", dependencies=[Depends(accept_only("f"))], responses=_says(schemas.Collection)
    )
    def collection(request: Request, collectionId: str) -> Response:
        """Return one feed: what it holds and where it lies."""
        snapshot, root = now(), root_of(request, settings)
        found = snapshot.layer(collectionId)
        return answer(request, snapshot, lambda: _collection(found, snapshot, root))

    @router.get(
        "/collections/{collectionId}/items",
        dependencies=[Depends(accept_only("limit", "offset", "bbox", "datetime", "f"))],
        response_class=GeoJson,
        responses=_says(schemas.FeatureCollection),
        openapi_extra={"parameters": _items_parameters(settings)},
    )
    def items(request: Request, collectionId: str) -> Response:
        """Return a page of a feed; follow its next link for the rest."""
        snapshot, query = now(), read_items_query(request, settings)
        found = snapshot.layer(collectionId)
        return answer(request, snapshot, lambda: _items(found, query, request, settings), GEOJSON)

    @router.get(
        "/collections/{collectionId}/items/{featureId:path}",
        dependencies=[Depends(accept_only("f"))],
        response_class=GeoJson,
        responses=_says(schemas.Feature),
    )
    def feature(request: Request, collectionId: str, featureId: str) -> Response:
        """Return one feature."""
        snapshot, root = now(), root_of(request, settings)
        found = snapshot.layer(collectionId)
        content = found.feature(featureId)
        return answer(request, snapshot, lambda: _feature(found, featureId, content, root), GEOJSON)

    return router


def _says(model: type) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"model": model, "description": (model.__doc__ or "").strip()},
        304: {"description": "The client has this version already."},
        400: {"model": schemas.Problem, "description": "A parameter is unknown or cannot be read."},
        404: {"model": schemas.Problem, "description": "There is no such layer or feature."},
    }


def _items_parameters(settings: Settings) -> list[dict[str, Any]]:
    whole = {"type": "integer", "minimum": 0, "default": 0}
    limit = {"type": "integer", "minimum": 1, "maximum": settings.limit_max, "default": settings.limit_default}
    box = {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    }
    return [
        _parameter("limit", "Most features on a page.", limit),
        _parameter("offset", "Features to leave out before the first.", whole),
        _parameter("bbox", "Only features that meet west,south,east,north.", box),
        _parameter("datetime", "Features have no time: every one matches.", {"type": "string"}),
    ]


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    told = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    return {**told, "style": "form", "explode": False}


def _landing(snapshot: Snapshot, root: str) -> dict[str, Any]:
    report = snapshot.plan.report
    summary = report["summary"]
    return {
        "title": f"Plan {report['plan_id']}",
        "description": f"{summary['grids']} grids of {summary['households']} households in {summary['blocks']} blocks.",
        "attribution": "; ".join(report["attribution"]),
        "links": [
            link(f"{root}/", "self", JSON, "This document"),
            link(f"{root}/map/", "alternate", "text/html", "Map page"),
            link(f"{root}/openapi.json", "service-desc", OPENAPI, "OpenAPI document"),
            link(f"{root}/map/docs.html", "service-doc", "text/html", "OpenAPI page"),
            link(f"{root}/conformance", "conformance", JSON, "Parts of OGC API that are kept"),
            link(f"{root}/collections", "data", JSON, "Feeds"),
            link(f"{root}/plan/report", "describedby", JSON, "Report of the plan"),
        ],
    }


def _collections(snapshot: Snapshot, root: str) -> dict[str, Any]:
    package = f"{root}/plan/files/plan.gpkg"
    return {
        "links": [
            link(f"{root}/collections", "self", JSON, "This document"),
            link(f"{root}/map/", "alternate", "text/html", "Map page"),
            link(package, "enclosure", "application/geopackage+sqlite3", "All layers as one GeoPackage"),
        ],
        "collections": [_collection(layer, snapshot, root) for layer in snapshot.layers.values()],
    }


def _collection(layer: LoadedLayer, snapshot: Snapshot, root: str) -> dict[str, Any]:
    here = f"{root}/collections/{layer.name}"
    told = {
        "id": layer.name,
        "title": layer.title,
        "description": layer.description,
        "attribution": "; ".join(snapshot.plan.report["attribution"]),
        "itemType": "feature",
        "crs": [CRS84],
        "links": [
            link(here, "self", JSON, "This document"),
            link(f"{here}/items", "items", GEOJSON, layer.title),
            link(f"{root}/plan/files/{layer.name}.geojson", "enclosure", GEOJSON, "The whole layer as one file"),
            link(f"{root}/map/", "alternate", "text/html", "Map page"),
        ],
    }
    return told if layer.bbox is None else {**told, "extent": {"spatial": {"bbox": [layer.bbox], "crs": CRS84}}}


def _items(layer: LoadedLayer, query: ItemsQuery, request: Request, settings: Settings) -> bytes:
    rows = layer.find(query.bbox)
    page = rows[query.offset : query.offset + query.limit]
    head = {
        "type": "FeatureCollection",
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "numberMatched": len(rows),
        "numberReturned": len(page),
        "links": _page_links(layer, query, len(rows), request, root_of(request, settings)),
        "features": orjson.Fragment(b"[" + b",\n".join(layer.features[row] for row in page.tolist()) + b"]"),
    }
    return orjson.dumps(head)


def _page_links(layer: LoadedLayer, query: ItemsQuery, found: int, request: Request, root: str) -> list[dict[str, str]]:
    here = f"{root}/collections/{layer.name}"
    asked: dict[str, str | int] = dict(request.query_params)
    links = [link(with_query(f"{here}/items", **asked), "self", GEOJSON, "This page")]
    if query.offset + query.limit < found:
        after = {**asked, "limit": query.limit, "offset": query.offset + query.limit}
        links.append(link(with_query(f"{here}/items", **after), "next", GEOJSON, "Next page"))
    if query.offset > 0:
        before = {**asked, "limit": query.limit, "offset": max(0, query.offset - query.limit)}
        links.append(link(with_query(f"{here}/items", **before), "prev", GEOJSON, "Page before"))
    links.append(link(f"{root}/map/", "alternate", "text/html", "Map page"))
    links.append(link(here, "collection", JSON, layer.title))
    return links


def _feature(layer: LoadedLayer, key: str, content: bytes, root: str) -> bytes:
    here = f"{root}/collections/{layer.name}"
    links = [
        link(f"{here}/items/{quote(key, safe='')}", "self", GEOJSON, "This feature"),
        link(f"{root}/map/", "alternate", "text/html", "Map page"),
        link(here, "collection", JSON, layer.title),
    ]
    return content[:-1] + b',"links":' + orjson.dumps(links) + b"}"
