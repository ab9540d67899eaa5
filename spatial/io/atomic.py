"""How is a file or a folder replaced so that a reader, or a crash, meets the old one or the new one and nothing else?

The new content is written beside the old under a hidden name, flushed to the disk, and swapped in by one call of the
operating system. What a killed run left beside is removed by the next one.
"""

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".unfinished"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2
_CANNOT_SWAP = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}


def replace_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Put a folder in place whole; ``fill`` is given an empty folder to write into.

    Where the file system cannot swap two folders the old one is moved aside first; killed in between, the next run
    moves it back before it begins.
    """
    target = folder.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    _recover(target)
    with _workplace(target) as beside:
        fill(beside)
        for path in sorted(beside.rglob("*")):
            _flush(path)
        _flush(beside)
        _put_in_place(beside, target)
        _flush(target.parent)


def replace_file(path: Path, fill: Callable[[Path], None]) -> None:
    """Put a file in place whole; ``fill`` is given the path, beside it, of a file to write."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    _recover(target)
    beside = _beside(target)
    lock = os.open(beside, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fill(beside)
        _flush(beside)
        beside.replace(target)
        _flush(target.parent)
    finally:
        beside.unlink(missing_ok=True)
        os.close(lock)


def try_place(folder: Path) -> None:
    """Make and remove a hidden folder where ``replace_folder`` would work; raises the OSError that it would meet."""
    target = folder.resolve()
    present = next(parent for parent in target.parents if parent.exists())
    trial = _beside(target if present == target.parent else present / target.name)
    trial.mkdir()
    trial.rmdir()


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.before")


def _recover(target: Path) -> None:
    """Put back what a killed run moved aside, and remove what it left unfinished."""
    if _aside(target).exists() and not target.exists():
        _aside(target).rename(target)
    for path in sorted(target.parent.iterdir()):
        if path.name.startswith(f".{target.name}.") and path.name.endswith(_SUFFIX):
            _remove_unless_in_use(path)


def _remove_unless_in_use(path: Path) -> None:
    """Remove a folder or a file; one that is still locked belongs to a run that is alive."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """Give a locked folder beside the target; whatever bears its name afterwards is removed."""
    beside = _beside(target)
    beside.mkdir()
    lock = os.open(beside, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        os.close(lock)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
    elif not _swap(new, target):
        target.rename(_aside(target))
        new.rename(target)
        shutil.rmtree(_aside(target))


def _swap(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system has no such call."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(*names, _RENAME_SWAP)
    elif hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    else:
        return False
    code = ctypes.get_errno()
    if failed and code not in _CANNOT_SWAP:
        raise OSError(code, os.strerror(code), str(other))
    return not failed
