"""How are jobs kept, so that a restart finds them?"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.store.database import Dialect, Rows
from api.store.records import JobRecord, canonical
from spatial.errors import InputError, MissingError

WAITING, RUNNING = "accepted", "running"
ENDED = ("successful", "failed", "dismissed")
_COLUMNS = "job_id, process, status, progress, message, inputs, results, worker, created, started, finished, updated"


def add_job(rows: Rows, job_id: str, process: str, inputs: Mapping[str, Any], *, when: str) -> JobRecord:
    """Write a job that waits."""
    told = (job_id, process, WAITING, 0, "", canonical(dict(inputs)), None, "", when, None, None, when)
    rows.run(f"INSERT INTO jobs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *told)
    return read_job(rows, job_id)


def read_job(rows: Rows, job_id: str) -> JobRecord:
    """Return a job; raises MissingError if there is none."""
    found = rows.one(f"SELECT {_COLUMNS} FROM jobs WHERE job_id = ?", job_id)
    if found is None:
        raise MissingError(f"no job {job_id!r}")
    return _record(found)


def list_jobs(rows: Rows, *, status: str | None = None) -> list[JobRecord]:
    """Return the jobs of a status, or all, newest first."""
    every = f"SELECT {_COLUMNS} FROM jobs"
    found = (
        rows.all(f"{every} ORDER BY id DESC")
        if status is None
        else rows.all(f"{every} WHERE status = ? ORDER BY id DESC", status)
    )
    return [_record(row) for row in found]


def claim_job(rows: Rows, dialect: Dialect, worker: str, *, when: str) -> JobRecord | None:
    """Give the oldest job that waits to a worker, to no other; None when none waits."""
    skip = f"{dialect.lock} SKIP LOCKED" if dialect.lock else ""
    found = rows.one(f"SELECT job_id FROM jobs WHERE status = ? ORDER BY id LIMIT 1{skip}", WAITING)
    if found is None:
        return None
    rows.run(
        "UPDATE jobs SET status = ?, worker = ?, started = ?, updated = ? WHERE job_id = ?",
        *(RUNNING, worker, when, when, found[0]),
    )
    return read_job(rows, found[0])


def report_job(rows: Rows, job_id: str, progress: int, message: str, *, when: str) -> None:
    """Tell how far a running job is; one that ended is left as it is."""
    if not 0 <= progress <= 100:
        raise InputError(f"found the progress {progress}, needed 0 to 100")
    rows.run(
        "UPDATE jobs SET progress = ?, message = ?, updated = ? WHERE job_id = ? AND status = ?",
        *(progress, message, when, job_id, RUNNING),
    )


def end_job(
    rows: Rows, job_id: str, status: str, message: str, results: Mapping[str, Any] | None, *, when: str
) -> JobRecord:
    """End a job that waits or runs; one that ended keeps its end."""
    if status not in ENDED:
        raise InputError(f"found the status {status!r}, needed one of {', '.join(ENDED)}")
    told = None if results is None else canonical(dict(results))
    rows.run(
        """UPDATE jobs SET status = ?, message = ?, results = ?, finished = ?, updated = ?,
           progress = CASE WHEN ? = 'successful' THEN 100 ELSE progress END
           WHERE job_id = ? AND status IN ('accepted', 'running')""",
        *(status, message, told, when, when, status, job_id),
    )
    return read_job(rows, job_id)


def _record(row: Sequence[Any]) -> JobRecord:
    inputs = orjson.loads(row[5])
    results = None if row[6] is None else orjson.loads(row[6])
    return JobRecord(row[0], row[1], row[2], row[3], row[4], inputs, results, *row[7:])
