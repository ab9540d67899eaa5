"""Every plan of a store has feeds of its own: those of the version in force, and those of the last one to the house."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyogrio
import pytest

from api import schemas
from api.store.editing import Editor, import_plan
from api.store.records import STATUSES, Note
from api.store.store import Store, create_store
from tests.api.live import serving
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, edit, move, serve_layers

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
