"""What is told of plans, versions and changes on the wire: lon/lat again, JSON-ready?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import orjson
import shapely
from fastapi import Response

from api.answers import JSON, join_features
from api.store.changing import Change
from api.store.findings import count_findings, flatten
from api.store.records import PlanRecord, VersionRecord
from spatial.crs import to_lonlat

NO_CACHE = {"Cache-Control": "no-cache"}
_OF_ORIGIN = ("version", "when", "job", "process", "finished", "profile", "inputs_sha256", "results_sha256")


def tag_of(version: VersionRecord) -> str:
    """Return the entity tag of a plan at a version: of its number and of its content."""
    return f'"v{version.version}-{version.digest[:12]}"'


def tell_plan(plan: PlanRecord, head: VersionRecord) -> dict[str, Any]:
    """Return what is told of a plan as a whole."""
    return {**asdict(plan), "etag": tag_of(head)}


def tell_version(version: VersionRecord) -> dict[str, Any]:
    """Return what is told of a version."""
    return asdict(version)


def tell_origin(version: VersionRecord) -> dict[str, Any]:
    """Return where a layer is from that a version took: the job and its inputs, who took it and when."""
    taken = {name: value for name, value in version.edits[0].items() if name not in ("kind", "layers")}
    return {"version": version.version, "who": version.who, "when": version.when, "why": version.why, **taken}


def tell_public_origin(version: VersionRecord) -> dict[str, Any]:
    """Return of the same what everybody may know: no names, no reasons, nothing of what was asked but its digest."""
    return {name: value for name, value in tell_origin(version).items() if name in _OF_ORIGIN}


def summarise_change(change: Change, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a version keeps of what came of its edits; ``notes`` are told beside those of the outcome."""
    outcome = change.outcome
    return {
        "grids": sorted(grid.grid_id for grid in change.delta.grids),
        "created": list(outcome.created),
        "retired": list(outcome.retired),
        **{name: count_findings(flatten(change.findings[name])) for name in ("caused", "cured")},
        "strays": len(outcome.strays),
        "notes": [*outcome.notes, *notes],
        **({"layers": sorted(change.delta.layers)} if change.delta.layers else {}),
    }


def tell_change(
    change: Change,
    head: VersionRecord,
    layers: Mapping[str, Sequence[Any]],
    notes: Sequence[str],
    *,
    written: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """Return what edits make of a plan; ``head`` is its last version, the new one where it was written.

    ``layers`` are the features of the layers that are taken or brought back.
    """
    outcome, base = change.outcome, change.base
    return {
        "plan_id": base.plan_id,
        "base": base.version,
        "version": head.version if written else None,
        "dry_run": dry_run,
        "etag": tag_of(head),
        "grids": {"type": "FeatureCollection", "features": _tell_grids(change)},
        "layers": {name: {"type": "FeatureCollection", "features": list(some)} for name, some in layers.items()},
        "created": list(outcome.created),
        "retired": list(outcome.retired),
        **{name: flatten(some) for name, some in change.findings.items()},
        "strays": [_tell_stray(stray, base.ground.ground.crs) for stray in outcome.strays],
        "notes": [*outcome.notes, *notes],
    }


def _tell_grids(change: Change) -> list[orjson.Fragment]:
    """Return the changed grids, with what was measured of the change alone."""
    return [
        orjson.Fragment(grid.feature[:-2] + b"," + orjson.dumps(change.outcome.deviations[grid.grid_id])[1:] + b"}")
        for grid in change.delta.grids
        if grid.feature
    ]


def _tell_stray(stray: Any, crs: Any) -> dict[str, Any]:
    corners = to_lonlat(shapely.box(*stray.bbox), crs)
    return {
        "grid_id": stray.grid_id,
        "blocks": list(stray.blocks),
        "households": stray.households,
        "bbox": list(corners.bounds),
    }


def answer_plan(content: Any, head: VersionRecord | None = None, status: int = HTTPStatus.OK) -> Response:
    """Return an answer about a plan, with the entity tag of its last version where that is told."""
    headers = NO_CACHE if head is None else {**NO_CACHE, "ETag": tag_of(head)}
    return Response(orjson.dumps(content), status_code=int(status), media_type=JSON, headers=headers)


def tell_features(features: Sequence[bytes], matched: int, members: Mapping[str, Any]) -> bytes:
    """Return a FeatureCollection of features as they stand."""
    head = {"type": "FeatureCollection", "numberMatched": matched, "numberReturned": len(features), **members}
    return join_features(head, features)
