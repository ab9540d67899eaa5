"""Which features does a CQL2 expression choose (OGC 21-065r2, text and JSON)?

An expression is read by ``cql2`` and evaluated over whole columns. What is compared with a missing value is neither
true nor false, as in SQL; a feature is chosen where the expression is true.
"""

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import cql2
import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from api.filter_words import tell_unread_json, tell_unread_text
from api.filter_work import MOST_WORK, measure_work
from api.layers import LoadedLayer, Rows
from spatial.crs import CRS84, NamedSystem, from_named
from spatial.errors import InputError

Language = Literal["cql2-text", "cql2-json"]
Bools = NDArray[np.bool_]
GEOMETRY = ("geometry", "geom")
"""Names under which an expression finds the geometry."""

_MOST_CHARACTERS = 20_000
_MOST_DEPTH = 64
_MOST_NESTING = 300
_NESTING = re.compile(r"[(\[{=]|\bnot\b|-(?!\d)", re.IGNORECASE)
"""What may make an expression deeper. The reader is recursive and has no limit of its own: some thousands of these end
the process, so their number is held before it reads."""
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_SUMS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "^": np.power,
    "div": lambda left, right: np.trunc(np.divide(left, right)),
}  # fmt: skip
_RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "s_intersects": shapely.intersects, "s_disjoint": shapely.disjoint, "s_within": shapely.within,
    "s_contains": shapely.contains, "s_equals": shapely.equals, "s_touches": shapely.touches,
    "s_overlaps": shapely.overlaps, "s_crosses": shapely.crosses,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """Where an expression is true, and where it is neither true nor false."""

    true: Bools
    unknown: Bools


@dataclass(frozen=True, slots=True)
class Value:
    """A value per feature, or one for all, and where it is missing."""

    kind: str
    values: Any
    missing: Bools


@dataclass(frozen=True, slots=True)
class Over:
    """What an expression is evaluated over: a layer, and the system of the places in the expression."""

    layer: LoadedLayer
    system: NamedSystem


def read_filter(text: str, language: Language) -> Any:
    """Return an expression as CQL2 JSON.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"filter has {len(text):,} characters; needed at most {_MOST_CHARACTERS:,}")
    if language == "cql2-text" and len(_NESTING.findall(text)) > _MOST_NESTING:
        raise InputError(
            f"filter has more than {_MOST_NESTING} brackets, signs and NOTs; needed fewer, IN takes a list"
        )
    if language == "cql2-text" and measure_work(text) > MOST_WORK:
        raise InputError("filter has too many brackets within brackets; needed fewer, or a shorter text in them")
    try:
        read: Any = cql2.parse_text(text) if language == "cql2-text" else cql2.parse_json(text)
        document = read.to_json()
    except (cql2.ParseError, cql2.ValidationError, ValueError) as error:
        tell = tell_unread_text if language == "cql2-text" else tell_unread_json
        raise InputError(tell(text, str(error))) from error
    if _depth(document) > _MOST_DEPTH:
        raise InputError(f"filter is nested more than {_MOST_DEPTH} deep; needed a plainer one")
    return document


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _depth(document: Any) -> int:
    """Return how deep an expression is nested, without recursion: it may be very deep."""
    deepest, open_nodes = 0, [(document, 1)]
    while open_nodes:
        node, depth = open_nodes.pop()
        deepest = max(deepest, depth)
        parts = node.get("args", []) if isinstance(node, dict) else node if isinstance(node, list) else []
        open_nodes += [(part, depth + 1) for part in parts]
    return deepest


def choose_rows(layer: LoadedLayer, document: Any, system: NamedSystem = CRS84) -> Rows:
    """Return the rows, in order, for which an expression is true.

    Raises
    ------
    InputError
        If it names a property that the layer has not, compares what cannot be compared, or uses what is not known here.
    """
    try:
        return np.flatnonzero(_truth(document, Over(layer, system)).true)
    except shapely.errors.GEOSException as error:
        raise InputError(
            "filter has a geometry that cannot be compared with those of the layer; needed one whose rings are closed "
            "and do not cross themselves"
        ) from error


def _truth(node: Any, over: Over) -> Truth:
    """Return where a predicate holds."""
    if isinstance(node, bool):
        return _decided(np.full(len(over.layer.features), node))
    if isinstance(node, dict) and "property" in node:
        value = _value(node, over)
        if value.kind != "boolean":
            raise InputError(f"filter uses {node['property']!r} as true or false; it is of type {value.kind}")
        return Truth(value.values & ~value.missing, value.missing)
    if not isinstance(node, dict) or not isinstance(node.get("args"), list):
        raise InputError(f"filter has {_shown(node)} where it needs a condition")
    op, args = str(node.get("op", "")).lower(), node["args"]
    if op in ("and", "or"):
        return _join(op, [_truth(part, over) for part in args])
    if op == "not":
        (inner,) = (_truth(part, over) for part in _count(op, args, 1))
        return Truth(~inner.true & ~inner.unknown, inner.unknown)
    if op in _RELATIONS:
        left, right = (_place(part, over) for part in _count(op, args, 2))
        unknown = _rows(shapely.is_missing(left) | shapely.is_missing(right), over)
        return Truth(_rows(_RELATIONS[op](left, right), over) & ~unknown, unknown)
    if op == "isnull":
        (part,) = _count(op, args, 1)
        return _decided(_missing(part, over))
    return _compare(op, args, over)


def _compare(op: str, args: list[Any], over: Over) -> Truth:
    if op in _COMPARISONS:
        left, right = (_value(part, over) for part in _count(op, args, 2))
        return _held(_COMPARISONS[op], left, right, op)
    if op == "between":
        middle, low, high = (_value(part, over) for part in _count(op, args, 3))
        return _join("and", [_held(operator.ge, middle, low, op), _held(operator.le, middle, high, op)])
    if op == "in":
        needle, others = _count(op, args, 2)
        if not isinstance(others, list) or not others:
            raise InputError("filter: IN needs a list of values")
        sought = _value(needle, over)
        return _join("or", [_held(operator.eq, sought, _value(one, over), op) for one in others])
    if op == "like":
        value, pattern = (_value(part, over) for part in _count(op, args, 2))
        if value.kind != "string" or pattern.kind != "string" or pattern.values.ndim:
            raise InputError("filter: LIKE needs a text property and a pattern")
        match = _pattern(str(pattern.values[()])).fullmatch
        texts = np.atleast_1d(value.values)
        found = np.fromiter((match(text) is not None for text in texts), dtype=bool, count=len(texts))
        unknown = _rows(value.missing, over)
        return Truth(_rows(found if value.values.ndim else found[0], over) & ~unknown, unknown)
    raise InputError(f"filter uses {op!r}, which is not known here")


def _held(compare: Callable[[Any, Any], Any], left: Value, right: Value, op: str) -> Truth:
    if left.kind != right.kind:
        raise InputError(f"filter compares a {left.kind} with a {right.kind} ({op}); needed two of one type")
    missing = left.missing | right.missing
    held = np.asarray(compare(left.values, right.values), dtype=bool)
    held, missing = np.broadcast_arrays(held, missing)
    return Truth(held & ~missing, missing)


def _join(op: str, parts: list[Truth]) -> Truth:
    """Return the conjunction or disjunction of parts, in the logic of three values."""
    if not parts:
        raise InputError(f"filter: {op} needs conditions")
    true, unknown = parts[0].true, parts[0].unknown
    for part in parts[1:]:
        false = (~true & ~unknown, ~part.true & ~part.unknown)
        if op == "and":
            true = true & part.true
            unknown = ~true & ~(false[0] | false[1])
        else:
            true = true | part.true
            unknown = ~true & ~(false[0] & false[1])
    return Truth(true, unknown)


def _value(node: Any, over: Over) -> Value:
    """Return what a scalar expression is worth for every feature."""
    if isinstance(node, bool | int | float | str):
        kind = "boolean" if isinstance(node, bool) else "string" if isinstance(node, str) else "number"
        held = np.array(node, dtype=object if kind == "string" else None)
        return Value(kind, held, np.zeros(len(over.layer.features), dtype=bool))
    if not isinstance(node, dict):
        raise InputError(f"filter has {_shown(node)} where it needs a value")
    if "property" in node:
        column = over.layer.columns.get(str(node["property"]))
        if column is None or column.kind == "other":
            known = ", ".join(name for name, one in over.layer.columns.items() if one.kind != "other")
            raise InputError(f"filter names {node['property']!r}; layer {over.layer.name} can be asked for {known}")
        return Value("number" if column.kind == "integer" else column.kind, column.values, column.missing)
    op, args = str(node.get("op", "")).lower(), node.get("args")
    if not isinstance(args, list):
        raise InputError(f"filter has {_shown(node)}, which no property of a plan can be compared with")
    if op in ("casei", "accenti"):
        (text,) = (_value(part, over) for part in _count(op, args, 1))
        if text.kind != "string":
            raise InputError(f"filter: {op} needs a text")
        fold = str.casefold if op == "casei" else _without_accents
        return Value("string", np.frompyfunc(fold, 1, 1)(text.values), text.missing)
    if op in _SUMS:
        left, right = (_value(part, over) for part in _count(op, args, 2))
        if (left.kind, right.kind) != ("number", "number"):
            raise InputError(f"filter: {op} needs two numbers")
        with np.errstate(all="ignore"):  # what has no value, such as a division by zero, counts as missing
            result = np.asarray(_SUMS[op](left.values, right.values), dtype=np.float64)
        return Value("number", result, left.missing | right.missing | ~np.isfinite(result))
    raise InputError(f"filter uses {op!r}, which is not known here")


def _missing(node: Any, over: Over) -> Bools:
    if isinstance(node, dict) and node.get("property") in GEOMETRY:
        return _rows(shapely.is_missing(over.layer.geometry), over)
    if isinstance(node, dict) and "property" in node and node["property"] in over.layer.columns:
        return over.layer.columns[node["property"]].missing
    return _value(node, over).missing


def _place(node: Any, over: Over) -> Any:
    """Return the geometry that a spatial expression speaks of: that of the features, or one that is given."""
    if isinstance(node, dict) and "property" in node:
        if node["property"] not in GEOMETRY:
            raise InputError(f"filter asks where {node['property']!r} is; the geometry is called {GEOMETRY[0]!r}")
        return over.layer.geometry
    try:
        if isinstance(node, dict) and "bbox" in node:
            corners = [float(number) for number in node["bbox"]]
            given = shapely.box(*(corners if len(corners) == 4 else [corners[i] for i in (0, 1, 3, 4)]))
        else:
            given = shapely.from_geojson(orjson.dumps(node).decode())
    except (shapely.errors.GEOSException, TypeError, ValueError, IndexError) as error:
        raise InputError(f"filter has {_shown(node)} where it needs a geometry") from error
    if given is None or not np.isfinite(shapely.get_coordinates(given)).all():
        raise InputError(f"filter has {_shown(node)} where it needs a geometry")
    placed = from_named(given, over.system)
    shapely.prepare(placed)
    return placed


def _pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of LIKE: ``%`` is any text, ``_`` one character, a backslash takes the next as it stands."""
    parts = re.findall(r"\\.|%|_|[^\\%_]+|\\", text, re.DOTALL)
    told = {"%": ".*", "_": "."}
    return re.compile("".join(told.get(p) or re.escape(p[1:] if p[:1] == "\\" and p[1:] else p) for p in parts), re.S)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _rows(flags: Any, over: Over) -> Bools:
    return np.broadcast_to(np.asarray(flags, dtype=bool), len(over.layer.features))


def _decided(true: Bools) -> Truth:
    return Truth(true, np.zeros(len(true), dtype=bool))


def _count(op: str, args: list[Any], needed: int) -> list[Any]:
    if len(args) != needed:
        raise InputError(f"filter: {op} has {len(args)} arguments, needed {needed}")
    return args


def _shown(node: Any) -> str:
    return _one_line(orjson.dumps(node).decode())[:80]
