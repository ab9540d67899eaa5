"""How much may a client send? A body above the limit is refused before it is read."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOWHERE: Mapping[re.Pattern[str], int] = MappingProxyType({})


def limit_bodies(app: ASGIApp, *, most: int, elsewhere: Mapping[re.Pattern[str], int] = _NOWHERE) -> ASGIApp:
    """Return the application with bodies of at most so many bytes, also where their length is not announced.

    ``elsewhere`` holds, by what is found in an address, how many it may be there.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose body is counted while it comes in."""
        read = 0
        path = scope.get("path", "")
        most_here = next((size for there, size in elsewhere.items() if there.search(path)), most)

        async def receive_some() -> Message:
            """Return what comes in next, unless it is too much by then."""
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most_here:
                detail = f"the body has more than {most_here:,} bytes; needed at most as many"
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return message

        await app(scope, receive_some if scope["type"] == "http" else receive, send)

    return wrapped
