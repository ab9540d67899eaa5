"""How are large answers made smaller on the wire: zstd, brotli or gzip, as the client accepts?"""

from collections.abc import Callable, Mapping
from typing import Any

import cramjam
from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEAST_BYTES = 1000
_BIT_BYTES = 200_000
"""What takes a millisecond or two to compress."""
_CODECS: Mapping[str, Callable[[], Any]] = {
    "zstd": lambda: cramjam.zstd.Compressor(level=3),
    "br": lambda: cramjam.brotli.Compressor(level=4),
    "gzip": lambda: cramjam.gzip.Compressor(level=1),
}
"""Codecs, the one that does best for its time first; levels that give most of the gain."""
_TEXT = ("json", "text/html", "text/csv", "text/plain", "mapbox-vector-tile", "javascript", "text/css", "image/svg")
"""What shrinks; packed files do not, and events must not wait."""


def choose_codec(accepted: str) -> str | None:
    """Return the codec that an Accept-Encoding header likes best, of equals the one named first here."""
    likes: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            likes[name] = float(quality)
        except ValueError:
            likes[name] = 0.0
    rated = {name: likes.get(name, likes.get("*", 0.0)) for name in _CODECS}
    best = max(rated, key=lambda name: rated[name])
    return best if rated[best] > 0 else None


def compress_answers(app: ASGIApp) -> ASGIApp:
    """Return the application with its large texts compressed; streams are compressed piece by piece."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        codec = choose_codec(Headers(scope=scope).get("accept-encoding", "")) if scope["type"] == "http" else None
        await app(scope, receive, send if scope["type"] != "http" else _compressing(codec, send))

    return wrapped


def _compressing(codec: str | None, send: Send) -> Send:
    start: Message = {}
    packer: Any = None

    async def send_smaller(message: Message) -> None:
        """Send what is answered, made smaller where it is worth it."""
        nonlocal start, packer
        if message["type"] == "http.response.start":
            start = message  # held back until the first of the body tells whether it is worth it
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if start:
            head, start = start, {}
            headers = MutableHeaders(scope=head)
            if _shrinks(headers, head["status"]):
                headers.add_vary_header("Accept-Encoding")
                if codec is not None and (more or len(body) >= _LEAST_BYTES):
                    packer = _CODECS[codec]()
                    headers["Content-Encoding"] = codec
                    del headers["Content-Length"]
            if packer is not None and not more:
                body, packer = await _press(packer, body, more=False), None
                headers["Content-Length"] = str(len(body))
            await send(head)
        if packer is not None:
            body = await _press(packer, body, more=more)
        await send({"type": "http.response.body", "body": body, "more_body": more})

    return send_smaller


async def _press(packer: Any, body: bytes, *, more: bool) -> bytes:
    """Return a piece of an answer compressed; a large one in a thread, bit by bit, so that no other request waits."""

    def press() -> bytes:
        """Return it; the codec holds Python's lock as long as it is at work on a bit."""
        for start in range(0, len(body), _BIT_BYTES):
            packer.compress(body[start : start + _BIT_BYTES])
        return bytes(packer.flush() if more else packer.finish())

    return await to_thread.run_sync(press) if len(body) > _BIT_BYTES else press()


def _shrinks(headers: MutableHeaders, status: int) -> bool:
    kind = headers.get("content-type", "")
    return status not in (204, 304) and "content-encoding" not in headers and any(word in kind for word in _TEXT)
