from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.io.profiles import read_profile
from spatial.land.touching import Touching, build_touching

RULES = read_profile("about_500").land
X, Y = 530_000.0, 3_380_000.0


def _touch(*shapes: shapely.Geometry) -> Touching:
    outlines = np.array(shapes, dtype=object)
    blocks = gpd.GeoDataFrame(
        {"block_id": [f"b{n}" for n in range(len(shapes))], "community_id": "c", "households": 10},
        geometry=outlines,
        crs=4547,
    )
    return build_touching(blocks, outlines, RULES)


def _lengths(touching: Touching) -> dict[tuple[str, str], float]:
    rows = touching.adjacency
    return dict(zip(zip(rows["focal"], rows["neighbor"], strict=True), rows["shared_m"].round(2), strict=True))


def _box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def test_neighbours_that_fit_exactly_share_the_length_of_their_common_line() -> None:
    touching = _touch(_box(0, 0, 100, 100), _box(100, 0, 200, 100), _box(0, 100, 100, 130))
    assert _lengths(touching) == {("b0", "b1"): 100.0, ("b0", "b2"): 100.0}
    assert not len(touching.lone)


def test_a_corner_on_the_side_of_a_neighbour_counts() -> None:
    touching = _touch(_box(0, 0, 100, 100), _box(100, 0, 200, 40), _box(100, 40, 200, 100))
    assert _lengths(touching) == {("b0", "b1"): 40.0, ("b0", "b2"): 60.0, ("b1", "b2"): 100.0}


def test_a_corner_is_no_border_and_a_street_between_is_none() -> None:
    touching = _touch(_box(0, 0, 100, 100), _box(100, 100, 200, 200), _box(120, 0, 200, 80))
    assert _lengths(touching) == {}
    assert touching.lone.tolist() == [0, 1, 2]


def test_a_narrow_slip_of_the_drawing_is_closed_and_told() -> None:
    slim = shapely.Polygon([(X + 100, Y), (X + 200, Y), (X + 200, Y + 100), (X + 100, Y + 100), (X + 100.6, Y + 50)])
    touching = _touch(_box(0, 0, 100, 100), slim)
    assert _lengths(touching)["b0", "b1"] == pytest.approx(100.0, abs=0.2)
    assert touching.slipped


def test_blocks_that_are_each_a_little_off_keep_all_their_borders() -> None:
    rng = np.random.default_rng(5)
    cells = [_box(100 * c, 100 * r, 100 * c + 100, 100 * r + 100) for r in range(8) for c in range(8)]
    off = [shapely.affinity.translate(cell, *rng.uniform(-0.2, 0.2, 2)) for cell in cells]
    touching = _touch(*off)
    shared = touching.adjacency["shared_m"]
    assert (shared > 5).sum() == 2 * 7 * 8
    assert shared[shared > 5].to_numpy() == pytest.approx(100.0, abs=0.8)


def test_a_lake_between_blocks_stays_open() -> None:
    ring = shapely.difference(_box(0, 0, 300, 300), _box(100, 100, 200, 200))
    halves = [shapely.intersection(ring, _box(0, 0, 150, 300)), shapely.intersection(ring, _box(150, 0, 300, 300))]
    touching = _touch(*halves, _box(300, 0, 400, 301))
    assert _lengths(touching)["b0", "b1"] == 200.0


def test_land_of_two_blocks_counts_for_the_first_and_is_told() -> None:
    touching = _touch(_box(0, 0, 100, 100), _box(90, 0, 200, 100))
    assert touching.overlap_m2 == pytest.approx(1_000.0)
    assert _lengths(touching) == {("b0", "b1"): 100.0}


def test_a_block_drawn_twice_leaves_the_second_without_land() -> None:
    touching = _touch(_box(0, 0, 100, 100), _box(0, 0, 100, 100), _box(100, 0, 200, 100))
    assert _lengths(touching) == {("b0", "b2"): 100.0}
    assert touching.lone.tolist() == [1]


def test_all_parts_of_a_block_have_neighbours() -> None:
    far = shapely.MultiPolygon([_box(0, 0, 10, 10), _box(500, 0, 600, 100)])
    touching = _touch(far, _box(600, 0, 700, 100))
    assert _lengths(touching) == {("b0", "b1"): 100.0}


def test_one_block_has_no_border() -> None:
    assert _lengths(_touch(_box(0, 0, 1, 1))) == {}


@given(st.lists(st.integers(1, 99), min_size=1, max_size=4), st.floats(0, 2 * np.pi), st.booleans())
def test_cutting_a_side_keeps_its_length_however_the_map_is_turned(cuts: list[int], turn: float, fine: bool) -> None:
    places = [0, *sorted(set(cuts)), 100]
    right = [_box(100, low, 200, high) for low, high in pairwise(places)]
    left = _box(0, 0, 100, 100)
    if fine:
        left = shapely.segmentize(left, 7.0)
    turned = [shapely.affinity.rotate(one, turn, origin=(X, Y), use_radians=True) for one in (left, *right)]
    touching = _touch(*turned)
    rows = touching.adjacency
    assert rows.loc[rows["focal"] == "b0", "shared_m"].sum() == pytest.approx(100.0, abs=0.3)
    assert len(rows) == 2 * len(right) - 1
