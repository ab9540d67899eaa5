"""P-medians: worked by hand, held to every set of sites, to published optima, and to themselves."""

from itertools import combinations, count
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spatial.siting.median.median as median
from spatial.errors import InfeasibleError, InputError
from spatial.siting.median.branch import Node, likeliest, settle
from spatial.siting.median.core import build_core, shrink, total
from spatial.siting.median.cuts import begin, lift
from spatial.siting.median.greedy import fill_greedily
from spatial.siting.median.median import solve_median
from spatial.siting.median.price import first_prices, raise_prices
from spatial.siting.median.rounds import State, start, wander
from spatial.siting.median.swap import by_column, search
from spatial.siting.median.terms import ask, enumerate_sets
from spatial.siting.ways import Deadline, Found, build_ways, median_value
from tests.bench.siting_instances import (
    PMED_OPTIMA,
    RL1304_MEDIANS,
    Question,
    city,
    full_ways,
    pmed_like,
    point_question,
    read_pmed,
    read_tsplib_points,
    scattered_points,
)
from tests.real_data import real

# Four houses along a road at 0, 1, 5 and 6; a site may open at each.
ROAD = full_ways(np.abs(np.subtract.outer([0.0, 1.0, 5.0, 6.0], [0.0, 1.0, 5.0, 6.0])))


def flags(*opened: int, sites: int) -> np.ndarray:
    return np.isin(np.arange(sites), opened)


def random_ways(rng: np.random.Generator, *, whole: bool, full: bool):  # type: ignore[no-untyped-def]
    n, m = int(rng.integers(3, 16)), int(rng.integers(2, 10))
    cost = rng.integers(0, 30, (n, m)).astype(float) if whole else rng.uniform(0, 30, (n, m))
    if not full:
        cost[rng.random((n, m)) < 0.4] = np.inf
    return full_ways(cost)


def brute(ways, weight, p, fixed, missing) -> float:  # type: ignore[no-untyped-def]
    free = np.flatnonzero(~fixed)
    least = inf
    for size in range(min(p, len(free)) + 1):
        for names in combinations(free, size):
            opened = fixed.copy()
            opened[list(names)] = True
            least = min(least, median_value(ways, weight, opened, missing))
    return least


def check(found: Found, ways, weight, p, fixed, missing, want) -> None:  # type: ignore[no-untyped-def]
    assert found.proved
    assert found.value == pytest.approx(want, rel=1e-12)
    assert found.bound == found.value
    assert found.open[fixed].all()
    assert (found.open & ~fixed).sum() <= p
    assert median_value(ways, weight, found.open, missing) == found.value


@pytest.fixture
def no_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(median, "can_enumerate", lambda terms: False)


def test_two_sites_on_a_road_stand_in_its_two_hamlets() -> None:
    found = solve_median(ROAD, np.array([3, 1, 1, 2]), 2)
    assert found.open.tolist() == [True, False, False, True]
    assert (found.value, found.bound, found.proved) == (2.0, 2.0, True)


@pytest.mark.usefixtures("no_enumeration")
def test_the_road_without_enumeration_has_the_same_answer() -> None:
    found = solve_median(ROAD, np.array([3, 1, 1, 2]), 2)
    assert found.open.tolist() == [True, False, False, True]
    assert found.proved


def test_fixed_sites_are_free_and_stay_open() -> None:
    found = solve_median(ROAD, np.ones(4), 1, fixed=flags(1, sites=4))
    assert found.open.tolist() == [False, True, True, False]
    assert found.value == 2.0
    assert solve_median(ROAD, np.ones(4), 0, fixed=flags(1, sites=4)).value == 10.0


def test_sites_that_lower_nothing_stay_shut() -> None:
    ways = full_ways(np.array([[2.0, 2.0, 9.0], [1.0, 1.0, 9.0]]))
    assert solve_median(ways, np.ones(2), 2).open.tolist() == [True, False, False]


def test_a_row_nobody_serves_pays_what_missing_says() -> None:
    ways = build_ways(np.array([0, 1, 2]), np.array([0, 1, 2]), np.array([1.0, 1.0, 1.0]), 3, 3)
    found = solve_median(ways, np.array([5, 1, 4]), 2, missing=10.0)
    assert found.open.tolist() == [True, False, True]
    assert found.value == 5 + 4 + 10


def test_rows_of_no_weight_need_no_service() -> None:
    ways = build_ways(np.array([0, 0]), np.array([0, 1]), np.array([3.0, 2.0]), 2, 2)
    assert solve_median(ways, np.array([1, 0]), 1).value == 2.0


def test_a_row_that_has_to_be_served_and_lists_no_site_is_named() -> None:
    ways = build_ways(np.array([0, 0]), np.array([0, 1]), np.array([3.0, 2.0]), 2, 2)
    with pytest.raises(InfeasibleError, match="row 1 has to be served and lists no site"):
        solve_median(ways, np.ones(2), 1)


@pytest.mark.parametrize("enumerate_first", [True, False])
def test_too_few_sites_to_serve_all_are_refused(monkeypatch, enumerate_first) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(median, "can_enumerate", lambda terms: enumerate_first)
    ways = build_ways(np.arange(4), np.arange(4), np.ones(4), 4, 4)
    with pytest.raises(InfeasibleError, match="no 2 new sites serve every row"):
        solve_median(ways, np.ones(4), 2)


@pytest.mark.parametrize(
    ("weight", "p", "words"),
    [([1.0, 1.0], 1, "2 weights"), ([1.0, -1.0, 1.0, 1.0], 1, "weight -1.0 of row 1"), ([1.0] * 4, -1, "-1 new sites")],
)
def test_a_question_that_makes_no_sense_is_refused(weight, p, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        solve_median(ROAD, np.array(weight), p)


@pytest.mark.parametrize("enumerate_first", [True, False])
@pytest.mark.parametrize("seed", range(150))
def test_small_questions_have_the_value_of_the_best_of_all_sets(monkeypatch, seed, enumerate_first) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(median, "can_enumerate", lambda terms: enumerate_first)
    rng = np.random.default_rng(seed)
    ways = random_ways(rng, whole=seed % 3 > 0, full=seed % 2 == 0)
    weight = rng.integers(0, 9, ways.rows).astype(float) + (0.5 if seed % 5 == 0 else 0)
    fixed = rng.random(ways.sites) < 0.2
    missing: float = inf if seed % 4 == 0 else float(rng.integers(0, 40))
    p = int(rng.integers(0, ways.sites))
    want = brute(ways, weight, p, fixed, missing)
    if not np.isfinite(want):
        with pytest.raises(InfeasibleError):
            solve_median(ways, weight, p, fixed=fixed, missing=missing)
        return
    check(solve_median(ways, weight, p, fixed=fixed, missing=missing), ways, weight, p, fixed, missing, want)


@pytest.mark.parametrize("seed", range(25))
def test_rows_cut_too_short_are_lengthened_until_the_answer_stands(monkeypatch, seed) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(median, "can_enumerate", lambda terms: False)
    monkeypatch.setattr(median, "_DEPTH_SITES", 1)
    monkeypatch.setattr(median, "_DEPTH_SHARE", 0)
    monkeypatch.setattr(median, "_DEPTH_LEAST", 1)
    rng = np.random.default_rng(seed)
    ways = random_ways(rng, whole=True, full=True)
    weight, p = rng.integers(1, 9, ways.rows).astype(float), int(rng.integers(1, ways.sites))
    fixed = np.zeros(ways.sites, bool)
    found = solve_median(ways, weight, p)
    check(found, ways, weight, p, fixed, inf, brute(ways, weight, p, fixed, inf))


@pytest.mark.parametrize("seed", range(20))
def test_the_linear_relaxation_proves_what_prices_alone_do_not(monkeypatch, seed) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(median, "can_enumerate", lambda terms: False)
    monkeypatch.setattr(median, "_QUICK_NODES", 0)
    monkeypatch.setattr(median, "_FORESEEN", 0.0)
    rng = np.random.default_rng(seed)
    cost = rng.integers(1, 40, (25, 12)).astype(float)
    ways, weight = full_ways(cost), rng.integers(1, 9, 25).astype(float)
    fixed = np.zeros(12, bool)
    check(solve_median(ways, weight, 4), ways, weight, 4, fixed, inf, brute(ways, weight, 4, fixed, inf))


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_no_price_bounds_above_the_optimum_and_no_settled_site_is_settled_wrongly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = random_ways(rng, whole=True, full=True)
    weight, p = rng.integers(1, 9, ways.rows).astype(float), int(rng.integers(1, ways.sites))
    terms = ask(ways, weight, p, None, inf)
    core = build_core(ways, weight, terms.cap, terms.fixed, p, 1000)
    best = brute(ways, weight, p, terms.fixed, inf)
    price = rng.uniform(0, 60, len(core.cap))
    priced = raise_prices(core, price, goal=best + 1e-6, upper=best * 1.1 + 1, steps=25, pace=1.0)
    assert priced.bound <= best + 1e-6
    node = settle(Node(core, (), price, 0.0), priced)
    assert node is not None
    # The best of what is left is still the best of all.
    left = node.core
    sets = combinations(range(len(left.names)), min(max(left.p, 0), len(left.names)))
    assert min(total(left, flags(*names, sites=len(left.names))) for names in sets) == pytest.approx(best)


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_a_smaller_core_costs_what_the_larger_one_does_with_the_same_sites(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = random_ways(rng, whole=True, full=False)
    terms = ask(ways, rng.integers(0, 9, ways.rows), 2, None, 50.0)
    core = build_core(ways, terms.weight, terms.cap, terms.fixed, 2, 1000)
    status = rng.integers(-1, 2, ways.sites)
    smaller, rows = shrink(core, status)
    opened = rng.random(ways.sites) < 0.5
    assert smaller.rows.tolist() == core.rows[rows].tolist()
    assert total(smaller, opened[status == 0]) == total(core, (opened & (status == 0)) | (status == 1))
    assert total(core, opened) == terms.cost_of(np.flatnonzero(opened))


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_a_search_claims_the_total_of_its_sites_and_never_gets_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = random_ways(rng, whole=bool(seed % 2), full=bool(seed % 3))
    p = int(rng.integers(1, ways.sites))
    terms = ask(ways, rng.integers(1, 9, ways.rows), p, None, 50.0)
    core = build_core(ways, terms.weight, terms.cap, terms.fixed, p, 1000)
    columns = by_column(core)
    start, heat = fill_greedily(core, columns), 20.0 * (seed % 5)
    assert start.sum() == p
    opened, value = search(core, columns, start, kicks=30, visits=10**9, seed=seed, heat=heat)
    assert opened.sum() == p
    assert value == pytest.approx(total(core, opened))
    assert value <= total(core, start) + 1e-9
    shut, inside = np.flatnonzero(~opened), np.flatnonzero(opened)
    for out in inside:
        for into in shut:
            swapped = opened.copy()
            swapped[[out, into]] = False, True
            assert total(core, swapped) >= value - 1e-6


def test_a_long_search_keeps_what_is_open_already_and_only_ever_returns_better_sets() -> None:
    question = point_question("heaps", scattered_points(600, 5, 12), 30)
    terms = ask(question.ways, question.weight, question.p, None, inf)
    root = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 110)
    state = start(terms, root, np.zeros(0, np.int64), 0)
    assert terms.cost_of(state.names) == state.value
    first = int(state.names[0])
    status = np.where(root.names == first, 1, 0)
    core, rows = shrink(root, status)
    node = Node(core, (first,), state.node.price[rows], -inf)
    inside = State(state.names, state.value, node, 0.3)
    priced = raise_prices(core, node.price, goal=inf, upper=state.value, steps=80, pace=0.7)
    found = wander(inside, priced.share, 1, Deadline(60))
    assert first in found
    assert len(found) == len(np.unique(found)) == terms.p
    assert terms.cost_of(found) < state.value
    again = wander(inside, priced.share, 1, Deadline(60))
    assert found.tolist() == again.tolist()
    hasty = wander(inside, priced.share, 1, Deadline(0))
    assert terms.cost_of(hasty) <= state.value


def test_the_relaxation_and_its_prices_have_the_same_value() -> None:
    question = pmed_like(120, 12, 3)
    terms = ask(question.ways, question.weight, question.p, None, inf)
    core = build_core(question.ways, question.weight, terms.cap, terms.fixed, question.p, 1000)
    answer = lift(begin(core, first_prices(core)), inf, Deadline(60), rounds=0, seed=0)
    assert answer is not None
    priced = raise_prices(core, answer.price, goal=inf, upper=answer.value, steps=1, pace=0.0)
    assert priced.bound == pytest.approx(answer.value, rel=1e-6)
    assert answer.share.sum() == pytest.approx(question.p)
    assert likeliest(core, priced).sum() == question.p


def test_enumeration_agrees_with_branching_where_both_work(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    ways = full_ways(rng.integers(1, 900, (200, 10)).astype(float))
    weight = rng.integers(1, 300, 200).astype(float)
    terms = ask(ways, weight, 3, None, inf)
    want = terms.cost_of(enumerate_sets(terms))
    monkeypatch.setattr(median, "can_enumerate", lambda terms: False)
    assert solve_median(ways, weight, 3).value == want


def test_the_order_of_entries_does_not_matter_and_a_seed_gives_the_same_sites() -> None:
    question = point_question("points", scattered_points(150, 5), 12)
    one = solve_median(question.ways, question.weight, 12, seed=3)
    order = np.random.default_rng(1).permutation(len(question.ways.cost))
    rows = np.repeat(np.arange(150), np.diff(question.ways.ptr))
    other = build_ways(rows[order], question.ways.site[order], question.ways.cost[order], 150, 150)
    two = solve_median(other, question.weight, 12, seed=3)
    assert one.open.tobytes() == two.open.tobytes()
    assert one.proved


def test_a_search_that_is_stopped_says_so_and_keeps_a_true_bound() -> None:
    question = point_question("points", scattered_points(250, 9), 12)
    seen: list[tuple[float, float]] = []

    def stop(stage: str, share: float, value: float, bound: float) -> bool:
        seen.append((value, bound))
        return len(seen) < 3

    found = solve_median(question.ways, question.weight, 12, tick=stop)
    best = solve_median(question.ways, question.weight, 12)
    assert not found.proved
    assert "stopped" in found.notes[-1]
    assert 0 < found.bound <= best.value <= found.value
    assert all(bound <= best.value for _, bound in seen)


def test_a_city_is_bounded_within_a_percent_in_the_first_seconds() -> None:
    town = city(2000, 200, 7)
    found = solve_median(town.whole_metres(), town.weight, 20, missing=6000.0, deadline=Deadline(3.0))
    assert found.value == median_value(town.whole_metres(), town.weight, found.open, 6000.0)
    assert found.bound <= found.value <= found.bound * 1.01


@pytest.mark.real
@pytest.mark.parametrize("number", range(1, 21))
def test_published_networks_are_proved_at_the_published_optimum(number: int) -> None:
    question = read_pmed(real(f"pmed/pmed{number}.txt"))
    found = solve_median(question.ways, question.weight, question.p)
    assert found.proved
    assert found.value == PMED_OPTIMA[number]


@pytest.mark.real
def test_published_points_are_proved_at_the_published_optimum() -> None:
    points = read_tsplib_points(real("siting/rl1304.tsp"))
    question: Question = point_question("rl1304", points, 300)
    found = solve_median(question.ways, question.weight, 300)
    assert found.proved
    for p, value in RL1304_MEDIANS.items():
        quick = solve_median(point_question("rl1304", points, p).ways, question.weight, p, deadline=Deadline(1.0))
        assert quick.bound <= value <= quick.value


def test_a_large_table_is_bounded_whenever_its_time_ends() -> None:
    """The clock goes on by one each time it is read."""
    rng = np.random.default_rng(4)
    here, there = rng.uniform(0, 1000, (1100, 2)), rng.uniform(0, 1000, (1000, 2))
    ways = full_ways(np.rint(np.hypot(*(here[:, None] - there[None]).transpose(2, 0, 1))))
    weight = rng.integers(1, 9, 1100).astype(float)
    best = solve_median(ways, weight, 3)
    assert best.proved
    reads = count()
    short = solve_median(ways, weight, 3, deadline=Deadline(5.0, clock=lambda: float(next(reads))))
    assert not short.proved
    assert 0.5 * best.value < short.bound <= best.value <= short.value
