"""What does the OpenAPI document tell of the addresses of processes and jobs?"""

from typing import Any

from api import schemas
from api.answers import GEOJSON, JSON
from api.jobs.answers import StatusInfo
from api.jobs.catalog import Process
from api.jobs.record import STATUSES
from api.jobs.watching import STREAM
from api.query import MOST

_PROBLEM: dict[str, Any] = {"model": schemas.Problem}
_ROLE = _PROBLEM | {"description": "The token is of too low a role."}
_TOKEN = _PROBLEM | {"description": "Jobs are for those of the house."}

_BARE: dict[str, Any] = {JSON: {"schema": {}}, GEOJSON: {"schema": {"type": "object"}}}


def says(model: type, *, missing: str = "", guarded: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return what a GET answers: a model or a problem; a ``guarded`` one asks for a token."""
    told: dict[int | str, dict[str, Any]] = {
        200: {"model": model, "description": (model.__doc__ or "").strip()},
        400: _PROBLEM | {"description": "A parameter is unknown or cannot be read."},
    }
    if guarded:
        told |= {401: _TOKEN, 403: _ROLE, 503: _PROBLEM | {"description": "Jobs cannot be kept."}}
    return {**told, 404: _PROBLEM | {"description": f"There is no such {missing}."}} if missing else told


def says_execution(process: Process) -> dict[int | str, dict[str, Any]]:
    """Return what running a process answers."""
    location = {"Location": {"description": "Address of the job", "schema": {"type": "string", "format": "uri"}}}
    told: dict[int | str, dict[str, Any]] = {
        201: {"model": StatusInfo, "description": "The job, which runs in the background.", "headers": location},
        400: _PROBLEM | {"description": "An input is unknown, missing or cannot be used."},
        401: _TOKEN,
        403: _ROLE,
        413: _PROBLEM | {"description": "The body is too large."},
        503: _PROBLEM | {"description": "As many jobs wait as may."},
    }
    if not process.quick:
        return told
    results = {"description": "The results; a single output that is asked for raw is answered bare.", "content": _BARE}
    failed: dict[int | str, dict[str, Any]] = {
        422: _PROBLEM | {"description": "The question has no answer."},
        500: _PROBLEM | {"description": "The job failed."},
        504: _PROBLEM | {"description": "The answer took too long."},
    }
    return {200: results, **told, **failed}


def says_results() -> dict[int | str, dict[str, Any]]:
    """Return what asking for results answers."""
    failed: dict[int | str, dict[str, Any]] = {
        status: _PROBLEM | {"description": "The job failed."} for status in (400, 413, 422, 500, 503, 504)
    }
    results = {"description": "The results, by output; a single one that was asked for raw is bare.", "content": _BARE}
    return {
        200: results,
        404: _PROBLEM | {"description": "No such job, or no results yet."},
        401: _TOKEN,
        403: _ROLE,
        **failed,
    }


def says_events() -> dict[int | str, dict[str, Any]]:
    """Return what listening to a job answers."""
    return {
        200: {"description": "Events.", "content": {STREAM: {"schema": _EVENT}}},
        204: {"description": "The job is finished and every event of it has been sent."},
        400: _PROBLEM | {"description": "A parameter is unknown or cannot be read."},
        401: _TOKEN,
        403: _ROLE,
        404: _PROBLEM | {"description": "There is no such job."},
        503: _PROBLEM | {"description": "As many clients listen as may."},
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
