"""Outlines get few vertices, and areas stay nested, valid and about what they must contain."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.walking.contour import CELLS_PER_WIDTH, Drawing, build_areas
from spatial.walking.outline import Rings, draw_areas

WIDTH, TOLERANCE, HOLE = 30.0, 4.0, 2500.0
CELL = WIDTH / CELLS_PER_WIDTH
DRAWING = Drawing(WIDTH, TOLERANCE, HOLE)


def rings(*corners: list[tuple[float, float]]) -> Rings:
    """Return rings through these corners; a place has one name."""
    xy = np.array([place for ring in corners for place in ring], dtype=np.float64)
    start = np.concatenate([[0], np.cumsum([len(ring) for ring in corners])])
    return Rings(xy, (xy[:, 0] * 1000 + xy[:, 1]).astype(np.int64), start)


def square(low: float, high: float, *, hole: bool = False) -> list[tuple[float, float]]:
    ring = [(low, low), (high, low), (high, high), (low, high)]
    return ring[::-1] if hole else ring


def wavy(top: float) -> list[tuple[float, float]]:
    """A box whose lower side waves by a metre, the same for every top."""
    return [(float(x), float(x // 10 % 2)) for x in range(0, 101, 10)] + [(100.0, top), (0.0, top)]


def test_outlines_that_two_areas_share_are_drawn_once() -> None:
    small, large = draw_areas([rings(wavy(50)), rings(wavy(90))], 2.0, 0.0)
    assert shapely.equals(small, shapely.box(0, 0, 100, 50))
    assert shapely.equals(large, shapely.box(0, 0, 100, 90))
    as_drawn = draw_areas([rings(wavy(50)), rings(wavy(90))], 0.5, 0.0)
    assert shapely.equals(as_drawn[0], shapely.Polygon(wavy(50)))
    assert shapely.covers(as_drawn[1], as_drawn[0])


def test_holes_below_the_area_are_filled_with_what_stands_in_them() -> None:
    level = rings(square(0, 300), square(10, 60, hole=True), square(25, 45), square(100, 151, hole=True))
    (area,) = draw_areas([level], 1.0, 2550.0)
    assert area.geom_type == "Polygon"
    assert [shapely.Polygon(hole).bounds for hole in area.interiors] == [(100, 100, 151, 151)]
    (kept,) = draw_areas([level], 1.0, 0.0)
    assert kept.geom_type == "MultiPolygon"
    assert kept.area == 300**2 - 50**2 + 20**2 - 51**2


def test_an_inner_outline_that_would_cut_across_a_dent_of_the_outer_one_is_drawn_closer() -> None:
    outer = [(0.0, 0.0), (45.0, 0.0), (50.0, 3.3), (55.0, 0.0), (100.0, 0.0), (100.0, 60.0), (0.0, 60.0)]
    inner = [(5.0, 1.0), (45.0, 1.0), (50.0, 4.0), (55.0, 1.0), (95.0, 1.0), (95.0, 50.0), (5.0, 50.0)]
    (alone,) = draw_areas([rings(inner)], 3.2, 0.0)
    assert shapely.equals(alone, shapely.box(5, 1, 95, 50))
    small, large = draw_areas([rings(inner), rings(outer)], 3.2, 0.0)
    assert shapely.equals(large, shapely.Polygon(outer))
    assert shapely.equals(small, shapely.Polygon(inner))


@pytest.mark.parametrize("tolerance_m", [0.0, 4.0, 1000.0])
def test_whatever_the_tolerance_reached_pieces_stay_inside(tolerance_m: float) -> None:
    pieces = np.array([[0.0, 0.0, 300.0, 200.0, 0.0, 100.0], [200.0, 0.0, 100.0, 200.0, 100.0, 0.0]])
    (area,) = build_areas(pieces, np.array([300.0]), Drawing(WIDTH, tolerance_m, HOLE))
    assert area.is_valid
    assert area.covers(shapely.LineString([(0, 0), (200, 0), (200, 100)]))


@st.composite
def walks(draw: Any) -> Any:
    """Pieces of a walk that forks at random: each starts where one before it ends, with what is left there."""
    ends = [(0.0, 0.0, 600.0)]
    pieces = []
    for _ in range(draw(st.integers(1, 25))):
        x, y, left = ends[draw(st.integers(0, len(ends) - 1))]
        dx, dy = draw(st.integers(-120, 120)), draw(st.integers(1, 120)) * draw(st.sampled_from([-1, 1]))
        end = (x + dx, y + dy, left - float(np.hypot(dx, dy)))
        pieces.append((x, y, left, *end))
        ends.append(end)
    return np.array(pieces, dtype=np.float64)


@settings(deadline=None, max_examples=120)
@given(pieces=walks(), hole=st.sampled_from([0.0, HOLE]))
def test_areas_about_any_walk_nest_and_hold_what_is_reached_and_little_more(pieces: Any, hole: float) -> None:
    limits = np.array([150.0, 380.0, 600.0])
    areas = np.array(build_areas(pieces, limits, DRAWING._replace(least_hole_m2=hole)), dtype=object)
    assert shapely.is_valid(areas).all()
    assert shapely.covers(areas[1:], areas[:-1]).all()
    reached = pieces[pieces[:, 5] >= 0]
    lines = shapely.linestrings(np.stack([reached[:, [0, 1]], reached[:, [3, 4]]], axis=1))
    assert shapely.covers(areas[2].buffer(1e-6), lines).all()
    streets = shapely.union_all(shapely.linestrings(np.stack([pieces[:, [0, 1]], pieces[:, [3, 4]]], axis=1)))
    rim = shapely.points(shapely.get_coordinates(shapely.segmentize(areas[2], 5.0)))
    assert shapely.distance(rim, streets).max() <= WIDTH + TOLERANCE + CELL / 2
