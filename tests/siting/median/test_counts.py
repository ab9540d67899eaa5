"""Places that share nothing but the number of sites: what they are told to cost is held to every set of sites."""

from dataclasses import replace
from itertools import combinations
from math import inf

import numpy as np
import pytest

import spatial.siting.median.counts as counts
import spatial.siting.median.median as median
from spatial.siting.median.branch import Best, Node, settle
from spatial.siting.median.core import Core, build_core, shrink, total
from spatial.siting.median.counts import join_counts, share_sites
from spatial.siting.median.cuts import begin, lift
from spatial.siting.median.places import near_core, split_places
from spatial.siting.median.price import first_prices, raise_prices
from spatial.siting.median.terms import Terms, ask, enumerate_sets
from spatial.siting.ways import Deadline, Floats, Ints
from tests.bench.siting_instances import point_question


def hamlets(seed: int, gap: float = 200.0) -> tuple[Terms, Core]:
    """A few lattice points in each of three hamlets; near hamlets do not fall apart."""
    rng = np.random.default_rng(seed)
    points = [np.unique(rng.integers(0, 4, (5, 2)), axis=0) * 7.0 + np.array([k * gap, 0.0]) for k in range(3)]
    where = np.concatenate(points)
    p = int(rng.integers(3, 6))
    terms = ask(point_question("hamlets", where, p).ways, rng.integers(1, 4, len(where)), p, None, inf)
    return terms, build_core(terms.ways, terms.weight, terms.cap, terms.fixed, p, 1000)


def every_set(core: Core) -> Ints:
    """The sites of every set, by name, the cheapest first."""
    sets = np.array(list(combinations(range(len(core.names)), core.p)))
    return sets[np.argsort(totals(core, sets), kind="stable")]


def totals(core: Core, sets: Ints) -> Floats:
    """What each set costs, by plain minima over a full table."""
    table = np.full((int(sets.max()) + 1, len(core.cap)), np.inf)
    table[core.names[core.site], np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))] = core.cost
    paid: Floats = core.base + np.minimum(table[sets].min(axis=1), core.cap) @ core.weight
    return paid


def trunk_and_rest(core: Core, goal: float, cuts: int) -> tuple[Node, Node]:
    """The whole at its prices, and what is left of it, with cuts in its costs, once prices have settled sites."""
    upper = max(total(core, np.arange(len(core.names)) < core.p), goal)
    price = raise_prices(core, first_prices(core), goal=inf, upper=upper, steps=80, pace=0.7).price
    whole = Node(core, (), price, -inf)
    lifted = lift(begin(core, price), inf, Deadline(60), rounds=cuts, seed=0)
    assert lifted is not None
    node = Node(lifted.core, (), lifted.price, -inf)
    told = raise_prices(lifted.core, lifted.price, goal=goal, upper=upper, steps=5, pace=0.01)
    return whole, settle(node, told) or node


@pytest.mark.parametrize("seed", range(40))
def test_sets_at_or_below_the_goal_cost_the_same_without_dear_ways_and_no_other_set_comes_that_low(seed: int) -> None:
    _, core = hamlets(seed, gap=15.0 + seed)
    sets = every_set(core)
    value = totals(core, sets)
    goal = value[0] + 0.5 + seed % 4 * 5.0
    whole, left = trunk_and_rest(core, goal, cuts=seed % 3 * 5)
    near, price = near_core(whole, left, goal)
    assert len(price) == len(near.cap)
    kept = np.isin(sets, left.opened).sum(axis=1) == len(left.opened)
    kept &= np.isin(sets, [*left.opened, *left.core.names]).all(axis=1)
    reached = totals(near, sets)
    assert (kept | (value > goal)).all()
    assert reached[kept & (value <= goal)] == pytest.approx(value[kept & (value <= goal)], abs=1e-9)
    assert (reached[kept & (value > goal)] > goal).all()


def solved(asked: Terms) -> tuple[Ints, float]:
    free = np.arange(asked.ways.sites)
    return (free[: asked.p] if asked.p in (0, len(free)) else enumerate_sets(asked)), inf


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_the_lifted_question_ends_early_keep_what_is_beyond(seed: int) -> None:
    terms, core = hamlets(seed, gap=30.0)
    sets = every_set(core)
    value = totals(core, sets)
    goal = value[0] + 20.0
    whole, _ = trunk_and_rest(core, goal, cuts=0)
    short = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 2)
    near, _ = near_core(whole, Node(short, (), first_prices(short), -inf), goal)
    reached = totals(near, sets)
    assert reached[value <= goal] == pytest.approx(value[value <= goal], abs=1e-9)
    assert (reached[value > goal] > goal).all()


@pytest.mark.parametrize("way", ["solved at once", "swept", "too wide"])
@pytest.mark.parametrize("seed", range(36))
def test_numbers_of_sites_are_shared_out_as_the_best_set_has_them(
    seed: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way != "solved at once":
        monkeypatch.setattr(counts, "_PLAIN", 0)
    if way == "too wide":
        monkeypatch.setattr(counts, "sweep", lambda *_: None)
    terms, core = hamlets(seed)
    ranked = every_set(core)
    best, names = terms.cost_of(ranked[0]), ranked[(1, 5, 25)[seed % 3] % len(ranked)]
    goal = terms.goal(terms.cost_of(names))
    whole, left = trunk_and_rest(core, goal, cuts=10)
    places = split_places(whole, left, goal)
    if places is None:  # all but one hamlet is settled
        assert len(left.core.names) < len(core.names)
        return
    first = Best(names, terms.cost_of(names))
    found = share_sites(terms, places, first, solved, Deadline(60), lambda *_: True)
    assert found.value == best
    assert found.bound == best
    assert terms.cost_of(found.names) == best
    again = share_sites(terms, places, first, solved, Deadline(0), lambda *_: True)
    assert again.bound <= best + 1e-6
    assert again.stopped or again.bound == again.value
    told: list[float] = []

    def watch(value: float, bound: float) -> bool:
        told.append(bound)
        return value >= best

    share_sites(terms, places, first, solved, Deadline(60), watch)
    assert max(told, default=-inf) <= best + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_what_is_no_use_is_not_solved_and_bounds_nothing_wrongly(seed: int) -> None:
    terms, core = hamlets(seed)
    best = terms.cost_of(every_set(core)[0])
    for upper in (best - 3.0, best, best + 1.0, best + 50.0):
        asked = replace(terms, upper=upper)
        names, bound, _ = median._solve(asked, Deadline(60), 0, lambda *_: True)
        value = asked.cost_of(names)
        assert value >= best
        assert min(bound, value, upper) <= best
        assert bound == inf
        assert value == best or upper <= best


def test_places_are_proved_by_all_there_is() -> None:
    split = 0
    for seed in range(6):
        terms, core = hamlets(seed)
        ranked = every_set(core)
        names = ranked[min(25, len(ranked) - 1)]
        best, goal = Best(names, terms.cost_of(names)), terms.goal(terms.cost_of(names))
        places = split_places(*trunk_and_rest(core, goal, cuts=5), goal)
        if places:
            split += 1
            search = median._search(terms, core, seed, lambda *_: True)
            found = median._share(terms, places, best, search, seed, Deadline(60))
            assert found.value == found.bound == terms.cost_of(ranked[0])
            again = median._share(terms, places, best, search, seed, Deadline(60))
            assert again.names.tobytes() == found.names.tobytes()
            assert again.nodes == found.nodes
    assert split >= 3


def test_a_narrow_place_is_known_for_all_numbers_that_cost_little_after_a_few_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unwanted(_: Terms) -> tuple[Ints, float]:
        raise AssertionError

    monkeypatch.setattr(counts, "_PLAIN", 4)
    where = np.concatenate([np.arange(14.0)[:, None] * [6.0, 0.4] + [k * 500.0, 0.0] for k in range(2)])
    terms = ask(point_question("lines", where, 9).ways, np.ones(28), 9, None, inf)
    core = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, 9, 1000)
    first = np.array([1, 4, 8, 13, 15, 18, 21, 24, 27])
    goal = terms.goal(terms.cost_of(first))
    places = split_places(*trunk_and_rest(core, goal, cuts=0), goal)
    assert places is not None
    assert max(len(place.names) for place in places.cores) > 4
    found = share_sites(terms, places, Best(first, terms.cost_of(first)), unwanted, Deadline(60), lambda *_: True)
    assert found.nodes < 30
    assert found.bound == found.value == terms.cost_of(found.names) < terms.cost_of(first)
    half = ask(point_question("line", where[:14], 9).ways, np.ones(14), 0, None, inf)
    each = [min(half.cost_of(np.array(one)) for one in combinations(range(14), k)) for k in range(3, 7)]
    assert found.value == each[1] + each[2]


def test_one_place_alone_is_not_split() -> None:
    terms, core = hamlets(3, gap=10.0)
    whole = Node(core, (), first_prices(core), -inf)
    assert split_places(whole, whole, terms.cost_of(core.names[: core.p])) is None


def test_tables_of_two_places_are_put_together_as_if_every_number_were_tried() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        one = np.minimum.accumulate(rng.integers(0, 50, rng.integers(1, 8)).astype(float))
        other = np.minimum.accumulate(rng.integers(0, 50, rng.integers(1, 8)).astype(float))
        joined = join_counts(one, other)
        for k in range(len(one)):
            assert joined[k] == min(one[k - j] + other[j] for j in range(min(k, len(other) - 1) + 1))


def test_shut_sites_of_a_place_are_in_no_set() -> None:
    _, core = hamlets(5)
    smaller, _ = shrink(core, np.where(np.arange(len(core.names)) == 0, -1, 0))
    whole, left = Node(core, (), first_prices(core), -inf), Node(smaller, (), first_prices(smaller), -inf)
    places = split_places(whole, left, 1e9) or split_places(whole, left, total(core, np.arange(len(core.names)) < 3))
    assert places is None or core.names[0] not in np.concatenate([place.names for place in places.cores])


def test_costs_that_are_not_whole_are_not_split_and_a_root_above_the_goal_is_not_either() -> None:
    _, core = hamlets(5)
    goal = totals(core, every_set(core))[0] + 1.0
    whole, left = trunk_and_rest(core, goal, cuts=0)
    assert split_places(whole, left, goal) is not None
    assert split_places(whole, replace(left, bound=goal + 1.0), goal) is None
    assert split_places(replace(whole, core=replace(core, weight=core.weight + 0.1)), left, goal) is None


def test_a_look_that_finds_no_time_for_its_relaxation_goes_on_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "sweep", lambda *_: None)
    monkeypatch.setattr(counts, "lift", lambda *_args, **_named: None)
    monkeypatch.setattr(counts, "_PLAIN", 0)
    terms, core = hamlets(5)
    ranked = every_set(core)
    goal = terms.goal(terms.cost_of(ranked[25]))
    places = split_places(*trunk_and_rest(core, goal, cuts=0), goal)
    assert places is not None
    first = Best(ranked[25], terms.cost_of(ranked[25]))
    assert share_sites(terms, places, first, solved, Deadline(60), lambda *_: True).value == terms.cost_of(ranked[0])
