"""Which layers does a store serve of each of its plans, to whom, and of which time?

The public sees the version in force; who may edit sees the last one, which its edits change; ``datetime`` asks for the
version that was in force at a time.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import orjson
from fastapi import Depends, FastAPI, Request, Response

from api.answers import OPENAPI
from api.audience import is_internal, may_edit
from api.errors import add_error_handlers
from api.layers import LoadedLayer, build_layer
from api.moments import read_datetime
from api.openapi import build_openapi
from api.routes.amap import amap_router
from api.routes.downloads import downloads_router
from api.routes.features import features_router
from api.routes.grid_writes import grid_writes_router
from api.routes.locate import locate_router
from api.routes.tiles import tiles_router
from api.settings import Settings
from api.snapshot import Feeds, PlanFeeds
from api.store.editing import Editor
from api.store.layers import KEPT, STORED
from api.store.records import PlanRecord, VersionRecord, digest_of
from api.store.store import Store
from api.store.terms import Term, find_term
from api.tokens import recognise
from api.worked_out import work_out
from spatial.crs import NamedSystem
from spatial.errors import MissingError
from spatial.io.plan_layers import LAYERS, PLAN_LAYERS, WORKED_OUT
from spatial.io.plan_report import describe_profile, find_attribution

_KEPT = 4
_ALL = 2**31 - 1
_WHEN = (
    "An RFC 3339 instant, or an interval (.. is open): the plan as it was in force then, last of all where several "
    "versions were; no feature where none was."
)


def build_plan_feeds(store: Store, settings: Settings, editor: Editor) -> FastAPI:
    """Return an application with the feeds of the plan that the path parameter ``planId`` of its mount names."""
    app = FastAPI(
        title="Feeds of a plan",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(recognise(store))],
    )
    find = follow_plans(store, settings)
    app.include_router(features_router(find, settings, when=_WHEN))
    app.include_router(grid_writes_router(find, settings, editor))
    for build_router in (tiles_router, downloads_router, amap_router, locate_router):
        app.include_router(build_router(find, settings))
    document = orjson.dumps(build_openapi(app))
    add_error_handlers(app)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return Response(document, media_type=OPENAPI)

    return app


@dataclass(frozen=True)
class StoredFeeds(PlanFeeds):
    """The layers of one version of a plan of a store; each grid has a state that whoever changes it names."""

    store: Store
    version: VersionRecord

    def state_of(self, layer: str, feature_id: str) -> str | None:
        """Return the digest of all that is known of a grid; None for another feature."""
        if layer != "grids":
            return None
        return self.store.get_grid(self.version.plan_id, self.version.version, feature_id).content


@dataclass(frozen=True)
class NoFeeds(PlanFeeds):
    """The layers of a plan at a time when none of its versions was in force: the same layers, without a feature."""

    lies: Mapping[str, NamedSystem]

    @cached_property
    def systems(self) -> dict[str, NamedSystem]:
        """Systems in which the plan is served at other times."""
        return dict(self.lies)

    @cached_property
    def public(self) -> PlanFeeds:
        """The same: there is nothing to leave out."""
        return self


def follow_plans(store: Store, settings: Settings) -> Callable[[Request], Feeds]:
    """Return a function that gives the feeds of the plan a request names; the ones asked for last are kept.

    Raises
    ------
    MissingError
        By the function: if there is no such plan, or none of its versions may be seen.
    InputError
        By the function: if ``datetime`` cannot be read.
    """
    lock, kept = Lock(), OrderedDict[tuple[str, str, tuple[Term, ...]], PlanFeeds]()

    def keep(version: VersionRecord, terms: Sequence[Term]) -> PlanFeeds:
        key = (version.plan_id, f"{version.version}-{version.digest}", tuple(terms))
        with lock:
            if key not in kept:
                kept[key] = read_feeds(store, version, terms)
            kept.move_to_end(key)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
            return kept[key]

    def find(request: Request) -> Feeds:
        plan = store.get_plan(request.path_params["planId"])
        terms, asked = store.list_terms(plan.plan_id), read_datetime(request.query_params)
        if asked is None:
            return keep(store.get_version(plan.plan_id, _choose(plan, request, settings)), terms)
        term = find_term(terms, *asked)
        if term is not None:
            return keep(store.get_version(plan.plan_id, term.version), terms)
        return _without_features(keep(store.get_version(plan.plan_id, _choose(plan, request, settings)), terms))

    return find


def _choose(plan: PlanRecord, request: Request, settings: Settings) -> int | None:
    """Return the version that a request sees which asks for no time; None is the last one.

    Raises
    ------
    MissingError
        If it may see none.
    """
    if may_edit(request, settings):
        return None
    if plan.in_force is None and not is_internal(request, settings):
        raise MissingError(f"plan {plan.plan_id} has no version in force")
    return plan.in_force


def _without_features(feeds: PlanFeeds) -> NoFeeds:
    layers = {name: build_layer((LAYERS | WORKED_OUT)[name], []) for name in feeds.public.layers}
    return NoFeeds(f"{feeds.digest}-none", feeds.report, layers, feeds.systems)


def read_feeds(store: Store, version: VersionRecord, terms: Sequence[Term]) -> StoredFeeds:
    """Return the layers of a version as they are served, and what its landing page tells of it."""
    layers = {name: _read_layer(store, version, name) for name in (*STORED, *KEPT)}
    held = {name: layers[name] for name in LAYERS if layers[name].features or name in PLAN_LAYERS}
    told = _tell(store, version, held, terms)
    held |= work_out(held, told)
    since = digest_of(*(f"{term}" for term in terms))[:8] if terms else ""  # the documents tell them
    return StoredFeeds(f"{version.digest[:32]}{version.version:x}{since}", told, held, store, version)


def _read_layer(store: Store, version: VersionRecord, name: str) -> LoadedLayer:
    page = store.features(version.plan_id, version.version, name, limit=_ALL)
    return build_layer(LAYERS[name], [orjson.loads(feature) for feature in page.features])


def _tell(
    store: Store, version: VersionRecord, layers: Mapping[str, LoadedLayer], terms: Sequence[Term]
) -> dict[str, Any]:
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
        "in_force": [[term.start, term.end] for term in terms],
        "writable": True,
    }
