"""Slopes, there and back, from node heights and from a relief."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io.profiles import read_profile
from spatial.walking.elevation import Relief, sample_relief, slope_factor
from spatial.walking.network import build_walk_network
from spatial.walking.travel import travel_times
from tests.walking.streets import CRS, X0, Y0, draw, grid_town, homes, sites
from tests.walking.test_access import seconds
from tests.walking.test_oracle import _compare
from tests.walking.test_travel import walk

PROFILE = read_profile()
ROAD, FOOTWAY = {"highway": "residential"}, {"highway": "footway"}
LINE = {"a": (0, 0), "b": (100, 0), "c": (200, 0)}


def relief(height: Any, step: float = 20.0, size: int = 60) -> Relief:
    """Return a relief over the drawings whose height is a function of x and y."""
    x = -300.0 + step * np.arange(size)
    y = 600.0 - step * np.arange(size)
    grid_x, grid_y = np.meshgrid(x, y)
    heights = np.asarray(height(grid_x, grid_y), dtype=float) * np.ones_like(grid_x)
    return Relief(heights, X0 + x[0], Y0 + y[0], step, step, step, CRS)


@pytest.mark.parametrize(
    ("slope", "factor"),
    [
        (0.0, 1.0),
        (-0.05, math.exp(-0.175)),
        (0.1, math.exp(0.35)),
        (-0.1, 1.0),
        (-0.2, math.exp(0.35)),
        (5, math.exp(3.5)),
    ],
)
def test_toblers_function_is_fastest_a_little_downhill(slope: float, factor: float) -> None:
    assert slope_factor(np.array([slope])) == pytest.approx([factor])


def test_uphill_takes_longer_than_downhill_and_no_metre_is_added() -> None:
    town = draw(LINE, [("a b c", ROAD)])
    network = build_walk_network(town, PROFILE, heights={1: 50.0, 2: 60.0, 3: 60.0})
    up, down, flat = 100 / 1.1 * math.exp(0.35), 100 / 1.1 * 1.0, 100 / 1.1
    assert seconds(network, (200, 0), (0, 0)) == pytest.approx(up + flat)
    assert seconds(network, (0, 0), (200, 0)) == pytest.approx(down + flat)
    assert walk(network, (200, 0), (0, 0)) == 200.0
    assert network.report["edges without heights, taken as level"] == 0


def test_without_heights_all_is_level_and_said_to_be() -> None:
    network = build_walk_network(grid_town(3), PROFILE)
    assert network.report["edges without heights, taken as level"] == network.edge_count
    assert network.seconds_uv == pytest.approx(network.length_m / 1.1)


def test_a_node_without_a_height_lies_evenly_between_its_neighbours() -> None:
    nodes = {"a": (0, 0), "x": (30, 0), "b": (100, 0), "c": (150, 0), "t": (100, 50)}
    town = draw(nodes, [("a x b", ROAD), ("b c", ROAD), ("b t", ROAD)])
    network = build_walk_network(town, PROFILE, heights={1: 0.0, 3: 10.0})
    assert seconds(network, (100, 0), (0, 0)) == pytest.approx(100 / 1.1 * math.exp(0.35))
    # beyond the last known height the way stays level
    assert seconds(network, (150, 0), (100, 0)) == pytest.approx(50 / 1.1, rel=1e-6)


def test_a_part_without_any_height_is_level_and_counted() -> None:
    nodes = {**LINE, "p": (500, 0), "q": (600, 0)}
    network = build_walk_network(draw(nodes, [("a b c", ROAD), ("p q", ROAD)]), PROFILE, heights={1: 0.0, 3: 20.0})
    assert network.report["edges without heights, taken as level"] == 1
    assert seconds(network, (600, 0), (500, 0)) == pytest.approx(100 / 1.1)


@pytest.mark.parametrize("heights", [{}, {99: 1.0}, {1: math.nan}, {1: math.inf, 2: 0.0}])
def test_heights_that_tell_nothing_are_refused(heights: dict[int, float]) -> None:
    with pytest.raises(InputError, match=r"heights: found (none at any of|an infinite)"):
        build_walk_network(draw(LINE, [("a b c", ROAD)]), PROFILE, heights=heights)


def test_a_relief_is_read_between_its_cells() -> None:
    plane = relief(lambda x, y: 0.1 * x - 0.02 * y + 30)
    xy = np.array([[X0 + 33.3, Y0 + 71.7], [X0, Y0], [X0 - 301, Y0], [X0, Y0 + 601]])
    assert sample_relief(plane, xy, CRS) == pytest.approx([30 + 3.33 - 1.434, 30.0, np.nan, np.nan], nan_ok=True)


def test_a_long_way_over_a_hill_is_looked_at_on_the_way() -> None:
    """A ridge at x = 100: its ends are level, the walk goes up 10 % and down 10 %."""
    ridge = relief(lambda x, y: 10 - 0.1 * np.abs(x - 100))
    network = build_walk_network(draw({"a": (0, 0), "c": (200, 0)}, [("a c", ROAD)]), PROFILE, heights=ridge)
    assert seconds(network, (0, 0), (200, 0)) == pytest.approx(100 / 1.1 * (math.exp(0.35) + 1.0))


@pytest.mark.parametrize("tags", [{"bridge": "yes"}, {"tunnel": "yes"}])
def test_a_bridge_does_not_follow_the_valley(tags: dict[str, str]) -> None:
    valley = relief(lambda x, y: 0.2 * np.abs(x - 100))
    nodes = {"q": (-100, 0), "a": (0, 0), "m": (90, 0), "c": (200, 0), "r": (200, 50)}
    ways = [("q a", ROAD), ("c r", ROAD), ("a m", {**ROAD, **tags}), ("m c", {**ROAD, **tags}), ("c a", FOOTWAY)]
    level = build_walk_network(draw(nodes, ways), PROFILE, heights=valley)
    bridge = int(np.flatnonzero(np.isclose(level.seconds_uv, 200 / 1.1))[0])
    assert level.seconds_vu[bridge] == pytest.approx(200 / 1.1)
    valley_s = 100 / 1.1 * (math.exp(0.7) + math.exp(0.35))  # 20 % up and 20 % down
    assert level.seconds_uv.max() == pytest.approx(valley_s)


def test_a_lift_joins_two_heights() -> None:
    """The deck of a bridge stands 20 m over the road; a lift at m joins them and takes its time, not the slope's."""
    nodes = {"w": (-100, 0), "m": (0, 0), "e": (100, 0), "s": (0, -200), "n": (0, 200)}
    ways = [("s m n", {**FOOTWAY, "bridge": "yes"}), ("w m e", ROAD)]
    town = draw(nodes, ways, {"m": {"highway": "elevator"}})
    network = build_walk_network(town, PROFILE, heights={1: 0.0, 3: 0.0, 4: 20.0, 5: 20.0, 2: 0.0})
    assert seconds(network, (0, 200), (0, -200)) == pytest.approx(400 / 1.1 + 30, rel=1e-3)


def test_steps_keep_their_own_time() -> None:
    steps = {"highway": "steps"}
    network = build_walk_network(
        draw(LINE, [("a b", ROAD), ("b c", steps)]), PROFILE, heights={1: 0.0, 2: 0.0, 3: 50.0}
    )
    assert seconds(network, (200, 0), (0, 0)) == pytest.approx(100 / 1.1 + 200 / 1.1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-30, 60), min_size=16, max_size=16))
def test_the_oracle_agrees_on_hills(heights: list[int]) -> None:
    town = grid_town(4)
    network = build_walk_network(town, PROFILE, heights={i + 1: float(h) for i, h in enumerate(heights)})
    places = {"a": (0.0, 0.0), "b": (250.0, 110.0), "c": (130.0, 300.0), "d": (290.0, 5.0), "e": (140.0, 290.0)}
    for mode, limit in (("time", 400.0), ("distance", 350.0), ("time", 2000.0)):
        _compare(network, sites(**places), homes(**places), limit, mode, "open")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-30, 60), min_size=16, max_size=16))
def test_a_hill_makes_no_walk_faster_than_toblers_best_slope(heights: list[int]) -> None:
    town = grid_town(4)
    level = build_walk_network(town, PROFILE)
    hilly = build_walk_network(town, PROFILE, heights={i + 1: float(h) for i, h in enumerate(heights)})
    places = sites(a=(0, 0), b=(300, 300)), homes(c=(300, 0), d=(150, 200))
    flat, steep = (travel_times(n, *places, limit=math.inf)["walk_s"].to_numpy() for n in (level, hilly))
    assert (steep >= flat * math.exp(-0.175) - 1e-9).all()
