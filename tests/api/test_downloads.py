"""A layer as one file: other programs read it whole, in its own words, and see where it comes from."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pyogrio
import pytest
import shapely

from spatial.io.exports import pack_layer, shorten_names

TOLD = {"plan_id": "p", "plan_version": 1, "system": "s"}


def fetch(client: httpx.Client, file: str, folder: Path, **asked: str) -> Path:
    answer = client.get(f"/downloads/{file}", params=asked)
    assert answer.status_code == 200, answer.text
    assert f'filename="toy-0001-v1-{file}"' in answer.headers["Content-Disposition"]
    path = folder / file
    path.write_bytes(answer.content)
    return path


@pytest.mark.parametrize("ending", ["gpkg", "fgb"])
def test_packed_layers_hold_what_the_feed_holds(client: httpx.Client, tmp_path: Path, ending: str) -> None:
    for one in client.get("/collections").json()["collections"]:
        feed = {f["id"]: f for f in client.get(f"/collections/{one['id']}/items").json()["features"]}
        path = fetch(client, f"{one['id']}.{ending}", tmp_path)
        read = pyogrio.read_dataframe(path)
        assert set(read["id"]) == set(feed), one["id"]
        for row in read.to_dict("records"):
            told = feed[row["id"]]
            assert shapely.equals(row["geometry"], shapely.geometry.shape(told["geometry"]))
            for name, value in told["properties"].items():
                if isinstance(value, str | bool | int):
                    assert row[name] == value, (one["id"], name)


def test_a_geopackage_and_a_flatgeobuf_tell_where_they_come_from(client: httpx.Client, tmp_path: Path) -> None:
    for ending in ("gpkg", "fgb"):
        told = pyogrio.read_info(fetch(client, f"grids.{ending}", tmp_path))["layer_metadata"]
        assert told["plan_id"] == "toy-0001"
        assert told["attribution"] == "© OpenStreetMap contributors"
        assert len(told["digest"]) == 64


def test_a_file_can_be_had_in_the_zone_of_the_plan(client: httpx.Client, tmp_path: Path) -> None:
    read = pyogrio.read_dataframe(fetch(client, "grids.gpkg", tmp_path, crs="EPSG:4547"))
    assert read.crs.to_epsg() == 4547
    west, south, *_ = read.total_bounds
    assert (round(west, -4), round(south, -4)) == (530_000, 3_390_000)  # east before north, as files have it


def test_a_table_opens_in_excel_and_tells_its_plan(client: httpx.Client, tmp_path: Path) -> None:
    content = fetch(client, "sites.csv", tmp_path).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [(row["name"], row["x"], row["plan_id"], row["plan_version"]) for row in rows] == [
        ("邻里中心", "114.301", "toy-0001", "1"),
        ("", "114.3045", "toy-0001", "1"),
    ]
    areas = list(csv.DictReader(io.StringIO(fetch(client, "grids.csv", tmp_path).read_bytes().decode("utf-8-sig"))))
    assert shapely.from_wkt(areas[1]["wkt"]).area > 0


def test_a_shapefile_is_gbk_and_names_its_fields(client: httpx.Client, tmp_path: Path) -> None:
    path = fetch(client, "communities.zip", tmp_path)
    with zipfile.ZipFile(path) as packed:
        names = set(packed.namelist())
        assert packed.read("communities_area.cpg").decode().strip().upper() in ("GBK", "936", "CP936")
        fields = list(csv.DictReader(io.StringIO(packed.read("fields.csv").decode("utf-8-sig"))))
        told = json.loads(packed.read("provenance.json"))
        assert "花园社区".encode("gbk") in packed.read("communities_area.dbf")
    assert {"communities_area.shp", "communities_area.shx", "communities_area.prj"} <= names
    assert {"short": "community_", "full": "community_id"} in fields
    assert (told["plan_id"], told["texts_cut"], told["texts_with_characters_replaced"]) == ("toy-0001", 0, 0)
    read = pyogrio.read_dataframe(f"/vsizip/{path}/communities_area.shp")
    assert read["name"].tolist() == ["花园社区"]


def test_kinds_of_geometry_stand_in_shapefiles_of_their_own(client: httpx.Client, tmp_path: Path) -> None:
    with zipfile.ZipFile(fetch(client, "estates.zip", tmp_path)) as packed:
        assert {"estates_area.shp", "estates_point.shp"} <= set(packed.namelist())


def test_what_a_shapefile_cannot_hold_is_counted() -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["1", "2"], "所属社区居民委员会": ["长" * 200, "𠮷野"]},
        geometry=[shapely.Point(0, 0), shapely.Point(1, 1)],
        crs=4326,
    )
    with zipfile.ZipFile(io.BytesIO(pack_layer(frame, "x", "zip", TOLD))) as packed:
        told = json.loads(packed.read("provenance.json"))
        assert (told["texts_cut"], told["texts_with_characters_replaced"]) == (1, 1)
        dbf = packed.read("x_point.dbf")
    assert ("长" * 127).encode("gbk") in dbf
    assert "?野".encode("gbk") in dbf


def test_short_names_fit_and_none_stands_twice() -> None:
    short = shorten_names(
        ["community_id", "community_name", "所属社区居委会", "id", *(f"community_{n}" for n in range(20))]
    )
    assert len(set(short.values())) == len(short)
    assert all(len(one.encode("gbk")) <= 10 for one in short.values())
    assert (short["所属社区居委会"], short["id"]) == ("所属社区居", "id")


@pytest.mark.parametrize("ending", ["gpkg", "fgb", "csv", "zip"])
def test_equal_layers_are_equal_files_also_when_there_is_nothing(ending: str) -> None:
    frame = gpd.GeoDataFrame({"id": np.array([], dtype=object)}, geometry=[], crs=4326)
    one = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(0, 0)], crs=4326)
    for held in (frame, one):
        assert pack_layer(held, "x", ending, TOLD) == pack_layer(held, "x", ending, TOLD)


@pytest.mark.parametrize("file", ["rivers.gpkg", "grids.dwg", "grids", ".gpkg", "..%2Fgrids.gpkg"])
def test_what_does_not_exist_is_not_found(client: httpx.Client, file: Any) -> None:
    assert client.get(f"/downloads/{file}").status_code == 404
