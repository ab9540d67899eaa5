"""What is known of a job, and what happened to it, as values?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

Status = Literal["accepted", "running", "successful", "failed", "dismissed"]
STATUSES: tuple[Status, ...] = ("accepted", "running", "successful", "failed", "dismissed")
FINISHED = frozenset({"successful", "failed", "dismissed"})


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands; times are RFC 3339 in UTC, ``progress`` is 0 to 100.

    Attributes
    ----------
    waited:
        Whether the client waits for the answer, so that nobody wants it after a restart.
    attempts:
        How often it was begun: more than once where the server ended meanwhile.
    problem:
        Of a failed job: ``status`` (HTTP), ``detail`` and ``error`` as a problem document tells them.
    """

    job_id: str
    process: str
    status: Status
    progress: int
    message: str
    waited: bool
    attempts: int
    created: str
    started: str | None
    finished: str | None
    updated: str
    problem: Mapping[str, Any] | None

    @property
    def done(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in FINISHED


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job: its number in the job from 1 on, its kind, and JSON as bytes."""

    number: int
    kind: str
    data: bytes


def status_data(job: Job) -> bytes:
    """Return what an event tells of how a job stands."""
    return orjson.dumps({name: getattr(job, name) for name in ("status", "progress", "message", "updated", "problem")})


def now() -> str:
    """Return the time, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(one: str, other: str) -> float:
    """Return the seconds from one time to another."""
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()
