"""Where are jobs kept so that none is forgotten: what was asked, how far it is, what came of it, what happened?

Inputs and results are JSON as bytes. A job that was kept is on the disk; events are replayed from any number on. Each
change of a job is an event of the kind ``status``, kept in the same step: the last event of a finished job tells so.
"""

from collections.abc import Collection
from typing import Any, Protocol

from api.jobs.record import Event, Job


class Book(Protocol):
    """A book of jobs; every method may be called from any thread."""

    def add(self, job: Job, inputs: bytes) -> None:
        """Keep a new job; on the disk when this returns."""

    def find(self, job_id: str) -> Job:
        """Return a job; raises NoSuchJobError."""

    def every(self) -> list[Job]:
        """Return all jobs, the newest first."""

    def adopt(self) -> list[Job]:
        """Return the unfinished jobs that no server works on, oldest first; they are this server's from here on."""

    def beat(self, held: Collection[str]) -> list[str]:
        """Say that this server lives; return those of the jobs it holds that are no longer its own to work on."""

    def update(self, job_id: str, **changes: Any) -> Job:
        """Set fields of a job that is not finished, and return it; a finished one is returned as it stands."""

    def finish(self, job_id: str, results: bytes | None, **changes: Any) -> Job:
        """Set fields and results in one step, unless the job is finished already; return it as it stands."""

    def inputs(self, job_id: str) -> bytes:
        """Return what was asked."""

    def results(self, job_id: str) -> bytes | None:
        """Return what came of it, None where nothing did."""

    def remove(self, job_id: str) -> None:
        """Forget a job, its inputs, results and events."""

    def tell(self, job_id: str, kind: str, data: bytes) -> None:
        """Add an event; of no effect on jobs that are finished or gone."""

    def events(self, job_id: str, after: int) -> list[Event]:
        """Return the events with a number above ``after``."""

    def close(self) -> None:
        """Let go of the book."""
