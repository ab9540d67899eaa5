"""How is what was read kept, up to so many bytes, and read by one thread at a time for each plan?"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Held = TypeVar("Held")


@dataclass(frozen=True)
class Turns:
    """Locks by key, of which there is one as long as somebody holds it or waits for it."""

    _waiting: dict[Hashable, list[Lock]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def wait(self, key: Hashable) -> Iterator[None]:
        """Hold the lock of a key; who waits for that of another one does not notice."""
        with self._lock:
            waiting = self._waiting.setdefault(key, [])
            mine = waiting[0] if waiting else Lock()
            waiting.append(mine)
        try:
            with mine:
                yield
        finally:
            with self._lock:
                waiting.pop()
                if not waiting:
                    del self._waiting[key]

    def __len__(self) -> int:
        """Return how many keys somebody holds or waits for."""
        return len(self._waiting)


@dataclass(frozen=True)
class Keeper(Generic[Held]):
    """Keeps values by key; beyond ``most_bytes`` the one that was asked for longest ago is let go, but never the last.

    ``weigh`` tells the bytes of all values together, as parts may be shared among them.
    """

    most_bytes: int
    weigh: Callable[[Collection[Held]], int]
    _held: OrderedDict[Hashable, Held] = field(default_factory=OrderedDict)
    _turns: Turns = field(default_factory=Turns)
    _lock: Lock = field(default_factory=Lock)

    def recall(self, key: Hashable, read: Callable[[], Held], *, turn: Hashable) -> Held:
        """Return the value of a key, read where it is not held.

        Nobody waits for what is held. Who reads waits for others who read on the same ``turn``, and for nobody else.
        """
        found = self._find(key)
        if found is not None:
            return found
        with self._turns.wait(turn):
            found = self._find(key)  # who went before may have read it
            if found is None:
                found = read()
                self._keep(key, found)
            return found

    def _find(self, key: Hashable) -> Held | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def _keep(self, key: Hashable, value: Held) -> None:
        with self._lock:
            self._held[key] = value
            while len(self._held) > 1 and self.weigh(self._held.values()) > self.most_bytes:
                self._held.popitem(last=False)
