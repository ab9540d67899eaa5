"""What do answers about processes and jobs look like (OGC API - Processes), and how is a job told?"""

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model, model_validator

from api.answers import JSON, link
from api.jobs.catalog import Process
from api.jobs.record import Job
from api.schemas import Link, Model

_RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
_AROUND = frozenset({"value", "mediaType", "encoding", "schema", "format"})
CONFORMS_TO = [
    f"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{name}"
    for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss")
]


class ProcessSummary(Model):
    """A process in a list."""

    id: str
    title: str
    description: str
    version: str
    jobControlOptions: list[Literal["sync-execute", "async-execute"]]
    outputTransmission: list[Literal["value"]]
    links: list[Link]


class ProcessList(Model):
    """All processes."""

    processes: list[ProcessSummary]
    links: list[Link]


class ProcessDescription(ProcessSummary):
    """A process with its inputs and outputs, each with its JSON Schema."""

    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]


class StatusInfo(Model):
    """How a job stands."""

    jobID: str
    processID: str
    type: Literal["process"]
    status: Literal["accepted", "running", "successful", "failed", "dismissed"]
    message: str
    progress: int = Field(ge=0, le=100)
    created: str
    started: str | None = None
    finished: str | None = None
    updated: str
    exception: dict[str, Any] | None = Field(default=None, description="Of a failed job: why, as a problem document")
    links: list[Link]


class JobList(Model):
    """Jobs, the newest first."""

    jobs: list[StatusInfo]
    links: list[Link]
    numberMatched: int
    numberReturned: int


class OutputAsked(Model):
    """How an output is wanted."""

    transmissionMode: Literal["value"] = "value"


class Execution(Model):
    """What is sent to run a process, beside its inputs."""

    response: Literal["raw", "document"] = Field(
        default="raw", description="raw answers a single output by its bare value"
    )


def execution_of(process: Process) -> type[Execution]:
    """Return the model of what is sent to run a process.

    An input may stand as ``{"value": ...}``; one by reference (``href``) is refused, for the server fetches nothing.
    """
    told = tuple((name, text) for name, (text, _) in process.outputs.items())
    return _execution_of(process.process_id, process.asked, told)


@cache
def _execution_of(process_id: str, asked: type[BaseModel], outputs: tuple[tuple[str, str], ...]) -> type[Execution]:
    properties = asked.model_json_schema()["properties"]
    tables = {name for name, one in properties.items() if "additionalProperties" in str(one)}

    def read(given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("inputs"), dict):
            return given
        inputs = {name: _value(one, name, table=name in tables) for name, one in given["inputs"].items()}
        return {**given, "inputs": inputs}

    title = process_id.title()
    told: dict[str, Any] = {
        "__doc__": f"What is sent to run {process_id}.",
        "__validators__": {"read": model_validator(mode="before")(read)},
        "inputs": (asked, ...),
        "outputs": (
            _outputs_of(process_id, outputs) | None,
            Field(default=None, description="Outputs wanted; else all"),
        ),
    }
    made: type[Execution] = create_model(f"Execute{title}", __base__=Execution, **told)
    return made


def _outputs_of(process_id: str, outputs: tuple[tuple[str, str], ...]) -> Any:
    """Return the model of the outputs that a client wants of a process."""
    each: dict[str, Any] = {name: (OutputAsked | None, Field(default=None, description=told)) for name, told in outputs}
    return create_model(f"OutputsOf{process_id.title()}", __base__=Model, __doc__=f"Outputs of {process_id}.", **each)


def is_wrapped(given: Any) -> bool:
    """Tell whether an input may stand as ``{"value": ...}``."""
    return isinstance(given, dict) and "value" in given and set(given) <= _AROUND


def _value(given: Any, name: str, *, table: bool) -> Any:
    """Return an input without what may stand around it."""
    if not isinstance(given, dict):
        return given
    if "href" in given:
        raise ValueError(f"found input {name!r} by reference, needed its value: the server fetches nothing")
    wrapped = is_wrapped(given) and not (table and isinstance(given["value"], str | float))
    return given["value"] if wrapped else given


def tell_job(job: Job, root: str) -> dict[str, Any]:
    """Return a job as OGC API tells it; what is not known yet is left out."""
    here = f"{root}/jobs/{job.job_id}"
    links = [
        link(here, "self", JSON, "This job"),
        link(f"{here}/events", "monitor", "text/event-stream", "What happens to it, as it happens"),
        link(f"{root}/processes/{job.process}", "up", JSON, "The process"),
    ]
    if job.status == "successful":
        links.append(link(f"{here}/results", _RESULTS, JSON, "Results"))
    told = {
        "jobID": job.job_id,
        "processID": job.process,
        "type": "process",
        "status": job.status,
        "message": job.message,
        "progress": job.progress,
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "updated": job.updated,
        "exception": job.problem,
        "links": links,
    }
    return {name: value for name, value in told.items() if value is not None}
