"""How much may a client send? A body above the limit is refused before it is read."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def limit_bodies(app: ASGIApp, *, most: int) -> ASGIApp:
    """Return the application with bodies of at most so many bytes, also where their length is not announced."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                detail = f"the body has more than {most:,} bytes; needed at most as many"
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return message

        await app(scope, receive_some if scope["type"] == "http" else receive, send)

    return wrapped
