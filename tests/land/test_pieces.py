"""The small steps of land, each by hand: slivers, verges, rims, tilings, shares."""

import numpy as np
import pytest
import shapely

from spatial.crs import metric_crs
from spatial.io.profiles import read_profile
from spatial.land.barriers import build_barriers, grade_segments, index_barriers, to_barriers
from spatial.land.estimates import share_out
from spatial.land.rim import reach_rim
from spatial.land.slivers import absorb, is_artifact, is_sliver
from spatial.land.tiling import build_faces, connected_groups, dissolve, find_segments, locate
from tests.drawing import box, draw_town, way

RULES = read_profile("about_500").land
CRS = metric_crs(108.7, 34.3)


def lines(*pairs: tuple[tuple[float, float], ...]) -> np.ndarray:
    return np.array([shapely.LineString(xy) for xy in pairs], dtype=object)


def test_small_and_narrow_polygons_are_slivers() -> None:
    """20 x 20 m is small; 8 x 100 m: 2 A / P = 7.4 m is narrow; 10 x 100 m: 9.09 m is not."""
    shapes = np.array([shapely.box(0, 0, 20, 20), shapely.box(0, 0, 100, 8), shapely.box(0, 0, 100, 10)])
    assert is_sliver(shapes, RULES).tolist() == [True, True, False]


def test_the_artifact_index_of_a_strip_and_of_a_square() -> None:
    """ln(A^2 / (pi R^2)): a 20 x 500 m strip 6.23, a 60 x 60 m square 7.74."""
    shapes = np.array([shapely.box(0, 0, 500, 20), shapely.box(0, 0, 60, 60)])
    assert is_artifact(shapes, RULES).tolist() == [True, False]


def test_lines_that_cross_and_touch_make_faces_and_dangling_ones_do_not() -> None:
    frame = lines(((0, 0), (10, 0), (10, 10), (0, 10), (0, 0)))
    cut, loose = lines(((5, -1), (5, 11))), lines(((7, 0), (7, 6)))
    faces = build_faces(np.concatenate([frame, cut, loose]), grid=1e-3)
    assert shapely.area(faces).tolist() == [50.0, 50.0]
    assert shapely.bounds(faces)[:, 0].tolist() == [0.0, 5.0]


def test_segments_know_both_sides_and_follow_groups() -> None:
    faces = np.array([shapely.box(i, 0, i + 1, 1) for i in range(3)])
    segments = find_segments(faces, scale=1e3)
    inner = segments.pick(segments.second >= 0)
    assert sorted(zip(inner.first.tolist(), inner.second.tolist(), strict=True)) == [(0, 1), (1, 2)]
    joined, kept = segments.regroup(np.array([1, 1, 0]))
    assert kept.sum() == len(segments.first) - 1
    assert (joined.first[joined.second >= 0].tolist(), joined.second[joined.second >= 0].tolist()) == ([0], [1])


def test_a_scrap_joins_behind_its_weakest_side_and_only_in_its_realm() -> None:
    """A strip between two squares: a street (0.7) south of it, nothing north of it."""
    shapes = np.array([shapely.box(0, 0, 50, 50), shapely.box(0, 50, 50, 55), shapely.box(0, 55, 50, 100)])
    segments = find_segments(shapes, scale=1e3)
    strength = np.where(segments.start[:, 1] == 50, 0.7, 0.0)
    scrap = np.array([False, True, False])
    free = absorb(shapes, segments, strength, scrap=scrap, realm=np.zeros(3, int), rules=RULES)
    bound = absorb(shapes, segments, strength, scrap=scrap, realm=np.array([0, 0, 1]), rules=RULES)
    alone = absorb(shapes, segments, strength, scrap=scrap, realm=np.arange(3), rules=RULES)
    assert (free.tolist(), bound.tolist(), alone.tolist()) == ([0, 1, 1], [0, 0, 1], [0, 1, 2])


def test_a_border_takes_the_strength_of_the_line_it_runs_on_not_of_one_it_meets() -> None:
    barriers = to_barriers(
        lines(((0, 3), (100, 3)), ((50, -50), (50, 50))),
        np.array(["residential", "primary"], dtype=object),
        np.array([0.7, 1.0]),
        np.array([True, True]),
        CRS,
    )
    squares = np.array([shapely.box(0, -50, 100, 0), shapely.box(0, 0, 100, 50)])
    segments = find_segments(squares, scale=1e3)
    shared = segments.pick(segments.second >= 0)
    near = grade_segments(shared, index_barriers(barriers), tolerance_m=10.0)
    exact = grade_segments(shared, index_barriers(barriers), tolerance_m=1.0)
    assert (near["strength"].tolist(), near["kind"].tolist()) == ([pytest.approx(0.7)], ["residential"])
    assert (exact["strength"].tolist(), exact["kind"].tolist()) == ([0.0], [""])


def test_tunnels_and_culverts_are_no_barriers_and_people_pass_under_a_viaduct() -> None:
    ways = [
        way((0, 0), (100, 0), railway="rail", tunnel="yes"),
        way((0, 10), (100, 10), waterway="stream", tunnel="culvert"),
        way((0, 20), (100, 20), railway="rail", bridge="yes"),
        way((0, 25), (100, 25), railway="rail"),
        way((0, 30), (100, 30), highway="proposed"),
        way((0, 35), (100, 35), natural="coastline"),
        way((0, 40), (100, 40), highway="primary_link"),
    ]
    barriers = build_barriers(draw_town(box(0, 0, 400, 200), ways=ways).streets, RULES)
    assert sorted(zip(barriers["kind"], barriers["crossable"], strict=True)) == [
        ("primary", True),
        ("rail", False),
        ("rail", True),
        ("water", False),
    ]


def test_a_street_that_ends_short_of_the_outline_goes_on_to_it() -> None:
    """Ends 20 m short: prolonged; 60 m short, or meeting another street: not."""
    area = shapely.box(0, 0, 400, 200)
    near, far, met = ((20, 100), (200, 100)), ((100, 60), (100, 90)), ((200, 100), (380, 100))
    stop = ((380, 90), (380, 110))
    found = reach_rim(lines(near, far, met, stop), area, 30.0)
    assert len(found) == 1
    assert shapely.get_coordinates(found[0]) == pytest.approx(np.array([(20, 100), (-0.01, 100)]))


def test_groups_are_numbered_by_their_lowest_item() -> None:
    assert connected_groups(5, np.array([3, 1]), np.array([0, 4])).tolist() == [0, 1, 2, 0, 1]


def test_dissolving_keeps_shared_vertices_and_leaves_far_parts_apart() -> None:
    shapes = np.array([shapely.box(i, 0, i + 1, 1) for i in range(3)])
    one, two = dissolve(shapes, np.array([0, 1, 0]))
    assert (one.geom_type, two.geom_type) == ("MultiPolygon", "Polygon")


def test_places_on_a_border_go_to_the_first_polygon_and_those_outside_to_the_nearest() -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    assert locate(shapely.points([(1, 0.5), (1.5, 0.5), (9, 0)]), shapes).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("weight", "total", "share"),
    [([1, 1, 1], 10, [4, 3, 3]), ([2, 1], 3, [2, 1]), ([0, 0], 3, [2, 1]), ([5, 3, 1], 0, [0, 0, 0])],
)
def test_shares_by_largest_remainder_sum_to_the_total(weight: list[float], total: int, share: list[int]) -> None:
    assert share_out(np.array(weight, dtype=float), total).tolist() == share
