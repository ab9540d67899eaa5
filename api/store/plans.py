"""How is a whole plan put into a store, and taken out again?"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import orjson
import pandas as pd

from api.store.database import Dialect, Rows
from api.store.errors import StoreError
from api.store.findings import LAYER
from api.store.layers import KEPT, STORED
from api.store.records import Delta, Note, PlanRecord, VersionRecord, canonical, digest_of
from api.store.tables import put_features, put_served
from api.store.versions import add_version
from spatial.errors import MissingError
from spatial.io.plan_report import describe_profile, to_plain
from spatial.plan.model import Plan
from spatial.profile import Profile, build_profile
from spatial.tables import DEMAND

Features = Mapping[str, Sequence[Mapping[str, Any]]]
"""Layer -> its GeoJSON features, parsed, as they are served."""

_FRAMES = ("communities", "blocks", "adjacency", "demand", "grids", "sites", "circles", "barriers")
_COLUMNS = "plan_id, title, created, created_by, head, in_force"
_COUNTED = ("elderly", "children", "block_id")


def add_plan(
    rows: Rows, dialect: Dialect, plan: Plan, layers: Features, change: Delta, note: Note, *, when: str
) -> VersionRecord:
    """Write a plan and its first version.

    Raises
    ------
    StoreError
        If the store has a plan of this id.
    """
    if rows.one("SELECT 1 FROM plans WHERE plan_id = ?", plan.plan_id) is not None:
        raise StoreError(f"the store has a plan {plan.plan_id!r} already; edit it, or import one from other inputs")
    parts = to_parts(plan)
    profile = describe_profile(plan.profile)
    served = {name: list(features) for name, features in layers.items() if name in STORED}
    title = str(plan.report.get("title") or f"Plan {plan.plan_id}")
    report = canonical(to_plain(plan.report, "report"))
    rows.run(
        f"INSERT INTO plans ({_COLUMNS}, digest, profile, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(plan.plan_id, title, when, note.who, 0, None, "", canonical(profile), report),
    )
    rows.run_many(
        "INSERT INTO ground (plan_id, part, content) VALUES (?, ?, ?)",
        [(plan.plan_id, name, content) for name, content in parts.items()],
    )
    for name, features in served.items():
        if name not in ("grids", LAYER):
            put_features(rows, dialect, name, plan.plan_id, features)
            put_served(rows, name, plan.plan_id, features)
    for name in KEPT:
        put_served(rows, name, plan.plan_id, layers.get(name, ()))
    rows.run("UPDATE plans SET digest = ? WHERE plan_id = ?", digest_ground(rows, plan.plan_id), plan.plan_id)
    return add_version(rows, dialect, plan.plan_id, 0, change, note, kind="import", state_of=None, when=when)


def digest_ground(rows: Rows, plan_id: str) -> str:
    """Return the digest of all of a plan that no edit changes."""
    told = rows.one("SELECT profile, report FROM plans WHERE plan_id = ?", plan_id)
    parts = rows.all("SELECT part, content FROM ground WHERE plan_id = ? ORDER BY part", plan_id)
    served = rows.all(
        "SELECT layer, feature_id, feature FROM served WHERE plan_id = ? AND layer <> ? ORDER BY layer, feature_id",
        plan_id,
        LAYER,
    )
    return digest_of(*(told or ()), *(text for row in (*parts, *served) for text in row))


def list_plans(rows: Rows) -> list[PlanRecord]:
    """Return every plan, by id."""
    return [PlanRecord(*row) for row in rows.all(f"SELECT {_COLUMNS} FROM plans ORDER BY plan_id")]


def read_record(rows: Rows, plan_id: str) -> PlanRecord:
    """Return what is told of a plan as a whole.

    Raises
    ------
    MissingError
        If there is no such plan.
    """
    found = rows.one(f"SELECT {_COLUMNS} FROM plans WHERE plan_id = ?", plan_id)
    if found is None:
        raise MissingError(f"the store has no plan {plan_id!r}")
    return PlanRecord(*found)


def read_plan(rows: Rows, plan_id: str) -> Plan:
    """Return a plan as it was put in: its first version."""
    report, profile = read_report(rows, plan_id)
    parts: dict[str, bytes] = dict(rows.all("SELECT part, content FROM ground WHERE plan_id = ?", plan_id))
    return from_parts(plan_id, parts, profile, report)


def read_report(rows: Rows, plan_id: str) -> tuple[dict[str, Any], Profile]:
    """Return what a plan reports of its making, and its profile.

    Raises
    ------
    MissingError
        If there is no such plan.
    """
    found = rows.one("SELECT profile, report FROM plans WHERE plan_id = ?", plan_id)
    if found is None:
        raise MissingError(f"the store has no plan {plan_id!r}")
    return orjson.loads(found[1]), to_profile(orjson.loads(found[0]))


def to_profile(told: Mapping[str, Any]) -> Profile:
    """Return the profile that ``describe_profile`` told."""
    return build_profile({"name": told["name"], "title": told["title"], **told["numbers"]})


def to_parts(plan: Plan) -> dict[str, bytes]:
    """Return the frames of a plan as Parquet; of demand only counts, as it is served."""
    kept = [name for name in (*DEMAND.columns, *_COUNTED) if name in plan.demand]
    plan = replace(plan, demand=plan.demand[[*kept, plan.demand.geometry.name]])
    frames = {name: getattr(plan, name) for name in _FRAMES}
    frames["area"] = gpd.GeoDataFrame(geometry=[plan.area], crs=plan.crs)
    frames["assignment"] = plan.assignment.rename("grid_id").rename_axis("block_id").reset_index()
    return {name: _to_parquet(frame.reset_index(drop=True)) for name, frame in frames.items()}


def from_parts(plan_id: str, parts: Mapping[str, bytes], profile: Profile, report: Mapping[str, Any]) -> Plan:
    """Return the plan of what ``to_parts`` gave."""
    frames = {name: _from_parquet(parts[name], spatial=name != "adjacency") for name in _FRAMES}
    area = _from_parquet(parts["area"], spatial=True).geometry.iloc[0]
    table = _from_parquet(parts["assignment"], spatial=False)
    assignment = table.set_index("block_id")["grid_id"]
    return Plan(plan_id=plan_id, version=1, profile=profile, area=area, assignment=assignment, report=report, **frames)


def _to_parquet(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, index=False, compression="zstd")
    return out.getvalue()


def _from_parquet(content: bytes, *, spatial: bool) -> Any:
    return (gpd if spatial else pd).read_parquet(io.BytesIO(content))
