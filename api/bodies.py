"""How much may a client send, and how much may all of them together? What is above is refused before it is read.

A body is in memory from when its first byte comes in until its request is answered, be it that it waits for its turn.
Bodies of a kind of address share one allowance, so that whoever sends places by the million is in nobody else's way.
Bytes count when they are there: a length that is announced keeps no room from others. Nor does a client that stops half
way: a body has so many seconds to come in, and so long may a client leave an answer to one lying.
"""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOWHERE: Mapping[re.Pattern[str], int] = MappingProxyType({})
_DIGITS = 18
RETRY_S = 5
"""After so many seconds it is worth sending again what found no room."""


class Room:
    """Bytes that bodies of one kind may take: so many one of them, and so many all together."""

    def __init__(self, most: int, together: int) -> None:
        """Keep how many there may be; one body alone always finds room."""
        self._most = most
        self._together = max(most, together)
        self._held = 0

    def check(self, announced: int) -> None:
        """Refuse a body by its announced length: one that is too long, or finds no room now."""
        self._refuse_long(announced)
        self._refuse_crowd(announced)

    def take(self, read: int, more: int) -> None:
        """Hold some bytes more of a body of which some are held already."""
        self._refuse_long(read + more)
        self._refuse_crowd(more)
        self._held += more

    def give_back(self, read: int) -> None:
        """Let go of all that a body held."""
        self._held -= read

    def _refuse_long(self, size: int) -> None:
        if size > self._most:
            detail = f"the body has more than {self._most:,} bytes; needed at most as many"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

    def _refuse_crowd(self, more: int) -> None:
        if self._held + more > self._together:
            found = f"found {self._held + more:,} bytes in bodies that wait for their answers"
            detail = f"{found}, needed at most {self._together:,}; send this one again in {RETRY_S} s"
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_S)})


class Clock:
    """Time that a client has to send a body, and to take its answer."""

    def __init__(self, seconds: float) -> None:
        """Keep how long; it runs from when the body is first asked for."""
        self._seconds = seconds
        self._until: float | None = None
        self._coming, self.left = True, False

    async def receive(self, receive: Receive) -> Message:
        """Return what comes in next; when all of the body is there, nobody waits for a client any more."""
        if not self._coming:
            return await receive()
        self._until = self._until or asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await receive()
        except TimeoutError as error:
            detail = f"the body did not come in within {self._seconds:g} s; needed all of it by then"
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail, {"Connection": "close"}) from error
        self._coming = bool(message.get("more_body"))
        return message

    async def send(self, send: Send, message: Message) -> None:
        """Send a part of the answer; a client that takes none for so long has left."""
        if self.left:
            raise ClientDisconnect
        try:
            async with asyncio.timeout(self._seconds):
                await send(message)
        except TimeoutError as error:
            self.left = True
            raise ClientDisconnect from error


def limit_bodies(
    app: ASGIApp, *, most: int, together: int, seconds: float, elsewhere: Mapping[re.Pattern[str], int] = _NOWHERE
) -> ASGIApp:
    """Return the application with bodies of at most so many bytes, also where their length is not announced.

    ``elsewhere`` holds, by what is found in an address, how many it may be there. ``together`` are the most bytes of
    all bodies of a kind of address that are in memory at once; to who sends more the answer is 503 with Retry-After.
    A body comes in within ``seconds``, or the answer is 408.
    """
    here, rooms = Room(most, together), {there: Room(size, together) for there, size in elsewhere.items()}

    async def count(room: Room, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose body is counted while it comes in."""
        read, announced, clock = 0, _announced(scope), Clock(seconds)

        async def receive_some() -> Message:
            """Return what comes in next, unless it is too much by then."""
            nonlocal read, announced
            room.check(announced)
            announced = 0
            message = await clock.receive(receive)
            more = len(message.get("body", b""))
            room.take(read, more)
            read += more
            return message

        async def send_some(message: Message) -> None:
            """Send a part of the answer: as long as it takes where no body waits for it."""
            await (clock.send(send, message) if read else send(message))

        try:
            await app(scope, receive_some, send_some)
        except Exception:
            if not clock.left:  # else nobody is there to be told
                raise
        finally:
            room.give_back(read)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is no request of HTTP has no body."""
        if scope["type"] != "http":
            return await app(scope, receive, send)
        path = scope["path"]
        room = next((one for there, one in rooms.items() if there.search(path)), here)
        return await count(room, scope, receive, send)

    return wrapped


def _announced(scope: Scope) -> int:
    """Return how long the body is said to be; 0 where it is not said."""
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= _DIGITS else 0
