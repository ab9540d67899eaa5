"""How does a version come to be, and how is one found again?

A version holds what it changes; what it is, is the last change of each grid up to it. Nothing is ever taken back: undo
makes a new version with an old state.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import orjson

from api.store.database import Dialect, Rows
from api.store.errors import StaleError, StatusError
from api.store.findings import put_findings
from api.store.records import STATUSES, Delta, Grid, Note, VersionRecord, canonical, digest_of, split_feature
from api.store.tables import put_features, set_columns
from spatial.errors import MissingError

Kind = Literal["import", "edit", "undo", "redo"]

_COLUMNS = "plan_id, version, parent, kind, state_of, who, made, why, status, digest, edits, summary"
_NEXT = dict(pairwise(STATUSES))
_CHUNK = 500


def find_head(rows: Rows, plan_id: str, *, lock: str = "") -> int:
    """Return the last version of a plan; with ``lock`` nobody else adds one before the transaction ends.

    Raises
    ------
    MissingError
        If there is no such plan.
    """
    found = rows.one(f"SELECT head FROM plans WHERE plan_id = ?{lock}", plan_id)
    if found is None:
        raise MissingError(f"the store has no plan {plan_id!r}")
    return int(found[0])


def read_version(rows: Rows, plan_id: str, version: int) -> VersionRecord:
    """Return a version.

    Raises
    ------
    MissingError
        If the plan has none of this number.
    """
    head = find_head(rows, plan_id)
    found = rows.one(f"SELECT {_COLUMNS} FROM versions WHERE plan_id = ? AND version = ?", plan_id, version)
    if found is None:
        raise MissingError(f"plan {plan_id!r} has no version {version}; it has 1 to {head}")
    return _record(found)


def list_versions(rows: Rows, plan_id: str, *, after: int = 0) -> list[VersionRecord]:
    """Return the versions of a plan after one, oldest first."""
    find_head(rows, plan_id)
    found = rows.all(
        f"SELECT {_COLUMNS} FROM versions WHERE plan_id = ? AND version > ? ORDER BY version", plan_id, after
    )
    return [_record(row) for row in found]


def _record(row: Sequence[Any]) -> VersionRecord:
    return VersionRecord(*row[:-2], *(orjson.loads(told) for told in row[-2:]))


def find_in_force(rows: Rows, plan_id: str, when: str) -> int:
    """Return the version that was in force at a time (RFC 3339, UTC).

    Raises
    ------
    MissingError
        If none was.
    """
    find_head(rows, plan_id)
    told = rows.all("SELECT version, status, at FROM statuses WHERE plan_id = ? ORDER BY at, id", plan_id)
    now: int | None = None
    for version, status, at in told:
        if at > when:
            break
        if status == "in_force":
            now = int(version)
        elif status == "superseded" and now == version:
            now = None
    if now is None:
        since = next((at for _, status, at in told if status == "in_force"), None)
        first = f"the first came into force at {since}" if since else "none ever came into force"
        raise MissingError(f"plan {plan_id!r} had no version in force at {when}; {first}")
    return now


def read_manifest(rows: Rows, plan_id: str, version: int) -> dict[str, str]:
    """Return the content of each grid of a version, living or retired, by grid id."""
    found = rows.all(
        """SELECT c.grid_id, c.content FROM changes c
           JOIN (SELECT grid_id, max(version) AS version FROM changes WHERE plan_id = ? AND version <= ?
                 GROUP BY grid_id) last ON last.grid_id = c.grid_id AND last.version = c.version
           WHERE c.plan_id = ? ORDER BY c.grid_id""",
        plan_id,
        version,
        plan_id,
    )
    return {str(grid_id): str(content) for grid_id, content in found}


def read_grids(rows: Rows, plan_id: str, version: int) -> list[Grid]:
    """Return every grid of a version, living or retired, by id."""
    manifest = read_manifest(rows, plan_id, version)
    held = read_contents(rows, plan_id, manifest.values())
    return [Grid(grid_id, *held[content]) for grid_id, content in manifest.items()]


def read_grid(rows: Rows, plan_id: str, version: int, grid_id: str) -> Grid:
    """Return a living grid of a version.

    Raises
    ------
    MissingError
        If the version has none of this id, or it is retired.
    """
    found = rows.one(
        """SELECT content FROM changes WHERE plan_id = ? AND grid_id = ? AND version <= ?
           ORDER BY version DESC LIMIT 1""",
        *(plan_id, grid_id, version),
    )
    held = {} if found is None else read_contents(rows, plan_id, [found[0]])
    grids = [Grid(grid_id, *content) for content in held.values()]
    if not grids or not grids[0].feature:
        raise MissingError(f"version {version} of plan {plan_id!r} has no grid {grid_id!r}")
    return grids[0]


def read_contents(rows: Rows, plan_id: str, contents: Iterable[str]) -> dict[str, tuple[Mapping[str, Any], bytes]]:
    """Return the document and the feature of each content."""
    wanted, out = sorted(set(contents)), {}
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        marks = ", ".join("?" * len(some))
        for content, document, feature in rows.all(
            f"SELECT content, document, feature FROM contents WHERE plan_id = ? AND content IN ({marks})",
            plan_id,
            *some,
        ):
            out[str(content)] = (orjson.loads(document), feature.encode())
    return out


def digest_version(ground: str, living: Mapping[str, str]) -> str:
    """Return the digest of a version from that of its ground and the content of each living grid."""
    return digest_of(ground, *(part for grid_id in sorted(living) for part in (grid_id, living[grid_id])))


def find_changed(rows: Rows, plan_id: str, version: int) -> list[str]:
    """Return the grids that a version changed."""
    found = rows.all("SELECT grid_id FROM changes WHERE plan_id = ? AND version = ? ORDER BY grid_id", plan_id, version)
    return [str(row[0]) for row in found]


def tell_meanwhile(rows: Rows, plan_id: str, base: int) -> list[dict[str, Any]]:
    """Return what changed after a version, JSON-ready: each version with who, when, why and its grids."""
    return [
        {
            "version": one.version,
            "who": one.who,
            "when": one.when,
            "why": one.why,
            "kind": one.kind,
            "grids": find_changed(rows, plan_id, one.version),
        }
        for one in list_versions(rows, plan_id, after=base)
    ]


def require_head(rows: Rows, plan_id: str, base: int, *, lock: str = "") -> int:
    """Return the last version if it is the one that was edited.

    Raises
    ------
    StaleError
        If it is another one.
    """
    head = find_head(rows, plan_id, lock=lock)
    if base != head:
        raise StaleError(plan_id, base, head, tell_meanwhile(rows, plan_id, base))
    return head


def add_version(
    rows: Rows,
    dialect: Dialect,
    plan_id: str,
    base: int,
    change: Delta,
    note: Note,
    *,
    kind: Kind,
    state_of: int | None,
    when: str,
) -> VersionRecord:
    """Add a version on top of the last one, with these changes, and show it in the layers."""
    grids = change.grids
    version = require_head(rows, plan_id, base, lock=dialect.lock) + 1
    put_contents(rows, plan_id, grids)
    living = _living_of_table(rows, plan_id)
    for grid in grids:
        living.pop(grid.grid_id, None)
    living |= {grid.grid_id: grid.content for grid in grids if grid.feature}
    ground = rows.one("SELECT digest FROM plans WHERE plan_id = ?", plan_id)
    assert ground is not None
    parent = base or None
    state = version if state_of is None else state_of
    told = (plan_id, version, parent, kind, state, note.who, when, note.why, STATUSES[0])
    rows.run(
        f"INSERT INTO versions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *told,
        digest_version(ground[0], living),
        canonical(list(note.edits)),
        canonical(dict(note.summary)),
    )
    rows.run_many(
        "INSERT INTO changes (plan_id, grid_id, version, content) VALUES (?, ?, ?, ?)",
        [(plan_id, grid.grid_id, version, grid.content) for grid in grids],
    )
    _log_status(rows, plan_id, version, STATUSES[0], note, when)
    rows.run("UPDATE plans SET head = ? WHERE plan_id = ?", version, plan_id)
    show_grids(rows, dialect, plan_id, grids)
    put_findings(rows, dialect, plan_id, version, change.findings)
    return read_version(rows, plan_id, version)


def _living_of_table(rows: Rows, plan_id: str) -> dict[str, str]:
    found = rows.all("SELECT feature_id, content FROM grids WHERE plan_id = ?", plan_id)
    return {str(grid_id): str(content) for grid_id, content in found}


def put_contents(rows: Rows, plan_id: str, grids: Sequence[Grid]) -> None:
    """Keep the contents of grids; one that is there already is not kept twice."""
    rows.run_many(
        """INSERT INTO contents (plan_id, content, document, feature) VALUES (?, ?, ?, ?)
           ON CONFLICT (plan_id, content) DO NOTHING""",
        [(plan_id, grid.content, canonical(grid.document), grid.feature.decode()) for grid in grids],
    )


def show_grids(rows: Rows, dialect: Dialect, plan_id: str, grids: Sequence[Grid]) -> None:
    """Put changed grids, and the grid of each of their blocks, into the layers that show the last version."""
    still = _find_still(rows, plan_id, grids)
    kept, moved = ([grid for grid in grids if (grid.grid_id in still) is wanted] for wanted in (True, False))
    told = [{"id": grid.grid_id, "properties": split_feature(grid.feature)[1]} for grid in kept]
    set_columns(rows, "grids", plan_id, told, [grid.content for grid in kept])
    rows.run_many("DELETE FROM grids WHERE plan_id = ? AND feature_id = ?", [(plan_id, g.grid_id) for g in moved])
    shown = [grid for grid in moved if grid.feature]
    features = [orjson.loads(grid.feature) for grid in shown]
    put_features(rows, dialect, "grids", plan_id, features, contents=[grid.content for grid in shown])
    rows.run_many(
        "UPDATE blocks SET grid_id = ? WHERE plan_id = ? AND feature_id = ? AND grid_id <> ?",
        [(grid.grid_id, plan_id, block, grid.grid_id) for grid in shown for block in grid.document["blocks"]],
    )


def _find_still(rows: Rows, plan_id: str, grids: Sequence[Grid]) -> set[str]:
    """Return the ids of grids that are shown with the blocks that they have: their places stay as they are."""
    blocks = {grid.grid_id: grid.document["blocks"] for grid in grids if grid.feature}
    held = set[str]()
    for start in range(0, len(wanted := [*blocks]), _CHUNK):
        some = wanted[start : start + _CHUNK]
        found = rows.all(
            f"""SELECT g.feature_id, c.document FROM grids g
                JOIN contents c ON c.plan_id = g.plan_id AND c.content = g.content
                WHERE g.plan_id = ? AND g.feature_id IN ({", ".join("?" * len(some))})""",
            *(plan_id, *some),
        )
        held |= {key for key, document in found if orjson.loads(document)["blocks"] == blocks[key]}
    return held


def set_status(
    rows: Rows, dialect: Dialect, plan_id: str, version: int, status: str, note: Note, *, when: str
) -> VersionRecord:
    """Take a version one step on; the version that was in force before is superseded.

    Raises
    ------
    StatusError
        If the step is not the next one.
    """
    find_head(rows, plan_id, lock=dialect.lock)
    now = read_version(rows, plan_id, version).status
    if status not in STATUSES:
        raise StatusError(f"found the status {status!r}, needed one of {', '.join(STATUSES)}")
    if _NEXT.get(now) != status:
        after = _NEXT.get(now)
        raise StatusError(
            f"version {version} of plan {plan_id!r} is {now}; found the step to {status}, needed "
            + (f"the step to {after}" if after else "none: nothing comes after it")
        )
    if status == "in_force":
        _supersede(rows, plan_id, note, when)
    _log_status(rows, plan_id, version, status, note, when)
    rows.run("UPDATE versions SET status = ? WHERE plan_id = ? AND version = ?", status, plan_id, version)
    if status in ("in_force", "superseded"):
        rows.run("UPDATE plans SET in_force = ? WHERE plan_id = ?", version if status == "in_force" else None, plan_id)
    return read_version(rows, plan_id, version)


def _supersede(rows: Rows, plan_id: str, note: Note, when: str) -> None:
    for (before,) in rows.all("SELECT version FROM versions WHERE plan_id = ? AND status = 'in_force'", plan_id):
        _log_status(rows, plan_id, before, "superseded", note, when)
        rows.run("UPDATE versions SET status = 'superseded' WHERE plan_id = ? AND version = ?", plan_id, before)


def _log_status(rows: Rows, plan_id: str, version: int, status: str, note: Note, when: str) -> None:
    rows.run(
        "INSERT INTO statuses (plan_id, version, status, who, at, why) VALUES (?, ?, ?, ?, ?, ?)",
        plan_id,
        version,
        status,
        note.who,
        when,
        note.why,
    )
