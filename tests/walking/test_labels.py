"""Labels of nodes, whatever the scratch, the workers and the limit."""

import os
from collections import deque
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io.profiles import read_profile
from spatial.walking.exchange import to_networkx
from spatial.walking.labels import Labels, reach_nodes
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.search import Mode, borrow_work, build_graph
from spatial.walking.travel import travel_times
from tests.walking.streets import X0, Y0, draw, grid_town, homes, sites

PROFILE = read_profile()
ROAD = {"highway": "residential"}


def _tangle(seed: int, kinds: list[dict[str, str]]) -> WalkNetwork:
    rng = np.random.default_rng(seed)
    nodes = {f"n{i}": tuple(rng.uniform(0, 500, 2)) for i in range(30)}
    ways = [(" ".join(f"n{i}" for i in rng.choice(30, 4, replace=False)), kinds[i % len(kinds)]) for i in range(25)]
    return build_walk_network(draw(nodes, ways), PROFILE)


def _as_dict(network: WalkNetwork, labels: Labels, site: int) -> dict[int, tuple[float, float]]:
    rows = slice(labels.start[site], labels.start[site + 1])
    columns = (network.node_id[labels.node[rows]], labels.walk_s[rows], labels.walk_m[rows])
    return {int(node): (s, m) for node, s, m in zip(*columns, strict=True)}


def test_corners_of_a_street_grid_are_as_far_as_one_counts() -> None:
    network = build_walk_network(grid_town(3), PROFILE)
    labels = reach_nodes(network, sites(s=(100, 100), t=(200, 200)), limit=150.0, mode="distance")
    found = {
        tuple((network.xy[node] - (X0, Y0)).round().astype(int).tolist()): round(metres, 6)
        for node, metres in zip(labels.node[: labels.start[1]], labels.walk_m, strict=False)
    }
    assert found == {(100, 100): 0.0, (100, 0): 100.0, (0, 100): 100.0, (200, 100): 100.0, (100, 200): 100.0}
    assert np.diff(labels.start).tolist() == [5, 2]
    assert labels.walk_s == pytest.approx(labels.walk_m / PROFILE.walking.adult_m_per_s)


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_those_of_networkx_where_everything_is_public(seed: int) -> None:
    network = _tangle(seed, [ROAD, {"highway": "steps"}, {"highway": "footway", "oneway:foot": "yes"}])
    start = int(np.argmax(np.bincount(network.u[network.component[network.u] == 0])))
    place = sites(s=tuple(network.xy[start] - (X0, Y0)))
    graph = to_networkx(network).reverse()
    for mode, weight in (("time", "seconds"), ("distance", "metres")):
        want = nx.single_source_dijkstra_path_length(graph, start, cutoff=400.0, weight=weight)
        labels = reach_nodes(network, place, limit=400.0, mode=mode)  # type: ignore[arg-type]
        got = dict(zip(labels.node.tolist(), labels.walk_s if mode == "time" else labels.walk_m, strict=True))
        assert got == pytest.approx(want, abs=1e-6)
        assert len(want) > 5


def test_of_equally_fast_walks_the_shorter_one_is_told() -> None:
    """Steps take twice the time of their length: 100 m of them take as long as 200 m of street."""
    nodes = {"a": (0, 0), "b": (100, 0), "c": (100, 50), "d": (0, 50)}
    network = build_walk_network(draw(nodes, [("a b", {"highway": "steps"}), ("a d c b", ROAD)]), PROFILE)
    times = travel_times(network, sites(s=(0, 0)), homes(h=(100, 0)))
    assert times["walk_m"].tolist() == pytest.approx([100.0])
    assert times["walk_s"].tolist() == pytest.approx([200.0 / PROFILE.walking.adult_m_per_s])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), low=st.floats(1.0, 900.0), more=st.floats(0.0, 900.0))
def test_a_larger_limit_reaches_the_same_nodes_as_soon_and_maybe_more(seed: int, low: float, more: float) -> None:
    network = _tangle(seed % 7, [ROAD, {"highway": "service", "access": "private"}])
    place = sites(s=tuple(np.random.default_rng(seed).uniform(0, 500, 2)))
    near = _as_dict(network, reach_nodes(network, place, limit=low), 0)
    far = _as_dict(network, reach_nodes(network, place, limit=low + more), 0)
    assert near == {node: label for node, label in far.items() if label[0] <= low + 1e-6}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_walks_are_as_long_both_ways_where_nothing_is_one_way(seed: int) -> None:
    """Between places on private ground too, where residents of both ends may pass."""
    network = _tangle(seed % 7, [ROAD, {"highway": "service", "access": "private"}, {"highway": "steps"}])
    rng = np.random.default_rng(seed)
    places = {f"p{i}": tuple(rng.uniform(0, 500, 2)) for i in range(8)}
    times = travel_times(network, sites(**places), homes(**places), limit=np.inf)
    walk = times.set_index(["origin_id", "destination_id"])["walk_s"]
    back = walk.swaplevel().reindex(walk.index)
    assert walk.to_numpy() == pytest.approx(back.to_numpy(), abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_one_more_street_lengthens_no_walk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = {f"n{i}": tuple(rng.uniform(0, 500, 2)) for i in range(20)}
    ways = [(" ".join(nodes), ROAD), *((" ".join(rng.choice(list(nodes), 3, replace=False)), ROAD) for _ in range(8))]
    extra = " ".join(rng.choice(list(nodes), 2, replace=False))
    walks = []
    for drawn in (ways, [*ways, (extra, ROAD)]):
        network = build_walk_network(draw(nodes, drawn), PROFILE)
        places = sites(s=nodes["n0"]), homes(**nodes)
        walks.append(travel_times(network, *places, limit=np.inf, mode="distance").set_index("destination_id"))
    assert len(walks[0]) == len(walks[1]) == 20
    assert (walks[1]["walk_m"] <= walks[0]["walk_m"] + 1e-6).all()


def test_labels_are_the_same_bytes_for_any_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _tangle(3, [ROAD, {"highway": "service", "access": "private"}])
    rng = np.random.default_rng(1)
    places = sites(**{f"s{i}": tuple(rng.uniform(0, 500, 2)) for i in range(41)})
    found = []
    for workers in (1, 2, 7):
        monkeypatch.setattr(os, "cpu_count", lambda workers=workers: workers)
        labels = reach_nodes(network, places)
        columns = (labels.start, labels.node, labels.walk_s, labels.walk_m)
        found.append([column.tobytes() for column in columns])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("limit", [400.0, np.inf])
@pytest.mark.parametrize("step", [0.0, 1.0, 1e9])
def test_labels_are_the_same_with_hardly_room_and_for_any_step(
    limit: float, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then those that wait are listed anew, again and again; with no step one cost is searched at a time, with a wide
    one everything in the order in which labels fall."""
    network = _tangle(4, [ROAD, {"highway": "steps"}, {"highway": "service", "access": "private"}])
    place = sites(s=(250, 250), t=(10, 480))
    want = reach_nodes(network, place, limit=limit)
    graph = replace(build_graph(network, "time"), step=step, spare=deque())
    most = int(np.diff(graph.ptr).max())
    for _ in range(8):
        *labels, _, _, offers = borrow_work(graph)
        room = len(graph.node) + most
        graph.spare.append((*labels, np.empty(room, np.int32), np.empty(room, np.int32), offers[: most + 1]))
        graph.spare.rotate(-1)
    monkeypatch.setattr("spatial.walking.labels.build_graph", lambda network, mode: graph)
    got = reach_nodes(network, place, limit=limit)
    for site in (0, 1):
        assert _as_dict(network, got, site) == _as_dict(network, want, site)


def test_room_grows_where_later_sites_reach_more_than_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sites stand on a street of their own, and a block holds the labels of a few sites at most."""
    monkeypatch.setattr("spatial.walking.labels._BLOCK_ROWS", 30)
    monkeypatch.setattr("spatial.walking.labels._ROUND_ROWS", 60)
    monkeypatch.setattr("spatial.walking.labels._FEWEST_SITES", 3)
    nodes = {f"{x} {y}".replace(" ", "_"): (100.0 * x, 100.0 * y) for x in range(5) for y in range(5)}
    rows = [(" ".join(f"{x}_{y}" for x in range(5)), ROAD) for y in range(5)]
    columns = [(" ".join(f"{x}_{y}" for y in range(5)), ROAD) for x in range(5)]
    nodes |= {"far": (0.0, 5000.0), "end": (100.0, 5000.0)}
    network = build_walk_network(draw(nodes, [*rows, *columns, ("far end", ROAD)]), PROFILE)
    lone, many = {f"a{i}": (0.0, 5000.0) for i in range(6)}, {f"b{i}": (100.0 * (i % 5), 200.0) for i in range(20)}
    labels = reach_nodes(network, sites(**lone, **many), limit=1000.0)
    assert np.diff(labels.start).tolist() == [2] * 6 + [21] * 20  # the four corners are no junctions
    for site in range(6, 26):
        assert len(_as_dict(network, labels, site)) == 21
        assert labels.walk_m[labels.start[site] :].min() == pytest.approx(0.0, abs=1e-6)


def test_labels_do_not_depend_on_where_the_sites_of_the_same_call_lie() -> None:
    """Sites are searched in the order in which they lie, and told in that of the input."""
    network = _tangle(6, [ROAD, {"highway": "service", "access": "private"}])
    rng = np.random.default_rng(2)
    places = sites(**{f"s{i}": tuple(rng.uniform(0, 500, 2)) for i in range(60)})
    labels = reach_nodes(network, places, limit=300.0)
    for site in range(60):
        alone = reach_nodes(network, places.iloc[[site]], limit=300.0)
        rows = slice(labels.start[site], labels.start[site + 1])
        assert labels.node[rows].tobytes() == alone.node.tobytes()
        assert labels.walk_s[rows].tobytes() == alone.walk_s.tobytes()
        assert labels.walk_m[rows].tobytes() == alone.walk_m.tobytes()


def test_scratch_is_used_again_and_left_without_labels() -> None:
    network = _tangle(5, [ROAD, {"highway": "service", "access": "private"}])
    graph = build_graph(network, "time")
    graph.spare.clear()
    reach_nodes(network, sites(s=(250, 250)))
    travel_times(network, sites(s=(250, 250)), homes(h=(100, 100)))
    (scratch,) = graph.spare
    assert all(np.isinf(labels["cost"]).all() and not labels["waits"].any() for labels in scratch[:2])
    assert build_graph(network, "time") is graph


@pytest.mark.parametrize(("name", "value"), [("length_m", np.nan), ("seconds_uv", -1.0), ("seconds_vu", np.nan)])
def test_a_network_with_impossible_lengths_or_times_is_refused_by_name(name: str, value: float) -> None:
    network = build_walk_network(grid_town(3), PROFILE)
    values = getattr(network, name).copy()
    values[2] = value
    with pytest.raises(InputError, match=f"edge 2 between the nodes .* has {name} {value}"):
        reach_nodes(replace(network, **{name: values}), sites(s=(0, 0)))


@pytest.mark.parametrize(("name", "value"), [("arc_m", -5.0), ("arc_s", np.nan), ("arc_back_s", np.nan)])
@pytest.mark.parametrize("mode", ["time", "distance"])
def test_a_network_with_impossible_arcs_is_refused_by_name(name: str, value: float, mode: Mode) -> None:
    network = build_walk_network(grid_town(3), PROFILE)
    values = getattr(network, name).copy()
    values[3] = value
    with pytest.raises(InputError, match=f"arc 3 of edge .* between the nodes .* has {name} {value}"):
        reach_nodes(replace(network, **{name: values}), sites(s=(0, 0)), limit=100.0, mode=mode)


def test_more_arcs_than_fit_into_one_reading_are_all_followed() -> None:
    """Five hundred streets meet at one square and another five hundred at the next, each with an end of its own."""
    turns = np.linspace(0.0, 2.0 * np.pi, 500, endpoint=False)
    hubs = {"a": (0.0, 0.0), "b": (400.0, 0.0), "c": (200.0, 300.0), "d": (200.0, -300.0)}
    ends = {
        f"{hub}{k}": (x + 90.0 * np.cos(turn), y + 90.0 * np.sin(turn))
        for hub, (x, y) in hubs.items()
        for k, turn in enumerate(turns)
    }
    ways = [(f"{end[0]} {end}", ROAD) for end in ends] + [(f"a {hub}", ROAD) for hub in "bcd"]
    network = build_walk_network(draw({**hubs, **ends}, ways), PROFILE)
    labels = reach_nodes(network, sites(s=(0.0, 0.0)), limit=1000.0, mode="distance")
    assert len(labels.node) == network.node_count == 2004
    start = int(np.hypot(*(network.xy - (X0, Y0)).T).argmin())
    want = nx.single_source_dijkstra_path_length(to_networkx(network).reverse(), start, weight="metres")
    assert dict(zip(labels.node.tolist(), labels.walk_m, strict=True)) == pytest.approx(want, abs=1e-6)


def test_no_sites_have_no_labels() -> None:
    labels = reach_nodes(build_walk_network(grid_town(2), PROFILE), sites())
    assert (labels.start.tolist(), len(labels.node)) == ([0], 0)
