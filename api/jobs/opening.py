"""Where does a server keep its jobs, and when is its office opened and closed?"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import FastAPI

from api.jobs.book import Book
from api.jobs.catalog import Process, list_processes
from api.jobs.errors import BookError
from api.jobs.office import Office, open_office
from api.jobs.serving import Serving
from api.jobs.sqlite_book import open_book
from spatial.errors import InputError
from spatial.io.walk_cache import cache_folder

_SERVERS = 9
"""So many servers of one plan keep their jobs in the cache side by side."""

Lifespan = Callable[[FastAPI], Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where jobs are handed in: ``office`` gives the office, ``lifespan`` opens and closes it with the server."""

    serving: Serving
    processes: Mapping[str, Process]
    office: Callable[[], Office]
    lifespan: Lifespan


def open_desk(serving: Serving) -> Desk:
    """Return where jobs are handed in about what is served; the office is opened when it is first needed.

    A book that the settings name is opened at once. Else the office is opened with the server where a store keeps jobs
    or an earlier server left a book, so that what is unfinished goes on.

    Raises
    ------
    InputError
        If the book that the settings name cannot be opened.
    """
    lock, opened, processes = Lock(), list[Office](), list_processes(serving)

    def office() -> Office:
        with lock:
            if not opened:
                opened.append(open_office(_open(serving), serving, processes))
            return opened[0]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Open the office where jobs may wait, and close it when the server ends."""
        if serving.settings.jobs is None and (serving.store is not None or _places(serving)[0].is_file()):
            office()
        yield
        with lock:
            for one in opened:
                one.close()
            opened.clear()

    if serving.settings.jobs is not None:
        opened.append(open_office(open_book(serving.settings.jobs), serving, processes))
    return Desk(serving, processes, office, lifespan)


def _open(serving: Serving) -> Book:
    """Return the book in the store, where one is served, else the first one that no other server has open.

    Raises
    ------
    BookError
        If there is none, or the disk refuses it.
    """
    if serving.store is not None:
        from api.jobs.store_book import open_store_book  # here: a server of a folder alone need not load the store

        return open_store_book(serving.store)
    why = ""
    for path in _places(serving):
        try:
            return open_book(path)
        except InputError as error:
            why = why or str(error)
    raise BookError(why)


def _places(serving: Serving) -> list[Path]:
    """Return where jobs may be kept, the best place first."""
    if serving.settings.jobs is not None:
        return [serving.settings.jobs]
    told = serving.to_dict()
    name = hashlib.sha256(f"{told['folder']}\0{told['osm']}\0{told['store']}".encode()).hexdigest()[:16]
    return [cache_folder() / "jobs" / f"{name}-{number}.sqlite" for number in range(1, _SERVERS + 1)]
