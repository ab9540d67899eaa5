"""A real server in a thread, on a free port of the loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from api.main import create_app
from api.serve import address_of, open_socket
from api.settings import Settings


@contextmanager
def serving(folder: Path, settings: Settings | None = None) -> Iterator[str]:
    """Give the address of a server of a plan folder, without a slash at the end."""
    with open_socket("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            create_app(folder, settings), log_level="error", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield address_of(listening).rstrip("/")
        finally:
            server.should_exit = True
            thread.join(timeout=10)
