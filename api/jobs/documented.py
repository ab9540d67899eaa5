"""What does the OpenAPI document tell of the addresses of processes and jobs?"""

from typing import Any

from api.answers import GEOJSON, JSON
from api.jobs.answers import StatusInfo
from api.jobs.catalog import Process
from api.jobs.record import STATUSES
from api.jobs.watching import STREAM
from api.openapi import Responses, tell_busy, tell_model, tell_problems
from api.query import MOST

_BARE: dict[str, Any] = {JSON: {"schema": {}}, GEOJSON: {"schema": {"type": "object"}}}
_UNREAD = {400: "A parameter is unknown or cannot be read."}
_GUARDED = {401: "Jobs are for those of the house.", 403: "The token is of too low a role."}


def says(model: type, *, missing: str = "", guarded: bool = False) -> Responses:
    """Return what a GET answers: a model or a problem; a ``guarded`` one asks for a token."""
    problems = _UNREAD | ({**_GUARDED, 503: "Jobs cannot be kept."} if guarded else {})
    problems |= {404: f"There is no such {missing}."} if missing else {}
    return {200: tell_model(model), **tell_problems(problems)}


def says_execution(process: Process) -> Responses:
    """Return what running a process answers."""
    location = {"Location": {"description": "Address of the job", "schema": {"type": "string", "format": "uri"}}}
    job = {**tell_model(StatusInfo, "The job, which runs in the background."), "headers": location}
    problems = _GUARDED | {
        400: "An input is unknown, missing or cannot be used.",
        413: "The body is too large.",
    }
    busy = tell_busy("as many jobs wait as may.")
    if not process.quick:
        return {201: job, **tell_problems(problems), **busy}
    results = {"description": "The results; a single output that is asked for raw is answered bare.", "content": _BARE}
    problems |= {422: "The question has no answer.", 500: "The job failed.", 504: "The answer took too long."}
    return {200: results, 201: job, **tell_problems(problems), **busy}


def says_results() -> Responses:
    """Return what asking for results answers."""
    results = {"description": "The results, by output; a single one that was asked for raw is bare.", "content": _BARE}
    failed = dict.fromkeys((400, 413, 422, 500, 503, 504), "The job failed.")
    return {200: results, **tell_problems({404: "No such job, or no results yet.", **_GUARDED, **failed})}


def says_events() -> Responses:
    """Return what listening to a job answers."""
    problems = _UNREAD | _GUARDED | {404: "There is no such job.", 503: "As many clients listen as may."}
    return {
        200: {"description": "Events.", "content": {STREAM: {"schema": _EVENT}}},
        204: {"description": "The job is finished and every event of it has been sent."},
        **tell_problems(problems),
    }


_TEXT = {"type": "string"}
_EVENT = {"type": "object", "properties": {"id": _TEXT, "event": _TEXT, "data": _TEXT, "retry": {"type": "integer"}}}
PREFER = {
    "name": "Prefer", "in": "header", "required": False, "description": "respond-async answers with the job at once.",
    "schema": {"type": "string", "example": "respond-async"},
}  # fmt: skip


def _parameter(name: str, description: str, kind: str, **more: Any) -> dict[str, Any]:
    schema = {"type": kind, **more}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _names(name: str, description: str, **items: Any) -> dict[str, Any]:
    told = _parameter(name, description, "array", items={"type": "string", **items})
    return {**told, "style": "form", "explode": False}


_WHOLE = {"minimum": 0, "maximum": MOST}
LIST_PARAMETERS = [
    _parameter("limit", "Most jobs on a page; never more than 1000.", "integer", minimum=1, default=100),
    _parameter("offset", "Jobs to leave out before the first.", "integer", **_WHOLE),
    _names("type", "Kinds of the jobs.", enum=["process"]),
    _names("processID", "Processes."),
    _names("status", "States.", enum=list(STATUSES)),
    _parameter("datetime", "When they were made: an instant or start/end (RFC 3339).", "string"),
    _parameter("minDuration", "Seconds that they ran at least.", "integer", **_WHOLE),
    _parameter("maxDuration", "Seconds that they ran at most.", "integer", **_WHOLE),
]
EVENT_PARAMETERS = [
    _parameter("after", "Number of the last event seen; Last-Event-ID says the same.", "integer", **_WHOLE)
]
JOB = says(StatusInfo, missing="job", guarded=True)
