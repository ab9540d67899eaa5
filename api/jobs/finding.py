"""Which jobs does a client want to see: of a process, in a state, begun when, how long?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from api.jobs.record import STATUSES, Job, now, seconds_between
from api.query import read_whole
from spatial.errors import InputError

JOB_PARAMETERS = ("limit", "offset", "type", "processID", "status", "datetime", "minDuration", "maxDuration", "f")
_LIMIT, _MOST = 100, 1000


@dataclass(frozen=True, slots=True)
class JobsAsked:
    """A page of the jobs that meet every condition; without processes or statuses all do."""

    limit: int
    offset: int
    processes: frozenset[str]
    statuses: frozenset[str]
    since: datetime | None
    until: datetime | None
    least_s: float
    most_s: float

    def wants(self, job: Job) -> bool:
        """Tell whether a job meets every condition; how long it runs counts from its start."""
        created = datetime.fromisoformat(job.created)
        ran = seconds_between(job.started, job.finished or now()) if job.started else 0.0
        return (
            (not self.processes or job.process in self.processes)
            and (not self.statuses or job.status in self.statuses)
            and (self.since is None or created >= self.since)
            and (self.until is None or created <= self.until)
            and self.least_s <= ran <= self.most_s
        )


def read_jobs_asked(given: Mapping[str, str]) -> JobsAsked:
    """Return which jobs query parameters ask for.

    Raises
    ------
    InputError
        If a value cannot be read.
    """
    if _names(given.get("type", "process")) - {"process"}:
        raise InputError(f"type is {given['type']!r}; needed process")
    statuses = _names(given.get("status", ""))
    strange = sorted(statuses - set(STATUSES))
    if strange:
        raise InputError(f"status is {strange[0]!r}; needed some of {', '.join(STATUSES)}")
    since, until = _read_interval(given.get("datetime"))
    return JobsAsked(
        limit=min(read_whole("limit", given.get("limit", str(_LIMIT)), least=1), _MOST),
        offset=read_whole("offset", given.get("offset", "0"), least=0),
        processes=_names(given.get("processID", "")),
        statuses=statuses,
        since=since,
        until=until,
        least_s=read_whole("minDuration", given.get("minDuration", "0"), least=0),
        most_s=read_whole("maxDuration", given.get("maxDuration", "999999999"), least=0),
    )


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, (one.strip() for one in text.split(","))))


def _read_interval(text: str | None) -> tuple[datetime | None, datetime | None]:
    if text is None:
        return None, None
    start, slash, end = text.partition("/")
    if not slash:
        return _read_time(text, text), _read_time(text, text)
    return _read_time(start, text), _read_time(end, text)


def _read_time(part: str, text: str) -> datetime | None:
    if part in ("", ".."):
        return None
    try:
        read = datetime.fromisoformat(part.upper())
    except ValueError:
        raise InputError(f"datetime is {text!r}; needed an RFC 3339 instant or an interval start/end") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
