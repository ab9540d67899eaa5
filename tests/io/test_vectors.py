import contextlib
import struct
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from spatial.crs import LONLAT, metric_crs, transform_xy
from spatial.errors import CrsError, InputError, SpatialError
from spatial.io.features import read_features
from spatial.io.vectors import list_layers, read_vector

SQUARE = shapely.box(114.30, 30.60, 114.31, 30.61)


def _frame(crs: Any = 4326, geometry: Any = SQUARE) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"小区名称": ["丽华苑"], "总户数": ["2355户"]}, geometry=[geometry], crs=crs)


def _undeclared(path: Path, geometry: Any = SQUARE) -> Path:
    pyogrio.write_dataframe(_frame(4326, geometry)[["geometry"]].assign(name="a"), path)
    path.with_suffix(".prj").unlink()
    return path


def _shapefile(folder: Path, encoding: str, name: str = "小区.shp") -> Path:
    pyogrio.write_dataframe(_frame(), folder / name, encoding=encoding)
    (folder / name).with_suffix(".cpg").unlink()
    return folder / name


def test_a_shapefile_without_cpg_is_read_by_its_bytes(tmp_path: Path) -> None:
    frame = read_vector(_shapefile(tmp_path, "GB18030"))
    assert frame.columns.tolist() == ["小区名称", "总户数", "geometry"]
    assert frame.iloc[0]["小区名称"] == "丽华苑"
    assert frame.attrs["encoding"] == "gb18030"


def test_a_name_cut_in_the_middle_of_a_character_is_mended(tmp_path: Path) -> None:
    path = _undeclared(tmp_path / "a.shp")
    path.with_suffix(".cpg").unlink()
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[32:43] = "小区名称".encode()[:10] + b"\0"
    path.with_suffix(".dbf").write_bytes(raw)
    frame = read_vector(path)
    assert frame.columns.tolist() == ["小区名", "geometry"]
    assert frame.attrs["encoding"] == "utf-8"


def test_a_text_cut_in_the_middle_of_a_character_does_not_spoil_the_encoding(tmp_path: Path) -> None:
    path = _shapefile(tmp_path, "GB18030")
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    header, width = struct.unpack_from("<H", raw, 8)[0], raw[32 + 16]
    raw[header + 1 : header + 1 + width] = ("a" + "丽" * width).encode("gb18030")[:width]
    path.with_suffix(".dbf").write_bytes(raw)
    assert read_vector(path).iloc[0]["小区名称"].startswith("a丽丽丽")


def test_the_cpg_and_the_language_byte_are_believed(tmp_path: Path) -> None:
    path = _shapefile(tmp_path, "GB18030")
    path.with_suffix(".cpg").write_text("936")
    assert read_vector(path).iloc[0]["小区名称"] == "丽华苑"
    path.with_suffix(".cpg").unlink()
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[29] = 0x4D
    path.with_suffix(".dbf").write_bytes(raw)
    assert read_vector(path).attrs["encoding"] == "gb18030"


def test_a_shapefile_in_no_known_encoding_is_refused(tmp_path: Path) -> None:
    path = _shapefile(tmp_path, "GB18030")
    raw = path.with_suffix(".dbf").read_bytes().replace("丽华苑".encode("gb18030"), b"\xff\xff\xff\xff\xff\xff")
    path.with_suffix(".dbf").write_bytes(raw)
    with pytest.raises(InputError, match="neither UTF-8 nor GB18030"):
        read_vector(path)


def test_a_zipped_shapefile_with_chinese_names_is_read(tmp_path: Path) -> None:
    path = _shapefile(tmp_path, "GB18030")
    with zipfile.ZipFile(tmp_path / "交来.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in path.parent.glob("小区.*"):
            archive.write(part, f"资料/{part.name}")
    assert read_vector(tmp_path / "交来.zip").iloc[0]["小区名称"] == "丽华苑"


@pytest.mark.parametrize(
    ("member", "says"), [("../evil.shp", "leads out"), ("/evil.shp", "leads out"), ("readme.txt", "no map layer")]
)
def test_a_zip_that_leads_out_or_holds_no_layer_is_refused(tmp_path: Path, member: str, says: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, b"x")
    with pytest.raises(InputError, match=says):
        read_vector(tmp_path / "a.zip")


def test_a_zip_that_unpacks_beyond_measure_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", b"\0" * (64 * 2**20))
    with pytest.raises(InputError, match="zip bomb"):
        read_vector(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".geojson", ".parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    _frame().to_parquet(path) if suffix == ".parquet" else pyogrio.write_dataframe(_frame(), path)
    frame = read_vector(path)
    assert frame.crs == LONLAT
    assert frame["总户数"].tolist() == ["2355户"]
    assert frame.index.tolist() == [1]
    assert frame.geometry.iloc[0].equals(SQUARE)


def test_a_file_that_only_bears_the_suffix_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text("<OGRVRTDataSource><OGRVRTLayer name='a'/></OGRVRTDataSource>")
    with pytest.raises(InputError, match="does not begin like"):
        read_vector(path)


def test_layers_are_named_when_there_are_several(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(_frame(), path, layer="城管")
    pyogrio.write_dataframe(_frame(), path, layer="综治", append=False)
    assert list_layers(path) == ["城管", "综治"]
    assert len(read_vector(path, layer="综治")) == 1
    with pytest.raises(InputError, match="2 layers"):
        read_vector(path)
    with pytest.raises(InputError, match="no layer"):
        read_vector(path, layer="民政")


@pytest.mark.parametrize(
    ("x", "y", "hint"),
    [
        (38_512_345.0, 3_386_000.0, "3-degree zone 38; if so, say --crs EPSG:4526"),
        (20_212_345.0, 3_386_000.0, "6-degree zone 20; if so, say --crs EPSG:4498"),
        (512_345.0, 3_386_000.0, "by its central meridian: --crs EPSG:4534 is CGCS2000 3-degree at 75 E"),
        (12_100_405.3, 4_073_204.3, "EPSG:3857"),
        (3_386_000.0, 512_345.0, "axes are swapped"),
    ],
)
def test_an_undeclared_projected_system_is_refused_with_a_hint(tmp_path: Path, x: float, y: float, hint: str) -> None:
    _undeclared(tmp_path / "a.shp", shapely.box(x, y, x + 100, y + 100))
    with pytest.raises(CrsError, match=hint):
        read_vector(tmp_path / "a.shp")


@pytest.mark.parametrize(
    ("lon", "lat", "says"),
    [(108.7, 34.3, "108 E; if so, say --crs EPSG:4545"), (120.2, 30.3, "120 E; if so, say --crs EPSG:4549")],
)
def test_an_easting_without_a_zone_is_told_by_where_the_work_is(
    tmp_path: Path, lon: float, lat: float, says: str
) -> None:
    x, y = transform_xy(np.array([[lon, lat]]), LONLAT, metric_crs(lon, lat))[0]
    _undeclared(tmp_path / "a.shp", shapely.box(x, y, x + 100, y + 100))
    with pytest.raises(CrsError, match=says):
        read_features(tmp_path / "a.shp", metric_crs(lon, lat), source="buildings")
    (tmp_path / "a.csv").write_text(f"小区名称,总户数,x,y\n甲苑,300,{x},{y}\n", encoding="utf-8")
    with pytest.raises(CrsError, match=says):
        read_features(tmp_path / "a.csv", metric_crs(lon, lat), source="estates")
    with pytest.raises(CrsError, match=r"say which by its central meridian: .* 108 E 4545"):
        read_features(tmp_path / "a.csv", None, source="estates")


def test_the_user_names_the_system_of_an_undeclared_file(tmp_path: Path) -> None:
    crs = metric_crs(114.3, 30.6)
    _undeclared(tmp_path / "a.shp", shapely.box(512_345, 3_386_000, 512_445, 3_386_100))
    frame = read_vector(tmp_path / "a.shp", crs=crs)
    assert frame.crs == crs
    assert frame.attrs["crs_from"] == "user"


def test_undeclared_degrees_are_taken_as_wgs84_and_told(tmp_path: Path) -> None:
    _undeclared(tmp_path / "a.shp")
    frame = read_vector(tmp_path / "a.shp")
    assert frame.crs == LONLAT
    assert frame.attrs["crs_from"] == "guess"


@pytest.mark.parametrize("code", [4214, 4610, 2436])
def test_a_system_whose_shift_is_secret_is_refused(tmp_path: Path, code: int) -> None:
    path = tmp_path / "a.gpkg"
    geometry = SQUARE if code != 2436 else shapely.box(5e5, 3.38e6, 5.1e5, 3.39e6)
    pyogrio.write_dataframe(_frame(code, geometry), path)
    with pytest.raises(CrsError, match="not public"):
        read_vector(path)


def test_degrees_that_are_none_are_refused(tmp_path: Path) -> None:
    pyogrio.write_dataframe(
        _frame(4326, shapely.box(38_512_345, 3_386_000, 38_512_445, 3_386_100)), tmp_path / "a.gpkg"
    )
    with pytest.raises(CrsError, match="zone 38"):
        read_vector(tmp_path / "a.gpkg")


def test_rows_without_a_geometry_are_kept_for_the_list(tmp_path: Path) -> None:
    text = (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "a"}, "geometry": null},'
        '{"type": "Feature", "properties": {"name": "b"}, "geometry": {"type": "Polygon", "coordinates": []}}]}'
    )
    (tmp_path / "a.geojson").write_text(text)
    frame = read_vector(tmp_path / "a.geojson")
    assert (frame.geometry.isna() | frame.geometry.is_empty).tolist() == [True, True]


def test_a_kml_is_in_wgs84_by_its_format(tmp_path: Path) -> None:
    pyogrio.write_dataframe(_frame().rename(columns={"小区名称": "Name"}), tmp_path / "a.kml", driver="KML")
    frame = read_vector(tmp_path / "a.kml")
    assert frame.attrs["crs_from"] == "format"
    assert frame.geometry.iloc[0].equals(SQUARE)


def test_projected_geojson_is_refused_or_read_as_the_user_says(tmp_path: Path) -> None:
    text = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"n": 1}, "geometry": %s}]}'
    (tmp_path / "a.geojson").write_text(text % shapely.to_geojson(shapely.Point(512_345, 3_386_000)))
    with pytest.raises(CrsError, match="by its central meridian"):
        read_vector(tmp_path / "a.geojson")
    assert read_vector(tmp_path / "a.geojson", crs=metric_crs(114.3, 30.6)).attrs["crs_from"] == "user"


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".geojson", ".parquet", ".zip", ".dbf", ".shp"])
def test_a_file_with_wrong_bytes_is_read_or_refused_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(7)
    shapefile = _shapefile(tmp_path, "GB18030", "a.shp")
    whole = tmp_path / f"a{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(whole, "w") as archive:
            for part in (".shp", ".shx", ".dbf", ".prj"):
                archive.write(shapefile.with_suffix(part), f"a{part}")
    elif suffix == ".parquet":
        _frame().to_parquet(whole)
    elif suffix not in (".dbf", ".shp"):
        pyogrio.write_dataframe(_frame(), whole)
    raw = np.frombuffer(whole.read_bytes(), dtype=np.uint8)
    for _ in range(25):
        wrong = raw.copy()
        wrong[rng.integers(0, len(raw), 6)] = rng.integers(0, 256, 6)
        whole.write_bytes(wrong.tobytes()[: rng.integers(len(raw) // 2, len(raw) + 1)])
        with contextlib.suppress(SpatialError):
            read_vector(shapefile if suffix == ".dbf" else whole)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".parquet", ".fgb", ".zip", ".kml", ".txt"])
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    begin = {".gpkg": b"SQLite format 3\0", ".shp": b"\0\0\x27\x0a", ".geojson": b"{", ".parquet": b"PAR1",
             ".fgb": b"fgb\x03",
             ".zip": b"PK\x03\x04", ".kml": b"<?xml?><kml"}.get(suffix, b"")  # fmt: skip
    (tmp_path / f"a{suffix}").write_bytes(begin + b"\x07garbage" * 50)
    with pytest.raises(InputError):
        read_vector(tmp_path / f"a{suffix}")
