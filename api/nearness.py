"""Does a request come from this machine, as far as it tells itself, or was it passed on by a proxy?

A proxy on the same machine connects as everybody there does, and many name this machine as the host that is asked for.
What they add gives them away: headers that tell whom they speak for, an old version of HTTP, which nginx spoke by
default to servers behind it, or pages of other places that a browser tells in ``Origin``. A proxy that does none of it
is known only by a setting.
"""

from urllib.parse import urlsplit

from fastapi import Request

from api.settings import is_loopback

_PASSED_ON = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "x-original-host", "true-client-ip", "cf-connecting-ip"}
)
_FAMILY = "x-forwarded-"
_OLD = "1.0"


def tell_passing(request: Request) -> str:
    """Return by what a request tells that it was not sent on this machine; nothing where it tells none."""
    for name in request.headers:
        if name in _PASSED_ON or name.startswith(_FAMILY):
            return f"the header {name.title()}"
    if request.scope.get("http_version") == _OLD:
        return "HTTP/1.0"
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(_host_of(origin)):
        return f"the origin {origin[:80]!r}"
    return ""


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
