"""What do writes of features take and answer, as OpenAPI describes it?"""

from typing import Any

from api import schemas
from api.answers import GEOJSON
from api.openapi import describe_parameter, says

MERGE_PATCH = "application/merge-patch+json"
IF_MATCH = describe_parameter(
    "If-Match",
    "ETag of the grid, or of the plan, as the client saw it; * is whatever it is now.",
    {"type": "string"},
    required=True,
)
_CONTENT_CRS = describe_parameter(
    "Content-Crs",
    "System of the geometry, in angle brackets: one of those the collection lists; else CRS84.",
    {"type": "string"},
)
_WRITTEN = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"type": "string"},
        "geometry": {"type": "object"},
        "properties": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "nullable": True},
                "locked": {"type": "boolean"},
                "attributes": {"type": "object", "nullable": True},
                "purpose": {"type": "string", "nullable": True},
            },
        },
    },
}


def takes(kinds: tuple[str, ...]) -> dict[str, Any]:
    """Return what a write takes, its body in one of several media types."""
    body = {"required": True, "content": {kind: {"schema": _WRITTEN} for kind in kinds}}
    return {"parameters": [IF_MATCH, _CONTENT_CRS], "requestBody": body}


_TOLD = {
    401: "A token is missing or unknown.",
    403: "The role of the token is too low.",
    405: "The collection is not written to.",
    409: "The grid cannot take this change.",
    412: "The grid or the plan is not as If-Match names it.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    428: "If-Match is missing.",
    503: "The store cannot be used.",
}


def says_write(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    """Return what every write answers; ``status`` with the grid as GeoJSON, 0 is none."""
    read = says(schemas.Feature, missing=True, kind=GEOJSON)
    made: dict[int | str, dict[str, Any]] = {}
    if status:
        made = {status: {"model": schemas.Feature, "description": description, "content": {GEOJSON: {}}}}
    return {**made, **{code: read[code] for code in (400, 404)}, **problems(401, 403, 405, 412, 428, 503)}


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return how these statuses are told."""
    missing = {404: says(schemas.Problem, missing=True)[404]}
    return {code: missing.get(code) or {"model": schemas.Problem, "description": _TOLD[code]} for code in codes}
