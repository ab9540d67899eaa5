"""Readers take turns; whatever else is asked goes ahead of them."""

import asyncio
from collections.abc import Callable
from typing import Any

from api.turns import limit_reading


class Kitchen:
    """An application whose answers are begun and sent when the test says so."""

    def __init__(self) -> None:
        self.begun, self.ready, self.sent = list[str](), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.append(scope["path"])
        await self.ready.wait()
        await send({"type": "http.response.start"})
        await self.sent.wait()
        await send({"type": "http.response.body"})


async def _nothing(*_: Any) -> None:
    return None


def _ask(app: Callable[..., Any], path: str, method: str = "GET", **more: Any) -> asyncio.Task[None]:
    scope = {"type": "http", "method": method, "path": path, "headers": more.get("headers", [])}
    return asyncio.ensure_future(app(scope, more.get("receive", _nothing), _nothing))


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_no_more_readers_are_served_at_once_than_may_and_edits_go_ahead() -> None:
    async def run() -> None:
        kitchen = Kitchen()
        app = limit_reading(kitchen, most=2)
        asked = [_ask(app, f"/plans/a/layers/{n}") for n in range(5)]
        asked += [_ask(app, "/plans/a/edits", "POST"), _ask(app, "/plans/a")]
        await _settle()
        assert kitchen.begun == ["/plans/a/layers/0", "/plans/a/layers/1", "/plans/a/edits", "/plans/a"]
        kitchen.ready.set()
        await _settle()
        assert len(kitchen.begun) == 7  # who sends, be it to a slow client, is in nobody's way
        kitchen.sent.set()
        await asyncio.gather(*asked)

    asyncio.run(run())


def test_a_reader_whose_answer_fails_or_whose_client_leaves_gives_its_turn_back() -> None:
    async def run() -> None:
        kitchen = Kitchen()

        async def broken(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/items/broken":
                raise ValueError("broken")
            await kitchen(scope, receive, send)

        app = limit_reading(broken, most=1)
        one = _ask(app, "/items/broken")
        two, three, four = (_ask(app, f"/items/{n}") for n in (2, 3, 4))
        await _settle()
        assert isinstance(one.exception(), ValueError)
        assert kitchen.begun == ["/items/2"]
        three.cancel()  # while it waits
        two.cancel()  # while it is worked on
        await _settle()
        assert kitchen.begun == ["/items/2", "/items/4"]
        kitchen.ready.set()
        kitchen.sent.set()
        await four

    asyncio.run(run())


def test_while_a_plan_is_changed_readers_are_one_at_a_time_and_as_many_as_may_after_it() -> None:
    async def run() -> None:
        kitchen, readers = Kitchen(), Kitchen()

        async def both(scope: Any, receive: Any, send: Any) -> None:
            await (readers if scope["method"] == "GET" else kitchen)(scope, receive, send)

        app = limit_reading(both, most=2)
        edit = _ask(app, "/plans/a/edits", "POST")
        await _settle()
        asked = [_ask(app, f"/plans/a/layers/{n}") for n in range(3)]
        await _settle()
        assert readers.begun == ["/plans/a/layers/0"]
        kitchen.ready.set()
        kitchen.sent.set()
        await edit
        await _settle()
        assert readers.begun == ["/plans/a/layers/0", "/plans/a/layers/1"]
        readers.ready.set()
        readers.sent.set()
        await asyncio.gather(*asked)

    asyncio.run(run())


def test_who_waits_for_feeds_keeps_nobody_from_turning_pages() -> None:
    async def run() -> None:
        kitchen = Kitchen()
        app = limit_reading(kitchen, most=1)
        paths = ["/plans/a/feeds/collections/grids/items", "/plans/a/feeds/", "/plans/a/layers/grids"]
        asked = [_ask(app, path) for path in paths]
        await _settle()
        assert kitchen.begun == [paths[0], paths[2]]
        kitchen.ready.set()
        kitchen.sent.set()
        await asyncio.gather(*asked)

    asyncio.run(run())


def test_a_turn_that_comes_as_its_reader_leaves_is_not_lost() -> None:
    async def run() -> None:
        kitchen = Kitchen()
        app = limit_reading(kitchen, most=1)
        one, two, three = (_ask(app, f"/items/{n}") for n in (1, 2, 3))
        await _settle()
        one.cancel()
        await asyncio.sleep(0)  # the turn is given on, and who is to have it leaves before it goes on
        two.cancel()
        await _settle()
        assert kitchen.begun[-1] == "/items/3"
        kitchen.ready.set()
        kitchen.sent.set()
        await three

    asyncio.run(run())


def test_who_sends_an_edit_slowly_or_asks_for_grids_of_places_keeps_no_reader_waiting() -> None:
    async def run() -> None:
        kitchen, readers, sent = Kitchen(), Kitchen(), asyncio.Queue[dict[str, Any]]()

        async def both(scope: Any, receive: Any, send: Any) -> None:
            if scope["method"] == "POST":
                while (await receive())["more_body"]:
                    pass
            await (readers if scope["method"] == "GET" else kitchen)(scope, receive, send)

        app = limit_reading(both, most=2)
        headers = [(b"transfer-encoding", b"chunked")]
        slow = _ask(app, "/plans/a/edits", "POST", headers=headers, receive=sent.get)
        locates = _ask(app, "/plans/a/feeds/locate", "POST", receive=asyncio.Queue[dict[str, Any]]().get)
        await sent.put({"type": "http.request", "body": b"{", "more_body": True})
        await _settle()
        asked = [_ask(app, f"/plans/a/layers/{n}") for n in range(2)]
        await _settle()
        assert readers.begun == ["/plans/a/layers/0", "/plans/a/layers/1"]
        await sent.put({"type": "http.request", "body": b"}", "more_body": False})
        await _settle()
        readers.ready.set()
        readers.sent.set()
        await asyncio.gather(*asked)
        readers.ready.clear()
        asked = [_ask(app, f"/plans/a/layers/{n}") for n in (2, 3)]
        await _settle()
        assert readers.begun[2:] == ["/plans/a/layers/2"]  # all of the edit is there now
        kitchen.ready.set()
        kitchen.sent.set()
        await slow
        await _settle()
        assert readers.begun[2:] == ["/plans/a/layers/2", "/plans/a/layers/3"]
        locates.cancel()
        readers.ready.set()
        await asyncio.gather(*asked)

    asyncio.run(run())


def test_a_body_that_is_read_after_the_answer_began_leaves_no_change_behind() -> None:
    async def run() -> None:
        async def refuses(scope: Any, receive: Any, send: Any) -> None:
            if scope["method"] == "POST":
                await send({"type": "http.response.start"})
                await receive()
            else:
                await kitchen(scope, receive, send)

        async def rest() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        kitchen = Kitchen()
        app = limit_reading(refuses, most=2)
        await _ask(app, "/plans/a/edits", "POST", headers=[(b"content-length", b"9")], receive=rest)
        asked = [_ask(app, f"/items/{n}") for n in range(2)]
        await _settle()
        assert len(kitchen.begun) == 2
        kitchen.ready.set()
        kitchen.sent.set()
        await asyncio.gather(*asked)

    asyncio.run(run())
