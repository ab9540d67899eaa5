from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely

from spatial.crs import metric_crs
from spatial.io.layers import read_candidates, read_current, read_existing, read_gates, read_pois

CRS = metric_crs(114.3, 30.6)


def _csv(folder: Path, text: str) -> Path:
    (folder / "a.csv").write_text(text, encoding="gb18030")
    return folder / "a.csv"


def _box(west: float, size: float = 20) -> Any:
    return shapely.box(5e5 + west, 3.38e6, 5e5 + west + size, 3.38e6 + size)


def test_gates_speak_of_access_in_our_words(tmp_path: Path) -> None:
    rows = "编号,所属小区,通行,开放时间,经度,纬度\n2,甲苑,刷卡,24/7,114.3,30.6\n1,甲苑,常闭,,114.3,30.61\n3,,其他,,,\n"
    gates, listed = read_gates(_csv(tmp_path, rows), CRS)
    assert gates.drop(columns="geometry").to_numpy().tolist() == [
        ["1", "甲苑", "closed", ""],
        ["2", "甲苑", "private", "24/7"],
    ]
    assert listed["reason"].tolist() == ["no coordinates"]


def test_candidates_have_a_mode_a_cost_and_a_floor_area(tmp_path: Path) -> None:
    rows = (
        "名称,类型,取得方式,费用,建筑面积,经度,纬度\n"
        "旧楼,办公,腾退,12.5,850㎡,114.3,30.6\n空地,,新建,未知,很大,114.3,30.61\n"
    )
    candidates, listed = read_candidates(_csv(tmp_path, rows), CRS)
    columns = ["site_id", "name", "kind", "mode", "proposed"]
    assert candidates[columns].to_numpy().tolist() == [
        ["n00001", "旧楼", "办公", "vacate", False],
        ["n00002", "空地", "", "new", False],
    ]
    assert candidates[["cost", "floor_area_m2"]].fillna(-1).to_numpy().tolist() == [[12.5, 850], [-1, -1]]
    assert listed["reason"].tolist() == ["floor_area_m2 not understood"]


def test_an_outline_of_a_centre_becomes_a_point_inside(tmp_path: Path) -> None:
    ell = _box(0, 100).difference(shapely.box(5e5 + 20, 3.38e6 + 20, 5e5 + 100, 3.38e6 + 100))
    frame = gpd.GeoDataFrame({"name": ["甲中心"], "kind": ["center"]}, geometry=[ell], crs=CRS)
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    existing, listed = read_existing(tmp_path / "a.gpkg", CRS)
    assert existing.within(ell).all()
    assert existing["floor_area_m2"].isna().all()
    assert listed["action"].tolist() == ["guessed"]


def test_places_keep_their_names_and_kinds(tmp_path: Path) -> None:
    pois, _ = read_pois(_csv(tmp_path, "名称,类别,经度,纬度\n市场,marketplace,114.3,30.6\n"), CRS)
    assert pois[["poi_id", "name", "kind"]].to_numpy().tolist() == [["p00001", "市场", "marketplace"]]


def test_grids_of_departments_come_by_layer_by_column_or_by_file(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"网格编码": ["2", "1"], "网格名称": ["乙", "甲"]}, geometry=[_box(0), _box(20)], crs=CRS)
    pyogrio.write_dataframe(frame, tmp_path / "两层.gpkg", layer="城管")
    pyogrio.write_dataframe(frame.iloc[:1], tmp_path / "两层.gpkg", layer="综治")
    pyogrio.write_dataframe(frame.assign(部门=["民政", ""]), tmp_path / "消防.geojson")
    pyogrio.write_dataframe(frame[["geometry"]].iloc[:1], tmp_path / "无名.gpkg")
    paths = [tmp_path / name for name in ("两层.gpkg", "消防.geojson", "无名.gpkg")]
    current, listed = read_current(paths, CRS)
    assert current[["layer", "code", "name"]].to_numpy().tolist() == [
        ["城管", "1", "甲"], ["城管", "2", "乙"], ["无名", "w00001", ""], ["民政", "2", "乙"],
        ["消防", "1", "甲"], ["综治", "2", "乙"],
    ]  # fmt: skip
    assert listed["reason"].tolist() == ["grid without a code"]
    assert len(current.attrs["origins"]) == 4
