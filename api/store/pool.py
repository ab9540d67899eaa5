"""Which connection does a transaction use? One that is idle, else a new one; no two transactions share one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any


class Pool:
    """Connections that are used again: as many as transactions ever ran at once, whichever threads they ran in."""

    def __init__(self, connect: Callable[[], Any], usable: Callable[[Any], bool]) -> None:
        """Keep how a connection is made, and how it is told whether it can be used again."""
        self._connect, self._usable = connect, usable
        self._idle: list[Any] = []
        self._lock = Lock()

    @contextmanager
    def lend(self) -> Iterator[Any]:
        """Give a connection for as long as the block lasts."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._usable(connection):
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close the connections that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
