"""Feasibility: arithmetic worked by hand, then every subset looked at."""

from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.feasibility import check_feasible
from spatial.errors import InputError
from tests.division.lattice import banded

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
