"""How is a plan folder put on the network?"""

import errno
import gc
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn

from api.main import create_app
from api.settings import read_settings
from spatial.errors import InputError

_ENDING_S = 3
"""Who listens to a job listens until it ends: no longer than this when the server stops."""
_TURN_S = 0.0002
"""A thread that waits for Python's lock gets it after this long; by default one that reads rows waits 5 ms for each.

Measured with 20 readers and 4 writers: a fifth shorter waits for edits, and a fifth more answers, than with 1 ms."""


def serve(
    folder: Path | str | None,
    host: str | None = None,
    port: int | None = None,
    *,
    osm: Path | str | None = None,
    store: Path | str | None = None,
    proxy: bool | None = None,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the plan in a folder until the process is stopped; port 0 takes any that is free.

    With a street map it answers for walks too, and with a store of plans for edits (see ``create_app``).
    ``proxy`` says that a proxy stands before it, so that nobody is taken for one of this machine. ``announce`` is
    called with the address once the plan is read and the port is open.

    Raises
    ------
    MissingError, InputError
        If there is no plan in the folder or it is broken, a setting cannot be used, or the address cannot be opened.
    """
    settings = read_settings(host=host, port=port, proxy=proxy)
    app = create_app(folder, settings, osm=osm, store=store)
    sys.setswitchinterval(_TURN_S)
    gc.freeze()  # what is loaded stays: looked through for garbage again and again it made some edits wait 0.1 s longer
    with open_socket(settings.host, settings.port) as listening:
        announce(address_of(listening))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_ENDING_S
        )
        uvicorn.Server(config).run(sockets=[listening])


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    InputError
        If the port is in use or not allowed, or the host is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} of {host} is in use; choose another, or stop what serves there") from error
        raise InputError(f"cannot serve at {host} port {port}: {error.strerror or error}") from error
    # asyncio sets it only on sockets that name their protocol; without it a short answer waits 40 ms for the client.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address at which a browser finds a listening socket."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{shown}:{port}/"
