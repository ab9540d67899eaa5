"""How is a layer fetched as one file: GeoPackage, FlatGeobuf, table or Shapefile?"""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
from fastapi import APIRouter, Depends, Request, Response

from api.answers import answer
from api.audience import feeds_for
from api.layers import LoadedLayer
from api.moments import require_time
from api.openapi import system_parameter, tell_problems, time_parameter
from api.query import accept_only, read_system
from api.settings import Settings
from api.snapshot import Feeds
from spatial.crs import LONLAT, NamedSystem, transform_geometry
from spatial.errors import MissingError
from spatial.io.exports import MEDIA_TYPES, pack_layer

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_DTYPES = {"integer": "Int64", "number": "float64", "boolean": "boolean"}


def downloads_router(find: Callable[[Request], Feeds], settings: Settings) -> APIRouter:
    """Return the routes of the downloads; ``find`` gives the layers that a request is for."""
    router = APIRouter(tags=["Downloads"])
    seen_by = feeds_for(find, settings)
    asked = [system_parameter("crs", "System of the geometries, east before north."), time_parameter()]

    @router.get(
        "/downloads/{file}",
        dependencies=[Depends(accept_only("crs", "datetime")), Depends(require_time)],
        openapi_extra={"parameters": asked},
        response_class=Response,
        responses={
            200: {
                "description": "The file.",
                "content": {kind.partition(";")[0]: _BINARY for kind in MEDIA_TYPES.values()},
            },
            304: {"description": "The client has this version already."},
            **tell_problems({400: "A parameter is unknown or cannot be read.", 404: "There is no such layer or form."}),
        },
    )
    def download(request: Request, file: str) -> Response:
        """Return a whole layer as one file: its name, a dot, and gpkg, fgb, csv or zip (Shapefile in GBK)."""
        found = seen_by(request)
        name, _, ending = file.rpartition(".")
        if ending not in MEDIA_TYPES:
            raise MissingError(f"no download {file!r}; needed the name of a layer and one of {', '.join(MEDIA_TYPES)}")
        layer = found.layer(name)
        system = read_system(request.query_params, "crs", found.systems)
        told = _provenance(found, layer, system)
        saved = f"{told['plan_id']}-v{told['plan_version']}-{file}".encode("ascii", "replace").decode().replace('"', "")
        return answer(
            request,
            found,
            lambda: pack_layer(_frame_of(layer, system), layer.name, ending, told),
            MEDIA_TYPES[ending],
            Content_Disposition=f'attachment; filename="{saved}"',
        )

    return router


def _provenance(feeds: Feeds, layer: LoadedLayer, system: NamedSystem) -> dict[str, Any]:
    report = feeds.report
    return {
        "plan_id": report["plan_id"],
        "plan_version": report["plan_version"],
        "digest": feeds.digest,
        "layer": layer.name,
        "title": layer.title,
        "description": layer.description,
        "profile": report["profile"]["name"],
        **{f"origin_{name}": value for name, value in report.get("origins", {}).get(layer.name, {}).items()},
        "attribution": "; ".join(report["attribution"]),
        "system": system.uri,
        "written_by": "Wangge",
    }


def _frame_of(layer: LoadedLayer, system: NamedSystem) -> Any:
    """Return a layer as a frame; properties that hold lists are left to the feeds."""
    columns: dict[str, Any] = {"id": list(layer.ids)}
    for name, column in layer.columns.items():
        if column.kind != "other" and name != "id":
            columns[name] = pd.Series(column.values).mask(column.missing).astype(_DTYPES.get(column.kind, object))
    geometry = transform_geometry(layer.geometry, LONLAT, system.crs)
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=system.crs)
