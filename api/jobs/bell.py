"""How does a request that waits hear that something happened to a job, without asking again and again?"""

import asyncio
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Ear = tuple[asyncio.AbstractEventLoop, asyncio.Event]


@dataclass(frozen=True, slots=True)
class Bell:
    """Rung from any thread for a job; heard by whoever listens for it in an event loop."""

    ears: dict[str, list[Ear]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ring(self, job_id: str) -> None:
        """Wake everybody who listens for a job."""
        with self.lock:
            ears = list(self.ears.get(job_id, ()))
        for loop, event in ears:
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody listens
                loop.call_soon_threadsafe(event.set)

    def ring_others(self, own: Collection[str]) -> None:
        """Wake who listens for other jobs than these: what happens at other servers rings no bell here."""
        with self.lock:
            heard = [job_id for job_id in self.ears if job_id not in own]
        for job_id in heard:
            self.ring(job_id)

    @contextmanager
    def listening(self, job_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the job is rung for; whoever waits clears it first."""
        ear = asyncio.get_running_loop(), asyncio.Event()
        with self.lock:
            self.ears.setdefault(job_id, []).append(ear)
        try:
            yield ear[1]
        finally:
            with self.lock:
                self.ears[job_id].remove(ear)
                if not self.ears[job_id]:
                    del self.ears[job_id]

    def count(self) -> int:
        """Return how many listen."""
        with self.lock:
            return sum(len(ears) for ears in self.ears.values())
