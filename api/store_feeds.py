"""Which layers does a store serve of each of its plans: those of the version in force, else of the last one?"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from api.answers import OPENAPI
from api.audience import is_internal
from api.errors import add_error_handlers
from api.layers import LoadedLayer, build_layer
from api.openapi import build_openapi
from api.routes.amap import amap_router
from api.routes.downloads import downloads_router
from api.routes.features import features_router
from api.routes.locate import locate_router
from api.routes.tiles import tiles_router
from api.settings import Settings
from api.snapshot import Feeds, PlanFeeds
from api.store.layers import STORED
from api.store.records import VersionRecord
from api.store.store import Store
from spatial.errors import MissingError
from spatial.io.plan_layers import LAYERS, PLAN_LAYERS
from spatial.io.plan_report import describe_profile, find_attribution

_KEPT = 4
_ALL = 2**31 - 1


def build_plan_feeds(store: Store, settings: Settings) -> FastAPI:
    """Return an application with the feeds of the plan that the path parameter ``planId`` of its mount names."""
    app = FastAPI(title="Feeds of a plan", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    find = follow_plans(store, settings)
    for build_router in (features_router, tiles_router, downloads_router, amap_router, locate_router):
        app.include_router(build_router(find, settings))
    document = orjson.dumps(build_openapi(app))
    add_error_handlers(app)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return Response(document, media_type=OPENAPI)

    return app


def follow_plans(store: Store, settings: Settings) -> Callable[[Request], Feeds]:
    """Return a function that gives the feeds of the plan a request names; the ones asked for last are kept.

    The public is given the version in force alone, the house the last version where none is in force.

    Raises
    ------
    MissingError
        By the function: if there is no such plan, or none of its versions may be seen.
    """
    lock, kept = Lock(), OrderedDict[tuple[str, str], PlanFeeds]()

    def find(request: Request) -> Feeds:
        plan_id = request.path_params["planId"]
        record = store.get_plan(plan_id)
        if record.in_force is None and not is_internal(request, settings):
            raise MissingError(f"plan {plan_id} has no version in force")
        version = store.get_version(plan_id, record.in_force)  # None: the last one
        key = (plan_id, f"{version.version}-{version.digest}")
        with lock:
            if key not in kept:
                kept[key] = read_feeds(store, version)
            kept.move_to_end(key)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
            return kept[key]

    return find


def read_feeds(store: Store, version: VersionRecord) -> PlanFeeds:
    """Return the layers of a version as they are served, and what its landing page tells of it."""
    layers = {name: _read_layer(store, version, name) for name in STORED}
    held = {name: layer for name, layer in layers.items() if layer.features or name in PLAN_LAYERS}
    return PlanFeeds(f"{version.digest[:32]}{version.version:x}", _tell(store, version, held), held)


def _read_layer(store: Store, version: VersionRecord, name: str) -> LoadedLayer:
    page = store.features(version.plan_id, version.version, name, limit=_ALL)
    return build_layer(LAYERS[name], [orjson.loads(feature) for feature in page.features])


def _tell(store: Store, version: VersionRecord, layers: Mapping[str, LoadedLayer]) -> dict[str, Any]:
    """Return what stands in the place of a folder's report."""
    plan = store.read_plan(version.plan_id)
    homes = layers["blocks"].columns.get("households")
    total = 0 if homes is None else int(homes.values[~homes.missing].sum())
    counts = {"grids": len(layers["grids"].features), "blocks": len(layers["blocks"].features), "households": total}
    return {
        "plan_id": version.plan_id,
        "plan_version": version.version,
        "attribution": plan.report.get("attribution") or find_attribution(plan.report.get("provenance")),
        "profile": describe_profile(plan.profile),
        "summary": counts,
    }
