"""What can go wrong with a job?

NoSuchProcessError (MissingError)      no process has this name here
NoSuchJobError (MissingError)          no job has this id, or it was removed
NotReadyError (MissingError)           a job has no results yet
BusyError (SpatialError)               as many jobs wait as may
BookError (SpatialError)               jobs cannot be kept
JobFailedError (SpatialError)          the job whose results are asked for failed or was dismissed
"""

from collections.abc import Mapping
from typing import Any

from spatial.errors import MissingError, SpatialError

_EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"


class NoSuchProcessError(MissingError):
    """No process has this name here."""

    kind = f"{_EXCEPTIONS}/no-such-process"


class NoSuchJobError(MissingError):
    """No job has this id, or it was removed."""

    kind = f"{_EXCEPTIONS}/no-such-job"


class NotReadyError(MissingError):
    """A job has no results yet."""

    kind = f"{_EXCEPTIONS}/result-not-ready"


class BusyError(SpatialError):
    """As many jobs wait as may; it is worth asking again in ``retry_s`` seconds."""

    retry_s = 10


class BookError(SpatialError):
    """Jobs cannot be kept: the disk refuses the book."""


class JobFailedError(SpatialError):
    """The job whose results are asked for failed or was dismissed; ``problem`` tells how."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        """Keep status, detail and error of the job."""
        super().__init__(str(problem["detail"]))
        self.problem = problem
