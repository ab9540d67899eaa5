"""A real server in a thread of this process: it starts at once, for clients that wait without holding Python's lock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import uvicorn
from fastapi import FastAPI

from api.serve import address_of, open_socket


@contextmanager
def talking_to(app: FastAPI) -> Iterator[httpx.Client]:
    """Give a client of an application."""
    with open_socket("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            with httpx.Client(base_url=address_of(listening), timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
