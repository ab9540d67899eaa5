"""How is a book of jobs kept in the store of plans, by several servers at once?

Each job has an owner, the server that took it in. Owners say from time to time that they live; the jobs of one that is
silent for long, or known to have ended, go over to the next server that asks.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from api.jobs.errors import NoSuchJobError
from api.jobs.owner import is_surely_gone, name_self
from api.jobs.record import Event, Job, status_data
from api.jobs.rows import COLUMNS, JOB, OPEN, from_row, to_plain, to_row
from api.store.database import Database, Rows
from api.store.errors import StoreError
from api.store.place import Place
from api.store.store import open_store

_SILENT_S = 30.0
"""A server that has not said for so long that it lives has ended; it says so several times in between."""


def open_store_book(place: Place) -> "StoreBook":
    """Return the book in a store; raises what ``open_store`` raises."""
    return StoreBook(open_store(place).database, name_self())


@dataclass(frozen=True, slots=True)
class StoreBook:
    """Jobs in tables of a store, as the server ``owner`` sees them: all of them, its own to work on."""

    database: Database
    owner: str

    def add(self, job: Job, inputs: bytes) -> None:
        """Keep a new job; on the disk when this returns."""
        marks = ", ".join("?" * (len(COLUMNS) + 2))
        sql = f"INSERT INTO jobs ({JOB}, inputs, owner, alive) VALUES ({marks}, {self.database.dialect.seconds})"
        with self.database.writing() as rows:
            rows.run(sql, *to_row(job), inputs, self.owner)
            _tell(rows, job.job_id, "status", status_data(job))

    def find(self, job_id: str) -> Job:
        """Return a job."""
        with self.database.reading() as rows:
            return _find(rows, job_id)

    def every(self) -> list[Job]:
        """Return all jobs, the newest first."""
        with self.database.reading() as rows:
            return [from_row(row) for row in rows.all(f"SELECT {JOB} FROM jobs ORDER BY id DESC")]

    def adopt(self) -> list[Job]:
        """Return the unfinished jobs whose server is gone, oldest first; they are this server's from here on."""
        seconds = self.database.dialect.seconds
        with self.database.reading() as rows:
            held = _list_silent(rows, seconds)
        if not held:
            return []
        with self.database.writing() as rows:
            gone = [job_id for job_id in _list_silent(rows, seconds) if job_id in held]
            for job_id in gone:
                rows.run(f"UPDATE jobs SET owner = ?, alive = {seconds} WHERE job_id = ?", self.owner, job_id)
            return [_find(rows, job_id) for job_id in gone]

    def beat(self, held: Collection[str]) -> list[str]:
        """Say that this server lives; return those of the jobs it holds that are no longer its own to work on."""
        if not held:
            return []
        with self.database.writing() as rows:
            sql = f"UPDATE jobs SET alive = {self.database.dialect.seconds} WHERE job_id = ? AND owner = ?"
            rows.run_many(sql, [(job_id, self.owner) for job_id in sorted(held)])
            mine = {row[0] for row in rows.all(f"SELECT job_id FROM jobs WHERE owner = ? AND {OPEN}", self.owner)}
        return sorted(set(held) - mine)

    def update(self, job_id: str, **changes: Any) -> Job:
        """Set fields of a job that is not finished, and return it; a finished one is returned as it stands."""
        return self._set(job_id, changes)

    def finish(self, job_id: str, results: bytes | None, **changes: Any) -> Job:
        """Set fields and results in one step, unless the job is finished already; return it as it stands."""
        return self._set(job_id, {**changes, "results": results})

    def _set(self, job_id: str, changes: dict[str, Any]) -> Job:
        told = {name: to_plain(value) for name, value in changes.items()}
        named = ", ".join(f"{name} = ?" for name in told)
        with self.database.writing() as rows:
            changed = rows.run(f"UPDATE jobs SET {named} WHERE job_id = ? AND {OPEN}", *told.values(), job_id)
            job = _find(rows, job_id)
            if changed:
                _tell(rows, job_id, "status", status_data(job))
            return job

    def inputs(self, job_id: str) -> bytes:
        """Return what was asked."""
        found: bytes = self._blob(job_id, "inputs")
        return found

    def results(self, job_id: str) -> bytes | None:
        """Return what came of it, None where nothing did."""
        found: bytes | None = self._blob(job_id, "results")
        return found

    def _blob(self, job_id: str, name: str) -> Any:
        with self.database.reading() as rows:
            found = rows.one(f"SELECT {name} FROM jobs WHERE job_id = ?", job_id)
        if found is None:
            raise NoSuchJobError(f"no job {job_id!r}; it may have been removed")
        return found[0]

    def remove(self, job_id: str) -> None:
        """Forget a job, its inputs, results and events."""
        with self.database.writing() as rows:
            rows.run("DELETE FROM jobs WHERE job_id = ?", job_id)

    def tell(self, job_id: str, kind: str, data: bytes) -> None:
        """Add an event; of no effect on jobs that are finished or gone."""
        with self.database.writing() as rows:
            if rows.one(f"SELECT 1 FROM jobs WHERE job_id = ? AND {OPEN}", job_id) is not None:
                _tell(rows, job_id, kind, data)

    def events(self, job_id: str, after: int) -> list[Event]:
        """Return the events with a number above ``after``."""
        sql = "SELECT number, kind, data FROM job_events WHERE job_id = ? AND number > ? ORDER BY number"
        with self.database.reading() as rows:
            return [Event(*row) for row in rows.all(sql, job_id, after)]

    def close(self) -> None:
        """Leave what is unfinished to the next server, and let go of the store."""
        with suppress(StoreError), self.database.writing() as rows:  # out of reach: the others notice by themselves
            rows.run(f"UPDATE jobs SET alive = 0 WHERE owner = ? AND {OPEN}", self.owner)
        self.database.close()


def _find(rows: Rows, job_id: str) -> Job:
    found = rows.one(f"SELECT {JOB} FROM jobs WHERE job_id = ?", job_id)
    if found is None:
        raise NoSuchJobError(f"no job {job_id!r}; it may have been removed")
    return from_row(found)


def _list_silent(rows: Rows, seconds: str) -> list[str]:
    """Return the unfinished jobs, oldest first, whose owners fell silent or are known to have ended."""
    found: Sequence[Any] = rows.all(f"SELECT job_id, owner, {seconds} - alive FROM jobs WHERE {OPEN} ORDER BY id")
    return [job_id for job_id, owner, silent_s in found if silent_s > _SILENT_S or is_surely_gone(owner)]


def _tell(rows: Rows, job_id: str, kind: str, data: bytes) -> None:
    last = rows.one("SELECT coalesce(max(number), 0) FROM job_events WHERE job_id = ?", job_id)
    assert last is not None
    rows.run("INSERT INTO job_events VALUES (?, ?, ?, ?)", job_id, int(last[0]) + 1, kind, data)
