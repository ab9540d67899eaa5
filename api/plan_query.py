"""What does a client ask of a plan: which version, which part of a layer, on which version an edit is made?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import Request
from starlette.exceptions import HTTPException

from api.plan_answers import tag_of
from api.query import read_whole
from api.settings import Settings
from api.store.records import VersionRecord
from api.store.store import Store
from api.store.tables import Box
from spatial.errors import InputError

_TAG = re.compile(r'"v(\d{1,9})-[0-9a-f]{12}"')
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class LayerQuery:
    """A page of a layer: at most ``limit`` features from the ``offset``-th on, of those that meet ``box``."""

    limit: int
    offset: int
    box: Box | None


def read_layer_query(request: Request, settings: Settings) -> LayerQuery:
    """Return the page that is asked for.

    Raises
    ------
    InputError
        If a value cannot be read.
    """
    given = request.query_params
    limit = read_whole("limit", given.get("limit", str(settings.limit_default)), least=1)
    offset = read_whole("offset", given.get("offset", "0"), least=0)
    return LayerQuery(min(limit, settings.limit_max), offset, _read_box(given.get("bbox")))


def _read_box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise InputError(f"bbox is {text!r}; needed west,south,east,north in degrees")
    return west, south, east, north


def choose_version(request: Request, store: Store, plan_id: str) -> VersionRecord:
    """Return the version that ``version`` or ``datetime`` names, else the last one.

    Raises
    ------
    InputError
        If both are given, or one cannot be read.
    MissingError
        If there is no such version, or none was in force then.
    """
    number, when = (request.query_params.get(name) for name in ("version", "datetime"))
    if number is not None and when is not None:
        raise InputError("found version and datetime, needed one of them")
    chosen = None if number is None else read_whole("version", number, least=1)
    return store.get_version(plan_id, chosen, as_of=None if when is None else to_utc(when))


def to_utc(text: str) -> str:
    """Return a time as the store writes it; a day is its end in UTC, so that it shows what came into force on it.

    Raises
    ------
    InputError
        If it is no RFC 3339 time with its zone, and no day.
    """
    whole = f"{text}T23:59:59.999999Z" if _DAY.fullmatch(text) else text
    try:
        read = datetime.fromisoformat(whole)
        if read.tzinfo is None or len(whole) < len("2000-01-01T00:00:00Z"):
            raise ValueError
        return read.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise InputError(f"datetime is {text!r}; needed a day, or an RFC 3339 time with its zone") from None


def read_seen(request: Request, store: Store, plan_id: str) -> int | None:
    """Return the version that ``seen`` names: the one that the client had before it when it made its edits.

    Raises
    ------
    InputError
        If it is no ETag of a plan.
    HTTPException
        412 if it names no version of this plan.
    """
    given = request.query_params.get("seen")
    if given is None:
        return None
    tag = '"' + given.removeprefix("W/").strip('"') + '"'
    found = _TAG.fullmatch(tag)
    if found is None:
        raise InputError(f"seen is {given!r}; needed the ETag of a plan, as v3-0123456789ab")
    number, head = int(found[1]), store.get_version(plan_id)
    if 1 <= number <= head.version and tag_of(store.get_version(plan_id, number)) == tag:
        return number
    detail = f"seen is {given!r}, which names no version of this plan; the last is {tag_of(head)}"
    raise HTTPException(HTTPStatus.PRECONDITION_FAILED, detail)


def read_flag(request: Request, name: str) -> bool:
    """Return a flag; raises InputError if it is neither true nor false."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise InputError(f"{name} is {text!r}; needed true or false")
    return text == "true"


def find_named(store: Store, head: VersionRecord, tags: Sequence[str]) -> int | None:
    """Return the version before the last that one of the tags names; None if none does."""
    for found in map(_TAG.fullmatch, tags):
        before = int(found[1]) if found else 0
        if 1 <= before < head.version and tag_of(store.get_version(head.plan_id, before)) in tags:
            return before
    return None


def read_base(request: Request, store: Store, plan_id: str) -> int:
    """Return the version that If-Match names.

    Raises
    ------
    HTTPException
        428 if there is no If-Match, 412 if it names no version of this plan.
    StaleError
        If it names one that is no longer the last.
    """
    head = store.get_version(plan_id)
    given = request.headers.get("if-match")
    if given is None:
        raise HTTPException(
            HTTPStatus.PRECONDITION_REQUIRED, "found no If-Match, needed the ETag of the plan as you saw it"
        )
    bare = [part.strip().removeprefix("W/").strip('"') for part in given.split(",")]
    tags = ["*" if one == "*" else f'"{one}"' for one in bare]  # tags that lost their quotes on the way are known too
    if "*" in tags or tag_of(head) in tags:
        return head.version
    before = find_named(store, head, tags)
    if before is not None:
        store.require_head(plan_id, before)
    detail = f"If-Match is {given!r}, which names no version of this plan; the last is {tag_of(head)}"
    raise HTTPException(HTTPStatus.PRECONDITION_FAILED, detail)
