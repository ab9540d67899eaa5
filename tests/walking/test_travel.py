"""Hand-worked walks: the adult speed is 1.1 m/s, so 66 m take a minute."""

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point

from spatial.errors import CrsError, InputError, TableError
from spatial.io.profiles import read_profile
from spatial.tables import TRAVEL_TIMES, require
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from spatial.walking.travel import measure_detour, travel_times
from tests.walking.streets import draw, grid_town, homes, sites

ROAD = {"highway": "residential"}
PROFILE = read_profile()


def walk(network: Any, site: tuple[float, float], home: tuple[float, float], **options: Any) -> float:
    """Return the metres from a home to a site, infinity where there is no way."""
    times = travel_times(network, sites(s=site), homes(h=home), **{"limit": math.inf, **options})
    return float(times["walk_m"].iloc[0]) if len(times) else math.inf


def test_a_grid_town_is_walked_along_its_streets() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    times = require(travel_times(network, sites(s=(0, 0)), homes(a=(330, 330), b=(66, 0), c=(400, 400))), TRAVEL_TIMES)
    # a stands 30 m from the street at (300, 330), which is 630 m away
    assert times["destination_id"].tolist() == ["a", "b", "c"]
    assert times["walk_m"].tolist() == pytest.approx([660.0, 66.0, 800.0])
    assert times["walk_s"].iloc[1] == pytest.approx(60.0)


def test_the_limit_includes_its_own_minute_and_nothing_beyond() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    places = homes(five=(330, 0), six=(396, 0), five_and_a_step=(331, 0))
    times = travel_times(network, sites(s=(0, 0)), places, limit=300.0)
    assert times["destination_id"].tolist() == ["five"]
    assert travel_times(network, sites(s=(0, 0)), places, limit=330.0, mode="distance")["walk_m"].tolist() == [330.0]


def test_without_a_limit_the_largest_circle_of_the_profile_counts() -> None:
    network = build_walk_network(draw({"a": (0, 0), "b": (3000, 0)}, [("a b", ROAD)]), PROFILE)
    places = homes(near=(989, 0), far=(991, 0), farther=(1001, 0))
    assert travel_times(network, sites(s=(0, 0)), places)["destination_id"].tolist() == ["near"]
    by_metres = travel_times(network, sites(s=(0, 0)), places, mode="distance")
    assert by_metres["destination_id"].tolist() == ["far", "near"]


def test_two_places_on_one_edge_walk_along_it() -> None:
    network = build_walk_network(draw({"a": (0, 0), "b": (300, 0)}, [("a b", ROAD)]), PROFILE)
    assert walk(network, (100, 10), (160, -20)) == pytest.approx(10 + 60 + 20)
    assert walk(network, (100, 0), (100, 0)) == 0.0


def test_two_places_on_one_long_edge_take_the_short_cut_round_it() -> None:
    nodes = {"a": (0, 0), "b": (10, 0), "c": (0, 500), "d": (10, 500), "x": (-50, 0), "y": (60, 0)}
    ways = [("a c d b", ROAD), ("a b", ROAD), ("x a", ROAD), ("b y", ROAD)]
    network = build_walk_network(draw(nodes, ways), PROFILE)
    assert walk(network, (0, 40), (10, 40)) == pytest.approx(40 + 10 + 40)


def test_a_loop_is_walked_the_shorter_way_round() -> None:
    nodes = {"x": (-100, 0), "a": (0, 0), "b": (100, 0), "c": (100, 100), "d": (0, 100)}
    network = build_walk_network(draw(nodes, [("x a", ROAD), ("a b c d a", ROAD)]), PROFILE)
    assert network.edge_count == 2
    assert walk(network, (-100, 0), (0, 50)) == pytest.approx(150)
    assert walk(network, (90, 0), (0, 90)) == pytest.approx(180)
    assert walk(network, (100, 20), (20, 100)) == pytest.approx(160)


def test_a_ring_without_a_junction_is_one_loop() -> None:
    nodes = {"a": (0, 0), "b": (100, 0), "c": (100, 100), "d": (0, 100)}
    network = build_walk_network(draw(nodes, [("a b c d a", ROAD)]), PROFILE)
    assert (network.node_count, network.edge_count) == (1, 1)
    assert walk(network, (0, 30), (30, 0)) == pytest.approx(60)


def test_of_parallel_edges_the_shorter_one_is_walked() -> None:
    nodes = {"x": (-100, 0), "a": (0, 0), "m": (50, 200), "b": (100, 0), "y": (200, 0)}
    network = build_walk_network(draw(nodes, [("x a", ROAD), ("a m b", ROAD), ("a b", ROAD), ("b y", ROAD)]), PROFILE)
    assert network.edge_count == 4
    assert walk(network, (-100, 0), (200, 0)) == pytest.approx(300)


def test_a_river_is_crossed_at_its_bridge() -> None:
    nodes = {"a": (0, 0), "b": (500, 0), "c": (0, 100), "d": (500, 100)}
    town = draw(nodes, [("a b", ROAD), ("c d", ROAD), ("b d", {"highway": "footway", "bridge": "yes"})])
    assert walk(build_walk_network(town, PROFILE), (0, 0), (0, 100)) == pytest.approx(1100)


def test_a_bridge_over_a_street_does_not_meet_it() -> None:
    nodes = {"a": (0, 0), "b": (200, 0), "c": (100, -100), "d": (100, 100), "e": (300, 0), "f": (300, 100)}
    ways = [("a b e f", ROAD), ("c d", {"highway": "footway", "bridge": "yes"}), ("d f", ROAD)]
    assert walk(build_walk_network(draw(nodes, ways), PROFILE), (0, 0), (100, -100)) == pytest.approx(800)


def test_steps_take_longer_than_they_are_long() -> None:
    nodes = {"a": (0, 0), "b": (66, 0), "c": (132, 0)}
    network = build_walk_network(draw(nodes, [("a b", ROAD), ("b c", {"highway": "steps"})]), PROFILE)
    times = travel_times(network, sites(s=(0, 0)), homes(h=(132, 0)))
    assert times["walk_s"].tolist() == pytest.approx([60 + 120])
    assert times["walk_m"].tolist() == pytest.approx([132])


def test_time_mode_goes_round_steps_where_distance_mode_takes_them() -> None:
    nodes = {"a": (0, 0), "b": (100, 0), "c": (100, 30), "d": (0, 30)}
    network = build_walk_network(draw(nodes, [("a b", {"highway": "steps"}), ("b c d a", ROAD)]), PROFILE)
    assert walk(network, (0, 0), (100, 0)) == pytest.approx(160)
    assert walk(network, (0, 0), (100, 0), mode="distance") == pytest.approx(100)


def test_an_escalator_carries_people_one_way_only() -> None:
    nodes = {"home": (0, 0), "a": (50, 0), "b": (100, 0), "site": (150, 0), "far": (75, 200)}
    moving = {"highway": "steps", "conveying": "forward"}
    ways = [("home a", ROAD), ("a b", moving), ("b site", ROAD), ("a far b", ROAD)]
    network = build_walk_network(draw(nodes, ways), PROFILE)
    detour = 100 + 2 * math.hypot(25, 200)
    assert walk(network, (150, 0), (0, 0), mode="distance") == pytest.approx(150)
    assert walk(network, (0, 0), (150, 0), mode="distance") == pytest.approx(detour)


def test_oneway_binds_cars_but_not_walkers() -> None:
    for tags, back in (
        ({"oneway": "yes"}, 100),
        ({"oneway:foot": "yes"}, math.inf),
        ({"foot:backward": "no"}, math.inf),
    ):
        network = build_walk_network(draw({"a": (0, 0), "b": (100, 0)}, [("a b", {**ROAD, **tags})]), PROFILE)
        assert walk(network, (100, 0), (0, 0)) == pytest.approx(100)
        assert walk(network, (0, 0), (100, 0)) == pytest.approx(back)


def test_a_lift_costs_its_ride() -> None:
    nodes = {"a": (0, 0), "lift": (66, 0), "b": (132, 0)}
    town = draw(nodes, [("a lift", ROAD), ("lift b", ROAD)], {"lift": {"highway": "elevator"}})
    times = travel_times(build_walk_network(town, PROFILE), sites(s=(0, 0)), homes(h=(132, 0)))
    assert times["walk_s"].tolist() == pytest.approx([120 + PROFILE.walking.elevator_s])
    nodes |= {"top": (66, 6.6)}
    town = draw(nodes, [("a lift", ROAD), ("lift top", {"highway": "elevator"}), ("top b", ROAD)])
    times = travel_times(build_walk_network(town, PROFILE), sites(s=(0, 0)), homes(h=(66, 6.6)))
    assert times["walk_s"].tolist() == pytest.approx([66 + PROFILE.walking.elevator_s])


def test_another_part_of_the_network_is_not_reached() -> None:
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (0, 300), "d": (300, 300)}
    network = build_walk_network(draw(nodes, [("a b", ROAD), ("c d", ROAD)]), PROFILE)
    assert network.component.max() == 1
    assert walk(network, (0, 0), (100, 300)) == math.inf


def test_rows_are_sorted_and_do_not_depend_on_the_order_of_the_input() -> None:
    town = grid_town()
    rng = np.random.default_rng(3)
    places = homes(**{f"h{i}": tuple(rng.uniform(0, 400, 2)) for i in range(60)})
    centres = sites(**{f"s{i}": tuple(rng.uniform(0, 400, 2)) for i in range(9)})
    network = build_walk_network(town, PROFILE)
    times = travel_times(network, centres, places)
    assert times.equals(times.sort_values(["origin_id", "destination_id"], ignore_index=True))
    for seed in (1, 2):
        shuffled = town.__class__(
            ways=town.ways.sample(frac=1, random_state=seed), points=town.points, areas=town.areas,
            outline=None, crs=town.crs, source="", dropped={},
        )  # fmt: skip
        again = travel_times(
            build_walk_network(shuffled, PROFILE),
            centres.sample(frac=1, random_state=seed),
            places.sample(frac=1, random_state=seed),
        )
        pd.testing.assert_frame_equal(times, again, check_exact=True)


def test_walks_of_a_town_without_one_way_streets_are_as_long_both_ways() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    rng = np.random.default_rng(4)
    for _ in range(10):
        one, two = tuple(rng.uniform(0, 400, 2)), tuple(rng.uniform(0, 400, 2))
        assert walk(network, one, two) == pytest.approx(walk(network, two, one))


def test_the_detour_is_metres_walked_over_the_straight_line() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    centre, places = sites(s=(0, 0)), homes(a=(300, 400), same=(0, 0))
    detour = measure_detour(travel_times(network, centre, places), centre, places)
    assert detour.iloc[0] == pytest.approx(1.4)
    assert math.isnan(detour.iloc[1])


@pytest.mark.parametrize("limit", ["5", True, [300.0]])
def test_a_limit_that_is_no_number_is_refused(limit: Any) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(InputError, match="needed a number of seconds"):
        travel_times(network, sites(s=(0, 0)), homes(h=(0, 0)), limit=limit)


@pytest.mark.parametrize("limit", [0.0, -5.0, math.nan])
def test_a_limit_that_is_not_above_zero_is_refused(limit: float) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(InputError, match="needed seconds above 0"):
        travel_times(network, sites(s=(0, 0)), homes(h=(0, 0)), limit=limit)


def test_places_must_be_points_in_the_same_metres_with_ids_of_their_own() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    site, home = sites(s=(0, 0)), homes(h=(0, 0))
    with pytest.raises(CrsError, match="metres"):
        travel_times(network, site.to_crs("OGC:CRS84"), home)
    with pytest.raises(TableError, match="more than one row"):
        travel_times(network, pd.concat([site, site]), home)
    with pytest.raises(TableError, match="site_id"):
        travel_times(network, home, home)
    with pytest.raises(TableError, match="Polygon"):
        travel_times(network, site.set_geometry(site.buffer(3)), home)
    with pytest.raises(InputError, match="mode"):
        travel_times(network, site, home, mode="fast")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "error", "sentence"),
    [
        (Point(math.nan, math.nan), InputError, r"site_id 'wild'; needed metres on the earth"),
        (Point(math.inf, 0), InputError, r"found POINT .* in site_id 'wild'"),
        (Point(1e300, 0), InputError, r"site_id 'wild'; needed metres on the earth"),
        (Point(), InputError, r"found POINT EMPTY in site_id 'wild'"),
        (None, TableError, r"found no geometry in site_id 'wild', needed a Point in every row"),
        (LineString([(0, 0), (1, 1)]), TableError, r"found LineString in site_id 'wild'"),
    ],
)
def test_a_place_that_is_none_is_named_by_its_id(place: Any, error: type[Exception], sentence: str) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    wild = sites(good=(0, 0), wild=(0, 0))
    wild = wild.set_geometry(gpd.GeoSeries([wild.geometry.iloc[0], place], index=wild.index, crs=wild.crs))
    with pytest.raises(error, match=sentence):
        travel_times(network, wild, homes(h=(0, 0)))
    with pytest.raises(error, match=sentence):
        build_isochrones(network, wild)


def test_degrees_among_metres_are_refused() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    site = sites(s=(0, 0))
    degrees = site.set_geometry(gpd.GeoSeries([Point(114.3, 30.6)], crs=site.crs))
    with pytest.raises(CrsError, match=r"POINT \(114\.3 30\.6\) in site_id 's', .* degrees; needed metres"):
        travel_times(network, degrees, homes(h=(0, 0)))


@pytest.mark.parametrize("missing", [None, math.nan, ""])
def test_an_id_that_is_missing_is_refused_with_its_row(missing: Any) -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    site = sites(a=(0, 0), b=(0, 0)).assign(site_id=pd.Series(["a", missing], dtype=object))
    with pytest.raises(TableError, match="site_id is empty in row 1"):
        travel_times(network, site, homes(h=(0, 0)))


def test_ids_are_text_whatever_they_were() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    two = sites(a=(0, 0), b=(0, 0))
    mixed = two.assign(site_id=pd.Series([5, "10"], dtype=object))
    assert travel_times(network, mixed, homes(h=(0, 0)))["origin_id"].tolist() == ["10", "5"]
    with pytest.raises(TableError, match="'5' stands in more than one row"):
        travel_times(network, two.assign(site_id=pd.Series([5, "5"], dtype=object)), homes(h=(0, 0)))
    for strange in ([(0, 0)], pd.DataFrame({"site_id": ["a"]})):
        with pytest.raises(TableError, match="needed a frame"):
            travel_times(network, strange, homes(h=(0, 0)))


def test_no_places_give_an_empty_table() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    for site, home in ((sites(), homes(h=(0, 0))), (sites(s=(0, 0)), homes())):
        times = require(travel_times(network, site, home), TRAVEL_TIMES)
        assert len(times) == 0
