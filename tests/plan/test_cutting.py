"""A line puts each block on the side where most of it lies, whatever the line does."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import EditError
from spatial.plan.cutting import choose_sides


def squares(columns: int, rows: int) -> Any:
    return np.array([shapely.box(c, r, c + 1, r + 1) for c in range(columns) for r in range(rows)])


def sides(blocks: Any, *xy: tuple[float, float]) -> list[bool]:
    found: list[bool] = choose_sides(blocks, shapely.union_all(blocks), shapely.LineString(xy), "split").tolist()
    return found


def test_a_line_between_blocks_parts_west_from_east() -> None:
    assert sides(squares(4, 1), (2, -1), (2, 2)) == [False, False, True, True]


def test_a_block_that_is_cut_goes_where_most_of_it_lies() -> None:
    assert sides(squares(4, 1), (1.4, -1), (1.4, 2)) == [False, True, True, True]
    assert sides(squares(4, 1), (1.6, -1), (1.6, 2)) == [False, False, True, True]


def test_half_and_half_stays_near() -> None:
    assert sides(squares(4, 1), (1.5, -1), (1.5, 2)) == [False, False, True, True]


def test_the_direction_of_the_line_does_not_matter() -> None:
    xy = [(-1, 0.3), (1.2, 1.7), (2.2, 0.4), (5, 1.3)]
    blocks = squares(4, 2)
    assert sides(blocks, *xy) == sides(blocks, *xy[::-1])


def test_a_line_that_comes_back_puts_both_ends_on_one_side() -> None:
    assert sides(squares(4, 1), (1, -1), (1, 2), (3, 2), (3, -1)) == [False, True, True, False]
    assert sides(squares(3, 1), (1, -1), (1, 2), (5, 2), (5, -2), (2, -2), (2, 2)) == [False, True, False]


def test_ends_that_stop_inside_cut_nothing() -> None:
    blocks = squares(3, 3)
    assert sides(blocks, (1, -1), (1, 4), (2.5, 4), (2.5, 1.5)) == [False] * 3 + [True] * 6
    with pytest.raises(EditError, match="does not part it"):
        sides(blocks, (1, -1), (1, 2))
    with pytest.raises(EditError, match="does not part it"):
        sides(blocks, (-1, -1), (-1, 4))


def test_a_loop_cuts_out_what_it_goes_round() -> None:
    blocks = squares(3, 3)
    loop = [(0.9, 0.9), (2.1, 0.9), (2.1, 2.1), (0.9, 2.1), (0.9, 0.9)]
    assert sides(blocks, *loop) == [False] * 4 + [True] + [False] * 4


def test_a_grid_with_a_hole_is_parted_by_a_line_through_the_hole() -> None:
    blocks = np.delete(squares(3, 3), 4)
    assert sides(blocks, (1.5, -1), (1.5, 4)) == [False] * 5 + [True] * 3
    assert sides(blocks, (1.4, -1), (1.4, 4)) == [False] * 3 + [True] * 5
    with pytest.raises(EditError, match="does not part it"):
        sides(blocks, (1.5, -1), (1.5, 1.5))


def test_three_ways_into_a_hole_leave_no_two_sides() -> None:
    blocks = np.delete(squares(3, 3), 4)
    with pytest.raises(EditError, match="has no two sides"):
        sides(blocks, (1.5, 4), (1.5, 1.5), (4, 1.5), (4, -2), (-2, -2), (-2, 1.4), (1.5, 1.4))


def test_two_parts_that_lie_apart_are_both_cut() -> None:
    blocks = np.concatenate([squares(1, 2), shapely.transform(squares(1, 2), lambda xy: np.add(xy, (3, 0)))])
    found = sides(blocks, (-1, 1), (6, 1))
    assert sorted(found) == [False, False, True, True]
    assert found[0] == found[2], "below is below in both parts"


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=0, max_size=4),
    st.integers(1, 39),
    st.integers(1, 39),
)
def test_no_block_lies_mostly_on_the_other_side(middle: list[tuple[int, int]], west: int, east: int) -> None:
    blocks = squares(4, 4)
    xy = [(-1.0, west / 10), *((x / 10, y / 10) for x, y in middle), (5.0, east / 10)]
    line = shapely.LineString(xy)
    if not line.is_simple:
        return
    try:
        found = sides(blocks, *xy)
    except EditError:
        return
    # the land below the line, drawn without the cutter
    below = shapely.make_valid(shapely.Polygon([*xy, (5.0, -9.0), (-1.0, -9.0)]))
    share = shapely.area(shapely.intersection(blocks, below))
    clear = np.abs(share - 0.5) > 1e-9
    assert len({bool(a) == bool(b) for a, b in zip((share > 0.5)[clear], np.array(found)[clear], strict=True)}) <= 1
