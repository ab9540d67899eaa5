"""Maximal cover: answers worked by hand, by trying every set, and published for real cities."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from spatial.errors import InputError
from spatial.siting.cover import max_cover
from spatial.siting.cover.max_cover import solve_max_cover
from spatial.siting.ways import Deadline, Found, cover_value
from tests.bench.siting_instances import read_mclp, read_mclp_best
from tests.real_data import real
from tests.siting.cover_cases import ample, flags, most_weight, small_tables, town, ways_of


def solve(lists: list[list[int]], weight: Any, p: int, sites: int, *fixed: int, **options: Any) -> Found:
    options.setdefault("deadline", ample())
    return solve_max_cover(ways_of(lists, sites), np.array(weight), p, fixed=flags(sites, *fixed), **options)


def test_one_site_goes_where_most_weight_is() -> None:
    found = solve([[0], [0, 1], [1, 2], [2]], [5, 1, 1, 3], 1, 3)
    assert found.open.tolist() == [True, False, False]
    assert (found.value, found.bound, found.proved) == (6.0, 6.0, True)


def test_two_sites_that_share_little_beat_the_two_greediest() -> None:
    # Greedy opens the middle site (7) and then either side (2); the two sides cover everything.
    lists, weight = [[0], [0, 1], [1, 2], [2]], [2, 3, 4, 2]
    found = solve(lists, weight, 2, 3)
    assert found.open.tolist() == [True, False, True]
    assert found.value == 11.0


def test_fixed_sites_cover_and_are_not_counted() -> None:
    found = solve([[0], [1], [2]], [9, 4, 3], 1, 3, 0)
    assert found.open.tolist() == [True, True, False]
    assert found.value == 13.0


def test_no_new_site_leaves_what_the_fixed_ones_cover() -> None:
    found = solve([[0], [1]], [9, 4], 0, 2, 1)
    assert (found.value, found.bound, found.proved) == (4.0, 4.0, True)


def test_a_row_without_sites_and_one_without_weight_change_nothing() -> None:
    found = solve([[], [0], [1]], [100, 0, 2], 1, 2)
    assert found.open.tolist() == [False, True]
    assert (found.value, found.bound) == (2.0, 2.0)


def test_no_more_sites_are_opened_than_bring_something() -> None:
    found = solve([[0, 1], [0, 1]], [1, 2], 2, 2)
    assert found.open.sum() <= 2
    assert (found.value, found.proved) == (3.0, True)


def test_a_negative_weight_is_named() -> None:
    with pytest.raises(InputError, match=r"weight -1\.0 of row 1"):
        solve([[0], [0]], [1, -1], 1, 1)


@settings(max_examples=150, deadline=None)
@given(small_tables())
def test_the_answer_is_the_best_of_all_sets(case: dict[str, Any]) -> None:
    found = solve(case["lists"], case["weight"], case["p"], case["sites"], *case["fixed"])
    best = most_weight(case["lists"], case["weight"], case["p"], case["sites"], case["fixed"])
    assert (found.value, found.bound, found.proved) == (best, best, True)
    assert (found.open & ~flags(case["sites"], *case["fixed"])).sum() <= case["p"]


@pytest.mark.parametrize("seed", range(12))
def test_prices_cuts_and_branching_find_what_trying_every_set_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = town(seed, 60, 16, 0.22)
    weight = np.random.default_rng(seed).integers(1, 50, 60)
    tried = solve(lists, weight, 4, 16)
    monkeypatch.setattr(max_cover, "_MOST_SETS", 0)
    monkeypatch.setattr(max_cover, "_SWAPS", 2_000)
    searched = solve(lists, weight, 4, 16)
    assert searched.value == tried.value
    assert searched.bound == tried.bound
    assert searched.proved


@pytest.mark.parametrize("seed", range(4))
def test_weights_that_are_not_whole_are_proved_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = town(seed, 60, 16, 0.22)
    weight = np.random.default_rng(seed).random(60)
    tried = solve(lists, weight, 4, 16)
    monkeypatch.setattr(max_cover, "_MOST_SETS", 0)
    monkeypatch.setattr(max_cover, "_SWAPS", 2_000)
    searched = solve(lists, weight, 4, 16)
    assert searched.value == pytest.approx(tried.value, rel=1e-12)
    assert searched.proved


def test_the_order_of_rows_does_not_change_the_sites() -> None:
    lists = town(3, 300, 60, 0.12)
    weight = np.random.default_rng(3).integers(1, 50, 300)
    order = np.random.default_rng(4).permutation(300)
    first = solve(lists, weight, 12, 60)
    again = solve([lists[i] for i in order], weight[order], 12, 60)
    assert (first.value, first.bound) == (again.value, again.bound)
    assert (first.open == again.open).all()


def test_without_time_the_answer_still_stands_below_a_true_bound() -> None:
    lists = town(5, 2000, 300, 0.06)
    weight = np.random.default_rng(5).integers(1, 50, 2000)
    hasty = solve(lists, weight, 40, 300, deadline=Deadline(0.0))
    patient = solve(lists, weight, 40, 300, deadline=Deadline(3.0))
    assert hasty.value == cover_value(ways_of(lists, 300), weight, hasty.open)
    assert hasty.value <= patient.value <= patient.bound <= hasty.bound


def test_the_one_who_watches_can_stop_the_work() -> None:
    heard: list[tuple[str, float, float, float]] = []

    def stop(*news: Any) -> bool:
        heard.append(news)
        return False

    lists = town(5, 2000, 300, 0.06)
    found = solve(lists, np.ones(2000), 40, 300, tick=stop)
    assert len(heard) == 1
    assert heard[0][2] <= found.value <= found.bound


@pytest.mark.real
def test_new_york_comes_close_to_the_best_known() -> None:
    city, best = read_mclp(real("siting/NewYork.txt")), read_mclp_best(real("siting/opt_NewYork_50_400.txt"))
    none = flags(city.ways.sites)
    found = solve_max_cover(city.ways, city.weight, 50, fixed=none, deadline=Deadline(6.0))
    assert found.bound >= best
    assert found.value >= 0.995 * best
