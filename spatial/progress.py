"""How long work says where it is: a callable that takes the stage's name and the share done."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of what is being done and the share done, 0 to 1; may raise CancelledError to stop the work."""


def silent(stage: str, share: float) -> None:
    """Report nothing."""
