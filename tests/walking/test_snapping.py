"""Places start at the nearest point of an edge's shape."""

import numpy as np
import pytest
import shapely

from spatial.errors import TableError
from spatial.io.profiles import read_profile
from spatial.walking.exchange import edge_lines
from spatial.walking.network import build_walk_network
from spatial.walking.snapping import ACROSS_WALL, INSIDE, ISLAND, STREET, describe_snaps, snap
from tests.walking.streets import draw, estates, gates, grid_town, homes

PROFILE = read_profile()
ROAD = {"highway": "residential"}


def test_a_place_snaps_to_the_shape_of_an_edge_not_to_its_ends() -> None:
    network = build_walk_network(draw({"a": (0, 0), "x": (100, 0), "b": (100, 100)}, [("a x b", ROAD)]), PROFILE)
    found = snap(network, homes(h=(110, 40)))
    assert network.edge_count == 1
    assert (found.offset_m.tolist(), found.access_m.tolist()) == ([140.0], [10.0])
    assert found.how.tolist() == [STREET]


def test_snaps_agree_with_the_distance_to_every_edge() -> None:
    network = build_walk_network(grid_town(6, 73.0), PROFILE)
    rng = np.random.default_rng(1)
    points = homes(**{f"h{i}": tuple(xy) for i, xy in enumerate(rng.uniform(-900, 1300, (300, 2)).tolist())})
    found = snap(network, points)
    lines = edge_lines(network).geometry.to_numpy()
    away = shapely.distance(points.geometry.to_numpy()[:, None], lines[None, :]).min(axis=1)
    assert found.access_m == pytest.approx(away)
    place = shapely.line_interpolate_point(lines[found.edge], found.offset_m)
    assert shapely.distance(place, points.geometry.to_numpy()) == pytest.approx(away)
    assert (found.far == (away > PROFILE.walking.max_access_m)).all()


def test_an_island_is_taken_only_where_the_main_part_is_much_farther() -> None:
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (0, 40), "d": (50, 40), "e": (0, 400), "f": (50, 400)}
    network = build_walk_network(draw(nodes, [("a b", ROAD), ("c d", ROAD), ("e f", ROAD)]), PROFILE)
    found = snap(network, homes(near=(20, 41), between=(20, 350), at=(20, 395)))
    assert found.how.tolist() == [STREET, ISLAND, ISLAND]
    assert found.access_m.tolist() == [41, 50, 5]
    assert snap(network, homes(half=(20, 250))).how.tolist() == [STREET]


def test_inside_a_gated_estate_only_its_own_paths_count() -> None:
    nodes = {"a": (-20, -20), "b": (220, -20), "in": (100, 0), "mid": (100, 100), "out": (100, -20)}
    town = draw(nodes, [("a out b", ROAD), ("out in mid", {"highway": "service"})])
    outline = estates(garden=[(0, 0), (200, 0), (200, 200), (0, 200)])
    found = snap(build_walk_network(town, PROFILE, estates=outline), homes(h=(180, 5), outside=(101, -9)))
    assert found.how.tolist() == [INSIDE, STREET]
    assert found.access_m.tolist() == [80, 1]


def test_an_estate_without_paths_and_gates_is_left_across_its_wall() -> None:
    town = draw({"a": (-20, -20), "b": (220, -20)}, [("a b", ROAD)])
    outline = estates(garden=[(0, 0), (200, 0), (200, 200), (0, 200)])
    found = snap(build_walk_network(town, PROFILE, estates=outline), homes(h=(100, 180)))
    assert (found.how.tolist(), found.access_m.tolist(), found.far.tolist()) == ([ACROSS_WALL], [200], [True])


def test_homes_and_households_are_counted_by_how_they_start() -> None:
    nodes = {"a": (-20, -20), "b": (420, -20), "in": (100, 0), "mid": (100, 100), "out": (100, -20)}
    town = draw({**nodes, "i": (0, 2000), "j": (50, 2000)}, [("a out b", ROAD), ("out in mid", ROAD), ("i j", ROAD)])
    box = [(0, 0), (120, 0), (120, 300), (0, 300)]
    outlines = estates(own=box, gate=[(x + 130, y) for x, y in box], wall=[(x + 260, y) for x, y in box])
    two = gates(open=((150, 0), "gate", "open"), shut=((200, 0), "gate", "closed"))
    flats = homes(inside=(90, 90), gate=(160, 20), wall=(300, 290), street=(50, -30), island=(20, 2001))
    demand = flats.assign(households=[1, 2, 4, 8, 16])
    told = describe_snaps(build_walk_network(town, PROFILE, gates=two, estates=outlines), demand)
    assert {name: n for name, n in told.items() if n and name.endswith("households")} == {
        "street: households": 8,
        "inside: households": 1,
        "own gate: households": 2,
        "across a wall: households": 4,
        "island: households": 16,
        "farther than the longest access walk: households": 4,
    }
    assert sum(n for name, n in told.items() if name.endswith("homes")) == 5 + 1
    shut = build_walk_network(town, PROFILE, gates=two.assign(access="closed"), estates=outlines)
    assert describe_snaps(shut, demand)["behind closed gates: homes"] == 1
    nowhere = build_walk_network(draw(nodes, [("in mid", ROAD)]), PROFILE, estates=outlines)
    assert describe_snaps(nowhere, demand)["nowhere: homes"] == 4


def test_places_in_another_system_are_refused() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(TableError, match="needed the same"):
        snap(network, homes(h=(0, 0)).to_crs("EPSG:32650"))
