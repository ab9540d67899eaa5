"""Which layers does a store serve of each of its plans, to whom, and of which time?

The public sees the version in force; who may edit sees the last one, which its edits change; ``datetime`` asks for the
version that was in force at a time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

import orjson
from fastapi import Depends, FastAPI, Request, Response

from api.answers import OPENAPI
from api.audience import is_internal, may_edit
from api.errors import add_error_handlers
from api.keeping import Keeper
from api.layers import LoadedLayer, build_layer, load_layer
from api.moments import read_datetime
from api.openapi import describe_when_asked
from api.plan_answers import tell_public_origin
from api.renewing import move_blocks, renew_layer
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
from api.store.records import Changed, PlanRecord, VersionRecord, digest_of
from api.store.states import to_state
from api.store.store import Store
from api.store.terms import Term, find_term
from api.tokens import recognise
from api.worked_out import work_out
from spatial.crs import NamedSystem
from spatial.errors import MissingError
from spatial.io.plan_layers import LAYERS, PLAN_LAYERS, WORKED_OUT
from spatial.io.plan_report import describe_profile, find_attribution
from spatial.plan.privacy import OVER_TIME, Published

_ALL = 2**31 - 1
_EDITED = ("blocks", "grids", "violations")
"""Layers that edits change; the others are those of every version but one that took them from results of a job."""
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
    document = describe_when_asked(app)
    add_error_handlers(app)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return Response(document(), media_type=OPENAPI)

    return app


@dataclass(frozen=True)
class StoredFeeds(PlanFeeds):
    """The layers of one version of a plan of a store; each grid has a state that whoever changes it names."""

    store: Store
    version: VersionRecord
    lasting: "Lasting"
    taken: Mapping[str, str]
    """Content of the layers that are not as the plan was put in with."""

    def state_of(self, layer: str, feature_id: str) -> str | None:
        """Return the digest of all that is known of a grid; None for another feature."""
        if layer != "grids":
            return None
        return self.store.get_grid(self.version.plan_id, self.version.version, feature_id).content

    def published(self) -> Published:
        """Return the grids of the first version, and what sites and circles the versions in force before had."""
        plan_id = self.version.plan_id
        first = to_state(self.store.read_grids(plan_id, 1)).assignment
        earlier = {}
        for number in _list_earlier(self.store.list_terms(plan_id), self.version.version):
            origins = self.store.list_origins(plan_id, number)
            taken = tuple(origins[name].version if name in origins else 1 for name in OVER_TIME)
            if taken not in earlier:
                earlier[taken] = {name: _read_features(self.store, plan_id, number, name) for name in OVER_TIME}
        return Published(first.to_dict(), list(earlier.values()))


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

    They are kept up to ``plans_cache_bytes``; a plan is read by one request at a time, others by others meanwhile.

    Raises
    ------
    MissingError
        By the function: if there is no such plan, or none of its versions may be seen.
    InputError
        By the function: if ``datetime`` cannot be read.
    """
    kept = Keeper[StoredFeeds](settings.plans_cache_bytes, weigh_feeds)
    # As long as a version that is kept has it: what all versions of a plan share, and the version that was read last.
    shared = WeakValueDictionary[tuple[str, str], Lasting]()
    newest = WeakValueDictionary[tuple[str, str], StoredFeeds]()

    def keep(plan_id: str, number: int | None, terms: Sequence[Term], first: str) -> PlanFeeds:
        """Return the feeds of a version (None: the last), read unless they are kept; ``first`` tells the plan."""
        version = store.get_version(plan_id, number)

        def read() -> StoredFeeds:
            lasting = shared.get((plan_id, first))
            if lasting is None:
                lasting = shared[plan_id, first] = read_lasting(store, plan_id)
            found = read_feeds(store, version, terms, lasting, newest.get((plan_id, first)))
            newest[plan_id, first] = found
            return found

        return kept.recall((plan_id, version.version, version.digest, tuple(terms)), read, turn=plan_id)

    def find(request: Request) -> Feeds:
        """Return the feeds of the plan and time that a request names, as far as who asks may see them."""
        plan, terms, first = store.look(request.path_params["planId"])
        asked = read_datetime(request.query_params)
        term = None if asked is None else find_term(terms, *asked)
        if term is not None:
            return keep(plan.plan_id, term.version, terms, first)
        found = keep(plan.plan_id, _choose(plan, request, settings), terms, first)
        return found if asked is None else _without_features(found)

    return find


def weigh_feeds(feeds: Collection[PlanFeeds]) -> int:
    """Return about how many bytes feeds take in memory, a layer that several share once.

    What the public sees is made when it is first asked for, and counted from then on.
    """
    public = (one.public for one in feeds if "public" in vars(one))
    layers = {id(layer): layer.size_bytes for one in (*feeds, *public) for layer in one.layers.values()}
    return sum(layers.values())


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


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Lasting:
    """What all versions of a plan share: the layers that no edit changes, and what is told of its making."""

    title: str
    layers: Mapping[str, LoadedLayer]
    attribution: Sequence[str]
    profile: Mapping[str, Any]


def read_lasting(store: Store, plan_id: str) -> Lasting:
    """Return what no edit of a plan changes."""
    (report, profile), first = store.read_report(plan_id), store.get_version(plan_id, 1)
    layers = {name: _read_layer(store, first, name) for name in (*STORED, *KEPT) if name not in _EDITED}
    attribution = report.get("attribution") or find_attribution(report.get("provenance"))
    return Lasting(store.get_plan(plan_id).title, layers, attribution, describe_profile(profile))


def read_feeds(
    store: Store, version: VersionRecord, terms: Sequence[Term], lasting: Lasting, before: StoredFeeds | None = None
) -> StoredFeeds:
    """Return the layers of a version as they are served, and what its landing page tells of it.

    Of the layers of another version only what differs is read anew.
    """
    origins = store.list_origins(version.plan_id, version.version)
    taken = store.list_taken(version.plan_id, version.version)
    own = _read_own(store, version, before)
    for name, content in taken.items():
        same = before is not None and before.taken.get(name) == content
        own[name] = before.layers[name] if before is not None and same else _read_layer(store, version, name)
    layers = {**lasting.layers, **own}
    held = {name: layers[name] for name in LAYERS if layers[name].features or name in PLAN_LAYERS}
    told = _tell(version, lasting, held, terms)
    told["origins"] = {name: tell_public_origin(one) for name, one in origins.items()}
    since = digest_of(*(f"{term}" for term in terms))[:8] if terms else ""  # the documents tell them
    digest = f"{version.digest[:32]}{version.version:x}{since}"
    return StoredFeeds(digest, told, held | work_out(held, told), store, version, lasting, taken)


def _read_own(store: Store, version: VersionRecord, before: StoredFeeds | None) -> dict[str, LoadedLayer]:
    """Return the layers of a version that edits change."""
    found: Mapping[str, LoadedLayer | None] = {}
    if before is not None and _is_held(store, before.version):
        found = _renew(before, store.read_changed(version.plan_id, before.version.version, version.version))
    return {name: found.get(name) or _read_layer(store, version, name) for name in _EDITED}


def _is_held(store: Store, version: VersionRecord) -> bool:
    """Tell whether a store has a version still: a restored one may have another of its number, or none."""
    known = version.version <= store.get_plan(version.plan_id).head
    return known and store.get_version(version.plan_id, version.version).digest == version.digest


def _renew(before: StoredFeeds, changed: Changed) -> dict[str, LoadedLayer | None]:
    """Return the layers that edits change from those of another version; None where they are to be read anew."""
    blocks = before.layers["blocks"]
    grid_of = {block: one.grid_id for one in changed.grids if one.feature for block in one.document["blocks"]}
    grids = {one.grid_id: orjson.loads(one.feature) if one.feature else None for one in changed.grids}
    told: dict[str, Mapping[str, Mapping[str, Any] | None]]
    told = {"blocks": move_blocks(blocks, grid_of), "grids": grids, "violations": changed.findings}
    return {name: renew_layer(LAYERS[name], before.layers[name], some) for name, some in told.items()}


def _list_earlier(terms: Sequence[Term], version: int) -> list[int]:
    """Return the versions that came into force before a version first did, the earliest first; all if it never did."""
    came = list(dict.fromkeys(term.version for term in terms))
    return came[: came.index(version)] if version in came else came


def _read_layer(store: Store, version: VersionRecord, name: str) -> LoadedLayer:
    return load_layer(LAYERS[name], store.features(version.plan_id, version.version, name, limit=_ALL).features)


def _read_features(store: Store, plan_id: str, version: int, name: str) -> list[dict[str, Any]]:
    page = store.features(plan_id, version, name, limit=_ALL)
    return [orjson.loads(feature) for feature in page.features]


def _tell(
    version: VersionRecord, lasting: Lasting, layers: Mapping[str, LoadedLayer], terms: Sequence[Term]
) -> dict[str, Any]:
    """Return what stands in the place of a folder's report."""
    homes = layers["blocks"].columns.get("households")
    total = 0 if homes is None else int(homes.values[~homes.missing].sum())
    counts = {"grids": len(layers["grids"].features), "blocks": len(layers["blocks"].features), "households": total}
    return {
        "plan_id": version.plan_id,
        "plan_version": version.version,
        "title": lasting.title,
        "attribution": lasting.attribution,
        "profile": lasting.profile,
        "summary": counts,
        "in_force": [[term.start, term.end] for term in terms],
        "writable": True,
    }
