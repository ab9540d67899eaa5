"""What do the documents of the feeds say: landing page, collections, queryables, pages of features (OGC API)?"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from api.answers import GEOJSON, GEOJSON_SEQ, HTML, JSON, OPENAPI, SCHEMA, join_features, link, with_query
from api.filters import GEOMETRY
from api.jobs.answers import CONFORMS_TO as JOBS_CONFORM_TO
from api.layers import LoadedLayer
from api.query import ItemsQuery
from api.snapshot import Feeds
from spatial.crs import CRS84, CRS84_URI

_FEATURES = "http://www.opengis.net/spec/ogcapi-features"
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf"
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    *(f"{_FEATURES}-1/1.0/conf/{part}" for part in ("core", "oas30", "geojson", "html")),
    f"{_FEATURES}-2/1.0/conf/crs",
    *(f"{_FEATURES}-3/1.0/conf/{part}" for part in ("queryables", "filter", "features-filter")),
    *(
        f"{_CQL2}/{part}"
        for part in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "property-property",
            "arithmetic",
        )
    ),
    *(f"{_TILES}/{part}" for part in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30")),
]
WRITING = [
    f"{_FEATURES}-4/1.0/conf/{part}"
    for part in ("create-replace-delete", "update", "optimistic-locking-etags", "features")
]
"""Of feeds that clients may write to: the grids of a store's plan."""
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
_GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
TILESETS = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
_PACKED = (
    ("gpkg", "application/geopackage+sqlite3", "GeoPackage"),
    ("fgb", "application/flatgeobuf", "FlatGeobuf"),
    ("csv", "text/csv", "Table"),
    ("zip", "application/zip", "Shapefile (GBK)"),
)
_GEOMETRY_SCHEMA = {"title": "Geometry", "format": "geometry-any", "x-ogc-role": "primary-geometry"}


def landing(feeds: Feeds, root: str) -> dict[str, Any]:
    """Return the document where everything begins."""
    report = feeds.report
    summary = report["summary"]
    homes = "" if summary["households"] is None else f" of {summary['households']} households"  # None: too few to tell
    return {
        "title": str(report.get("title") or f"Plan {report['plan_id']}"),
        "description": f"{summary['grids']} grids{homes} in {summary['blocks']} blocks.",
        "attribution": _attribution(feeds),
        "links": [
            link(f"{root}/", "self", JSON, "This document"),
            link(f"{root}/?f=html", "alternate", HTML, "This document as a page"),
            link(f"{root}/openapi.json", "service-desc", OPENAPI, "OpenAPI document"),
            link(f"{root}/conformance", "conformance", JSON, "Parts of OGC API that are kept"),
            link(f"{root}/collections", "data", JSON, "Feeds"),
            link(f"{root}/tileMatrixSets", "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", JSON, "Tilings"),
            *(_beside(root) if "files" in report else ()),
        ],
    }


def conformance(feeds: Feeds) -> dict[str, Any]:
    """Return the parts of OGC API that are kept: those of jobs and of writing too, where they are."""
    jobs = JOBS_CONFORM_TO if "files" in feeds.report else ()
    writing = WRITING if feeds.report.get("writable") else ()
    return {"conformsTo": [*CONFORMS_TO, *jobs, *writing]}


def _beside(root: str) -> list[dict[str, str]]:
    """Return links to what a server of a plan folder has beside the feeds."""
    return [
        link(f"{root}/map/", "alternate", HTML, "Map page"),
        link(f"{root}/map/docs.html", "service-doc", HTML, "OpenAPI page"),
        link(f"{root}/plan/report", "describedby", JSON, "Report of the plan"),
        link(f"{root}/processes", "http://www.opengis.net/def/rel/ogc/1.0/processes", JSON, "Processes"),
        link(f"{root}/jobs", "http://www.opengis.net/def/rel/ogc/1.0/job-list", JSON, "Jobs"),
    ]


def collections(feeds: Feeds, root: str) -> dict[str, Any]:
    """Return the document of all feeds."""
    return {
        "links": [
            link(f"{root}/collections", "self", JSON, "This document"),
            link(f"{root}/collections?f=html", "alternate", HTML, "This document as a page"),
        ],
        "crs": list(feeds.systems),
        "collections": [collection(layer, feeds, root) for layer in feeds.layers.values()],
    }


def collection(layer: LoadedLayer, feeds: Feeds, root: str) -> dict[str, Any]:
    """Return the document of one feed."""
    here = f"{root}/collections/{layer.name}"
    packed = [
        link(f"{root}/downloads/{layer.name}.{ending}", "enclosure", kind, f"The whole layer as {name}")
        for ending, kind, name in _PACKED
    ]
    told = {
        "id": layer.name,
        "title": layer.title,
        "description": layer.description,
        "attribution": _attribution(feeds),
        "itemType": "feature",
        "crs": list(feeds.systems),
        "storageCrs": CRS84_URI,
        "links": [
            link(here, "self", JSON, "This document"),
            link(f"{here}?f=html", "alternate", HTML, "This document as a page"),
            link(f"{here}/items", "items", GEOJSON, layer.title),
            link(f"{here}/items?f=html", "items", HTML, f"{layer.title} as a page"),
            link(f"{here}/items?f=jsonseq", "items", GEOJSON_SEQ, f"{layer.title}, one after the other"),
            link(f"{here}/queryables", QUERYABLES, SCHEMA, "What can be asked for"),
            link(f"{here}/tiles", TILESETS, JSON, "Vector tiles"),
            *packed,
        ],
    }
    origin = feeds.report.get("origins", {}).get(layer.name)
    more = {"extent": _extent(layer, feeds), "origin": origin}
    return {**told, **{name: value for name, value in more.items() if value}}


def _extent(layer: LoadedLayer, feeds: Feeds) -> dict[str, Any]:
    """Return where a feed lies and, for a plan of a store, when its versions were in force: in all, then each."""
    told: dict[str, Any] = {}
    if layer.bbox is not None:
        told["spatial"] = {"bbox": [layer.bbox], "crs": CRS84_URI}
    terms = feeds.report.get("in_force", ())
    if terms:
        each = [list(term) for term in terms] if len(terms) > 1 else []
        told["temporal"] = {"interval": [[terms[0][0], terms[-1][1]], *each], "trs": _GREGORIAN}
    return told


def queryables(layer: LoadedLayer, root: str) -> dict[str, Any]:
    """Return the JSON Schema of what a filter may ask of a feed."""
    asked = {
        name: {"title": name, "type": column.kind} for name, column in layer.columns.items() if column.kind != "other"
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root}/collections/{layer.name}/queryables",
        "title": layer.title,
        "type": "object",
        "properties": {GEOMETRY[0]: _GEOMETRY_SCHEMA, **asked},
        "additionalProperties": False,
    }


def items(layer: LoadedLayer, query: ItemsQuery, asked: Mapping[str, str], root: str) -> bytes:
    """Return a page of features; ``asked`` are the query parameters as the client sent them."""
    rows = query.choose(layer)
    page = rows[query.offset : query.offset + query.limit]
    features = layer.write(page, None if query.system is CRS84 else query.system)
    head = _page(layer, query, len(rows), len(page), asked, root)
    return join_features(head, features)


def items_for_people(layer: LoadedLayer, query: ItemsQuery, asked: Mapping[str, str], root: str) -> dict[str, Any]:
    """Return a page of features without geometries, each with the address of its own page."""
    rows = query.choose(layer)
    page = rows[query.offset : query.offset + query.limit]
    here = f"{root}/collections/{layer.name}/items"
    then = {name: asked[name] for name in ("datetime",) if name in asked}
    features = [
        {
            "id": layer.ids[row],
            "href": with_query(f"{here}/{quote(layer.ids[row], safe='')}", f="html", **then),
            "properties": orjson.loads(layer.features[row])["properties"],
        }
        for row in page.tolist()
    ]
    return {**_page(layer, query, len(rows), len(page), asked, root), "features": features}


def feature(layer: LoadedLayer, row: int, query_system: Any, root: str) -> bytes:
    """Return one feature with its links."""
    content = layer.write(layer.find(None)[row : row + 1], None if query_system is CRS84 else query_system)[0]
    return link_feature(content, layer.ids[row], layer.name, layer.title, root)


def link_feature(content: bytes, key: str, name: str, title: str, root: str) -> bytes:
    """Return a feature of a layer with its links, from its bytes."""
    there = address_of(key, name, root)
    links = [
        link(there, "self", GEOJSON, "This feature"),
        link(f"{there}?f=html", "alternate", HTML, "This feature as a page"),
        link(f"{root}/collections/{name}", "collection", JSON, title),
    ]
    return content[:-1] + b',"links":' + orjson.dumps(links) + b"}"


def address_of(key: str, name: str, root: str) -> str:
    """Return the address of a feature of a layer."""
    return f"{root}/collections/{name}/items/{quote(key, safe='')}"


def _page(
    layer: LoadedLayer, query: ItemsQuery, matched: int, returned: int, asked: Mapping[str, str], root: str
) -> dict[str, Any]:
    here = f"{root}/collections/{layer.name}"
    form = HTML if asked.get("f") == "html" else GEOJSON
    links = turn_links(query, matched, asked, f"{here}/items", form)
    for name, kind in (("geojson", GEOJSON), ("html", HTML), ("jsonseq", GEOJSON_SEQ)):
        if kind != form:
            links.append(link(with_query(f"{here}/items", **{**asked, "f": name}), "alternate", kind, f"As {name}"))
    links.append(link(here, "collection", JSON, layer.title))
    return page_head(matched, returned, links)


def page_head(matched: int, returned: int, links: list[dict[str, str]]) -> dict[str, Any]:
    """Return what a page of features tells beside its features."""
    return {
        "type": "FeatureCollection",
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "numberMatched": matched,
        "numberReturned": returned,
        "links": links,
    }


def turn_links(query: ItemsQuery, found: int, asked: Mapping[str, str], here: str, form: str) -> list[dict[str, str]]:
    """Return the links of a page to itself, the next and the one before."""
    links = [link(with_query(here, **asked), "self", form, "This page")]
    if query.offset + query.limit < found:
        after: dict[str, str | int] = {**asked, "limit": query.limit, "offset": query.offset + query.limit}
        links.append(link(with_query(here, **after), "next", form, "Next page"))
    if query.offset > 0:
        before: dict[str, str | int] = {**asked, "limit": query.limit, "offset": max(0, query.offset - query.limit)}
        links.append(link(with_query(here, **before), "prev", form, "Page before"))
    return links


def _attribution(feeds: Feeds) -> str:
    return "; ".join(feeds.report["attribution"])
