import gzip
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from spatial.errors import CrsError, InputError, PersonalDataError, SpatialError
from spatial.inputs import INPUT_TABLES
from spatial.io.district import Sources, read_district, read_inputs
from spatial.io.sources import coords_of, read_sources
from spatial.io.streets import read_streets
from spatial.tables import LISTED, require
from tests.real_data import real

ESTATE_ROWS = "小区名称,总户数,经度,纬度\n甲苑,500,114.302,30.602\n乙苑,300,114.318,30.602\n丙苑,200,115.9,30.6\n"
STREETS = """<osm version="0.6"><bounds minlat="30.600" minlon="114.300" maxlat="30.610" maxlon="114.320"/>
<node id="1" lat="30.605" lon="114.300"/><node id="2" lat="30.605" lon="114.320"/>
<way id="9"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way></osm>"""


def _district(folder: Path, extra: str = "") -> Path:
    two = [shapely.box(114.30, 30.60, 114.31, 30.61), shapely.box(114.31, 30.60, 114.32, 30.61)]
    frame = gpd.GeoDataFrame(
        {"社区编码": ["420102001001", "420102001002"], "社区名称": ["一", "二"]}, geometry=two, crs=4490
    )
    pyogrio.write_dataframe(frame, folder / "社区.gpkg")
    (folder / "小区.csv").write_text(ESTATE_ROWS, encoding="gb18030")
    (folder / "门.csv").write_text(
        "编号,所属小区,经度,纬度\n1,甲苑,114.302,30.603\n2,丁苑,114.302,30.604\n", encoding="utf-8"
    )
    (folder / "streets.osm").write_text(STREETS, encoding="utf-8")
    (folder / "district.toml").write_text(
        f'name = "甲区"\nprofile = "band_300_500"\ncommunities = "社区.gpkg"\nosm = "streets.osm"\n'
        f'estates = "小区.csv"\ngates = "门.csv"\n{extra}',
        encoding="utf-8",
    )
    return folder


def test_a_folder_is_read_into_frames_that_keep_their_contracts(tmp_path: Path) -> None:
    inputs, profile = read_district(_district(tmp_path))
    assert profile == "band_300_500"
    require(inputs.listed, LISTED)
    for name, table in INPUT_TABLES.items():
        require(getattr(inputs, name), table)
        assert getattr(inputs, name).crs == inputs.crs
    assert inputs.estates["name"].tolist() == ["乙苑", "甲苑"]
    assert inputs.gates["estate_id"].tolist() == ["e00003", ""], "an estate may be named by its name"
    told = inputs.listed.set_index("reason")
    assert told.loc["outside the area", ["action", "detail", "households"]].tolist() == ["dropped", "丙苑", 200]
    assert told.loc["names no estate that is known", "detail"] == "丁苑"
    assert inputs.provenance["estates"]["encoding"] == "gb18030"
    assert inputs.provenance["communities"]["crs"] == "EPSG:4490"
    assert inputs.provenance["estates"]["path"] == "小区.csv"
    assert len(inputs.provenance["osm"]["sha256"]) == 64
    assert str(tmp_path) not in str(inputs.provenance)


def test_the_outline_of_the_street_map_serves_where_no_area_is_given(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    inputs = read_inputs(Sources(osm=folder / "streets.osm", estates=folder / "小区.csv"))
    assert inputs.communities["proposed"].tolist() == [True]
    assert inputs.communities.area.iloc[0] == pytest.approx(1108 * 1917, rel=0.02)
    assert len(inputs.estates) == 2
    assert "no area given" in set(inputs.listed["reason"])


def test_an_area_chooses_among_communities_and_tells_what_is_left_over(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    area = gpd.GeoDataFrame({"name": ["西"]}, geometry=[shapely.box(114.299, 30.60, 114.312, 30.61)], crs=4326)
    pyogrio.write_dataframe(area, folder / "area.geojson")
    inputs = read_inputs(Sources(area=folder / "area.geojson", communities=folder / "社区.gpkg"))
    assert inputs.communities["name"].tolist() == ["一"]
    assert {"outside the area", "gap between area and communities", "no street map"} <= set(inputs.listed["reason"])


def test_coordinates_are_named_for_all_undeclared_files_or_for_one() -> None:
    assert coords_of(Sources(coords="BD-09")) == ("bd09", {})
    assert coords_of(Sources(coords="gcj02, area=wgs84,estates=bd09")) == (
        "gcj02",
        {"area": "wgs84", "estates": "bd09"},
    )
    with pytest.raises(CrsError, match="'mars'"):
        coords_of(Sources(coords="mars"))
    with pytest.raises(InputError, match="unknown input 'houses'"):
        coords_of(Sources(coords="houses=bd09"))


def test_shifted_coordinates_move_only_the_files_that_declare_nothing(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    plain = read_inputs(Sources(communities=folder / "社区.gpkg", estates=folder / "小区.csv"))
    shifted = read_inputs(Sources(communities=folder / "社区.gpkg", estates=folder / "小区.csv", coords="gcj02"))
    assert shifted.communities.geometry.iloc[0].equals(plain.communities.geometry.iloc[0])
    moved = shapely.distance(shifted.estates.geometry.iloc[0], plain.estates.geometry.iloc[0])
    assert 100 < moved < 800
    assert shifted.provenance["estates"]["coords"] == "gcj02"
    assert shifted.provenance["communities"]["coords"] == "wgs84"


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ('estats = "x.csv"', "unknown key 'estats'"),
        ('pois = "../小区.csv"', "leads out of the folder"),
        ('pois = "/etc/passwd"', "leads out of the folder"),
        ('pois = "link.csv"', "leads out of the folder"),
        ('pois = "none.csv"', "which is not there"),
        ("pois = 5", "pois is 5, needed a text"),
        ('current = ["社区.gpkg", "../社区.gpkg"]', "leads out of the folder"),
        ("pois = ", "not readable as TOML"),
        ('[coords]\nestates = "mars"', "'mars'"),
    ],
)
def test_a_wrong_district_file_is_refused_by_its_key(tmp_path: Path, extra: str, says: str) -> None:
    (tmp_path / "outside.csv").write_text("x")
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(SpatialError, match=says):
        read_district(_district(folder, extra))


def test_a_folder_without_a_district_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no folder .*nowhere; needed one with a district\.toml"):
        read_district(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"has no district\.toml"):
        read_sources(tmp_path)


def test_a_plan_taken_for_a_district_is_told_what_divides_it(tmp_path: Path) -> None:
    (tmp_path / "plan.gpkg").touch()
    with pytest.raises(
        InputError, match=r"that was made: `wangge divide --blocks .*plan\.gpkg:blocks --households households`"
    ):
        read_sources(tmp_path)


def test_every_flag_is_a_key_and_a_profile_may_lie_in_the_folder(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    (folder / "own.toml").write_text('extends = "about_500"')
    text = (folder / "district.toml").read_text(encoding="utf-8").replace('"band_300_500"', '"own.toml"')
    (folder / "district.toml").write_text(text + '[coords]\nestates = "bd09"\narea = "gcj02"\n', encoding="utf-8")
    sources, profile = read_sources(folder)
    assert Path(profile) == folder / "own.toml"
    assert sources.coords == "area=gcj02, estates=bd09"
    assert {field.name for field in fields(sources)} >= {"area", "osm", "place", "current", "pois", "crs"}


def test_nothing_to_divide_and_two_street_maps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing says where the district is"):
        read_inputs(Sources(estates=tmp_path / "a.csv"))
    with pytest.raises(InputError, match="both osm and place"):
        read_inputs(Sources(osm=tmp_path / "a.osm", place="Qindu"))


def test_estates_that_all_lie_elsewhere_are_refused_with_a_hint(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    (folder / "小区.csv").write_text("名称,户数,经度,纬度\n甲,5,108.9,34.2\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"none of 1 rows of 小区\.csv lies in the area; they lie 64\d\.\d km off: are --coords"
    ):
        read_district(folder)


def test_the_outline_of_a_place_serves_as_its_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _district(tmp_path)
    streets = read_streets(folder / "streets.osm")

    def answer(name: str, *, crs: Any = None) -> tuple[Any, Any]:
        assert name == "甲区"
        return streets, streets.outline

    monkeypatch.setattr("spatial.io.place.read_place", answer)
    inputs = read_inputs(Sources(place="甲区", estates=folder / "小区.csv"))
    assert inputs.communities["name"].tolist() == ["甲区"]
    assert len(inputs.provenance["osm"]["sha256"]) == 64


def test_personal_data_stops_the_whole_reading(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    (folder / "门.csv").write_text("编号,户主姓名,经度,纬度\n1,某某,114.302,30.603\n", encoding="utf-8")
    with pytest.raises(PersonalDataError, match=r"gates \(门\.csv\): column '户主姓名'"):
        read_district(folder)


def test_the_order_of_rows_changes_nothing_but_row_numbers(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    one, _ = read_district(folder)
    header, *rows = ESTATE_ROWS.strip().split("\n")
    (folder / "小区.csv").write_text("\n".join([header, *reversed(rows)]), encoding="gb18030")
    other, _ = read_district(folder)
    pd.testing.assert_frame_equal(pd.DataFrame(one.estates), pd.DataFrame(other.estates))
    pd.testing.assert_frame_equal(pd.DataFrame(one.gates), pd.DataFrame(other.gates))


def test_rows_are_listed_by_their_number_in_the_file_and_their_id(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    rows = "E3,甲苑,500,114.302,30.602\nE2,乙苑,暂无,114.318,30.602\nE1,丙苑,20,115.9,30.6\n"
    (folder / "小区.csv").write_text(f"小区编码,小区名称,总户数,经度,纬度\n{rows}", encoding="utf-8")
    inputs, _ = read_district(folder)
    row = inputs.listed.set_index("reason")["row"]
    assert row["no household count"] == "3 (E2)"
    assert row["outside the area"] == "4 (E1)"
    assert row["names no estate that is known"] == "3 (2)"
    assert list(inputs.estates.columns) == ["estate_id", "name", "households", "access", "estimated", "geometry"]


def test_estates_on_one_point_are_listed_where_they_lie_in_the_area(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    rows = [("甲", 114.302), ("乙", 114.302), ("丙", 115.9), ("丁", 115.9)]
    text = "".join(f"{name},500,{lon},30.602\n" for name, lon in rows)
    (folder / "小区.csv").write_text("名称,户数,经度,纬度\n" + text, encoding="utf-8")
    inputs, _ = read_district(folder)
    stacked = inputs.listed[inputs.listed["reason"] == "on the same point as another"]
    assert stacked["row"].tolist() == ["3 (e00003)", "2 (e00004)"]
    assert stacked["detail"].tolist() == ["乙、甲", "乙、甲"]


def test_candidates_and_centres_of_one_number_are_told_apart(tmp_path: Path) -> None:
    folder = _district(tmp_path, 'candidates = "拟建.csv"\nexisting = "现有.csv"\n')
    (folder / "拟建.csv").write_text("id,name,lon,lat\n1,甲,114.302,30.603\n2,乙,114.303,30.603\n", encoding="utf-8")
    (folder / "现有.csv").write_text(
        "id,name,lon,lat\n2,丙,114.304,30.603\nexisting-2,丁,114.305,30.603\n", encoding="utf-8"
    )
    inputs, _ = read_district(folder)
    assert inputs.candidates[["site_id", "name"]].to_numpy().tolist() == [["1", "甲"], ["candidate-2", "乙"]]
    assert inputs.existing[["site_id", "name"]].to_numpy().tolist() == [
        ["existing-2", "丁"],
        ["existing-existing-2", "丙"],
    ]
    told = inputs.listed[inputs.listed["reason"] == "id stands for a candidate and for an open centre"]
    assert told[["source", "row", "action", "detail"]].to_numpy().tolist() == [
        ["candidates", "3 (2)", "repaired", "candidate-2"], ["existing", "2 (2)", "repaired", "existing-existing-2"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("candidates", "名称,经度,纬度\n", "lots.csv holds no row"),
        ("candidates", "名称,经度,纬度\n甲,115.9,30.6\n乙,无,\n", "2 rows read from lots.csv"),
        ("estates", "名称,户数,经度,纬度\n甲,0,114.302,30.602\n", "1 row read from lots.csv"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_is_told_of(tmp_path: Path, key: str, text: str, says: str) -> None:
    folder = _district(tmp_path)
    (folder / "lots.csv").write_text(text, encoding="utf-8")
    given: dict[str, Any] = {key: folder / "lots.csv"}
    inputs = read_inputs(Sources(communities=folder / "社区.gpkg", **given))
    told = inputs.listed[inputs.listed["reason"] == "no row could be used"]
    assert told[["source", "row", "action", "detail"]].to_numpy().tolist() == [[key, "all", "kept", says]]


def test_many_rows_of_one_reason_are_one_line_unless_they_were_dropped(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    gates = "".join(f"{n},无{n},114.302,30.603\n" for n in range(1, 31)) + "".join(f"x{n},,0,0\n" for n in range(25))
    (folder / "门.csv").write_text("编号,所属小区,经度,纬度\n" + gates, encoding="utf-8")
    inputs, _ = read_district(folder)
    told = inputs.listed[inputs.listed["source"] == "gates"]
    assert (told["action"] == "dropped").sum() == 25
    assert told.loc[told["action"] == "kept", ["row", "reason", "detail"]].to_numpy().tolist() == [
        ["30 rows", "names no estate that is known", "2 (1): 无1; 11 (10): 无10; 12 (11): 无11; ..."],
    ]  # fmt: skip


def test_a_compressed_street_map_and_a_copied_folder_read_the_same(tmp_path: Path) -> None:
    folder = _district(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.glob("*.*"):
        shutil.copy(path, copy / path.name)
    (copy / "streets.osm.gz").write_bytes(gzip.compress((copy / "streets.osm").read_bytes(), mtime=0))
    text = (copy / "district.toml").read_text(encoding="utf-8").replace('"streets.osm"', '"streets.osm.gz"')
    (copy / "district.toml").write_text(text, encoding="utf-8")
    one, other = read_district(folder)[0], read_district(copy)[0]
    assert one.streets.ways.geometry.equals(other.streets.ways.geometry)
    assert one.provenance["estates"] == other.provenance["estates"]


def test_jiangan_in_wuhan_holds_758_estates_and_tells_of_all_others() -> None:
    sources = Sources(area=f"{real('wuhan/districts.gpkg')}|name=江岸区", estates=real("wuhan/estates.csv"))
    inputs = read_inputs(sources)
    gone = (inputs.listed["source"] == "estates") & (inputs.listed["action"] == "dropped")
    assert len(inputs.estates) == 758
    assert len(inputs.estates) + int(gone.sum()) == 3562
    assert inputs.estates["households"].sum() == 439870
    assert inputs.communities["name"].tolist() == ["江岸区"]


@pytest.mark.parametrize(
    ("file", "buildings", "estates"),
    [("beijing-wudaokou/map.osm.gz", 500, 4), ("helsinki/helsinki.osm.pbf", 400, 1), ("moscow/moscow.osm.gz", 550, 2)],
)
def test_a_street_map_alone_brings_buildings_and_estates(file: str, buildings: int, estates: int) -> None:
    inputs = read_inputs(Sources(osm=real(file)))
    assert len(inputs.buildings) >= buildings
    assert len(inputs.estates) >= estates
    homes = inputs.buildings["use"] == "residential"
    assert homes.sum() > 40
    assert inputs.buildings["households"].sum() == 0, "to be estimated by the land room"
