"""How are feeds served to maps that are shifted, as the law asks of maps published in China (GCJ-02, BD-09)?

These are no GeoJSON: their numbers are not WGS 84. Their address, media type and member ``coordType`` say so.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Depends, Request, Response

from api import feeds, schemas
from api.answers import JSON, answer, choose_form, root_of
from api.audience import feeds_for
from api.layers import LoadedLayer
from api.moments import require_time
from api.openapi import form_parameter, items_parameters, says, time_parameter
from api.query import ItemsQuery, accept_only, read_items_query
from api.settings import Settings
from api.snapshot import Feeds
from spatial.crs import LONLAT_DECIMALS, wgs84_to_bd09, wgs84_to_gcj02

_PARAMETERS = ("limit", "offset", "bbox", "datetime", "filter", "filter-lang", "f")
_SHIFTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "amap": ("gcj02", wgs84_to_gcj02),
    "baidu": ("bd09", wgs84_to_bd09),
}
_JSON_ONLY = (("json", JSON),)


def amap_router(find: Callable[[Request], Feeds], settings: Settings) -> APIRouter:
    """Return the routes of the shifted feeds; ``find`` gives the layers that a request is for."""
    router = APIRouter(prefix="/feeds", tags=["Shifted feeds"])
    seen_by = feeds_for(find, settings)
    asked = [one for one in items_parameters(settings) if one["name"] in _PARAMETERS[:-1]]
    asked = [time_parameter() if one["name"] == "datetime" else one for one in asked] + [form_parameter("json")]

    def serve(provider: str) -> Callable[[Request, str], Response]:
        """Return the route of one provider."""
        kind, shift = _SHIFTS[provider]

        def items(request: Request, collectionId: str) -> Response:
            """Return a page of a feed, shifted."""
            choose_form(request, *_JSON_ONLY)
            found = seen_by(request)
            query = read_items_query(request, settings, found.systems)
            layer = found.layer(collectionId)
            here = f"{root_of(request, settings)}/feeds/{provider}/{collectionId}/items"
            return answer(request, found, lambda: _page(layer, query, dict(request.query_params), here, kind, shift))

        return items

    for provider, (kind, _) in _SHIFTS.items():
        router.add_api_route(
            f"/{provider}/{{collectionId}}/items",
            serve(provider),
            methods=["GET"],
            name=f"{provider}_items",
            summary=f"Features in {kind}",
            description=f"A page of a feed with every place shifted to {kind}; the box and the filter are in WGS 84.",
            dependencies=[Depends(accept_only(*_PARAMETERS)), Depends(require_time)],
            responses=says(schemas.ShiftedCollection, missing=True),
            openapi_extra={"parameters": asked},
        )
    return router


def _page(
    layer: LoadedLayer, query: ItemsQuery, asked: dict[str, str], here: str, kind: str, shift: Callable[[Any], Any]
) -> bytes:
    """Return a page of features with each vertex shifted; what was shared stays shared."""
    rows = query.choose(layer)
    page = rows[query.offset : query.offset + query.limit]
    shifted = shapely.transform(layer.geometry[page], lambda xy: np.round(shift(xy), LONLAT_DECIMALS))
    head = feeds.page_head(len(rows), len(page), feeds.turn_links(query, len(rows), asked, here, JSON))
    features = orjson.Fragment(b"[" + b",\n".join(layer.write_with(page, shifted)) + b"]")
    return orjson.dumps({**head, "coordType": kind, "features": features})
