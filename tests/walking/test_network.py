"""Which ways are walked, and how they become nodes and edges."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import shapely

from spatial.errors import CrsError, InputError
from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking.exchange import edge_lines, street_corners, to_networkx
from spatial.walking.network import build_walk_network
from tests.real_data import real
from tests.walking.streets import draw, grid_town
from tests.walking.test_travel import walk

PROFILE = read_profile()
ROAD = {"highway": "residential"}


@pytest.mark.parametrize(
    ("tags", "walked"),
    [
        ({"highway": "footway"}, True),
        ({"highway": "primary"}, True),
        ({"highway": "cycleway"}, True),
        ({"highway": "cycleway", "foot": "no"}, False),
        ({"highway": "motorway"}, False),
        ({"highway": "motorway_link", "foot": "yes"}, True),
        ({"highway": "construction"}, False),
        ({"highway": "proposed"}, False),
        ({"highway": "raceway"}, False),
        ({"highway": "residential", "access": "no"}, False),
        ({"highway": "residential", "access": "no", "foot": "yes"}, True),
        ({"highway": "residential", "access": "yes", "foot": "no"}, False),
        ({"highway": "tertiary", "foot": "use_sidepath"}, False),
        ({"highway": "service", "motor_vehicle": "private"}, True),
        ({"railway": "platform"}, True),
        ({"waterway": "river"}, False),
    ],
)
def test_the_most_specific_key_says_whether_a_way_is_walked(tags: dict[str, str], walked: bool) -> None:
    town = draw({"a": (0, 0), "b": (99, 0), "c": (0, 9), "d": (99, 9)}, [("a b", ROAD), ("c d", tags)])
    network = build_walk_network(town, PROFILE)
    assert network.edge_count == (2 if walked else 1)


@pytest.mark.parametrize(
    ("tags", "private"),
    [
        ({"access": "private"}, True),
        ({"access": "private", "foot": "yes"}, False),
        ({"foot": "private"}, True),
        ({"access": "residents"}, True),
        ({"access": "destination"}, True),
        ({"access": "private;customers"}, True),
        ({"access": "no;yes"}, False),
        ({"access": "something new"}, False),
    ],
)
def test_ways_for_residents_are_a_class_of_their_own(tags: dict[str, str], private: bool) -> None:
    ways = [("a b", ROAD), ("b c", {"highway": "service", **tags})]
    network = build_walk_network(draw({"a": (0, 0), "b": (99, 0), "c": (150, 0)}, ways), PROFILE)
    assert network.private.any() == private


def test_what_is_left_out_is_counted_by_reason() -> None:
    nodes = {"a": (0, 0), "b": (99, 0)}
    kinds = ["residential", "motorway", "construction", "raceway"]
    town = draw(nodes, [("a b", {"highway": kind}) for kind in kinds] + [("a b", {**ROAD, "foot": "no"})])
    report = build_walk_network(town, PROFILE).report
    assert report["left out: motorway without foot=yes"] == 1
    assert report["left out: not built or gone"] == 1
    assert report["left out: kind of way that is not walked"] == 1
    assert report["left out: closed to walkers"] == 1


def test_vertices_without_a_junction_become_shape() -> None:
    nodes = {"a": (0, 0), "x": (30, 40), "b": (60, 0), "c": (60, 100)}
    network = build_walk_network(draw(nodes, [("a x", ROAD), ("b x", ROAD), ("b c", ROAD)]), PROFILE)
    assert (network.node_count, network.edge_count) == (2, 1)
    assert network.length_m.tolist() == [200.0]
    assert network.shape_m.tolist() == [0.0, 50.0, 100.0, 200.0]


def test_a_change_of_class_or_pace_ends_an_edge() -> None:
    nodes = {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0)}
    ways = [("a b", ROAD), ("b c", {"highway": "steps"}), ("c d", {**ROAD, "access": "private"})]
    network = build_walk_network(draw(nodes, ways), PROFILE)
    assert network.edge_count == 3
    assert (network.steps.sum(), network.private.sum()) == (1, 1)


def test_sidewalks_mapped_apart_keep_their_carriageway_with_a_flag() -> None:
    ways = [("a b", {**ROAD, "sidewalk": "separate"}), ("b c", {**ROAD, "sidewalk:left": "separate"}), ("c d", ROAD)]
    nodes = {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0)}
    network = build_walk_network(draw(nodes, ways), PROFILE)
    assert network.separate.tolist() == [True, False]
    assert network.length_m.tolist() == [200.0, 100.0]


SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
PLAZA = {"highway": "pedestrian", "area": "yes"}


def test_a_square_is_crossed_in_a_straight_line() -> None:
    nodes = {"a": (-50, 0), "p": (0, 0), "q": (100, 100), "b": (150, 100)}
    town = draw(nodes, [("a p", ROAD), ("q b", ROAD)], areas=[(SQUARE, PLAZA)])
    network = build_walk_network(town, PROFILE)
    assert network.report["squares with sight lines"] == 1
    assert walk(network, (-50, 0), (150, 100)) == pytest.approx(100 + np.hypot(100, 100))


def test_a_square_drawn_as_a_closed_way_is_crossed_too_and_only_once() -> None:
    nodes = {"a": (-50, 0), "p": (0, 0), "s": (100, 0), "q": (100, 100), "t": (0, 100), "b": (150, 100)}
    ways = [("a p", ROAD), ("q b", ROAD), ("p s q t p", PLAZA)]
    for areas in ([], [(SQUARE, PLAZA)]):
        network = build_walk_network(draw(nodes, ways, areas=areas), PROFILE)
        assert network.report["squares"] == 1
        assert walk(network, (-50, 0), (150, 100)) == pytest.approx(100 + np.hypot(100, 100))


def test_a_hole_in_a_square_is_walked_around() -> None:
    nodes = {"a": (-50, 50), "p": (0, 50), "q": (100, 50), "b": (150, 50)}
    town = draw(nodes, [("a p", ROAD), ("q b", ROAD)])
    ring = [(0, 0), (100, 0), (100, 50), (100, 100), (0, 100), (0, 50)]
    pond = [(40, 30), (60, 30), (60, 70), (40, 70)]
    place = lambda corners: [(500_000 + x, 3_380_000 + y) for x, y in corners]  # noqa: E731
    base = draw(nodes, [("a p", ROAD)], areas=[(ring, PLAZA)]).areas
    areas = base.set_geometry([shapely.Polygon(place(ring), [place(pond)])], crs=base.crs)
    values = {f.name: getattr(town, f.name) for f in fields(town)} | {"areas": areas}
    network = build_walk_network(type(town)(**values), PROFILE)
    assert walk(network, (-50, 50), (150, 50)) == pytest.approx(100 + 2 * np.hypot(40, 20) + 20)


def test_arcs_and_edges_say_the_same() -> None:
    network = build_walk_network(grid_town(4), PROFILE)
    assert network.indptr[-1] == 2 * network.edge_count == len(network.heads)
    tail = np.repeat(np.arange(network.node_count), np.diff(network.indptr))
    e = network.arc_edge
    assert (np.where(network.arc_forward, network.u[e], network.v[e]) == tail).all()
    assert (np.where(network.arc_forward, network.v[e], network.u[e]) == network.heads).all()
    assert (network.arc_s == np.where(network.arc_forward, network.seconds_uv[e], network.seconds_vu[e])).all()
    assert (network.private_start == network.indptr[1:]).all()


def test_corners_are_where_three_public_streets_of_the_main_part_meet() -> None:
    nodes = {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (100, 100), "e": (300, 0), "f": (200, 50), "g": (200, -50)}
    nodes |= {"x": (900, 0), "y": (950, 0), "z": (900, 50), "w": (850, 0)}
    ways = [("a b c e", ROAD), ("b d", ROAD), ("c f", {**ROAD, "access": "private"}), ("w x y", ROAD), ("x z", ROAD)]
    corners = street_corners(build_walk_network(draw(nodes, ways), PROFILE))
    assert corners["corner_id"].tolist() == ["corner-2"]
    assert list(corners.geometry.iloc[0].coords) == [(500_100.0, 3_380_000.0)]


def test_the_exchange_form_keeps_parallel_edges_loops_and_directions() -> None:
    nodes = {"x": (-9, 0), "a": (0, 0), "m": (50, 20), "b": (100, 0), "l": (150, 9), "k": (150, -9)}
    ways = [("x a", ROAD), ("a m b", ROAD), ("a b", {**ROAD, "oneway:foot": "yes"}), ("b l k b", ROAD)]
    network = build_walk_network(draw(nodes, ways), PROFILE)
    graph = to_networkx(network)
    assert graph.number_of_edges() == 2 * network.edge_count - 1
    assert edge_lines(network).length.to_numpy() == pytest.approx(network.length_m)


def test_a_map_without_a_walkable_way_is_refused() -> None:
    town = draw({"a": (0, 0), "b": (9, 0)}, [("a b", {"waterway": "river"})])
    with pytest.raises(InputError, match="no way that can be walked in drawn by hand"):
        build_walk_network(town, PROFILE)


def _changed(town: Any, **values: Any) -> Any:
    return type(town)(**({f.name: getattr(town, f.name) for f in fields(town)} | values))


def test_a_broken_map_is_refused_with_the_way() -> None:
    town = grid_town(2)
    with pytest.raises(CrsError):
        build_walk_network(_changed(town, crs=None), PROFILE)
    ways = town.ways.assign(nodes=[nodes[:-1] if i == 1 else nodes for i, nodes in enumerate(town.ways["nodes"])])
    with pytest.raises(InputError, match="way 2 has 1 nodes and 2 vertices"):
        build_walk_network(_changed(town, ways=ways), PROFILE)
    with np.errstate(invalid="ignore"):
        broken = shapely.LineString([(0, 0), (np.nan, 1)])
    lines = town.ways.set_geometry([broken, *town.ways.geometry.iloc[1:]])
    with pytest.raises(InputError, match="way 1 has a coordinate that is no number"):
        build_walk_network(_changed(town, ways=lines.set_crs(town.crs, allow_override=True)), PROFILE)


@pytest.mark.real
def test_helsinki_and_porto_alegre_become_one_large_part() -> None:
    for name in ("helsinki/helsinki.osm.pbf", "porto-alegre/poa.osm.pbf"):
        network = build_walk_network(read_osm(real(name)), PROFILE)
        main = network.component[network.u] == 0
        assert network.length_m[main].sum() > 0.95 * network.length_m.sum()
        assert (network.length_m >= 0).all()
        assert np.isfinite(np.minimum(network.seconds_uv, network.seconds_vu)).all()
