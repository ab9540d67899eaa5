"""Nothing acknowledged is lost: writers are killed, race, run out of disk, and the journal is torn.

``WANGGE_KILLS=200`` kills more often.
"""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from api.store.editing import Editor
from api.store.embedded import open_connection
from api.store.place import Place
from api.store.store import Store, open_store
from tests.api.live import FORKING
from tests.store.crashing import answer
from tests.store.served import TOY, edit, rename

KILLS = int(os.environ.get("WANGGE_KILLS", "20"))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What writers do in a process of their own, which is forked as servers are, ends well and says nothing else."""

    def run_apart(what: str, place: Place, *numbers: int) -> dict[str, Any]:
        errors, (told, tell) = tmp_path / "errors.txt", FORKING.Pipe(duplex=False)
        process = FORKING.Process(target=answer, args=(tell, str(errors), what, str(place), numbers))
        process.start()
        tell.close()
        found: dict[str, Any] = {}
        with told, suppress(EOFError):
            found = told.recv() if told.poll(600) else {}
        process.join(60)
        assert (process.exitcode, errors.read_text(encoding="utf-8")) == (0, "")
        process.close()
        return found

    return run_apart


def test_writers_that_are_killed_lose_nothing_that_was_acknowledged(
    toy_place: Place, run: Callable[..., dict[str, Any]]
) -> None:
    told = run("kill", toy_place, KILLS, 7)
    assert told["wrong"] == []
    assert told["acknowledged"] >= KILLS
    assert told["acknowledged"] < told["head"] <= told["acknowledged"] + KILLS + 1


def test_of_writers_at_once_every_one_keeps_all_its_edits(toy_place: Place, run: Callable[..., dict[str, Any]]) -> None:
    told = run("race", toy_place, 2)
    assert told == {"acknowledged": [12, 12], "head": 25, "own": True, "failed": [], "wrong": []}


@pytest.mark.parametrize("room", [0, 20_000, 200_000])
def test_a_full_disk_is_told_and_what_was_acknowledged_stays(
    tmp_path: Path, toy_file: Path, run: Callable[..., dict[str, Any]], room: int
) -> None:
    told = run("fill_disk", shutil.copy(toy_file, tmp_path / "plans.gpkg"), room)
    assert told["wrong"] == []
    assert "nothing_of_this_step_is_kept" in told["said"]
    assert told["after"] == told["acknowledged"] + 2


def test_a_torn_journal_costs_only_what_was_never_acknowledged(file_store: Store, tmp_path: Path) -> None:
    editor = Editor(file_store)
    for version in range(1, 6):
        edit(editor, version, rename("g1", f"name {version}"))
    kept = file_store.features(TOY, 6, "grids")
    path = Path(file_store.database.name)
    journal = path.with_name(f"{path.name}-wal")
    acknowledged = journal.stat().st_size
    with closing(open_connection(path)) as raw:
        raw.execute("PRAGMA cache_size = 5")  # so small that the journal takes pages before they are acknowledged
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("UPDATE guard SET writing = 1")
        for number in range(300):
            raw.execute("INSERT INTO audit (at, who, action, subject, detail) VALUES ('', '', '', '', ?)", ["x" * 900])
            raw.execute("UPDATE grids SET name = ?", [f"never {number}"])
        whole = journal.read_bytes()
        assert len(whole) > acknowledged + 50_000
        chance = random.Random(3)
        cuts = [acknowledged, acknowledged + 1, len(whole), *chance.choices(range(acknowledged, len(whole)), k=12)]
        for turn, cut in enumerate(cuts):
            copy = tmp_path / f"copy{turn}.gpkg"
            shutil.copy(path, copy)
            torn = bytearray(whole[:cut])
            if turn % 3 == 2 and cut > acknowledged:  # a sector that was half written
                torn[max(acknowledged, cut - 512) :] = chance.randbytes(cut - max(acknowledged, cut - 512))
            copy.with_name(f"{copy.name}-wal").write_bytes(torn)
            store = open_store(copy)
            assert store.check() == [], cut
            assert store.features(TOY, 6, "grids") == kept
            assert edit(Editor(store), 6, rename("g2", "after")).version == 7
            store.close()
        raw.execute("ROLLBACK")


def test_what_is_acknowledged_was_flushed_to_the_disk_first(toy_file: Path, tmp_path: Path) -> None:
    with closing(open_connection(shutil.copy(toy_file, tmp_path / "plans.gpkg"))) as connection:
        assert (
            connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        )  # FULL: the journal is flushed at each commit
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
