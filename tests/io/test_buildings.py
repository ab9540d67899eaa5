from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
import shapely

from spatial.crs import metric_crs
from spatial.io.buildings import read_buildings
from spatial.io.listing import join_listed
from spatial.io.mapped import buildings_from_streets, estates_from_streets
from spatial.io.streets import empty_streets
from spatial.io.uses import read_use, tagged_use
from spatial.tables import AREA_TAGS, Streets

CRS = metric_crs(114.3, 30.6)


def _box(west: float, south: float, size: float = 20) -> Any:
    return shapely.box(5e5 + west, 3.38e6 + south, 5e5 + west + size, 3.38e6 + south + size)


def _write(folder: Path, frame: Any) -> Path:
    pyogrio.write_dataframe(frame, folder / "a.gpkg")
    return folder / "a.gpkg"


def _streets(*areas: tuple[Any, dict[str, str]]) -> Streets:
    rows = [{"area_id": f"a{n}", **dict.fromkeys(AREA_TAGS, ""), **tags} for n, (_, tags) in enumerate(areas)]
    frame = gpd.GeoDataFrame(rows, geometry=[shape for shape, _ in areas], crs=CRS)
    empty = empty_streets(CRS)
    return Streets(empty.ways, empty.points, frame, None, CRS, "a.osm", {})


def test_a_table_of_buildings_worked_by_hand(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "楼栋编号": ["b3", "b1", "b2", "b4"],
            "小区名称": ["甲苑", "甲苑", "", "乙苑"],
            "用途": ["住宅", "商业", "", "住宅楼"],
            "层数": ["6层", "2", None, "6;7"],
            "户数": ["36户", "", "约10", "99999"],
        },
        geometry=[
            _box(0, 0),
            _box(50, 0),
            shapely.MultiPolygon([_box(100, 0), _box(150, 0, 10)]),
            shapely.Point(5e5, 3.38e6),
        ],
        crs=CRS,
    )
    buildings, listed = read_buildings(_write(tmp_path, frame), CRS)
    assert buildings.drop(columns="geometry").to_numpy().tolist() == [
        ["b1", "甲苑", "commercial", 2.0, 0, False],
        ["b2", "", "unknown", 0.0, 8, True],
        ["b2-2", "", "unknown", 0.0, 2, True],
        ["b3", "甲苑", "residential", 6.0, 36, False],
        ["b4", "乙苑", "residential", 6.5, 0, False],
    ]
    assert sorted(listed["reason"]) == ["more than 5,000 households in one building", "no footprint", "several parts"]
    assert buildings.geometry.iloc[4].area == pytest.approx(144)


def test_bare_footprints_are_taken_as_homes_and_told(tmp_path: Path) -> None:
    buildings, listed = read_buildings(
        _write(tmp_path, gpd.GeoDataFrame({"x1": [1]}, geometry=[_box(0, 0)], crs=CRS)), CRS
    )
    assert buildings["use"].tolist() == ["residential"]
    assert listed["reason"].tolist() == ["use unknown"]


def test_the_use_of_a_mapped_building_comes_from_its_tags_then_from_the_ground() -> None:
    streets = _streets(
        (_box(0, 0, 500), {"landuse": "residential", "name": "甲苑"}),
        (_box(200, 200, 200), {"amenity": "school"}),
        (_box(10, 10), {"building": "yes"}),
        (_box(40, 10), {"building": "yes", "shop": "supermarket"}),
        (_box(210, 210), {"building": "yes"}),
        (_box(70, 10), {"building": "apartments", "building:levels": "6;7", "building:flats": "24"}),
        (_box(600, 0), {"building": "yes", "building:levels": "high"}),
        (_box(100, 10, 4), {"building": "yes"}),
        (_box(130, 10), {"building": "roof"}),
        (_box(160, 10), {"building": "no"}),
    )
    buildings, listed = buildings_from_streets(streets)
    assert dict(zip(buildings["building_id"], buildings["use"], strict=True)) == {
        "a2": "residential", "a3": "commercial", "a4": "education", "a5": "residential", "a6": "unknown",
        "a7": "unknown",
        "a8": "ancillary",
    }  # fmt: skip
    row = buildings.set_index("building_id").loc["a5"]
    assert (row["levels"], row["households"]) == (6.5, 24)
    assert sorted(listed["reason"]) == ["building:levels not understood", "use not tagged"]


def test_mapped_buildings_of_unknown_use_are_homes_where_none_is_said_to_be() -> None:
    buildings, listed = buildings_from_streets(
        _streets((_box(0, 0), {"building": "yes"}), (_box(50, 0), {"building": "school"}))
    )
    assert sorted(buildings["use"]) == ["education", "residential"]
    assert listed["reason"].tolist() == ["use unknown"]


def test_named_residential_areas_are_estates_and_quarters_about_them_are_not() -> None:
    streets = _streets(
        (_box(0, 0, 1000), {"landuse": "residential", "name": "某片区"}),
        (_box(10, 10, 100), {"landuse": "residential", "name": "甲苑", "access": "private"}),
        (_box(200, 10, 100), {"landuse": "residential", "name": "乙苑"}),
        (_box(400, 10, 100), {"landuse": "residential"}),
    )
    estates, listed = estates_from_streets(streets)
    assert estates[["name", "access", "households", "estimated"]].to_numpy().tolist() == [
        ["甲苑", "gated", 0, True],
        ["乙苑", "unknown", 0, True],
    ]
    assert listed.set_index("reason")["detail"]["residential area that holds others"] == "某片区"


def test_an_empty_map_gives_empty_frames() -> None:
    buildings, listed = buildings_from_streets(empty_streets(CRS))
    estates, more = estates_from_streets(empty_streets(CRS))
    assert len(buildings) == len(estates) == len(join_listed([listed, more])) == 0


def test_uses_are_read_in_both_languages() -> None:
    words = ["住宅", "Apartments", "多层住宅", "非住宅", "写字楼", "yes", "", "某用途"]
    assert [read_use(word) for word in words] == [
        "residential", "residential", "residential", "非住宅", "office", "unknown", "unknown", "某用途",
    ]  # fmt: skip
    assert tagged_use({"building": "yes", "building:use": "residential"}) == "residential"
    assert tagged_use({"building": "yes", "amenity": "place_of_worship"}) == "public"
