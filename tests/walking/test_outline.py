"""Outlines contain what is reached, add no more than the rest of the walk and a tolerance, nest, and stay valid."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.walking.circles import Drawing, Reached, cell_size, draw_circles, true_to_m
from spatial.walking.rivals import Streets
from spatial.walking.strip import CORE_CELLS

WIDTH, TOLERANCE, HOLE = 30.0, 4.0, 2500.0
DRAWING = Drawing(WIDTH, TOLERANCE, HOLE)
CELL = cell_size(TOLERANCE)


def nowhere() -> Streets:
    """Streets of no network."""
    ints, floats = np.zeros(0, np.int64), np.zeros(0)
    pieces = (np.zeros((0, 4)), ints, np.zeros((0, 2)))
    grid = (0.0, 0.0, 50.0, 1, 1, np.zeros(2, np.int64), np.zeros(0, np.int32))
    ends = np.zeros(0, np.int32)
    return Streets(pieces, grid, (ends, ends, floats, floats, floats, np.zeros(0, bool), ints, ints), True)


def areas_of(pieces: Any, limits: list[float], drawing: Drawing = DRAWING) -> Any:
    """Return the areas of one site that reaches these pieces."""
    none = np.zeros(0, np.int64)
    start = np.zeros(2, np.int64)
    rows = np.asarray(pieces, dtype=np.float64)
    reached = Reached(
        rows, np.array([0, len(rows)]), none.astype(np.int32), np.zeros(0), start, none, np.zeros(0), np.zeros(0), start
    )
    return draw_circles(reached, nowhere(), np.array(limits), np.array(limits), drawing)[0]


def reached_part(pieces: Any, used: float) -> Any:
    """Return (lines, pieces) of what is reached with ``used`` metres less than the largest limit."""
    rows = np.asarray(pieces, dtype=np.float64).copy()
    rows[:, [2, 5]] -= used
    rows = rows[rows[:, 2] >= 0]
    fall = rows[:, 2] - rows[:, 5]
    share = np.where(rows[:, 5] >= 0, 1.0, np.divide(rows[:, 2], fall, out=np.ones(len(rows)), where=fall > 0))
    rows[:, 3:5] = rows[:, :2] + share[:, None] * (rows[:, 3:5] - rows[:, :2])
    rows[:, 5] = rows[:, 2] - share * fall
    return shapely.linestrings(np.stack([rows[:, :2], rows[:, 3:5]], axis=1)), rows


def most_beyond(area: Any, pieces: Any, used: float) -> float:
    """Return how far the outline goes beyond the rest of the walk, by brute force over places of all pieces."""
    _, rows = reached_part(pieces, used)
    t = np.linspace(0.0, 1.0, 401)[:, None, None]
    xy = (rows[:, :2] + t * (rows[:, 3:5] - rows[:, :2])).reshape(-1, 2)
    left = np.minimum(WIDTH, rows[:, 2] + t[:, :, 0] * (rows[:, 5] - rows[:, 2])).ravel()
    rim = shapely.get_coordinates(shapely.segmentize(area, 5.0))
    return max(float((np.hypot(*(xy - place).T) - left).min()) for place in rim)


def test_a_straight_walk_is_a_strip_that_narrows_to_its_end() -> None:
    (area,) = areas_of([[0, 0, 300, 300, 0, 0]], [300.0])
    cut = shapely.intersection(area, shapely.LineString([(150, -99), (150, 99)]))
    assert cut.length == pytest.approx(2 * WIDTH, abs=TOLERANCE)
    near_end = shapely.intersection(area, shapely.LineString([(285, -99), (285, 99)]))
    assert near_end.length == pytest.approx(WIDTH, abs=2 * TOLERANCE)
    assert 300 < area.bounds[2] <= 300 + CORE_CELLS * CELL


def test_holes_below_the_area_are_filled_with_what_stands_in_them() -> None:
    side = 150.0  # a block whose middle is 90 m by 90 m; in it stands a walk of its own
    ring = [(0, 0), (side, 0), (side, side), (0, side), (0, 0)]
    walls = [[*a, 900, *b, 800] for a, b in pairwise(ring)]
    inner = [[75, 75, 1, 76, 75, 0]]
    (kept,) = areas_of(walls + inner, [900.0], DRAWING._replace(least_hole_m2=1000.0))
    assert kept.geom_type == "MultiPolygon"
    (filled,) = areas_of(walls + inner, [900.0], DRAWING._replace(least_hole_m2=10_000.0))
    assert filled.geom_type == "Polygon"
    assert len(filled.interiors) == 0
    (hollow,) = areas_of(walls, [900.0])
    assert sum(shapely.Polygon(hole).area for hole in hollow.interiors) == pytest.approx(90**2, rel=0.05)


def test_outlines_that_two_areas_share_take_the_same_vertices() -> None:
    small, large = areas_of([[0, 0, 900, 400, 3, 500], [0, 0, 900, 0, 420, 480]], [600.0, 900.0])
    ours, theirs = ({tuple(xy) for xy in shapely.get_coordinates(area)} for area in (small, large))
    assert len(ours & theirs) >= 4
    assert large.covers(small)


@pytest.mark.parametrize("tolerance_m", [0.0, 4.0, 20.0, 200.0])
def test_whatever_the_tolerance_reached_pieces_stay_inside(tolerance_m: float) -> None:
    pieces = [[0.0, 0.0, 300.0, 200.0, 0.0, 100.0], [200.0, 0.0, 100.0, 200.0, 100.0, 0.0]]
    (area,) = areas_of(pieces, [300.0], Drawing(WIDTH, tolerance_m, HOLE))
    assert area.is_valid
    assert area.covers(shapely.LineString([(0, 0), (200, 0), (200, 100)]))


def test_a_coarser_tolerance_takes_fewer_vertices() -> None:
    turns = np.linspace(0.0, 6.0, 60)
    xy = np.column_stack([200 * np.cos(turns), 150 * np.sin(2 * turns)])
    pieces = np.column_stack([xy[:-1], np.full(59, 900.0), xy[1:], np.full(59, 890.0)])
    counts = [len(areas_of(pieces, [900.0], Drawing(WIDTH, t, HOLE))[0].exterior.coords) for t in (2.0, 8.0, 30.0)]
    assert counts[0] > counts[1] > counts[2]


def test_many_limits_are_kept_apart() -> None:
    limits = np.linspace(100.0, 400.0, 40)
    areas = areas_of([[0, 0, 400, 290, 41, 107], [290, 41, 107, 200, 70, 0]], limits.tolist())
    assert shapely.is_valid(areas).all()
    assert shapely.covers(areas[1:], areas[:-1]).all()


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


@settings(deadline=None, max_examples=50)
@given(
    pieces=walks(),
    hole=st.sampled_from([0.0, HOLE]),
    tolerance=st.sampled_from([0.5, TOLERANCE, 15.0]),
    turn=st.floats(0, 6),
)
def test_areas_about_any_walk_nest_and_hold_what_is_reached_and_little_more(
    pieces: Any, hole: float, tolerance: float, turn: float
) -> None:
    limits = [150.0, 380.0, 600.0]
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for end in (0, 3):
        pieces[:, end : end + 2] = pieces[:, end : end + 2] @ turned + [501_234.5, 3_377_777.7]
    drawing = Drawing(WIDTH, tolerance, hole)
    areas = areas_of(pieces, limits, drawing)
    assert shapely.is_valid(areas).all()
    assert shapely.covers(areas[1:], areas[:-1]).all()
    beyond = true_to_m(tolerance)
    for area, limit in zip(areas, limits, strict=True):
        lines, _ = reached_part(pieces, 600.0 - limit)
        assert shapely.covers(area, lines).all()
        if hole == 0.0:
            assert most_beyond(area, pieces, 600.0 - limit) <= beyond
    for decimals in (2, 1):
        rounded = shapely.transform(areas, lambda xy, d=decimals: np.round(xy, d))
        assert shapely.is_valid(rounded).all()
