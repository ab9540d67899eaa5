"""What does a client ask for: the query parameters of a feed, checked strictly?"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from api.settings import Settings
from api.snapshot import Box
from spatial.errors import InputError

_DAY = r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?"
_DATETIME = re.compile(rf"{_DAY}|({_DAY}|\.\.)?/({_DAY}|\.\.)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ItemsQuery:
    """A page of a feed: at most ``limit`` features from the ``offset``-th on, of those that meet ``bbox``."""

    limit: int
    offset: int
    bbox: Box | None


def accept_only(*names: str) -> Callable[[Request], None]:
    """Return a dependency that refuses query parameters other than these."""

    def check(request: Request) -> None:
        for name in request.query_params:
            if name not in names:
                known = f"known are {', '.join(names)}" if names else "this address takes none"
                raise InputError(f"unknown query parameter {name!r}; {known}")
            if len(request.query_params.getlist(name)) > 1:
                raise InputError(f"query parameter {name!r} stands more than once; needed one")

    return check


def read_items_query(request: Request, settings: Settings) -> ItemsQuery:
    """Return what a client asks of a feed; features have no time, so ``datetime`` is checked and matches all.

    Raises
    ------
    InputError
        If a value cannot be read.
    """
    given = request.query_params
    limit = _whole_number("limit", given.get("limit", str(settings.limit_default)), least=1)
    offset = _whole_number("offset", given.get("offset", "0"), least=0)
    when = given.get("datetime")
    if when is not None and not _DATETIME.fullmatch(when):
        raise InputError(f"datetime is {when!r}; needed an RFC 3339 instant or an interval start/end")
    if given.get("f", "json") not in ("json", "geojson"):
        raise InputError(f"f is {given['f']!r}; needed json")
    return ItemsQuery(min(limit, settings.limit_max), offset, _read_bbox(given.get("bbox")))


def _whole_number(name: str, text: str, *, least: int) -> int:
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or int(text) < least:
        raise InputError(f"{name} is {text!r}; needed a whole number of at least {least}")
    return int(text)


def _read_bbox(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 6:  # heights stand third and sixth; plans have none
        numbers = [numbers[i] for i in (0, 1, 3, 4)]
    if len(numbers) != 4 or not all(abs(n) < 1e9 for n in numbers):
        raise InputError(f"bbox is {text!r}; needed west,south,east,north in degrees")
    west, south, east, north = numbers
    if south > north:
        raise InputError(f"bbox is {text!r}; its south lies north of its north")
    return west, south, east, north
