import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.crs import LONLAT, metric_crs, transform_xy, wgs84_to_bd09, wgs84_to_gcj02
from spatial.errors import CrsError, InputError, PersonalDataError
from spatial.io.estates import read_estates
from spatial.io.systems import Undeclared
from tests.real_data import real

CRS = metric_crs(114.3, 30.6)
SPOT = np.array([[114.305393, 30.593099]])


def _csv(folder: Path, text: str) -> Path:
    (folder / "小区.csv").write_text(text, encoding="utf-8")
    return folder / "小区.csv"


def _dropped(listed: Any) -> dict[str, str]:
    gone = listed[listed["action"] == "dropped"]
    return dict(zip(gone["row"], gone["reason"], strict=True))


def test_a_register_worked_by_hand(tmp_path: Path) -> None:
    path = _csv(
        tmp_path,
        "小区名称,总户数,经度,纬度,封闭/开放,物业公司,楼栋数\n"
        "甲苑,500户,114.30,30.60,封闭,绿野物业,12\n"
        "乙苑,约300户,114.30,30.60,开放式,无,暂无资料\n"
        "丙苑,暂无资料,114.31,30.60,,,\n"
        "丁苑,0,114.31,30.60,,,\n"
        "戊苑,15000户,114.31,30.60,,,\n"
        "己苑,300-500,114.31,30.60,,,\n"
        "庚苑,200,,,,,\n"
        "甲苑,500户,114.30,30.60,封闭,绿野物业,12\n"
        "辛苑,100,114.32,30.61,不好说,,三\n"
        "合计,1100,,,,,\n",
    )
    estates, listed = read_estates(path, CRS)
    assert estates[["estate_id", "name", "households", "access", "estimated"]].to_numpy().tolist() == [
        ["e00001", "乙苑", 300, "open", True],
        ["e00002", "甲苑", 500, "gated", False],
        ["e00003", "辛苑", 100, "unknown", False],
    ]
    assert estates["company"].tolist() == ["无", "绿野物业", ""]
    assert estates["buildings"].fillna(-1).tolist() == [-1, 12, -1]
    assert _dropped(listed) == {
        "4": "no household count",
        "5": "households not between 1 and 10,000",
        "6": "households not between 1 and 10,000",
        "7": "household count not understood",
        "8": "no coordinates",
        "9": "repeats another row",
        "11": "line of totals",
    }
    kept = listed[listed["action"] == "kept"].set_index("reason")["row"]
    assert kept["open or closed not understood"] == "10 (e00003)"
    assert kept["buildings not understood"] == "10 (e00003)"
    assert estates.attrs["rows"] == ["3", "2", "10"]


def test_one_estate_whose_count_is_written_in_two_ways_counts_once(tmp_path: Path) -> None:
    rows = [
        '甲苑,"1,200",114.30,30.60,',
        "甲苑,1200户,114.300,30.600,绿野物业",
        "甲苑,约1200,114.30,30.60,绿野物业",
        "甲苑,600,114.30,30.60,",
        ",90,114.31,30.60,",
        ",90户,114.31,30.60,",
    ]
    for order in (rows, rows[::-1]):
        estates, listed = read_estates(_csv(tmp_path, "\n".join(["小区名称,总户数,经度,纬度,物业公司", *order])), CRS)
        assert estates[["name", "households", "company", "estimated"]].to_numpy().tolist() == [
            ["", 90, "", False], ["", 90, "", False], ["甲苑", 1200, "绿野物业", False], ["甲苑", 600, "", False],
        ], "estates without a name cannot be told to be one"  # fmt: skip
        gone = listed[listed["action"] == "dropped"]
        first = order.index(rows[1]) + 2
        assert gone["reason"].tolist() == ["repeats another row"] * 2
        assert gone["detail"].tolist() == [f"equals row {first} in name, place and households"] * 2
        assert gone["households"].tolist() == [1200, 1200]


def test_every_way_to_write_a_place_gives_the_same_metres(tmp_path: Path) -> None:
    gcj, bd = wgs84_to_gcj02(SPOT)[0], wgs84_to_bd09(SPOT)[0]
    x, y = transform_xy(SPOT, LONLAT, CRS)[0]
    written: list[tuple[str, Any, Undeclared]] = [
        (f"经度,纬度\n{SPOT[0, 0]},{SPOT[0, 1]}", None, Undeclared()),
        (f"lon,lat\n{gcj[0]},{gcj[1]}", "gcj02", Undeclared()),
        (f"lng,lat\n{bd[0]},{bd[1]}", None, Undeclared(coords="bd09")),
        (f'经纬度\n"{bd[0]},{bd[1]}"', "bd09", Undeclared()),
        (f'坐标\n"{SPOT[0, 1]}，{SPOT[0, 0]}"', None, Undeclared()),
        (f"坐标\n{SPOT[0, 0]} {SPOT[0, 1]}", None, Undeclared()),
        (f"x,y\n{x},{y}", None, Undeclared(crs=CRS)),
        (f"x坐标,y坐标\n{y},{x}", None, Undeclared(crs=CRS)),
    ]
    for text, coords, undeclared in written:
        header, row = text.split("\n")
        path = _csv(tmp_path, f"名称,户数,{header}\n甲,5,{row}\n")
        estates, _ = read_estates(path, CRS, coords, undeclared=undeclared)
        assert shapely.distance(estates.geometry.iloc[0], shapely.Point(x, y)) < 0.001, text


def test_projected_columns_without_a_system_are_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(CrsError, match="zone 38; if so, say --crs EPSG:4526"):
        read_estates(_csv(tmp_path, "名称,户数,x,y\n甲,5,38529285,3386000\n"), CRS)


def test_a_declared_system_stands_and_contradicting_it_is_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"名称": ["甲"], "户数": [5]}, geometry=gpd.points_from_xy(*SPOT.T), crs=4326).to_crs(CRS)
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    estates, _ = read_estates(tmp_path / "a.gpkg", CRS, undeclared=Undeclared(coords="bd09"))
    assert shapely.distance(estates.geometry.iloc[0], frame.geometry.iloc[0]) < 0.001
    with pytest.raises(CrsError, match="cannot be bd09 too"):
        read_estates(tmp_path / "a.gpkg", CRS, "bd09")


def test_outlines_without_counts_wait_for_their_buildings(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=[shapely.box(114.3, 30.6, 114.31, 30.61),
                             shapely.Polygon([(114.32, 30.6), (114.33, 30.61), (114.33, 30.6), (114.32, 30.61)])],
                             crs=4326)  # fmt: skip
    pyogrio.write_dataframe(frame, tmp_path / "a.geojson")
    estates, listed = read_estates(tmp_path / "a.geojson", CRS)
    assert estates["households"].tolist() == [0, 0]
    assert estates["estimated"].all()
    assert estates.is_valid.all()
    assert set(listed["action"]) == {"guessed", "repaired"}


@pytest.mark.parametrize(
    ("header", "yes", "no"),
    [
        ("是否封闭", "gated", "open"),
        ("是否开放", "open", "gated"),
        ("access", "open", "gated"),
        ("封闭/开放", "unknown", "unknown"),
    ],
)
def test_yes_and_no_are_read_by_their_header(tmp_path: Path, header: str, yes: str, no: str) -> None:
    path = _csv(tmp_path, f"名称,户数,经度,纬度,{header}\n甲,5,114.3,30.6,是\n乙,5,114.3,30.7,否\n")
    estates, _ = read_estates(path, CRS)
    assert dict(zip(estates["name"], estates["access"], strict=True)) == {"甲": yes, "乙": no}


def test_points_without_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needed one of households"):
        read_estates(_csv(tmp_path, "名称,经度,纬度\n甲,114.3,30.6\n"), CRS)


def test_a_table_without_coordinates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="经度 and 纬度"):
        read_estates(_csv(tmp_path, "名称,户数\n甲,5\n"), CRS)


def test_personal_data_is_refused_in_tables_and_layers(tmp_path: Path) -> None:
    with pytest.raises(PersonalDataError, match="column '联系电话'"):
        read_estates(_csv(tmp_path, "名称,户数,经度,纬度,联系电话\n甲,5,114.3,30.6,1\n"), CRS)
    frame = gpd.GeoDataFrame(
        {"name": ["甲"], "note": ["13800" + "138000"]}, geometry=gpd.points_from_xy(*SPOT.T), crs=4326
    )
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    with pytest.raises(PersonalDataError, match="column 'note'"):
        read_estates(tmp_path / "a.gpkg", CRS)


def test_an_excel_register_is_read_as_the_csv_is(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["某区小区名录"], ["小区名称", "总户数", "经度", "纬度"], ["甲", 500, 114.3, 30.6]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    one, _ = read_estates(tmp_path / "a.xlsx", CRS)
    other, _ = read_estates(_csv(tmp_path, "小区名称,总户数,经度,纬度\n甲,500,114.3,30.6\n"), CRS)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))


def test_a_row_that_lies_nowhere_does_not_spoil_the_others(tmp_path: Path) -> None:
    for nowhere in ("999,999", "500,30.6", "30.6,114.3"):
        rows = f"甲,5,{nowhere}\n乙,5,114.3,30.6\n丙,5,114.31,30.6\n"
        estates, listed = read_estates(_csv(tmp_path, f"名称,户数,经度,纬度\n{rows}"), CRS)
        assert set(estates["name"]) == {"乙", "丙"}
        assert _dropped(listed) == {"2": "coordinates that are no place on the earth"}


_CELL = st.fixed_dictionaries(
    {
        "名称": st.sampled_from(["甲", "乙", "丙", "合计", ""]),
        "户数": st.sampled_from(["5户", "暂无资料", "0", "99999", "1-2", "", "约７户", "120"]),
        "经度": st.sampled_from(["114.3", "114.31", "", "无", "114.3O"]),
        "纬度": st.sampled_from(["30.6", "30.61", "-"]),
        "suspect": st.sampled_from(["0", "1", ""]),
    }
)


_COLUMNS = ["名称", "户数", "经度", "纬度", "suspect"]


@settings(max_examples=25, deadline=None)
@given(st.lists(_CELL, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_rows_in_are_rows_used_or_listed_once_whatever_their_order(rows: list[dict[str, str]], random: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        pd.DataFrame(rows, columns=_COLUMNS).to_csv(path, index=False)
        filled = sum(any(row.values()) for row in rows)
        estates, listed = read_estates(path, CRS)
        gone = listed.loc[listed["action"] == "dropped", "row"]
        assert len(estates) + len(gone) == filled
        assert gone.is_unique
        random.shuffle(rows)
        pd.DataFrame(rows, columns=_COLUMNS).to_csv(path, index=False)
        again, _ = read_estates(path, CRS)
        pd.testing.assert_frame_equal(pd.DataFrame(estates), pd.DataFrame(again))


@pytest.mark.parametrize(
    ("file", "coords", "rows"), [("wuhan/estates.csv", None, 3562), ("dirty/estates_bd09_gbk.csv", "bd09", 2500)]
)
def test_real_registers_are_used_or_listed_to_the_last_row(file: str, coords: Any, rows: int) -> None:
    estates, listed = read_estates(real(file), CRS, coords)
    assert estates.attrs["origin"]["rows"] == rows
    assert len(estates) + (listed["action"] == "dropped").sum() == rows


def test_the_same_estates_of_two_registers_lie_on_each_other() -> None:
    one, _ = read_estates(real("wuhan/estates.csv"), CRS)
    other, _ = read_estates(real("dirty/estates_bd09_gbk.csv"), CRS, "bd09")
    both = one.drop_duplicates("name").merge(other.drop_duplicates("name"), on="name")
    apart = shapely.distance(both["geometry_x"].to_numpy(), both["geometry_y"].to_numpy())
    assert len(both) > 1000
    assert np.median(apart) < 1.0, "BD-09 and WGS 84 of one estate differ by more than a kilometre before"
