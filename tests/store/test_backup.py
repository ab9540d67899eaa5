"""A backup is one file that holds all; it is put back whole or not at all."""

import dataclasses
import logging
import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from api.store.editing import Editor, import_plan
from api.store.errors import StoreError
from api.store.place import name_place
from api.store.records import Note
from api.store.schema import FORMAT_VERSION
from api.store.store import Store, create_store, open_store, restore_store
from spatial.errors import MissingError
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, edit, move, rename, serve_layers
from tests.store.test_migrations import join_contents


def test_a_backup_holds_what_stood_when_it_was_made(file_store: Store, tmp_path: Path) -> None:
    editor = Editor(file_store)
    edit(editor, 1, move("b2", "g2"))
    file_store.backup(tmp_path / "kept.gpkg")
    edit(editor, 2, rename("g1", "甲"))
    kept = open_store(tmp_path / "kept.gpkg")
    assert kept.get_plan(TOY).head == 2
    assert kept.check() == []
    assert kept.features(TOY, 2, "grids") == file_store.features(TOY, 2, "grids")
    kept.close()


def test_a_backup_is_one_file_that_opening_it_for_a_restore_leaves_as_it_is(file_store: Store, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    kept = tmp_path / "there" / "kept.gpkg"
    file_store.backup(kept)
    before = kept.read_bytes()
    restore_store(kept, tmp_path / "new.gpkg")
    assert kept.read_bytes() == before
    assert [path.name for path in kept.parent.iterdir()] == ["kept.gpkg"]
    again = open_store(tmp_path / "new.gpkg")
    assert again.check() == []
    again.close()


def test_a_backup_of_an_earlier_format_is_brought_on_where_it_is_put_and_told_to_stay_as_it_is(
    file_store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "kept.gpkg"
    with file_store.database.writing() as rows:
        join_contents(rows, file_store.database.dialect)
        rows.run("UPDATE meta SET value = '4' WHERE name = 'format_version'")
    file_store.backup(kept)
    before = kept.read_bytes()
    with caplog.at_level(logging.WARNING, "wangge.store"):
        restore_store(kept, tmp_path / "new.gpkg")
    assert f"was brought from format version 4 to {FORMAT_VERSION}; the backup {kept} stays as it is" in caplog.text
    assert kept.read_bytes() == before
    again = open_store(tmp_path / "new.gpkg")
    assert (again.check(), again.get_plan(TOY).head) == ([], 1)
    again.close()
    assert not [path.name for path in tmp_path.iterdir() if "format" in path.name]


def test_a_restore_over_a_store_in_use_shows_readers_the_old_one_or_the_new_one(
    file_store: Store, tmp_path: Path
) -> None:
    editor = Editor(file_store)
    file_store.backup(tmp_path / "kept.gpkg")
    edit(editor, 1, move("b2", "g2"))
    later = file_store.get_version(TOY, 2)
    with pytest.raises(StoreError, match="exists; say --replace"):
        restore_store(tmp_path / "kept.gpkg", file_store.database.name)
    restore_store(tmp_path / "kept.gpkg", file_store.database.name, replace=True)
    assert file_store.get_plan(TOY).head == 1
    assert file_store.check() == []
    made = edit(editor, 1, rename("g3", "东片"))
    assert made.version == later.version
    assert made.digest != later.digest
    assert editor.load(TOY, 2).state.grids.loc["g3", "name"] == "东片"
    assert file_store.check() == []


def test_edits_after_a_restore_stand_on_the_plan_that_came_back(file_store: Store, tmp_path: Path) -> None:
    editor = Editor(file_store)
    edit(editor, 1, rename("g1", "甲"))
    plan = build_toy_plan()
    other = dataclasses.replace(plan, blocks=plan.blocks.assign(households=[210, 150, 480, 1500]))
    kept = create_store(tmp_path / "other.gpkg")
    import_plan(kept, other, serve_layers(other), Note("office", "another plan of this id"))
    kept.close()
    restore_store(tmp_path / "other.gpkg", file_store.database.name, replace=True)
    edit(editor, 1, move("b2", "g2"))
    held = file_store.features(TOY, 2, "grids").features
    assert [orjson.loads(one)["properties"]["households"] for one in held] == [210, 630, 1500]


def test_a_backup_that_is_not_whole_is_refused_and_the_store_stays(file_store: Store, tmp_path: Path) -> None:
    kept = tmp_path / "kept.gpkg"
    file_store.backup(kept)
    with closing(sqlite3.connect(kept)) as raw, raw:
        raw.execute("UPDATE versions SET digest = 'x'")
    with pytest.raises(StoreError, match="is not whole: plan toy-0001: version 1"):
        restore_store(kept, file_store.database.name, replace=True)
    kept.write_bytes(kept.read_bytes()[:5000])
    with pytest.raises(StoreError, match="cannot use the store"):
        restore_store(kept, file_store.database.name, replace=True)
    with pytest.raises(MissingError, match="no backup"):
        restore_store(tmp_path / "none.gpkg", file_store.database.name, replace=True)
    assert file_store.check() == []
    assert not list(tmp_path.glob(".restoring-*"))


def test_a_backup_that_cannot_be_written_says_so(file_store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        file_store.backup(tmp_path / "file" / "kept.gpkg")


def test_a_backup_that_finds_no_room_leaves_nothing_behind(file_store: Store, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file_store.list_plans()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # no file may grow longer: the disk is full by then
    try:
        with pytest.raises(StoreError, match="nothing of this step is kept"):
            file_store.backup(tmp_path / "there" / "kept.gpkg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "there").iterdir())
    assert file_store.check() == []


def test_a_store_with_its_journal_beside_it_is_not_copied_by_hand_but_its_backup_is_whole(
    file_store: Store, tmp_path: Path
) -> None:
    edit(Editor(file_store), 1, move("b2", "g2"))
    shutil.copy(file_store.database.name, tmp_path / "by_hand.gpkg")  # without the journal: the edit is not in it
    file_store.backup(tmp_path / "kept.gpkg")
    heads = []
    for name in ("by_hand.gpkg", "kept.gpkg"):
        store = open_store(tmp_path / name)
        heads.append(store.get_plan(TOY).head)
        store.close()
    assert heads == [1, 2]


def test_postgresql_is_backed_up_by_its_own_tools(server: str, tmp_path: Path) -> None:
    store = open_store(f"{server}/toy")
    with pytest.raises(StoreError, match="pg_dump"):
        store.backup(tmp_path / "kept.dump")
    with pytest.raises(StoreError, match="pg_restore"):
        restore_store(tmp_path / "kept.dump", f"{server}/toy")
    store.close()


def test_a_password_is_never_told() -> None:
    assert name_place("postgresql://me:se@cret@db.example/plans") == "postgresql://me@db.example/plans"
    assert (
        name_place("postgresql://db/plans?user=me&password=secret&x=1")
        == "postgresql://db/plans?user=me&password=...&x=1"
    )
    assert name_place(Path("plans.gpkg")) == "plans.gpkg"
