"""Streets that meet share nodes, worked by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.sample.drawing import ACROSS, ALONG, Line, Mark, Segment, Sketch
from spatial.sample.ground import Ground, to_ground
from spatial.sample.noding import build_streets, node_segments, thread_ways, to_board, to_cm, touch_places

ROAD = {"highway": "residential"}
NO_TOUCH = np.empty((0, 2))
FLAT = Ground(
    (0.0, 0.0), (0.0, 0.0), 0.0, np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 0.0]]), 0.0, (0.0, 1.0, 0.0)
)


def places(segments: list[Segment], touches: np.ndarray = NO_TOUCH) -> list[list[float]]:
    shift = to_cm(np.array([0.0]))[0]
    return [((t - shift) / 100).tolist() for t in node_segments(segments, touches)]


def test_two_streets_that_cross_get_a_vertex_there() -> None:
    along, across = Segment(ALONG, 10, 0, 30, ROAD), Segment(ACROSS, 20, 0, 35, ROAD)
    assert places([along, across]) == [[0, 20, 30], [0, 10, 35]]


def test_a_street_that_ends_on_another_is_joined_to_it() -> None:
    along, driveway = Segment(ALONG, 0, 0, 30, ROAD), Segment(ACROSS, 12.5, 0, 8, ROAD)
    assert places([along, driveway]) == [[0, 12.5, 30], [0, 8]]


def test_a_street_that_ends_short_of_another_is_not_joined() -> None:
    along, driveway = Segment(ALONG, 0, 0, 30, ROAD), Segment(ACROSS, 12.5, 0.01, 8, ROAD)
    assert places([along, driveway])[0] == [0, 30]


def test_a_bridge_is_not_joined_to_what_runs_below_but_to_streets_at_its_ends() -> None:
    bridge = Segment(ACROSS, 10, 0, 38, ROAD, 1, (20.0,))
    river, bank = Segment(ALONG, 20, 0, 30, {"waterway": "river"}), Segment(ALONG, 0, 0, 30, ROAD)
    assert places([bridge, river, bank]) == [[0, 20, 38], [0, 30], [0, 10, 30]]


def test_long_pieces_get_vertices_every_forty_metres() -> None:
    assert places([Segment(ALONG, 0, 0, 100, ROAD)]) == [[0, 33.33, 66.67, 100]]


def test_places_that_lines_join_become_vertices() -> None:
    ring = Line(np.array([[5.0, 0.0], [9.0, 4.0]]), ROAD, joins=True)
    street = Segment(ALONG, 0, 0, 20, ROAD)
    assert places([street], touch_places(Sketch(segments=(street,), lines=(ring,)))) == [[0, 5, 20]]
    wall = Line(np.array([[5.0, 0.0], [9.0, 4.0]]), {"barrier": "wall"})
    assert places([street], touch_places(Sketch(segments=(street,), lines=(wall,)))) == [[0, 20]]


def test_nodes_are_shared_by_place_and_by_level() -> None:
    bridge = Segment(ACROSS, 10, 0, 40, ROAD, 1, (20.0,))
    river = Segment(ALONG, 20, 0, 30, {"waterway": "river"}, stops=(10.0,))
    street = Segment(ALONG, 0, 10, 30, ROAD)
    border = Segment(ALONG, 40, 0, 30, {})
    sketch = Sketch(segments=(bridge, river, street, border), marks=(Mark(10, 0, {"highway": "crossing"}),))
    threads = thread_ways(sketch, node_segments(sketch.segments, NO_TOUCH))
    made = build_streets(threads, sketch.marks, FLAT, "EPSG:4545")
    nodes = [set(n.tolist()) for n in made.ways["nodes"]]
    assert len(nodes) == 3  # a border without tags is no way
    assert not nodes[0] & nodes[1]
    assert len(nodes[0] & nodes[2]) == 1
    assert {int(made.mark_node[0])} == nodes[0] & nodes[2]
    assert made.points["highway"].tolist() == ["crossing"]
    assert min(made.ways["way_id"]) > max(max(n) for n in nodes)


def test_a_reversed_street_runs_the_other_way() -> None:
    sketch = Sketch(segments=(Segment(ACROSS, 3, 0, 20, ROAD, reverse=True),))
    made = build_streets(thread_ways(sketch, node_segments(sketch.segments, NO_TOUCH)), (), FLAT, "EPSG:4545")
    assert made.ways.geometry.iloc[0].coords[:] == [(3, 20), (3, 0)]


lines = st.builds(
    lambda axis, at, start, length: Segment(axis, at, start, start + length, ROAD),
    st.sampled_from([ACROSS, ALONG]), st.integers(0, 30), st.integers(0, 30), st.integers(1, 30),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(lines, min_size=1, max_size=12))
def test_every_meeting_of_two_streets_is_a_vertex_of_both(segments: list[Segment]) -> None:
    found = [set(t) for t in places(segments)]
    for i, a in enumerate(segments):
        for j, b in enumerate(segments):
            if a.axis < b.axis and a.start <= b.at <= a.end and b.start <= a.at <= b.end:
                assert float(b.at) in found[i]
                assert float(a.at) in found[j]
    for segment, t in zip(segments, found, strict=True):
        assert min(t) == segment.start
        assert max(t) == segment.end


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-9000, 90000), st.floats(-9000, 90000)), min_size=1, max_size=20))
def test_the_board_is_kept_to_the_centimetre(uv: list[tuple[float, float]]) -> None:
    given_uv = np.array(uv)
    assert np.abs(to_board(to_cm(given_uv)) - given_uv).max() <= 0.0051
    assert np.abs(to_ground(given_uv, FLAT) - given_uv).max() < 1e-9
