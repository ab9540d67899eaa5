"""Which edits are there? One frozen value each, and how it is written on the wire."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Literal

import shapely

from spatial.crs import to_lonlat, to_metres
from spatial.errors import EditError

Ids = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoveBlocks:
    """Put blocks into another grid; a grid never loses its last block so."""

    kind: ClassVar[str] = "move_blocks"
    blocks: Ids
    to: str


@dataclass(frozen=True, slots=True)
class SplitAlong:
    """Split a grid in two along a line (metres); each block goes to the side where most of its area lies."""

    kind: ClassVar[str] = "split_along"
    grid: str
    line: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Split a grid by the engine into ``parts``; None: as many as its households make at the target, 2 at least."""

    kind: ClassVar[str] = "split"
    grid: str
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """Unite grids into one of them: the one named, else that with most households."""

    kind: ClassVar[str] = "merge"
    grids: Ids
    into: str | None = None


@dataclass(frozen=True, slots=True)
class CreateDedicated:
    """Make a dedicated grid (专属网格) of blocks; ``purpose`` says for what: market, school, park ..."""

    kind: ClassVar[str] = "create_dedicated"
    blocks: Ids
    name: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Retire:
    """Take a grid away: each block goes to the neighbouring grid with which it shares the longest border."""

    kind: ClassVar[str] = "retire"
    grid: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Give a grid another name."""

    kind: ClassVar[str] = "rename"
    grid: str
    name: str


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """Set attributes of a grid; others stay, and None takes one away."""

    kind: ClassVar[str] = "set_attributes"
    grid: str
    attributes: Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Lock:
    """Lock grids, or all of them: they neither lose nor gain blocks."""

    kind: ClassVar[str] = "lock"
    grids: Ids | Literal["all"]


@dataclass(frozen=True, slots=True)
class Unlock:
    """Unlock grids, or all of them."""

    kind: ClassVar[str] = "unlock"
    grids: Ids | Literal["all"]


@dataclass(frozen=True, slots=True)
class Redivide:
    """Divide the land of some grids anew by the engine; all others keep every block."""

    kind: ClassVar[str] = "redivide"
    grids: Ids
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """Make grids contiguous with the fewest households moved; None: all that are not."""

    kind: ClassVar[str] = "repair"
    grids: Ids | None = None


Edit = (
    MoveBlocks
    | SplitAlong
    | Split
    | Merge
    | CreateDedicated
    | Retire
    | Rename
    | SetAttributes
    | Lock
    | Unlock
    | Redivide
    | Repair
)

KINDS: Mapping[str, type[Any]] = {
    kind.kind: kind
    for kind in (
        MoveBlocks, SplitAlong, Split, Merge, CreateDedicated, Retire,
        Rename, SetAttributes, Lock, Unlock, Redivide, Repair,
    )
}  # fmt: skip
"""Name on the wire -> edit."""


def edit_to_dict(edit: Edit, crs: Any) -> dict[str, Any]:
    """Return the edit, ready for JSON; its line in longitude and latitude. What is None is left out."""
    document: dict[str, Any] = {"kind": edit.kind}
    for item in fields(edit):
        value = getattr(edit, item.name)
        if value is None:
            continue
        if item.name == "line":
            lonlat = to_lonlat(shapely.LineString(value), crs)
            value = [[float(x), float(y)] for x, y in shapely.get_coordinates(lonlat)]
        document[item.name] = list(value) if isinstance(value, tuple) else value
    return document


def edit_from_dict(document: Mapping[str, Any], crs: Any) -> Edit:
    """Return the edit that a document tells, its line turned into metres.

    Raises
    ------
    EditError
        If the kind or a key is unknown, a key is missing, or a value is of another kind than needed.
    """
    if not isinstance(document, Mapping):
        raise EditError(f"edit: found {document!r}, needed an object with a kind")
    name = document.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise EditError(f"edit: found the kind {name!r}, needed one of {', '.join(KINDS)}")
    known = {item.name: item for item in fields(kind)}
    strange = sorted(str(key) for key in document if key != "kind" and key not in known)
    if strange:
        raise EditError(f"{name}: found {strange[0]!r}, needed only {', '.join(known)}")
    values = {key: _READ[key](f"{name}.{key}", document[key]) for key in known if document.get(key) is not None}
    if "line" in values:
        values["line"] = _to_metres(values["line"], crs)
    required = [key for key, item in known.items() if key not in values and item.default is MISSING]
    if required:
        raise EditError(f"{name}: found no {required[0]!r}, needed it")
    edit: Edit = kind(**values)
    return edit


def _to_metres(line: tuple[tuple[float, float], ...], crs: Any) -> tuple[tuple[float, float], ...]:
    xy = shapely.get_coordinates(to_metres(shapely.LineString(line), crs))
    return tuple((float(x), float(y)) for x, y in xy)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise EditError(f"{where}: found {value!r}, needed a text")
    return value


def _texts(where: str, value: Any) -> Ids:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise EditError(f"{where}: found {value!r}, needed a list of texts")
    return tuple(sorted({_text(where, one) for one in value}))


def _grids(where: str, value: Any) -> Ids | str:
    return "all" if value == "all" and where.startswith(("lock.", "unlock.")) else _texts(where, value)


def _parts(where: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 2:
        raise EditError(f"{where}: found {value!r}, needed a whole number of 2 or more")
    return value


def _seconds(where: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise EditError(f"{where}: found {value!r}, needed seconds above 0")
    return float(value)


def _attributes(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise EditError(f"{where}: found {value!r}, needed an object with named attributes")
    return dict(value)


def _line(where: str, value: Any) -> tuple[tuple[float, float], ...]:
    points = value.get("coordinates") if isinstance(value, Mapping) and value.get("type") == "LineString" else value
    if not isinstance(points, list | tuple) or len(points) < 2 or not all(_is_lonlat(one) for one in points):
        raise EditError(f"{where}: found {value!r}, needed two or more pairs of longitude and latitude")
    return tuple((float(one[0]), float(one[1])) for one in points)


def _is_lonlat(value: Any) -> bool:
    numbers = isinstance(value, list | tuple) and len(value) >= 2
    plain = numbers and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value[:2])
    return plain and -180 <= value[0] <= 180 and -90 <= value[1] <= 90


_READ: Mapping[str, Callable[[str, Any], Any]] = {
    "blocks": _texts,
    "to": _text,
    "grid": _text,
    "line": _line,
    "parts": _parts,
    "grids": _grids,
    "into": _text,
    "name": _text,
    "purpose": _text,
    "attributes": _attributes,
    "budget_s": _seconds,
}
