"""How does a worker do one job after another, in a process of its own that may be killed at any time?

It is given a job as two frames, a head and the inputs, and answers with frames: progress and events while it works,
then ``done`` with a frame of results, or ``failed`` with a problem. It ends when the server ends.
"""

import os
import resource
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from queue import SimpleQueue
from time import monotonic
from typing import IO, Any

import orjson

from api.jobs.envelope import read_inputs, read_wanted
from api.jobs.frames import read_frame, write_frame, write_message
from api.jobs.serving import Serving, read_serving

_APART_S = 0.25
"""Least time between two reports of progress."""
_NICE = 5


@dataclass(slots=True)
class Reporter:
    """What a job tells while it runs; reports of progress that follow each other too fast are left out."""

    stream: IO[bytes]
    lock: Any = field(default_factory=threading.Lock)
    told: float = 0.0
    stage: str = ""

    def progress(self, stage: str, share: float) -> None:
        """Tell what is being done, and how much of the whole is, from 0 to 1."""
        with self.lock:
            if stage == self.stage and monotonic() - self.told < _APART_S:
                return
            self.told, self.stage = monotonic(), stage
            write_message(self.stream, progress=share, message=stage)

    def event(self, kind: str, told: Mapping[str, Any]) -> None:
        """Tell of something that happened."""
        with self.lock:
            write_message(self.stream, event=kind, data=told)


def main() -> None:
    """Do the jobs that come in on the standard input, until it is closed."""
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to the log, not between the frames
    with suppress(OSError):
        os.nice(_NICE)
    jobs: SimpleQueue[tuple[dict[str, Any], bytes]] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        head, inputs = jobs.get()
        _limit_memory(int(head["memory"]))
        _work(wire, head, inputs)


def _listen(stream: IO[bytes], jobs: SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    """Pass on what comes in; where the server ended, whatever it is that runs is wanted by nobody."""
    while (head := read_frame(stream)) is not None and (inputs := read_frame(stream)) is not None:
        jobs.put((orjson.loads(head), inputs))
    os._exit(0)


def _limit_memory(most: int) -> None:
    """Refuse the process more memory of its own than this many bytes, so that a job too large fails by itself."""
    if most and resource.getrlimit(resource.RLIMIT_DATA)[0] != most:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _work(wire: IO[bytes], head: Mapping[str, Any], inputs: bytes) -> None:
    reporter = Reporter(wire)
    try:
        serving = replace(read_serving(head["serving"]), who=read_wanted(inputs).who)
        results = _run(head, serving, read_inputs(inputs), reporter)
        content = orjson.dumps(results, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    except BaseException as error:  # whatever it is, the server has to be told
        with reporter.lock:
            write_message(wire, failed=_tell(error, int(head["memory"])))
        return
    with reporter.lock:
        write_message(wire, done=True)
        write_frame(wire, content)


def _run(head: Mapping[str, Any], serving: Serving, inputs: Any, reporter: Reporter) -> Any:
    module, _, name = str(head["run"]).partition(":")
    return getattr(import_module(module), name)(inputs, serving, reporter)


def _tell(error: BaseException, memory: int) -> dict[str, Any]:
    """Return what a problem document tells of an error."""
    from api.errors import status_of
    from spatial.errors import SpatialError

    if isinstance(error, SpatialError):
        facts = getattr(error, "facts", {})
        told = {"status": int(status_of(error)), "detail": str(error), "error": type(error).__name__}
        return {**told, "facts": _plain(facts)} if facts else told
    traceback.print_exception(error)
    if isinstance(error, MemoryError):
        detail = f"the job needed more memory than a job may have ({memory:,} bytes); ask for less at once"
        return {"status": 413, "detail": detail, "error": "MemoryError"}
    return {
        "status": 500,
        "detail": "the job failed in a way nobody foresaw; see the server's log",
        "error": "Unforeseen",
    }


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): orjson.loads(orjson.dumps(value, default=str)) for name, value in facts.items()}


if __name__ == "__main__":
    main()
