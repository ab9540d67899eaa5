from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from spatial.errors import CrsError, InputError, PersonalDataError
from spatial.io.blocks import read_blocks
from spatial.io.profiles import read_profile
from spatial.io.systems import Undeclared
from spatial.tables import BLOCKS, require
from tests.io.given import HOUSEHOLDS, ORIGIN, read, town, write
from tests.real_data import real

PROFILE = read_profile("about_500")


def test_blocks_come_as_they_are_with_ids_households_and_land(tmp_path: Path) -> None:
    given = read(town(), tmp_path)
    blocks = require(given.blocks, BLOCKS)
    assert blocks["block_id"].tolist() == list("abcdef")
    assert blocks["households"].tolist() == HOUSEHOLDS
    assert blocks["area_m2"].tolist() == [10_000.0] * 6
    assert blocks["community_id"].tolist() == ["c01"] * 6
    assert not blocks["oversize"].any()
    assert blocks.crs == CRS.from_epsg(4547)
    assert given.id_column == "block_id"
    assert given.listed["reason"].tolist() == ["no communities"]


@pytest.mark.parametrize("name", ["b.gpkg", "b.geojson", "b.shp", "b.parquet", "b.fgb"])
def test_every_kind_of_file_gives_the_same_blocks(tmp_path: Path, name: str) -> None:
    frame = town().rename(columns={"households": "hh"})
    lonlat = name == "b.geojson"
    path = write(frame.to_crs(4326) if lonlat else frame, tmp_path / name)
    given = read_blocks(path, PROFILE, households="hh")
    assert given.blocks["households"].tolist() == HOUSEHOLDS
    assert given.blocks["block_id"].tolist() == list("abcdef")
    assert given.blocks["area_m2"].to_numpy() == pytest.approx(10_000.0, rel=1e-3)


def test_a_layer_is_named_after_a_colon(tmp_path: Path) -> None:
    path = write(town(), tmp_path / "city.gpkg", layer="outlines")
    write(town(households=1), path, layer="other")
    given = read_blocks(f"{path}:outlines", PROFILE, households="households")
    assert given.blocks["households"].tolist() == HOUSEHOLDS
    with pytest.raises(InputError, match=r"2 layers with geometry.*'outlines', 'other'"):
        read_blocks(path, PROFILE, households="households")


def test_row_order_does_not_matter(tmp_path: Path) -> None:
    one = read(town(), tmp_path).blocks
    (tmp_path / "again").mkdir()
    other = read(town().iloc[[3, 1, 5, 0, 2, 4]], tmp_path / "again").blocks
    assert one.equals(other)


def test_rows_are_named_by_another_column_or_by_their_number(tmp_path: Path) -> None:
    frame = town(code=[f"B{n}" for n in range(6)])
    assert read(frame, tmp_path, block_id="code").blocks["block_id"].tolist() == [f"B{n}" for n in range(6)]
    given = read(frame.drop(columns="block_id"), tmp_path)
    assert given.blocks["block_id"].tolist() == list("123456")
    assert given.id_column == ""


def test_whole_numbers_as_ids_are_texts_without_a_fraction(tmp_path: Path) -> None:
    given = read(town(block_id=[10.0, 9.0, 8.0, 7.0, 6.0, 5.0]), tmp_path)
    assert given.blocks["block_id"].tolist() == ["10", "5", "6", "7", "8", "9"]


def test_what_is_known_of_a_block_comes_along(tmp_path: Path) -> None:
    frame = town(
        社区=["东", "东", "西", "西", "西", ""],
        estate_id=["e1", "e1", "e2", "", "", ""],
        物业公司=["万家", "", "", "", "", ""],
        access=["封闭", "open", "", "", "", ""],
        oversize=[True, False, False, False, False, False],
    )
    blocks = read(frame, tmp_path).blocks
    assert blocks["community_id"].tolist() == ["东", "东", "西", "西", "西", "none"]
    assert blocks["estate_id"].tolist() == ["e1", "e1", "e2", "", "", ""]
    assert blocks["company"].tolist() == ["万家", "", "", "", "", ""]
    assert blocks["access"].tolist() == ["gated", "open", PROFILE.land.unknown_access, "", "", ""]
    assert blocks["kind"].tolist()[:2] == ["estate", "face"]
    assert blocks["oversize"].tolist() == [True, *[False] * 5]


def test_a_block_above_the_ceiling_is_oversize_and_says_how_many_grids_it_needs(tmp_path: Path) -> None:
    ceiling = PROFILE.grid.ceiling_households
    blocks = read(town(households=[ceiling, ceiling + 1, 3 * ceiling, 0, 0, 0]), tmp_path).blocks
    assert blocks["oversize"].tolist() == [False, True, True, False, False, False]
    assert blocks["sub_grids_needed"].tolist() == [0, 2, 3, 0, 0, 0]


def test_the_column_that_a_profile_counts_is_read_as_numbers(tmp_path: Path) -> None:
    profile = replace(PROFILE, division=replace(PROFILE.division, size_column="workload"))
    path = write(town(workload=[1, 2, 3, 4, 5, 6]), tmp_path / "b.gpkg")
    assert read_blocks(path, profile, households="households").blocks["workload"].tolist() == [1, 2, 3, 4, 5, 6]
    path = write(town(), tmp_path / "c.gpkg")
    with pytest.raises(InputError, match=r"blocks \(c.gpkg\): found columns .* needed 'workload'"):
        read_blocks(path, profile, households="households")


@pytest.mark.parametrize(
    ("households", "found"),
    [
        ([1, 2, np.nan, 4, 5, 6], "found nothing in column 'households', row 3; needed a whole number"),
        ([1, -2, 3, 4, -5, 6], "found '-2' in column 'households', row 2 (and 1 more); needed a whole number"),
        ([1, 2, 3, 4, 5.5, 6], "found '5.5' in column 'households', row 5; needed a whole number"),
        ([1, 2, 3, np.inf, 5, 6], "found 'inf' in column 'households', row 4; needed a whole number"),
        (["1", "2", "3 到 5", "4", "5", "6"], "found '3 到 5' in column 'households', row 3; needed a whole number"),
    ],
)
def test_households_that_are_no_count_are_refused_by_row(tmp_path: Path, households: list[Any], found: str) -> None:
    with pytest.raises(InputError) as refused:
        read(town(households=households), tmp_path)
    assert str(refused.value).startswith(f"blocks (blocks.gpkg): {found}")


def test_a_column_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found columns \['block_id', 'households'\], needed 'hh' \(--households\)"):
        read(town(), tmp_path, households="hh")
    with pytest.raises(InputError, match="needed 'code'"):
        read(town(), tmp_path, block_id="code")


def test_an_id_in_two_rows_or_in_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column 'block_id' holds 'b' in row 2 and again in row 4"):
        read(town(block_id=list("abcbef")), tmp_path)
    with pytest.raises(InputError, match=r"found nothing in column 'block_id', row 3; needed a text"):
        read(town(block_id=["a", "b", None, "d", "e", "f"]), tmp_path)


def test_points_and_rows_without_land_are_refused(tmp_path: Path) -> None:
    frame = town()
    with pytest.raises(InputError, match=r"row 1: not an area \(Point\), and 5 rows more; needed the outline"):
        read(frame.set_geometry(frame.centroid), tmp_path)
    shapes = frame.geometry.to_numpy().copy()
    shapes[4] = None
    with pytest.raises(InputError, match=r"row 5: no coordinates; needed the outline"):
        read(frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs)), tmp_path)


def test_a_table_of_places_is_refused_as_points(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("block_id,households,lon,lat\na,5,114.3,30.6\n", encoding="utf-8")
    with pytest.raises(InputError, match="not an area"):
        read_blocks(tmp_path / "b.csv", PROFILE, households="households")


def test_an_outline_that_crosses_itself_is_repaired_and_told(tmp_path: Path) -> None:
    frame = town()
    x, y = ORIGIN
    shapes = frame.geometry.to_numpy().copy()
    shapes[0] = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 80)])
    given = read(frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs)), tmp_path)
    assert given.blocks.geometry.is_valid.all()
    rows = given.listed.set_index("reason")
    assert rows.loc["invalid outline", "row"] == "1 (a)"
    assert rows.loc["invalid outline", "action"] == "repaired"


def test_a_block_of_several_parts_keeps_all_its_land_and_is_drawn_by_the_largest(tmp_path: Path) -> None:
    frame = town()
    x, y = ORIGIN
    shapes = frame.geometry.to_numpy().copy()
    shapes[5] = shapely.MultiPolygon([shapes[5], shapely.box(x + 900, y, x + 910, y + 10)])
    given = read(frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs)), tmp_path)
    assert given.blocks.loc[5, "area_m2"] == 10_100.0
    assert given.blocks.geometry.iloc[5].area == 10_000.0
    assert "block of several parts" in given.listed["reason"].tolist()


def test_names_of_persons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PersonalDataError, match="户主姓名"):
        read(town(户主姓名=list("甲乙丙丁戊己")), tmp_path)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no rows"):
        read(town().iloc[:0], tmp_path)


def test_degrees_and_web_maps_are_brought_to_metres_of_a_zone(tmp_path: Path) -> None:
    for name, epsg in (("lonlat", 4326), ("web", 3857)):
        path = write(town().to_crs(epsg), tmp_path / f"{name}.gpkg")
        given = read_blocks(path, PROFILE, households="households")
        assert given.blocks.crs == CRS.from_epsg(4547)
        assert given.blocks["area_m2"].to_numpy() == pytest.approx(10_000.0, rel=1e-6)


def test_metres_without_a_system_need_one_to_be_named(tmp_path: Path) -> None:
    path = write(town(), tmp_path / "b.shp")
    path.with_suffix(".prj").unlink()
    with pytest.raises(CrsError, match="declares no coordinate system"):
        read_blocks(path, PROFILE, households="households")
    given = read_blocks(path, PROFILE, households="households", undeclared=Undeclared(CRS.from_epsg(4547)))
    assert given.blocks["area_m2"].tolist() == [10_000.0] * 6


@pytest.mark.real
def test_benchmark_blocks_keep_their_own_metres() -> None:
    for name, count in (("wuh_0060", 60), ("hel_roads", 82)):
        path = real(f"partition/bench/{name}.gpkg")
        given = read_blocks(f"{path}:blocks", PROFILE, households="households")
        own = gpd.read_file(path, layer="blocks")
        assert len(given.blocks) == count
        assert given.blocks.crs == own.crs
        assert given.blocks["area_m2"].sum() == pytest.approx(own["area_m2"].sum(), rel=1e-12)
        assert given.blocks["households"].sum() == own["households"].sum()
