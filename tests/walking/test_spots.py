"""Heights of places one by one: planes between three of them, and nothing where none is near."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io.profiles import read_profile
from spatial.walking.network import build_walk_network
from spatial.walking.spots import Spots, sample_spots
from tests.walking.streets import CRS, X0, Y0, draw, grid_town
from tests.walking.test_access import seconds

PROFILE = read_profile()
ROAD = {"highway": "residential"}


def lattice(height: Any, step: float = 40.0, size: int = 16, shift: float = 0.0) -> Spots:
    """Return spots over the drawings, ``step`` metres apart."""
    x, y = np.meshgrid(shift - 100.0 + step * np.arange(size), shift - 100.0 + step * np.arange(size))
    xy = np.column_stack([X0 + x.ravel(), Y0 + y.ravel()])
    return Spots(xy, np.asarray(height(x, y), dtype=float).ravel() * np.ones(x.size), CRS)


@settings(deadline=None, max_examples=25)
@given(
    rise=st.floats(-0.3, 0.3),
    slope=st.floats(-0.3, 0.3),
    x=st.floats(-90, 450),
    y=st.floats(-90, 450),
    seed=st.integers(),
)
def test_on_a_plane_every_height_is_that_of_the_plane_whatever_the_order(
    rise: float, slope: float, x: float, y: float, seed: int
) -> None:
    spots = lattice(lambda x, y: 500 + rise * x + slope * y)
    order = np.random.default_rng(abs(seed)).permutation(len(spots.heights))
    at = np.array([[X0 + x, Y0 + y]])
    found, usual = sample_spots(Spots(spots.xy[order], spots.heights[order], CRS), CRS)
    assert found(at) == pytest.approx([500 + rise * x + slope * y], abs=1e-6)
    assert found(at).tolist() == sample_spots(spots, CRS)[0](at).tolist()
    assert usual == pytest.approx(40.0)


def test_outside_and_far_from_every_spot_nothing_is_known() -> None:
    spots = lattice(lambda x, y: 10.0 * np.ones_like(x), size=5)
    lone = Spots(np.vstack([spots.xy, [[X0 + 2000, Y0]]]), np.append(spots.heights, 90.0), CRS)
    sample, _ = sample_spots(lone, CRS)
    at = np.array([[X0, Y0], [X0 + 1000, Y0], [X0 + 1950, Y0], [X0, Y0 - 150]])
    assert np.isfinite(sample(at)).tolist() == [True, False, True, False]


def test_a_walk_takes_as_long_over_spots_as_over_the_nodes_whose_heights_they_are() -> None:
    town = grid_town(4)

    def hill(x: Any, y: Any) -> Any:
        return 0.08 * x + 0.02 * y

    by_spots = build_walk_network(town, PROFILE, heights=lattice(hill))
    nodes = {i * 4 + j + 1: hill(100.0 * i, 100.0 * j) for i in range(4) for j in range(4)}
    by_nodes = build_walk_network(town, PROFILE, heights=nodes)
    for places in (((0, 0), (300, 300)), ((300, 300), (0, 0)), ((150, 0), (0, 250))):
        assert seconds(by_spots, *places) == pytest.approx(seconds(by_nodes, *places))
    assert seconds(by_spots, (300, 0), (0, 0)) > seconds(by_spots, (0, 0), (300, 0))


def test_a_ridge_in_the_middle_of_a_long_street_is_climbed() -> None:
    street = draw({"a": (0, 0), "b": (400, 0)}, [("a b", ROAD)])
    flat = build_walk_network(street, PROFILE, heights=lattice(lambda x, y: 0.0 * x))
    ridge = build_walk_network(street, PROFILE, heights=lattice(lambda x, y: np.maximum(0, 30 - 0.2 * abs(x - 200))))
    assert seconds(ridge, (400, 0), (0, 0)) > 1.1 * seconds(flat, (400, 0), (0, 0))


@pytest.mark.parametrize(
    ("xy", "heights", "text"),
    [
        ([[0, 0], [50, 0]], [1, 2], "found 2 places, too few"),
        ([[0, 0], [50, 0], [100, 0]], [1, 2, 3], "found 3 places, too few or all in one line"),
        ([], [], "found 0 places"),
        ([[0, 0], [50, 0], [0, 50]], [1, 2, np.nan], "a place or a height that is no number"),
        ([[0, 0], [50, 0], [0, 50], [0, 0]], [1, 2, 3, 4], "found 1 m and 4 m at one place"),
    ],
)
def test_heights_that_span_no_ground_are_refused(xy: Any, heights: Any, text: str) -> None:
    spots = Spots(np.array(xy, dtype=float).reshape(-1, 2), np.array(heights, dtype=float), CRS)
    with pytest.raises(InputError, match=text):
        sample_spots(spots, CRS)
