"""What does a client ask for: the query parameters of a feed, checked strictly?"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import Request

from api.filters import choose_rows, read_filter
from api.layers import Box, LoadedLayer, Rows
from api.settings import Settings
from spatial.crs import CRS84, NamedSystem, find_system
from spatial.errors import InputError

_DAY = r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?"
_DATETIME = re.compile(rf"{_DAY}|({_DAY}|\.\.)?/({_DAY}|\.\.)?", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
MOST = 999_999_999_999
"""The largest whole number that a parameter may be."""
Systems = dict[str, NamedSystem]


@dataclass(frozen=True, slots=True)
class ItemsQuery:
    """A page of a feed: at most ``limit`` features from the ``offset``-th on, of those that meet box and filter.

    ``limit_given`` tells whether the client named the limit; ``expression`` is CQL2 JSON.
    """

    limit: int
    limit_given: bool
    offset: int
    bbox: Box | None
    bbox_system: NamedSystem
    system: NamedSystem
    expression: Any
    filter_system: NamedSystem

    def choose(self, layer: LoadedLayer) -> Rows:
        """Return all rows of a layer that meet box and filter, in order."""
        found = layer.find(self.bbox, self.bbox_system)
        if self.expression is None:
            return found
        chosen = choose_rows(layer, self.expression, self.filter_system)
        return chosen if self.bbox is None else np.intersect1d(found, chosen, assume_unique=True)


def accept_only(*names: str) -> Callable[[Request], None]:
    """Return a dependency that refuses query parameters other than these."""

    def check(request: Request) -> None:
        """Refuse a parameter that is unknown or stands twice."""
        for name in request.query_params:
            if name not in names:
                known = f"known are {', '.join(names)}" if names else "this address takes none"
                raise InputError(f"unknown query parameter {name!r}; {known}")
            if len(request.query_params.getlist(name)) > 1:
                raise InputError(f"query parameter {name!r} stands more than once; needed one")

    return check


ITEMS_PARAMETERS = (
    "limit", "offset", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs", "f",
)  # fmt: skip


def read_items_query(request: Request, settings: Settings, systems: Systems) -> ItemsQuery:
    """Return what a client asks of a feed; features have no time, so ``datetime`` is checked and matches all.

    Raises
    ------
    InputError
        If a value cannot be read.
    """
    given = request.query_params
    limit = read_whole("limit", given.get("limit", str(settings.limit_default)), least=1)
    when = given.get("datetime")
    if when is not None and not _DATETIME.fullmatch(when):
        raise InputError(f"datetime is {when!r}; needed an RFC 3339 instant or an interval start/end")
    bbox_system = read_system(given, "bbox-crs", systems)
    return ItemsQuery(
        limit=min(limit, settings.limit_max),
        limit_given="limit" in given,
        offset=read_whole("offset", given.get("offset", "0"), least=0),
        bbox=_read_bbox(given.get("bbox"), bbox_system),
        bbox_system=bbox_system,
        system=read_system(given, "crs", systems),
        expression=_read_expression(given),
        filter_system=read_system(given, "filter-crs", systems),
    )


def read_system(given: Mapping[str, str], name: str, systems: Systems) -> NamedSystem:
    """Return the system that a query parameter names; CRS84 where it is not given.

    Raises
    ------
    InputError
        If it is none of these systems.
    """
    return find_system(given[name], systems, name) if name in given else CRS84


def read_degrees(given: Mapping[str, str], name: str, most: float) -> float:
    """Return a longitude or latitude.

    Raises
    ------
    InputError
        If it is missing, no number, or beyond ``most`` degrees.
    """
    text = given.get(name, "")
    if not _NUMBER.fullmatch(text) or not abs(float(text)) <= most:
        raise InputError(f"{name} is {text!r}; needed degrees from -{most:g} to {most:g}")
    return float(text)


def read_floor(given: Mapping[str, str], most: int) -> int | None:
    """Return the floor that a query names, None where it names none; raises InputError if it is no floor."""
    text = given.get("floor")
    if text is None:
        return None
    if not re.fullmatch(r"-?[1-9]\d{0,3}", text, re.ASCII) or abs(int(text)) > most:
        raise InputError(f"floor is {text!r}; needed a whole number to {most}: 1 is on the ground, -1 the first below")
    return int(text)


def _read_expression(given: Mapping[str, str]) -> Any:
    language = given.get("filter-lang", "cql2-text")
    match language:
        case "cql2-text" | "cql2-json":
            return read_filter(given["filter"], language) if "filter" in given else None
    raise InputError(f"filter-lang is {language!r}; needed cql2-text or cql2-json")


def read_whole(name: str, text: str, *, least: int) -> int:
    """Return a whole number; raises InputError if the text is none, a smaller one, or one beyond all use."""
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or int(text) < least:
        raise InputError(f"{name} is {text!r}; needed a whole number from {least} to {MOST:,}")
    return int(text)


def _read_bbox(text: str | None, system: NamedSystem) -> Box | None:
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 6:  # heights stand third and sixth; plans have none
        numbers = [numbers[i] for i in (0, 1, 3, 4)]
    if len(numbers) != 4 or not all(abs(n) < 1e9 for n in numbers):
        raise InputError(f"bbox is {text!r}; needed west,south,east,north, in degrees unless bbox-crs says otherwise")
    if system.swapped:
        numbers = [numbers[i] for i in (1, 0, 3, 2)]
    west, south, east, north = numbers
    if south > north or (west > east and not system.crs.is_geographic):
        raise InputError(f"bbox is {text!r}; its first corner lies north or east of its second")
    return west, south, east, north
