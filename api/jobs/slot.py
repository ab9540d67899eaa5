"""How is one job at a time given to a worker process, followed, and stopped within a moment?"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

import api
from api.jobs.frames import read_frame, write_frame

Reason = Literal["", "dismissed", "late", "closing"]
_ENDING_S = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job's work ended: with results, with a problem, stopped for a reason, or with the worker itself."""

    results: bytes | None = None
    problem: dict[str, Any] | None = None
    reason: Reason = ""
    exit_code: int | None = None


@dataclass(slots=True)
class Slot:
    """Room for one worker: started for the first job, kept warm for the next one, killed where a job is stopped."""

    process: subprocess.Popen[bytes] | None = None
    job_id: str = ""
    reason: Reason = ""
    lock: Any = field(default_factory=threading.Lock)

    @contextmanager
    def holding(self, job_id: str) -> Iterator[None]:
        """Make the slot that of a job; from here on ``stop`` finds it."""
        with self.lock:
            self.job_id, self.reason = job_id, ""
        try:
            yield
        finally:
            with self.lock:
                self.job_id = ""

    def stop(self, job_id: str, reason: Reason) -> None:
        """Kill the worker if it is at this job ("": at any)."""
        with self.lock:
            if job_id and self.job_id != job_id:
                return
            self.reason = self.reason or reason
            if self.process is not None:
                self.process.kill()

    def rest(self) -> None:
        """Let go of an idle worker and of its memory."""
        with self.lock:
            process, self.process = self.process, None
        if process is not None:
            _end(process)

    def work(self, head: bytes, inputs: bytes, tell: Callable[[dict[str, Any]], None]) -> Ended:
        """Return how a job ended; ``tell`` gets every message before that."""
        with self.lock:
            if self.reason:
                return Ended(reason=self.reason)
            if self.process is None or self.process.poll() is not None:
                self.process = _start()
            process = self.process
        try:
            ended = _converse(process, head, inputs, tell)
        except BaseException:
            self.rest()
            raise
        if ended is not None and not self.reason:
            return ended
        with self.lock:
            self.process = None
        return ended or Ended(reason=self.reason, exit_code=_end(process))


def _converse(
    process: subprocess.Popen[bytes], head: bytes, inputs: bytes, tell: Callable[[dict[str, Any]], None]
) -> Ended | None:
    """Return how a job ended by its worker's own words, None where the worker fell silent."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_frame(process.stdin, head)
        write_frame(process.stdin, inputs)
    except OSError:
        return None
    while (frame := read_frame(process.stdout)) is not None:
        message = orjson.loads(frame)
        if "done" in message:
            results = read_frame(process.stdout)
            return None if results is None else Ended(results=results)
        if "failed" in message:
            return Ended(problem=message["failed"])
        tell(message)
    return None


def _start() -> subprocess.Popen[bytes]:
    """Start a worker: a fresh interpreter, so that nothing of the server's threads and sockets goes along."""
    root = str(Path(api.__file__).parents[1])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "api.jobs.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,  # Ctrl-C at the server is the server's to answer
    )


def _end(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a worker that is told to end, or has ended."""
    process.kill()
    code = process.wait(_ENDING_S)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # what was still to be written has nobody to read it
                continue
    return code
