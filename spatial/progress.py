"""How does long work say where it is? A callable that takes the stage's name and the share done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from spatial.errors import CancelledError

Progress = Callable[[str, float], None]
"""Called with the name of what is being done and the share done, 0 to 1; may raise CancelledError to stop the work."""


@runtime_checkable
class Watcher(Protocol):
    """A progress that is also told of every better plan and bound, while the work goes on."""

    def __call__(self, stage: str, share: float) -> None:
        """Take the name of what is being done and the share done."""

    def found(self, seconds: float, total: float, bound: float, assignment: Callable[[], Any]) -> None:
        """Take what the best so far costs and its bound; ``assignment`` makes its Series ``block_id -> grid_id``."""


def silent(stage: str, share: float) -> None:
    """Report nothing."""


@contextmanager
def insisting(on_progress: Progress) -> Iterator[Progress]:
    """Give a progress whose stop is raised at the end again: for work that would return the best so far instead."""
    stops: list[BaseException] = []

    def tell(stage: str, share: float) -> None:
        """Pass progress on, and keep the stop that it may raise."""
        if stops:
            raise stops[0]
        try:
            on_progress(stage, share)
        except (CancelledError, KeyboardInterrupt) as stop:
            stops.append(stop)
            raise

    yield tell
    if stops:
        raise stops[0]
