"""How are the report, the numbers and the files of a plan served?"""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from api import schemas
from api.answers import answer
from api.audience import is_internal, require_internal
from api.errors import PlanUnavailableError
from api.openapi import Responses, says, tell_problems
from api.public_numbers import hide_numbers
from api.query import accept_only
from api.settings import Settings
from api.snapshot import Snapshot, least_count
from spatial.errors import MissingError
from spatial.io.plan_folder import REPORT

_TYPES = {
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
_PROBLEMS = tell_problems({400: "A parameter is unknown.", 404: "There is no such file, or it is not public."})
_REPORT: Responses = {
    200: {"description": "The whole report of the plan.", "content": {"application/json": {}}},
    304: {"description": "The client has this version already."},
    **_PROBLEMS,
}
_FILE: Responses = {
    200: {
        "description": "The file.",
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "object"} if "json" in kind else {"type": "string"}}
            for kind in _TYPES.values()
        },
    },
    **_PROBLEMS,
    **tell_problems({503: "The folder was broken while it is served."}),
}


def plan_router(now: Callable[[], Snapshot], settings: Settings) -> APIRouter:
    """Return the routes of the plan as a whole; ``now`` gives the plan as it stands.

    Report and files hold counts of single homes: the public is not given them, and of the numbers only some.
    """
    inside = [Depends(require_internal(settings))]
    router = APIRouter(prefix="/plan", tags=["Plan"], dependencies=[Depends(accept_only())])

    @router.get("/report", summary="Report", dependencies=inside, responses=_REPORT)
    def report(request: Request) -> Response:
        """Return everything that is known about how the plan came about."""
        snapshot = now()
        return answer(request, snapshot, lambda: dict(snapshot.report))

    @router.get("/metrics", summary="Metrics", responses=says(schemas.Metrics))
    def metrics(request: Request) -> Response:
        """Return the numbers that the map page shows."""
        snapshot = now()
        if is_internal(request, settings):
            return answer(request, snapshot, lambda: _metrics(snapshot))
        seen, least = snapshot.public, least_count(snapshot.report)
        return answer(request, seen, lambda: hide_numbers(_metrics(snapshot), seen.layers, least=least))

    @router.get(
        "/files/{name}",
        summary="File",
        dependencies=inside,
        response_class=FileResponse,
        responses=_FILE,
    )
    def file(name: str) -> Response:
        """Return one file of the plan folder as it stands on the disk."""
        snapshot = now()
        if name != REPORT and name not in snapshot.plan.report["files"]:
            raise MissingError(f"the plan has no file {name!r}")
        path = snapshot.plan.folder / name
        if not path.is_file():
            raise PlanUnavailableError(
                f"{snapshot.plan.folder} misses {name}, which its report names; write the plan again"
            )
        kind = _TYPES[name.rpartition(".")[2]]
        headers = {"Cache-Control": "no-cache"}
        return FileResponse(path, media_type=kind, filename=name, headers=headers)

    return router


def _metrics(snapshot: Snapshot) -> dict[str, Any]:
    report = snapshot.plan.report
    numbers = report["profile"]["numbers"]["grid"]
    profile = {name: numbers[name]["value"] for name in ("floor_households", "target_households", "ceiling_households")}
    files = report["files"]
    return {
        "plan_id": report["plan_id"],
        "plan_version": report["plan_version"],
        "title": str(report.get("title") or f"Plan {report['plan_id']}"),
        "profile": {"name": report["profile"]["name"], "title": report["profile"]["title"], **profile},
        "seed": report["seed"],
        "attribution": report["attribution"],
        "summary": report["summary"],
        "scorecard": report["scorecard"],
        "division": _division(report),
        "violations": report["violations"],
        "listed": {name: value for name, value in report["listed"].items() if name != "rows"},
        "not_used": report["not_used"],
        "layers": {name: len(layer.features) for name, layer in snapshot.layers.items()},
        "files": [{"name": name, "bytes": files[name]["bytes"]} for name in sorted(files)],
    }


def _division(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how far from the best possible the grids are, where the plan tells it."""
    told = report["stages"].get("division", {})
    return {name: told[name] for name in ("status", "bound", "gap")} if "gap" in told else None
