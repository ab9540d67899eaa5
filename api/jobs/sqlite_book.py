"""How is a book of jobs kept in a small SQLite file, by one server at a time?"""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from api.jobs.errors import NoSuchJobError
from api.jobs.record import Event, Job, status_data
from api.jobs.rows import COLUMNS, JOB, OPEN, from_row, to_plain, to_row
from spatial.errors import InputError

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, status TEXT NOT NULL,
    progress INTEGER NOT NULL, message TEXT NOT NULL, waited INTEGER NOT NULL, attempts INTEGER NOT NULL,
    created TEXT NOT NULL, started TEXT, finished TEXT, updated TEXT NOT NULL, problem BLOB,
    inputs BLOB NOT NULL, results BLOB
);
CREATE TABLE IF NOT EXISTS events (
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""


def open_book(path: Path | None) -> "SqliteBook":
    """Return the book in a file, made where there is none; without a path it is kept in memory.

    The file belongs to one server: the lock is the system's, so a server that was killed leaves none behind.

    Raises
    ------
    InputError
        If the file cannot be made or read, is no book of jobs, or another server has it open.
    """
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot keep jobs in {path}: {error.strerror or error}") from error
    place = ":memory:" if path is None else str(path)
    try:
        connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=1.0)
    except sqlite3.Error as error:
        raise InputError(f"cannot keep jobs in {place}: {error}") from error
    try:
        _prepare(connection, place)
    except sqlite3.Error as error:
        connection.close()
        taken = "another server keeps its jobs there" if "locked" in str(error) else str(error)
        raise InputError(f"cannot keep jobs in {place}: {taken}; needed a file of this server's own") from error
    except InputError:
        connection.close()
        raise
    return SqliteBook(connection, threading.RLock())


def _prepare(connection: sqlite3.Connection, place: str) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version != _VERSION and (version or tables):
        raise InputError(f"{place} is no book of jobs of version {_VERSION}; needed another file")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")


@dataclass(frozen=True, slots=True)
class SqliteBook:
    """Jobs in one SQLite file: one connection, one thread at a time."""

    connection: sqlite3.Connection
    lock: threading.RLock

    def add(self, job: Job, inputs: bytes) -> None:
        """Keep a new job; on the disk when this returns."""
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        with self._step():
            self._run(f"INSERT INTO jobs ({JOB}, inputs) VALUES ({marks})", *to_row(job), inputs)
            self._tell(job.job_id, "status", status_data(job))

    def find(self, job_id: str) -> Job:
        """Return a job."""
        rows = self._run(f"SELECT {JOB} FROM jobs WHERE job_id = ?", job_id)
        if not rows:
            raise NoSuchJobError(f"no job {job_id!r}; it may have been removed")
        return from_row(rows[0])

    def every(self) -> list[Job]:
        """Return all jobs, the newest first."""
        return [from_row(row) for row in self._run(f"SELECT {JOB} FROM jobs ORDER BY number DESC")]

    def adopt(self) -> list[Job]:
        """Return the unfinished jobs, oldest first: nobody else can work on them."""
        return [job for job in reversed(self.every()) if not job.done]

    def beat(self, held: Collection[str]) -> list[str]:
        """Return none: no other server ends or takes jobs of this book."""
        return []

    def update(self, job_id: str, **changes: Any) -> Job:
        """Set fields of a job that is not finished, and return it; a finished one is returned as it stands."""
        return self._set(job_id, changes)

    def finish(self, job_id: str, results: bytes | None, **changes: Any) -> Job:
        """Set fields and results in one step, unless the job is finished already; return it as it stands."""
        return self._set(job_id, {**changes, "results": results})

    def _set(self, job_id: str, changes: dict[str, Any]) -> Job:
        told = {name: to_plain(value) for name, value in changes.items()}
        named = ", ".join(f"{name} = ?" for name in told)
        where = f"WHERE job_id = ? AND {OPEN} RETURNING 1"
        with self._step():
            changed = self._run(f"UPDATE jobs SET {named} {where}", *told.values(), job_id)
            job = self.find(job_id)
            if changed:
                self._tell(job_id, "status", status_data(job))
            return job

    def inputs(self, job_id: str) -> bytes:
        """Return what was asked."""
        return cast(bytes, self._blob(job_id, "inputs"))

    def results(self, job_id: str) -> bytes | None:
        """Return what came of it, None where nothing did."""
        return self._blob(job_id, "results")

    def _blob(self, job_id: str, name: str) -> bytes | None:
        rows = self._run(f"SELECT {name} FROM jobs WHERE job_id = ?", job_id)
        if not rows:
            raise NoSuchJobError(f"no job {job_id!r}; it may have been removed")
        return cast(bytes | None, rows[0][0])

    def remove(self, job_id: str) -> None:
        """Forget a job, its inputs, results and events."""
        self._run("DELETE FROM jobs WHERE job_id = ?", job_id)

    def tell(self, job_id: str, kind: str, data: bytes) -> None:
        """Add an event; of no effect on jobs that are finished or gone."""
        with self._step():
            if self._run(f"SELECT 1 FROM jobs WHERE job_id = ? AND {OPEN}", job_id):
                self._tell(job_id, kind, data)

    def _tell(self, job_id: str, kind: str, data: bytes) -> None:
        last = self._run("SELECT coalesce(max(number), 0) FROM events WHERE job_id = ?", job_id)[0][0]
        self._run("INSERT INTO events VALUES (?, ?, ?, ?)", job_id, last + 1, kind, data)

    def events(self, job_id: str, after: int) -> list[Event]:
        """Return the events with a number above ``after``."""
        sql = "SELECT number, kind, data FROM events WHERE job_id = ? AND number > ? ORDER BY number"
        return [Event(*row) for row in self._run(sql, job_id, after)]

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.connection.close()

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Give a transaction: what is done in it is kept whole or not at all."""
        with self.lock:
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled it back already
                    self._run("ROLLBACK")
                raise

    def _run(self, sql: str, *values: Any) -> list[Any]:
        with self.lock, closing(self.connection.execute(sql, values)) as cursor:
            return cursor.fetchall()
