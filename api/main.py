"""Which application serves a plan folder?"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import orjson
from fastapi import FastAPI, Response
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api.answers import OPENAPI
from api.errors import add_error_handlers
from api.headers import add_headers
from api.openapi import build_openapi
from api.routes.features import features_router
from api.routes.page import page_router
from api.routes.plan import plan_router
from api.settings import Settings, read_settings
from api.snapshot import follow_folder

_DESCRIPTION = "One plan of Wangge: its layers as feeds (OGC API - Features), its report, its numbers and its files."


def create_app(folder: Path | str, settings: Settings | None = None) -> FastAPI:
    """Return the application that serves the plan in a folder, and follows the folder when it is replaced.

    Raises
    ------
    MissingError
        If there is no plan in the folder.
    InputError
        If the plan is broken, or a setting of the environment cannot be used.
    """
    chosen = settings or read_settings()
    now = follow_folder(Path(folder))
    app = FastAPI(
        title="Wangge",
        description=_DESCRIPTION,
        version=_version(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(chosen),
    )
    app.include_router(features_router(now, chosen))
    app.include_router(plan_router(now))
    document = orjson.dumps(build_openapi(app))
    app.include_router(page_router(chosen))
    add_error_handlers(app)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return Response(document, media_type=OPENAPI)

    return app


def _version() -> str:
    try:
        return version("wangge")
    except PackageNotFoundError:
        return "unknown"


def _middleware(settings: Settings) -> list[Middleware]:
    layers = [
        Middleware(add_headers),
        Middleware(TrustedHostMiddleware, allowed_hosts=settings.trusted_hosts(), www_redirect=False),
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=1),
    ]
    if settings.cors_origins:
        cors = Middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["GET", "HEAD"])
        layers.insert(1, cors)
    return layers
