"""Which connection does a transaction use? One that is idle, else a new one; no two transactions share one.

There are no more than so many: a database takes only some, and shares them among servers. Who comes when all are in use
waits for one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore, Lock
from typing import Any

from api.store.errors import StoreError

MOST = 16
"""Most connections of one pool; a server has two, for plans and for jobs. PostgreSQL allows 100 in all by default."""
_WAIT_S = 30.0


class Pool:
    """Connections that are used again: as many as transactions ever ran at once, whichever threads they ran in."""

    def __init__(
        self, connect: Callable[[], Any], usable: Callable[[Any], bool], *, most: int = MOST, wait_s: float = _WAIT_S
    ) -> None:
        """Keep how a connection is made, how it is told whether it can be used again, and how many there may be."""
        self._connect, self._usable, self._most, self._wait_s = connect, usable, most, wait_s
        self._free = BoundedSemaphore(most)
        self._idle: list[Any] = []
        self._lock = Lock()

    @contextmanager
    def lend(self) -> Iterator[Any]:
        """Give a connection for as long as the block lasts.

        Raises
        ------
        StoreError
            If all were in use for too long.
        """
        if not self._free.acquire(timeout=self._wait_s):
            raise StoreError(f"all {self._most} connections to the store were in use for {self._wait_s:g} s; try again")
        try:
            yield from self._lend()
        finally:
            self._free.release()

    @contextmanager
    def transact(self, begin: str, errors: type[Exception]) -> Iterator[Any]:
        """Give a connection with a transaction that is kept when the block ends, and not at all when it raises.

        ``errors`` are those of the database: what is broken has been rolled back by itself.
        """
        with self.lend() as connection:
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(errors):
                    connection.execute("ROLLBACK")
                raise

    def _lend(self) -> Iterator[Any]:
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
