"""Coverage, micro-grids and buildings are feeds of the plans that have the data for them, and of no others."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import pyogrio
import pytest

from api import schemas
from api.main import create_app
from api.settings import Settings
from api.snapshot import load_snapshot
from api.store.editing import Editor, import_plan
from api.store.folders import read_folder_plan
from api.store.records import STATUSES, Note
from api.store.store import create_store
from spatial.crs import to_metres
from spatial.io.plan_folder import write_plan
from spatial.io.profiles import read_profile
from spatial.plan.model import Plan
from tests.api.live import serving
from tests.api.threaded import talking_to
from tests.api.toy_plan import (
    CRS,
    block_polygons,
    build_toy_inputs,
    build_toy_plan,
    toy_scorecard,
    toy_violations,
)
from tests.store.served import TOY, edit, move

WALKS = [100.0, 400.0, np.nan, 700.0]
"""Of b1 (200 households), b2 (150), b3 (480), b4 (1500)."""
MINUTES = (5, 10, 15)


def walked_plan(**levels: Any) -> Plan:
    plan = build_toy_plan()
    grids = plan.grids.assign(**levels)
    return dataclasses.replace(plan, demand=plan.demand.assign(site_walk_s=WALKS), grids=grids)


def write(plan: Plan, folder: Path) -> Path:
    return write_plan(plan, folder, scorecard=toy_scorecard(), violations=toy_violations())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(walked_plan(), tmp_path_factory.mktemp("walked") / "plan")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    with talking_to(create_app(folder, Settings())) as one:
        yield one


def rows_of(client: httpx.Client, root: str = "", **asked: str) -> dict[str, Mapping[str, Any]]:
    answer = client.get(f"{root}/collections/coverage/items", params=asked)
    page = schemas.FeatureCollection.model_validate(answer.json())
    return {one.id: one.properties for one in page.features}


def counts(properties: Mapping[str, Any]) -> list[Any]:
    return [properties["households"], *(properties[f"reached_{minutes}min"] for minutes in MINUTES)]


def names_of(client: httpx.Client, root: str = "") -> list[str]:
    return [one["id"] for one in client.get(f"{root}/collections").json()["collections"]]


def test_each_community_and_grid_has_the_households_that_reach_a_site_in_time(client: httpx.Client) -> None:
    rows = rows_of(client)
    assert {key: counts(told) for key, told in rows.items()} == {
        "community-c1": [2330, 200, 350, 1850],
        "grid-g1": [350, 200, 350, 350],
        "grid-g2": [480, 0, 0, 0],
        "grid-g3": [1500, 0, 0, 1500],
    }
    assert (rows["grid-g1"]["share_5min"], rows["grid-g2"]["share_15min"]) == (0.5714, 0.0)
    assert (rows["community-c1"]["level"], rows["community-c1"]["name"]) == ("community", "花园社区")
    assert (rows["grid-g1"]["level"], rows["grid-g1"]["code"]) == ("grid", "420102-001-01")
    grids = client.get("/collections/grids/items").json()["features"]
    covered = client.get("/collections/coverage/items", params={"filter": "level = 'grid'"}).json()["features"]
    assert [one["geometry"] for one in covered] == [one["geometry"] for one in grids]


def test_coverage_is_fetched_as_other_layers_are(client: httpx.Client, folder: Path) -> None:
    assert client.get("/downloads/coverage.csv").text.count("community-c1") == 1
    assert client.get("/collections/coverage/tiles/WebMercatorQuad/14/6715/13394").status_code in (200, 204)
    assert client.get("/collections/coverage/queryables").json()["properties"]["reached_10min"]["type"] == "integer"
    with serving(folder) as at:
        read = pyogrio.read_dataframe(f"OAPIF:{at}/", layer="coverage", where="share_5min > 0.5")
        assert read["id"].tolist() == ["grid-g1"]


def test_a_plan_without_walks_or_sites_has_no_coverage(toy_folder: Path, tmp_path: Path) -> None:
    plan = walked_plan()
    bare = dataclasses.replace(plan, sites=plan.sites[:0], circles=plan.circles[:0])
    for folder, why in (
        (toy_folder, "nobody's walk to a site is known"),
        (write(bare, tmp_path / "plan"), "the plan has no sites"),
    ):
        with talking_to(create_app(folder, Settings())) as client:
            assert "coverage" not in names_of(client)
            missing = client.get("/collections/coverage")
            assert (missing.status_code, f"no layer 'coverage': {why}; the plan" in missing.text) == (404, True)
            assert "no micro-grids" in client.get("/collections/micro_grids/items").text


def test_nobody_is_told_of_a_few_by_the_coverage_of_all_other_communities(tmp_path: Path) -> None:
    """Of two communities, whose totals no town hall told, one has five homes: all 2,135 less the others are five."""
    plan = walked_plan()
    blocks = plan.blocks.assign(households=[5, 150, 480, 1500], community_id=["c2", "c1", "c1", "c1"])
    demand = plan.demand.assign(households=[5, 150, 480, 1500])
    communities = pd.concat([plan.communities, plan.communities.assign(community_id="c2", name="西")])
    some = dataclasses.replace(plan, blocks=blocks, demand=demand, communities=communities.reset_index(drop=True))
    feeds = load_snapshot(write(some, tmp_path / "plan"))
    whole, public = (
        {key: one.columns["households"] for key, one in each.layers.items() if key in ("blocks", "coverage")}
        for each in (feeds, feeds.public)
    )
    assert whole["coverage"].values[:2].tolist() == [2130, 5]
    assert public["coverage"].missing.tolist() == [True, True]
    assert public["blocks"].missing.tolist() == [True, True, False, False]


def test_an_edited_plan_of_a_store_has_the_coverage_of_its_blocks(folder: Path, tmp_path: Path) -> None:
    store = create_store(tmp_path / "plans.gpkg")
    import_plan(store, *read_folder_plan(folder), Note("office", "first"))
    edit(Editor(store), 1, move("b2", "g3"))
    with talking_to(create_app(None, Settings(), store=tmp_path / "plans.gpkg")) as client:
        rows = rows_of(client, f"/plans/{TOY}/feeds")
        assert {key: counts(told) for key, told in rows.items()} == {
            "community-c1": [2330, 200, 350, 1850],
            "grid-g1": [200, 200, 200, 200],
            "grid-g2": [480, 0, 0, 0],
            "grid-g3": [1650, 0, 150, 1650],
        }
    store.close()


def test_the_public_is_told_the_coverage_of_communities_and_none_of_a_few_homes(tmp_path: Path) -> None:
    plan = walked_plan()
    few = plan.demand.assign(households=[200, 7, 480, 1500])
    settings = Settings(audience="public", internal_token="of the house")
    for demand, seen in ((plan.demand, [2330, 200, 350, 1850]), (few, [2187, None, None, None])):
        folder = write(dataclasses.replace(plan, demand=demand), tmp_path / f"plan{seen[0]}")
        with talking_to(create_app(folder, settings)) as client:
            rows = rows_of(client)
            assert {key: counts(told) for key, told in rows.items()} == {"community-c1": seen}
            assert rows["community-c1"].get("suppressed", False) is (seen[1] is None)
            assert len(client.get(
                "/collections/coverage/items", headers={"Authorization": "Bearer of the house"}
            ).json()["features"]) == 4  # fmt: skip


def test_the_coverage_of_a_community_of_a_few_homes_does_not_tell_how_many(tmp_path: Path) -> None:
    plan = walked_plan()
    few = plan.demand.assign(households=[0, 7, 0, 0])
    folder = write(dataclasses.replace(plan, demand=few), tmp_path / "plan")
    with talking_to(create_app(folder, Settings(audience="public"))) as client:
        assert counts(rows_of(client)["community-c1"]) == [None, None, None, None]


def test_micro_grids_are_the_grids_of_a_plan_of_micro_grids(tmp_path: Path, client: httpx.Client) -> None:
    assert "micro_grids" not in names_of(client)
    assert read_profile("micro_30_100").grid.level == "micro_grid"
    folder = write(walked_plan(level=["micro_grid"] * 3), tmp_path / "plan")
    with talking_to(create_app(folder, Settings(audience="public"))) as micro:
        assert "micro_grids" in names_of(micro)
        both = [micro.get(f"/collections/{name}/items").json()["features"] for name in ("micro_grids", "grids")]
        assert both[0] == both[1]
        assert json.dumps(both[0]).count('"level": "micro_grid"') == 3


def test_buildings_are_for_the_house_alone_in_a_folder_and_in_a_store(tmp_path: Path) -> None:
    shapes = to_metres(np.array([block_polygons()[0].buffer(-5e-4)], dtype=object), CRS)
    columns = {"building_id": ["h1"], "estate_id": [""], "use": ["residential"], "levels": [6.0]}
    buildings = gpd.GeoDataFrame({**columns, "households": [0], "estimated": [False]}, geometry=shapes, crs=CRS)
    plan = build_toy_plan()
    plan = dataclasses.replace(plan, demand=plan.demand.assign(demand_id=["b-h1", "b-2", "b-3", "b-4"]))
    inputs = dataclasses.replace(build_toy_inputs(), buildings=buildings)
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), "inputs": inputs}
    folder = write_plan(plan, tmp_path / "plan", **given)
    store = create_store(tmp_path / "plans.gpkg")
    import_plan(store, *read_folder_plan(folder), Note("office", "first"))
    for status in STATUSES[1:5]:
        store.set_status(TOY, 1, status, Note("office", ""))
    assert store.check() == []
    token = {"Authorization": "Bearer of the house"}
    settings = Settings(audience="public", internal_token="of the house")
    with talking_to(create_app(folder, settings, store=tmp_path / "plans.gpkg")) as client:
        seen = {}
        for root in ("", f"/plans/{TOY}/feeds"):
            address = f"{root}/collections/buildings/items"
            assert client.get(address).status_code == 404
            assert "buildings" not in names_of(client, root)
            seen[root] = client.get(address, headers=token).json()["features"]
            inside = client.get(address, params={"bbox": "114.3,30.6,114.301,30.601"}, headers=token).json()
            assert inside["numberMatched"] == 1
        assert [one["properties"]["households"] for one in seen[""]] == [200]
        assert seen[""] == seen[f"/plans/{TOY}/feeds"]
        page = client.get(f"/plans/{TOY}/layers/buildings?bbox=0,0,1,1").json()
        assert (page["numberMatched"], page["features"]) == (0, [])
    store.close()
    assert "buildings" not in pyogrio.list_layers(tmp_path / "plans.gpkg")[:, 0]
