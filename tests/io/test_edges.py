from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS as System

from spatial.crs import LONLAT, gcj02_to_wgs84, metric_crs, transform_geometry, transform_xy
from spatial.io.communities import read_area, read_communities
from spatial.io.edges import cut_edges, step_of

CRS = metric_crs(114.3, 30.6)
BOX = shapely.Polygon([(114.25, 30.60), (114.31, 30.62), (114.30, 30.67), (114.24, 30.65)])  # edges of five kilometres
DEGREE_M = 111_320


def _write(folder: Path, shapes: list[Any], crs: Any = 4326) -> Path:
    pyogrio.write_dataframe(gpd.GeoDataFrame({"code": list("12")[: len(shapes)]}, geometry=shapes, crs=crs),
                            folder / "a.gpkg")  # fmt: skip
    return folder / "a.gpkg"


def _off_m(adopted: Any, given_outline: Any) -> float:
    """Return how far an outline in metres strays from one in lon/lat, walked along every metre."""
    there = transform_geometry(shapely.segmentize(adopted, 1.0), CRS, LONLAT)
    points = shapely.points(shapely.get_coordinates(there))
    back = shapely.distance(shapely.points(shapely.get_coordinates(given_outline)), there.exterior)
    return float(max(shapely.distance(points, given_outline.exterior).max(), back.max())) * DEGREE_M


def test_an_edge_gets_equal_steps_and_keeps_its_ends() -> None:
    (line,) = cut_edges(np.array([shapely.LineString([(0, 0), (250, 0), (250, 80)])]), 100)
    expected = np.array([[0, 0], [250 / 3, 0], [500 / 3, 0], [250, 0], [250, 80]])
    assert np.allclose(shapely.get_coordinates(line), expected, atol=1e-9)


def test_a_straight_outline_in_lonlat_is_adopted_to_two_centimetres(tmp_path: Path) -> None:
    area, _ = read_area(_write(tmp_path, [BOX]), CRS)
    assert _off_m(area.geometry.iloc[0], BOX) < 0.02
    bare = transform_geometry(BOX, LONLAT, CRS)
    assert _off_m(bare, BOX) > 0.1, "the corners alone would bend the edges by decimetres"
    assert np.hypot(*np.diff(shapely.get_coordinates(area.geometry.iloc[0]), axis=0).T).max() <= 100


def test_edges_in_shifted_coordinates_are_cut_before_they_are_brought_back(tmp_path: Path) -> None:
    area, _ = read_area(_write(tmp_path, [BOX]), CRS, "gcj02")
    along = shapely.get_coordinates(shapely.segmentize(BOX, 1e-5))
    true = transform_xy(gcj02_to_wgs84(along), LONLAT, CRS)
    assert shapely.distance(shapely.points(true), area.geometry.iloc[0].exterior).max() < 0.02


def test_outlines_already_in_the_working_system_keep_their_vertices(tmp_path: Path) -> None:
    square = shapely.box(5e5, 3.38e6, 5.05e5, 3.385e6)
    area, _ = read_area(_write(tmp_path, [square], CRS), CRS)
    assert shapely.get_num_coordinates(area.geometry.iloc[0]) == 5


def test_neighbours_whose_vertices_differ_still_meet(tmp_path: Path) -> None:
    west = shapely.Polygon([(114.2, 30.6), (114.26, 30.6), (114.26, 30.66), (114.2, 30.66)])
    east = shapely.Polygon([(114.26, 30.6), (114.32, 30.6), (114.32, 30.66), (114.26, 30.66), (114.26, 30.64)])
    communities, listed = read_communities(_write(tmp_path, [west, east]), CRS)
    assert shapely.intersection(*communities.geometry).area < 1
    assert not listed["reason"].isin(["overlaps another community", "gap between communities"]).any()


def test_a_step_is_measured_in_the_units_of_the_system() -> None:
    assert step_of(LONLAT) * 111_700 <= 100.1
    assert step_of(CRS) == 100
    assert step_of(System.from_epsg(2263)) == pytest.approx(100 / 0.3048, rel=1e-4)


_AT = st.integers(-10_000_000, 10_000_000).map(lambda mm: mm / 1000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_AT, _AT), min_size=3, max_size=7, unique=True), st.floats(50, 5000))
def test_shape_kind_and_direction_are_kept(corners: list[tuple[float, float]], step: float) -> None:
    polygon = shapely.Polygon(corners, [corners[:3][::-1]])
    shapes = np.array([polygon, shapely.MultiPolygon([polygon, shapely.box(0, 0, 1, 1)]), shapely.Point(1, 2), None,
                       shapely.Polygon(), shapely.LineString(corners), shapely.LineString(corners[::-1])])  # fmt: skip
    cut = cut_edges(shapes, step)
    assert shapely.get_type_id(cut).tolist() == shapely.get_type_id(shapes).tolist()
    assert shapely.get_num_interior_rings(cut[0]) == 1
    assert shapely.hausdorff_distance(cut[5], shapes[5]) < 1e-6
    there, back = shapely.get_coordinates(cut[5]), shapely.get_coordinates(cut[6])
    assert (there == back[::-1]).all(), "the same vertices, to the last bit"
    assert np.hypot(*np.diff(there, axis=0).T).max() <= step * (1 + 1e-9)
    assert {tuple(one) for one in corners} <= {tuple(one) for one in there.tolist()}
