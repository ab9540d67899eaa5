"""Of which time does a client ask to see a plan?"""

import re
from collections.abc import Mapping

from fastapi import Request

from api.plan_query import to_utc
from spatial.errors import InputError

_FIRST, _LAST = "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"
_OPEN = ("", "..")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def read_datetime(given: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last moment that ``datetime`` asks for, in UTC; None where it is not given.

    An instant is both; a day its end, an interval of days from the beginning of one to the end of the other. An end
    that is open is the beginning or the end of time.

    Raises
    ------
    InputError
        If it is no instant or interval of RFC 3339, or it ends before it begins.
    """
    text = given.get("datetime")
    if text is None:
        return None
    start, slash, end = text.partition("/")
    try:
        first = _FIRST if slash and start in _OPEN else _begin(start) if slash else _at(start)
        last = _LAST if slash and end in _OPEN else _at(end) if slash else first
    except InputError as error:
        raise InputError(f"datetime is {text!r}; needed an RFC 3339 instant, or an interval start/end") from error
    if first > last or (slash and not start and not end):
        raise InputError(f"datetime is {text!r}; needed an interval that ends after it begins, or ../..")
    return first, last


def require_time(request: Request) -> None:
    """Refuse a datetime that cannot be read."""
    read_datetime(request.query_params)


def _begin(text: str) -> str:
    return to_utc(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text.upper())


def _at(text: str) -> str:
    return to_utc(text.upper())
