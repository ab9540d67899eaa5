"""A place lies in one grid, the same whoever asks; places by the million are quick to ask for."""

import asyncio
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
import shapely
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.errors import add_error_handlers
from api.places import read_batch
from api.refusals import tell_refusal
from api.routes.locate import locate_router
from api.settings import Settings
from spatial.cli import app
from spatial.crs import wgs84_to_bd09, wgs84_to_gcj02
from spatial.errors import MissingError
from spatial.plan.locate import NOWHERE, build_locator, locate_rows
from tests.api.toy_plan import BEND, CENTRE, EAST, MIDDLE, NORTH, SOUTH, WEST

IN_G2 = (114.301, 30.604)


@pytest.mark.parametrize(
    ("place", "grid"),
    [
        (IN_G2, "g2"),
        ((114.305, 30.604), "g3"),
        ((114.301, 30.601), "g1"),
        ((114.2, 30.6), None),
        ((WEST, SOUTH), "g1"),  # a corner of the plan
        (BEND, "g1"),  # a vertex of the border between g1 and g2
        ((MIDDLE, NORTH), "g2"),  # between g2 and g3
        ((MIDDLE, CENTRE), "g1"),  # where all three meet
        ((EAST, NORTH), "g3"),
    ],
)
def test_a_place_on_a_border_belongs_to_the_grid_with_the_first_id(
    client: httpx.Client, place: tuple[float, float], grid: str | None
) -> None:
    lon, lat = place
    told = client.get("/locate", params={"lon": lon, "lat": lat}).json()
    assert told["grid_id"] == grid
    assert told["code"] == (None if grid is None else f"420102-001-0{grid[1]}")
    assert client.post("/locate", json={"points": [[lon, lat]]}).json()["grid_ids"] == [grid]


@pytest.mark.parametrize(("coords", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_shifted_places_are_shifted_back(client: httpx.Client, coords: str, shift: Any) -> None:
    points = shift(np.array([IN_G2, (114.305, 30.604)])).tolist()
    assert client.post("/locate", json={"points": points, "coords": coords}).json()["grid_ids"] == ["g2", "g3"]
    (lon, lat) = points[0]
    assert client.get("/locate", params={"lon": lon, "lat": lat, "coords": coords}).json()["grid_id"] == "g2"


@pytest.mark.parametrize(
    "query", ["", "lon=114", "lon=x&lat=1", "lon=nan&lat=1", "lon=181&lat=1", "lon=1e999&lat=1", "lon=1&lat=1&coords=a",
              "lon=1&lat=1&z=1", "lon=1&lon=2&lat=1"]
)  # fmt: skip
def test_a_place_that_cannot_be_read_is_told_as_a_problem(client: httpx.Client, query: str) -> None:
    assert client.get(f"/locate?{query}").status_code == 400


@pytest.mark.parametrize("body", [{}, {"points": [[1]]}, {"points": [[1, 2, 3]]}, {"points": [["a", 1]]}, {"points": 5},
                                  {"points": [[200, 1]]}, {"points": [], "coords": "amap"}])  # fmt: skip
def test_a_batch_that_cannot_be_read_is_told_as_a_problem(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post("/locate", json=body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def _mosaic(seed: int) -> tuple[Any, list[str]]:
    """Areas that share their borders, in an order of their own, with names in another."""
    rng = np.random.default_rng(seed)
    cells = shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 8, (12, 2))), extend_to=shapely.box(0, 0, 8, 8))
    areas = shapely.get_parts(cells)
    return areas, [f"g{n:02d}" for n in rng.permutation(len(areas))]


@given(st.integers(0, 50), st.integers(0, 50))
def test_places_in_areas_and_on_their_borders_are_where_geos_says_in_any_order(seed: int, other: int) -> None:
    areas, ids = _mosaic(seed)
    xy = np.random.default_rng(other).uniform(-1, 9, (40, 2))
    xy = np.vstack([xy, shapely.get_coordinates(areas), [[np.nan, 1.0]]])
    found = [None if row == NOWHERE else ids[row] for row in locate_rows(build_locator(areas, ids), xy)]
    for place, grid in zip(xy[:-1], found[:-1], strict=True):
        meeting = [one for one, area in zip(ids, areas, strict=True) if area.intersects(shapely.Point(place))]
        assert grid == min(meeting, default=None)
    assert found[-1] is None
    turned = np.arange(len(ids))[::-1]
    again = locate_rows(build_locator(areas[turned], [ids[n] for n in turned]), xy)
    assert [None if row == NOWHERE else ids[turned[row]] for row in again] == found


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_table_is_written_again_with_its_grids(toy_folder: Path, tmp_path: Path, encoding: str) -> None:
    places, out = tmp_path / "places.csv", tmp_path / "located.csv"
    text = "编号,经度,纬度\n007,114.301,30.604\n008,114.305,30.604\n009,100,20\n010,,\n"
    places.write_bytes(text.encode(encoding))
    ran = CliRunner().invoke(app, ["locate", str(toy_folder), str(places), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "places in a grid: 2, in none: 1; rows without a place: 1; written" in ran.output
    read = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert read.columns.tolist() == ["编号", "经度", "纬度", "grid_id", "grid_code"]
    assert read["编号"].tolist() == ["007", "008", "009", "010"]
    assert read["grid_id"].tolist() == ["g2", "g3", "", ""]
    assert read["grid_code"].tolist() == ["420102-001-02", "420102-001-03", "", ""]


@pytest.mark.parametrize(
    ("content", "more", "told"),
    [
        ("a,b\n1,2\n", [], "needed 经度 and 纬度"),
        ("lon,lat,grid_id\n1,2,x\n", [], "grid_id"),
        ("lon,lat\n1,2\n", ["--coords", "amap"], "amap"),
        ("lon,lat,姓名\n1,2,某某\n", [], "'姓名' is personal data"),
        ("lon,lat,note\n1,2,call 13900001234\n", [], "'note' holds mobile telephone numbers"),
        ("", [], "no table"),
        (None, [], "cannot read"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_in_a_sentence(
    toy_folder: Path, tmp_path: Path, content: str | None, more: list[str], told: str
) -> None:
    places = tmp_path / "places.csv"
    if content is not None:
        places.write_text(content, encoding="utf-8")
    command = ["locate", str(toy_folder), str(places), "--out", str(tmp_path / "o.csv"), *more]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 2
    assert told in ran.output
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"points": [[1, 1], *[[999, 1]] * 30]}, "points[1][0]"),
        ({"points": [[1, 1], *[[]] * 30]}, "points[1]"),
        ({"points": [[1, 1]] * 30, "floors": [2, *[999] * 29]}, "floors[1]"),
        ({"points": [], **dict.fromkeys("abcdefghij", 1)}, "a: "),
    ],
)
def test_of_many_things_that_cannot_be_read_the_first_alone_is_told(body: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestValidationError) as told:
        read_batch(orjson.dumps(body), most=100)
    (error,) = told.value.errors()  # an error for each of a million places took gigabytes
    assert tell_refusal(error).startswith(said)


def test_who_waits_with_a_long_batch_keeps_no_thread_from_others() -> None:
    answered, go_on = list[int](), Event()

    def find(request: Request) -> Any:
        answered.append(1)
        go_on.wait(30)
        raise MissingError("no plan")

    served = FastAPI()
    served.include_router(locate_router(find, Settings()))
    add_error_handlers(served)
    served.add_api_route("/quick", lambda: "here")
    long = b'{"points": []}' + b" " * 2_000_000

    async def run() -> None:
        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            waiting = [asyncio.ensure_future(client.post("/locate", content=long)) for _ in range(60)]
            try:
                while not answered:
                    await asyncio.sleep(0.01)
                assert (await asyncio.wait_for(client.get("/quick"), 10)).status_code == 200
                assert len(answered) == 1
            finally:
                go_on.set()
                told = await asyncio.gather(*waiting)
        assert {one.status_code for one in told} == {404}
        assert len(answered) == len(told)

    asyncio.run(run())
