"""What was read stands beside the plan, with known columns only, and the report says what of it changes nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from spatial.crs import to_metres
from spatial.io.input_layers import build_input_layers
from spatial.io.plan_folder import read_plan_folder, write_plan
from spatial.io.plan_layers import LAYERS, PLAN_LAYERS
from spatial.tables import BUILDINGS
from tests.api.toy_plan import CRS, block_polygons, build_toy_inputs, build_toy_plan, toy_scorecard, toy_violations


def write(folder: Path, plan: Any = None, **options: Any) -> Path:
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), **options}
    return write_plan(plan or build_toy_plan(), folder, **given)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("written") / "plan")


def features(folder: Path, layer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_plan_folder(folder).read_layer(layer)["features"]
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("full") / "plan", inputs=build_toy_inputs())


def test_what_was_read_stands_beside_the_plan_with_known_columns_only(full: Path) -> None:
    absent = ("buildings", "vertical_grids")
    assert read_plan_folder(full).layers == tuple(name for name in LAYERS if name not in absent)
    told = {name: features(full, name) for name in ("gates", "candidates", "existing", "estates", "current", "pois")}
    assert {name: [f["id"] for f in rows] for name, rows in told.items()} == {
        "gates": ["t1", "t2"],
        "candidates": ["n1"],
        "existing": ["s1"],
        "estates": ["e1", "e2"],
        "current": ["party-d1", "police-p1", "police-p2"],
        "pois": ["k1"],
    }
    assert told["gates"][0]["properties"].keys() == {"gate_id", "estate_id", "access", "hours"}
    assert told["estates"][1]["properties"]["elderly"] == 410.0
    assert "company" not in told["estates"][0]["properties"]
    for name in told:
        assert pyogrio.read_info(full / "plan.gpkg", layer=name)["features"] == len(told[name])


def test_inputs_that_are_empty_or_not_given_make_no_layer(tmp_path: Path, toy: Path) -> None:
    assert read_plan_folder(toy).layers == PLAN_LAYERS
    inputs = build_toy_inputs()
    some = replace(inputs, gates=inputs.gates[:0], current=inputs.current[:0])
    folder = write(tmp_path / "plan", inputs=some)
    assert set(LAYERS) - set(read_plan_folder(folder).layers) == {"gates", "current", "buildings", "vertical_grids"}
    assert not (folder / "correspondence.csv").exists()
    assert "current" not in read_plan_folder(folder).report


def test_buildings_of_the_area_are_served_with_the_households_that_the_plan_counts(tmp_path: Path) -> None:
    b1, b2, b3, _ = (shapely.box(*one.buffer(-5e-4).bounds) for one in block_polygons())
    away = shapely.box(114.4, 30.6, 114.401, 30.601)
    rows = [
        ("h1", "", "residential", 6.0, 180, True),
        ("h2", "", "residential", 6.0, 0, False),
        ("shop", "", "commercial", 2.0, 0, False),
        ("far", "", "residential", 9.0, 90, False),
    ]
    columns = pd.DataFrame(rows, columns=[*BUILDINGS.columns]).to_dict("list") | {"owner": ["某人"] * 4}
    shapes = to_metres(np.array([b1, b2, b3, away], dtype=object), CRS)
    plan = build_toy_plan()
    demand = plan.demand.assign(demand_id=["b-h1", "b-h2", "b-x", "e2"])
    inputs = replace(build_toy_inputs(), buildings=gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS))
    folder = write(tmp_path / "plan", replace(plan, demand=demand), inputs=inputs)
    served = {one["id"]: one["properties"] for one in features(folder, "buildings")}
    assert {key: (one["households"], one["estimated"]) for key, one in served.items()} == {
        "h1": (200, False), "h2": (150, True), "shop": (0, False),
    }  # fmt: skip
    assert served["h1"].keys() == BUILDINGS.columns.keys()
    assert pyogrio.read_info(folder / "plan.gpkg", layer="buildings")["features"] == 3
    nobody = replace(plan, demand=plan.demand[:0])
    assert build_input_layers(inputs, nobody)["buildings"]["households"].tolist() == [0, 0, 0]


def test_what_becomes_of_todays_grids_is_a_table_and_a_summary(full: Path) -> None:
    table = pd.read_csv(full / "correspondence.csv", encoding="utf-8-sig")
    rows = table.drop(columns="area_share").round(6).to_numpy().tolist()
    south, west, east = "420102-001-01", "420102-001-02", "420102-001-03"
    assert rows == [
        ["party", "d1", south, round(200 / 680, 6), 200],
        ["party", "d1", west, round(480 / 680, 6), 480],
        ["police", "p1", south, 1.0, 350],
        ["police", "p2", west, round(480 / 1980, 6), 480],
        ["police", "p2", east, round(1500 / 1980, 6), 1500],
    ]
    assert table.groupby(["old_layer", "old_code"])["area_share"].sum().to_numpy() == pytest.approx(1.0)
    assert read_plan_folder(full).report["current"]["layers"]["police"] == {
        "grids": 2,
        "households": 2330,
        "into_one": 1,
        "into_several": 1,
        "without_households": 0,
    }
    assert pyogrio.read_info(full / "plan.gpkg", layer="correspondence")["features"] == 5


def test_the_report_tells_what_was_read_and_changes_nothing(full: Path, toy: Path) -> None:
    told = read_plan_folder(full).report["not_used"]
    starts = ["1 gate with opening hours:", "1 place (pois):", "3 grids of today:", "1 candidate with a cost:",
              "Counts of elderly:", "Heights:"]  # fmt: skip
    assert len(told) == len(starts)
    assert all(text.startswith(start) for text, start in zip(told, starts, strict=True))
    assert read_plan_folder(toy).report["not_used"] == []


def test_equal_inputs_are_equal_files_whatever_the_order_of_rows(tmp_path: Path, full: Path) -> None:
    inputs = build_toy_inputs()
    names = ("gates", "candidates", "existing", "estates", "current", "pois")
    turned = replace(inputs, **{name: getattr(inputs, name).iloc[::-1] for name in names})
    assert contents(write(tmp_path / "plan", inputs=turned)) == contents(full)
