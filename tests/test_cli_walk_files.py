"""`wangge walk` takes points as offices and programs write them; the answer is the same however they were written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from tests.walking.walk_command import report_of, walk
from tests.walking.walk_files import CRS, lonlat, write_town

PLACES = {"007": (0, 0), "7": (1000, 0)}
HOMES = {"0010": (100, 0), "010": (600, 0)}
WALKS = [("007", "0010", 100), ("007", "010", 600), ("7", "0010", 900), ("7", "010", 400)]


def table() -> pd.DataFrame:
    return pd.DataFrame(
        [(name, *lonlat(*place), "卫生站") for name, place in PLACES.items()], columns=["id", "lon", "lat", "kind"]
    )


def layer() -> Any:
    frame = table()
    points = gpd.points_from_xy(frame["lon"], frame["lat"])
    return gpd.GeoDataFrame(frame[["id", "kind"]], geometry=points, crs=4326)


def _csv(encoding: str, delimiter: str = ",", **names: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        frame = table()[["lat", "kind", "lon", "id"]].rename(columns=names)
        text = frame.to_csv(index=False, sep=delimiter, lineterminator="\r\n")
        (folder / "places.csv").write_bytes(text.encode(encoding))
        return folder / "places.csv"

    return write


def _excel(folder: Path) -> Path:
    table().to_excel(folder / "places.xlsx", index=False)
    return folder / "places.xlsx"


def _vector(name: str, crs: Any = None, encoding: str | None = None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        frame = layer() if crs is None else layer().to_crs(crs)
        frame.to_file(folder / name, **({"encoding": encoding} if encoding else {}))
        return folder / name

    return write


def _parquet(folder: Path) -> Path:
    layer().to_parquet(folder / "places.parquet")
    return folder / "places.parquet"


WRITTEN: dict[str, Callable[[Path], Path]] = {
    "CSV with a mark, as Excel writes it": _csv("utf-8-sig"),
    "CSV in GBK with Chinese headers": _csv("gbk", id="设施编码", lon="经度", lat="纬度", kind="设施类型"),
    "text in UTF-16 with tabs": _csv("utf-16", "\t"),
    "semicolons": _csv("utf-8", ";"),
    "a workbook": _excel,
    "GeoPackage": _vector("places.gpkg"),
    "GeoPackage in metres": _vector("places.gpkg", CRS),
    "GeoJSON": _vector("places.geojson"),
    "Shapefile": _vector("places.shp", None, "utf-8"),
    "Shapefile in GBK": _vector("places.shp", CRS, "gb18030"),
    "FlatGeobuf": _vector("places.fgb"),
    "GeoParquet": _parquet,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_sources_are_read_alike_however_they_are_written(how: str, tmp_path: Path) -> None:
    homes = pd.DataFrame([(2, name, *lonlat(*place)) for name, place in HOMES.items()])
    homes.columns = ["households", "id", "lon", "lat"]
    homes.to_csv(tmp_path / "homes.csv", index=False, encoding="utf-8-sig")
    files = {**write_town(tmp_path), "demand": tmp_path / "homes.csv", "sources": WRITTEN[how](tmp_path)}
    code, said, told = walk(files, tmp_path / "out", "--themes", "卫生站")
    assert code == 0, told
    assert "卫生站: 15 min: 4 of 4 households" in said
    times = pd.read_parquet(tmp_path / "out" / "travel_times.parquet")
    assert [(a, b) for a, b, *_ in times.itertuples(index=False)] == [(a, b) for a, b, _ in WALKS]
    assert times["metres"].tolist() == pytest.approx([metres for *_, metres in WALKS], abs=0.02)
    assert times["seconds"].tolist() == pytest.approx([metres / 1.1 for *_, metres in WALKS], abs=0.02)


@pytest.mark.parametrize("kind", ["polygon", "several points"])
def test_a_point_stands_for_demand_that_is_none_and_that_is_listed(kind: str, tmp_path: Path) -> None:
    home = shapely.Point(lonlat(100, 0))
    shape = home.buffer(1e-4) if kind == "polygon" else shapely.MultiPoint([home, shapely.Point(lonlat(600, 0))])
    frame = gpd.GeoDataFrame({"id": ["h"], "households": [5]}, geometry=[shape], crs=4326)
    frame.to_file(tmp_path / "homes.gpkg")
    code, said, told = walk({**write_town(tmp_path), "demand": tmp_path / "homes.gpkg"}, tmp_path / "out")
    assert code == 0, told
    assert "demand: not a point (row 1" in said
    assert pd.read_parquet(tmp_path / "out" / "travel_times.parquet")["demand_id"].tolist() == ["h", "h"]


def test_what_the_street_map_lacks_is_said_and_not_only_kept_in_the_report(tmp_path: Path) -> None:
    files = write_town(tmp_path)
    whole = files["osm"].read_text(encoding="utf-8")
    assert "street map" not in walk(files, tmp_path / "out")[1]
    files["osm"].write_text(whole.replace('<nd ref="2"/>', '<nd ref="999"/>', 1), encoding="utf-8")
    code, said, told = walk(files, tmp_path / "out")
    assert code == 0, told
    assert "street map: 1 way node without a place on the map; 1 way broken where its nodes are missing" in said
    assert report_of(tmp_path / "out")["network"]["not on the map: way broken where its nodes are missing"] == 1
