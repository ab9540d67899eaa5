"""Every plan of a store has feeds of its own: those of the version in force, and those of the last one to the house."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest

from api import schemas, store_feeds
from api.main import create_app
from api.settings import Settings
from api.store.editing import Editor, import_plan
from api.store.records import STATUSES, Note
from api.store.store import Store, create_store, restore_store
from api.store_feeds import read_feeds, read_lasting, weigh_feeds
from tests.api.live import serving
from tests.api.threaded import talking_to
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, edit, move, rename, serve_layers

TOKEN = {"Authorization": "Bearer of the house"}
NOTE = Note("planner", "")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, plan = create_store(tmp_path / "plans.gpkg"), build_toy_plan()
    import_plan(made, plan, serve_layers(plan), Note("office", "first"))
    yield made
    made.close()


def grids_of(client: httpx.Client, **headers: str) -> dict[str, int]:
    answer = client.get(f"/plans/{TOY}/feeds/collections/grids/items", headers=headers)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one["properties"]["households"] for one in answer.json()["features"]}


def test_the_feeds_of_a_plan_are_those_of_a_folder(store: Store, tmp_path: Path) -> None:
    with serving(None, store=tmp_path / "plans.gpkg") as at, httpx.Client(base_url=at) as client:
        root = f"/plans/{TOY}/feeds"
        landing = client.get(f"{root}/").json()
        schemas.Landing.model_validate(landing)
        assert landing["description"] == "3 grids of 2330 households in 4 blocks."
        for one in landing["links"]:
            assert one["href"].startswith(f"{at}{root}/")
            assert client.get(one["href"]).status_code == 200, one
        led = client.get(f"{root}?f=json")
        assert (led.status_code, led.headers["Location"]) == (307, f"{at}{root}/?f=json")
        for one in client.get(f"{root}/collections/grids").json()["links"]:
            assert client.get(one["href"]).status_code == 200, one
        assert grids_of(client) == {"g1": 350, "g2": 480, "g3": 1500}
        page = client.get(f"{root}/collections/grids/items?limit=1").json()
        after = next(one["href"] for one in page["links"] if one["rel"] == "next")
        assert [one["id"] for one in client.get(after).json()["features"]] == ["g2"]
        located = client.get(f"{root}/locate", params={"lon": 114.301, "lat": 30.604}).json()
        assert located["grid_id"] == "g2"
        read = pyogrio.read_dataframe(f"OAPIF:{at}{root}/", layer="grids", where="households > 400")
        assert sorted(read["grid_id"]) == ["g2", "g3"]
        assert client.get("/plans/none/feeds/collections").status_code == 404


def test_an_edit_shows_in_the_feeds_of_the_house_and_in_force_to_the_public(store: Store, tmp_path: Path) -> None:
    settings = {"audience": "public", "internal_token": "of the house"}
    with serving(None, store=tmp_path / "plans.gpkg", **settings) as at, httpx.Client(base_url=at) as client:
        path = f"/plans/{TOY}/feeds/collections/grids/items"
        assert client.get(path).status_code == 404  # no version is in force
        assert grids_of(client, **TOKEN) == {"g1": 350, "g2": 480, "g3": 1500}
        etag = client.get(path, headers=TOKEN).headers["ETag"]
        made = edit(Editor(store), 1, move("b2", "g3"))
        assert grids_of(client, **TOKEN) == {"g1": 200, "g2": 480, "g3": 1650}
        assert client.get(path, headers={**TOKEN, "If-None-Match": etag}).status_code == 200
        assert client.get(path).status_code == 404
        for status in STATUSES[1:5]:
            store.set_status(TOY, made.version, status, NOTE)
        edit(Editor(store), made.version, move("b2", "g1"))
        assert grids_of(client) == {"g1": 200, "g2": 480, "g3": 1650}  # in force, not the draft after it


def test_a_layer_that_versions_share_is_weighed_once_and_what_the_public_sees_as_soon_as_it_is_there(
    store: Store,
) -> None:
    edit(Editor(store), 1, move("b2", "g3"))
    lasting = read_lasting(store, TOY)
    one, two = (read_feeds(store, store.get_version(TOY, version), (), lasting) for version in (1, 2))
    assert one.layers["demand"] is two.layers["demand"]
    alone = [weigh_feeds([feeds]) for feeds in (one, two)]
    shared = sum(layer.size_bytes for name, layer in one.layers.items() if two.layers.get(name) is layer)
    assert 0 < shared < min(alone)
    assert weigh_feeds([one, two]) == sum(alone) - shared
    assert weigh_feeds([one, one]) == alone[0] > sum(len(f) for layer in one.layers.values() for f in layer.features)
    public = sum(layer.size_bytes for layer in one.public.layers.values())
    assert weigh_feeds([one]) == alone[0] + public


@pytest.mark.parametrize(("most", "times_read"), [(50_000_000, 2), (0, 4)])
def test_plans_are_read_once_where_there_is_room_for_them_and_else_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, times_read: int
) -> None:
    plan = replace(build_toy_plan(), plan_id="other")
    import_plan(store, plan, serve_layers(plan), NOTE)
    seen: list[str] = []

    def read(*asked: Any) -> Any:
        seen.append(asked[1].plan_id)
        return read_feeds(*asked)

    monkeypatch.setattr(store_feeds, "read_feeds", read)
    settings = Settings(plans_cache_bytes=most)
    with talking_to(create_app(None, settings, store=tmp_path / "plans.gpkg")) as client:
        for name in (TOY, TOY, "other", "other", TOY, "other"):
            assert client.get(f"/plans/{name}/feeds/collections/grids/items").status_code == 200
    assert len(seen) == times_read
    assert sorted(set(seen)) == sorted([TOY, "other"])


def test_feeds_that_go_on_from_those_of_another_version_are_those_that_are_read_anew(store: Store) -> None:
    editor, lasting = Editor(store), read_lasting(store, TOY)
    head = edit(editor, 1, move("b2", "g3")).version
    head = edit(editor, head, rename("g1", "北片")).version
    head = edit(editor, head, {"kind": "merge", "grids": ["g1", "g2"]}).version
    head = edit(
        editor, head, {"kind": "create_dedicated", "blocks": ["b2"], "name": "market", "purpose": "market"}
    ).version
    change, target = editor.propose_undo(TOY, head)
    head = editor.commit(change, NOTE, kind="undo", state_of=target).version
    anew = [read_feeds(store, store.get_version(TOY, number), (), lasting) for number in range(1, head + 1)]
    for one, other in product(anew, anew):
        went_on = read_feeds(store, other.version, (), lasting, one)
        assert (went_on.digest, went_on.report) == (other.digest, other.report)
        assert [*went_on.layers] == [*other.layers]
        for name, layer in other.layers.items():
            mine = went_on.layers[name]
            assert (mine.features, mine.bbox, mine.size_bytes) == (layer.features, layer.bbox, layer.size_bytes), name
            assert repr(mine.columns) == repr(layer.columns), name
            assert mine.find((114, 30, 114.301, 31)).tolist() == layer.find((114, 30, 114.301, 31)).tolist(), name


def test_feeds_do_not_go_on_from_a_version_that_a_restored_store_has_no_more(store: Store, tmp_path: Path) -> None:
    backup = tmp_path / "backup.gpkg"
    store.backup(backup)
    edit(Editor(store), 1, move("b2", "g3"))
    lasting = read_lasting(store, TOY)
    gone = read_feeds(store, store.get_version(TOY, 2), (), lasting)
    restore_store(backup, tmp_path / "plans.gpkg", replace=True)
    edit(Editor(store), 1, move("b1", "g2"))
    edit(Editor(store), 2, rename("g1", "北片"))
    last = store.get_version(TOY, 3)
    assert read_feeds(store, last, (), lasting, gone).layers["blocks"].features == (
        read_feeds(store, last, (), lasting).layers["blocks"].features
    )


def test_a_server_goes_on_from_the_version_that_was_asked_for_last(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    befores: list[int | None] = []

    def read(*asked: Any) -> Any:
        befores.append(None if asked[4] is None else asked[4].version.version)
        return read_feeds(*asked)

    monkeypatch.setattr(store_feeds, "read_feeds", read)
    with talking_to(create_app(None, Settings(), store=tmp_path / "plans.gpkg")) as client:
        assert grids_of(client) == {"g1": 350, "g2": 480, "g3": 1500}
        edit(Editor(store), 1, move("b2", "g3"))
        assert grids_of(client) == {"g1": 200, "g2": 480, "g3": 1650}
    assert befores == [None, 1]
