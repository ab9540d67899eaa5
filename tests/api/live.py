"""A real server in a process of its own, on a free port of the loopback.

GDAL holds Python's lock while it waits for an answer, so a server in a thread of the same process could never give one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROGRAM = (
    "import sys; from api.serve import serve; folder, osm, store = (one or None for one in sys.argv[1:]); "
    "serve(folder, port=0, osm=osm, store=store, announce=lambda at: print(at, flush=True))"
)


@contextmanager
def serving(
    folder: Path | None, *, osm: Path | None = None, store: Path | str | None = None, **settings: str
) -> Iterator[str]:
    """Give the address of a server of a plan folder, a street map, a store or several, without a slash at the end.

    Settings are named without their prefix.
    """
    with starting(folder, osm=osm, store=store, **settings) as (address, _):
        yield address


@contextmanager
def starting(
    folder: Path | None, *, osm: Path | None = None, store: Path | str | None = None, **settings: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the address of a server as ``serving`` does, and its process."""
    environment = {**os.environ, **{f"WANGGE_{name.upper()}": value for name, value in settings.items()}}
    command = [sys.executable, "-c", _PROGRAM, str(folder or ""), str(osm or ""), str(store or "")]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the server did not start"
            yield address.rstrip("/"), process
        finally:
            process.terminate()
