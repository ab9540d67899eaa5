"""A real PostgreSQL with PostGIS on a free port, for as long as the tests run."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

_PROGRAMS = Path("/usr/lib/postgresql")


def why_not() -> str:
    """Say what is missing to run PostgreSQL with PostGIS; empty when nothing is."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install wangge[postgis])"
    if _programs() is None:
        return f"no PostgreSQL with PostGIS under {_PROGRAMS} (apt-get install postgresql-15-postgis-3)"
    if os.getuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def _programs() -> Path | None:
    for version in sorted(_PROGRAMS.glob("*/bin"), reverse=True):
        control = Path("/usr/share/postgresql") / version.parent.name / "extension" / "postgis.control"
        if (version / "initdb").exists() and control.exists():
            return version
    return None


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def running() -> Iterator[str]:
    """Give the address of an empty server, without the name of a database."""
    programs = _programs()
    assert programs is not None
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="wangge-postgres-"))
    if user:
        shutil.chown(folder, user)
    data = str(folder / "data")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _call([programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-N", "-E", "UTF8"], user)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=32MB"
    try:
        _call([programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], user)
        yield f"postgresql://tester@127.0.0.1:{port}"
    finally:
        _call([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], user)
        shutil.rmtree(folder, ignore_errors=True)


def create_database(address: str, name: str, *, like: str = "template1") -> None:
    """Make a database as a copy of another one that nobody is connected to."""
    with import_module("psycopg").connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")


def _call(command: list[str | Path], user: str | None) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
