"""What does the server do, as an OpenAPI 3.0 document? (OGC API asks for 3.0, models are described in 3.1.)"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import schemas
from api.answers import JSON
from api.errors import PROBLEM
from api.query import MOST
from api.settings import Settings

VERSION = "3.0.3"
_OF_3_1 = ("contentEncoding", "contentMediaType")
"""Words of schemas that 3.0 knows nothing like; ``format: byte`` says most of it."""
_SCHEMAS = "#/components/schemas/"


def describe_parameter(
    name: str, text: str, schema: Mapping[str, Any], *, where: str = "header", required: bool = False
) -> dict[str, Any]:
    """Return a parameter that a route reads from the request itself."""
    return {"name": name, "in": where, "required": required, "description": text, "schema": dict(schema)}


Responses = dict[int | str, dict[str, Any]]


def tell_model(model: type, description: str = "") -> dict[str, Any]:
    """Return how an answer that is a model is told: in words of its own, else in those of the model."""
    return {"model": model, "description": description or (model.__doc__ or "").strip()}


def tell_problems(told: Mapping[int, str]) -> Responses:
    """Return how problems are told: by status, in which case it comes.

    They are named by where the document keeps them: FastAPI would make a model of its own for each that is handed one,
    which is half of what it takes to begin to serve.
    """
    place = {"$ref": _SCHEMAS + schemas.Problem.__name__}
    return {status: {"description": text, "content": {PROBLEM: {"schema": place}}} for status, text in told.items()}


def tell_busy(also: str = "") -> Responses:
    """Return how it is told that there is no room for a body now, or no more time for it.

    ``also`` is in which other case there is no room.
    """
    text = "What all clients send together is more than the server holds; Retry-After tells when to send again."
    seconds = {"description": "Seconds after which it is worth sending again.", "schema": {"type": "integer"}}
    late = "The body did not come in within the time that the server gives it."
    told = tell_problems({408: late, 503: f"{text} Or: {also}" if also else text})
    told[503]["headers"] = {"Retry-After": seconds}
    return told


def says(model: type, *, missing: bool = False, kind: str = JSON, also: str | tuple[str, ...] = ()) -> Responses:
    """Return what a GET answers: a model, or what the client has already, or a problem.

    ``kind`` is the media type of the model, ``also`` are further ones, of text. With ``missing`` there may be nothing.
    """
    more = {name: {"schema": {"type": "string"}} for name in ((also,) if isinstance(also, str) else also)}
    first: dict[str, Any] = {} if kind == JSON else {kind: {}}
    problems = {400: "A parameter is unknown or cannot be read."}
    problems |= {404: "There is no such layer, feature or tile."} if missing else {}
    return {
        200: {**tell_model(model), "content": {**first, **more}},
        304: {"description": "The client has this version already."},
        **tell_problems(problems),
    }


def parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a query parameter that may be left out; lists are written with commas."""
    told = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    return {**told, "style": "form", "explode": False}


def system_parameter(name: str, description: str) -> dict[str, Any]:
    """Return a query parameter that names a system."""
    return parameter(name, f"{description} One of those the collection lists.", {"type": "string", "format": "uri"})


def time_parameter() -> dict[str, Any]:
    """Return the query parameter that names the time of which a plan of a store is wanted; a folder has no other."""
    text = (
        "RFC 3339 instant or interval: a plan of a store as it was in force then, last of all; a folder has one plan."
    )
    return parameter("datetime", text, {"type": "string"})


def form_parameter(*forms: str) -> dict[str, Any]:
    """Return the query parameter that names the form of the answer, in place of the Accept header."""
    return parameter("f", "Form of the answer, in place of the Accept header.", {"type": "string", "enum": [*forms]})


def items_parameters(settings: Settings) -> list[dict[str, Any]]:
    """Return the query parameters of a page of features."""
    whole = {"type": "integer", "minimum": 0, "maximum": MOST, "default": 0}
    limit = {"type": "integer", "minimum": 1, "maximum": settings.limit_max, "default": settings.limit_default}
    box = {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    }
    languages = {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}
    return [
        parameter("limit", "Most features on a page.", limit),
        parameter("offset", "Features to leave out before the first.", whole),
        parameter("bbox", "Only features that meet west,south,east,north.", box),
        system_parameter("bbox-crs", "System of the box."),
        system_parameter("crs", "System of the geometries that are sent."),
        parameter("datetime", "Features have no time: every one matches.", {"type": "string"}),
        parameter("filter", "Only features for which this CQL2 expression is true.", {"type": "string"}),
        parameter("filter-lang", "Language of the filter.", languages),
        system_parameter("filter-crs", "System of the places in the filter."),
        form_parameter("geojson", "json", "jsonseq", "html"),
    ]


def describe_when_asked(app: FastAPI) -> Callable[[], bytes]:
    """Return a function that gives the OpenAPI document of an application as JSON.

    It is made when it is first asked for: to make it takes longer than all else of a server that starts.
    """
    return cache(lambda: orjson.dumps(build_openapi(app)))


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.0 document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=VERSION,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    named = document["components"]["schemas"]
    named["Problem"] = schemas.Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
    document["components"]["schemas"] = dict(sorted(named.items()))
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # every error of a parameter is a 400
    lowered: dict[str, Any] = _lower(document)
    return lowered


def _lower(node: Any) -> Any:
    """Return a part of a 3.1 document in the words of 3.0."""
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_lower(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    out = {key: _lower(value) for key, value in node.items() if not (key in _OF_3_1 and "type" in node)}
    if isinstance(out.get("anyOf"), list) and {"type": "null"} in out["anyOf"]:
        rest = [option for option in out.pop("anyOf") if option != {"type": "null"}]
        out |= {"nullable": True, **(rest[0] if len(rest) == 1 and "$ref" not in rest[0] else {"anyOf": rest})}
    for side in ("minimum", "maximum"):
        bound = out.get(exclusive := f"exclusive{side.title()}")
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            out |= {side: bound, exclusive: True}
    if "const" in out and "type" in out:
        out["enum"] = [out.pop("const")]
    return out
