"""Which application serves a plan folder, and walks on a street map?"""

import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api.answers import OPENAPI
from api.bodies import limit_bodies
from api.compression import compress_answers
from api.errors import add_error_handlers
from api.headers import add_headers
from api.jobs.answers import CONFORMS_TO as PROCESSES
from api.jobs.opening import Desk, open_desk
from api.jobs.serving import Serving, name_store
from api.openapi import describe_when_asked
from api.routes.amap import amap_router
from api.routes.downloads import downloads_router
from api.routes.features import features_router
from api.routes.home import home_router
from api.routes.locate import locate_router
from api.routes.page import page_router
from api.routes.plan import plan_router
from api.routes.processes import add_job_errors, processes_router
from api.routes.tiles import tiles_router
from api.settings import Settings, read_settings
from api.snapshot import Feeds, Snapshot, follow_folder
from api.tokens import Gate
from api.turns import limit_reading
from spatial.errors import InputError

_JOBS, _PLACES = re.compile("^/processes/"), re.compile("(^|/feeds)/locate$")
_DESCRIPTION = (
    "One plan of Wangge: its layers as feeds (OGC API - Features), its report, its numbers and its files; and, where a "
    "street map is served, walks and circles at any place."
)


def create_app(
    folder: Path | str | None,
    settings: Settings | None = None,
    *,
    osm: Path | str | None = None,
    store: Path | str | None = None,
) -> FastAPI:
    """Return the application that serves the plan in a folder, and follows the folder when it is replaced.

    With a street map it walks too: with the homes, gates, estates and speeds of the plan or, without a folder, on the
    street map alone. With a store (a file, or the address of a PostgreSQL database) its plans are edited under /plans.

    Raises
    ------
    MissingError
        If there is no plan in the folder.
    InputError
        If the plan or the street map is broken, neither is given, or a setting of the environment cannot be used.
    """
    if folder is None and osm is None and store is None:
        raise InputError("found nothing to serve, needed a plan folder, --osm with a street map, or --store with plans")
    chosen = settings or read_settings()
    app = _begin(chosen)
    now = None if folder is None else follow_folder(Path(folder))
    if now is not None:
        _add_plan(app, now, chosen)
    else:
        app.include_router(home_router(chosen, PROCESSES, plans=store is not None, walks=osm is not None))
    if osm is not None:
        _add_walks(app, osm, now, chosen)
    desk = open_desk(_tell_serving(folder, osm, store, chosen))
    gate = None if store is None else _add_store(app, store, desk, chosen)
    app.include_router(processes_router(desk, gate))
    _add_documents(app, chosen)
    parts = {"folder": folder, "map": osm, "store": store}
    add_error_handlers(app, frozenset(name for name, one in parts.items() if one is not None))
    add_job_errors(app)
    return app


def _begin(settings: Settings) -> FastAPI:
    """Return an application without an address."""
    return FastAPI(
        title="Wangge",
        description=_DESCRIPTION,
        version=_version(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(settings),
    )


def _add_plan(app: FastAPI, now: Callable[[], Snapshot], settings: Settings) -> None:
    """Add what is served of a plan folder."""
    app.include_router(features_router(_same(now), settings))
    for build_router in (tiles_router, downloads_router, amap_router, locate_router):
        app.include_router(build_router(_same(now), settings))
    app.include_router(plan_router(now, settings))


def _add_walks(app: FastAPI, osm: Path | str, now: Callable[[], Snapshot] | None, settings: Settings) -> None:
    """Add walks and circles on a street map."""
    from api.routes.walking import walking_router  # here: a server of a plan alone need not load what walks
    from api.walking import follow_ground

    app.include_router(walking_router(follow_ground(osm, now), settings))


def _add_store(app: FastAPI, store: Path | str, desk: Desk, settings: Settings) -> Gate:
    """Add the plans of a store, with their feeds and edits; return who may run jobs there."""
    from api.routes.plan_edits import plan_edits_router  # here: a server of a folder need not load what edits
    from api.routes.plans import plans_router
    from api.store.editing import Editor
    from api.store.store import open_store
    from api.store_feeds import build_plan_feeds
    from api.tokens import build_gate, require_tokens

    kept = open_store(store)
    require_tokens(kept, settings)
    editor = Editor(kept)
    app.mount("/plans/{planId}/feeds", build_plan_feeds(kept, settings, editor))
    app.include_router(plans_router(kept, settings))
    app.include_router(plan_edits_router(editor, desk.office, settings.edit_seconds_max))
    return build_gate(kept, "planner")


def _add_documents(app: FastAPI, settings: Settings) -> None:
    """Add the description of all that is there by now, and the pages for people."""
    document = describe_when_asked(app)
    app.include_router(page_router(settings))

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        """Return what the server does, as OpenAPI 3.0."""
        return Response(document(), media_type=OPENAPI)


def _tell_serving(
    folder: Path | str | None, osm: Path | str | None, store: Path | str | None, settings: Settings
) -> Serving:
    """Return what jobs may use of what is served."""
    paths = [None if one is None else Path(one) for one in (folder, osm)]
    return Serving(paths[0], paths[1], settings, None if store is None else name_store(store))


def _same(now: Callable[[], Feeds]) -> Callable[[Request], Feeds]:
    """Return a function that finds the same feeds whatever the request: a folder holds one plan."""
    return lambda request: now()


def _version() -> str:
    try:
        return version("wangge")
    except PackageNotFoundError:
        return "unknown"


def _middleware(settings: Settings) -> list[Middleware]:
    elsewhere = {_JOBS: settings.job_body_max, _PLACES: settings.locate_body_max}
    together, seconds = settings.bodies_max, settings.body_seconds_max
    layers = [
        Middleware(add_headers),
        Middleware(TrustedHostMiddleware, allowed_hosts=settings.trusted_hosts(), www_redirect=False),
        Middleware(compress_answers),
        Middleware(limit_reading, most=settings.reads_at_once),
        Middleware(limit_bodies, most=settings.body_max, together=together, seconds=seconds, elsewhere=elsewhere),
    ]
    if settings.cors_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Content-Crs", "If-Match", "If-None-Match", "Prefer"],
            expose_headers=["ETag", "Location", "Link", "Content-Crs"],
        )
        layers.insert(1, cors)
    return layers
