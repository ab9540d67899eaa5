"""A store that an earlier Wangge made is brought to today's format, whole or not at all; a later one is refused."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.jobs.store_book import StoreBook
from api.store import migrations
from api.store.database import Dialect, Rows
from api.store.editing import Editor
from api.store.errors import StoreError
from api.store.place import Place, is_address
from api.store.records import Note
from api.store.schema import FORMAT_VERSION
from api.store.store import Store, create_store, open_store, restore_store
from tests.store.conftest import new_database
from tests.store.served import TOY, edit, rename

_JOBS_1 = """id {serial}, job_id {key} NOT NULL UNIQUE, process {text} NOT NULL, status {text} NOT NULL,
    progress {integer} NOT NULL, message {text} NOT NULL, inputs {text} NOT NULL, results {text},
    worker {text} NOT NULL, created {text} NOT NULL, started {text}, finished {text}, updated {text} NOT NULL"""
"""The only table in which format 1 differed from 2; it had no ``job_events``."""
_SINCE = {2: ("job_events",), 3: ("layer_features", "layer_changes"), 4: ("token_plans",)}
_CONTENTS_4 = """plan_id {key} NOT NULL REFERENCES plans(plan_id), content {key} NOT NULL, document {text} NOT NULL,
    feature {text} NOT NULL, PRIMARY KEY (plan_id, content)"""
_CHANGES_4 = """plan_id {key} NOT NULL, grid_id {key} NOT NULL, version {integer} NOT NULL,
    content {key} NOT NULL, PRIMARY KEY (plan_id, grid_id, version),
    FOREIGN KEY (plan_id, version) REFERENCES versions(plan_id, version),
    FOREIGN KEY (plan_id, content) REFERENCES contents(plan_id, content)"""
"""Until format 4 a content held the whole feature of a grid."""
"""Tables that came with each version of the format."""


def join_contents(rows: Rows, dialect: Dialect) -> None:
    """Make of the contents of a store those of format 4."""
    held = rows.all(
        """SELECT c.plan_id, c.content, c.document, d.feature || c.decided FROM contents c
           JOIN drawings d ON d.plan_id = c.plan_id AND d.drawing = c.drawing"""
    )
    changes = rows.all("SELECT plan_id, grid_id, version, content FROM changes")
    for name in ("changes", "contents", "drawings"):
        rows.run(f"DROP TABLE {name}")
    rows.run(f"CREATE TABLE contents ({_CONTENTS_4.format_map(dialect.types)})")
    rows.run(f"CREATE TABLE changes ({_CHANGES_4.format_map(dialect.types)})")
    rows.run("CREATE INDEX changes_version ON changes (plan_id, version)")
    rows.run_many("INSERT INTO contents VALUES (?, ?, ?, ?)", held)
    rows.run_many("INSERT INTO changes VALUES (?, ?, ?, ?)", changes)


@pytest.fixture
def old_place(toy_place: Place) -> Place:
    """A store of format 1 with two jobs."""
    store = open_store(toy_place)
    with store.database.writing() as rows:
        join_contents(rows, store.database.dialect)
        for name in (*_SINCE[4], *_SINCE[3], *_SINCE[2], "jobs"):
            rows.run(f"DROP TABLE {name}")
        rows.run(f"CREATE TABLE jobs ({_JOBS_1.format_map(store.database.dialect.types)})")
        columns = "job_id, process, status, progress, message, inputs, results, worker, created, updated"
        for told in (
            ("done", "divide", "successful", 100, "done", '{"a":1}', '{"b":2}', "w", "2020-01-01", "2020-01-02"),
            ("left", "divide", "running", 7, "half", "{}", None, "w", "2020-01-01", "2020-01-02"),
        ):
            rows.run(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *told)
        rows.run("UPDATE meta SET value = '1' WHERE name = 'format_version'")
    store.close()
    return toy_place


def describe(store: Store) -> Any:
    """Return the tables of a store with their columns, as its database tells them."""
    with store.database.reading() as rows:
        if is_address(store.database.name):
            return rows.all(
                """SELECT c.table_name, c.column_name, c.data_type, c.is_nullable, c.collation_name, c.is_identity
                   FROM information_schema.columns c WHERE c.table_schema = 'public' ORDER BY 1, c.ordinal_position"""
            ) + rows.all("SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2")
        return sorted(rows.all("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))


def test_a_store_of_the_format_before_opens_as_one_of_today(old_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "wangge.store"):
        store = open_store(old_place)
    assert f"was brought from format version 1 to {FORMAT_VERSION}" in caplog.text
    with store.database.reading() as rows:
        assert rows.all("SELECT value FROM meta WHERE name = 'format_version'") == [(str(FORMAT_VERSION),)]
    book = StoreBook(store.database, "server")
    done, left = book.find("done"), book.find("left")
    assert (done.status, book.inputs("done"), book.results("done")) == ("successful", b'{"a":1}', b'{"b":2}')
    assert (left.status, left.message) == ("dismissed", "left unfinished by an earlier Wangge")
    assert (store.check(), edit(Editor(store), 1, rename("g1", "after")).version) == ([], 2)
    store.close()
    caplog.clear()
    open_store(old_place).close()
    assert caplog.text == ""  # once is enough


def test_the_tables_of_a_store_that_was_brought_on_are_those_of_a_new_one(
    old_place: Place, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: Place = new_database(request, "template1") if is_address(old_place) else tmp_path / "fresh.gpkg"
    brought, fresh = open_store(old_place), create_store(place)
    assert describe(brought) == describe(fresh)
    brought.close()
    fresh.close()


def test_a_store_without_layers_of_jobs_opens_as_one_of_today(toy_place: Place) -> None:
    store = open_store(toy_place)
    with store.database.writing() as rows:
        join_contents(rows, store.database.dialect)
        for name in (*_SINCE[4], *_SINCE[3]):
            rows.run(f"DROP TABLE {name}")
        rows.run("UPDATE meta SET value = '2' WHERE name = 'format_version'")
    store.close()
    store = open_store(toy_place)
    before = store.get_version(TOY).digest
    assert (store.check(), store.list_taken(TOY, 1), store.list_origins(TOY, 1)) == ([], {}, {})
    change = Editor(store).propose_layers(TOY, 1, {"sites": []}, {"kind": "take_layers"})
    Editor(store).commit(change, Note("planner", ""), kind="layers")
    assert (store.check(), store.get_version(TOY, 1).digest) == ([], before)
    store.close()


def test_every_version_of_a_store_with_whole_features_keeps_its_bytes(toy_place: Place) -> None:
    store = open_store(toy_place)
    editor = Editor(store)
    told = {"name": ',"name":', "locked": 1}
    edit(editor, 1, rename("g1", '西,"name":'), {"kind": "set_attributes", "grid": "g1", "attributes": told})
    edit(editor, 2, {"kind": "merge", "grids": ["g1", "g2"]}, {"kind": "lock", "grids": "all"})
    held = [(store.read_grids(TOY, one), store.features(TOY, one, "grids")) for one in (1, 2, 3)]
    with store.database.writing() as rows:
        join_contents(rows, store.database.dialect)
        rows.run("UPDATE meta SET value = '4' WHERE name = 'format_version'")
    store.close()
    store = open_store(toy_place)
    assert [(store.read_grids(TOY, one), store.features(TOY, one, "grids")) for one in (1, 2, 3)] == held
    assert store.check() == []
    assert edit(Editor(store), 3, {"kind": "unlock", "grids": "all"}).version == 4
    assert store.check() == []
    store.close()


def test_a_file_is_kept_as_it_was_beside_the_one_that_was_brought_on(old_file: Path) -> None:
    before = _version_of(old_file)
    open_store(old_file).close()
    kept = old_file.with_name("plans.format-1.gpkg")
    assert (before, _version_of(kept), _version_of(old_file)) == ("1", "1", str(FORMAT_VERSION))
    with closing(sqlite3.connect(kept)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("SELECT count(*) FROM jobs").fetchone() == (2,)


@pytest.fixture
def old_file(request: pytest.FixtureRequest, backend: str) -> Path:
    """A file of format 1."""
    if backend != "geopackage":
        pytest.skip("only files are kept beside")
    return Path(request.getfixturevalue("old_place"))


def _version_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as raw:
        return str(raw.execute("SELECT value FROM meta WHERE name = 'format_version'").fetchone()[0])


def test_a_step_that_fails_leaves_the_store_as_it_was(old_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(rows: Rows, dialect: Dialect) -> None:
        migrations._share_jobs(rows, dialect)
        raise StoreError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", {**migrations.STEPS, 1: fail})
        with pytest.raises(StoreError, match="no room"):
            open_store(old_place)
    store = open_store(old_place)
    with store.database.reading() as rows:
        assert rows.all("SELECT job_id FROM jobs ORDER BY id") == [("done",), ("left",)]
    assert store.check() == []
    store.close()


def test_a_store_of_a_later_format_is_refused_and_left_as_it_is(toy_place: Place) -> None:
    store = open_store(toy_place)
    with store.database.writing() as rows:
        rows.run("UPDATE meta SET value = ? WHERE name = 'format_version'", str(FORMAT_VERSION + 1))
    with pytest.raises(StoreError, match="format version 6, needed 5 or an earlier one: a newer Wangge made it"):
        open_store(toy_place)
    with store.database.reading() as rows:
        assert rows.one("SELECT head FROM plans WHERE plan_id = ?", TOY) == (1,)
    store.close()


def test_who_opened_a_store_before_another_wangge_brought_it_on_writes_nothing_more(toy_place: Place) -> None:
    store = open_store(toy_place)
    change = Editor(store).propose(TOY, 1, [rename("g1", "north")])
    with store.database.writing() as rows:
        rows.run("UPDATE meta SET value = ? WHERE name = 'format_version'", str(FORMAT_VERSION + 1))
    with pytest.raises(StoreError, match="format version 6 by now, needed 5: another Wangge brought it on"):
        Editor(store).commit(change, Note("planner", ""))
    assert store.get_plan(TOY).head == 1  # what is there is still read
    store.close()


def test_a_file_that_was_kept_before_stays_as_it_is(old_file: Path) -> None:
    earlier = old_file.with_name("plans.format-1.gpkg")
    earlier.write_bytes(b"kept before")
    open_store(old_file).close()
    assert earlier.read_bytes() == b"kept before"
    assert _version_of(old_file.with_name("plans.format-1-2.gpkg")) == "1"


def test_a_backup_of_the_format_before_is_restored_as_one_of_today(old_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "restored.gpkg"
    restore_store(old_file, target)
    assert (_version_of(target), _version_of(old_file)) == (str(FORMAT_VERSION), "1")
    assert not list(tmp_path.glob("*.format-1.gpkg"))
