"""How are processes run and jobs watched over HTTP (OGC API - Processes, Part 1: Core)?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from api.answers import JSON, link, root_of, with_query
from api.audience import is_internal
from api.checking import check_first
from api.errors import problem
from api.jobs.admitting import admit, caller_of, may_see, see_job
from api.jobs.answers import (
    Execution,
    JobList,
    ProcessDescription,
    ProcessList,
    execution_of,
    is_wrapped,
    tell_job,
)
from api.jobs.catalog import Process, tell_missing
from api.jobs.documented import (
    EVENT_PARAMETERS,
    JOB,
    LIST_PARAMETERS,
    PREFER,
    says,
    says_events,
    says_execution,
    says_results,
)
from api.jobs.envelope import Wanted, read_wanted, seal
from api.jobs.errors import BookError, BusyError, JobFailedError, NoSuchJobError, NoSuchProcessError, NotReadyError
from api.jobs.finding import JOB_PARAMETERS, read_jobs_asked
from api.jobs.office import Office
from api.jobs.opening import Desk
from api.jobs.serving import Serving
from api.jobs.watching import STREAM, read_last, watch
from api.query import accept_only
from api.settings import Settings
from api.tokens import Gate

_CACHE = {"Cache-Control": "no-store"}


def processes_router(desk: Desk, gate: Gate | None = None) -> APIRouter:
    """Return the routes of processes and jobs; the office of jobs opens and closes with the application.

    ``gate`` is a dependency that lets pass who may run and watch jobs, and tells who it is; without it those may who
    may see everything.
    """
    processes, settings, office = desk.processes, desk.serving.settings, desk.office
    router = APIRouter(tags=["Processes"], lifespan=desk.lifespan)
    inside = APIRouter(tags=["Processes"], route_class=check_first(_guard(gate, settings), _StrictRequest))
    for process in processes.values():
        _add_execution(inside, process, office, desk.serving)
    _add_jobs(inside, office, settings)
    router.include_router(inside)

    @router.get("/processes", dependencies=[Depends(accept_only("f", "limit"))], responses=says(ProcessList))
    def listed(request: Request) -> Response:
        """Return the processes that can be run here."""
        root = root_of(request, settings)
        told = [{**one.summary(), "links": _links(one, root)} for one in processes.values()]
        return _json({"processes": told, "links": [link(f"{root}/processes", "self", JSON, "This document")]})

    @router.get(
        "/processes/{processID}",
        dependencies=[Depends(accept_only("f"))],
        responses=says(ProcessDescription, missing="process"),
    )
    def described(request: Request, processID: str) -> Response:
        """Return what a process takes and gives."""
        found = _find(processes, processID)
        return _json({**found.description_document(), "links": _links(found, root_of(request, settings))})

    @router.post("/processes/{processID}/execution", include_in_schema=False)
    def unknown(processID: str) -> Response:
        """Tell that there is no such process."""
        _find(processes, processID)
        raise AssertionError("a process that is there has a route of its own")

    return router


def _guard(gate: Gate | None, settings: Settings) -> Callable[[Request], None]:
    """Return a check that lets nobody run or watch jobs who may not, and notes who it is."""

    def check(request: Request) -> None:
        if gate is not None:
            request.state.caller = gate(request)
        elif not is_internal(request, settings):
            detail = "jobs are for those of the house; needed the internal token as a bearer token"
            raise HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})

    return check


def _find(processes: Mapping[str, Process], name: str) -> Process:
    if name not in processes:
        raise NoSuchProcessError(tell_missing(name, processes))
    return processes[name]


def _links(process: Process, root: str) -> list[dict[str, str]]:
    here = f"{root}/processes/{process.process_id}"
    execute = "http://www.opengis.net/def/rel/ogc/1.0/execute"
    return [link(here, "self", JSON, process.title), link(f"{here}/execution", execute, JSON, "Run it")]


def _add_execution(router: APIRouter, process: Process, office: Callable[[], Office], serving: Serving) -> None:
    """Add the route that runs a process, with the model of what it takes."""
    asked: Any = execution_of(process)
    settings = serving.settings

    @router.post(
        f"/processes/{process.process_id}/execution",
        summary=process.title,
        description=process.description,
        operation_id=f"execute_{process.process_id}",
        dependencies=[Depends(accept_only())],
        responses=says_execution(process),
        status_code=200 if process.quick else 201,
        openapi_extra={"parameters": [PREFER]},
    )
    async def execute(request: Request, body: Annotated[asked, Body()]) -> Response:
        """Take a job in; wait for a quick one, unless it is asked for later."""
        admit(body.inputs, serving, caller_of(request))
        kept = await _seal(request, body)
        later = not process.quick or "respond-async" in _preferences(request)
        job = await asyncio.to_thread(lambda: office().submit(process.process_id, kept, waited=not later))
        if later:
            root = root_of(request, settings)
            headers = {"Location": f"{root}/jobs/{job.job_id}", "Preference-Applied": "respond-async"}
            return _json(tell_job(job, root), status=201, headers=headers)
        return await _wait(request, office(), job.job_id, settings)


class _StrictRequest(Request):
    """A request whose body is strict JSON, as a worker will read it: no NaN, no halves of characters."""

    async def json(self) -> Any:
        """Return the body, read."""
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


async def _seal(request: Request, told: Execution) -> bytes:
    """Return what is kept of a request: its body as it was sent, unless values stand in something around them."""
    outputs: Any = getattr(told, "outputs", None)
    names = () if outputs is None else tuple(name for name, one in outputs if one is not None)
    caller = caller_of(request)
    wanted = Wanted("" if caller is None else caller.name, names, told.response == "raw")
    given = (await request.json())["inputs"]
    plain = not any(is_wrapped(one) for one in given.values())
    return seal(await request.body() if plain else told.model_dump_json().encode(), wanted)


async def _wait(request: Request, office: Office, job_id: str, settings: Settings) -> Response:
    """Return the results of a quick process; a job that nobody waits for any more is dismissed."""
    try:
        job = await office.wait(job_id, settings.job_wait_s)
    except BaseException:
        asyncio.get_running_loop().run_in_executor(None, office.dismiss, job_id)
        raise
    if not job.done:
        await asyncio.to_thread(office.dismiss, job_id)
        detail = f"the answer took longer than {settings.job_wait_s:g} s; ask for it with Prefer: respond-async"
        return problem(request, 504, detail)
    return await asyncio.to_thread(_results, office, job_id)


def _preferences(request: Request) -> set[str]:
    """Return the names in Prefer headers (RFC 7240), without their values."""
    parts = ",".join(request.headers.getlist("prefer")).split(",")
    return {part.split(";")[0].split("=")[0].strip().lower() for part in parts}


def _add_jobs(router: APIRouter, office: Callable[[], Office], settings: Settings) -> None:
    @router.get(
        "/jobs",
        dependencies=[Depends(accept_only(*JOB_PARAMETERS))],
        responses=says(JobList, guarded=True),
        openapi_extra={"parameters": LIST_PARAMETERS},
    )
    def jobs(request: Request) -> Response:
        """Return the jobs of this server, the newest first."""
        asked, root = read_jobs_asked(request.query_params), root_of(request, settings)
        here, caller = office(), caller_of(request)
        found = [job for job in here.book.every() if asked.wants(job) and may_see(here, job, caller)]
        page = found[asked.offset : asked.offset + asked.limit]
        given: dict[str, str | int] = dict(request.query_params)
        links = [link(with_query(f"{root}/jobs", **given), "self", JSON, "This page")]
        if asked.offset + asked.limit < len(found):
            after = {**given, "limit": asked.limit, "offset": asked.offset + asked.limit}
            links.append(link(with_query(f"{root}/jobs", **after), "next", JSON, "Next page"))
        told = {"jobs": [tell_job(job, root) for job in page], "links": links}
        return _json({**told, "numberMatched": len(found), "numberReturned": len(page)})

    @router.get(
        "/jobs/{jobId}",
        dependencies=[Depends(accept_only("f"))],
        responses=JOB,
    )
    def job(request: Request, jobId: str) -> Response:
        """Return how a job stands."""
        return _json(tell_job(see_job(office(), jobId, caller_of(request)), root_of(request, settings)))

    @router.delete(
        "/jobs/{jobId}",
        dependencies=[Depends(accept_only("f"))],
        responses=JOB,
    )
    def dismiss(request: Request, jobId: str) -> Response:
        """Stop a job that waits or runs; remove one that is finished, with its results."""
        job = see_job(office(), jobId, caller_of(request))
        return _json(tell_job(office().dismiss(job.job_id), root_of(request, settings)))

    @router.api_route("/jobs/{jobId}", methods=["POST", "PUT", "PATCH", "OPTIONS"], include_in_schema=False)
    def refused(jobId: str) -> Response:
        raise HTTPException(405, headers={"Allow": "GET, HEAD, DELETE"})

    @router.get("/jobs/{jobId}/results", dependencies=[Depends(accept_only("f"))], responses=says_results())
    def results(request: Request, jobId: str) -> Response:
        """Return what came of a job, by output."""
        return _results(office(), see_job(office(), jobId, caller_of(request)).job_id)

    @router.get(
        "/jobs/{jobId}/events",
        dependencies=[Depends(accept_only("after"))],
        response_class=StreamingResponse,
        responses=says_events(),
        openapi_extra={"parameters": EVENT_PARAMETERS},
    )
    def events(request: Request, jobId: str) -> Response:
        """Return what happens to a job as server-sent events, from the beginning or after the last one seen."""
        here, after = office(), read_last(request)
        found = see_job(here, jobId, caller_of(request))
        if found.done and not here.book.events(jobId, after):
            return Response(status_code=204)  # tells a browser not to connect again
        if here.bell.count() >= settings.job_listeners_max:
            raise BusyError(f"{settings.job_listeners_max} clients listen already; ask for /jobs/{jobId} instead")
        stream: AsyncIterator[bytes] = watch(here, jobId, after)
        return StreamingResponse(stream, media_type=STREAM, headers={**_CACHE, "X-Accel-Buffering": "no"})


def _results(office: Office, job_id: str) -> Response:
    """Return the results as they were asked for: some outputs or all, a single one bare unless as a document."""
    content, asked = office.results(job_id), read_wanted(office.book.inputs(job_id))
    single = len(asked.outputs or office.processes[office.book.find(job_id).process].outputs) == 1
    bare_wanted = asked.raw and single
    if not asked.outputs and not bare_wanted:
        return Response(content, media_type=JSON, headers=_CACHE)
    whole = orjson.loads(content)
    some = {name: whole[name] for name in (asked.outputs or whole) if name in whole}
    bare = next(iter(some.values())) if bare_wanted and some else some
    collection = isinstance(bare, dict) and bare.get("type") == "FeatureCollection"
    kind = "application/geo+json" if collection else JSON
    return Response(orjson.dumps(bare), media_type=kind, headers=_CACHE)


def _json(told: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(told), status_code=status, media_type=JSON, headers={**_CACHE, **(headers or {})})


def add_job_errors(app: FastAPI) -> None:
    """Make an application tell what goes wrong with jobs by the names of OGC API."""

    @app.exception_handler(NoSuchProcessError)
    @app.exception_handler(NoSuchJobError)
    @app.exception_handler(NotReadyError)
    def _missing(request: Request, error: Any) -> Response:
        return problem(request, 404, str(error), type=error.kind, error=type(error).__name__)

    @app.exception_handler(BusyError)
    def _busy(request: Request, error: BusyError) -> Response:
        answer = problem(request, 503, str(error), error=type(error).__name__)
        answer.headers["Retry-After"] = str(error.retry_s)
        return answer

    @app.exception_handler(BookError)
    def _unkept(request: Request, error: BookError) -> Response:
        return problem(request, 503, str(error), error=type(error).__name__)

    @app.exception_handler(JobFailedError)
    def _failed(request: Request, error: JobFailedError) -> Response:
        told = dict(error.problem)
        return problem(request, int(told.pop("status")), str(told.pop("detail")), **told)
