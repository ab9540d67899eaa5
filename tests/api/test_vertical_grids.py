"""On the ground of a tower the floor tells the grid: in a plan folder, in its store, to everybody."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spatial.cli import app
from spatial.crs import to_metres
from spatial.io.plan_folder import read_plan_folder, write_plan
from spatial.plan.locate import NOWHERE, build_floor_locator, list_floors, locate_on_floors
from tests.api.live import serving
from tests.api.stored import store_folder
from tests.api.toy_plan import CRS, build_toy_inputs, build_toy_plan, toy_scorecard, toy_violations

TOWER = shapely.box(114.3008, 30.6036, 114.3014, 30.6042)  # in grid g2
IN_TOWER, BESIDE = (114.301, 30.604), (114.3005, 30.604)
SHOPS = {"vertical_id": "v1", "name": "裙楼商铺", "lowest_floor": -1, "highest_floor": 3}
FLATS = {"vertical_id": "v2", "name": "公寓", "lowest_floor": 4, "highest_floor": 20}


def write_tower(target: Path) -> Path:
    """Write the toy plan with a tower, shops below and flats above, and return its folder."""
    towers = gpd.GeoDataFrame([FLATS, SHOPS], geometry=to_metres(np.array([TOWER] * 2), CRS), crs=CRS)
    inputs = dataclasses.replace(build_toy_inputs(), vertical_grids=towers)
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), "inputs": inputs}
    return write_plan(build_toy_plan(), target, **given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tower(tmp_path_factory.mktemp("tower") / "plan")


@pytest.fixture(scope="module")
def roots(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[httpx.Client]]:
    store = store_folder(folder, tmp_path_factory.mktemp("kept") / "plans.gpkg")
    with serving(folder, store=store) as at, ExitStack() as open_clients:
        paths = ("", "/plans/toy-0001/feeds")
        yield [open_clients.enter_context(httpx.Client(base_url=at + path)) for path in paths]


@pytest.mark.parametrize(
    ("place", "floor", "told"),
    [
        (IN_TOWER, None, [SHOPS, FLATS]),
        (IN_TOWER, 3, [SHOPS]),
        (IN_TOWER, 4, [FLATS]),
        (IN_TOWER, -1, [SHOPS]),
        (IN_TOWER, 21, []),
        (BESIDE, 3, []),
        (BESIDE, None, []),
        ((114.3008, 30.604), 20, [FLATS]),  # on the wall
    ],
)
def test_the_floor_tells_the_grid(
    roots: list[httpx.Client], place: tuple[float, float], floor: int | None, told: list[dict[str, Any]]
) -> None:
    asked = {"lon": place[0], "lat": place[1]} | ({} if floor is None else {"floor": floor})
    for client in roots:
        answer = client.get("/locate", params=asked).json()
        assert answer == {"grid_id": "g2", "code": "420102-001-02", "vertical_grids": told}


def test_a_batch_has_a_floor_for_each_place_or_none(roots: list[httpx.Client]) -> None:
    points = [IN_TOWER, IN_TOWER, IN_TOWER, BESIDE, (0, 0)]
    for client in roots:
        told = client.post("/locate", json={"points": points, "floors": [2, 9, None, 2, 2]}).json()
        assert told["vertical_ids"] == ["v1", "v2", None, None, None]
        assert told["grid_ids"] == ["g2"] * 4 + [None]
        assert "vertical_ids" not in client.post("/locate", json={"points": points}).json()


def test_where_no_vertical_grid_was_given_none_is_told(client: httpx.Client) -> None:
    told = client.post("/locate", json={"points": [IN_TOWER], "floors": [2]}).json()
    assert told == {"grid_ids": ["g2"], "codes": ["420102-001-02"], "vertical_ids": [None]}
    assert client.get("/locate", params={"lon": IN_TOWER[0], "lat": IN_TOWER[1], "floor": 2}).json() == {
        "grid_id": "g2", "code": "420102-001-02", "vertical_grids": [],
    }  # fmt: skip


@pytest.mark.parametrize("floor", ["0", "1.5", "x", "301", "-301", ""])
def test_what_is_no_floor_is_told_as_a_problem(client: httpx.Client, floor: str) -> None:
    answer = client.get("/locate", params={"lon": IN_TOWER[0], "lat": IN_TOWER[1], "floor": floor})
    assert answer.status_code == 400
    assert "1 is on the ground" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ([1], "1 floors for 2 points"),
        ([1, 0], "floors[1] is 0"),
        ([1, 2.5], "floors[1]"),
        ([1, "2"], "floors[1]"),
        ([1, 999], "floors[1]"),
        (3, "floors"),
    ],
)
def test_floors_of_a_batch_that_cannot_be_read_are_named(client: httpx.Client, floors: Any, said: str) -> None:
    answer = client.post("/locate", json={"points": [IN_TOWER, BESIDE], "floors": floors})
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_the_report_says_where_the_homes_of_vertical_grids_are_counted(folder: Path) -> None:
    told = read_plan_folder(folder).report["not_used"]
    wanted = "2 vertical grids: told of places by their floor; their homes are counted in the grids on the ground."
    assert wanted in told


def test_vertical_grids_are_a_feed_and_change_no_number_of_the_plan(folder: Path, roots: list[httpx.Client]) -> None:
    plain = {"grids", "blocks", "demand"}
    for client in roots:
        feed = client.get("/collections/vertical_grids/items").json()
        assert [one["properties"] for one in feed["features"]] == [SHOPS, FLATS]
        assert [one["id"] for one in feed["features"]] == ["v1", "v2"]
        told = {name: client.get(f"/collections/{name}/items").json()["numberMatched"] for name in plain}
        assert told == {"grids": 3, "blocks": 4, "demand": 4}
    with serving(folder, audience="public") as at:
        public = httpx.get(f"{at}/collections/vertical_grids/items").json()
        assert len(public["features"]) == 2


def test_edits_of_the_grid_on_the_ground_leave_vertical_grids_as_they_are_and_those_are_not_written_to(
    folder: Path, tmp_path: Path
) -> None:
    store = store_folder(folder, tmp_path / "plans.gpkg")
    plan, match = "/plans/toy-0001", {"If-Match": "*"}
    vertical, asked = f"{plan}/feeds/collections/vertical_grids/items", {"lon": IN_TOWER[0], "lat": IN_TOWER[1]}
    with serving(None, store=store) as at, httpx.Client(base_url=at) as client:
        before = client.get(vertical).json()["features"]
        moved = {"edits": [{"kind": "merge", "grids": ["g2", "g3"]}]}
        made = client.post(f"{plan}/edits", json=moved, headers=match)
        assert made.status_code == 201, made.text
        assert client.get(vertical).json()["features"] == before
        (grid,) = made.json()["created"] or [one["id"] for one in made.json()["grids"]["features"]]
        told = client.get(f"{plan}/feeds/locate", params={**asked, "floor": 4}).json()
        assert (told["grid_id"], told["vertical_grids"]) == (grid, [FLATS])
        refused = client.patch(f"{vertical}/v1", json={"properties": {"name": "x"}}, headers=match)
        assert refused.status_code == 405
        assert "grids" in refused.json()["detail"]


def test_a_table_that_tells_floors_is_told_its_vertical_grids(folder: Path, toy_folder: Path, tmp_path: Path) -> None:
    places, out = tmp_path / "places.csv", tmp_path / "located.csv"
    (lon, lat), (beside, _) = IN_TOWER, BESIDE
    rows = [(lon, lat, "B1"), (lon, lat, "4层"), (lon, lat, ""), (lon, lat, "顶层"), (beside, lat, "4"), ("", "", "4")]
    text = "经度,纬度,楼层\n" + "".join(f"{x},{y},{floor}\n" for x, y, floor in rows)
    places.write_text(text, encoding="utf-8")
    ran = CliRunner().invoke(app, ["locate", str(folder), str(places), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "places in a grid: 5, in none: 0; rows without a place: 1, without a floor: 2; written" in ran.output
    read = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert read["vertical_id"].tolist() == ["v1", "v2", "", "", "", ""]
    assert read["楼层"].tolist() == [floor for _, _, floor in rows]
    ran = CliRunner().invoke(app, ["locate", str(toy_folder), str(places), "--out", str(out)])  # it has none
    assert "rows without a place: 1; written" in ran.output
    assert "vertical_id" not in pd.read_csv(out).columns


@given(st.integers(0, 40), st.integers(0, 40))
def test_floors_are_found_as_a_plain_loop_finds_them(seed: int, other: int) -> None:
    rng = np.random.default_rng(seed)
    west, south = rng.integers(0, 6, (2, 9))
    areas = shapely.box(west, south, west + 2, south + 2)
    ids = [f"v{n}" for n in rng.permutation(9)]
    low = rng.integers(-3, 6, 9)
    high = low + rng.integers(0, 5, 9)
    asked = np.random.default_rng(other)
    xy = asked.integers(0, 9, (30, 2)) / 1.0
    floors = np.where(asked.random(30) < 0.1, np.nan, asked.integers(-4, 11, 30))
    locator = build_floor_locator(areas, ids, low, high)
    for place, floor, row in zip(xy, floors, locate_on_floors(locator, xy, floors).tolist(), strict=True):
        about = [n for n in range(9) if areas[n].intersects(shapely.Point(place))]
        on_floor = [ids[n] for n in about if low[n] <= floor <= high[n]]
        assert (None if row == NOWHERE else ids[row]) == min(on_floor, default=None)
        assert list_floors(locator, place) == sorted(about, key=lambda n: (low[n], ids[n]))
