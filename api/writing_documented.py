"""What do writes of features take and answer, as OpenAPI describes it?"""

from typing import Any

from api import schemas
from api.answers import GEOJSON
from api.openapi import Responses, describe_parameter, tell_busy, tell_model, tell_problems

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
    400: "A parameter is unknown or cannot be read.",
    401: "A token is missing or unknown.",
    403: "The role of the token is too low.",
    404: "There is no such layer or feature.",
    405: "The collection is not written to.",
    409: "The grid cannot take this change.",
    412: "The grid or the plan is not as If-Match names it.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    428: "If-Match is missing.",
    503: "The store cannot be used.",
}


def says_write(status: int, description: str) -> Responses:
    """Return what every write answers; ``status`` with the grid as GeoJSON, 0 is none."""
    made: Responses = {status: {**tell_model(schemas.Feature, description), "content": {GEOJSON: {}}}} if status else {}
    return {**made, **problems(400, 401, 403, 404, 405, 412, 428, 503)}


def problems(*codes: int) -> Responses:
    """Return how these statuses are told; what takes a body, which may be too large, may find no room for it either."""
    busy = tell_busy("the store cannot be used.") if 413 in codes else {}
    return {**tell_problems({code: _TOLD[code] for code in codes}), **busy}
