"""How do many readers leave room for edits: how many requests that read features are worked on at once?

Work of all threads shares one lock of Python: with twenty readers an edit would have a twentieth of it, and wait for it
anew at each step. Readers take turns, in the order in which they came, and everything else goes ahead.
"""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FEATURES = re.compile(r"/(items|layers|tiles|downloads|feeds)(/|$)")


def limit_reading(app: ASGIApp, *, most: int) -> ASGIApp:
    """Return the application with at most so many answers of features in the making; sending one takes no turn."""
    free = asyncio.Semaphore(most)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, one of features when its turn comes."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not _FEATURES.search(scope["path"]):
            await app(scope, receive, send)
            return
        await free.acquire()
        held = True

        async def send_on(message: Message) -> None:
            nonlocal held
            if held and message["type"] == "http.response.start":
                held = False
                free.release()
            await send(message)

        try:
            await app(scope, receive, send_on)
        finally:
            if held:
                free.release()

    return wrapped
