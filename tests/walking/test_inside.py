"""Walks inside closed estates whose paths the map does not show: straight, or round the corners of the wall."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.io.profiles import read_profile
from spatial.walking.inside import measure_inside
from spatial.walking.network import build_walk_network
from spatial.walking.snapping import OWN_GATE, snap
from tests.walking.streets import draw, estates, gates, homes
from tests.walking.test_travel import walk

PROFILE = read_profile()
# An estate like an L: the corner at (100, 100) stands in. One like a U: two corners do.
L = [(0, 0), (300, 0), (300, 100), (100, 100), (100, 300), (0, 300)]
U = [(0, 0), (300, 0), (300, 300), (200, 300), (200, 100), (100, 100), (100, 300), (0, 300)]


def inside(ring: object, a: tuple[float, float], b: tuple[float, float]) -> float:
    outline = np.array([ring if isinstance(ring, shapely.Geometry) else shapely.Polygon(ring)], dtype=object)
    one, other = np.array([a], dtype=float), np.array([b], dtype=float)
    there = measure_inside(outline, np.zeros(1, dtype=np.int64), one, other)
    back = measure_inside(outline, np.zeros(1, dtype=np.int64), other, one)
    assert there == pytest.approx(back)
    return float(there[0])


@pytest.mark.parametrize(
    ("ring", "a", "b", "metres"),
    [
        ([(0, 0), (300, 0), (300, 300), (0, 300)], (10, 10), (290, 290), math.hypot(280, 280)),
        (L, (10, 10), (50, 290), math.hypot(40, 280)),
        (L, (290, 90), (90, 290), math.hypot(190, 10) + math.hypot(10, 190)),
        (U, (250, 300), (50, 300), math.hypot(50, 200) * 2 + 100),
        (U, (250, 50), (50, 50), 200),
        (U, (250, 310), (50, 300), 10 + math.hypot(50, 200) * 2 + 100),
    ],
)
def test_the_way_inside_turns_only_at_corners_that_stand_in(
    ring: object, a: tuple[float, float], b: tuple[float, float], metres: float
) -> None:
    assert inside(ring, a, b) == pytest.approx(metres, abs=1e-6)


def test_a_courtyard_is_walked_round() -> None:
    ring = shapely.Polygon([(0, 0), (300, 0), (300, 300), (0, 300)], [[(100, 100), (200, 100), (200, 200), (100, 200)]])
    assert inside(ring, (50, 150), (250, 150)) == pytest.approx(2 * math.hypot(50, 50) + 100)


def test_between_parts_that_do_not_touch_the_way_is_straight() -> None:
    parts = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(200, 0, 300, 100)])
    assert inside(parts, (50, 50), (250, 50)) == 200.0


def test_an_outline_with_very_many_corners_is_taken_roughly() -> None:
    teeth = [(x, 100 + 5 * (k % 2)) for k, x in enumerate(np.linspace(0, 3000, 1500))]
    ring = [(0, 0), (3000, 0), *reversed([(float(x), float(y)) for x, y in teeth])]
    assert inside(ring, (10, 50), (2990, 60)) == pytest.approx(math.hypot(2980, 10))
    assert inside(ring, (10, 101), (2990, 101)) == pytest.approx(2980, rel=0.01)


def test_homes_of_a_bent_estate_walk_to_their_gate_round_the_corner_of_the_wall() -> None:
    """The gate is in the end of one arm, the home in the end of the other; between them lies the street."""
    nodes = {"a": (-20, -20), "b": (320, -20), "c": (320, 320), "d": (-20, 320)}
    town = draw(nodes, [("a b c d a", {"highway": "residential"})])
    table = gates(gate=((300, 50), "bent", "private"))
    network = build_walk_network(town, PROFILE, gates=table, estates=estates(bent=L))
    home = (50, 280)
    found = snap(network, homes(h=home))
    round_it = math.hypot(50, 180) + math.hypot(200, 50)
    assert found.how.tolist() == [OWN_GATE]
    assert found.access_m.tolist() == pytest.approx([round_it])
    assert walk(network, (320, 50), home) == pytest.approx(20 + round_it)
    assert walk(network, (280, 80), home) == pytest.approx(math.hypot(50, 180) + math.hypot(180, 20))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(20, 100), min_size=5, max_size=14), st.data())
def test_no_way_inside_beats_the_straight_one_or_a_detour(radii: list[int], data: st.DataObject) -> None:
    """On star-shaped outlines: the way by the middle stays inside, so the shortest is no longer."""
    angle = 2 * math.pi * np.arange(len(radii)) / len(radii)
    ring = shapely.Polygon(np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    share = st.tuples(st.integers(0, len(radii) - 1), st.floats(0.1, 0.95))
    places = []
    for k, s in (data.draw(share), data.draw(share)):
        places.append((s * radii[k] * math.cos(angle[k]), s * radii[k] * math.sin(angle[k])))
    metres = inside(ring, *places)
    assert metres >= math.dist(*places) - 1e-9
    assert metres <= math.hypot(*places[0]) + math.hypot(*places[1]) + 0.2
