"""How is a book of jobs kept in a small SQLite file, by one server at a time?"""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.jobs.record import Job
from api.jobs.row_book import RowBook, add_job
from api.store.database import Rows
from api.store.sqlite_rows import SqliteRows
from spatial.errors import InputError

_VERSION = 2
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, status TEXT NOT NULL,
    progress INTEGER NOT NULL, message TEXT NOT NULL, waited INTEGER NOT NULL, attempts INTEGER NOT NULL,
    created TEXT NOT NULL, started TEXT, finished TEXT, updated TEXT NOT NULL, problem BLOB,
    inputs BLOB NOT NULL, results BLOB
);
CREATE TABLE IF NOT EXISTS job_events (
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_STEPS = {1: "ALTER TABLE jobs RENAME COLUMN number TO id; ALTER TABLE events RENAME TO job_events;"}
"""What leads from an earlier version to this one."""


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
    if version not in (_VERSION, *_STEPS) and (version or tables):
        raise InputError(f"{place} is no book of jobs of version {_VERSION}; needed another file")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(f"BEGIN IMMEDIATE; {_STEPS.get(version, '')} {_SCHEMA} COMMIT;")


@dataclass(frozen=True, slots=True)
class SqliteBook(RowBook):
    """Jobs in one SQLite file: one connection, one thread at a time."""

    connection: sqlite3.Connection
    lock: threading.RLock

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """Give the rows; nobody else changes them meanwhile."""
        with self.lock:
            yield SqliteRows(self.connection)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """Give a transaction: what is done in it is kept whole or not at all."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteRows(self.connection)
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled it back already
                    self.connection.execute("ROLLBACK")
                raise

    def add(self, job: Job, inputs: bytes) -> None:
        """Keep a new job; on the disk when this returns."""
        with self.writing() as rows:
            add_job(rows, job, inputs)

    def adopt(self) -> list[Job]:
        """Return the unfinished jobs, oldest first: nobody else can work on them."""
        return [job for job in reversed(self.every()) if not job.done]

    def beat(self, held: Collection[str]) -> list[str]:
        """Return none: no other server ends or takes jobs of this book."""
        return []

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.connection.close()
