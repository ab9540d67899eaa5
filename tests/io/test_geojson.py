"""GeoJSON is RFC 7946: lon/lat, right-hand rule, seven decimals, stable ids, order and bytes."""

import json
import re
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.crs import metric_crs, to_metres
from spatial.errors import CrsError, TableError
from spatial.io.geojson import geometry_texts, to_feature_collection, to_served

CRS = metric_crs(114.3, 30.6)
SQUARE_CLOCKWISE = shapely.Polygon(
    [(114.0, 30.0), (114.0, 30.1), (114.1, 30.1), (114.1, 30.0)],
    [[(114.02, 30.02), (114.04, 30.02), (114.04, 30.04), (114.02, 30.04)]],
)


def collection(frame: Any, ids: list[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(to_feature_collection(to_served(frame, ids=ids)))
    return document


def points(xy: list[tuple[float, float]], **columns: list[Any]) -> Any:
    return gpd.GeoDataFrame(columns, geometry=shapely.points(np.array(xy, dtype=float)), crs="EPSG:4326")


def signed_area(ring: list[list[float]]) -> float:
    (x, y) = np.array(ring).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def test_outer_rings_run_counter_clockwise_and_holes_clockwise() -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[SQUARE_CLOCKWISE], crs="EPSG:4326")
    outer, hole = collection(frame, ["x"])["features"][0]["geometry"]["coordinates"]
    assert signed_area(outer) > 0 > signed_area(hole)


def test_metres_become_longitude_and_latitude() -> None:
    metres = gpd.GeoDataFrame({"a": [1]}, geometry=to_metres(np.array([SQUARE_CLOCKWISE], dtype=object), CRS), crs=CRS)
    document = collection(metres, ["x"])
    assert document["bbox"] == [114.0, 30.0, 114.1, 30.1]
    assert "crs" not in document


def test_a_layer_without_a_reference_system_is_refused() -> None:
    with pytest.raises(CrsError, match="coordinate reference system"):
        to_served(gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)]), ids=["x"])


def test_features_are_sorted_by_id_whatever_the_order_of_rows() -> None:
    ids = ["b", "a", "c"]
    frame = points([(3, 1), (1, 1), (2, 1)], n=[3, 1, 2])
    turned = frame.iloc[[2, 0, 1]]
    assert [f["id"] for f in collection(frame, ids)["features"]] == ["a", "b", "c"]
    assert to_feature_collection(to_served(turned, ids=["c", "b", "a"])) == to_feature_collection(
        to_served(frame, ids=ids)
    )


def test_an_id_that_stands_twice_is_refused_by_name() -> None:
    with pytest.raises(TableError, match="'a' stands in more than one row"):
        to_served(points([(1, 1), (2, 2)], n=[1, 2]), ids=["a", "a"])


def test_missing_values_are_null_and_numbers_are_plain() -> None:
    frame = points(
        [(1, 1), (2, 2)],
        share=[0.1 + 0.2, np.nan],
        count=pd.array([1, None], dtype="Int64"),
        flag=[True, False],
        name=["江岸区", None],
        infinite=[np.inf, -0.0],
        mixed=[np.int64(3), [np.float64(1.23456), None]],
    )
    first, second = (f["properties"] for f in collection(frame, ["a", "b"])["features"])
    assert first == {"share": 0.3, "count": 1, "flag": True, "name": "江岸区", "infinite": None, "mixed": 3}
    assert second == {
        "share": None,
        "count": None,
        "flag": False,
        "name": None,
        "infinite": 0.0,
        "mixed": [1.235, None],
    }


def test_chinese_stands_unescaped_and_each_feature_on_a_line() -> None:
    text = to_feature_collection(to_served(points([(1, 1), (2, 2)], name=["网格", "社区"]), ids=["a", "b"])).decode()
    assert "网格" in text
    assert len(text.splitlines()) == 4
    assert text.endswith("\n]}\n")


def test_a_missing_geometry_is_null_and_an_empty_layer_has_no_bbox() -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[None], crs="EPSG:4326")
    document = collection(frame, ["x"])
    assert document["features"][0]["geometry"] is None
    assert "bbox" not in document
    assert collection(frame.iloc[:0], []) == {"type": "FeatureCollection", "features": []}


def test_the_frame_that_is_given_is_not_changed() -> None:
    frame = gpd.GeoDataFrame({"a": [1.23456]}, geometry=[SQUARE_CLOCKWISE], crs="EPSG:4326")
    before = frame.copy(deep=True)
    to_served(frame, ids=["x"])
    pd.testing.assert_frame_equal(frame, before)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-84, 84)), min_size=1, max_size=40))
def test_no_coordinate_has_more_than_seven_decimals(xy: list[tuple[float, float]]) -> None:
    text = to_feature_collection(to_served(points(xy), ids=[f"{i:03}" for i in range(len(xy))])).decode()
    assert max((len(d) for d in re.findall(r"\.(\d+)", text)), default=0) <= 7
    for feature, (x, y) in zip(json.loads(text)["features"], xy, strict=True):
        assert feature["geometry"]["coordinates"] == pytest.approx([x, y], abs=0.51e-7)


def test_coordinates_that_the_writer_prints_with_noise_are_printed_short() -> None:
    noisy = 12.367591  # printed as 12.367590999999999 by the fast writer
    text = to_feature_collection(to_served(points([(noisy, 19.6122204)]), ids=["a"])).decode()
    assert "[12.367591,19.6122204]" in text


def test_texts_of_geometries_are_those_of_geos_in_shortest_numbers() -> None:
    hole = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (1, 2.1), (2, 1)]])
    shapes = [hole, None, shapely.Point(114.00399999999999, 30.1), shapely.MultiPolygon([hole]), shapely.Polygon(),
              shapely.LineString([(0, 0), (1, 1)]), shapely.box(114.1, 30.1, 114.3, 30.2)]  # fmt: skip
    texts = geometry_texts(np.array(shapes, dtype=object))
    read = shapely.from_geojson([None if text == b"null" else text.decode() for text in texts])
    assert texts[1] == b"null"
    for one, again in zip(shapes, read, strict=True):
        assert one is None or (one.is_empty and again.is_empty) or shapely.equals_exact(one, again, 1e-12)
    assert b"114.3,30.1" in texts[6]
    assert geometry_texts(np.array([], dtype=object)) == []
