"""Circles contain what is reached, nothing beyond the walk that is left, and nest."""

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.crs import to_lonlat, to_metres
from spatial.errors import InputError
from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.tables import CIRCLES, require
from spatial.walking.circles import cell_size, true_to_m
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from spatial.walking.reach import reach_pieces
from spatial.walking.search import build_graph
from spatial.walking.snapping import STREET, snap
from spatial.walking.travel import travel_times
from tests.real_data import real
from tests.walking.streets import X0, Y0, draw, grid_town, homes, sites

PROFILE = read_profile()
WIDTH = PROFILE.walking.circle_buffer_m
CELL = cell_size(PROFILE.walking.circle_tolerance_m)
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
    network = build_walk_network(grid_town(3, 300.0), PROFILE)
    circle = build_isochrones(network, sites(s=(300, 300)), limits=[900.0]).geometry.iloc[0]
    assert circle.geom_type == "Polygon"
    assert len(circle.interiors) == 4
    inside = 4 * (300 - 2 * WIDTH) ** 2
    assert sum(shapely.Polygon(ring).area for ring in circle.interiors) == pytest.approx(inside, rel=0.01)


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


@pytest.mark.parametrize("limits", [[], [0.0], [-1.0], [float("inf")], [float("nan")], ["5"], [True], 300.0, "300"])
def test_limits_without_an_area_are_refused(limits: Any) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(InputError, match="needed"):
        build_isochrones(network, sites(s=(0, 0)), limits=limits)


def test_no_sites_give_no_circles() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    circles = build_isochrones(network, sites())
    assert len(circles) == 0
    assert isinstance(circles, pd.DataFrame)


def test_ground_nearer_to_a_street_that_is_not_reached_lies_outside() -> None:
    # two streets 40 m apart meet 900 m away: who lives beside the other one walks round
    nodes = {"a": (0, 0), "b": (900, 0), "c": (900, 40), "d": (0, 40)}
    network = build_walk_network(draw(nodes, [("a b c d", ROAD)]), PROFILE)
    circle = build_isochrones(network, sites(s=(0, 0)), limits=[500.0]).geometry.iloc[0]
    assert circle.bounds[3] - Y0 == pytest.approx(20.0, abs=TOLERANCE)
    assert circle.bounds[1] - Y0 == pytest.approx(-WIDTH, abs=TOLERANCE)
    alone = build_walk_network(draw(nodes, [("a b c", ROAD)]), PROFILE)
    whole = build_isochrones(alone, sites(s=(0, 0)), limits=[500.0]).geometry.iloc[0]
    assert whole.bounds[3] - Y0 == pytest.approx(WIDTH, abs=TOLERANCE)


def test_an_island_of_the_map_takes_no_ground_from_a_circle() -> None:
    nodes = {"a": (0, 0), "b": (600, 0), "c": (200, 15), "d": (260, 15)}
    network = build_walk_network(draw(nodes, [("a b", ROAD), ("c d", ROAD)]), PROFILE)
    circle = build_isochrones(network, sites(s=(0, 0)), limits=[500.0]).geometry.iloc[0]
    assert circle.covers(sites(s=(230, 20)).geometry.iloc[0])


@st.composite
def towns(draw_from: Any) -> Any:
    """A map of crooked streets between places at random, some of them bridges over others."""
    count = draw_from(st.integers(3, 12))
    places = draw_from(
        st.lists(st.tuples(st.integers(0, 700), st.integers(0, 700)), min_size=count, max_size=count, unique=True)
    )
    nodes = {f"n{i}": (float(x), float(y)) for i, (x, y) in enumerate(places)}
    pairs = draw_from(
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), min_size=2, max_size=18)
    )
    ways = [(f"n{i} n{j}", ROAD) for i, j in pairs if i != j] or [("n0 n1", ROAD)]
    return build_walk_network(draw(nodes, ways), PROFILE)


@settings(deadline=None, max_examples=25)
@given(network=towns(), x=st.integers(-40, 740), y=st.integers(-40, 740), zoom=st.sampled_from([None, 17, 14, 12]))
def test_on_any_map_circles_hold_what_is_reached_nest_and_stay_valid_when_rounded(
    network: Any, x: int, y: int, zoom: int | None
) -> None:
    site = sites(s=(float(x), float(y)))
    limits = [120.0, 300.0, 600.0]
    circles = build_isochrones(network, site, mode="distance", limits=limits, zoom=zoom).geometry.to_numpy()
    assert shapely.is_valid(circles).all()
    assert shapely.covers(circles[1:], circles[:-1]).all()
    for limit, circle in zip(limits, circles, strict=True):
        pieces = pieces_of(network, site, limit, "distance")
        within = pieces[pieces[:, 5] >= -1e-5]
        assert shapely.covers(circle, shapely.linestrings(within[:, [0, 1, 3, 4]].reshape(-1, 2, 2))).all()
    lonlat = to_lonlat(circles, network.crs)
    assert shapely.is_valid(lonlat).all()
    assert (shapely.get_num_coordinates(lonlat) == shapely.get_num_coordinates(circles)).all()
    assert shapely.is_valid(shapely.transform(circles, lambda xy: np.round(xy, 2))).all()
    back = to_metres(lonlat, network.crs)
    assert shapely.covers(shapely.buffer(back[1:], 0.03), back[:-1]).all()


@settings(deadline=None, max_examples=12)
@given(network=towns(), x=st.integers(0, 700), y=st.integers(0, 700))
def test_a_circle_moves_no_farther_than_outlines_are_drawn_to_with_the_limits_beside_it(
    network: Any, x: int, y: int
) -> None:
    how: Any = {"mode": "distance"}
    site = sites(s=(float(x), float(y)))
    alone = build_isochrones(network, site, limits=[300.0], **how).geometry.iloc[0]
    beside = build_isochrones(network, site, limits=[120.0, 300.0, 600.0], **how).geometry.iloc[1]
    assert alone.buffer(1.5 * TOLERANCE).covers(beside)
    assert beside.buffer(1.5 * TOLERANCE).covers(alone)


@settings(deadline=None, max_examples=12)
@given(network=towns(), x=st.integers(0, 700), y=st.integers(0, 700), zoom=st.sampled_from([None, 14]))
def test_of_three_circles_the_smaller_ones_change_no_byte_of_a_circle(
    network: Any, x: int, y: int, zoom: int | None
) -> None:
    limits = [120.0, 300.0, 600.0]
    site = sites(s=(float(x), float(y)))
    whole = build_isochrones(network, site, mode="distance", limits=limits, zoom=zoom).geometry.to_numpy()
    for first in range(1, len(limits)):
        some = build_isochrones(network, site, mode="distance", limits=limits[first:], zoom=zoom).geometry.to_numpy()
        assert shapely.equals_identical(some, whole[first:]).all()


@settings(deadline=None, max_examples=12)
@given(
    network=towns(),
    x=st.integers(0, 700),
    y=st.integers(0, 700),
    usual=st.sampled_from([(120.0, 300.0, 600.0), (100.0, 200.0, 300.0, 450.0, 600.0)]),
    asked=st.sets(st.integers(0, 4), min_size=1),
)
def test_a_circle_of_the_profile_is_the_same_whichever_of_its_circles_are_asked_for(
    network: Any, x: int, y: int, usual: tuple[float, ...], asked: set[int]
) -> None:
    network = dataclasses.replace(network, rules=dataclasses.replace(network.rules, circle_m=usual))
    site, rows = sites(s=(float(x), float(y))), sorted({row % len(usual) for row in asked})
    whole = build_isochrones(network, site, mode="distance").geometry.to_numpy()
    some = build_isochrones(network, site, mode="distance", limits=[usual[row] for row in rows]).geometry.to_numpy()
    assert shapely.equals_identical(some, whole[rows]).all()


@settings(deadline=None, max_examples=25)
@given(network=towns(), x=st.integers(0, 700), y=st.integers(0, 700), seed=st.integers(0, 99))
def test_homes_away_from_the_outline_are_inside_if_their_walk_is_within_the_limit(
    network: Any, x: int, y: int, seed: int
) -> None:
    network = dataclasses.replace(network, rules=dataclasses.replace(network.rules, circle_hole_m2=0.0))
    site, limit = sites(s=(float(x), float(y))), 500.0
    circle = build_isochrones(network, site, mode="distance", limits=[limit]).geometry.iloc[0]
    places = np.random.default_rng(seed).uniform(-20, 720, (150, 2))
    lived = homes(**{f"h{i:03d}": tuple(place) for i, place in enumerate(places.tolist())})
    times = travel_times(network, site, lived, limit=limit, mode="distance")
    snaps = snap(network, lived)
    streets = [shapely.linestrings(part) for part in np.split(network.shape_xy, network.shape_ptr[1:-1])]
    nearest = shapely.distance(lived.geometry.to_numpy(), shapely.union_all(streets))[snaps.point]
    # homes go to a street of a larger component though a smaller one's is nearer; areas know nothing of homes
    common = (snaps.how == STREET) & (snaps.access_m <= np.minimum(nearest + 1e-6, WIDTH))
    usual = lived["demand_id"].to_numpy()[snaps.point[common]]
    clear = shapely.distance(circle.boundary, lived.geometry.to_numpy()) > true_to_m(TOLERANCE)
    asked = set(lived["demand_id"][clear]) & set(usual)
    reached = set(times["destination_id"]) & asked
    door = sites(s=(float(x), float(y))).geometry.iloc[0]
    inside = {h for h in lived["demand_id"][shapely.covers(circle, lived.geometry.to_numpy())] if h in asked}
    # the ground about the walk from the door to the street is the circle's too
    foot = pieces_of(network, site, limit, "distance")[0]
    walk = shapely.LineString([(door.x, door.y), (foot[3], foot[4])])
    beside = lived["demand_id"][shapely.distance(walk, lived.geometry.to_numpy()) <= WIDTH + CELL]
    assert (reached ^ inside) - set(beside) == set()


def test_coarser_outlines_hold_what_is_reached_too_with_fewer_vertices() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    site = sites(s=(130, 215))
    pieces = pieces_of(network, site, 300.0)
    lines = shapely.linestrings(pieces[pieces[:, 5] >= -1e-5][:, [0, 1, 3, 4]].reshape(-1, 2, 2))
    counts = []
    for options in ({"tolerance_m": 1.0}, {"zoom": 18}, {"zoom": 14}, {"tolerance_m": 40.0}):
        circle = build_isochrones(network, site, limits=[300.0], **options).geometry.iloc[0]
        assert shapely.covers(circle, lines).all()
        counts.append(shapely.get_num_coordinates(circle))
    assert counts[0] >= counts[1] > counts[2] > counts[3]
    usual = build_isochrones(network, site, limits=[300.0])
    fine = build_isochrones(network, site, limits=[300.0], zoom=20)
    assert shapely.equals_identical(usual.geometry.array, fine.geometry.array).all()


@pytest.mark.parametrize(
    "options",
    [{"tolerance_m": 0.0}, {"tolerance_m": float("nan")}, {"zoom": -1}, {"zoom": 30}, {"zoom": 9, "tolerance_m": 1.0}],
)
def test_tolerances_that_cannot_be_drawn_are_refused(options: Any) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(InputError, match="needed"):
        build_isochrones(network, sites(s=(0, 0)), limits=[60.0], **options)


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


def test_whoever_draws_circles_does_not_wait_for_parts_of_scipy_that_other_questions_need() -> None:
    asked = (
        "import sys, spatial.walking.isochrones; print([m for m in sys.modules if m.count('.') == 1 and 'scipy.' in m])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert "'scipy.version'" in told  # scipy itself is there
    assert not {"scipy.interpolate", "scipy.sparse", "scipy.spatial"} & set(told.replace("'", " ").split())
