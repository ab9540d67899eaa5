"""How does a version come to be, and how is one found again?

Nothing is ever taken back: undo makes a new version with an old state.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from api.store.database import Dialect, Rows
from api.store.errors import StaleError
from api.store.findings import put_findings
from api.store.grids import find_changed, find_living, put_contents, show_grids
from api.store.records import STATUSES, Delta, Grid, Note, VersionRecord, canonical, digest_of
from api.store.taken import PUT_IN, digest_layers, find_changed_layers, find_taken, put_layers
from spatial.errors import MissingError

Kind = Literal["import", "edit", "layers", "undo", "redo"]

_COLUMNS = "plan_id, version, parent, kind, state_of, who, made, why, status, digest, edits, summary"


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


def digest_version(ground: str, living: Mapping[str, str], taken: Mapping[str, str]) -> str:
    """Return the digest of a version from that of its ground, the content of each living grid and of layers taken."""
    digest = digest_of(ground, *(part for grid_id in sorted(living) for part in (grid_id, living[grid_id])))
    return digest_of(digest, *(part for layer in sorted(taken) for part in (layer, taken[layer]))) if taken else digest


def tell_meanwhile(rows: Rows, plan_id: str, base: int) -> list[dict[str, Any]]:
    """Return what changed after a version, JSON-ready: each version with who, when, why, its grids and layers."""
    return [
        {
            "version": one.version,
            "who": one.who,
            "when": one.when,
            "why": one.why,
            "kind": one.kind,
            "grids": find_changed(rows, plan_id, one.version),
            "layers": find_changed_layers(rows, plan_id, one.version),
        }
        for one in list_versions(rows, plan_id, after=base)
    ]


def find_state(rows: Rows, plan_id: str, grid_id: str, state: str) -> int | None:
    """Return the last version that gave a grid the content that begins with ``state``; None if none ever did."""
    found = rows.one(
        "SELECT max(version) FROM changes WHERE plan_id = ? AND grid_id = ? AND substr(content, 1, ?) = ?",
        *(plan_id, grid_id, len(state), state),
    )
    return None if found is None or found[0] is None else int(found[0])


def require_head(rows: Rows, plan_id: str, base: int, *, lock: str = "") -> int:
    """Return the last version if it is the one that was edited.

    Raises
    ------
    StaleError
        If it is another one.
    """
    head = find_head(rows, plan_id, lock=lock)
    if base != head:
        raise tell_stale(rows, plan_id, base, head)
    return head


def tell_stale(rows: Rows, plan_id: str, base: int, head: int) -> StaleError:
    """Return what tells that an edit was made on another version than the last one, and what changed meanwhile."""
    return StaleError(plan_id, base, head, tell_meanwhile(rows, plan_id, base))


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
    living = find_living(rows, dialect, plan_id)
    shown = {name: one for name, one in find_before(change).items() if living.get(name) == one.content}
    put_contents(rows, plan_id, grids, shown)
    for grid in grids:
        living.pop(grid.grid_id, None)
    living |= {grid.grid_id: grid.content for grid in grids if grid.feature}
    ground = rows.one("SELECT digest FROM plans WHERE plan_id = ?", plan_id)
    assert ground is not None
    parent = base or None
    state = version if state_of is None else state_of
    told = (plan_id, version, parent, kind, state, note.who, when, note.why, STATUSES[0])
    taken = find_taken(rows, plan_id, base) | digest_layers(change.layers)
    rows.run(
        f"INSERT INTO versions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *told,
        digest_version(ground[0], living, {layer: content for layer, content in taken.items() if content != PUT_IN}),
        canonical(list(note.edits)),
        canonical(dict(note.summary)),
    )
    rows.run_many(
        "INSERT INTO changes (plan_id, grid_id, version, content) VALUES (?, ?, ?, ?)",
        [(plan_id, grid.grid_id, version, grid.content) for grid in grids],
    )
    log_status(rows, plan_id, version, STATUSES[0], note, when)
    rows.run("UPDATE plans SET head = ? WHERE plan_id = ?", version, plan_id)
    show_grids(rows, dialect, plan_id, grids, shown)
    put_findings(rows, dialect, plan_id, version, change.findings)
    put_layers(rows, dialect, plan_id, version, change.layers)
    return read_version(rows, plan_id, version)


def find_before(change: Delta) -> dict[str, Grid]:
    """Return the grids that a version changes as they were, where that is known."""
    return {grid.grid_id: change.before[grid.grid_id] for grid in change.grids if grid.grid_id in change.before}


def log_status(rows: Rows, plan_id: str, version: int, status: str, note: Note, when: str) -> None:
    """Tell that a version has a status from now on."""
    rows.run(
        "INSERT INTO statuses (plan_id, version, status, who, at, why) VALUES (?, ?, ?, ?, ?, ?)",
        plan_id,
        version,
        status,
        note.who,
        when,
        note.why,
    )
