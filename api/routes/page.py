"""How are the map page and the OpenAPI page served?"""

from html import escape
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from api.answers import root_of
from api.settings import Settings
from spatial.errors import MissingError

_UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Wangge</title>
<p>The map page is not built yet: run <code>make web</code>, then load this page again.
The feeds work without it: <a href="{root}/?f=json">{root}/</a>.</p></html>"""


def page_router(settings: Settings) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/map")
    def without_slash(request: Request) -> Response:
        return RedirectResponse(f"{root_of(request, settings)}/map/", 307)

    @router.get("/docs")
    def docs(request: Request) -> Response:
        return RedirectResponse(f"{root_of(request, settings)}/map/docs.html", 307)

    @router.get("/map/")
    def map_page(request: Request) -> Response:
        return _page(settings.web / "index.html", request, settings)

    @router.get("/map/docs.html")
    def docs_page(request: Request) -> Response:
        return _page(settings.web / "docs.html", request, settings)

    @router.get("/map/assets/{name}")
    def asset(name: str) -> Response:
        path = _find_asset(settings.web / "assets", name)
        return FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})

    return router


def _page(path: Path, request: Request, settings: Settings) -> Response:
    if not path.is_file():
        return HTMLResponse(_UNBUILT.format(root=escape(root_of(request, settings))), status_code=503)
    return FileResponse(path, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _find_asset(folder: Path, name: str) -> Path:
    """Return a built file; only names that stand in the folder are found, so no path leads out of it."""
    found = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if name not in found:
        raise MissingError(f"the map page has no file {name!r}")
    return found[name]
