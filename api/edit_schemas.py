"""Which edits may be sent, as OpenAPI describes them?

One schema for each kind that ``spatial.plan.edit_kinds`` reads, its description that of the kind itself.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any

from pydantic import WithJsonSchema

from spatial.plan.edit_kinds import KINDS

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_PLACE = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_POINTS = {"type": "array", "items": _PLACE, "minItems": 2}
_LINE = {
    "description": "Places [longitude, latitude], as a list or as a LineString (RFC 7946).",
    "oneOf": [
        _POINTS,
        {
            "type": "object",
            "required": ["type", "coordinates"],
            "properties": {"type": {"type": "string", "enum": ["LineString"]}, "coordinates": _POINTS},
        },
    ],
}
_ATTRIBUTE = {"oneOf": [_TEXT, {"type": "number"}, {"type": "boolean"}], "nullable": True}
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "blocks": _TEXTS,
    "to": _TEXT,
    "grid": _TEXT,
    "line": _LINE,
    "parts": {"type": "integer", "minimum": 2},
    "grids": _TEXTS,
    "into": _TEXT,
    "name": _TEXT,
    "purpose": _TEXT,
    "attributes": {"type": "object", "additionalProperties": _ATTRIBUTE},
    "budget_s": {"type": "number", "exclusiveMinimum": 0, "description": "Seconds to search at most."},
}
_ALL_OR_SOME = {"oneOf": [_TEXTS, {"type": "string", "enum": ["all"]}]}
_OF_ALL = ("lock", "unlock")


def describe_edits() -> dict[str, Any]:
    """Return the schema of one edit of any kind."""
    return {"oneOf": [_describe(kind) for kind in KINDS.values()]}


def _describe(kind: type[Any]) -> dict[str, Any]:
    known: tuple[Field[Any], ...] = fields(kind)
    members = {item.name: _member(kind.kind, item) for item in known}
    return {
        "title": kind.kind,
        "description": (kind.__doc__ or "").strip(),
        "type": "object",
        "required": ["kind", *(item.name for item in known if item.default is MISSING)],
        "properties": {"kind": {"type": "string", "enum": [kind.kind]}, **members},
        "additionalProperties": False,
    }


def _member(kind: str, item: "Field[Any]") -> dict[str, Any]:
    if kind in _OF_ALL and item.name == "grids":
        return dict(_ALL_OR_SOME)
    told = dict(_SCHEMAS[item.name])
    return {**told, "nullable": True} if item.default is None else told


EditAsked = Annotated[dict[str, Any], WithJsonSchema(describe_edits())]
"""An edit as it is sent; what is wrong with one is told by who reads it, in a sentence."""
