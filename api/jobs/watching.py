"""How does a client see what happens to a job while it happens, and what it missed (server-sent events)?"""

import asyncio
import re
from collections.abc import AsyncIterator

from fastapi import Request

from api.jobs.errors import NoSuchJobError
from api.jobs.office import Office
from api.jobs.record import Event
from spatial.errors import InputError

STREAM = "text/event-stream"
_HEARTBEAT_S = 15.0
_BEGIN = b"retry: 2000\n\n"
_ALIVE = b": still here\n\n"


def read_last(request: Request) -> int:
    """Return the number of the last event that a client has seen, 0 for none.

    Raises
    ------
    InputError
        If it is no whole number.
    """
    text = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII):
        raise InputError(f"the last event is {text!r}; needed the number of one")
    return int(text)


async def watch(office: Office, job_id: str, after: int) -> AsyncIterator[bytes]:
    """Give the events of a job after one of them, as they happen, until the job is finished or removed."""
    yield _BEGIN
    with office.bell.listening(job_id) as rung:
        while True:
            rung.clear()
            try:
                job, events = await asyncio.to_thread(_look, office, job_id, after)
            except NoSuchJobError:
                return
            for event in events:
                after = event.number
                yield _write(event)
            if job:
                return
            try:
                await asyncio.wait_for(rung.wait(), _HEARTBEAT_S)
            except TimeoutError:
                yield _ALIVE


def _look(office: Office, job_id: str, after: int) -> tuple[bool, list[Event]]:
    """Return whether a job was finished before its events were read, and the events."""
    done = office.book.find(job_id).done
    return done, office.book.events(job_id, after)


def _write(event: Event) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.kind.encode(), event.data)
