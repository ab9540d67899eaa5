"""Feeds in the systems that planners work in, each in the axis order of its authority; and shifted for Chinese maps."""

import json
from typing import Any

import httpx
import numpy as np
import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features
from pyproj import Transformer

from api import schemas
from spatial.crs import bd09_to_wgs84, gcj02_to_wgs84
from tests.api.live import serving

GRIDS = "/collections/grids/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CODES = (4326, 4490, 3857, 4547, 4526)


def shapes(page: dict[str, Any]) -> Any:
    return shapely.from_geojson([json.dumps(one["geometry"]) for one in page["features"]])


def test_a_collection_lists_its_systems_and_the_zone_it_lies_in(client: httpx.Client) -> None:
    one = client.get("/collections/grids").json()
    assert one["crs"] == [CRS84, *(f"{EPSG}{code}" for code in CODES)]
    assert one["storageCrs"] == CRS84
    assert client.get("/collections").json()["crs"] == one["crs"]


@pytest.mark.parametrize("code", CODES)
def test_features_are_what_proj_makes_of_them_in_authority_order(client: httpx.Client, code: int) -> None:
    plain = client.get(GRIDS)
    assert plain.headers["Content-Crs"] == f"<{CRS84}>"
    answer = client.get(GRIDS, params={"crs": f"{EPSG}{code}"})
    assert answer.headers["Content-Crs"] == f"<{EPSG}{code}>"
    lonlat = shapely.get_coordinates(shapes(plain.json()))
    # pyproj without always_xy speaks in the order of the authority
    told = np.column_stack(
        Transformer.from_crs(4490 if code > 4490 else 4326, code).transform(lonlat[:, 1], lonlat[:, 0])
    )
    np.testing.assert_allclose(
        shapely.get_coordinates(shapes(answer.json())), told, atol=1e-3 if code > 4490 or code == 3857 else 1e-7
    )
    alone = client.get(f"{GRIDS}/g2", params={"crs": f"{EPSG}{code}"})
    assert alone.headers["Content-Crs"] == f"<{EPSG}{code}>"
    assert alone.json()["geometry"] == answer.json()["features"][1]["geometry"]
    assert alone.json()["properties"] == plain.json()["features"][1]["properties"]


def test_the_numbers_of_the_zone_are_northing_then_easting(client: httpx.Client) -> None:
    x, y = client.get(GRIDS, params={"crs": "EPSG:4547"}).json()["features"][0]["geometry"]["coordinates"][0][0]
    assert (round(x, -5), round(y, -4)) == (3_400_000, 530_000)
    x, y = client.get(GRIDS, params={"crs": "EPSG:4526"}).json()["features"][0]["geometry"]["coordinates"][0][0]
    assert (round(x, -5), round(y, -4)) == (3_400_000, 38_530_000)


@pytest.mark.parametrize("code", [*CODES, "CRS84"])
def test_a_box_in_any_system_finds_the_same(client: httpx.Client, code: int | str) -> None:
    corners = np.array([[114.3001, 30.6040], [114.3020, 30.6050]])  # in g2
    system = CRS84 if code == "CRS84" else f"{EPSG}{code}"
    if code != "CRS84":
        corners = np.column_stack(Transformer.from_crs(4326, code).transform(corners[:, 1], corners[:, 0]))
    box = ",".join(str(number) for number in corners.ravel())
    page = client.get(GRIDS, params={"bbox": box, "bbox-crs": system}).json()
    assert [one["id"] for one in page["features"]] == ["g2"]


@pytest.mark.parametrize(
    "asked",
    [
        {"crs": "EPSG:2263"}, {"crs": ""}, {"crs": "nonsense"}, {"bbox-crs": "EPSG:4555", "bbox": "0,0,1,1"},
        {"bbox": "5,5,1,9", "bbox-crs": "EPSG:3857"}, {"bbox": "-9e8,-9e8,9e8,9e8", "bbox-crs": "EPSG:4547"},
    ],
)  # fmt: skip
def test_a_system_that_is_not_served_is_told_as_a_problem(client: httpx.Client, asked: dict[str, str]) -> None:
    answer = client.get(GRIDS, params=asked)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_gdal_pages_filters_and_reprojects_every_collection(toy_folder: Any) -> None:
    with serving(toy_folder, limit_default="2", limit_max="2") as at:
        with httpx.Client(base_url=at) as client:
            collections = [one["id"] for one in client.get("/collections").json()["collections"]]
            counts = {c: client.get(f"/collections/{c}/items").json()["numberMatched"] for c in collections}
        for name in collections:
            plain = pyogrio.read_dataframe(f"OAPIF:{at}/", layer=name)
            moved = pyogrio.read_dataframe(f"OAPIF:{at}/", layer=name, CRS="EPSG:4547")
            assert len(plain) == len(moved) == counts[name], name
            if counts[name]:
                assert moved.crs.to_epsg() == 4547
                there = Transformer.from_crs(4490, 4547, always_xy=True)
                known = shapely.get_coordinates(plain.geometry.to_numpy())
                np.testing.assert_allclose(
                    shapely.get_coordinates(moved.geometry.to_numpy()),
                    np.column_stack(there.transform(known[:, 0], known[:, 1])),
                    atol=2e-3,
                )
        large = pyogrio.read_dataframe(f"OAPIF:{at}/", layer="grids", where="households > 400")
        west = pyogrio.read_dataframe(f"OAPIF:{at}/", layer="blocks", bbox=(114.3, 30.6, 114.301, 30.61))
    assert large["grid_id"].tolist() == ["g2", "g3"]
    assert sorted(west["block_id"]) == ["b1", "b3"]


def test_owslib_reads_pages_filters_and_reprojects(address: str) -> None:
    feeds = Features(f"{address}/")
    assert "grids" in feeds.feature_collections()
    assert "households" in feeds.collection_queryables("grids")["properties"]
    page = feeds.collection_items("grids", bbox=[114.3, 30.6, 114.31, 30.61], limit=2)
    assert (page["numberMatched"], page["numberReturned"]) == (3, 2)
    chosen = feeds.collection_items("grids", filter="households > 1000")
    assert [one["id"] for one in chosen["features"]] == ["g3"]
    moved = feeds.collection_items("grids", crs=f"{EPSG}4547")
    assert moved["features"][0]["geometry"]["coordinates"][0][0][0] > 3e6
    assert feeds.collection_item("grids", "g2")["id"] == "g2"


@pytest.mark.parametrize(
    ("provider", "kind", "back"), [("amap", "gcj02", gcj02_to_wgs84), ("baidu", "bd09", bd09_to_wgs84)]
)
def test_shifted_feeds_say_so_and_lead_back_to_the_true_places(
    client: httpx.Client, provider: str, kind: str, back: Any
) -> None:
    answer = client.get(f"/feeds/{provider}/grids/items")
    assert answer.headers["Content-Type"] == "application/json"
    page = answer.json()
    schemas.ShiftedCollection.model_validate(page)
    assert page["coordType"] == kind
    true = shapes(client.get(GRIDS).json())
    shifted = shapes(page)
    moved = shapely.get_coordinates(shifted) - shapely.get_coordinates(true)
    assert (np.hypot(*moved.T) > 0.003).all()  # some 400 m and more
    np.testing.assert_allclose(back(shapely.get_coordinates(shifted)), shapely.get_coordinates(true), atol=1.1e-7)
    assert shapely.coverage_is_valid(shifted)
    filtered = client.get(
        f"/feeds/{provider}/grids/items", params={"filter": "oversize", "bbox": "114,30,115,31"}
    ).json()
    assert [one["id"] for one in filtered["features"]] == ["g3"]
    assert client.get(f"/feeds/{provider}/grids/items", params={"crs": CRS84}).status_code == 400
    first = client.get(f"/feeds/{provider}/grids/items?limit=1").json()
    after = next(one["href"] for one in first["links"] if one["rel"] == "next")
    assert client.get(after).json()["features"][0] == page["features"][1]
