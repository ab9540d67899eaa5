"""What do a thread that proves and one that searches tell each other, so that the answer is the same whoever is first?

What either does depends on nothing that the other one finds, and its steps are counted. Of choices of as few sites that
is told which took fewer steps; so a thread ends only where such a choice is known, and it has made more steps itself.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar

import numpy as np

from spatial.siting.room.rooms import Choice
from spatial.siting.ways import Deadline

_HAIR = 1e-6

Lane = TypeVar("Lane")


@dataclass(frozen=True, slots=True)
class Known:
    """What two threads tell each other: the choices that each met, with the steps it had made, and the bounds proved.

    What a thread meets next takes it at least as many steps as ``steps`` has of it.
    """

    choices: tuple[list[tuple[float, Choice]], list[tuple[float, Choice]]]
    bounds: list[float]
    steps: list[float]

    def tell(self, me: int, choice: Choice) -> None:
        """Tell of a choice that a thread met."""
        self.choices[me].append((self.steps[me], choice))

    @property
    def best(self) -> Choice:
        """The best choice; of equal ones that which took fewer steps."""
        every = [(choice.value, steps, me) for me in (0, 1) for steps, choice in self.choices[me]]
        value, steps, me = min(every)
        return next(choice for at, choice in self.choices[me] if choice.value == value and at == steps)

    @property
    def bound(self) -> float:
        """The highest bound."""
        return max(self.bounds)

    def over(self, me: int) -> bool:
        """Tell whether nothing that a thread goes on to meet is told: no choice can have fewer sites than one known,
        and it took fewer steps."""
        least = np.ceil(self.bound - _HAIR)
        mine, others = (
            next((steps for steps, choice in self.choices[one] if choice.value <= least), np.inf)
            for one in (me, 1 - me)
        )
        return bool(mine < np.inf or (others, 1 - me) < (self.steps[me], me))


def while_open(known: Known, me: int, failed: Event, deadline: Deadline) -> Deadline:
    """Return the deadline of a thread: it is over, too, where nothing that it finds is told, or another one failed."""
    clock = deadline.clock
    return Deadline(deadline.left(), clock=lambda: np.inf if known.over(me) or failed.is_set() else clock())


def counting(known: Known, me: int, look: float, deadline: Deadline) -> Deadline:
    """Return a deadline that counts so many steps of a thread whenever it is looked at."""

    def clock() -> float:
        known.steps[me] += look
        return deadline.clock()

    return Deadline(deadline.left(), clock=clock)


def do_both(
    work: Callable[[Lane], Lane], pair: tuple[Lane, Lane], pool: ThreadPoolExecutor, busy: "Future[Any]"
) -> tuple[Lane, Lane]:
    """Return what work on two values comes to, on the thread of a pool as well where that is not busy any more."""
    if not busy.done():
        return work(pair[0]), work(pair[1])
    other = pool.submit(work, pair[1])
    return work(pair[0]), other.result()
