"""Is what searches compiled before a client asks for a division, on a server that was just installed?

A process of its own compiles it beside the server, below all others in rank, and ends with it. Whoever asks before it
is done waits for compiling, not at the cost of the budget.
"""

import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic

import api

_LOG = logging.getLogger("wangge.jobs")
_NICE = 10
PROGRAM = ("-m", "api.jobs.warming")


def start_warming() -> Thread:
    """Start to compile what searches, unless an earlier run has; return the thread that tells of it in the log."""
    thread = Thread(target=_follow, name="compiling of the search", daemon=True)
    thread.start()
    return thread


def _follow() -> None:
    """Tell in the log when compiling begins and how it ended; where nothing was to be done, nothing is told."""
    root = str(Path(api.__file__).parents[1])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, *PROGRAM],
        stdin=subprocess.PIPE,  # it is closed when the server ends, however that comes about
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        told = process.stdout.readline().strip()
        if told:
            _LOG.warning("%s", told)
        began = monotonic()
        code = process.wait()
    if code:
        _LOG.warning("the search could not be compiled (exit code %d); the first division compiles it", code)
    elif told:
        _LOG.warning("the search is compiled, after %.0f s", monotonic() - began)


def main() -> None:
    """Compile what searches, and say so first, unless it is there."""
    Thread(target=_end_with_server, daemon=True).start()
    with suppress(OSError):
        os.nice(_NICE)
    from spatial.division.warming import compile_first
    from spatial.io.profiles import DEFAULT_PROFILE, read_profile

    compile_first(read_profile(DEFAULT_PROFILE), lambda stage, share: print(stage, flush=True))


def _end_with_server() -> None:
    os.read(0, 1)  # not sys.stdin: who waits in it holds its lock, and a process that ends meanwhile is aborted
    os._exit(0)


if __name__ == "__main__":
    main()
