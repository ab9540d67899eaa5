"""How is a book of jobs kept in the store of plans, by several servers at once?

Each job has an owner, the server that took it in. Owners say from time to time that they live; the jobs of one that is
silent for long, or known to have ended, go over to the next server that asks.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

from api.jobs.owner import is_surely_gone, name_self
from api.jobs.record import Job
from api.jobs.row_book import RowBook, add_job, find_job
from api.jobs.rows import OPEN
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
class StoreBook(RowBook):
    """Jobs in tables of a store, as the server ``owner`` sees them: all of them, its own to work on."""

    database: Database
    owner: str

    def reading(self) -> AbstractContextManager[Rows]:
        """Give rows that see one moment of the store."""
        return self.database.reading()

    def writing(self) -> AbstractContextManager[Rows]:
        """Give rows that are kept whole or not at all."""
        return self.database.writing()

    def add(self, job: Job, inputs: bytes) -> None:
        """Keep a new job; on the disk when this returns."""
        with self.writing() as rows:
            add_job(rows, job, inputs, owner=self.owner, alive=_read_clock(rows, self.database.dialect.seconds))

    def adopt(self) -> list[Job]:
        """Return the unfinished jobs whose server is gone, oldest first; they are this server's from here on."""
        seconds = self.database.dialect.seconds
        with self.reading() as rows:
            held = _list_silent(rows, seconds)
        if not held:
            return []
        with self.writing() as rows:
            gone = [job_id for job_id in _list_silent(rows, seconds) if job_id in held]
            for job_id in gone:
                rows.run(f"UPDATE jobs SET owner = ?, alive = {seconds} WHERE job_id = ?", self.owner, job_id)
            return [find_job(rows, job_id) for job_id in gone]

    def beat(self, held: Collection[str]) -> list[str]:
        """Say that this server lives; return those of the jobs it holds that are no longer its own to work on."""
        if not held:
            return []
        with self.writing() as rows:
            sql = f"UPDATE jobs SET alive = {self.database.dialect.seconds} WHERE job_id = ? AND owner = ?"
            rows.run_many(sql, [(job_id, self.owner) for job_id in sorted(held)])
            mine = {row[0] for row in rows.all(f"SELECT job_id FROM jobs WHERE owner = ? AND {OPEN}", self.owner)}
        return sorted(set(held) - mine)

    def close(self) -> None:
        """Leave what is unfinished to the next server, and let go of the store."""
        with suppress(StoreError), self.writing() as rows:  # out of reach: the others notice by themselves
            rows.run(f"UPDATE jobs SET alive = 0 WHERE owner = ? AND {OPEN}", self.owner)
        self.database.close()


def _read_clock(rows: Rows, seconds: str) -> float:
    """Return the time by the database's own clock, which all servers share."""
    found = rows.one(f"SELECT {seconds}")
    assert found is not None
    return float(found[0])


def _list_silent(rows: Rows, seconds: str) -> list[str]:
    """Return the unfinished jobs, oldest first, whose owners fell silent or are known to have ended."""
    found: Sequence[Any] = rows.all(f"SELECT job_id, owner, {seconds} - alive FROM jobs WHERE {OPEN} ORDER BY id")
    return [job_id for job_id, owner, silent_s in found if silent_s > _SILENT_S or is_surely_gone(owner)]
