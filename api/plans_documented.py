"""What do the routes of plans answer, and which parameters do they take, as OpenAPI tells it?"""

from typing import Any

from api.openapi import Responses, describe_parameter, tell_busy, tell_model, tell_problems
from api.query import MOST
from api.settings import Settings

IF_MATCH = describe_parameter("If-Match", "ETag of the plan as the client saw it.", {"type": "string"}, required=True)
DRY_RUN = describe_parameter(
    "dry_run", "Tell what would come of it, and change nothing.", {"type": "boolean", "default": False}, where="query"
)

SEEN = describe_parameter(
    "seen",
    "ETag of the version that the client saw. With `If-Match: *` the edits are made on the last version, and refused "
    "(412) where a grid that they name or change was changed since, or they would make other grids than they make of "
    "the version that was seen.",
    {"type": "string"},
    where="query",
)


_REFUSED = {
    400: "Something that was sent is unknown or cannot be done.",
    401: "A token is missing or unknown.",
    403: "The role of the token is too low.",
    404: "There is no such plan, version or layer.",
    503: "The store cannot be used.",
}
_NOT_STEPPED = {409: "The version cannot take this step.", 413: "The body is too large."}
_NOT_WRITTEN = {
    412: "The plan was changed meanwhile; tells by whom, and which grids.",
    428: "If-Match is missing.",
}


def says(model: type, *, written: bool = False, stepped: bool = False) -> Responses:
    """Return what a route answers: a model, of what is written or taken a step further too, or a problem."""
    made: Responses = {201: tell_model(model, "A new version was made.")} if written else {}
    problems = _REFUSED | (_NOT_STEPPED if written or stepped else {}) | (_NOT_WRITTEN if written else {})
    busy = tell_busy("the store cannot be used.") if written or stepped else {}
    return {200: tell_model(model), **made, **tell_problems(problems), **busy}


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
