"""The public may ask for every version that was in force; all of them together tell no count of a few homes."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.main import create_app
from api.settings import Settings
from api.store.editing import Editor, import_plan
from api.store.records import Note
from api.store.store import Store, create_store
from tests.api.test_feed_times import JANUARY, MARCH, MAY, at, put_in_force
from tests.api.threaded import talking_to
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, edit, move, serve_layers

NOTE = Note("office", "")
SETTINGS = Settings(audience="public", internal_token="of the house")
HOUSE = {"Authorization": "Bearer of the house"}


def take(store: Store, base: int, name: str, households: dict[str, int]) -> int:
    """Give features of a layer other households, as results of a job do; return the version."""
    editor = Editor(store)
    rows = [{**one, "properties": dict(one["properties"])} for one in editor.read_layer(TOY, base, name)]
    for one in rows:
        one["properties"]["households"] = households.get(one["id"], one["properties"]["households"])
    told: dict[str, Any] = {"kind": "take_layers", "job": "j", "process": "site", "layers": [name]}
    told |= {"profile": None, "finished": JANUARY}
    change = editor.propose_layers(TOY, base, {name: rows}, told)
    return editor.commit(change, Note("office", "", change.edits), kind="layers").version


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Seven homes in b2, which is in g1 from January, in g3 from March; from May sites and circles are slightly other.

    In between a version that was never in force has b2 in g2.
    """
    path: Path = tmp_path_factory.mktemp("history") / "plans.gpkg"
    plan = build_toy_plan()
    blocks = plan.blocks.copy()
    blocks.loc[blocks["block_id"] == "b2", "households"] = 7
    grids = plan.grids.copy()
    grids.loc[grids["grid_id"] == "g1", "households"] = 207
    demand = plan.demand.copy()
    demand.loc[demand["demand_id"] == "d2", "households"] = 7
    plan = dataclasses.replace(plan, blocks=blocks, grids=grids, demand=demand)
    store = create_store(path)
    import_plan(at(store, JANUARY), plan, serve_layers(plan), NOTE)
    put_in_force(at(store, JANUARY), 1)
    edit(Editor(store), 1, move("b2", "g2"))
    put_in_force(at(store, MARCH), edit(Editor(store), 2, move("b2", "g3")).version)
    sites = take(store, 3, "sites", {"s1": 684, "s2": 1503})
    put_in_force(at(store, MAY), take(store, sites, "circles", {"s1-time-5min": 704, "s1-time-10min": 1700}))
    store.close()
    with talking_to(create_app(None, SETTINGS, store=path)) as talking:
        yield talking


def households(client: httpx.Client, layer: str, when: str, **headers: str) -> dict[str, int | None]:
    asked = {"datetime": when.replace("T08", "T09")}
    answer = client.get(f"/plans/{TOY}/feeds/collections/{layer}/items", params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one["properties"]["households"] for one in answer.json()["features"]}


def test_a_block_that_one_version_leaves_out_is_left_out_of_all(client: httpx.Client) -> None:
    assert households(client, "blocks", MARCH, **HOUSE) == {"b1": 200, "b2": 7, "b3": 480, "b4": 1500}
    for when in (JANUARY, MARCH, MAY):
        assert households(client, "blocks", when) == {"b1": None, "b2": None, "b3": 480, "b4": 1500}
    # by itself the version of March could tell g1, which is b1 alone; beside g1 of January it would tell b2
    assert households(client, "grids", JANUARY) == {"g1": 207, "g2": 480, "g3": 1500}
    assert households(client, "grids", MARCH, **HOUSE) == {"g1": 200, "g2": 480, "g3": 1507}
    assert households(client, "grids", MARCH) == {"g1": None, "g2": 480, "g3": None}


def test_sites_and_circles_that_changed_by_a_few_homes_do_not_tell_it(client: httpx.Client) -> None:
    assert households(client, "sites", MARCH) == {"s1": 830, "s2": 1500}
    assert households(client, "sites", MAY, **HOUSE) == {"s1": 684, "s2": 1503}
    assert households(client, "sites", MAY) == {"s1": None, "s2": None}
    before, now = (households(client, "circles", when) for when in (MARCH, MAY))
    assert (before["s1-time-5min"], now["s1-time-5min"]) == (700, None)
    assert (before["s1-time-10min"], now["s1-time-10min"]) == (1900, 1700)
    assert now["s2-time-5min"] == 700


def test_where_other_sites_stand_it_is_told_why_there_is_no_coverage(client: httpx.Client) -> None:
    asked = {"datetime": MAY.replace("T08", "T09")}
    answer = client.get(f"/plans/{TOY}/feeds/collections/coverage", params=asked)
    assert (answer.status_code, "measured to the sites that the plan was put in with" in answer.text) == (404, True)
