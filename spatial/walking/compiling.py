"""How long has this process worked, compiling apart? A budget is for searching, and kernels are compiled but once.

After an installation compiling takes longer than many a budget. It happens in one thread at a time, which is told of
its beginning and its end; what is found on the disk is not compiled.
"""

import time
from typing import Any

from numba.core.event import Listener, register


class _Stopwatch(Listener):  # type: ignore[misc]
    """Counts the seconds between the first beginning and the last end; kernels are compiled inside of others."""

    def __init__(self) -> None:
        self.seconds, self.began, self.depth = 0.0, 0.0, 0

    def on_start(self, event: Any) -> None:
        """Start, unless it runs."""
        if self.depth == 0:
            self.began = time.monotonic()
        self.depth += 1

    def on_end(self, event: Any) -> None:
        """Stop, if nothing else is compiled; whoever asks at this moment is told too little time, never too much."""
        if self.depth == 1:
            self.seconds += time.monotonic() - self.began
        self.depth -= 1


_WATCH = _Stopwatch()
register("numba:compile", _WATCH)


def working_s() -> float:
    """Return seconds that go by as ``time.monotonic`` tells, and stand still while kernels are compiled."""
    now = _WATCH.began if _WATCH.depth else time.monotonic()
    return now - _WATCH.seconds
