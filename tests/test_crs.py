"""Coordinates: zones, round trips, the offsets of Chinese maps."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod

from spatial.crs import (
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    is_lonlat,
    metric_crs,
    require_metric,
    to_lonlat,
    to_metres,
    transform_xy,
    unshift,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from spatial.errors import CrsError

# Reference points (WGS 84, GCJ-02, BD-09), cross-checked with coord-convert 0.2.1 and prcoords 1.0.2.
PLACES = [
    ((116.397428, 39.909230), (116.403671626, 39.910633506), (116.410044102, 39.916972856)),
    ((114.305393, 30.593099), (114.310837766, 30.590689496), (114.317406105, 30.596397891)),
    ((121.473701, 31.230416), (121.478224057, 31.228473742), (121.484782472, 31.234326581)),
    ((105.0, 35.0), (105.003286241, 34.999098632), (105.009666828, 35.005403668)),
    ((87.616800, 43.825600), (87.619649950, 43.826805393), (87.626099771, 43.832949795)),
]
in_china = st.tuples(st.floats(75, 134), st.floats(19, 53))


def test_offsets_agree_with_published_points() -> None:
    wgs, gcj, bd = (np.array([place[i] for place in PLACES]) for i in range(3))
    np.testing.assert_allclose(wgs84_to_gcj02(wgs), gcj, atol=1e-9)
    np.testing.assert_allclose(wgs84_to_bd09(wgs), bd, atol=1e-9)
    np.testing.assert_allclose(gcj02_to_bd09(gcj), bd, atol=2e-9)


@given(in_china)
def test_taking_an_offset_back_returns_the_point_to_a_micrometre(place: tuple[float, float]) -> None:
    lonlat = np.array([place])
    for there, back in ((wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)):
        returned = back(there(lonlat))[0]
        assert Geod(ellps="WGS84").inv(*place, *returned)[2] < 1e-6


def test_points_outside_china_are_not_shifted() -> None:
    helsinki = np.array([[24.94, 60.17]])
    assert (wgs84_to_gcj02(helsinki) == helsinki).all()


def test_unknown_kinds_of_coordinates_are_refused() -> None:
    with pytest.raises(CrsError, match=r"'amap'.*needed one of wgs84"):
        unshift(np.zeros((1, 2)), "amap")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [(114.3, 30.6, 4547), (108.7, 34.3, 4545), (116.3, 39.98, 4548), (24.94, 60.17, 32635), (-51.2, -30.0, 32722)],
)
def test_each_place_has_its_zone(lon: float, lat: float, code: int) -> None:
    assert metric_crs(lon, lat).to_epsg() == code


@pytest.mark.parametrize("place", [(float("nan"), 30.0), (500_000.0, 3_400_000.0), (114.0, 91.0)])
def test_what_is_no_longitude_and_latitude_is_refused(place: tuple[float, float]) -> None:
    with pytest.raises(CrsError, match="needed a longitude"):
        metric_crs(*place)


@given(in_china)
def test_served_coordinates_return_to_the_same_metres_and_back_to_the_same_digits(place: tuple[float, float]) -> None:
    crs = metric_crs(*place)
    served = to_lonlat(to_metres(shapely.Point(place), crs), crs)
    again = to_lonlat(to_metres(served, crs), crs)
    assert (served.x, served.y) == (again.x, again.y)


def test_equal_vertices_stay_equal_whatever_array_they_come_in() -> None:
    crs = metric_crs(114.3, 30.6)
    xy = np.random.default_rng(1).uniform([114.2, 30.5], [114.4, 30.7], (1000, 2))
    whole = transform_xy(xy, CRS.from_epsg(4326), crs)
    single = np.vstack([transform_xy(xy[i : i + 1], CRS.from_epsg(4326), crs) for i in range(0, 1000, 97)])
    assert (whole[::97] == single).all()


def test_wgs84_crs84_and_cgcs2000_are_read_as_one() -> None:
    assert all(is_lonlat(CRS.from_user_input(name)) for name in ("EPSG:4326", "OGC:CRS84", "EPSG:4490"))
    assert not is_lonlat(CRS.from_epsg(4214))  # Beijing 1954: its shift is not public


@pytest.mark.parametrize("crs", [None, CRS.from_epsg(4326), CRS.from_epsg(2263)])
def test_frames_without_metres_are_refused(crs: CRS | None) -> None:
    with pytest.raises(CrsError, match="estates"):
        require_metric(crs, "estates")
