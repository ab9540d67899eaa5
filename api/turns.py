"""How do many readers leave room for edits: how many requests that read features are worked on at once?

Work of all threads shares one lock of Python: with twenty readers an edit would have a twentieth of it, and wait for it
anew at each step. Readers take turns, in the order in which they came, and everything else goes ahead; while a plan is
changed they are one at a time. Pages out of the store and feeds take turns of their own: who waits until a plan is read
for the first time keeps nobody from turning pages.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FEATURES = re.compile(r"/(?P<feeds>items|tiles|downloads|feeds)(/|$)|/(?P<pages>layers)(/|$)")
_CHANGES = re.compile(r"/plans/")
_READING = ("GET", "HEAD")


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
    changing = 0
    queues = {name: Queue(lambda: 1 if changing else most) for name in ("feeds", "pages")}

    def end_change() -> None:
        nonlocal changing
        changing -= 1
        for queue in queues.values():
            queue.go_on()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal changing
        reads = scope["type"] == "http" and scope["method"] in _READING
        if reads and (found := _FEATURES.search(scope["path"])):
            queue = queues["feeds" if found["feeds"] else "pages"]
            await queue.take()
            await _answer(app, scope, receive, send, queue.give_back)
        elif scope["type"] == "http" and not reads and _CHANGES.match(scope["path"]):
            changing += 1
            await _answer(app, scope, receive, send, end_change)
        else:
            await app(scope, receive, send)

    return wrapped


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
