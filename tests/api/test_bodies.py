"""No body is longer than may be, nor are all together; who finds no room is told when to come again."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from api.bodies import RETRY_S, limit_bodies
from api.main import create_app
from api.settings import Settings
from tests.api.stored import store_folder

PLACES = re.compile("/locate$")
LONG = 3600.0


class Desk:
    """An application that reads bodies whole and answers when it is told to."""

    def __init__(self) -> None:
        self.read = list[int]()
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        self.read.append(size)
        await self.go_on.wait()


class Sender:
    """A client whose parts of a body come in when it is told so; it counts how often it was asked for one."""

    def __init__(
        self,
        app: Any,
        parts: Sequence[int],
        path: str = "/",
        *,
        announced: int | None = None,
        sent: int = 0,
        send: Any = None,
    ) -> None:
        headers = [] if announced is None else [(b"content-length", str(announced).encode())]
        self.asked = 0
        self._parts, self._sent = [*parts], asyncio.Semaphore(sent)
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        self.task = asyncio.ensure_future(app(scope, self._receive, send))

    async def _receive(self) -> dict[str, Any]:
        self.asked += 1
        await self._sent.acquire()
        return {"type": "http.request", "body": bytes(self._parts.pop(0)), "more_body": bool(self._parts)}

    async def send(self, parts: int = 1) -> None:
        for _ in range(parts):
            self._sent.release()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def refused(self) -> HTTPException | None:
        told = self.task.exception() if self.task.done() else None
        assert told is None or isinstance(told, HTTPException)
        return told


async def _end(desk: Desk, *senders: Sender) -> None:
    desk.go_on.set()
    await asyncio.gather(*(one.task for one in senders), return_exceptions=True)


def test_bodies_that_wait_for_their_answer_leave_no_room_and_what_is_answered_gives_it_back() -> None:
    async def run() -> None:
        desk = Desk()
        app = limit_bodies(desk, most=60, together=100, seconds=LONG)
        one, two = Sender(app, [30, 30]), Sender(app, [30, 30])
        await one.send(2)
        await two.send(1)
        assert desk.read == [60]  # it waits for its answer, and holds 60 of 100
        await two.send(1)
        told = two.refused()
        assert told is not None
        assert (told.status_code, told.headers) == (503, {"Retry-After": str(RETRY_S)})
        assert told.detail.startswith("found 120 bytes in bodies that wait for their answers, needed at most 100")
        three = Sender(app, [40])
        await three.send()
        assert desk.read == [60, 40]  # the one that was refused holds nothing any more
        await _end(desk, one, three)
        four = Sender(app, [60])
        await four.send()
        assert desk.read == [60, 40, 60]
        assert four.refused() is None

    asyncio.run(run())


def test_an_announced_length_is_refused_before_a_byte_is_read_and_keeps_no_room_from_others() -> None:
    async def run() -> None:
        desk = Desk()
        app = limit_bodies(desk, most=60, together=100, seconds=LONG)
        long = Sender(app, [61], announced=61)
        slow = Sender(app, [60], announced=60)  # nothing of it comes in
        one = Sender(app, [60], announced=60)
        await one.send()
        crowded = Sender(app, [60], announced=60)
        await crowded.send()
        refused = [(told.status_code, who.asked) for who in (long, crowded) if (told := who.refused())]
        assert refused == [(413, 0), (503, 0)]
        assert desk.read == [60]
        await _end(desk, one)
        await slow.send()
        assert desk.read == [60, 60]

    asyncio.run(run())


def test_who_announces_less_than_comes_in_is_refused_by_what_comes_in() -> None:
    async def run() -> None:
        desk = Desk()
        app = limit_bodies(desk, most=60, together=100, seconds=LONG)
        for announced in (None, 1):
            liar = Sender(app, [40, 21], announced=announced)
            await liar.send(2)
            told = liar.refused()
            assert told is not None
            assert told.status_code == 413
        assert desk.read == []

    asyncio.run(run())


def test_places_by_the_million_take_no_room_from_edits_and_one_body_alone_always_has_room() -> None:
    async def run() -> None:
        desk = Desk()
        app = limit_bodies(desk, most=10, together=15, seconds=LONG, elsewhere={PLACES: 60})
        places, more, edit = Sender(app, [60], "/locate"), Sender(app, [1], "/locate"), Sender(app, [10], "/edits")
        for one in (places, more, edit):
            await one.send()
        assert desk.read == [60, 10]  # 60 are more than 15, but nobody else was there
        told = more.refused()
        assert told is not None
        assert told.status_code == 503
        await _end(desk, places, edit)

    asyncio.run(run())


def test_who_leaves_while_it_sends_or_waits_leaves_no_bytes_behind() -> None:
    async def run() -> None:
        desk = Desk()
        app = limit_bodies(desk, most=60, together=100, seconds=LONG)
        sending, waiting = Sender(app, [50, 10]), Sender(app, [50])
        await sending.send()
        await waiting.send()
        sending.task.cancel()
        waiting.task.cancel()
        await asyncio.gather(sending.task, waiting.task, return_exceptions=True)
        both = Sender(app, [60]), Sender(app, [40])
        for one in both:
            await one.send()
        assert desk.read == [50, 60, 40]
        await _end(desk, *both)

    asyncio.run(run())


def test_who_stops_half_way_is_refused_in_time_and_holds_nothing_any_more_and_who_has_sent_all_may_wait() -> None:
    async def run() -> None:
        desk = Desk()
        app = limit_bodies(desk, most=60, together=100, seconds=0.0)  # who lets one wait for a part at all is too slow
        done, slow = Sender(app, [20, 10], sent=2), Sender(app, [60, 1], sent=1)
        await slow.settle()
        told = slow.refused()
        assert told is not None
        assert (told.status_code, told.headers) == (408, {"Connection": "close"})
        assert told.detail == "the body did not come in within 0 s; needed all of it by then"
        other = Sender(app, [60], sent=1)
        await other.settle()
        assert desk.read == [30, 60]  # of 100: nothing is left of the 60 that had come in
        assert not done.task.done()
        await _end(desk, done, other)
        assert done.refused() is None

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 60])
def test_who_takes_no_answer_to_a_body_holds_no_room_for_others_and_other_answers_take_as_long_as_they_take(
    size: int,
) -> None:
    async def run() -> None:
        taken, parts = asyncio.Event(), list[str]()

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "http.response.start"})
            await send({"type": "http.response.body"})

        async def send(message: Any) -> None:
            await taken.wait()
            parts.append(message["type"])

        app = limit_bodies(answer, most=60, together=60, seconds=0.0)
        slow = Sender(app, [size], sent=1, send=send)
        await slow.settle()
        assert slow.task.done() == (size > 0)
        taken.set()
        other = Sender(app, [60], sent=1, send=send)
        await other.settle()
        assert (slow.refused(), other.refused()) == (None, None)
        assert parts == ["http.response.start", "http.response.body"] * (1 if size else 2)

    asyncio.run(run())


@given(
    st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=4), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_never_is_more_held_than_may_be_in_whatever_order_parts_come_in(bodies: list[list[int]], chance: Any) -> None:
    async def run() -> None:
        held, most_held = 0, 0

        async def keep(scope: Any, receive: Any, send: Any) -> None:
            nonlocal held, most_held
            mine, more = 0, True
            try:
                while more:
                    message = await receive()
                    size, more = len(message["body"]), message["more_body"]
                    mine, held = mine + size, held + size
                    most_held = max(most_held, held)
                await asyncio.sleep(0)
            finally:
                held -= mine

        app = limit_bodies(keep, most=80, together=100, seconds=LONG)
        senders = [Sender(app, parts) for parts in bodies]
        order = [number for number, parts in enumerate(bodies) for _ in parts]
        chance.shuffle(order)
        for number in order:
            await senders[number].send()
        await asyncio.gather(*(one.task for one in senders), return_exceptions=True)
        assert (held, most_held <= 100) == (0, True)
        for parts, one in zip(bodies, senders, strict=True):
            told = one.refused()
            assert told is None or told.status_code in (413, 503)
            assert (told is not None and told.status_code == 413) <= (sum(parts) > 80)

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/locate", "/processes/divide/execution"])
def test_a_server_without_room_says_so_in_a_problem_that_tells_when_to_come_again(toy_folder: Path, path: str) -> None:
    async def run() -> None:
        served = create_app(toy_folder, Settings(locate_body_max=50, job_body_max=50, bodies_max=50))
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slowly() -> Any:
            yield b'{"points": [[114.301, '
            begun.set()
            await go_on.wait()
            yield b"30.604]]}"

        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            slow = asyncio.ensure_future(client.post(path, content=slowly()))
            await asyncio.wait_for(begun.wait(), 30)
            for _ in range(20):
                await asyncio.sleep(0)
            told = await client.post(path, content=b"x" * 40)
            go_on.set()
            first = await slow
        assert (told.status_code, told.headers["Content-Type"]) == (503, "application/problem+json")
        assert told.headers["Retry-After"] == str(RETRY_S)
        assert "needed at most 50; send this one again in 5 s" in told.json()["detail"]
        assert first.status_code != 503

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/locate", "/processes/divide/execution"])
def test_a_client_that_leaves_while_it_sends_is_no_fault_of_the_server(toy_folder: Path, path: str) -> None:
    async def run() -> None:
        served = create_app(toy_folder, Settings())
        coming = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
        sent = list[dict[str, Any]]()

        async def receive() -> Any:
            return coming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        await served({**scope, "client": ("127.0.0.1", 1), "http_version": "1.1", "root_path": ""}, receive, send)
        assert sent[0]["status"] == 400

    asyncio.run(run())


def test_every_address_that_takes_a_body_tells_that_there_may_be_no_room_for_it(
    toy_folder: Path, tmp_path: Path
) -> None:
    store = store_folder(toy_folder, tmp_path / "plans.gpkg")

    async def run() -> list[Any]:
        transport = httpx.ASGITransport(app=create_app(toy_folder, Settings(), store=store))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [(await client.get(f"{root}/openapi.json")).json() for root in ("", "/plans/toy-0001/feeds")]

    paths = [path for document in asyncio.run(run()) for path in document["paths"].values()]
    taking = [one for path in paths for one in path.values() if "requestBody" in one]
    names = {one["operationId"] for one in taking}
    assert any("locate" in name for name in names)
    assert any("edits" in name for name in names)
    for one in taking:
        assert "Retry-After" in one["responses"]["503"]["headers"], one["operationId"]
        assert "408" in one["responses"], one["operationId"]
