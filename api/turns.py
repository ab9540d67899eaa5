"""How do many readers leave room for edits: how many requests that read features are worked on at once?

Work of all threads shares one lock of Python: with twenty readers an edit would have a twentieth of it, and wait for it
anew at each step. Readers take turns, in the order in which they came, and everything else goes ahead; while a plan is
changed they are one at a time: from when all of the request has come in, so that nobody who sends one slowly, be it of
no use, keeps readers waiting. Pages out of the store and feeds take turns of their own: who waits until a plan is read
for the first time keeps nobody from turning pages.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FEATURES = re.compile(r"/(?P<feeds>items|tiles|downloads|feeds)(/|$)|/(?P<pages>layers)(/|$)")
_CHANGES = re.compile(r"/plans/(?!.*/locate$)")
_READING = ("GET", "HEAD")
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")


class Queue:
    """Those who wait for a turn, first come first served; so many have one at once as ``most`` says at the time."""

    def __init__(self, most: Callable[[], int]) -> None:
        """Keep how many may have a turn; nobody has one."""
        self._most = most
        self._held = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Return when it is one's turn."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        self.go_on()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # the turn came as who waited for it left
                self.give_back()
            raise

    def give_back(self) -> None:
        """End a turn."""
        self._held -= 1
        self.go_on()

    def go_on(self) -> None:
        """Give turns that are free to those who wait."""
        while self._waiting and self._held < self._most():
            first = self._waiting.popleft()
            if not first.done():
                self._held += 1
                first.set_result(None)


def limit_reading(app: ASGIApp, *, most: int) -> ASGIApp:
    """Return the application with at most so many answers of features in the making; sending one takes no turn."""
    changes = set[object]()
    queues = {name: Queue(lambda: 1 if changes else most) for name in ("feeds", "pages")}

    async def read(queue: Queue, scope: Scope, receive: Receive, send: Send) -> None:
        await queue.take()
        await _answer(app, scope, receive, send, queue.give_back)

    async def change(scope: Scope, receive: Receive, send: Send) -> None:
        mine, answered = object(), False

        async def receive_all() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body") and not answered:
                changes.add(mine)
            return message

        def end() -> None:
            nonlocal answered
            answered = True
            changes.discard(mine)
            for queue in queues.values():
                queue.go_on()

        if not _has_body(scope):  # then nobody may ask for it
            changes.add(mine)
        await _answer(app, scope, receive_all, send, end)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["type"] == "http" else ""
        if method in _READING and (found := _FEATURES.search(scope["path"])):
            await read(queues["feeds" if found["feeds"] else "pages"], scope, receive, send)
        elif method in _CHANGING and _CHANGES.match(scope["path"]):
            await change(scope, receive, send)
        else:
            await app(scope, receive, send)

    return wrapped


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send, made: Callable[[], None]) -> None:
    """Let the application answer; call ``made`` once, when the answer is there to be sent or there will be none."""
    waiting = True

    async def send_on(message: Message) -> None:
        nonlocal waiting
        if waiting and message["type"] == "http.response.start":
            waiting = False
            made()
        await send(message)

    try:
        await app(scope, receive, send_on)
    finally:
        if waiting:
            made()
