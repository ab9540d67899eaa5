"""P-centers: worked by hand, held to every set of sites, and to published optima."""

from dataclasses import replace
from itertools import combinations, count, product
from math import inf

import numpy as np
import pytest
from scipy import sparse

import spatial.siting.center.center as center
import spatial.siting.center.radius as center_radius
from spatial.errors import InfeasibleError, InputError
from spatial.siting.center.center import solve_center, solve_center_under
from spatial.siting.center.near import Near, list_limits, list_near
from spatial.siting.center.search import search_apart
from spatial.siting.center.tree import WHOLE, Branch, Told, find_within, is_refuted
from spatial.siting.cover.table import table_of
from spatial.siting.enumerate import try_all
from spatial.siting.mip import solve_mip
from spatial.siting.models import cover_model
from spatial.siting.question import CountRule, Question, broken_rules, value_of
from spatial.siting.ways import Deadline, Ways, build_ways, center_value, within
from tests.bench.siting_instances import PMED_CENTERS, full_ways, point_question, read_pmed, scattered_points
from tests.real_data import real

# Four houses along a road at 0, 1, 5 and 6; a site may open at each.
ROAD = full_ways(np.abs(np.subtract.outer([0.0, 1.0, 5.0, 6.0], [0.0, 1.0, 5.0, 6.0])))


def flags(*opened: int, sites: int = 4) -> np.ndarray:
    return np.isin(np.arange(sites), opened)


def test_two_sites_on_a_road_leave_nobody_more_than_one_away() -> None:
    found = solve_center(ROAD, 2)
    assert (found.value, found.bound, found.proved) == (1.0, 1.0, True)
    assert found.open.sum() == 2


def test_one_site_has_to_stand_inside() -> None:
    found = solve_center(ROAD, 1)
    assert found.value == 5.0
    assert center_value(ROAD, found.open) == 5.0


def test_fixed_sites_are_free_and_stay_open() -> None:
    found = solve_center(ROAD, 1, fixed=flags(0))
    assert found.open[0]
    assert found.value == 1.0
    assert solve_center(ROAD, 0, fixed=flags(0)).value == 6.0


def test_rows_of_no_weight_do_not_count() -> None:
    assert solve_center(ROAD, 1, weight=np.array([1, 1, 1, 0])).value == 4.0
    assert solve_center(ROAD, 1, weight=np.zeros(4)).value == 0.0


def test_a_row_that_lists_no_site_is_named() -> None:
    ways = build_ways(np.array([0]), np.array([0]), np.array([1.0]), 2, 1)
    with pytest.raises(InfeasibleError, match="row 1 has to be served and lists no site"):
        solve_center(ways, 1)
    assert solve_center(ways, 1, weight=np.array([1, 0])).value == 1.0


@pytest.mark.parametrize("most_sets", [5_000, 0])
def test_too_few_sites_to_serve_all_are_refused(monkeypatch: pytest.MonkeyPatch, most_sets: int) -> None:
    monkeypatch.setattr(center, "_SETS", most_sets)
    ways = build_ways(np.arange(4), np.arange(4), np.ones(4), 4, 4)
    with pytest.raises(InfeasibleError, match="no 2 new sites serve every row"):
        solve_center(ways, 2)
    assert solve_center(ways, 2, fixed=flags(0, 1)).value == 1.0


def test_a_question_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="-1 new sites"):
        solve_center(ROAD, -1)
    with pytest.raises(InputError, match="3 weights"):
        solve_center(ROAD, 1, weight=np.ones(3))


@pytest.mark.parametrize("most_sets", [5_000, 0])
@pytest.mark.parametrize("seed", range(100))
def test_small_questions_have_the_value_of_the_best_of_all_sets(monkeypatch, seed, most_sets) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(center, "_SETS", most_sets)
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 14)), int(rng.integers(2, 9))
    cost = rng.integers(0, 25, (n, m)).astype(float) if seed % 3 else rng.uniform(0, 25, (n, m))
    if seed % 2:
        cost[rng.random((n, m)) < 0.3] = inf
    ways, fixed, weight = full_ways(cost), rng.random(m) < 0.2, rng.integers(0, 3, n)
    p, free = int(rng.integers(0, m)), np.flatnonzero(~fixed)
    sets = combinations(free, min(p, len(free)))
    want = min(center_value(ways, fixed | flags(*names, sites=m), weight) for names in sets)
    if not np.isfinite(want):
        with pytest.raises(InfeasibleError):
            solve_center(ways, p, weight=weight, fixed=fixed)
        return
    found = solve_center(ways, p, weight=weight, fixed=fixed)
    assert found.proved
    assert (found.value, found.bound) == (want, want)
    assert found.open[fixed].all()
    assert (found.open & ~fixed).sum() <= p
    assert center_value(ways, found.open, weight) == want


def test_a_search_without_time_says_so_and_keeps_a_true_bound() -> None:
    question = point_question("points", scattered_points(80, 3), 6)
    best = solve_center(question.ways, 6)
    found = solve_center(question.ways, 6, deadline=Deadline(0.0))
    assert best.proved
    assert not found.proved
    assert found.notes
    assert found.bound <= best.value <= found.value


def test_the_same_seed_gives_the_same_sites_whatever_the_order_of_the_entries() -> None:
    ways = point_question("points", scattered_points(60, 4), 5).ways
    order = np.random.default_rng(0).permutation(len(ways.cost))
    rows = np.repeat(np.arange(60), np.diff(ways.ptr))
    other = build_ways(rows[order], ways.site[order], ways.cost[order], 60, 60)
    assert solve_center(ways, 5, seed=2).open.tobytes() == solve_center(other, 5, seed=2).open.tobytes()


def conditioned(seed: int, *, sites: int = 9, rows: int = 12, need: int = 1) -> Question:
    """A question under conditions of every kind: money, distances, kinds, shut and fixed sites, rows without weight."""
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 40, (rows, sites)).astype(float) if seed % 2 else rng.uniform(0, 40, (rows, sites))
    row, site = np.nonzero(rng.random((rows, sites)) < 0.85)
    fixed = rng.random(sites) < 0.1
    some = rng.random(sites) < 0.5
    pairs = np.array([pair for pair in combinations(range(sites), 2) if rng.random() < 0.12], np.int64).reshape(-1, 2)
    least = int(rng.integers(0, 3))
    return Question(
        goal="largest", ways=build_ways(row, site, cost[row, site], rows, sites),
        weight=rng.integers(0, 4, rows).astype(float), load=np.ones(rows), missing=inf,
        p=int(rng.integers(need, need + 4)), counted=~fixed, fixed=fixed,
        banned=~fixed & (rng.random(sites) < 0.1), charge=np.ones(sites),
        price=np.where(fixed, 0.0, np.round(rng.uniform(0.0, 9.0, sites), 1)),
        budget=float(rng.integers(6, 30)) if rng.random() < 0.6 else inf,
        apart=pairs[~fixed[pairs].any(axis=1)],
        rules=(CountRule(some, least, least + int(rng.integers(0, 4)), "some"), CountRule(~some, 0, 3, "others")),
        capacity=np.full(sites, inf), split=False, need=need,
    )  # fmt: skip


def near_of(question: Question, radius: float) -> Near | None:
    """The rows that count within a radius."""
    counts = question.weight > 0
    length = np.diff(question.ways.ptr)
    entry = np.repeat(counts, length)
    ways = Ways(np.r_[0, np.cumsum(length[counts])], question.ways.site[entry], question.ways.cost[entry], 9)
    limits = list_limits(question)
    assert limits is not None
    return list_near(ways, question.need, question.fixed, limits, radius)


@pytest.mark.parametrize("need", [1, 2, 3])
@pytest.mark.parametrize("seed", range(120))
def test_under_all_conditions_the_value_is_that_of_the_best_of_all_sets(seed: int, need: int) -> None:
    question = conditioned(seed, need=need)
    best = try_all(question)
    found = solve_center_under(question, deadline=Deadline(60.0))
    if best is None:
        assert found.impossible
        assert found.opened is None
        return
    assert found.opened is not None
    assert not broken_rules(question, found.opened)
    assert value_of(question, found.opened) == found.bound == value_of(question, best)


@pytest.mark.parametrize("seed", range(60))
def test_branches_closed_hold_no_sites_and_those_left_hold_all(seed: int) -> None:
    question = replace(conditioned(seed), rules=(), banned=np.zeros(9, dtype=bool))
    for radius in np.quantile(question.ways.cost, (0.3, 0.5)):
        near = near_of(question, float(radius))
        if near is None:
            continue
        sets = np.array([*product((False, True), repeat=len(near.sites))]).reshape(-1, len(near.sites))
        table = np.zeros((near.table.rows, len(near.sites)))
        for i in range(near.table.rows):
            table[i, near.table.site[near.table.ptr[i] : near.table.ptr[i + 1]]] = 1.0
        serves = (sets @ table.T >= near.need).all(axis=1) & (sets @ near.packs.toarray().T <= near.room).all(axis=1)
        if is_refuted(near, deadline=Deadline(60.0)):
            assert not serves.any()
        told = find_within(near, WHOLE, deadline=Deadline(60.0), visits=1 + seed % 4)
        place = {int(site): k for k, site in enumerate(near.sites)}
        inside = np.zeros(len(sets), dtype=int)
        for branch in told.left:
            inside += np.all([sets[:, place[site]] == opens for site, opens in branch] or [sets[:, 0] < 2], axis=0)
        assert (inside[serves] == 1).all()
        assert not told.none or not serves.any()
        if told.chosen is not None:
            assert serves[(sets == np.isin(near.sites, told.chosen)).all(axis=1)].all()


@pytest.mark.parametrize("need", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_larger_questions_have_an_answer_within_the_radius_and_none_below(seed: int, need: int) -> None:
    question = conditioned(seed, sites=30, rows=80, need=need)
    question = replace(question, p=7, budget=30.0, banned=np.zeros(30, dtype=bool), weight=np.ones(80))
    found = solve_center_under(question, deadline=Deadline(60.0))
    radii = np.unique(question.ways.cost)
    if found.opened is None:
        assert found.impossible
        assert solve_mip(cover_model(question, question.charge), start=None, time_limit_s=60.0).infeasible
        return
    assert value_of(question, found.opened) == found.bound
    below = replace(question, ways=within(question.ways, float(radii[np.searchsorted(radii, found.bound) - 1])))
    assert solve_mip(cover_model(below, question.charge), start=None, time_limit_s=60.0).infeasible


@pytest.mark.parametrize("ticks", [0, 1, 3, 6, 9])
def test_a_search_that_is_stopped_keeps_a_true_bound(ticks: int) -> None:
    question = conditioned(3, sites=30, rows=80)
    question = replace(question, p=7, budget=30.0, banned=np.zeros(30, dtype=bool), weight=np.ones(80))
    best = solve_center_under(question, deadline=Deadline(60.0))
    calls = iter(range(100))
    found = solve_center_under(question, deadline=Deadline(60.0), tick=lambda *_: next(calls) < ticks)
    assert found.bound <= best.bound
    assert found.opened is None or value_of(question, found.opened) >= best.bound


def test_a_search_that_is_stopped_at_once_has_sites_or_knows_that_there_are_none() -> None:
    for seed in range(40):
        question = conditioned(seed)
        found = solve_center_under(question, deadline=Deadline(60.0), tick=lambda *_: False)
        assert (found.opened is None) == found.impossible == (try_all(question) is None), seed
        assert found.opened is None or not broken_rules(question, found.opened)


@pytest.mark.real
@pytest.mark.parametrize("number", sorted(PMED_CENTERS))
def test_published_networks_are_proved_at_the_published_optimum(number: int) -> None:
    question = read_pmed(real(f"pmed/pmed{number}.txt"))
    found = solve_center(question.ways, question.p)
    assert found.proved
    assert found.value == PMED_CENTERS[number]


def assert_best(question: Question) -> None:
    """The answer keeps the conditions, is proved, and as good as the best of all sets, or there is proof of none."""
    best, found = try_all(question), solve_center_under(question, deadline=Deadline(60.0))
    if best is None:
        assert found.impossible
        return
    assert found.opened is not None
    assert not broken_rules(question, found.opened)
    assert found.bound == value_of(question, found.opened) == value_of(question, best)


@pytest.mark.parametrize("seed", [689, 767, 783, 855, 882, 951, 968, 975, 1054, 1113, 1199, 1206, *range(20)])
def test_branches_closed_at_one_radius_are_looked_at_again_at_smaller_ones(monkeypatch, seed) -> None:  # type: ignore[no-untyped-def]
    looks, whole = count(), find_within

    def interrupted(near: Near, branches: tuple[Branch, ...], *, deadline: Deadline) -> Told:
        return whole(near, branches, deadline=deadline, visits=None if next(looks) % 2 else 1 + seed % 3)

    for name in ("_searched", "_begun", "_raised", "_visited"):
        monkeypatch.setattr(center_radius, name, lambda _, known: known)
    monkeypatch.setattr(center_radius, "find_within", interrupted)
    question = conditioned(seed, sites=11, rows=14)
    question = replace(question, budget=inf if seed % 3 else question.budget, rules=() if seed % 2 else question.rules)
    assert_best(question)


@pytest.mark.parametrize("need", [1, 2])
@pytest.mark.parametrize("seed", range(60))
def test_a_search_finds_sites_that_are_not_too_near_to_each_other_where_there_are_some(seed: int, need: int) -> None:
    rng = np.random.default_rng(seed)
    rows, sites, most = 12, 10, int(rng.integers(2, 6))
    held = (rng.random((rows, sites)) < 0.35) | np.eye(rows, sites, dtype=bool)
    held[sites:, :2] = True
    apart = np.triu(rng.random((sites, sites)) < 0.2, 1)
    table = table_of(sparse.csr_array(held.astype(float)))
    needs = np.minimum(rng.integers(1, need + 1, rows), held.sum(axis=1))
    pairs = sparse.csr_array((apart | apart.T).astype(float))
    told = (pairs.indptr.astype(np.int64), pairs.indices.astype(np.int64))
    found = search_apart(table, needs, told, most=most, steps=3_000, seed=seed)
    sets = np.array([flags for flags in product((0, 1), repeat=sites) if sum(flags) <= most])
    serves = (sets @ held.T >= needs).all(axis=1) & (((sets @ apart) * sets).sum(axis=1) == 0)
    assert (found is not None) == serves.any()
    if found is not None:
        assert serves[(sets == np.isin(np.arange(sites), found)).all(axis=1)].all()
        assert len(found) <= most


@pytest.mark.parametrize("seed", range(30))
def test_sites_too_near_to_each_other_make_the_farthest_place_no_nearer_than_the_best_of_all_sets(seed: int) -> None:
    question = conditioned(seed, sites=14, rows=40)
    question = replace(question, p=4, budget=inf, rules=(), banned=np.zeros(14, dtype=bool), weight=np.ones(40))
    assert_best(question)


@pytest.mark.parametrize("tries", [1, 3, 30])
@pytest.mark.parametrize("seed", range(40))
def test_a_try_that_ends_soon_leaves_the_rest_to_the_search_behind_it(monkeypatch, seed: int, tries: int) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(center_radius, "_TRIES", tries)
    monkeypatch.setattr(center_radius, "_STEPS", 1 + seed % 3)
    question = conditioned(seed, sites=14, rows=40, need=1 + seed % 2)
    apart = question.apart if seed % 4 else question.apart[:0]
    assert_best(replace(question, p=5, budget=inf, rules=(), apart=apart, weight=np.ones(40)))


@pytest.mark.parametrize("need", [1, 2, 3])
@pytest.mark.parametrize("seed", range(14))
def test_money_that_is_short_by_less_than_any_bound_tells_is_not_spent(monkeypatch, seed: int, need: int) -> None:  # type: ignore[no-untyped-def]
    if seed % 2:
        for name in ("_searched", "_begun", "_raised", "_visited"):
            monkeypatch.setattr(center_radius, name, lambda _, known: known)
    rng = np.random.default_rng(seed)
    question = conditioned(seed, sites=7, rows=9, need=need)
    price = np.where(question.fixed, 0.0, 1e7 + rng.integers(0, 4, 7))
    budget = 1e7 * int(rng.integers(2, 5)) + int(rng.integers(0, 9))
    question = replace(question, p=7, price=price, budget=budget, rules=(), apart=question.apart[:1])
    assert_best(question)
