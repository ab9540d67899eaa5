"""How are the plans of a store listed, edited and taken from draft to force?

Plans in work are for planners: the public reads what is in force in the feeds.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import orjson
import pandas as pd
from fastapi import APIRouter, Depends, Request, Response

from api import plan_models as told
from api import schemas
from api.answers import GEOJSON, JSON, GeoJson
from api.plan_answers import summarise_change, tag_of, tell_change, tell_features, tell_plan, tell_version
from api.plan_query import choose_version, read_base, read_flag, read_layer_query
from api.query import MOST, accept_only
from api.settings import Settings
from api.store.editing import Change, Editor
from api.store.records import Note, VersionRecord
from api.store.store import Store
from api.store.versions import Kind
from api.tokens import Caller, build_gate
from spatial.errors import InputError
from spatial.personal import check_personal

_NO_CACHE = {"Cache-Control": "no-cache"}


def plans_router(store: Store, settings: Settings, editor: Editor | None = None) -> APIRouter:
    """Return the routes of the plans of a store; ``editor`` is shared with what else edits them."""
    router = APIRouter(prefix="/plans", tags=["Plans"])
    _add_reading(router, store, settings)
    _add_editing(router, editor or Editor(store))
    _add_status(router, store)
    return router


def _add_reading(router: APIRouter, store: Store, settings: Settings) -> None:
    reader = Depends(build_gate(store, "planner"))

    @router.get("", summary="Plans", dependencies=[reader, Depends(accept_only())], responses=_says(told.PlansTold))
    def plans() -> Response:
        """Return every plan of the store."""
        heads = [(plan, store.get_version(plan.plan_id, plan.head)) for plan in store.list_plans()]
        return _json({"plans": [tell_plan(plan, head) for plan, head in heads]})

    @router.get(
        "/{planId}", summary="Plan", dependencies=[reader, Depends(accept_only())], responses=_says(told.PlanTold)
    )
    def plan(planId: str) -> Response:
        """Return one plan; its entity tag is what If-Match of an edit names."""
        found = store.get_plan(planId)
        head = store.get_version(planId, found.head)
        return _json(tell_plan(found, head), head)

    @router.get(
        "/{planId}/versions",
        summary="Versions",
        dependencies=[reader, Depends(accept_only())],
        responses=_says(told.VersionsTold),
    )
    def versions(planId: str) -> Response:
        """Return every version of a plan, oldest first."""
        return _json({"versions": [tell_version(one) for one in store.list_versions(planId)]})

    @router.get(
        "/{planId}/versions/{version}",
        summary="Version",
        dependencies=[reader, Depends(accept_only())],
        responses=_says(told.VersionTold),
    )
    def version(planId: str, version: int) -> Response:
        """Return one version."""
        return _json(tell_version(store.get_version(planId, version)))

    @router.get(
        "/{planId}/layers/{layer}",
        summary="Layer of a version",
        dependencies=[reader, Depends(accept_only("version", "datetime", "limit", "offset", "bbox"))],
        response_class=GeoJson,
        responses=_says(told.LayerTold),
        openapi_extra={"parameters": _layer_parameters(settings)},
    )
    def layer(request: Request, planId: str, layer: str) -> Response:
        """Return a page of a layer: of the last version, of a number, or of the version in force at a time."""
        query, chosen = read_layer_query(request, settings), choose_version(request, store, planId)
        page = store.features(planId, chosen.version, layer, box=query.box, limit=query.limit, offset=query.offset)
        members = {"plan_id": planId, "version": chosen.version, "status": chosen.status}
        return Response(tell_features(page.features, page.matched, members), media_type=GEOJSON, headers=_NO_CACHE)


def _add_editing(router: APIRouter, editor: Editor) -> None:
    store, planner = editor.store, build_gate(editor.store, "planner")
    common: dict[str, Any] = {
        "dependencies": [Depends(accept_only("dry_run"))],
        "responses": _says(told.ChangeTold, written=True),
        "openapi_extra": {"parameters": [_IF_MATCH, _DRY_RUN]},
    }

    @router.post("/{planId}/edits", summary="Edit", **common)
    def edits(
        request: Request, planId: str, body: told.EditsAsked, who: Annotated[Caller, Depends(planner)]
    ) -> Response:
        """Make edits on the version that If-Match names, all or none; with dry_run=true only tell of it."""
        note = _note(who, body.why, body.edits)
        with editor.turn(planId, body.edits):
            return finish(request, editor.propose(planId, read_base(request, store, planId), body.edits), note)

    @router.post("/{planId}/undo", summary="Undo", **common)
    def undo(
        request: Request, planId: str, body: told.ReasonAsked, who: Annotated[Caller, Depends(planner)]
    ) -> Response:
        """Undo the last edit that stands; a new version has the state before it."""
        note = _note(who, body.why)
        with editor.turn(planId):
            change, target = editor.propose_undo(planId, read_base(request, store, planId))
            return finish(request, change, note, kind="undo", state_of=target)

    @router.post("/{planId}/redo", summary="Redo", **common)
    def redo(
        request: Request, planId: str, body: told.ReasonAsked, who: Annotated[Caller, Depends(planner)]
    ) -> Response:
        """Redo the edit that was last undone."""
        note = _note(who, body.why)
        with editor.turn(planId):
            change, target = editor.propose_redo(planId, read_base(request, store, planId))
            return finish(request, change, note, kind="redo", state_of=target)

    @router.post(
        "/{planId}/repair",
        summary="Propose a repair",
        dependencies=[Depends(accept_only())],
        responses=_says(told.RepairTold, written=True),
        openapi_extra={"parameters": [_IF_MATCH]},
    )
    def repair(
        request: Request, planId: str, body: told.RepairAsked, who: Annotated[Caller, Depends(planner)]
    ) -> Response:
        """Return the fewest moves that make grids contiguous; nothing is written."""
        base = read_base(request, store, planId)
        found, moves = editor.repair(planId, base, body.grids)
        head = store.get_version(planId, base)
        numbers = {name: getattr(found, name) for name in ("households", "blocks", "proved")}
        texts = {"unmended": list(found.unmended), "notes": list(found.notes)}
        return _json({"plan_id": planId, "base": base, "etag": tag_of(head), "edits": moves, **numbers, **texts}, head)

    def finish(
        request: Request, change: Change, note: Note, *, kind: Kind = "edit", state_of: int | None = None
    ) -> Response:
        dry_run = read_flag(request, "dry_run")
        plan_id, base = change.base.plan_id, change.base.version
        changes = bool(change.delta.grids or change.delta.findings)
        if dry_run or not changes:
            head = store.get_version(plan_id, base)
            return _json(tell_change(change, head, written=False, dry_run=dry_run), head)
        full = Note(note.who, note.why, change.edits, summarise_change(change))
        made = editor.commit(change, full, kind=kind, state_of=state_of)
        answer = _json(tell_change(change, made, written=True, dry_run=False), made, HTTPStatus.CREATED)
        answer.headers["Location"] = f"{request.url.path.rpartition('/')[0]}/versions/{made.version}"
        return answer


def _add_status(router: APIRouter, store: Store) -> None:
    planner, administrator = (build_gate(store, role) for role in ("planner", "administrator"))

    @router.post(
        "/{planId}/status",
        summary="Status",
        dependencies=[Depends(accept_only())],
        responses=_says(told.VersionTold, stepped=True),
    )
    def status(
        request: Request, planId: str, body: told.StatusAsked, who: Annotated[Caller, Depends(planner)]
    ) -> Response:
        """Take a version to its next status; approving and putting in force is for administrators."""
        if body.status in ("approved", "in_force", "superseded"):
            administrator(request)
        return _json(tell_version(store.set_status(planId, body.version, body.status, _note(who, body.why))))


def _note(who: Caller, why: str, edits: Sequence[Mapping[str, Any]] = ()) -> Note:
    """Return who asks and why.

    Raises
    ------
    InputError
        If what was sent holds what no text or number is kept as, or the reason personal data.
    """
    try:
        orjson.dumps([why, *edits])
    except TypeError as error:
        raise InputError(f"the body cannot be kept: {error}") from error
    check_personal(pd.DataFrame({"why": [why]}), "the reason")
    return Note(who.name, why)


def _json(content: Any, head: VersionRecord | None = None, status: int = HTTPStatus.OK) -> Response:
    headers = _NO_CACHE if head is None else {**_NO_CACHE, "ETag": tag_of(head)}
    return Response(orjson.dumps(content), status_code=int(status), media_type=JSON, headers=headers)


_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "ETag of the plan as the client saw it.",
    "schema": {"type": "string"},
}
_DRY_RUN = {
    "name": "dry_run",
    "in": "query",
    "required": False,
    "description": "Tell what would come of it, and change nothing.",
    "schema": {"type": "boolean", "default": False},
}


def _says(model: type, *, written: bool = False, stepped: bool = False) -> dict[int | str, dict[str, Any]]:
    said: dict[int | str, dict[str, Any]] = {
        200: {"model": model, "description": (model.__doc__ or "").strip()},
        400: _problem("Something that was sent is unknown or cannot be done."),
        404: _problem("There is no such plan, version or layer."),
        401: _problem("A token is missing or unknown."),
        403: _problem("The role of the token is too low."),
        503: _problem("The store cannot be used."),
    }
    if written or stepped:
        said |= {
            409: _problem("The version cannot take this step."),
            413: _problem("The body is too large."),
        }
    if written:
        said |= {
            201: {"model": model, "description": "A new version was made."},
            412: _problem("The plan was changed meanwhile; tells by whom, and which grids."),
            428: _problem("If-Match is missing."),
        }
    return said


def _problem(text: str) -> dict[str, Any]:
    return {"model": schemas.Problem, "description": text}


def _layer_parameters(settings: Settings) -> list[dict[str, Any]]:
    whole = {"type": "integer", "minimum": 0, "maximum": MOST, "default": 0}
    limit = {"type": "integer", "minimum": 1, "maximum": settings.limit_max, "default": settings.limit_default}
    box = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    named: list[tuple[str, str, dict[str, Any]]] = [
        ("version", "Number of the version; else the last one.", {"type": "integer", "minimum": 1}),
        ("datetime", "A time: the version that was in force then.", {"type": "string"}),
        ("limit", "Most features on a page.", limit),
        ("offset", "Features to leave out before the first.", whole),
        ("bbox", "Only features that meet west,south,east,north.", box),
    ]
    return [
        {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
        | {"style": "form", "explode": False}
        for name, text, schema in named
    ]
