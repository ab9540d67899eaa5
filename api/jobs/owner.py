"""Which server works on a job, and is it still there? Told by a name that no two servers share."""

import os
import socket
from functools import cache
from pathlib import Path


@cache
def name_self() -> str:
    """Return the name of this process: its machine as it was started last, its number there, and when it began."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())}"


def is_surely_gone(name: str) -> bool:
    """Tell whether the process of a name is known to have ended; of other machines nothing is known."""
    machine, _, process = name.rpartition(" ")[0].rpartition(" ")
    if machine != _machine() or not process.isdecimal() or not _began(os.getpid()):
        return False
    return _began(int(process)) != name.rpartition(" ")[2]


@cache
def _machine() -> str:
    """Return what tells this machine, since it was started, and this room for processes from all others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        room = os.readlink("/proc/self/ns/pid")
    except OSError:
        boot = room = "unknown"
    return f"{socket.gethostname()} {boot} {room}"


def _began(pid: int) -> str:
    """Return when a process began, by the clock of its machine; nothing where there is none, or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
