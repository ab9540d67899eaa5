"""What is told of plans, versions and changes on the wire: lon/lat again, JSON-ready?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
import shapely

from api.store.editing import Change
from api.store.findings import build_findings, count_findings, flatten
from api.store.records import PlanRecord, VersionRecord, join_feature, split_feature
from spatial.crs import to_lonlat

_OF_CHANGE = ("deviation", "deviation_share", "households_before")


def tag_of(version: VersionRecord) -> str:
    """Return the entity tag of a plan at a version: of its number and of its content."""
    return f'"v{version.version}-{version.digest[:12]}"'


def tell_plan(plan: PlanRecord, head: VersionRecord) -> dict[str, Any]:
    """Return what is told of a plan as a whole."""
    return {**asdict(plan), "etag": tag_of(head)}


def tell_version(version: VersionRecord) -> dict[str, Any]:
    """Return what is told of a version."""
    return asdict(version)


def summarise_change(change: Change) -> dict[str, Any]:
    """Return what a version keeps of what came of its edits."""
    outcome = change.outcome
    return {
        "grids": sorted(grid.grid_id for grid in change.delta.grids),
        "created": list(outcome.created),
        "retired": list(outcome.retired),
        "caused": count_findings(flatten(build_findings(outcome.caused))),
        "cured": count_findings(flatten(build_findings(outcome.cured))),
        "strays": len(outcome.strays),
        "notes": list(outcome.notes),
    }


def tell_change(change: Change, head: VersionRecord, *, written: bool, dry_run: bool) -> dict[str, Any]:
    """Return what edits make of a plan; ``head`` is its last version, the new one where it was written."""
    outcome, base = change.outcome, change.base
    return {
        "plan_id": base.plan_id,
        "base": base.version,
        "version": head.version if written else None,
        "dry_run": dry_run,
        "etag": tag_of(head),
        "grids": {"type": "FeatureCollection", "features": _tell_grids(change)},
        "created": list(outcome.created),
        "retired": list(outcome.retired),
        "caused": flatten(build_findings(outcome.caused)),
        "cured": flatten(build_findings(outcome.cured)),
        "kept": flatten(build_findings(outcome.kept)),
        "strays": [_tell_stray(stray, base.ground.ground.crs) for stray in outcome.strays],
        "notes": list(outcome.notes),
    }


def _tell_grids(change: Change) -> list[orjson.Fragment]:
    """Return the changed grids, with what was measured of the change alone."""
    measured = {row["grid_id"]: row for row in change.outcome.metrics[["grid_id", *_OF_CHANGE]].to_dict("records")}
    return [
        orjson.Fragment(join_feature(head, properties | {name: measured[grid.grid_id][name] for name in _OF_CHANGE}))
        for grid in change.delta.grids
        if grid.feature
        for head, properties in [split_feature(grid.feature)]
    ]


def _tell_stray(stray: Any, crs: Any) -> dict[str, Any]:
    corners = to_lonlat(shapely.box(*stray.bbox), crs)
    return {
        "grid_id": stray.grid_id,
        "blocks": list(stray.blocks),
        "households": stray.households,
        "bbox": list(corners.bounds),
    }


def tell_features(features: Sequence[bytes], matched: int, members: Mapping[str, Any]) -> bytes:
    """Return a FeatureCollection of features as they stand."""
    head = {"type": "FeatureCollection", "numberMatched": matched, "numberReturned": len(features), **members}
    return orjson.dumps({**head, "features": orjson.Fragment(b"[" + b",\n".join(features) + b"]")})
