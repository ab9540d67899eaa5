"""How does a job stand in a row of a table?"""

from dataclasses import fields
from typing import Any

import orjson

from api.jobs.record import FINISHED, Job

COLUMNS = tuple(field.name for field in fields(Job))
JOB = ", ".join(COLUMNS)
OPEN = "status NOT IN ({})".format(", ".join(f"'{status}'" for status in sorted(FINISHED)))
"""SQL of a condition that jobs keep which are not finished."""


def to_plain(value: Any) -> Any:
    """Return a value as a column holds it."""
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def to_row(job: Job) -> tuple[Any, ...]:
    """Return the values of a job, in the order of ``COLUMNS``."""
    return tuple(to_plain(getattr(job, name)) for name in COLUMNS)


def from_row(row: tuple[Any, ...]) -> Job:
    """Return the job of a row."""
    told = dict(zip(COLUMNS, row, strict=True))
    problem = None if told["problem"] is None else orjson.loads(told["problem"])
    return Job(**{**told, "waited": bool(told["waited"]), "problem": problem})
