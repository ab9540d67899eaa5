"""Where does a server without a plan folder lead: a store of plans, walks, processes?"""

import orjson
from fastapi import APIRouter, Depends, Request, Response

from api import schemas
from api.answers import JSON, OPENAPI, link, root_of
from api.openapi import tell_problems
from api.query import accept_only
from api.settings import Settings

_REFUSED = tell_problems({400: "A parameter is unknown."})


def home_router(settings: Settings, conforms_to: list[str], *, plans: bool, walks: bool) -> APIRouter:
    """Return the landing page and what of OGC API is kept, for a server whose feeds lie under /plans or nowhere."""
    router = APIRouter(tags=["Feeds"], dependencies=[Depends(accept_only("f"))])

    @router.get("/", summary="Landing page", responses={200: {"model": schemas.Landing}, **_REFUSED})
    def landing(request: Request) -> Response:
        """Return where everything is."""
        root = root_of(request, settings)
        links = [
            link(f"{root}/", "self", JSON, "This page"),
            link(f"{root}/openapi.json", "service-desc", OPENAPI, "What this server answers"),
            link(f"{root}/docs", "service-doc", "text/html", "The same, for people"),
            link(f"{root}/conformance", "conformance", JSON, "Parts of OGC API that are kept"),
            link(f"{root}/processes", "http://www.opengis.net/def/rel/ogc/1.0/processes", JSON, "What runs as a job"),
        ]
        if plans:
            links.append(link(f"{root}/plans", "data", JSON, "Plans, each with its feeds under /feeds"))
        if walks:
            links.append(link(f"{root}/walking", "related", JSON, "Walks on the street map"))
        told = {"title": "Wangge", "description": "Plans that are edited, walks and jobs.", "links": links}
        return Response(orjson.dumps(told), media_type=JSON)

    @router.get("/conformance", responses={200: {"model": schemas.Conformance}, **_REFUSED})
    def conformance() -> Response:
        """Return the parts of OGC API that are kept."""
        return Response(orjson.dumps({"conformsTo": conforms_to}), media_type=JSON)

    return router
