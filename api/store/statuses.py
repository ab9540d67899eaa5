"""Which status has a version, which step may it take, and which one was in force at a time?"""

from itertools import pairwise

from api.store.database import Dialect, Rows
from api.store.errors import StatusError
from api.store.records import STATUSES, Note, VersionRecord
from api.store.versions import find_head, log_status, read_version
from spatial.errors import MissingError

_NEXT = dict(pairwise(STATUSES))


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
    log_status(rows, plan_id, version, status, note, when)
    rows.run("UPDATE versions SET status = ? WHERE plan_id = ? AND version = ?", status, plan_id, version)
    if status in ("in_force", "superseded"):
        rows.run("UPDATE plans SET in_force = ? WHERE plan_id = ?", version if status == "in_force" else None, plan_id)
    return read_version(rows, plan_id, version)


def _supersede(rows: Rows, plan_id: str, note: Note, when: str) -> None:
    for (before,) in rows.all("SELECT version FROM versions WHERE plan_id = ? AND status = 'in_force'", plan_id):
        log_status(rows, plan_id, before, "superseded", note, when)
        rows.run("UPDATE versions SET status = 'superseded' WHERE plan_id = ? AND version = ?", plan_id, before)
