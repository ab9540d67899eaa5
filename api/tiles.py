"""What do the documents of the tiles say, and which tiles are kept (OGC API - Tiles, TileJSON 3.0)?"""

from collections import OrderedDict
from collections.abc import Callable
from math import pi
from threading import Lock
from typing import Any
from urllib.parse import quote

from api.answers import JSON, link, with_query
from api.layers import LoadedLayer
from api.snapshot import Feeds
from spatial.crs import CRS84_URI
from spatial.io.vector_tiles import MEDIA_TYPE, MOST_ZOOM, TileAddress, write_tile

MATRIX_SET = "WebMercatorQuad"
_MATRIX_SET_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
_MERCATOR_URI = "http://www.opengis.net/def/crs/EPSG/0/3857"
_HALF = 6378137.0 * pi
_PIXEL_M = 0.00028
_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
_TILEJSON_KINDS = {"integer": "Number", "number": "Number", "string": "String", "boolean": "Boolean"}


def draw_tile(layer: LoadedLayer, tile: TileAddress) -> bytes:
    """Return a layer's tile; no bytes where nothing can be seen."""
    rows = layer.find(tile.bounds())
    asked = {name: column for name, column in layer.columns.items() if column.kind != "other"}
    columns = {
        name: [None if gone else value for value, gone in zip(c.values[rows], c.missing[rows], strict=True)]
        for name, c in asked.items()
    }
    return write_tile(layer.name, tile, layer.geometry[rows], [layer.ids[row] for row in rows.tolist()], columns)


def keep_tiles(most_bytes: int) -> Callable[[tuple[Any, ...], Callable[[], bytes]], bytes]:
    """Return a function that gives the tile of a key, made once: the ones not asked for longest are let go first."""
    lock, kept = Lock(), OrderedDict[tuple[Any, ...], bytes]()
    held = 0

    def give(key: tuple[Any, ...], make: Callable[[], bytes]) -> bytes:
        """Return a tile that is kept, else one that is made now."""
        nonlocal held
        with lock:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        made = make()  # outside the lock: a tile drawn twice is as good as one
        with lock:
            if key not in kept:
                kept[key] = made
                held += len(made) + 100
            while held > most_bytes and kept:
                held -= len(kept.popitem(last=False)[1]) + 100
        return made

    return give


def version_of(feeds: Feeds) -> str:
    """Return the name under which tiles of these layers are known: another content has another one."""
    digest, _, audience = feeds.digest.partition("-")
    return digest[:16] + (f"-{audience}" if audience else "")


def address_more(feeds: Feeds, when: str | None) -> str:
    """Return the query of the address of a tile: the version of the layers, and the time of which they are."""
    return f"?v={version_of(feeds)}" + ("" if when is None else f"&datetime={quote(when, safe='/:')}")


def tilesets(layer: LoadedLayer, root: str, when: str | None = None) -> dict[str, Any]:
    """Return the list of tilesets of a layer, as of the time that was asked for."""
    then = {} if when is None else {"datetime": when}
    here = f"{root}/collections/{layer.name}/tiles"
    return {
        "links": [link(with_query(here, **then), "self", JSON, "This document")],
        "tilesets": [
            {
                "title": layer.title,
                "dataType": "vector",
                "crs": _MERCATOR_URI,
                "tileMatrixSetURI": _MATRIX_SET_URI,
                "links": [link(with_query(f"{here}/{MATRIX_SET}", **then), "self", JSON, "Tileset")],
            }
        ],
    }


def tileset(layer: LoadedLayer, feeds: Feeds, root: str, when: str | None = None) -> dict[str, Any]:
    """Return the metadata of a tileset, as of the time that was asked for."""
    here = f"{root}/collections/{layer.name}/tiles/{MATRIX_SET}"
    template = f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}{address_more(feeds, when)}"
    then = {} if when is None else {"datetime": when}
    told: dict[str, Any] = {
        "title": layer.title,
        "dataType": "vector",
        "crs": _MERCATOR_URI,
        "tileMatrixSetURI": _MATRIX_SET_URI,
        "links": [
            link(with_query(here, **then), "self", JSON, "This document"),
            link(with_query(here, f="tilejson", **then), "describedby", JSON, "TileJSON"),
            link(f"{root}/tileMatrixSets/{MATRIX_SET}", _SCHEME, JSON, "Tiling"),
            {**link(template, "item", MEDIA_TYPE, "Tiles"), "templated": True},
        ],
    }
    if layer.bbox is not None:
        west, south, east, north = layer.bbox
        told["boundingBox"] = {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84_URI}
    return told


def tilejson(layer: LoadedLayer, feeds: Feeds, root: str, when: str | None = None) -> dict[str, Any]:
    """Return the tileset as map libraries read it, as of the time that was asked for."""
    here = f"{root}/collections/{layer.name}/tiles/{MATRIX_SET}"
    fields = {
        name: _TILEJSON_KINDS[column.kind] for name, column in layer.columns.items() if column.kind in _TILEJSON_KINDS
    }
    told: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": layer.title,
        "attribution": "; ".join(feeds.report["attribution"]),
        "scheme": "xyz",
        "tiles": [f"{here}/{{z}}/{{y}}/{{x}}{address_more(feeds, when)}"],
        "minzoom": 0,
        "maxzoom": MOST_ZOOM,
        "vector_layers": [{"id": layer.name, "description": layer.description, "fields": {"id": "String", **fields}}],
    }
    return told if layer.bbox is None else {**told, "bounds": layer.bbox}


def matrix_sets(root: str) -> dict[str, Any]:
    """Return the list of tilings."""
    here = f"{root}/tileMatrixSets/{MATRIX_SET}"
    return {
        "tileMatrixSets": [
            {"id": MATRIX_SET, "uri": _MATRIX_SET_URI, "links": [link(here, "self", JSON, "Web Mercator, quartered")]}
        ]
    }


def matrix_set() -> dict[str, Any]:
    """Return the tiling: the square of Web Mercator, cut in four again and again."""
    return {
        "id": MATRIX_SET,
        "title": "Google Maps Compatible for the World",
        "uri": _MATRIX_SET_URI,
        "crs": _MERCATOR_URI,
        "orderedAxes": ["X", "Y"],
        "tileMatrices": [_matrix(zoom) for zoom in range(MOST_ZOOM + 1)],
    }


def _matrix(zoom: int) -> dict[str, Any]:
    cell = 2 * _HALF / 256 / 2**zoom
    return {
        "id": str(zoom),
        "scaleDenominator": cell / _PIXEL_M,
        "cellSize": cell,
        "pointOfOrigin": [-_HALF, _HALF],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }
