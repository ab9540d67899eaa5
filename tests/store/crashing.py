"""Writers that are killed, race each other, or run out of disk; run in a process of its own.

Writers are forks, so that each starts at once; nothing is opened before the fork.
"""

import os
import random
import resource
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from api.store.editing import Editor
from api.store.errors import StaleError, StoreError
from api.store.records import Delta, Note
from api.store.store import Store, open_store
from tests.store.served import TOY, edit, move, rename

_LONGEST_S = 0.08
Acknowledge = Callable[[int, str], None]


def _write_fast(place: str, who: str, acknowledge: Acknowledge) -> None:
    """Commit renames as fast as they go: nearly all of the time is spent in writing."""
    store = open_store(place)
    base = store.get_plan(TOY).head
    (grid,) = [grid for grid in store.read_grids(TOY, base) if grid.grid_id == "g1"]
    while True:
        named = replace(grid, document={**grid.document, "name": f"{who} {base}"})
        made = store.commit_version(TOY, base, Delta([named]), Note(who, "", [rename("g1", f"{who} {base}")]))
        acknowledge(made.version, made.digest)
        base = made.version


def _write_edits(place: str, who: str, acknowledge: Acknowledge) -> None:
    """Edit as planners do, again from the last version where another was faster."""
    editor, blocks = Editor(open_store(place)), random.Random(who)
    for _ in range(12):
        while True:
            head = editor.store.get_plan(TOY).head
            try:
                change = move(blocks.choice(["b1", "b2"]), blocks.choice(["g1", "g2"]))
                made = edit(editor, head, rename("g3", f"{who} {head}"), change, who=who)
            except (StaleError, ValueError):
                continue
            acknowledge(made.version, made.digest)
            break


def _start(write: Callable[[str, str, Acknowledge], None], place: str, who: str) -> tuple[int, int]:
    """Start a writer; return its process and where its acknowledgements are read."""
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        return child, reads
    try:
        write(place, who, lambda version, digest: _tell(writes, f"{version} {digest}\n"))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _tell(pipe: int, text: str) -> None:
    os.write(pipe, text.encode())


def _read_all(pipe: int, before: str = "") -> dict[int, str]:
    with os.fdopen(pipe) as told:
        text = before + told.read()
    whole = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return {int(version): digest for version, digest in whole}


def kill(place: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill writers at random moments; after each, hold the store against what was acknowledged."""
    chance, acknowledged, wrong = random.Random(seed), dict[int, str](), list[str]()
    for turn in range(kills):
        child, pipe = _start(_write_fast, place, f"writer {turn}")
        first = os.read(pipe, 1).decode()  # from the first acknowledgement on
        time.sleep(chance.uniform(0, _LONGEST_S))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told = _read_all(pipe, first)
        acknowledged |= told
        wrong += _compare(place, told)
    store = open_store(place)
    wrong += store.check()
    wrong += _missing(store, acknowledged)
    return {"kills": kills, "acknowledged": len(acknowledged), "head": store.get_plan(TOY).head, "wrong": wrong}


def _compare(place: str, acknowledged: dict[int, str]) -> list[str]:
    store = open_store(place)
    found = [*store.database.inspect(), *_missing(store, acknowledged)]
    store.close()
    return found


def _missing(store: Store, acknowledged: dict[int, str]) -> list[str]:
    held = {one.version: one.digest for one in store.list_versions(TOY)}
    return [f"version {v} was acknowledged and is lost" for v, digest in acknowledged.items() if held.get(v) != digest]


def race(place: str, writers: int) -> dict[str, Any]:
    """Let writers edit one plan at once."""
    started = [_start(_write_edits, place, f"writer {n}") for n in range(writers)]
    told = [_read_all(pipe) for _, pipe in started]
    status = [os.waitpid(child, 0)[1] for child, _ in started]
    store = open_store(place)
    wrong = store.check() + [error for one in told for error in _missing(store, one)]
    by = {one.version: one.who for one in store.list_versions(TOY)}
    own = all(by[version] == f"writer {n}" for n, one in enumerate(told) for version in one)
    twice = len(set().union(*told)) != sum(map(len, told))
    return {
        "acknowledged": [len(one) for one in told],
        "head": store.get_plan(TOY).head,
        "own": own and not twice,
        "failed": [s for s in status if s],
        "wrong": wrong,
    }


def fill_disk(place: str, room: int) -> dict[str, Any]:
    """Write with so many bytes left until there are no more."""
    path, acknowledged, said = Path(place), dict[int, str](), list[str]()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def write(place: str, who: str, acknowledge: Acknowledge) -> None:
        most = path.stat().st_size + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        try:
            _write_fast(place, who, acknowledge)
        except StoreError as error:
            acknowledge(0, str(error).replace(" ", "_"))

    child, pipe = _start(write, place, "writer")
    acknowledged = _read_all(pipe)
    os.waitpid(child, 0)
    said.append(acknowledged.pop(0, "nothing was said"))
    store = open_store(place)
    wrong = store.check() + _missing(store, acknowledged)
    after = edit(Editor(store), store.get_plan(TOY).head, rename("g2", "after"))
    return {"acknowledged": len(acknowledged), "said": said[0], "after": after.version, "wrong": wrong + store.check()}


def answer(tell: Connection, errors: str, what: str, place: str, numbers: tuple[int, ...]) -> None:
    """Send what was found; all that this process and its forks say of errors goes into a file."""
    with Path(errors).open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 2)
    tell.send({"kill": kill, "race": race, "fill_disk": fill_disk}[what](place, *numbers))
