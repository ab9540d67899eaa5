"""What do the routes of plans answer, and which parameters do they take, as OpenAPI tells it?"""

from typing import Any

from api import schemas
from api.openapi import describe_parameter
from api.query import MOST
from api.settings import Settings

IF_MATCH = describe_parameter("If-Match", "ETag of the plan as the client saw it.", {"type": "string"}, required=True)
DRY_RUN = describe_parameter(
    "dry_run", "Tell what would come of it, and change nothing.", {"type": "boolean", "default": False}, where="query"
)


def says(model: type, *, written: bool = False, stepped: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return what a route answers: a model, of what is written or taken a step further too, or a problem."""
    said: dict[int | str, dict[str, Any]] = {
        200: {"model": model, "description": (model.__doc__ or "").strip()},
        400: _problem("Something that was sent is unknown or cannot be done."),
        404: _problem("There is no such plan, version or layer."),
        401: _problem("A token is missing or unknown."),
        403: _problem("The role of the token is too low."),
        503: _problem("The store cannot be used."),
    }
    if written or stepped:
        said |= {
            409: _problem("The version cannot take this step."),
            413: _problem("The body is too large."),
        }
    if written:
        said |= {
            201: {"model": model, "description": "A new version was made."},
            412: _problem("The plan was changed meanwhile; tells by whom, and which grids."),
            428: _problem("If-Match is missing."),
        }
    return said


def _problem(text: str) -> dict[str, Any]:
    return {"model": schemas.Problem, "description": text}


def layer_parameters(settings: Settings) -> list[dict[str, Any]]:
    """Return the query parameters of a page of a layer."""
    whole = {"type": "integer", "minimum": 0, "maximum": MOST, "default": 0}
    limit = {"type": "integer", "minimum": 1, "maximum": settings.limit_max, "default": settings.limit_default}
    box = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    named: list[tuple[str, str, dict[str, Any]]] = [
        ("version", "Number of the version; else the last one.", {"type": "integer", "minimum": 1}),
        ("datetime", "A time: the version that was in force then.", {"type": "string"}),
        ("limit", "Most features on a page.", limit),
        ("offset", "Features to leave out before the first.", whole),
        ("bbox", "Only features that meet west,south,east,north.", box),
    ]
    return [
        describe_parameter(name, text, schema, where="query") | {"style": "form", "explode": False}
        for name, text, schema in named
    ]
