"""What does the report of a plan say: the policy, the counts, the score, and all that was dropped or guessed?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InputError
from spatial.plan.model import Plan
from spatial.profile import Profile

FORMAT = "wangge-plan"
FORMAT_VERSION = 1
STATUSES = ("in_band", "low", "high", "oversize")
OSM_ATTRIBUTION = "© OpenStreetMap contributors"
_OSM_FILES = (".osm", ".osm.gz", ".osm.bz2", ".osm.xml", ".pbf", ".graphml")

_LIFTED = ("listed", "provenance", "seed", "attribution")


def build_report(
    plan: Plan,
    *,
    scorecard: Any,
    violations: Any,
    extra: Mapping[str, Any] | None,
    not_used: Sequence[str] = (),
    current: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the report, JSON-ready, without the list of files.

    ``not_used`` are sentences on what was read and changes nothing, ``current`` what is told of today's grids.
    ``extra`` adds top-level entries. ``listed``, ``provenance``, ``seed`` and ``attribution`` are lifted from
    ``plan.report`` unless ``extra`` gives them; the other stages stand under ``stages``. The name that the district was
    given is the ``title``, unless ``extra`` gives one.

    Raises
    ------
    InputError
        If ``extra`` names an entry that the report makes itself, or a value cannot be said in JSON.
    """
    given: dict[str, Any] = to_plain(
        {name: plan.report[name] for name in _LIFTED if name in plan.report} | dict(extra or {}), "report"
    )
    stages = {name: value for name, value in plan.report.items() if name not in _LIFTED}
    listed = given.pop("listed", [])
    provenance = given.pop("provenance", {})
    own = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "plan_id": plan.plan_id,
        "plan_version": plan.version,
        "wangge_version": _wangge_version(),
        "seed": given.pop("seed", None),
        "crs": {"served": "OGC:CRS84", "worked_in": plan.crs.name},
        "profile": describe_profile(plan.profile),
        "summary": summarise(plan),
        "scorecard": to_plain(scorecard, "scorecard"),
        "violations": count_violations(violations),
        "listed": {**count_listed(listed), "rows": listed},
        "not_used": list(not_used),
        **({} if current is None else {"current": to_plain(current, "current")}),
        "provenance": provenance,
        "attribution": given.pop("attribution", None) or find_attribution(provenance),
        "stages": to_plain(stages, "stages"),
    }
    if name := provenance.get("system", {}).get("name"):
        given.setdefault("title", name)
    twice = sorted(set(given) & set(own))
    if twice:
        raise InputError(
            f"report: found an extra entry {twice[0]!r}, which the report makes itself; needed another name"
        )
    return own | given


def _wangge_version() -> str:
    try:
        return version("wangge")
    except PackageNotFoundError:
        return "unknown"


def describe_profile(profile: Profile) -> dict[str, Any]:
    """Return name, title and every number of a profile with its source and mark."""
    sections = [f.name for f in fields(profile) if f.name not in ("name", "title", "sources")]
    return {
        "name": profile.name,
        "title": profile.title,
        "numbers": {name: _describe_section(profile, name) for name in sections},
    }


def _describe_section(profile: Profile, section: str) -> dict[str, Any]:
    rules = getattr(profile, section)
    out = {}
    for field in fields(rules):
        source = profile.sources.get(f"{section}.{field.name}")
        told = {"source": source.text, "mark": source.mark} if source else {}
        out[field.name] = {"value": to_plain(getattr(rules, field.name), f"profile.{section}.{field.name}"), **told}
    return out


def summarise(plan: Plan) -> dict[str, Any]:
    """Return the counts of a plan that need no judgement."""
    grids, blocks, sites, demand = plan.grids, plan.blocks, plan.sites, plan.demand
    by_status = grids.groupby("status")["households"]
    return {
        "households": int(demand["households"].sum()),
        "households_estimated": int(demand.loc[demand["estimated"], "households"].sum()),
        "households_in_grids": int(grids["households"].sum()),
        "area_m2": round(float(blocks["area_m2"].sum()), 1),
        "communities": len(plan.communities),
        "communities_proposed": int(plan.communities["proposed"].sum()),
        "blocks": len(blocks),
        "blocks_oversize": int(blocks["oversize"].sum()),
        "grids": len(grids),
        "grids_by_status": {s: int((grids["status"] == s).sum()) for s in STATUSES},
        "households_by_status": {s: int(by_status.sum().get(s, 0)) for s in STATUSES},
        "sub_grids_needed": int(blocks.loc[blocks["oversize"], "sub_grids_needed"].sum()),
        "sites": len(sites),
        "sites_existing": int(sites["existing"].sum()),
        "sites_proposed": int((sites["proposed"] & ~sites["existing"]).sum()),
        "sites_from_candidates": int((~sites["proposed"] & ~sites["existing"]).sum()),
        "circles": len(plan.circles),
        "demand_points": len(demand),
    }


def count_violations(violations: Any) -> dict[str, Any]:
    """Return how many violations there are, by severity and by rule."""
    if violations is None or not len(violations):
        return {"errors": 0, "warnings": 0, "by_rule": {}}
    by_rule = violations.groupby(["rule", "severity"]).size()
    return {
        "errors": int((violations["severity"] == "error").sum()),
        "warnings": int((violations["severity"] == "warning").sum()),
        "by_rule": {rule: int(n) for rule, n in by_rule.groupby(level="rule").sum().sort_index().items()},
    }


def count_listed(listed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many input rows were not used as they stood, by what was done with them and by reason."""
    frame = pd.DataFrame(list(listed), columns=["source", "action", "reason"])
    return {
        "count": len(frame),
        "by_action": {name: int(n) for name, n in frame.groupby("action").size().sort_index().items()},
        "by_reason": {
            source: {reason: int(n) for reason, n in rows.groupby("reason").size().sort_index().items()}
            for source, rows in frame.groupby("source")
        },
    }


def find_attribution(provenance: Any) -> list[str]:
    """Return whom the inputs must be credited to.

    An input that names its own ``attribution`` is believed, also when that is empty; else an OpenStreetMap file, or a
    source that says so, is credited as its licence asks.
    """
    found: set[str] = set()
    for entry in provenance.values() if isinstance(provenance, Mapping) else ():
        if not isinstance(entry, Mapping):
            continue
        if entry.get("attribution") is not None:
            found.add(str(entry["attribution"]))
        elif _is_openstreetmap(entry):
            found.add(OSM_ATTRIBUTION)
    return sorted(found - {""})


def _is_openstreetmap(entry: Mapping[str, Any]) -> bool:
    said = f"{entry.get('source', '')} {entry.get('path', '')}".lower()
    return "openstreetmap" in said or said.endswith(_OSM_FILES)


def to_plain(value: Any, where: str) -> Any:
    """Return a value as dicts, lists, texts, numbers and None.

    Raises
    ------
    InputError
        If it cannot be said in JSON; the text names where it stands.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name), f"{where}.{f.name}") for f in fields(value)}
    if isinstance(value, pd.DataFrame):
        return [to_plain(row, f"{where}[{i}]") for i, row in enumerate(value.to_dict("records"))]
    if isinstance(value, pd.Series):
        return to_plain(value.to_dict(), where)
    if isinstance(value, set | frozenset):
        return [to_plain(item, where) for item in sorted(value)]
    if isinstance(value, tuple | list | np.ndarray):
        return [to_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is pd.NA or value is pd.NaT:
        return None
    raise InputError(f"report: {where} is a {type(value).__name__}; needed a text, number, list or table")
