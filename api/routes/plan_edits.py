"""How is a plan of a store changed: edits, undo and redo, results of jobs that become layers, and proposed repairs?"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Annotated, Any, Literal

import orjson
import pandas as pd
from fastapi import APIRouter, Depends, Request, Response

from api import plan_models as told
from api.checking import check_first
from api.jobs.admitting import see_job
from api.jobs.office import Office
from api.jobs.record import Job
from api.jobs.taking import NEEDED, Taken, take_results
from api.plan_answers import answer_plan, summarise_change, tag_of, tell_change, tell_version
from api.plan_query import read_base, read_flag, read_seen
from api.plans_documented import DRY_RUN, IF_MATCH, SEEN, says
from api.query import accept_only
from api.store.changing import Change
from api.store.editing import Editor
from api.store.errors import StaleError
from api.store.records import Note
from api.store.store import Store
from api.store.versions import Kind
from api.tokens import Caller, build_gate, known_caller, note_caller
from spatial.errors import InputError
from spatial.personal import check_personal

GRIDS = "grids"
_TRIES = 10
"""So often an edit is worked out anew where writers of other servers were quicker."""


def _check_dry_run(request: Request) -> None:
    """Refuse what is neither true nor false before anything is looked at."""
    read_flag(request, "dry_run")


_MADE: dict[str, Any] = {
    "dependencies": [Depends(accept_only("dry_run")), Depends(_check_dry_run)],
    "responses": says(told.ChangeTold, written=True),
    "openapi_extra": {"parameters": [IF_MATCH, DRY_RUN]},
}


def plan_edits_router(editor: Editor, office: Callable[[], Office], seconds_max: float) -> APIRouter:
    """Return the routes that change plans.

    ``office`` has the jobs whose results become layers; the edits of one request search for ``seconds_max`` in all.
    """
    planner = note_caller(build_gate(editor.store, "planner"))
    router = APIRouter(prefix="/plans", tags=["Plans"], route_class=check_first(planner))
    _add_edits(router, editor, seconds_max)
    _add_undo(router, editor)
    _add_taking(router, editor, office)
    _add_repair(router, editor)
    _add_status(router, editor.store)
    return router


def _add_edits(router: APIRouter, editor: Editor, seconds_max: float) -> None:
    @router.post(
        "/{planId}/edits",
        summary="Edit",
        dependencies=[Depends(accept_only("dry_run", "seen")), Depends(_check_dry_run)],
        responses=says(told.ChangeTold, written=True),
        openapi_extra={"parameters": [IF_MATCH, DRY_RUN, SEEN]},
    )
    def edits(
        request: Request, planId: str, body: told.EditsAsked, who: Annotated[Caller, Depends(known_caller)]
    ) -> Response:
        """Make edits on the version that If-Match names, all or none; with dry_run=true only tell of it.

        Where several edit one plan, `If-Match: *` with `seen` lets edits of other grids pass each other.
        """
        note = _note(who, body.why, body.edits)
        _check_seconds(body.edits, seconds_max)
        with editor.turn(planId, body.edits):
            base = read_base(request, editor.store, planId)
            seen = read_seen(request, editor.store, planId)
            if seen is None:
                return _finish(request, editor, editor.propose(planId, base, body.edits), note, kind="edit")
            propose = partial(editor.propose_since, planId, seen, body.edits)
            return _follow(request, editor, propose, seen, note, monotonic() + seconds_max)


def _follow(
    request: Request, editor: Editor, propose: Callable[[], Change], seen: int, note: Note, until: float
) -> Response:
    """Make edits of a version that was seen on the last one, again where another server made one meanwhile."""
    for left in reversed(range(_TRIES)):
        change = propose()
        base = change.base.version
        since = f"made on version {base}; nothing that the edits touch was changed since version {seen}, which was seen"
        try:
            return _finish(request, editor, change, note, kind="edit", notes=[since] * (seen != base))
        except StaleError:
            if not left or monotonic() > until:  # the engine may take its seconds anew each time
                raise
    raise AssertionError("unreachable")


def _check_seconds(edits: Sequence[Mapping[str, Any]], most: float) -> None:
    """Refuse edits that would hold the plan too long; what is no number is told of where edits are read."""
    asked = [edit.get("budget_s") for edit in edits]
    seconds = sum(float(one) for one in asked if isinstance(one, int | float))
    if seconds > most:
        raise InputError(
            f"budget_s: found {seconds:g} s in all, needed at most {most:g}; a job of redivide may take more"
        )


def _add_undo(router: APIRouter, editor: Editor) -> None:
    @router.post("/{planId}/undo", summary="Undo", **_MADE)
    def undo(
        request: Request, planId: str, body: told.ReasonAsked, who: Annotated[Caller, Depends(known_caller)]
    ) -> Response:
        """Undo the last edit that stands; a new version has the state before it."""
        return _bring_back(request, editor, planId, _note(who, body.why), "undo")

    @router.post("/{planId}/redo", summary="Redo", **_MADE)
    def redo(
        request: Request, planId: str, body: told.ReasonAsked, who: Annotated[Caller, Depends(known_caller)]
    ) -> Response:
        """Redo the edit that was last undone."""
        return _bring_back(request, editor, planId, _note(who, body.why), "redo")


def _bring_back(request: Request, editor: Editor, plan_id: str, note: Note, kind: Literal["undo", "redo"]) -> Response:
    """Make, or with dry_run only tell of, the version that has an earlier state again."""
    propose = editor.propose_undo if kind == "undo" else editor.propose_redo
    with editor.turn(plan_id):
        change, target = propose(plan_id, read_base(request, editor.store, plan_id))
        return _finish(request, editor, change, note, kind=kind, state_of=target)


def _add_taking(router: APIRouter, editor: Editor, office: Callable[[], Office]) -> None:
    @router.post("/{planId}/layers", summary="Take results of a job", **_MADE)
    def take(
        request: Request, planId: str, body: told.TakeAsked, who: Annotated[Caller, Depends(known_caller)]
    ) -> Response:
        """Make the results of a job layers of the plan, in place of those of the version that If-Match names.

        Circles become the layer circles; a choice of sites becomes sites and candidates; a division becomes grids, each
        part going on as the grid with which it shares most households. Results that stand there already change nothing;
        with dry_run=true only tell of it.
        """
        note = _note(who, body.why)
        with editor.turn(planId):
            base = read_base(request, editor.store, planId)
            job = see_job(office(), body.job, who)
            taken = _take(office(), job, {name: editor.read_layer(planId, base, name) for name in NEEDED})
            names = _choose(taken, body)
            told, layers = (
                {**taken.told, "layers": names},
                {name: taken.layers[name] for name in names if name != GRIDS},
            )
            if taken.assignment is None:
                change = editor.propose_layers(planId, base, layers, told)
            else:
                change = editor.propose_assignment(planId, base, taken.assignment, told)
            notes = [*taken.notes, *_tell_since(editor.store, planId, taken)]
            notes += ["these results stand in the plan already: taking them changes nothing"] * change.delta.empty
            return _finish(request, editor, change, note, kind="layers", notes=notes)


def _take(office: Office, job: Job, plan: Mapping[str, Sequence[Mapping[str, Any]]]) -> Taken:
    """Return what the results of a job make; raises InputError if it was not successful."""
    if job.status != "successful":
        raise InputError(f"job {job.job_id} is {job.status} ({job.message}); needed one that was successful")
    return take_results(job, office.book.inputs(job.job_id), office.results(job.job_id), plan)


def _choose(taken: Taken, body: told.TakeAsked) -> list[str]:
    """Return the names of the layers that are wanted of those that the results make."""
    made = sorted(taken.layers) if taken.assignment is None else [GRIDS]
    wanted: list[str] = made if body.layers is None else sorted({*body.layers})
    strange = [name for name in wanted if name not in made]
    if strange:
        raise InputError(f"job {body.job} makes no {strange[0]}, needed some of {', '.join(made)}")
    return wanted


def _tell_since(store: Store, plan_id: str, taken: Taken) -> list[str]:
    """Return a sentence where grids were edited after a division of them was asked for: it knows nothing of that."""
    if taken.assignment is None:
        return []
    asked = datetime.fromisoformat(taken.told["created"])  # told less finely than the times of versions
    since = [one for one in store.list_versions(plan_id) if datetime.fromisoformat(one.when) > asked]
    return [f"versions of the plan that were made after the division was asked for: {len(since)}"] if since else []


def _add_repair(router: APIRouter, editor: Editor) -> None:
    store = editor.store

    @router.post(
        "/{planId}/repair",
        summary="Propose a repair",
        dependencies=[Depends(accept_only())],
        responses=says(told.RepairTold, written=True),
        openapi_extra={"parameters": [IF_MATCH]},
    )
    def repair(
        request: Request, planId: str, body: told.RepairAsked, who: Annotated[Caller, Depends(known_caller)]
    ) -> Response:
        """Return the fewest moves that make grids contiguous; nothing is written."""
        base = read_base(request, store, planId)
        found, moves = editor.repair(planId, base, body.grids)
        head = store.get_version(planId, base)
        numbers = {name: getattr(found, name) for name in ("households", "blocks", "proved")}
        texts = {"unmended": list(found.unmended), "notes": list(found.notes)}
        return answer_plan(
            {"plan_id": planId, "base": base, "etag": tag_of(head), "edits": moves, **numbers, **texts}, head
        )


def _add_status(router: APIRouter, store: Store) -> None:
    administrator = build_gate(store, "administrator")

    @router.post(
        "/{planId}/status",
        summary="Status",
        dependencies=[Depends(accept_only())],
        responses=says(told.VersionTold, stepped=True),
    )
    def status(
        request: Request, planId: str, body: told.StatusAsked, who: Annotated[Caller, Depends(known_caller)]
    ) -> Response:
        """Take a version to its next status; approving and putting in force is for administrators."""
        if body.status in ("approved", "in_force", "superseded"):
            administrator(request)
        return answer_plan(tell_version(store.set_status(planId, body.version, body.status, _note(who, body.why))))


def _finish(
    request: Request,
    editor: Editor,
    change: Change,
    note: Note,
    *,
    kind: Kind,
    state_of: int | None = None,
    notes: Sequence[str] = (),
) -> Response:
    """Write a change as a new version, unless it is a dry run or changes nothing, and tell of it."""
    dry_run = read_flag(request, "dry_run")
    plan_id, base = change.base.plan_id, change.base.version
    layers = editor.read_taken(change)
    written = not (dry_run or change.delta.empty)
    if written:
        full = Note(note.who, note.why, change.edits, summarise_change(change, notes))
        head = editor.commit(change, full, kind=kind, state_of=state_of)
    else:
        head = editor.store.get_version(plan_id, base)
    content = tell_change(change, head, layers, notes, written=written, dry_run=dry_run)
    answer = answer_plan(content, head, HTTPStatus.CREATED if written else HTTPStatus.OK)
    if written:
        answer.headers["Location"] = f"{request.url.path.rpartition('/')[0]}/versions/{head.version}"
    return answer


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
