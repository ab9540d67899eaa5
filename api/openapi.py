"""What does the server do, as an OpenAPI 3.0 document? (OGC API asks for 3.0, models are described in 3.1.)"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.errors import PROBLEM

VERSION = "3.0.3"


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
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # every error of a parameter is a 400
            for status, told in operation["responses"].items():
                if status >= "400" and "content" in told:
                    told["content"] = {PROBLEM: next(iter(told["content"].values()))}
    lowered: dict[str, Any] = _lower(document)
    return lowered


def _lower(node: Any) -> Any:
    """Return a part of a 3.1 document in the words of 3.0."""
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_lower(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    out = {key: _lower(value) for key, value in node.items()}
    if isinstance(out.get("anyOf"), list) and {"type": "null"} in out["anyOf"]:
        rest = [option for option in out.pop("anyOf") if option != {"type": "null"}]
        out |= {"nullable": True, **(rest[0] if len(rest) == 1 and "$ref" not in rest[0] else {"anyOf": rest})}
    if "const" in out and "type" in out:
        out["enum"] = [out.pop("const")]
    return out
