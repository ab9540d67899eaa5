"""How are the plans of a store listed, with their versions and layers?

Plans in work are for planners: the public reads what is in force in the feeds.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from api import plan_models as told
from api.answers import GEOJSON, GeoJson, root_of
from api.plan_answers import NO_CACHE, answer_plan, tell_features, tell_origin, tell_plan, tell_version
from api.plan_query import choose_version, read_layer_query
from api.plans_documented import layer_parameters, says
from api.query import accept_only
from api.settings import Settings
from api.store.store import Store
from api.tokens import Caller, build_gate


def plans_router(store: Store, settings: Settings) -> APIRouter:
    """Return the routes that read the plans of a store."""
    router = APIRouter(prefix="/plans", tags=["Plans"])
    let_pass = build_gate(store, "planner")
    reader = Depends(let_pass)

    @router.get("", summary="Plans", dependencies=[Depends(accept_only())], responses=says(told.PlansTold))
    def plans(who: Annotated[Caller, Depends(let_pass)]) -> Response:
        """Return every plan of the store, or those that the token is for."""
        known = [plan for plan in store.list_plans() if who.knows(plan.plan_id)]
        heads = [(plan, store.get_version(plan.plan_id, plan.head)) for plan in known]
        return answer_plan({"plans": [tell_plan(plan, head) for plan, head in heads]})

    @router.get(
        "/{planId}", summary="Plan", dependencies=[reader, Depends(accept_only())], responses=says(told.PlanTold)
    )
    def plan(planId: str) -> Response:
        """Return one plan; its entity tag is what If-Match of an edit names."""
        found = store.get_plan(planId)
        head = store.get_version(planId, found.head)
        return answer_plan(tell_plan(found, head), head)

    @router.get("/{planId}/feeds", include_in_schema=False)
    def feeds(request: Request, planId: str) -> Response:
        """Lead who leaves the slash away to the landing page of the feeds, which are mounted below it."""
        asked = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{root_of(request, settings)}/plans/{quote(planId, safe='')}/feeds/{asked}", 307)

    @router.get(
        "/{planId}/versions",
        summary="Versions",
        dependencies=[reader, Depends(accept_only())],
        responses=says(told.VersionsTold),
    )
    def versions(planId: str) -> Response:
        """Return every version of a plan, oldest first."""
        return answer_plan({"versions": [tell_version(one) for one in store.list_versions(planId)]})

    @router.get(
        "/{planId}/versions/{version}",
        summary="Version",
        dependencies=[reader, Depends(accept_only())],
        responses=says(told.VersionTold),
    )
    def version(planId: str, version: int) -> Response:
        """Return one version."""
        return answer_plan(tell_version(store.get_version(planId, version)))

    @router.get(
        "/{planId}/layers/{layer}",
        summary="Layer of a version",
        dependencies=[reader, Depends(accept_only("version", "datetime", "limit", "offset", "bbox"))],
        response_class=GeoJson,
        responses=says(told.LayerTold),
        openapi_extra={"parameters": layer_parameters(settings)},
    )
    def layer(request: Request, planId: str, layer: str) -> Response:
        """Return a page of a layer: of the last version, of a number, or of the version in force at a time."""
        query, chosen = read_layer_query(request, settings), choose_version(request, store, planId)
        page = store.features(planId, chosen.version, layer, box=query.box, limit=query.limit, offset=query.offset)
        members = {"plan_id": planId, "version": chosen.version, "status": chosen.status}
        origin = store.list_origins(planId, chosen.version).get(layer)
        members |= {} if origin is None else {"origin": tell_origin(origin)}
        return Response(tell_features(page.features, page.matched, members), media_type=GEOJSON, headers=NO_CACHE)

    return router
