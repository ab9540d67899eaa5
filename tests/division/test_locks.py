"""Locks: what must share a grid becomes one unit where it can, and what cannot says why."""

from typing import Any

import pytest

from spatial.division.layout import Layout, build_layout
from spatial.division.locks import Locks, check_locks, to_locks
from spatial.division.piece import FREE
from spatial.errors import InputError
from tests.division.lattice import NO_BLOCK, banded, borders, town

ABOUT_500 = banded(300, 500, 700)


def lay(cells: Any, locks: Locks, profile: Any = ABOUT_500, **given: Any) -> Layout:
    blocks = town(cells, **given)
    return build_layout(blocks, borders(blocks), profile, locks=locks)


def units(layout: Layout) -> dict[str, int]:
    return dict(zip(layout.frame["block_id"], layout.unit.tolist(), strict=True))


def test_blocks_of_one_label_that_touch_are_one_unit() -> None:
    layout = lay([[100, 100, 100]], Locks({"r0c0": "a", "r0c1": "a"}))
    assert units(layout) == {"r0c0": 0, "r0c1": 0, "r0c2": 1}
    assert layout.lock.tolist() == [0, 0, FREE]
    assert layout.torn == ()


def test_groups_that_overlap_are_one() -> None:
    layout = lay([[100, 100, 100, 100]], Locks({"r0c2": "a"}, (("r0c0", "r0c1"), ("r0c1", "r0c2"))))
    assert units(layout) == {"r0c0": 0, "r0c1": 0, "r0c2": 0, "r0c3": 1}
    assert layout.lock.tolist() == [0, 0, 0, FREE]


def test_labels_that_touch_stay_apart() -> None:
    layout = lay([[100, 100, 100]], Locks({"r0c0": "a", "r0c1": "b"}))
    assert layout.unit.tolist() == [0, 1, 2]
    assert layout.lock.tolist() == [0, 1, FREE]


def test_parts_of_a_label_keep_its_lock_and_say_which_blocks_would_join_them() -> None:
    layout = lay([[10, 90, 10], [10, 5, 10]], Locks({"r0c0": "a", "r0c2": "a"}))
    assert layout.unit.tolist() == list(range(6))
    assert sorted(layout.lock.tolist()) == [FREE] * 4 + [0, 0]
    assert layout.torn == (
        "Lock 'a' (blocks r0c0, r0c2) lies in 2 parts; blocks r1c0, r1c1, r1c2 with 25 households would join them.",
    )


def test_of_ways_with_equal_households_the_one_of_fewer_blocks_joins() -> None:
    layout = lay([[10, 0, 10], [0, 0, 0]], Locks(together=(("r0c0", "r0c2"),)))
    assert "block r0c1 with 0 households would join them" in layout.torn[0]


def test_three_parts_are_joined_one_after_the_other() -> None:
    layout = lay([[10, 20, 10, 30, 10]], Locks(together=(("r0c0", "r0c2", "r0c4"),)))
    assert layout.torn == (
        "The group of blocks r0c0, r0c2, r0c4 lies in 3 parts; blocks r0c1, r0c3 with 50 households would join them.",
    )


def test_joining_that_passes_the_ceiling_says_so() -> None:
    layout = lay([[300, 600, 300]], Locks(together=(("r0c0", "r0c2"),)))
    assert "would join them, 1200 in all, above the 700 that its grid may have." in layout.torn[0]


def test_parts_that_nothing_joins_say_so() -> None:
    split = lay([[100, NO_BLOCK, 100]], Locks(together=(("r0c0", "r0c2"),)))
    assert split.torn == (
        "The group of blocks r0c0, r0c2 lies in 2 parts that no land joins which can be crossed and is free.",
    )
    taken = lay([[100, 100, 100]], Locks({"r0c0": "a", "r0c1": "b", "r0c2": "a"}))
    assert "no land joins" in taken.torn[0]


def test_a_border_that_cannot_be_crossed_parts_a_group() -> None:
    blocks = town([[100, 100], [100, 100]])
    adjacency = borders(blocks, barred=[("r0c0", "r0c1")])
    layout = build_layout(blocks, adjacency, ABOUT_500, locks=Locks(together=(("r0c0", "r0c1"),)))
    assert "blocks r1c0, r1c1 with 200 households would join them" in layout.torn[0]


def test_a_group_above_the_ceiling_is_not_merged() -> None:
    layout = lay([[400, 400, 100]], Locks({"r0c0": "a", "r0c1": "a"}))
    assert layout.unit.tolist() == [0, 1, 2]
    assert layout.lock.tolist() == [0, 0, FREE]
    assert layout.torn == (
        "Lock 'a' (blocks r0c0, r0c1) has 800 households, above the 700 that its grid may have: not kept.",
    )


def test_empty_land_may_stay_with_a_block_above_the_ceiling_that_takes_such_land() -> None:
    group = Locks(together=(("r0c0", "r0c1"),))
    taken = lay([[900, 0, 300]], group, banded(300, 500, 700, oversize_alone=False))
    assert taken.unit.tolist() == [0, 0, 1]
    assert taken.torn == ()
    alone = lay([[900, 0, 300]], group)
    assert alone.unit.tolist() == [0, 1, 2]
    assert alone.torn == ("The group of blocks r0c0, r0c1 cannot share a grid: block r0c0 stands alone by rule.",)


def test_unknown_blocks_are_named() -> None:
    with pytest.raises(InputError, match="locks: found blocks p, q, needed some of the 1 blocks"):
        lay([[100]], Locks({"q": "a"}, (("p", "r0c0"),)))


def test_a_block_with_two_labels_is_refused() -> None:
    with pytest.raises(InputError, match="block 'b1' has the labels 'x' and 'y', needed one"):
        to_locks([("b1", "x"), ("b1", "y")])
    with pytest.raises(InputError, match="'r0c0' has the label 'x' and 'r0c2' the label 'y'"):
        lay([[10, 10, 10]], Locks({"r0c0": "x", "r0c2": "y"}, (("r0c0", "r0c1"), ("r0c1", "r0c2"))))
    with pytest.raises(InputError, match="block 'b1' has an empty label"):
        to_locks([("b1", "")])


def test_a_group_in_two_communities_is_refused() -> None:
    with pytest.raises(InputError, match="block 'r0c0' lies in community 'A' and block 'r0c1' in 'B'"):
        lay([[100, 100]], Locks({"r0c0": "a", "r0c1": "a"}), community=[["A", "B"]])


def test_rows_and_groups_make_locks() -> None:
    assert to_locks([("b1", "x"), ("b2", "x"), ("b1", "x")], [["b3", "b4"]]) == Locks(
        {"b1": "x", "b2": "x"}, (("b3", "b4"),)
    )


def test_no_locks_and_groups_of_one_change_nothing() -> None:
    for locks in (Locks(), Locks(together=((), ("r0c0",)))):
        layout = lay([[100, 100]], locks)
        assert layout.unit.tolist() == [0, 1]
        assert layout.lock.tolist() == [FREE, FREE]
        assert layout.torn == ()


def test_a_division_is_held_against_the_locks() -> None:
    locks = Locks({"r0c0": "a", "r0c1": "a", "r0c2": "b"}, (("r0c3", "r0c4"),))
    layout = lay([[100, 100, 100, 100, 100]], locks)
    part = layout.unit.copy()
    assert check_locks(layout, locks, part) == ()
    part[:] = [0, 1, 1, 2, 3]
    assert check_locks(layout, locks, part) == (
        "Lock 'a' (blocks r0c0, r0c1) is torn into 2 grids.",
        "Lock 'a' (blocks r0c0, r0c1) and lock 'b' (block r0c2) share a grid.",
        "The group of blocks r0c3, r0c4 is torn into 2 grids.",
    )
