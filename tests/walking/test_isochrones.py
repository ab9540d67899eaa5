"""Circles contain what is reached, nothing beyond the walk that is left, and nest."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.tables import CIRCLES, require
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from spatial.walking.reach import reach_pieces
from spatial.walking.search import build_graph
from spatial.walking.snapping import snap
from tests.real_data import real
from tests.walking.streets import X0, Y0, draw, grid_town, sites

PROFILE = read_profile()
WIDTH = PROFILE.walking.circle_buffer_m
CELL = WIDTH / 6
TOLERANCE = PROFILE.walking.circle_tolerance_m
ROAD = {"highway": "residential"}


def pieces_of(network: Any, site: Any, limit: float, mode: Any = "time") -> Any:
    return reach_pieces(network, build_graph(network, mode), site, snap(network, site), limit, "open")[0]


def test_on_one_long_street_the_circle_is_a_strip_that_narrows_to_its_end() -> None:
    network = build_walk_network(draw({"a": (-1000, 0), "b": (1000, 0)}, [("a b", ROAD)]), PROFILE)
    circles = require(build_isochrones(network, sites(s=(0, 0)), limits=[300.0]), CIRCLES)
    west, south, east, north = circles.total_bounds - [X0, Y0, X0, Y0]
    assert (north, south) == (pytest.approx(WIDTH, abs=CELL / 2), pytest.approx(-WIDTH, abs=CELL / 2))
    assert 330 <= east <= 330 + 2 * CELL
    assert -330 >= west >= -330 - 2 * CELL
    # half as wide where half of the width is left to walk
    at = shapely.box(X0 + 330 - WIDTH / 2, Y0 - 100, X0 + 330 - WIDTH / 2 + 0.1, Y0 + 100)
    assert shapely.intersection(circles.geometry.iloc[0], at).area / 0.1 == pytest.approx(WIDTH, abs=2 * TOLERANCE)


def test_each_site_has_a_row_per_limit_in_time_and_in_distance() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    places = sites(b=(0, 0), a=(200, 200))
    by_time = require(build_isochrones(network, places), CIRCLES)
    assert by_time["site_id"].tolist() == ["a", "a", "a", "b", "b", "b"]
    assert by_time["minutes"].tolist() == pytest.approx([5, 10, 15] * 2)
    assert by_time["limit_m"].tolist() == pytest.approx([330, 660, 990] * 2)
    by_metres = require(build_isochrones(network, places, mode="distance"), CIRCLES)
    assert by_metres["limit_m"].tolist() == [300, 500, 1000] * 2
    assert by_metres["minutes"].iloc[2] == pytest.approx(1000 / 1.1 / 60)
    assert (by_time["households"] == 0).all()
    assert set(by_time["mode"]) == {"time"}
    assert set(by_metres["mode"]) == {"distance"}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limits=st.lists(st.floats(1.0, 900.0), min_size=2, max_size=4, unique=True),
    x=st.floats(-50, 450),
    y=st.floats(-50, 450),
    mode=st.sampled_from(["time", "distance"]),
)
def test_circles_of_one_site_nest_and_are_valid(limits: list[float], x: float, y: float, mode: Any) -> None:
    network = build_walk_network(grid_town(), PROFILE)
    circles = build_isochrones(network, sites(s=(x, y)), mode=mode, limits=limits)
    shapes = circles.geometry.array
    assert circles.is_valid.all()
    assert (shapely.get_num_interior_rings(shapely.get_parts(shapes)) >= 0).all()
    assert (np.diff(circles["limit_m"]) > 0).all()
    assert shapely.covers(shapes[1:], shapes[:-1]).all()


def _check_reach(network: Any, site: Any, limit: float, circle: Any) -> None:
    pieces = pieces_of(network, site, limit)
    within = pieces[pieces[:, 5] >= -1e-5]  # the limit has a tolerance, and only an access walk may go beyond it
    lines = shapely.linestrings(np.stack([within[:, [0, 1]], within[:, [3, 4]]], axis=1))
    assert shapely.covers(circle.buffer(1e-6), lines).all()
    rim = shapely.get_coordinates(shapely.segmentize(circle, 5.0))
    away = shapely.distance(shapely.points(rim), shapely.union_all(lines))
    assert away.max() <= WIDTH + TOLERANCE + CELL / 2


def test_a_circle_contains_every_reached_piece_and_nothing_wider_than_its_strip() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    site = sites(s=(130, 215))
    for limit in (100.0, 300.0, 420.0):
        circle = build_isochrones(network, site, limits=[limit]).geometry.iloc[0]
        _check_reach(network, site, limit, circle)


def test_the_inside_of_a_superblock_stays_a_hole() -> None:
    network = build_walk_network(grid_town(3, 200.0), PROFILE)
    circle = build_isochrones(network, sites(s=(200, 200)), limits=[900.0]).geometry.iloc[0]
    assert circle.geom_type == "Polygon"
    assert len(circle.interiors) == 4
    assert sum(shapely.Polygon(ring).area for ring in circle.interiors) == pytest.approx(4 * 140**2, rel=0.01)


def test_a_site_beyond_the_limit_from_any_street_still_has_its_own_ground() -> None:
    network = build_walk_network(draw({"a": (0, 0), "b": (100, 0)}, [("a b", ROAD)]), PROFILE)
    circle = build_isochrones(network, sites(s=(50, 500)), limits=[60.0]).geometry.iloc[0]
    assert circle.is_valid
    assert circle.covers(sites(s=(50, 500)).geometry.iloc[0])
    assert not circle.intersects(sites(s=(50, 0)).geometry.iloc[0])


def test_circles_do_not_depend_on_the_order_or_the_company_of_the_sites() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    places = sites(a=(10, 10), b=(200, 150), c=(390, 5), d=(100, 100))
    together = build_isochrones(network, places)
    again = build_isochrones(network, places.iloc[[2, 0, 3, 1]])
    assert shapely.equals_identical(together.geometry.array, again.geometry.array).all()
    alone = build_isochrones(network, places.iloc[[1]])
    same = together[together["site_id"] == "b"]
    assert shapely.equals_identical(same.geometry.array, alone.geometry.array).all()


@pytest.mark.parametrize("limits", [[], [0.0], [-1.0], [float("inf")], [float("nan")]])
def test_limits_without_an_area_are_refused(limits: list[float]) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(InputError, match="needed"):
        build_isochrones(network, sites(s=(0, 0)), limits=limits)


def test_no_sites_give_no_circles() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    circles = build_isochrones(network, sites())
    assert len(circles) == 0
    assert isinstance(circles, pd.DataFrame)


@pytest.mark.real
def test_circles_of_porto_alegre_are_valid_nest_and_contain_what_is_reached() -> None:
    network = build_walk_network(read_osm(real("porto-alegre/poa.osm.pbf")), PROFILE)
    rng = np.random.default_rng(2)
    places = network.xy[rng.integers(0, network.node_count, 25)] - [X0, Y0]
    points = sites(**{f"s{i:02d}": tuple(xy) for i, xy in enumerate(places.tolist())}).set_crs(
        network.crs, allow_override=True
    )
    circles = build_isochrones(network, points)
    shapes = np.asarray(circles.geometry.array).reshape(-1, 3)
    assert circles.is_valid.all()
    assert shapely.covers(shapes[:, 1:], shapes[:, :-1]).all()
    assert np.median(shapely.get_num_coordinates(shapes)) <= 400
    for row in range(5):
        _check_reach(network, points.iloc[[row]], 900.0, shapes[row, 2])
