"""How is an answer sent: its type, its links, its version, and not at all when the client has it already?"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response

from api.settings import Settings
from spatial.errors import InputError

JSON = "application/json"
GEOJSON = "application/geo+json"
GEOJSON_SEQ = "application/geo+json-seq"
HTML = "text/html"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


class GeoJson(Response):
    """An answer in GeoJSON."""

    media_type = GEOJSON


def root_of(request: Request, settings: Settings) -> str:
    """Return the address under which the client sees the application, without a slash at the end.

    An application that is mounted in another one lies below the address of the server.
    """
    own = str(request.scope.get("root_path", ""))
    mounted = own.removeprefix(str(request.scope.get("app_root_path", own)))
    return (settings.public_url or str(request.base_url)).rstrip("/") + mounted


def link(href: str, rel: str, media_type: str, title: str = "") -> dict[str, str]:
    """Return a link as OGC API writes it."""
    told = {"href": href, "rel": rel, "type": media_type}
    return {**told, "title": title} if title else told


def with_query(address: str, **parameters: str | int) -> str:
    """Return an address with query parameters."""
    return f"{address}?{urlencode(parameters, safe=',/:')}" if parameters else address


def join_features(members: Mapping[str, Any], features: Sequence[bytes]) -> bytes:
    """Return a FeatureCollection of members and of features as they stand; what may be a whole city is copied once."""
    parts = [*features] or [b""]
    parts[0] = orjson.dumps(members)[:-1] + b',"features":[' + parts[0]
    parts[-1] += b"]}"
    return b",\n".join(parts)


class Versioned(Protocol):
    """What an answer is made from: its digest stands for all content."""

    @property
    def digest(self) -> str: ...  # noqa: D102


def answer(
    request: Request, content: Versioned, make: Callable[[], Any], media_type: str = JSON, **headers: str
) -> Response:
    """Return what ``make`` gives (a response, bytes, or anything JSON-ready), or 304 when the client has it already.

    The entity tag, unless ``ETag`` is among the headers, is weak, of the content, the address and the media type: times
    of sending do not count. Names of further headers have underscores for hyphens.
    """
    version = hashlib.sha256(f"{content.digest} {request.url} {media_type}".encode()).hexdigest()[:32]
    told = {"ETag": f'W/"{version}"', "Cache-Control": "no-cache", "Vary": "Accept, Authorization"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    if told["ETag"].removeprefix("W/").strip('"') in _versions(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=told)
    made = make()
    if isinstance(made, Response):
        made.headers.update(told)
        return made
    body = made if isinstance(made, bytes) else orjson.dumps(made)
    return Response(body, media_type=media_type, headers=told)


def _versions(header: str) -> Iterator[str]:
    for part in header.split(","):
        yield part.strip().removeprefix("W/").strip('"')


def choose_form(request: Request, *forms: tuple[str, str]) -> str:
    """Return the form an answer takes: the name that parameter ``f`` gives, else what the Accept header likes best.

    ``forms`` are names with media types; of equals, and where nothing is liked, the first one is taken.

    Raises
    ------
    InputError
        If ``f`` names no form.
    """
    names = [name for name, _ in forms]
    given = request.query_params.get("f")
    if given is not None:
        if given not in names:
            raise InputError(f"f is {given!r}; needed one of {', '.join(names)}")
        return given
    likes = dict(_accepted(request.headers.get("accept", "")))
    rated = [likes.get(kind, 0.0) for _, kind in forms]
    return names[rated.index(max(rated))]


def _accepted(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            yield kind, float(quality)
        except ValueError:
            yield kind, 0.0
