"""How do clients write to the grids of a store's plan (OGC API - Features, Part 4)?

Each write is one edit of the plan, as ``POST /plans/{id}/edits`` makes it, and one new version.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from api.answers import GEOJSON, JSON, root_of
from api.audience import feeds_for, is_internal, may_edit
from api.checking import check_first
from api.feeds import address_of, link_feature
from api.grid_tags import require_match, tag_of_state
from api.grid_writes import ask_creation, ask_patch, ask_replacement, ask_set, read_feature
from api.plan_answers import summarise_change
from api.query import accept_only
from api.settings import Settings
from api.snapshot import Feeds
from api.store.changing import Change
from api.store.editing import Editor
from api.store.errors import AccessError, StaleError
from api.store.records import Grid, Note, VersionRecord
from api.tokens import build_gate, known_caller
from api.writing_documented import IF_MATCH, MERGE_PATCH, problems, says_write, takes
from spatial.crs import CRS84, CRS84_URI, NamedSystem, find_system
from spatial.io.plan_layers import LAYERS
from spatial.plan.state import DEDICATED

_GRIDS = LAYERS["grids"]
_READING = ("GET", "HEAD", "OPTIONS")
_TRIES = 25
"""Other servers of the store may write in between; who names the grid does not lose for that."""
Ask = Callable[[VersionRecord], tuple[Change, Note] | None]


async def _body_of(request: Request) -> bytes:
    return await request.body()


_BODY = Depends(_body_of)


def grid_writes_router(find: Callable[[Request], Feeds], settings: Settings, editor: Editor) -> APIRouter:
    """Return the routes that write to the grids, and those that tell what may be written."""
    writing = Writing(find, settings, editor)
    router = APIRouter(tags=["Writing"], dependencies=[Depends(accept_only())])
    writes = APIRouter(route_class=check_first(writing.admit))
    _add_options(router, writing)
    _add_creation(writes, writing)
    _add_changes(writes, writing)
    router.include_router(writes)
    return router


@dataclass(frozen=True, slots=True)
class Writing:
    """What all routes share: the feeds, the settings of the server, and who makes edits."""

    find: Callable[[Request], Feeds]
    settings: Settings
    editor: Editor

    def see(self, request: Request) -> Feeds:
        """Return the feeds as who asks may see them."""
        return feeds_for(self.find, self.settings)(request)

    def admit(self, request: Request) -> None:
        """Let pass who may write to the collection that the address names, and note who it is.

        Raises
        ------
        AccessError
            If who asks may not edit.
        MissingError, HTTPException
            If there is no such collection, or 405 if it is not that of the grids.
        """
        request.state.caller = build_gate(self.editor.store, "planner")(request)
        if not is_internal(request, self.settings):
            raise AccessError("found no token, needed one of the role planner: the feeds are public", known=False)
        collection = request.path_params["collectionId"]
        if collection != _GRIDS.name:
            self.see(request).layer(collection)
            detail = f"{collection} is not written to; needed {_GRIDS.name}, or an edit of the plan"
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, detail, {"Allow": ", ".join(_READING)})

    def system_of(self, request: Request) -> NamedSystem:
        """Return the system that Content-Crs names; CRS84 where it is not given."""
        named = request.headers.get("content-crs", CRS84_URI).strip().removeprefix("<").removesuffix(">")
        return CRS84 if named == CRS84_URI else find_system(named, self.find(request).systems, "Content-Crs")

    def make(self, request: Request, grid_id: str | None, ask: Ask) -> VersionRecord:
        """Make what ``ask`` proposes of the last version, and return the version that has it.

        Who named a grid in If-Match is not in the way of who changes another: then the change is made anew on top.
        """
        with self.editor.turn(request.path_params["planId"]):
            for _ in range(_TRIES - 1):
                try:
                    return self._make_on_last(request, grid_id, ask)
                except StaleError:  # also while it was worked out
                    continue
            return self._make_on_last(request, grid_id, ask)

    def _make_on_last(self, request: Request, grid_id: str | None, ask: Ask) -> VersionRecord:
        plan_id, store = request.path_params["planId"], self.editor.store
        head = store.get_version(plan_id)
        require_match(request, store, head, None if grid_id is None else store.get_grid(plan_id, head.version, grid_id))
        asked = ask(head)
        if asked is None or not (asked[0].delta.grids or asked[0].delta.findings):
            return head
        change, note = asked
        return self.editor.commit(change, Note(note.who, note.why, change.edits, summarise_change(change)))

    def tell(self, request: Request, grid: Grid, version: VersionRecord, status: int = HTTPStatus.OK) -> Response:
        """Return a grid as its address gives it."""
        root = root_of(request, self.settings)
        there = address_of(grid.grid_id, _GRIDS.name, root)
        headers = {
            "ETag": tag_of_state(grid.content, there, GEOJSON),
            "Cache-Control": "no-cache",
            "Content-Crs": f"<{CRS84_URI}>",
            "Link": link_version(root, version),
        }
        if status == HTTPStatus.CREATED:
            headers["Location"] = there
        content = link_feature(grid.feature, grid.grid_id, _GRIDS.name, _GRIDS.title, root)
        return Response(content, int(status), headers, GEOJSON)


def link_version(root: str, version: VersionRecord) -> str:
    """Return the link to the version that a write made."""
    return f'<{root.removesuffix("/feeds")}/versions/{version.version}>; rel="latest-version"'


def _add_options(router: APIRouter, writing: Writing) -> None:
    said: dict[int | str, dict[str, Any]] = {200: {"description": "Allow names what who asks may do."}}

    def tell(request: Request, collection: str, *more: str) -> Response:
        """Return what who asks may do."""
        writing.see(request).layer(collection)
        may = collection == _GRIDS.name and may_edit(request, writing.settings)
        headers = {"Allow": ", ".join((*_READING, *(more if may else ())))}
        if may:
            headers["Accept-Post" if "POST" in more else "Accept-Patch"] = GEOJSON if "POST" in more else MERGE_PATCH
        return Response(headers=headers)

    here, one = "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId:path}"

    @router.options(
        here, summary="What may be done with a feed", response_class=Response, responses=said | problems(404)
    )
    def of_items(request: Request, collectionId: str) -> Response:
        return tell(request, collectionId, "POST")

    @router.options(
        one, summary="What may be done with a feature", response_class=Response, responses=said | problems(404)
    )
    def of_item(request: Request, collectionId: str, featureId: str) -> Response:
        return tell(request, collectionId, "PUT", "PATCH", "DELETE")


def _add_creation(router: APIRouter, writing: Writing) -> None:
    editor = writing.editor

    @router.post(
        "/collections/{collectionId}/items",
        summary="Make a dedicated grid",
        status_code=201,
        responses=says_write(201, "The grid that was made.") | problems(413, 415),
        openapi_extra=takes((GEOJSON, JSON)),
    )
    def create(request: Request, collectionId: str, content: bytes = _BODY) -> Response:
        """Make a dedicated grid of the blocks of which most lies in the drawn area; If-Match names the plan."""
        caller = known_caller(request)
        _require_kind(request, GEOJSON, JSON)
        body, system, plan_id = read_feature(content), writing.system_of(request), request.path_params["planId"]
        made: list[str] = []

        def ask(head: VersionRecord) -> tuple[Change, Note]:
            first, given = ask_creation(editor.load(plan_id, head.version).ground.ground, body, system)
            change = editor.propose(plan_id, head.version, [first])
            made[:] = change.outcome.created
            rest = ask_set(made[0], given)
            change = editor.propose(plan_id, head.version, [first, *rest]) if rest else change
            return change, Note(caller.name, f"grid {made[0]} drawn in the feed")

        version = writing.make(request, None, ask)
        grid = editor.store.get_grid(plan_id, version.version, made[0])
        return writing.tell(request, grid, version, HTTPStatus.CREATED)


def _add_changes(router: APIRouter, writing: Writing) -> None:
    editor, store = writing.editor, writing.editor.store
    path = "/collections/{collectionId}/items/{featureId:path}"
    said = says_write(200, "The grid as it is now.") | problems(413, 415)

    def change(request: Request, grid_id: str, content: bytes, read: Any) -> Response:
        """Change a grid as its feature was sent, whole or in part."""
        caller = known_caller(request)
        _require_kind(request, *((GEOJSON, JSON) if read is ask_replacement else (MERGE_PATCH, GEOJSON, JSON)))
        body, system, plan_id = read_feature(content), writing.system_of(request), request.path_params["planId"]

        def ask(head: VersionRecord) -> tuple[Change, Note] | None:
            """Return how the plan would stand with the grid drawn, its attributes set."""
            grid = store.get_grid(plan_id, head.version, grid_id)
            edits = read(editor.load(plan_id, head.version).ground.ground, grid, body, system)
            note = Note(caller.name, f"grid {grid_id} changed in the feed")
            return (editor.propose(plan_id, head.version, edits), note) if edits else None

        version = writing.make(request, grid_id, ask)
        return writing.tell(request, store.get_grid(plan_id, version.version, grid_id), version)

    @router.patch(path, summary="Change a grid", responses=said, openapi_extra=takes((MERGE_PATCH, GEOJSON, JSON)))
    def patch(request: Request, collectionId: str, featureId: str, content: bytes = _BODY) -> Response:
        """Change name, lock, attributes or area of a grid (JSON merge patch); a grid gains blocks, and loses none."""
        return change(request, featureId, content, ask_patch)

    @router.put(path, summary="Replace a grid", responses=said, openapi_extra=takes((GEOJSON, JSON)))
    def put(request: Request, collectionId: str, featureId: str, content: bytes = _BODY) -> Response:
        """Put a whole feature in the place of a grid; what is worked out must stand in it as it is."""
        return change(request, featureId, content, ask_replacement)

    @router.delete(
        path,
        summary="Retire a dedicated grid",
        status_code=204,
        response_class=Response,
        responses={204: {"description": "The grid is retired."}, **says_write(0, ""), **problems(409)},
        openapi_extra={"parameters": [IF_MATCH]},
    )
    def delete(request: Request, collectionId: str, featureId: str) -> Response:
        """Retire a dedicated grid: each of its blocks goes to the grid beside it with the longest border."""
        caller, plan_id = known_caller(request), request.path_params["planId"]

        def ask(head: VersionRecord) -> tuple[Change, Note]:
            """Return how the plan would stand without the grid."""
            if store.get_grid(plan_id, head.version, featureId).document["kind"] != DEDICATED:
                detail = (
                    f"grid {featureId!r} is no {DEDICATED} one; others are merged or retired by an edit of the plan"
                )
                raise HTTPException(HTTPStatus.CONFLICT, detail)
            note = Note(caller.name, f"grid {featureId} deleted in the feed")
            return editor.propose(plan_id, head.version, [{"kind": "retire", "grid": featureId}]), note

        version = writing.make(request, featureId, ask)
        return Response(status_code=204, headers={"Link": link_version(root_of(request, writing.settings), version)})


def _require_kind(request: Request, *kinds: str) -> None:
    """Refuse a body of another media type (415)."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in kinds:
        detail = f"the body is {found or 'of no told type'}, needed {kinds[0]}"
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
