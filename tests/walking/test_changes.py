"""What a closed gate and a new footbridge do to walks, and whose circles they change."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from spatial.errors import InputError, MissingError, TableError
from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking.changes import affected_sites, change_network
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.snapping import OWN_GATE, snap
from spatial.walking.travel import travel_times
from tests.real_data import real
from tests.walking.streets import X0, Y0, draw, estates, gates, grid_town, homes, sites
from tests.walking.test_gates import DRIVE, EAST, HOME, NODES, OUTLINE, ROAD, ROUND, STREET, WEST
from tests.walking.test_oracle import _compare
from tests.walking.test_travel import walk

PROFILE = read_profile()
PATHS = [("w wg mid eg e", DRIVE), ("mid yard", DRIVE)]
# Two rows of streets with a river between them; one bridge, at the left end.
BANKS = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "A": (0, 60), "B": (300, 60), "C": (600, 60)}
BANKS |= {"z": (-50, 0), "Z": (-50, 60)}
RIVER = [("z a b c", ROAD), ("Z A B C", ROAD), ("a A", ROAD)]


def line(*corners: tuple[float, float]) -> LineString:
    return LineString([(X0 + x, Y0 + y) for x, y in corners])


def _garden(west: str = "open", east: str = "private", paths: bool = True) -> WalkNetwork:
    table = gates(west=((0, 100), "garden", west), east=((200, 100), "garden", east))
    town = draw(NODES, [*STREET, *(PATHS if paths else [])])
    return build_walk_network(town, PROFILE, gates=table, estates=estates(garden=OUTLINE))


@pytest.mark.parametrize("access", ["open", "private"])
def test_a_closed_gate_lengthens_walks_and_opened_again_it_is_as_before(access: str) -> None:
    network = _garden(access)
    shut = change_network(network, close=["west"])
    assert walk(network, WEST, HOME) == pytest.approx(170)
    assert walk(shut, WEST, HOME) == pytest.approx(170 + ROUND)
    assert walk(shut, EAST, HOME) == pytest.approx(170)
    again = change_network(shut, reopen=["west"])
    assert walk(again, WEST, HOME) == pytest.approx(170)
    assert walk(again, WEST, EAST) == pytest.approx(ROUND)
    assert again.shut == {}


def test_the_network_that_is_changed_stays_as_it_is_and_lends_what_is_not_touched() -> None:
    network = _garden("private")
    shut = change_network(network, close=["west"])
    assert walk(network, WEST, HOME) == pytest.approx(170)
    for name in ("xy", "u", "shape_xy", "heads", "indptr", "private", "grid", "walls"):
        assert getattr(shut, name) is getattr(network, name)


def test_closing_every_gate_of_an_estate_without_paths_cuts_off_its_homes() -> None:
    network = _garden("open", "private", paths=False)
    assert snap(network, homes(h=HOME)).how.tolist() == [OWN_GATE, OWN_GATE]
    one = change_network(network, close=["west"])
    assert walk(one, WEST, HOME) == pytest.approx(20 + ROUND + math.hypot(100, 50))
    both = change_network(one, close=["east"])
    assert walk(both, WEST, HOME) == math.inf
    assert walk(both, (100, 100), HOME) == pytest.approx(50)
    assert walk(change_network(both, reopen=["west", "east"]), WEST, HOME) == pytest.approx(walk(network, WEST, HOME))


def test_a_gate_that_the_table_closes_can_be_opened() -> None:
    network = _garden("closed")
    assert walk(network, WEST, HOME) == pytest.approx(170 + ROUND)
    assert walk(change_network(network, reopen=["west"]), WEST, HOME) == pytest.approx(170)


def test_a_closed_junction_is_reached_but_not_passed() -> None:
    network = build_walk_network(grid_town(3), PROFILE)
    middle = f"node {network.node_id[np.hypot(*(network.xy - [X0 + 100, Y0 + 100]).T).argmin()]}"
    assert walk(network, (50, 100), (150, 100)) == pytest.approx(100)
    shut = change_network(network, close=[middle])
    assert walk(shut, (50, 100), (150, 100)) == pytest.approx(50 + 100 + 200 + 100 + 50)
    assert walk(shut, (50, 100), (90, 100)) == pytest.approx(40)
    assert walk(change_network(shut, reopen=[middle]), (50, 100), (150, 100)) == pytest.approx(100)


def test_a_closed_edge_is_walked_no_more() -> None:
    network = build_walk_network(draw(BANKS, RIVER), PROFILE)
    bridge = int(np.flatnonzero(network.xy[network.u, 1] != network.xy[network.v, 1])[0])
    shut = change_network(network, close=[f"edge {bridge}"])
    assert walk(network, (0, 0), (0, 60)) == pytest.approx(60)
    assert walk(shut, (10, 0), (10, 60)) == math.inf


def test_a_footbridge_is_walked_from_street_to_street() -> None:
    network = build_walk_network(draw(BANKS, RIVER), PROFILE)
    assert walk(network, (450, 0), (450, 60)) == pytest.approx(960)
    bridged = change_network(network, add=[line((450, 5), (450, 55))])
    assert walk(bridged, (450, 0), (450, 60)) == pytest.approx(60)
    assert walk(bridged, (400, 0), (500, 60)) == pytest.approx(160)
    assert walk(bridged, (100, 0), (100, 60)) == pytest.approx(260)
    assert bridged.synthetic.sum() == network.synthetic.sum() + 1
    # the nearest street of a home under the bridge stays its street
    assert snap(bridged, homes(h=(450, 25))).access_m.tolist() == [25.0]


def test_a_footbridge_with_a_bend_is_as_long_as_it_is_drawn() -> None:
    network = build_walk_network(draw(BANKS, RIVER), PROFILE)
    bent = change_network(network, add=[line((450, 0), (450, 30), (490, 30), (490, 60))])
    assert walk(bent, (450, 0), (490, 60)) == pytest.approx(100)


def test_several_bridges_may_end_on_one_street() -> None:
    network = build_walk_network(draw(BANKS, RIVER), PROFILE)
    lines = [line((x, 0), (x, 60)) for x in (550, 150, 350, 300)]
    bridged = change_network(network, add=lines)
    for x in (150, 300, 350, 550):
        assert walk(bridged, (x, 0), (x, 60)) == pytest.approx(60)
    assert walk(bridged, (450, 0), (450, 60)) == pytest.approx(260)
    assert bridged.length_m[~bridged.synthetic].sum() == pytest.approx(network.length_m.sum())
    ends = bridged.shape_xy[bridged.shape_ptr[:-1]], bridged.shape_xy[bridged.shape_ptr[1:] - 1]
    assert ends[0] == pytest.approx(bridged.xy[bridged.u])
    assert ends[1] == pytest.approx(bridged.xy[bridged.v])
    assert bridged.shape_m[bridged.shape_ptr[1:] - 1] == pytest.approx(bridged.length_m)
    assert (bridged.shape_m[bridged.shape_ptr[:-1]] == 0).all()


def test_a_new_gate_in_a_wall_is_a_line_from_the_path_inside_to_the_street() -> None:
    nodes = {**NODES, "low": (100, 20)}
    network = build_walk_network(
        draw(nodes, [*STREET, *PATHS, ("mid low", DRIVE)]), PROFILE, estates=estates(garden=OUTLINE)
    )
    opened = change_network(network, add=[line((100, 18), (100, -18))])
    assert walk(network, (100, -20), HOME) > 300
    assert walk(opened, (100, -20), HOME) == pytest.approx(170)


def test_an_island_that_a_bridge_joins_is_reached_and_moves_nobodys_door() -> None:
    nodes = {**BANKS, "x": (900, 0), "y": (900, 60)}
    network = build_walk_network(draw(nodes, [*RIVER, ("x y", ROAD)]), PROFILE)
    joined = change_network(network, add=[line((600, 0), (900, 0))])
    places = homes(h=(890, 30), g=(610, 30))
    assert walk(network, (600, 0), (900, 30)) == math.inf
    assert walk(joined, (600, 0), (900, 30)) == pytest.approx(330)
    for name in ("edge", "offset_m", "access_m"):
        assert getattr(snap(joined, places), name).tolist() == getattr(snap(network, places), name).tolist()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"close": ["north"]}, MissingError, "found 'north', needed the id of a gate"),
        ({"close": ["edge 99999"]}, MissingError, "'edge N' below"),
        ({"close": ["node x"]}, MissingError, "'node x'"),
        ({"reopen": ["west"]}, InputError, "'west' is not closed"),
        ({"add": [line((-20, 0), (5000, 0))]}, InputError, "line 0: needed a street within 50 m of its end"),
        ({"add": [line((100, -20), (20, 20))]}, InputError, "line 0: needed closed estate 'garden': a path of it"),
        ({"add": [line((0, -20), (0, -20.001), (0, -20))]}, InputError, "both ends are joined to one place"),
        ({"add": [shapely.Point(0, 0)]}, TableError, "line 0: found Point, needed LineString"),
        ({"add": [LineString()]}, InputError, "empty or no number"),
        ({"add": line((0, 0), (0, 60))}, TableError, "add: found one LineString, needed a list"),
        ({"add": shapely.MultiLineString()}, TableError, "add: found one MultiLineString, needed a list"),
        ({"add": 5}, TableError, "add: found one int, needed a list"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        change_network(_garden(), **options)


def test_only_sites_that_reach_the_change_are_affected() -> None:
    network = build_walk_network(draw(BANKS, RIVER), PROFILE)
    bridged = change_network(network, add=[line((600, 0), (600, 60))])
    places = sites(near=(500, 0), far=(100, 0), over=(590, 60))
    found = affected_sites(network, bridged, places, limit=150.0, mode="distance")
    assert found.tolist() == [True, False, True]
    assert affected_sites(network, network, places).tolist() == [False] * 3


SPOTS = [f"n{i}" for i in range(18)]


@st.composite
def _towns(pick: Any) -> tuple[WalkNetwork, list[str], list[LineString]]:
    place = st.tuples(st.integers(0, 400), st.integers(0, 400))
    nodes = dict(zip(SPOTS, pick(st.lists(place, min_size=18, max_size=18, unique=True)), strict=True))
    kinds = [{"highway": "residential"}, {"highway": "service", "access": "private"}, {"highway": "steps"}]
    kinds.append({"highway": "footway", "oneway:foot": "yes"})
    way = st.tuples(st.lists(st.sampled_from(SPOTS), min_size=2, max_size=5, unique=True), st.sampled_from(kinds))
    ways = [(" ".join(names), kind) for names, kind in pick(st.lists(way, min_size=5, max_size=14))]
    ways.append(("n0 n1 n2 n3", ROAD))
    guard = {"barrier": "gate", "access": pick(st.sampled_from(["private", "no", "yes"]))}
    network = build_walk_network(draw(nodes, ways, {"n1": guard, "n4": guard}), PROFILE)
    names = [f"node {n}" for n in network.node_id if n > 0] + [f"edge {e}" for e in range(network.edge_count)]
    close = pick(st.lists(st.sampled_from(names), max_size=4, unique=True))
    edge = st.integers(0, network.edge_count - 1)
    lines = []
    for e, f, share in pick(st.lists(st.tuples(edge, edge, st.floats(0.1, 0.9)), max_size=3)):
        ends = [_middle(network, e, share), _middle(network, f, 1 - share)]
        if math.dist(*ends) > 1 and not network.synthetic[[e, f]].any():
            lines.append(LineString(ends))
    return network, close, lines


def _middle(network: WalkNetwork, e: int, share: float) -> tuple[float, float]:
    shape = shapely.LineString(network.shape_xy[network.shape_ptr[e] : network.shape_ptr[e + 1]])
    point = shape.interpolate(share, normalized=True)
    return point.x, point.y


PLACES = {
    f"p{i}": (float(x), float(y)) for i, (x, y) in enumerate([(0, 0), (400, 50), (200, 200), (90, 310), (330, 390)])
}


def _times(network: WalkNetwork, allowed: str) -> Any:
    places = sites(**PLACES), homes(**PLACES)
    found = travel_times(network, *places, limit=math.inf, gates=allowed)  # type: ignore[arg-type]
    return found.set_index(["origin_id", "destination_id"])["walk_s"]


@settings(max_examples=25, deadline=None)
@given(town=_towns(), allowed=st.sampled_from(["open", "closed"]))
def test_adding_lengthens_no_walk_closing_shortens_none_and_reopening_restores(town: Any, allowed: str) -> None:
    network, close, lines = town
    base = _times(network, allowed)
    shut = change_network(network, close=close)
    after = _times(shut, allowed)
    assert set(after.index) <= set(base.index)
    assert (after - base.reindex(after.index)).min() > -1e-6 or after.empty
    again = _times(change_network(shut, reopen=[n for n in close if _is_shut(shut, n)]), allowed)
    pd.testing.assert_series_equal(again, base)
    added = _times(_change(network, add=lines), allowed)
    assert set(base.index) <= set(added.index)
    assert (base - added.reindex(base.index)).min() > -1e-6 or base.empty


def _change(network: WalkNetwork, **options: Any) -> WalkNetwork:
    """Return the changed network; a line that leads from a place to itself is no example."""
    try:
        return change_network(network, **options)
    except InputError as error:
        if "joined to one place" not in str(error):
            raise
        reject()


def _is_shut(network: WalkNetwork, name: str) -> bool:
    kind, number = name.split()
    if kind == "edge":
        return int(number) in network.shut
    node = int(np.flatnonzero(network.node_id == int(number))[0])
    return any(int(e) in network.shut for e in network.arc_edge[network.indptr[node] : network.indptr[node + 1]])


@settings(max_examples=15, deadline=None)
@given(town=_towns(), allowed=st.sampled_from(["open", "closed"]))
def test_the_oracle_agrees_on_changed_towns(town: Any, allowed: str) -> None:
    network, close, lines = town
    changed = _change(network, close=close, add=lines)
    for mode, limit in (("time", 400.0), ("distance", 5000.0)):
        _compare(changed, sites(**PLACES), homes(**PLACES), limit, mode, allowed)


@settings(max_examples=15, deadline=None)
@given(town=_towns(), limit=st.sampled_from([60.0, 150.0, 400.0]))
def test_the_circle_of_a_site_that_is_not_affected_is_the_same(town: Any, limit: float) -> None:
    network, close, lines = town
    changed = _change(network, close=close, add=lines)
    from spatial.walking.isochrones import build_isochrones

    places = sites(**PLACES)
    flags = affected_sites(network, changed, places, limit=limit, mode="distance")
    still = places[~flags.to_numpy()]
    if len(still):
        how: Any = {"limits": [limit], "mode": "distance"}
        circles = [build_isochrones(net, still, **how).geometry for net in (network, changed)]
        assert shapely.hausdorff_distance(*(np.asarray(c.array) for c in circles)).max() < 0.5  # m, of the raster


@settings(max_examples=12, deadline=None)
@given(town=_towns(), limit=st.sampled_from([150.0, 400.0]))
def test_closing_enlarges_no_circle_beyond_what_outlines_are_drawn_to(town: Any, limit: float) -> None:
    network, close, _ = town
    from spatial.walking.isochrones import build_isochrones

    how: Any = {"limits": [limit], "mode": "distance"}
    nets = (network, _change(network, close=close))
    before, after = (np.asarray(build_isochrones(net, sites(**PLACES), **how).geometry.array) for net in nets)
    moved_m = 1.5 * network.rules.circle_tolerance_m
    assert shapely.covers(shapely.buffer(before, moved_m), after).all()


@pytest.mark.real
def test_a_footbridge_in_porto_alegre_changes_few_circles_and_lengthens_no_walk() -> None:
    network = build_walk_network(read_osm(real("porto-alegre/poa.osm.pbf")), PROFILE)
    rng = np.random.default_rng(3)
    rows = rng.choice(network.edge_count, 300, replace=False)
    spots = network.shape_xy[network.shape_ptr[rows]] - [X0, Y0]
    places = {f"s{i}": (float(x), float(y)) for i, (x, y) in enumerate(spots)}
    town = sites(**places).set_crs(network.crs, allow_override=True)
    flats = homes(**places).set_crs(network.crs, allow_override=True)
    before = travel_times(network, town, flats).set_index(["origin_id", "destination_id"])
    saved = before["walk_m"] - [math.dist(places[i], places[j]) for i, j in before.index]
    one, other = saved.idxmax()  # the pair with the longest way round: a footbridge joins them
    bridge = LineString([(X0 + x, Y0 + y) for x, y in (places[one], places[other])])
    changed = change_network(network, add=[bridge])
    flags = affected_sites(network, changed, town)
    assert 0 < flags.sum() < len(town) / 2
    after = travel_times(changed, town, flats).set_index(["origin_id", "destination_id"])
    assert set(before.index) <= set(after.index)
    shorter = before["walk_s"] - after["walk_s"].reindex(before.index)
    assert shorter.min() > -1e-6
    assert shorter[one, other] == pytest.approx(saved.max() / network.m_per_s, abs=1e-3)
    moved = set(before.index[shorter > 1e-6].get_level_values(0))
    assert moved <= set(town["site_id"][flags])
