"""Public feeds leave out small counts and single buildings; a token of the house opens them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from api.snapshot import load_snapshot
from spatial.io.plan_folder import write_plan
from spatial.plan.metrics import measure_plan
from tests.api.live import serving
from tests.api.toy_plan import build_toy_inputs, build_toy_plan, toy_scorecard, toy_violations

TOKEN = {"Authorization": "Bearer of the house"}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A public server of the toy plan with seven homes in block b2, and so 207 in grid g1."""
    plan = build_toy_plan()
    blocks, grids = plan.blocks.copy(), plan.grids.copy()
    blocks.loc[blocks["block_id"] == "b2", "households"] = 7
    grids.loc[grids["grid_id"] == "g1", "households"] = 207
    plan = dataclasses.replace(plan, blocks=blocks, grids=grids)
    folder: Path = tmp_path_factory.mktemp("public") / "plan"
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), "inputs": build_toy_inputs()}
    write_plan(plan, folder, **given)
    settings = {"audience": "public", "internal_token": "of the house"}
    with serving(folder, **settings) as at, httpx.Client(base_url=at) as client:
        yield client


def test_single_buildings_are_not_public_in_any_form(outside: httpx.Client) -> None:
    assert "demand" not in [one["id"] for one in outside.get("/collections").json()["collections"]]
    for path in (
        "/collections/demand", "/collections/demand/items", "/collections/demand/items/d1", "/downloads/demand.csv",
        "/feeds/amap/demand/items", "/collections/demand/tiles/WebMercatorQuad/0/0/0", "/plan/files/demand.geojson",
        "/plan/files/plan.gpkg", "/plan/files/blocks.geojson", "/plan/report",
    ):  # fmt: skip
        assert outside.get(path).status_code == 404, path
        assert outside.get(path, headers=TOKEN).status_code in (200, 204), path
        assert outside.get(path, headers={"Authorization": "Bearer other"}).status_code == 404, path


def test_small_counts_are_left_out_and_so_is_what_would_tell_them(outside: httpx.Client) -> None:
    blocks = outside.get("/collections/blocks/items").json()["features"]
    assert [one["properties"]["households"] for one in blocks] == [None, None, 480, 1500]
    assert blocks[1]["properties"]["suppressed"] is True
    inside = outside.get("/collections/blocks/items", headers=TOKEN).json()["features"]
    assert [one["properties"]["households"] for one in inside] == [200, 7, 480, 1500]
    assert "suppressed" not in inside[1]["properties"]


def test_a_filter_does_not_tell_what_is_left_out(outside: httpx.Client) -> None:
    asked = {"filter": "households < 10"}
    assert outside.get("/collections/blocks/items", params=asked).json()["numberMatched"] == 0
    assert outside.get("/collections/blocks/items", params=asked, headers=TOKEN).json()["numberMatched"] == 1
    assert b"\r\n" in outside.get("/downloads/blocks.csv").content
    assert ",7," not in outside.get("/downloads/blocks.csv").text


def test_the_numbers_of_the_plan_tell_everybody_of_no_grid_that_is_left_out(tmp_path: Path) -> None:
    plan = build_toy_plan()
    changed = {"blocks": "block_id", "grids": "grid_id", "demand": "block_id"}
    few = {
        name: frame.assign(households=frame["households"].where(~frame[key].isin(["b3", "g2"]), 6))
        for name, key in changed.items()
        for frame in [getattr(plan, name)]
    }
    plan = dataclasses.replace(plan, **few)
    circles = {
        f"{limit}_m": {"value": 0.5, "unit": "share", "formula": "", "inputs": {"part": part, "whole": 1856}}
        for limit, part in ((300, 40), (500, 1850))
    }
    score = {**measure_plan(plan, violations=toy_violations()).to_dict(), "circles": circles}
    folder = write_plan(plan, tmp_path / "plan", scorecard=score, violations=toy_violations())
    settings = {"audience": "public", "internal_token": "of the house"}
    with serving(folder, **settings) as at, httpx.Client(base_url=at) as client:
        house = client.get("/plan/metrics", headers=TOKEN)
        public = client.get("/plan/metrics", headers={"If-None-Match": house.headers["ETag"]})
        whole, told = house.json(), public.json()
    assert [row["households"] for row in whole["scorecard"]["by_grid"]] == [350, 6, 1500]
    # the smallest other grid is left out with it; of both together the total tells
    assert [row["households"] for row in told["scorecard"]["by_grid"]] == [None, None, 1500]
    assert told["scorecard"]["by_grid"][1]["load_over_mean"] is None
    assert set(told["summary"]["households_by_status"].values()) == {None}
    assert (told["summary"]["households"], told["division"]) == (1856, None)
    told, whole = told["scorecard"], whole["scorecard"]
    for name in ("size_fit", "workload_fit"):
        assert {figure["value"] for figure in told["principles"][name]["figures"].values()} == {None}
    assert told["principles"]["clarity"] == whole["principles"]["clarity"]
    assert [one["value"] for one in told["circles"].values()] == [None, None]  # six are beyond 500 m
    assert "6" not in {str(value) for value in _values(told)}


def test_of_a_plan_of_a_few_homes_the_public_is_told_not_even_how_many(tmp_path: Path) -> None:
    plan, homes = build_toy_plan(), {"b1": 1, "b2": 2, "b3": 3, "b4": 0}
    of_grids = {"g1": 3, "g2": 3, "g3": 0}
    few = {
        "blocks": plan.blocks.assign(households=plan.blocks["block_id"].map(homes)),
        "demand": plan.demand.assign(households=plan.demand["block_id"].map(homes)),
        "grids": plan.grids.assign(households=plan.grids["grid_id"].map(of_grids), explanation=""),
        "circles": plan.circles.assign(households=6),
        "sites": plan.sites.assign(households=[6, 0]),
    }
    plan = dataclasses.replace(plan, **few)
    score = measure_plan(plan, violations=toy_violations()).to_dict()
    folder = write_plan(plan, tmp_path / "plan", scorecard=score, violations=toy_violations())
    settings = {"audience": "public", "internal_token": "of the house"}
    with serving(folder, **settings) as at, httpx.Client(base_url=at, headers={"Accept": "application/json"}) as client:
        house = client.get("/", headers=TOKEN).json()
        public = client.get("/").json()
        numbers = client.get("/plan/metrics").json()
        names = [one["id"] for one in client.get("/collections").json()["collections"]]
        layers = {name: client.get(f"/collections/{name}/items").json()["features"] for name in names}
    assert house["description"] == "3 grids of 6 households in 4 blocks."
    assert public["description"] == "3 grids in 4 blocks."
    assert numbers["summary"]["households"] is None
    counted = ("summary", "scorecard", "division")
    assert not {3, 6, "3", "6"} & {one for name in counted for one in _values(numbers[name]) if one is not True} - {
        numbers["summary"]["grids"]
    }
    told = {one["properties"].get("households") for rows in layers.values() for one in rows}
    assert told == {None, 0}


def _values(told: Any) -> Iterator[Any]:
    """Every number and text in a document."""
    if isinstance(told, dict | list):
        for one in told.values() if isinstance(told, dict) else told:
            yield from _values(one)
    else:
        yield told


def test_one_reader_is_not_given_what_another_has_kept(outside: httpx.Client) -> None:
    inside = outside.get("/collections/blocks/items", headers=TOKEN)
    again = outside.get("/collections/blocks/items", headers={"If-None-Match": inside.headers["ETag"]})
    assert again.status_code == 200
    assert "Authorization" in again.headers["Vary"]
    tiles = [
        outside.get("/collections/blocks/tiles/WebMercatorQuad?f=tilejson", headers=h).json()["tiles"]
        for h in ({}, TOKEN)
    ]
    assert tiles[0] != tiles[1]
    for (address,), h, keeper in zip(tiles, ({}, TOKEN), ("public", "private"), strict=True):
        tile = outside.get(address.format(z=0, x=0, y=0), headers=h)
        assert tile.headers["Cache-Control"].startswith(f"{keeper}, max-age")


def test_a_grid_is_told_of_a_place_to_everybody(outside: httpx.Client) -> None:
    assert outside.get("/locate", params={"lon": 114.301, "lat": 30.604}).json()["grid_id"] == "g2"


@pytest.mark.parametrize(
    "settings", [{"public_url": "https://maps.example/wangge"}, {"allowed_hosts": '["127.0.0.1", "maps.example"]'}]
)
def test_a_server_behind_a_proxy_is_public_unless_it_is_told_otherwise(
    toy_folder: Path, settings: dict[str, Any]
) -> None:
    for more, status in (({}, 404), ({"audience": "internal"}, 200)):
        with serving(toy_folder, **settings, **more) as at, httpx.Client(base_url=at) as client:
            assert client.get("/collections/demand/items").status_code == status


def test_the_profile_says_how_small_a_count_may_be_told(tmp_path: Path) -> None:
    plan = build_toy_plan()
    for least, told in ((1, [200, 150, 480, 1500]), (200, [None, None, 480, 1500])):
        rules = dataclasses.replace(plan.profile.privacy, least_households=least)
        profile = dataclasses.replace(plan.profile, privacy=rules)
        folder = write_plan(
            dataclasses.replace(plan, profile=profile), tmp_path / str(least), scorecard=None, violations=None
        )
        blocks = load_snapshot(folder).public.layer("blocks")
        assert [orjson.loads(one)["properties"]["households"] for one in blocks.features] == told
