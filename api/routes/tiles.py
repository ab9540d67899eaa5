"""How are the layers of a plan served as vector tiles (OGC API - Tiles)?

The version of the layers stands in the address of a tile, so a tile never changes and may be kept for good. An address
of an older version is not found: a map that mixes versions would show borders that never were. Who wants an older map
asks for a tileset of its ``datetime``.
"""

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request, Response

from api import schemas, tiles
from api.answers import answer, choose_form, root_of
from api.audience import feeds_for, is_internal
from api.moments import require_time
from api.openapi import form_parameter, parameter, says, tell_problems, time_parameter
from api.query import accept_only
from api.settings import Settings
from api.snapshot import Feeds
from spatial.errors import MissingError
from spatial.io.vector_tiles import MEDIA_TYPE, TileAddress

_FOREVER = "max-age=31536000, immutable"
_JSON_ONLY = (("json", "application/json"),)
_TILESET = (("json", "application/json"), ("tilejson", "application/json+tilejson"))
_VERSION = parameter("v", "Version of the layers, as the tileset names it.", {"type": "string"})
_PLAIN = [Depends(accept_only("f"))]
_JSON_FORM = {"parameters": [form_parameter("json")]}
_OF_A_TIME = [Depends(accept_only("f", "datetime")), Depends(require_time)]


def tiles_router(find: Callable[[Request], Feeds], settings: Settings) -> APIRouter:
    """Return the routes of the tiles; ``find`` gives the layers that a request is for."""
    router = APIRouter(tags=["Tiles"])
    seen_by = feeds_for(find, settings)
    _add_matrix_sets(router, seen_by, settings)
    _add_tilesets(router, seen_by, settings)
    _add_tile(router, seen_by, settings)
    return router


def _add_matrix_sets(router: APIRouter, seen_by: Callable[[Request], Feeds], settings: Settings) -> None:
    @router.get(
        "/tileMatrixSets", dependencies=_PLAIN, openapi_extra=_JSON_FORM, responses=says(schemas.TileMatrixSets)
    )
    def matrix_sets(request: Request) -> Response:
        """Return the tilings that are known."""
        choose_form(request, *_JSON_ONLY)
        return answer(request, seen_by(request), lambda: tiles.matrix_sets(root_of(request, settings)))

    @router.get(
        "/tileMatrixSets/{tileMatrixSetId}",
        dependencies=_PLAIN,
        openapi_extra=_JSON_FORM,
        responses=says(schemas.TileMatrixSet, missing=True),
    )
    def matrix_set(request: Request, tileMatrixSetId: str) -> Response:
        """Return a tiling."""
        choose_form(request, *_JSON_ONLY)
        _check_matrix_set(tileMatrixSetId)
        return answer(request, seen_by(request), tiles.matrix_set)


def _add_tilesets(router: APIRouter, seen_by: Callable[[Request], Feeds], settings: Settings) -> None:
    @router.get(
        "/collections/{collectionId}/tiles",
        dependencies=_OF_A_TIME,
        openapi_extra={"parameters": [form_parameter("json"), time_parameter()]},
        responses=says(schemas.TileSets, missing=True),
    )
    def tilesets(request: Request, collectionId: str) -> Response:
        """Return the tilesets of a feed."""
        choose_form(request, *_JSON_ONLY)
        found = seen_by(request)
        layer = found.layer(collectionId)
        return answer(request, found, lambda: tiles.tilesets(layer, root_of(request, settings), _time_of(request)))

    @router.get(
        "/collections/{collectionId}/tiles/{tileMatrixSetId}",
        dependencies=_OF_A_TIME,
        openapi_extra={"parameters": [form_parameter("json", "tilejson"), time_parameter()]},
        responses=says(schemas.AnyTileSet, missing=True),
    )
    def tileset(request: Request, collectionId: str, tileMatrixSetId: str) -> Response:
        """Return a tileset of a feed; with f=tilejson as map libraries read it."""
        form, found = choose_form(request, *_TILESET), seen_by(request)
        _check_matrix_set(tileMatrixSetId)
        layer, root = found.layer(collectionId), root_of(request, settings)
        document = tiles.tilejson if form == "tilejson" else tiles.tileset
        return answer(request, found, lambda: document(layer, found, root, _time_of(request)))


def _add_tile(router: APIRouter, seen_by: Callable[[Request], Feeds], settings: Settings) -> None:
    kept = tiles.keep_tiles(settings.tile_cache_bytes)

    @router.get(
        "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
        dependencies=[Depends(accept_only("v", "datetime")), Depends(require_time)],
        responses={
            200: {"description": "The tile.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
            204: {"description": "Nothing can be seen there."},
            304: {"description": "The client has this version already."},
            **tell_problems(
                {400: "A parameter is unknown or cannot be read.", 404: "There is no such layer or tile, or no more."}
            ),
        },
        openapi_extra={"parameters": [_VERSION, time_parameter()]},
        response_class=Response,
    )
    def tile(
        request: Request, collectionId: str, tileMatrixSetId: str, tileMatrix: int, tileRow: int, tileCol: int
    ) -> Response:
        """Return a tile; the row comes before the column."""
        found, at = seen_by(request), TileAddress(tileMatrix, tileRow, tileCol)
        _check_matrix_set(tileMatrixSetId)
        layer = found.layer(collectionId)
        if not at.exists():
            raise MissingError(f"{tileMatrixSetId} has no tile {tileMatrix}/{tileRow}/{tileCol}")
        version = tiles.version_of(found)
        asked = request.query_params.get("v")
        if asked not in (None, version):
            raise MissingError(f"these tiles are of version {version}, not {asked!r}; read the tileset again")

        def drawn() -> Response:
            content = kept((version, layer.name, at), lambda: tiles.draw_tile(layer, at))
            return Response(content, media_type=MEDIA_TYPE) if content else Response(status_code=204)

        keeper = "private" if is_internal(request, settings) else "public"  # a cache of many is nobody of the house
        more = {"Cache_Control": f"{keeper}, {_FOREVER}"} if asked else {}
        return answer(request, found, drawn, MEDIA_TYPE, **more)


def _time_of(request: Request) -> str | None:
    return request.query_params.get("datetime")


def _check_matrix_set(name: str) -> None:
    if name != tiles.MATRIX_SET:
        raise MissingError(f"no tiling {name!r}; tiles are cut by {tiles.MATRIX_SET}")
