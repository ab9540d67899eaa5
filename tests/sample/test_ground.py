"""The ground keeps areas and right of way: what does not overlap on the board does not overlap there."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.sample.drawing import draw_box, thicken
from spatial.sample.ground import east_on_ground, make_ground, to_ground


def ground_of(seed: int):
    return make_ground(rng=np.random.default_rng(seed), origin=(5e5, 3.8e6), size=(1200.0, 1400.0), river_v=720.0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 1200), st.floats(0, 1400))
def test_a_house_keeps_its_size_within_a_tenth(seed: int, u: float, v: float) -> None:
    ring = to_ground(draw_box((u, v), (u + 30, v + 12)), ground_of(seed))
    assert 0.9 * 360 < shapely.Polygon(ring).area < 1.1 * 360


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_a_superblock_is_bent_and_never_folded(seed: int) -> None:
    ring = shapely.Polygon(to_ground(thicken(draw_box((0, 0), (1200, 1400)), step_m=20), ground_of(seed)))
    assert ring.is_valid
    assert abs(ring.area / (1200 * 1400) - 1) < 0.02


def test_east_is_a_unit_vector_near_east() -> None:
    uv = np.random.default_rng(0).uniform(0, 1200, (200, 2))
    east = east_on_ground(uv, ground_of(3))
    assert np.allclose(np.hypot(east[:, 0], east[:, 1]), 1.0)
    assert (east[:, 0] > np.cos(np.radians(30))).all()
