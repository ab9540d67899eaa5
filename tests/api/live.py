"""A real server in a process of its own, on a free port of the loopback.

GDAL holds Python's lock while it waits for an answer, so a server in a thread of the same process could never give one.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROGRAM = (
    "import sys; from api.serve import serve; folder, osm, store = (one or None for one in sys.argv[1:]); "
    "serve(folder, port=0, osm=osm, store=store, announce=lambda at: print(at, flush=True))"
)
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    ["api.serve", "api.routes.plans", "api.routes.plan_edits", "api.store_feeds", "api.routes.walking", "api.walking"]
)
_Place = Path | str | None


@contextmanager
def serving(
    folder: Path | None, *, osm: Path | None = None, store: Path | str | None = None, **settings: str
) -> Iterator[str]:
    """Give the address of a server of a plan folder, a street map, a store or several, without a slash at the end.

    Settings are named without their prefix. The server is forked from a process that has imported what servers need
    and has done nothing else: to import it takes four times as long as to begin to serve.
    """
    told, tell = FORKING.Pipe(duplex=False)
    process = FORKING.Process(target=_serve, args=(tell, _environment(settings), folder, osm, store), daemon=True)
    with told:
        process.start()
        tell.close()
        try:
            address = str(told.recv())
            yield address.rstrip("/")
        finally:
            process.terminate()
            process.join()
            process.close()


@contextmanager
def starting(
    folder: Path | None, *, osm: Path | None = None, store: Path | str | None = None, **settings: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the address of a server as ``serving`` does, and its process, an interpreter of its own."""
    command = [sys.executable, "-c", _PROGRAM, str(folder or ""), str(osm or ""), str(store or "")]
    with subprocess.Popen(command, cwd=ROOT, env=_environment(settings), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the server did not start"
            yield address.rstrip("/"), process
        finally:
            process.terminate()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **{f"WANGGE_{name.upper()}": value for name, value in settings.items()}}


def _serve(tell: Connection, environment: dict[str, str], folder: _Place, osm: _Place, store: _Place) -> None:
    """Serve in this process, with that environment alone, and tell the address."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    from api.serve import serve

    serve(folder, port=0, osm=osm, store=store, announce=tell.send)
