"""Feasibility: arithmetic worked by hand, then every subset and every piece of land looked at."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.feasibility import check_feasible, check_pieces
from spatial.division.layout import build_layout
from spatial.division.locks import Locks
from spatial.division.piece import FREE
from spatial.division.reach import build_ground, completes, find_stranded
from spatial.division.sizes import Band
from spatial.errors import InputError
from spatial.profile import Profile
from tests.division.lattice import NO_BLOCK, banded, borders, town

BAND_300_500 = banded(300, 400, 500)


def ones(total: int) -> list[int]:
    return [10] * (total // 10) + [1] * (total % 10)


def test_the_band_300_500_has_one_hole_above_the_floor() -> None:
    holes = [total for total in range(300, 1000) if not check_feasible(ones(total), BAND_300_500).feasible]
    assert holes == list(range(501, 600))


def test_the_band_400_600_has_its_hole_at_601_to_799() -> None:
    profile = banded(400, 500, 600)
    assert not check_feasible(ones(601), profile).feasible
    assert not check_feasible(ones(799), profile).feasible
    assert check_feasible(ones(800), profile).counts == (2,)


@pytest.mark.parametrize(("last_good", "next_good"), [(550, 900), (1100, 1350), (1650, 1800), (2200, 2250)])
def test_the_band_450_550_has_four_holes(last_good: int, next_good: int) -> None:
    profile = banded(450, 500, 550)
    assert check_feasible(ones(last_good), profile).feasible
    assert check_feasible(ones(next_good), profile).feasible
    assert not check_feasible(ones(last_good + 1), profile).feasible
    assert not check_feasible(ones(next_good - 1), profile).feasible


def test_550_households_are_infeasible_and_600_make_two() -> None:
    hole = check_feasible(ones(550), BAND_300_500)
    assert not hole.feasible
    assert hole.nearest == 2
    assert hole.reasons == (
        "550 households make no whole number of grids of 300 to 500: 1 would hold at most 500, 2 at least 600",
    )
    assert check_feasible(ones(600), BAND_300_500).counts == (2,)


def test_an_estate_of_1200_that_cannot_be_split_is_named() -> None:
    found = check_feasible(pd.Series({"E7": 1200, "a": 200, "b": 200}), BAND_300_500)
    assert not found.feasible
    assert found.counts == (1,)
    assert found.reasons == ("block E7 has 1200 households, above the ceiling of 500, and cannot be split",)


def test_too_few_households_say_so() -> None:
    assert check_feasible([120], BAND_300_500).reasons == ("120 households are fewer than the floor of 300",)


def test_a_block_that_nothing_completes_is_named() -> None:
    found = check_feasible({"a": 280, "b": 490, "c": 490}, BAND_300_500)
    assert found.reasons == ("block a has 280 households and no others fill a grid of 300 to 500 with it",)


def test_blocks_that_cannot_be_packed_say_so() -> None:
    found = check_feasible([260, 260, 260, 150, 150], BAND_300_500)
    assert not found.feasible
    assert "cannot be put into grids of 300 to 500" in found.reasons[0]


def test_nothing_to_divide_is_feasible() -> None:
    assert check_feasible([], BAND_300_500).feasible
    assert check_feasible([0, 0], BAND_300_500).feasible


def test_negative_households_are_refused() -> None:
    with pytest.raises(InputError, match="block 1: found -3 households"):
        check_feasible([5, -3], BAND_300_500)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_the_answer_agrees_with_looking_at_every_division(blocks: list[int]) -> None:
    profile = banded(4, 6, 8)
    rest = [h for h in blocks if h <= 8]
    counts = set()
    for labels in product(range(len(rest)), repeat=len(rest)):
        sums = [sum(h for h, label in zip(rest, labels, strict=True) if label == n) for n in set(labels)]
        if all(4 <= s <= 8 for s in sums) and sum(rest):
            counts.add(len(sums))
    found = check_feasible(blocks, profile)
    assert set(found.counts) == counts
    assert found.feasible == (len(rest) == len(blocks) and (bool(counts) or not sum(rest)))


def check(cells: Any, profile: Profile = BAND_300_500, *, barred: Any = (), **given: Any) -> tuple[str, ...]:
    blocks = town(cells, ceiling=profile.grid.ceiling_households)
    return check_pieces(build_layout(blocks, borders(blocks, barred=barred), profile, **given), profile)


def test_land_that_can_be_divided_has_no_obstacles() -> None:
    assert check([[100, 100, 100, 0]]) == ()
    assert check([[0, 0]]) == ()
    assert check([[1200]]) == ()


def test_a_hole_in_the_band_is_told_by_community() -> None:
    assert check([[110] * 5]) == (
        "Community C: 550 households make no whole number of grids of 300 to 500: 1 would hold at most 500, 2 at "
        "least 600.",
    )


def test_each_piece_of_land_is_judged_by_itself() -> None:
    assert check([[200, 200, NO_BLOCK, 100, 20, NO_BLOCK, 300]]) == (
        "Community C, blocks r0c3, r0c4: 120 households are fewer than the floor of 300.",
    )
    assert check([[200, 100], [20, 200]], barred=[("r0c0", "r1c0"), ("r0c1", "r1c1")]) == (
        "Community C, blocks r1c0, r1c1: 220 households are fewer than the floor of 300.",
    )


def test_a_block_above_the_ceiling_that_may_take_empty_land_parts_the_rest() -> None:
    profile = banded(300, 400, 500, oversize_alone=False)
    assert check([[0, 900, 0, 120, 900, 400]], profile) == (
        "Community C, blocks r0c2, r0c3: 120 households are fewer than the floor of 300.",
    )


def test_a_block_that_only_too_large_ones_surround_is_named() -> None:
    assert check([[200, 450, 300, 300]]) == (
        "Community C: block r0c0 has 200 households, below the floor of 300, and every way to more passes the ceiling "
        "of 500.",
    )


def test_a_block_whose_reach_holds_too_few_is_named() -> None:
    assert check([[150, 100, 450, 350]]) == (
        "Community C: block r0c0 has 150 households, 250 with all within reach under the ceiling of 500: below 300.",
        "Community C: block r0c1 has 100 households, 250 with all within reach under the ceiling of 500: below 300.",
    )


def test_each_block_says_what_its_reach_lacks() -> None:
    assert check([[170, 150, 100, 190]], banded(300, 305, 310)) == (
        "Community C: block r0c0 has 170 households, below the floor of 300, and every way to more passes the ceiling "
        "of 310.",
        "Community C: block r0c1 has 150 households, 250 with all within reach under the ceiling of 310: below 300.",
        "Community C: block r0c2 has 100 households and no others within reach fill a grid of 300 to 310 with it.",
        "Community C: block r0c3 has 190 households, 290 with all within reach under the ceiling of 310: below 300.",
    )


def test_a_sum_that_only_land_apart_makes_does_not_help() -> None:
    band, households = Band(175, 180, 190), np.array([50, 90, 20, 110])
    ground, _ = build_ground(households, np.array([0, 1, 0]), np.array([1, 2, 3]), np.full(4, FREE))
    assert completes(50, [90, 20, 110], band)
    assert (0, 270) in list(find_stranded(ground, band))


def test_blocks_that_stay_together_are_judged_as_one() -> None:
    group = Locks(together=(("r0c0", "r0c2"), ("r0c0", "r0c1")))
    assert check([[80, 80, 80, 450]], locks=group) == (
        "Community C: blocks r0c0, r0c1, r0c2 have 240 households, below the floor of 300, and every way to more "
        "passes the ceiling of 500.",
    )


def test_locks_may_need_more_grids_than_there_are_households_for() -> None:
    locks = Locks({"r0c0": "a", "r0c1": "b", "r0c2": "c"})
    assert check([[250, 250, 250]], locks=locks) == (
        "Community C: 3 locks need 3 grids, and 750 households fill 2 of 300 or more.",
    )


def test_a_lock_keeps_a_block_from_what_it_needs() -> None:
    assert check([[100, 200, 350]]) == ()
    assert check([[100, 200, 350]], locks=Locks({"r0c0": "a", "r0c1": "b"})) == (
        "Community C: block r0c0 has 100 households, below the floor of 300, and every way to more passes the ceiling "
        "of 500 or a lock.",
        "Community C: block r0c1 has 200 households, below the floor of 300, and every way to more passes the ceiling "
        "of 500 or a lock.",
    )


def test_a_profile_that_does_not_hold_grids_to_the_floor_has_no_obstacles() -> None:
    assert check([[110] * 5], banded(300, 400, 500, floor_penalty=False)) == ()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=9),
    st.integers(0, 2**32),
    st.sampled_from([Band(4, 6, 8), Band(6, 7, 8), Band(10, 11, 12)]),
)
def test_a_block_is_stranded_where_no_connected_land_about_it_is_in_the_band(
    counts: list[int], seed: int, band: Band
) -> None:
    draw = np.random.default_rng(seed)
    households, lock = np.array(counts), draw.choice([FREE, FREE, FREE, 0, 1], len(counts))
    pairs = [(a, b) for a, b in combinations(range(len(counts)), 2) if draw.random() < 0.35]
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(len(counts)))
    good: set[int] = set()
    for size in range(1, len(counts) + 1):
        for members in combinations(range(len(counts)), size):
            locks = {int(lock[m]) for m in members} - {FREE}
            total = sum(counts[m] for m in members)
            if band.floor <= total <= band.ceiling and len(locks) < 2 and nx.is_connected(graph.subgraph(members)):
                good |= set(members)
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    ground, node = build_ground(households, first, second, lock)
    stranded = {found for found, _ in find_stranded(ground, band)}
    for block, count in enumerate(counts):
        if 0 < count <= band.ceiling:
            assert (int(node[block]) in stranded) == (block not in good)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([0, 60, 120, 180, 240, 320, 450, 510]), min_size=6, max_size=6), st.integers(0, 2**32))
def test_land_with_an_obstacle_has_no_division_in_the_band(counts: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    blocks = town(np.array(counts).reshape(2, 3), ceiling=500)
    adjacency = borders(blocks)
    adjacency["crossable"] = draw.random(len(adjacency)) < 0.8
    locks = Locks({name: str(draw.choice(["a", "b"])) for name in blocks["block_id"] if draw.random() < 0.2})
    layout = build_layout(blocks, adjacency, BAND_300_500, locks=locks)
    if not check_pieces(layout, BAND_300_500):
        return
    graph = nx.Graph()
    graph.add_nodes_from(np.flatnonzero(~layout.alone).tolist())
    joins = layout.contiguous & ~layout.alone[layout.first] & ~layout.alone[layout.second]
    graph.add_edges_from(zip(layout.first[joins].tolist(), layout.second[joins].tolist(), strict=True))
    empty = {v for part in nx.connected_components(graph) if not layout.households[list(part)].sum() for v in part}
    free = sorted(set(graph) - empty)
    for grids in _groupings(free):
        assert not all(_keeps_rules(layout, graph.subgraph(members)) for members in grids)


def _groupings(items: list[int]) -> Iterator[list[list[int]]]:
    """Yield every way to put items into groups."""
    if not items:
        yield []
        return
    for groups in _groupings(items[1:]):
        yield [[items[0]], *groups]
        yield from ([*groups[:i], [items[0], *group], *groups[i + 1 :]] for i, group in enumerate(groups))


def _keeps_rules(layout: Any, grid: Any) -> bool:
    members = list(grid)
    locks = {int(lock) for lock in layout.lock[members]} - {FREE}
    return 300 <= layout.households[members].sum() <= 500 and len(locks) < 2 and nx.is_connected(grid)
