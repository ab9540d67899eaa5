"""Floors of towers are read as planners write them, and what cannot be a grid is listed."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.crs import metric_crs
from spatial.errors import InputError
from spatial.io.counts import parse_floor
from spatial.io.vertical_grids import read_vertical_grids

CRS = metric_crs(114.3, 30.6)
TOWER = shapely.box(114.3010, 30.6010, 114.3014, 30.6014)
BESIDE = shapely.box(114.3014, 30.6010, 114.3018, 30.6014)


def _write(folder: Path, *rows: tuple[Any, dict[str, Any]]) -> Path:
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(area), "properties": told} for area, told in rows
    ]
    path = folder / "towers.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def _row(code: str, low: Any, high: Any, name: str = "") -> dict[str, Any]:
    return {"网格编码": code, "名称": name, "起始楼层": low, "终止楼层": high}


@pytest.mark.parametrize(
    ("text", "floor"),
    [("1", 1), ("3层", 3), ("F3", 3), ("3F", 3), ("第12层", 12), ("B2", -2), ("b1f", -1), ("-1", -1), ("地下1层", -1),
     ("负2楼", -2), ("L5", 5), ("２层", 2), ("4.0", 4), ("暂无", None), ("", None)],
)  # fmt: skip
def test_a_floor_is_read_as_people_write_it(text: str, floor: int | None) -> None:
    assert parse_floor(text) == floor


@pytest.mark.parametrize("text", ["0", "-0", "B0", "1-3", "三层", "3.5", "x", "9999"])
def test_what_is_no_floor_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="needed a floor"):
        parse_floor(text)


@given(st.integers(-999, 999).filter(bool))
def test_a_number_is_its_own_floor(floor: int) -> None:
    assert parse_floor(str(floor)) == floor == parse_floor(f"{floor}层")


def test_outlines_with_floors_become_vertical_grids_sorted_by_code(tmp_path: Path) -> None:
    rows = [(TOWER, _row("V2", "4", "20层", "写字楼")), (TOWER, _row("V1", "B1", "3", "裙楼"))]
    found, listed = read_vertical_grids(_write(tmp_path, *rows), CRS)
    assert found.drop(columns="geometry").to_numpy().tolist() == [["V1", "裙楼", -1, 3], ["V2", "写字楼", 4, 20]]
    assert listed.empty
    turned, _ = read_vertical_grids(_write(tmp_path, *rows[::-1]), CRS)
    assert turned.to_wkb().equals(found.to_wkb())


def test_floors_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    rows = [
        (TOWER, _row("V1", "", "")),
        (TOWER, _row("V2", "9", "4")),
        (TOWER, _row("V3", "", "2")),
        (BESIDE, _row("V4", "高层", "x")),
    ]
    found, listed = read_vertical_grids(_write(tmp_path, *rows), CRS)
    assert found[["vertical_id", "lowest_floor", "highest_floor"]].to_numpy().tolist() == [["V2", 4, 9], ["V3", 2, 2]]
    told = listed[["row", "reason", "action", "detail"]].to_numpy().tolist()
    assert sorted(told) == [
        ["1 (V1)", "no floors that can be read", "dropped", ""],
        ["2 (V2)", "lowest floor above the highest", "repaired", "9 to 4"],
        ["4 (V4)", "highest_floor not understood", "kept", "x"],
        ["4 (V4)", "lowest_floor not understood", "kept", "高层"],
        ["4 (V4)", "no floors that can be read", "dropped", ""],
    ]


def test_floors_that_two_share_are_listed_and_neighbours_are_not(tmp_path: Path) -> None:
    rows = [
        (TOWER, _row("V1", 1, 5)),
        (TOWER, _row("V2", 4, 9)),
        (BESIDE, _row("V3", 1, 9)),
        (TOWER, _row("V4", 10, 12)),
    ]
    found, listed = read_vertical_grids(_write(tmp_path, *rows), CRS)
    assert len(found) == 4
    assert listed[["row", "reason", "action", "detail"]].to_numpy().tolist() == [
        ["2 (V2)", "shares floors and ground with another", "kept", "floors 4 to 5 of V1"]
    ]
