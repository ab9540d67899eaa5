"""Set cover: answers worked by hand, by trying every set, with rows that need several sites."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spatial.siting.cover.set_cover as set_cover
import spatial.siting.cover.set_end as set_cover_end
import spatial.siting.cover.set_mix as set_cover_mix
from spatial.errors import InfeasibleError, InputError
from spatial.siting.cover.cuts import NO_CUTS, broken_cuts
from spatial.siting.cover.hulls import broken_hulls, no_hulls
from spatial.siting.cover.prices import Prices, price_all
from spatial.siting.cover.set_cover import solve_set_cover
from spatial.siting.cover.set_end import finish_cover
from spatial.siting.cover.set_mix import mix_covers, near_covers, ranked
from spatial.siting.cover.set_prices import near_all
from spatial.siting.cover.set_refit import refit_windows
from spatial.siting.cover.state import Part, State
from spatial.siting.cover.table import cover_table, covered_rows
from spatial.siting.cover.windows import refit_window, sites_around
from spatial.siting.ways import Deadline, Found, Ints
from tests.siting.cover_cases import ample, fewest_sites, flags, small_tables, town, ways_of


def solve(lists: list[list[int]], sites: int, *fixed: int, **options: Any) -> Found:
    options.setdefault("deadline", ample())
    return solve_set_cover(ways_of(lists, sites), fixed=flags(sites, *fixed), **options)


def covers(lists: list[list[int]], need: list[int], found: Found) -> bool:
    return all(int(found.open[row].sum()) >= k for row, k in zip(lists, need, strict=True))


def test_a_site_without_an_alternative_is_opened_first() -> None:
    found = solve([[0], [0, 1], [1, 2]], 3)
    assert found.open.tolist() == [True, True, False]
    assert (found.value, found.bound, found.proved) == (2.0, 2.0, True)


def test_an_odd_ring_needs_more_sites_than_half_of_it() -> None:
    ring = [[i, (i + 1) % 7] for i in range(7)]
    found = solve(ring, 7)
    assert (found.value, found.bound, found.proved) == (4.0, 4.0, True)


def test_fixed_sites_cover_for_nothing() -> None:
    found = solve([[0, 1], [1], [2]], 3, 1)
    assert found.open.tolist() == [False, True, True]
    assert (found.value, found.bound) == (1.0, 1.0)


def test_a_row_that_needs_two_sites_gets_them() -> None:
    found = solve([[0, 1, 2], [2]], 3, need=np.array([2, 1]))
    assert found.open.tolist() in ([True, False, True], [False, True, True])
    assert (found.value, found.proved) == (2.0, True)


def test_nothing_needed_is_nothing_opened() -> None:
    found = solve([[], [0]], 1, need=np.array([0, 0]))
    assert (found.value, found.bound, found.proved) == (0.0, 0.0, True)


def test_a_row_that_lists_too_few_sites_is_named() -> None:
    with pytest.raises(InfeasibleError, match="row 1 lists 1, needs 2"):
        solve([[0, 1], [0]], 2, need=np.array([1, 2]))
    with pytest.raises(InputError, match="row 0 needs -1"):
        solve([[0]], 1, need=np.array([-1]))


@settings(max_examples=120, deadline=None)
@given(small_tables(), st.data())
def test_the_answer_is_the_smallest_of_all_sets(case: dict[str, Any], data: st.DataObject) -> None:
    need = [data.draw(st.integers(0, min(len(row), 3))) for row in case["lists"]]
    found = solve(case["lists"], case["sites"], *case["fixed"], need=np.array(need))
    best = fewest_sites(case["lists"], need, case["sites"], case["fixed"])
    assert (found.value, found.bound, found.proved) == (best, best, True)
    assert covers(case["lists"], need, found)


@pytest.mark.parametrize("seed", range(6))
def test_a_town_is_answered_as_by_trying_every_set(seed: int) -> None:
    lists = town(seed, 80, 15, 0.25)
    found = solve(lists, 15)
    best = fewest_sites(lists, [1] * 80, 15, ())
    assert (found.value, found.bound) == (best, best)


@settings(max_examples=30, deadline=None)
@given(small_tables(), small_tables())
def test_two_towns_apart_need_what_each_of_them_needs(one: dict[str, Any], two: dict[str, Any]) -> None:
    first, second = ([row or [0] for row in case["lists"]] for case in (one, two))
    both = solve(first + [[j + one["sites"] for j in row] for row in second], one["sites"] + two["sites"])
    assert both.value == solve(first, one["sites"]).value + solve(second, two["sites"]).value


def test_a_small_part_is_proved_beside_one_that_has_nearly_all_rows() -> None:
    ring = [[60 + i, 60 + (i + 1) % 7] for i in range(7)]
    found = solve(town(5, 2000, 60, 0.15) + ring, 67, deadline=Deadline(2.0))
    alone = solve(town(5, 2000, 60, 0.15), 60)
    assert found.bound == alone.bound + 4


def test_the_order_of_rows_does_not_change_the_sites() -> None:
    lists = town(3, 300, 60, 0.15)
    order = np.random.default_rng(4).permutation(300)
    first, again = solve(lists, 60), solve([lists[i] for i in order], 60)
    assert (first.value, first.bound) == (again.value, again.bound)
    assert (first.open == again.open).all()


def test_without_time_the_cover_still_covers_and_the_bound_is_true() -> None:
    lists = town(5, 2000, 300, 0.08)
    hasty, patient = solve(lists, 300, deadline=Deadline(0.0)), solve(lists, 300, deadline=Deadline(3.0))
    assert covers(lists, [1] * 2000, hasty)
    assert hasty.bound <= patient.bound <= patient.value <= hasty.value


@pytest.mark.parametrize("seed", range(40))
def test_a_mix_is_the_smallest_cover_of_the_sites_it_mixes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists, sites = town(seed, 40, 14, 0.3), 14
    need = np.minimum(rng.integers(1, 1 + seed % 3 + 1, 40), [len(row) for row in lists])
    covers = tuple(_some_cover(lists, need, sites, rng) for _ in range(3))
    mixed = mix_covers(cover_table(ways_of(lists, sites)), need, covers, limit_s=5.0)
    union = sorted({int(j) for cover in covers for j in cover})
    inside = [[union.index(j) for j in row if j in union] for row in lists]
    assert len(mixed) == fewest_sites(inside, need.tolist(), len(union), ())
    assert set(mixed.tolist()) <= set(union)
    assert all(len(set(mixed.tolist()) & set(row)) >= k for row, k in zip(lists, need, strict=True))


def _some_cover(lists: list[list[int]], need: Ints, sites: int, rng: np.random.Generator) -> Ints:
    """A cover that has no site to spare, by giving up sites in a random order."""
    kept = set(range(sites))
    for j in rng.permutation(sites).tolist():
        if all(len((kept - {j}) & set(row)) >= k for row, k in zip(lists, need, strict=True)):
            kept -= {j}
    return np.array(sorted(kept))


def test_mixing_stops_where_the_covers_have_too_little_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    covers = tuple(np.array(cover) for cover in ([0, 1, 2], [0, 1, 3], [4, 5, 6], [0, 2, 3]))
    monkeypatch.setattr(set_cover_mix, "_DIFFERENT", 4)
    assert [one.tolist() for one in near_covers(covers[0], covers[1:])] == [[0, 1, 2], [0, 1, 3], [0, 2, 3]]


def test_the_best_covers_are_kept_each_once() -> None:
    covers: tuple[Ints, ...] = (np.array([2, 3]),)
    for found in ([1, 2, 5], [3, 2], [0, 4], [1, 2, 5]):
        covers = ranked(covers, np.array(found))
    assert [one.tolist() for one in covers] == [[0, 4], [2, 3], [1, 2, 5]]


@pytest.mark.parametrize("seed", range(40))
def test_steps_from_any_prices_prove_no_more_than_the_smallest_cover(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = town(seed, 60, 13, 0.3)
    need = np.minimum(rng.integers(1, 1 + seed % 2 + 1, 60), [len(row) for row in lists])
    table, best = cover_table(ways_of(lists, 13)), fewest_sites(lists, need.tolist(), 13, ())
    share = rng.random(13)
    cuts = broken_cuts(table, share, need == 1, most=20)
    hulls = broken_hulls(table, share, rng.random(60), need == 1)
    paid = rng.random(cuts.count + hulls.shape[0])
    start = Prices(0.0, rng.random(60), paid, np.zeros(13), share, 1.0)
    near = near_all(table, need, cuts, hulls, start, little=1e-5, deadline=ample())
    exact = price_all(table, need, cuts, limit_s=10.0, hulls=hulls)
    assert best is not None
    assert exact is not None
    assert near.bound <= best + 1e-9
    assert exact.bound * 0.98 <= near.bound <= exact.bound + 1e-3
    assert min(near.row.min(), near.cut.min(initial=0.0)) >= 0.0


def test_a_question_priced_by_steps_is_answered_as_by_trying_every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_cover, "LARGE", 0)
    for seed in range(12):
        lists = town(seed, 120, 16, 0.25)
        found = solve(lists, 16)
        best = fewest_sites(lists, [1] * 120, 16, ())
        assert (found.value, found.bound, found.proved) == (best, best, True)


@pytest.mark.parametrize("seed", range(4))
def test_windows_as_wide_as_the_question_end_with_the_smallest_cover_of_all(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_cover_end, "_BRANCH_ENTRIES", 0)
    lists = town(seed, 80, 15, 0.25)
    part = Part(cover_table(ways_of(lists, 15)), np.ones(80, np.int64), np.arange(15))
    state = State(np.arange(15), 1.0, NO_CUTS, no_hulls(15), None, flags(15))
    with ThreadPoolExecutor(1) as pool:
        state, note = finish_cover(part, state, (state.chosen,), Deadline(0.3), seed, pool)
    assert "of windows refitted" in note
    assert covered_rows(part.table, np.isin(np.arange(15), state.chosen)).min() == 1
    assert (len(state.chosen), state.bound) == (fewest_sites(lists, [1] * 80, 15, ()), 1.0)


@pytest.mark.parametrize("seed", range(60))
def test_a_window_searched_anew_is_covered_by_the_sites_allowed_and_is_never_larger(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = town(seed, 70, 16, 0.25)
    need = np.minimum(rng.integers(1, 1 + seed % 2 + 1, 70), [len(row) for row in lists])
    table = cover_table(ways_of(lists, 16))
    opened, among = flags(16, *range(16)), rng.random(16) < 0.6
    for j in rng.permutation(16)[:8]:
        opened[j] = (covered_rows(table, opened & (np.arange(16) != j)) < need).any()
    chosen = np.flatnonzero(opened)
    size = int(rng.integers(1, len(chosen) + 1))
    inside = sites_around(table, opened, int(rng.choice(chosen)), size)
    found = refit_window(table, need, chosen, inside, among=among, deadline=ample(), steps=2_000, seed=seed)
    assert np.all(covered_rows(table, flags(16, *found)) >= need)
    assert len(found) <= len(chosen)
    assert np.isin(np.setdiff1d(chosen, inside), found).all()
    assert among[np.setdiff1d(found, chosen)].all()
    may = [[j for j in row if among[j] or opened[j]] for row in lists]
    least = fewest_sites(may, need.tolist(), 16, ())
    assert least is not None
    assert size < len(chosen) or (len(found) < len(chosen)) == (least < len(chosen))


def test_no_window_is_searched_once_the_time_is_over() -> None:
    lists = town(3, 60, 14, 0.3)
    part = Part(cover_table(ways_of(lists, 14)), np.ones(60, np.int64), np.arange(14))
    state = State(np.arange(14), 1.0, NO_CUTS, no_hulls(14), None, flags(14))
    same = refit_windows(part, state, state.chosen, Deadline(0.0), times=3, seed=1)
    assert same.tolist() == list(range(14))
    assert len(refit_windows(part, state, state.chosen, ample(), times=3, seed=1)) < 14
