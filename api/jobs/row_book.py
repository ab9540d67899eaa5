"""What do books of jobs do alike whose jobs stand in rows: read, change and tell them, each in one transaction?"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

from api.jobs.errors import NoSuchJobError
from api.jobs.record import Event, Job, status_data
from api.jobs.rows import COLUMNS, JOB, OPEN, from_row, to_plain, to_row
from api.store.database import Row, Rows


class RowBook(ABC):
    """Jobs in the tables ``jobs`` and ``job_events``; what opens a transaction is each book's own."""

    __slots__ = ()

    @abstractmethod
    def reading(self) -> AbstractContextManager[Rows]:
        """Give rows that see one moment of the book."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Rows]:
        """Give rows that are kept whole, and on the disk, when the block ends; not at all when it raises."""

    def find(self, job_id: str) -> Job:
        """Return a job."""
        with self.reading() as rows:
            return find_job(rows, job_id)

    def every(self) -> list[Job]:
        """Return all jobs, the newest first."""
        with self.reading() as rows:
            return [from_row(row) for row in rows.all(f"SELECT {JOB} FROM jobs ORDER BY id DESC")]

    def update(self, job_id: str, **changes: Any) -> Job:
        """Set fields of a job that is not finished, and return it; a finished one is returned as it stands."""
        return self._change(job_id, changes)

    def finish(self, job_id: str, results: bytes | None, **changes: Any) -> Job:
        """Set fields and results in one step, unless the job is finished already; return it as it stands."""
        return self._change(job_id, {**changes, "results": results})

    def _change(self, job_id: str, changes: dict[str, Any]) -> Job:
        told = {name: to_plain(value) for name, value in changes.items()}
        named = ", ".join(f"{name} = ?" for name in told)
        with self.writing() as rows:
            changed = rows.run(f"UPDATE jobs SET {named} WHERE job_id = ? AND {OPEN}", *told.values(), job_id)
            job = find_job(rows, job_id)
            if changed:
                _add_event(rows, job_id, "status", status_data(job))
            return job

    def inputs(self, job_id: str) -> bytes:
        """Return what was asked."""
        asked: bytes = self._content(job_id, "inputs")
        return asked

    def results(self, job_id: str) -> bytes | None:
        """Return what came of it, None where nothing did."""
        came: bytes | None = self._content(job_id, "results")
        return came

    def _content(self, job_id: str, column: str) -> Any:
        with self.reading() as rows:
            return _find_row(rows, job_id, column)[0]

    def remove(self, job_id: str) -> None:
        """Forget a job, its inputs, results and events."""
        with self.writing() as rows:
            rows.run("DELETE FROM jobs WHERE job_id = ?", job_id)

    def tell(self, job_id: str, kind: str, data: bytes) -> None:
        """Add an event; of no effect on jobs that are finished or gone."""
        with self.writing() as rows:
            if rows.one(f"SELECT 1 FROM jobs WHERE job_id = ? AND {OPEN}", job_id) is not None:
                _add_event(rows, job_id, kind, data)

    def events(self, job_id: str, after: int) -> list[Event]:
        """Return the events with a number above ``after``."""
        sql = "SELECT number, kind, data FROM job_events WHERE job_id = ? AND number > ? ORDER BY number"
        with self.reading() as rows:
            return [Event(*row) for row in rows.all(sql, job_id, after)]


def add_job(rows: Rows, job: Job, inputs: bytes, **own: Any) -> None:
    """Keep a new job, with columns of the book's own, and tell of it."""
    columns = ", ".join((*COLUMNS, "inputs", *own))
    marks = ", ".join("?" * (len(COLUMNS) + 1 + len(own)))
    rows.run(f"INSERT INTO jobs ({columns}) VALUES ({marks})", *to_row(job), inputs, *own.values())
    _add_event(rows, job.job_id, "status", status_data(job))


def find_job(rows: Rows, job_id: str) -> Job:
    """Return a job; raises NoSuchJobError."""
    return from_row(_find_row(rows, job_id, JOB))


def _find_row(rows: Rows, job_id: str, columns: str) -> Row:
    found = rows.one(f"SELECT {columns} FROM jobs WHERE job_id = ?", job_id)
    if found is None:
        raise NoSuchJobError(f"no job {job_id!r}; it may have been removed")
    return found


def _add_event(rows: Rows, job_id: str, kind: str, data: bytes) -> None:
    last = rows.one("SELECT coalesce(max(number), 0) FROM job_events WHERE job_id = ?", job_id)
    assert last is not None
    rows.run("INSERT INTO job_events VALUES (?, ?, ?, ?)", job_id, int(last[0]) + 1, kind, data)
