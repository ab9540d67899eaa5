"""Versions never change, never branch and are never lost; a status goes one step at a time."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from api.store.editing import Editor, import_plan
from api.store.errors import StaleError, StatusError, StoreError
from api.store.records import STATUSES, Delta, Note
from api.store.serving import build_features, build_served_ground
from api.store.states import describe_grids, to_grids, to_state
from api.store.store import Store, create_store, open_store
from spatial.errors import EditError, InputError, MissingError
from spatial.plan.edits import build_plan_grids
from spatial.plan.state import open_draft
from tests.api.toy_plan import build_toy_plan
from tests.store import postgres
from tests.store.served import TOY, edit, move, rename, serve_layers

NOBODY = Note("planner", "")


def _all(store: Store, version: int, layer: str = "grids") -> list[dict[str, Any]]:
    return [orjson.loads(feature) for feature in store.features(TOY, version, layer).features]


def _grid_of(store: Store, version: int) -> dict[str, str]:
    return {f["id"]: f["properties"]["grid_id"] for f in _all(store, version, "blocks")}


def test_the_first_version_holds_the_grids_as_the_plan_folder_serves_them(editor: Editor) -> None:
    served = {feature["id"]: feature for feature in serve_layers(build_toy_plan())["grids"]}
    for feature in _all(editor.store, 1):
        assert feature["geometry"]["type"] == served[feature["id"]]["geometry"]["type"]
        for name in ("code", "households", "blocks", "area_m2", "status", "explanation", "community_id"):
            assert feature["properties"][name] == served[feature["id"]]["properties"][name], name
    assert _grid_of(editor.store, 1) == {"b1": "g1", "b2": "g1", "b3": "g2", "b4": "g3"}


def test_every_other_layer_is_served_as_it_was_given(editor: Editor) -> None:
    for name, features in serve_layers(build_toy_plan()).items():
        if name not in ("grids", "violations"):
            assert _all(editor.store, 1, name) == features, name


def test_an_edit_makes_a_version_that_knows_who_when_why_and_from_which(editor: Editor) -> None:
    made = edit(editor, 1, move("b2", "g2"), who="south office", why="the lane was closed")
    assert (made.version, made.parent, made.kind, made.status) == (2, 1, "edit", "draft")
    assert (made.who, made.why) == ("south office", "the lane was closed")
    assert made.edits == [move("b2", "g2")]
    assert made.when >= editor.store.get_version(TOY, 1).when
    assert editor.store.changed_grids(TOY, 2) == ["g1", "g2"]
    assert _grid_of(editor.store, 2) == {"b1": "g1", "b2": "g2", "b3": "g2", "b4": "g3"}


def test_an_old_version_is_the_same_bytes_after_later_edits(editor: Editor) -> None:
    layers = ("grids", "blocks", "violations", "demand")
    before = {name: editor.store.features(TOY, 1, name) for name in layers}
    edit(editor, 1, move("b2", "g2"), rename("g1", "西片"))
    edit(editor, 2, {"kind": "merge", "grids": ["g1", "g2"]})
    assert {name: editor.store.features(TOY, 1, name) for name in layers} == before
    assert len(_all(editor.store, 3)) == 2
    box = (114.3, 30.6, 114.301, 30.601)
    assert [f["id"] for f in map(orjson.loads, editor.store.features(TOY, 1, "grids", box=box).features)] == ["g1"]


def test_a_move_and_the_move_back_give_the_same_map(editor: Editor) -> None:
    edit(editor, 1, move("b2", "g2"))
    edit(editor, 2, move("b2", "g1"))
    one, three = (editor.store.get_version(TOY, version) for version in (1, 3))
    assert one.digest == three.digest
    assert editor.store.features(TOY, 3, "grids") == editor.store.features(TOY, 1, "grids")


def test_what_a_version_breaks_is_that_of_its_grids(editor: Editor) -> None:
    def broken(version: int) -> list[str]:
        return [feature["id"] for feature in _all(editor.store, version, "violations")]

    first = broken(1)
    edit(editor, 1, move("b2", "g2"))
    assert "T2-g2" in broken(2)
    edit(editor, 2, move("b2", "g1"))
    assert (broken(1), broken(3)) == (first, first)
    assert "T2-g2" in broken(2)


def test_what_is_said_of_grids_gives_the_bytes_that_drawing_them_anew_gives(editor: Editor) -> None:
    told = {"properties": ',"properties":{}', "lane": 3}
    attributes = {"kind": "set_attributes", "grid": "g1", "attributes": told}
    edit(editor, 1, rename("g1", '西",'), attributes, {"kind": "lock", "grids": "all"})
    edit(editor, 2, {"kind": "unlock", "grids": ["g3"]}, move("b4", "g3"))
    for version in (2, 3):
        held = editor.store.read_grids(TOY, version)
        ground, state = build_served_ground(editor.store.read_plan(TOY)), to_state(held)
        described = describe_grids(ground.ground, open_draft(ground.ground.index, state), state.grids.index)
        blocks = {name: one["blocks"] for name, one in described.items()}
        anew = to_grids(described, build_features(ground, build_plan_grids(ground.ground, state), blocks))
        assert [(grid.feature, grid.content) for grid in held] == [(grid.feature, grid.content) for grid in anew]
        shown = {feature["id"]: feature["properties"] for feature in _all(editor.store, version)}
        assert shown["g1"]["attributes"] == told
        assert [shown[grid]["locked"] for grid in ("g1", "g2", "g3")] == [True, True, version == 2]


def test_a_lock_of_all_grids_keeps_no_shape_once_more(editor: Editor) -> None:
    def count_kept() -> list[Any]:
        with editor.store.database.reading() as rows:
            return [rows.one(f"SELECT count(*) FROM {table}") for table in ("drawings", "contents", "changes")]

    assert count_kept() == [(3,), (3,), (3,)]
    edit(editor, 1, {"kind": "lock", "grids": "all"}, rename("g1", "西"))
    assert count_kept() == [(3,), (6,), (6,)]
    edit(editor, 2, {"kind": "unlock", "grids": "all"}, rename("g1", ""))
    assert count_kept() == [(3,), (6,), (9,)], "what was there before is not kept twice"
    edit(editor, 3, move("b2", "g2"))
    assert count_kept() == [(5,), (8,), (11,)], "two grids are drawn anew"
    assert editor.store.check() == []


@pytest.mark.parametrize("said", ["nothing", "what is not so"])
def test_what_a_change_says_of_the_grids_before_it_is_not_trusted(editor: Editor, said: str) -> None:
    change = editor.propose(TOY, 1, [move("b2", "g2"), rename("g3", "东")])
    now = {grid.grid_id: grid for grid in change.delta.grids}
    before = {} if said == "nothing" else {name: replace(grid, decided=b"") for name, grid in now.items()}
    editor.store.commit_version(TOY, 1, replace(change.delta, before=before), NOBODY)
    with editor.store.database.reading() as rows:
        shown = rows.all("SELECT feature_id, name, households FROM grids ORDER BY feature_id")
    told = {one["id"]: one["properties"] for one in _all(editor.store, 2)}
    assert shown == [(name, one["name"], one["households"]) for name, one in sorted(told.items())]
    assert (editor.store.check(), told["g3"]["name"]) == ([], "东")


def test_a_building_under_a_border_is_told_of_until_the_border_moves(place: Any) -> None:
    plan, store = build_toy_plan(), create_store(place)
    layers = serve_layers(plan)
    corner = next(one for one in layers["grids"] if one["id"] == "g1")["geometry"]["coordinates"][0][0]
    building = {
        "type": "Feature",
        "id": "T11-house",
        "geometry": {"type": "Point", "coordinates": corner},
        "properties": {
            "rule": "T11", "severity": "warning", "subject": "house", "message": "a border runs through it",
            "measure": None, "limit": None,
        },
    }  # fmt: skip
    import_plan(store, plan, {**layers, "violations": [*layers["violations"], building]}, NOBODY)
    editor = Editor(store)
    edit(editor, 1, rename("g1", "西片"), {"kind": "lock", "grids": "all"})
    edit(editor, 2, {"kind": "unlock", "grids": "all"}, move("b2", "g2"))
    stands = [any(one["id"] == "T11-house" for one in _all(store, version, "violations")) for version in (1, 2, 3)]
    assert stands == [True, True, False]
    store.close()


def test_an_edit_on_a_stale_version_is_refused_and_told_what_changed(editor: Editor) -> None:
    edit(editor, 1, move("b2", "g2"), who="north office", why="new road")
    with pytest.raises(StaleError, match="stands at version 2, the edit was made on version 1") as told:
        edit(editor, 1, rename("g3", "东片"))
    assert (told.value.head, told.value.base) == (2, 1)
    (meanwhile,) = told.value.meanwhile
    assert (meanwhile["who"], meanwhile["why"], meanwhile["grids"]) == ("north office", "new road", ["g1", "g2"])
    assert editor.store.get_plan(TOY).head == 2


def test_of_two_changes_proposed_on_one_version_the_second_is_refused(editor: Editor) -> None:
    one, other = (editor.propose(TOY, 1, [rename(grid, "甲")]) for grid in ("g1", "g2"))
    editor.commit(one, NOBODY)
    with pytest.raises(StaleError):
        editor.commit(other, NOBODY)
    assert editor.store.check() == []


def test_a_proposal_changes_nothing(editor: Editor) -> None:
    before = editor.store.features(TOY, 1, "grids")
    editor.propose(TOY, 1, [move("b2", "g2")])
    assert editor.store.get_plan(TOY).head == 1
    assert editor.store.features(TOY, 1, "grids") == before


def test_a_batch_with_one_edit_that_cannot_be_made_makes_none(editor: Editor) -> None:
    with pytest.raises(EditError, match="'b9'"):
        edit(editor, 1, rename("g1", "甲"), move("b9", "g1"))
    assert editor.store.get_plan(TOY).head == 1


def test_another_editor_of_the_same_store_reads_the_same_state(editor: Editor) -> None:
    edit(editor, 1, move("b2", "g2"), {"kind": "lock", "grids": ["g3"]})
    other = Editor(editor.store)
    assert other.load(TOY, 2).state.to_dict() == editor.load(TOY, 2).state.to_dict()


def _undo(editor: Editor, base: int) -> None:
    change, target = editor.propose_undo(TOY, base)
    editor.commit(change, NOBODY, kind="undo", state_of=target)


def _redo(editor: Editor, base: int) -> None:
    change, target = editor.propose_redo(TOY, base)
    editor.commit(change, NOBODY, kind="redo", state_of=target)


def test_undo_and_redo_walk_along_the_edits_and_an_edit_ends_what_can_be_redone(editor: Editor) -> None:
    store = editor.store
    with pytest.raises(InputError, match="first state"):
        editor.propose_undo(TOY, 1)
    edit(editor, 1, rename("g1", "一"))
    edit(editor, 2, rename("g1", "二"))

    def name() -> str:
        head = store.get_plan(TOY).head
        return str(_all(store, head)[0]["properties"]["name"])

    seen = []
    for step in (_undo, _undo, _redo, _redo, _undo):
        step(editor, store.get_plan(TOY).head)
        seen.append(name())
    assert seen == ["一", "", "一", "二", "一"]
    edit(editor, store.get_plan(TOY).head, rename("g1", "三"))
    with pytest.raises(InputError, match="nothing can be redone"):
        editor.propose_redo(TOY, store.get_plan(TOY).head)
    seen.clear()
    for _ in range(2):
        _undo(editor, store.get_plan(TOY).head)
        seen.append(name())
    assert seen == ["一", ""]
    assert [one.version for one in store.list_versions(TOY)] == list(range(1, 12))
    assert store.get_version(TOY, 11).digest == store.get_version(TOY, 1).digest
    assert store.check() == []


def test_a_code_that_was_given_and_undone_is_never_given_to_another_grid(editor: Editor) -> None:
    dedicated = {"kind": "create_dedicated", "blocks": ["b2"], "name": "菜场"}
    edit(editor, 1, dedicated)
    (first,) = {g.grid_id for g in editor.store.read_grids(TOY, 2)} - {"g1", "g2", "g3"}
    _undo(editor, 2)
    edit(editor, 3, dedicated)
    grids = {grid.grid_id: grid for grid in editor.store.read_grids(TOY, 4)}
    assert len(grids) == 5
    assert grids[first].document["retired"]
    assert grids[first].document["successors"] == [grids["g1"].document["code"]]
    assert len({grid.document["code"] for grid in grids.values()}) == 5


def test_a_status_goes_one_step_at_a_time(editor: Editor) -> None:
    store = editor.store
    for before, after in pairwise(STATUSES):
        for wrong in set(STATUSES) - {after}:
            with pytest.raises(
                StatusError, match=f"is {before}; found the step to {wrong}, needed the step to {after}"
            ):
                store.set_status(TOY, 1, wrong, NOBODY)
        assert store.set_status(TOY, 1, after, NOBODY).status == after
    with pytest.raises(StatusError, match="nothing comes after"):
        store.set_status(TOY, 1, "draft", NOBODY)
    with pytest.raises(StatusError, match="found the status 'lost'"):
        store.set_status(TOY, 1, "lost", NOBODY)


def test_the_map_of_a_day_is_that_of_the_version_that_was_in_force(editor: Editor) -> None:
    months = (f"2030-{month:02d}-01T00:00:00.000000Z" for month in count(1))
    store = replace(editor.store, clock=lambda: next(months))
    editor = Editor(store)
    with pytest.raises(MissingError, match="none ever came into force"):
        store.get_version(TOY, as_of="2031-01-01T00:00:00Z")
    for status in STATUSES[1:5]:
        store.set_status(TOY, 1, status, NOBODY)  # two ticks each: the step, and its record
    since = store.list_audit()[-1][0]
    edit(editor, 1, move("b2", "g2"))
    for status in STATUSES[1:4]:
        store.set_status(TOY, 2, status, NOBODY)
    between = store.clock()
    store_two = replace(store, clock=lambda: "2040-01-01T00:00:00.000000Z")
    store_two.set_status(TOY, 2, "in_force", NOBODY)
    assert store.get_version(TOY, as_of=between).version == 1
    assert store.get_version(TOY, as_of="2040-01-01T00:00:00.000000Z").version == 2
    assert store.get_version(TOY, 1).status == "superseded"
    assert store.get_plan(TOY).in_force == 2
    assert since < between
    with pytest.raises(MissingError, match="had no version in force at 2029"):
        store.get_version(TOY, as_of="2029-01-01T00:00:00.000000Z")


def test_what_is_not_there_is_named(editor: Editor) -> None:
    for act, says in (
        (lambda s: s.get_plan("none"), "no plan 'none'"),
        (lambda s: s.read_plan("none"), "no plan 'none'"),
        (lambda s: s.get_version(TOY, 7), "no version 7; it has 1 to 1"),
        (lambda s: s.features(TOY, 7, "grids"), "no version 7; it has 1 to 1"),
        (lambda s: s.features(TOY, 1, "roads"), "no layer 'roads'"),
        (lambda s: s.read_grids(TOY, 2), "no version 2"),
    ):
        with pytest.raises(MissingError, match=says):
            act(editor.store)
    with pytest.raises(StoreError, match="has a plan 'toy-0001' already"):
        import_plan(editor.store, build_toy_plan(), {}, NOBODY)


def test_the_plan_that_is_read_is_the_one_that_was_put_in_without_what_names_people(editor: Editor) -> None:
    put, read = build_toy_plan(), editor.store.read_plan(TOY)
    assert read.profile == put.profile
    assert read.assignment.to_dict() == put.assignment.to_dict()
    assert read.crs == put.crs
    for name in ("blocks", "communities", "sites", "circles", "barriers", "adjacency"):
        before, after = getattr(put, name), getattr(read, name)
        assert_frame_equal(pd.DataFrame(after), pd.DataFrame(before), check_dtype=False, obj=name)
    assert "contact" not in read.demand


def test_pages_hold_every_feature_once_in_the_order_of_ids(editor: Editor) -> None:
    pages = [editor.store.features(TOY, 1, "blocks", limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [len(page.features) for page in pages] == [3, 1, 0]
    assert {page.matched for page in pages} == {4}
    assert [orjson.loads(f)["id"] for page in pages for f in page.features] == ["b1", "b2", "b3", "b4"]


def test_a_store_that_is_opened_again_holds_what_was_acknowledged(editor: Editor, toy_place: Any) -> None:
    edit(editor, 1, move("b2", "g2"))
    before = editor.store.features(TOY, 2, "grids")
    editor.store.close()
    again = open_store(toy_place)
    assert again.features(TOY, 2, "grids") == before
    assert again.check() == []
    again.close()


def test_a_store_is_not_made_twice_and_none_is_found_where_none_is(place: Any) -> None:
    with pytest.raises((MissingError, StoreError)):
        open_store(place)
    create_store(place).close()
    with pytest.raises(StoreError, match=r"exists|already"):
        create_store(place)


_EDITS = st.one_of(
    st.builds(move, st.sampled_from(["b1", "b2", "b3", "b4"]), st.sampled_from(["g1", "g2", "g3"])),
    st.builds(rename, st.sampled_from(["g1", "g2", "g3"]), st.sampled_from(["", "甲", "乙"])),
    st.just("undo"),
    st.just("redo"),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_EDITS, max_size=6))
def test_whatever_is_edited_the_store_stays_whole(
    steps: list[Any], tmp_path_factory: pytest.TempPathFactory, toy_file: Path
) -> None:
    store = open_store(shutil.copy(toy_file, tmp_path_factory.mktemp("any") / "plans.gpkg"))
    editor = Editor(store)
    seen = {1: store.features(TOY, 1, "grids")}
    for step in steps:
        head = store.get_plan(TOY).head
        try:
            if step in ("undo", "redo"):
                (_undo if step == "undo" else _redo)(editor, head)
            else:
                edit(editor, head, step)
        except InputError:
            continue
        seen[head + 1] = store.features(TOY, head + 1, "grids")
    assert store.check() == []
    assert {version: store.features(TOY, version, "grids") for version in seen} == seen
    store.close()


def test_a_version_with_a_block_in_two_grids_is_found_by_the_check(editor: Editor) -> None:
    grids = {grid.grid_id: grid for grid in editor.store.read_grids(TOY, 1)}
    both = replace(grids["g2"], document={**grids["g2"].document, "blocks": ["b1", "b3"]})
    editor.store.commit_version(TOY, 1, Delta([both]), NOBODY)
    assert any("blocks are in two grids, such as 'b1'" in found for found in editor.store.check())


def test_threads_that_come_and_go_leave_no_connection_behind(editor: Editor) -> None:
    def look() -> int:
        return editor.store.get_plan(TOY).head

    opened = []
    pool = editor.store.database._pool  # type: ignore[attr-defined]
    for _ in range(5):
        with ThreadPoolExecutor(1) as one:
            assert one.submit(look).result() == 1
        opened.append(len(pool._idle))
    assert opened == [1] * 5


def test_a_connection_that_broke_is_not_used_again(server: str) -> None:
    postgres.create_database(server, "broken", like="toy")
    editor = Editor(open_store(f"{server}/broken"))

    def break_off() -> None:
        with editor.store.database.writing() as rows:
            rows.run("UPDATE plans SET title = 'lost'")
            rows.run("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StoreError, match="nothing of this step is kept"):
        break_off()
    assert editor.store.get_plan(TOY).title != "lost"
    assert edit(editor, 1, move("b2", "g2")).version == 2
    editor.store.close()
