"""Which rules does each version break? What changes is kept, as with grids.

A finding is a rule and who breaks it, with the features that tell it, one or several. That a border runs through a
building (T11) is looked at when a plan is made and not after edits: such a finding is let go where a grid about it
changes, rather than told of a border that is no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely

from api.store.database import Dialect, Rows
from api.store.tables import geometries_of, put_features, put_served
from spatial.crs import to_lonlat
from spatial.io.geojson import orient
from spatial.io.geojson import write_features as write_collection
from spatial.io.plan_layers import number_ids
from spatial.plan.outcome import Outcome
from spatial.tables import VIOLATIONS

Findings = Mapping[str, Sequence[Mapping[str, Any]]]
"""Finding -> its GeoJSON features, parsed; none where it is mended."""

Held = Mapping[str, str]
"""Finding -> its features as they are kept: a JSON list, as text."""

LAYER = "violations"
NOTHING = "[]"
MADE_ONCE = "T11"
"""The rule that is looked at only when a plan is made."""


def build_findings(violations: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of VIOLATIONS."""
    if not len(violations):
        return {}
    told = {name: violations[name].tolist() for name in VIOLATIONS.columns}
    ids = number_ids(map(name_finding, told["rule"], told["subject"]))
    geometry = orient(to_lonlat(violations.geometry.to_numpy(), violations.crs))
    features = orjson.loads(write_collection(ids, geometry, told))["features"]
    out: dict[str, list[dict[str, Any]]] = {}
    for feature in sorted(features, key=itemgetter("id")):
        of = feature["properties"]
        out.setdefault(name_finding(of["rule"], of["subject"]), []).append(feature)
    return out


def name_finding(rule: str, subject: str) -> str:
    """Return the name of a finding, which is also the id of its first feature."""
    return f"{rule}-{subject}"


def tell_outcome(outcome: Outcome) -> dict[str, Findings]:
    """Return the findings that edits cause, those they cure, and those they keep, each told by itself."""
    return {name: build_findings(getattr(outcome, name)) for name in ("caused", "cured", "kept")}


def change_findings(outcome: Outcome, told: Mapping[str, Findings], held: Held, grids: Sequence[bytes]) -> Findings:
    """Return the findings that edits change; ``told`` are those of the outcome.

    ``grids`` are features of the changed grids, ``held`` findings before.
    """
    now: Findings = {**told["kept"], **told["caused"]}
    if told["kept"].keys() & told["caused"].keys():  # one more of the same: they are numbered together
        now = build_findings(pd.concat([outcome.caused, outcome.kept], ignore_index=True))
    gone = {*told["cured"], *_about(held, grids)} - now.keys()
    wanted: dict[str, Sequence[Mapping[str, Any]]] = {**now, **{name: [] for name in gone}}
    return {name: some for name, some in sorted(wanted.items()) if write_features(some) != held.get(name, NOTHING)}


def write_features(features: Sequence[Mapping[str, Any]]) -> str:
    """Return the features of a finding as they are kept."""
    return orjson.dumps(list(features)).decode()


def _about(held: Held, grids: Sequence[bytes]) -> list[str]:
    """Return the findings on buildings that lie where a grid changed."""
    names = [name for name in held if name.startswith(f"{MADE_ONCE}-")]
    if not names or not grids:
        return []
    places = shapely.STRtree(geometries_of([orjson.loads(grid) for grid in grids]))
    told = [orjson.loads(held[name])[0] for name in names]
    found = places.query(geometries_of(told), predicate="intersects")[0]
    return [names[row] for row in np.unique(found)]


def restore_findings(now: Held, then: Held) -> Findings:
    """Return the findings to change so that those of now become those of then."""
    names = sorted(now.keys() | then.keys())
    differ = [name for name in names if now.get(name) != then.get(name)]
    return {name: orjson.loads(then.get(name, NOTHING)) for name in differ}


def read_findings(rows: Rows, plan_id: str, version: int) -> dict[str, str]:
    """Return the findings that stand in a version, by name."""
    found = rows.all(
        """SELECT f.finding, f.features FROM findings f
           JOIN (SELECT finding, max(version) AS version FROM findings WHERE plan_id = ? AND version <= ?
                 GROUP BY finding) last ON last.finding = f.finding AND last.version = f.version
           WHERE f.plan_id = ? AND f.features <> ? ORDER BY f.finding""",
        *(plan_id, version, plan_id, NOTHING),
    )
    return {str(name): str(features) for name, features in found}


def read_changed_findings(rows: Rows, plan_id: str, one: int, other: int) -> dict[str, dict[str, Any] | None]:
    """Return the features, by id, by which the findings of version ``other`` differ from ``one``; None: only in one."""
    first, last = sorted((one, other))
    told = "SELECT DISTINCT finding FROM findings WHERE plan_id = ? AND version > ? AND version <= ?"
    names = [str(row[0]) for row in rows.all(told, plan_id, first, last)]
    then, now = (
        {feature["id"]: feature for name in names for feature in _read_at(rows, plan_id, name, version)}
        for version in (one, other)
    )
    changed = [key for key in sorted(then.keys() | now.keys()) if then.get(key) != now.get(key)]
    return {key: now.get(key) for key in changed}


def put_findings(rows: Rows, dialect: Dialect, plan_id: str, version: int, findings: Findings) -> None:
    """Write the findings that a version changes, and show them in the layer of the last version."""
    gone = [(plan_id, feature["id"]) for name in findings for feature in _read_at(rows, plan_id, name, version)]
    rows.run_many(f"DELETE FROM {LAYER} WHERE plan_id = ? AND feature_id = ?", gone)
    rows.run_many(f"DELETE FROM served WHERE layer = '{LAYER}' AND plan_id = ? AND feature_id = ?", gone)
    rows.run_many(
        "INSERT INTO findings (plan_id, finding, version, features) VALUES (?, ?, ?, ?)",
        [(plan_id, name, version, write_features(features)) for name, features in findings.items()],
    )
    shown = flatten(findings)
    put_features(rows, dialect, LAYER, plan_id, shown)
    put_served(rows, LAYER, plan_id, shown)


def _read_at(rows: Rows, plan_id: str, finding: str, version: int) -> list[dict[str, Any]]:
    found = rows.one(
        """SELECT features FROM findings WHERE plan_id = ? AND finding = ? AND version <= ?
           ORDER BY version DESC LIMIT 1""",
        *(plan_id, finding, version),
    )
    read: list[dict[str, Any]] = [] if found is None else orjson.loads(found[0])
    return read


def read_all(held: Held) -> list[Mapping[str, Any]]:
    """Return the features of findings as they are kept, parsed, by id."""
    return flatten({name: orjson.loads(features) for name, features in held.items()})


def flatten(findings: Findings) -> list[Mapping[str, Any]]:
    """Return the features of findings by id."""
    return sorted((feature for some in findings.values() for feature in some), key=lambda feature: str(feature["id"]))


def count_findings(features: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many features tell an error, and how many a warning."""
    told = [feature["properties"]["severity"] for feature in features]
    return {"errors": told.count("error"), "warnings": told.count("warning")}
