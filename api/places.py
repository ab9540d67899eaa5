"""Which places does a client ask for, by the million?

A batch is read as columns: a model for each place would take longer than to find all of their grids.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
from fastapi.exceptions import RequestValidationError
from numpy.typing import NDArray
from pydantic import ValidationError

from api.schemas import PlacesAsked
from spatial.crs import CoordType
from spatial.errors import InputError

_MOST_DEGREES = 180.0
_MEMBERS = {"points", "coords", "floors"}


@dataclass(frozen=True, slots=True)
class Batch:
    """Places as longitude and latitude in coordinates of a kind, and the floor of each, NaN where it is not known."""

    lonlat: NDArray[np.float64]
    coords: CoordType
    floors: NDArray[np.float64] | None


def read_batch(content: bytes, *, most: int) -> Batch:
    """Return the places that a body holds.

    Raises
    ------
    InputError
        If it is no JSON, or holds more than ``most`` places, or not one floor for each.
    RequestValidationError
        If it is not as ``PlacesAsked`` says.
    """
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is no JSON: {error}") from error
    points = document.get("points") if isinstance(document, dict) else None
    if isinstance(points, list) and len(points) > most:
        raise InputError(f"found {len(points):,} points, needed at most {most:,}; send them in parts")
    if not isinstance(points, list) or not document.keys() <= _MEMBERS or not _are_pairs(points):
        raise _refusal(document)
    flat = [*chain.from_iterable(points)]
    if not set(map(type, flat)) <= {int, float}:
        raise _refusal(document)
    lonlat = np.fromiter(flat, dtype=np.float64, count=len(flat)).reshape(-1, 2)
    if not (np.abs(lonlat) <= _MOST_DEGREES).all():
        raise _refusal(document)
    asked = _check({**document, "points": []})
    return Batch(lonlat, asked.coords, None if asked.floors is None else _read_floors(asked.floors, len(points)))


def _are_pairs(points: list[Any]) -> bool:
    return set(map(type, points)) <= {list} and set(map(len, points)) <= {2}


def _read_floors(floors: list[int | None], count: int) -> NDArray[np.float64]:
    if len(floors) != count:
        raise InputError(f"found {len(floors):,} floors for {count:,} points, needed one for each, null if not known")
    found = np.array([np.nan if floor is None else floor for floor in floors], dtype=np.float64)
    if (found == 0).any():
        raise InputError(f"floors[{int(np.argmax(found == 0))}] is 0; 1 is the floor on the ground, -1 the first below")
    return found


def _check(document: Any) -> PlacesAsked:
    """Return what was asked for, checked member by member."""
    try:
        return PlacesAsked.model_validate(document, strict=True)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def _refusal(document: Any) -> Exception:
    """Return the error that tells which place, of many, is not as it should be."""
    if isinstance(document, dict):  # one member that is not known is enough: there may be millions
        strange = [name for name in document if name not in _MEMBERS]
        document = {name: document[name] for name in (*(_MEMBERS & document.keys()), *strange[:1])}
    try:
        _check(document)
    except RequestValidationError as error:
        return error
    return InputError("the body has a place that cannot be read")  # such as a number of more digits than any has
