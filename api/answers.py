"""How is an answer sent: its type, its links, its version, and not at all when the client has it already?"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response

from api.settings import Settings
from api.snapshot import Snapshot

JSON = "application/json"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


class GeoJson(Response):
    """An answer in GeoJSON."""

    media_type = GEOJSON


def root_of(request: Request, settings: Settings) -> str:
    """Return the address under which the client sees the server, without a slash at the end."""
    return (settings.public_url or str(request.base_url)).rstrip("/")


def link(href: str, rel: str, media_type: str, title: str = "") -> dict[str, str]:
    """Return a link as OGC API writes it."""
    told = {"href": href, "rel": rel, "type": media_type}
    return {**told, "title": title} if title else told


def with_query(address: str, **parameters: str | int) -> str:
    """Return an address with query parameters."""
    return f"{address}?{urlencode(parameters, safe=',/:')}" if parameters else address


def answer(request: Request, snapshot: Snapshot, make: Callable[[], Any], media_type: str = JSON) -> Response:
    """Return what ``make`` gives (bytes, or anything JSON-ready), or 304 when the client has this version already.

    The version is weak, of the plan, the address and the host: times of sending do not count.
    """
    version = hashlib.sha256(f"{snapshot.plan.digest} {request.url} {media_type}".encode()).hexdigest()[:32]
    headers = {"ETag": f'W/"{version}"', "Cache-Control": "no-cache"}
    if version in _versions(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    made = make()
    content = made if isinstance(made, bytes) else orjson.dumps(made)
    return Response(content, media_type=media_type, headers=headers)


def _versions(header: str) -> Iterator[str]:
    for part in header.split(","):
        yield part.strip().removeprefix("W/").strip('"')


def prefers_html(accept: str) -> bool:
    """Tell whether an Accept header likes HTML better than JSON, as browsers do."""
    html = max((q for kind, q in _accepted(accept) if kind == "text/html"), default=0.0)
    other = max((q for kind, q in _accepted(accept) if kind in (JSON, GEOJSON)), default=0.0)
    return html > other


def _accepted(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            yield kind, float(quality)
        except ValueError:
            yield kind, 0.0
