"""Parts of a p-median: what they prove is held to every set of sites, and so is all that follows from it."""

from collections.abc import Callable
from itertools import chain, combinations
from math import inf
from threading import Event, current_thread, main_thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spatial.siting.median.city as median_city
import spatial.siting.median.median as median
import spatial.siting.median.rounds as median_rounds
import spatial.siting.median.turns as median_turns
from spatial.errors import CancelledError
from spatial.siting.median.branch import Node
from spatial.siting.median.core import Core, build_core, total
from spatial.siting.median.fees import pay_fees
from spatial.siting.median.joined import join_sets
from spatial.siting.median.labels import label_rows
from spatial.siting.median.median import solve_median
from spatial.siting.median.parts import (
    Part,
    Parts,
    Proof,
    Proved,
    double_parts,
    prove_part,
    settled_sites,
    split_parts,
    trade_parts,
)
from spatial.siting.median.price import Priced, first_prices, raise_prices
from spatial.siting.median.swap import by_column
from spatial.siting.median.terms import ask
from spatial.siting.median.trade import Met
from spatial.siting.ways import Deadline, Flags, Floats
from tests.bench.siting_instances import city, full_ways, point_question, scattered_points

# Two hamlets: four houses each, at 0, 1, 5 and 6 and 1,000 farther on.
HAMLETS = np.array([0.0, 1.0, 5.0, 6.0, 1000.0, 1001.0, 1005.0, 1006.0])
FAR = full_ways(np.abs(np.subtract.outer(HAMLETS, HAMLETS)))


def always() -> bool:
    return True


def core_of(cost: Floats, weight: Floats, p: int) -> Core:
    ways = full_ways(cost)
    terms = ask(ways, weight, p, None, inf)
    return build_core(ways, weight, terms.cap, terms.fixed, p, 1000)


def random_core(seed: int) -> Core:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(4, 14)), int(rng.integers(3, 9))
    cost = rng.integers(0, 40, (n, m)).astype(float)
    return core_of(cost, rng.integers(1, 9, n).astype(float), int(rng.integers(1, m)))


def all_sets(core: Core) -> dict[tuple[int, ...], float]:
    """The total of every set of exactly ``p`` sites, or of any number where they ask fees."""
    m = len(core.names)
    sizes = [core.p] if core.p >= 0 else range(m + 1)
    sets = chain.from_iterable(combinations(range(m), size) for size in sizes)
    return {names: total(core, np.isin(np.arange(m), names)) for names in sets}


def parts_of(core: Core, seed: int, count: int) -> Parts:
    rng = np.random.default_rng(seed)
    priced = raise_prices(core, first_prices(core), goal=inf, upper=total(core, np.arange(len(core.names)) < core.p),
                          steps=int(rng.integers(1, 60)), pace=0.7)  # fmt: skip
    return split_parts(core, priced.price, rng.integers(0, count, len(core.cap)))


def test_two_hamlets_fall_into_two_parts() -> None:
    core = build_core(FAR, np.ones(8), np.full(8, 5000.0), np.zeros(8, bool), 4, 1000)
    opened = np.isin(core.names, [0, 2, 4, 6])
    label = label_rows(core, opened, 1)
    by_house = dict(zip(core.rows.tolist(), label.tolist(), strict=True))
    assert len({by_house[house] for house in range(4)}) == 1
    assert len({by_house[house] for house in range(4, 8)}) == 1
    assert by_house[0] != by_house[4]
    halves = label_rows(core, opened, 2)
    assert (halves // 2 == label).all()
    assert len(np.unique(halves)) == 4


def test_parts_prove_what_prices_cannot() -> None:
    # Two triangles of side 2, far apart: one site in a triangle leaves 4 to walk, two leave 2, so three sites leave 6.
    side = 2.0 * (1.0 - np.eye(3))
    cost = np.full((6, 6), 100.0)
    cost[:3, :3], cost[3:, 3:] = side, side
    core = core_of(cost, np.ones(6), 3)
    best = min(all_sets(core).values())
    assert best == 6.0
    priced = raise_prices(core, first_prices(core), goal=inf, upper=best, steps=400, pace=0.7)
    split = split_parts(core, priced.price, (core.rows >= 3).astype(np.int64))
    opened = np.isin(core.names, [0, 1, 3])
    proven = split.rest + sum(prove_part(part, opened, 100, always).bound for part in split.parts)
    assert priced.bound - 1e-6 <= proven <= best + 1e-9


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_parts_never_prove_more_than_the_best_set_and_never_less_than_their_prices(seed: int, count: int) -> None:
    core = random_core(seed)
    totals = all_sets(core)
    best = min(totals.values())
    split = parts_of(core, seed, count)
    opened = np.arange(len(core.names)) < core.p
    proofs = [prove_part(part, opened, 1 + seed % 40, always) for part in split.parts]
    bound = np.array([proof.bound for proof in proofs])
    assert all(proof.bound >= part.bound for proof, part in zip(proofs, split.parts, strict=True))
    assert split.rest + bound.sum() <= best + 1e-6
    goal = best + (seed % 3) * 5.0
    status = settled_sites(core, split, bound, goal)
    for names, value in totals.items():
        if value <= goal - 1e-6:
            inside = np.isin(np.arange(len(core.names)), names)
            assert not (inside & (status < 0)).any()
            assert not (~inside & (status > 0)).any()


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_two_parts_made_one_cost_at_least_what_both_were_proved_to_and_at_most_its_best_set(seed: int) -> None:
    core = random_core(seed)
    rng = np.random.default_rng(seed)
    priced = raise_prices(core, first_prices(core), goal=inf, upper=total(core, np.arange(len(core.names)) < core.p),
                          steps=int(rng.integers(1, 60)), pace=0.7)  # fmt: skip
    label = np.append(rng.integers(0, 4, len(core.cap) - 1), 3)
    halves = split_parts(core, priced.price, label)
    bound = np.array([min(all_sets(part.core).values()) for part in halves.parts])
    made = double_parts(core, priced.price, Proved(label, halves, bound, tuple({} for _ in bound)), 1)
    assert (made.label == label // 2).all()
    for k, part in enumerate(made.parts.parts):
        assert bound[2 * k : 2 * k + 2].sum() - 1e-6 <= made.bound[k] <= min(all_sets(part.core).values()) + 1e-6
    again = double_parts(core, priced.price, made, 1)
    assert again is made


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_two_parts_made_one_pay_what_both_paid_and_at_most_as_much_for_what_both_met(seed: int) -> None:
    core = random_core(seed)
    label = np.append(np.random.default_rng(seed).integers(0, 4, len(core.cap) - 1), 3)
    price = raise_prices(core, first_prices(core), goal=inf, upper=1e9, steps=20, pace=0.7).price
    halves = split_parts(core, price, label)
    proofs = [prove_part(part, np.zeros(len(core.names), bool), 50, always) for part in halves.parts]
    bound = np.array([proof.bound for proof in proofs])
    made = double_parts(core, price, Proved(label, halves, bound, tuple(proof.met for proof in proofs)), 1)
    assert made.parts.rest == halves.rest
    for k, part in enumerate(made.parts.parts):
        assert made.parts.fees.fee[k] == pytest.approx(halves.fees.fee[2 * k : 2 * k + 2].sum(axis=0))
        sets, names = all_sets(part.core), part.core.names.tolist()
        assert len(made.met[k]) == 1
        for met, paid in made.met[k].items():
            inside = [names.index(site) for site in met]
            assert paid >= sets[tuple(inside)] - part.core.fee[inside].sum() - 1e-6


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_part_is_proved_at_the_best_of_all_its_sets(seed: int) -> None:
    core = random_core(seed)
    for part in parts_of(core, seed, 2).parts:
        proof = prove_part(part, np.zeros(len(core.names), bool), 100_000, always)
        best = min(all_sets(part.core).values())
        assert proof.whole
        assert proof.bound == pytest.approx(best, abs=1e-6)
        assert proof.value == pytest.approx(best, abs=1e-6)
        assert total(part.core, np.isin(part.core.names, proof.names)) == pytest.approx(proof.value)


@given(st.integers(0, 10_000), st.floats(0.1, 30.0))
@settings(max_examples=40, deadline=None)
def test_a_part_lets_go_of_no_more_than_it_may_and_tells_what_its_sets_cost(seed: int, slack: float) -> None:
    core = random_core(seed)
    for part in parts_of(core, seed, 2).parts:
        proof = prove_part(part, np.zeros(len(core.names), bool), 100_000, always, slack=slack)
        sets = all_sets(part.core)
        assert proof.whole
        assert min(sets.values()) - slack - 1e-6 <= proof.bound <= min(sets.values()) + 1e-6
        assert proof.value <= min(sets.values()) + slack + 1e-6
        names = {site: at for at, site in enumerate(part.core.names.tolist())}
        assert tuple(sorted(proof.names.tolist())) in proof.met
        for met, paid in proof.met.items():
            inside = [names[site] for site in met]
            assert paid >= sets[tuple(inside)] - part.core.fee[inside].sum() - 1e-6


@given(st.integers(0, 10_000), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_parts_that_trade_fees_never_prove_more_than_the_best_set_and_settle_only_what_is_sure(
    seed: int, count: int
) -> None:
    core = random_core(seed)
    totals = all_sets(core)
    best, split = min(totals.values()), parts_of(core, seed, count)
    opened = np.arange(len(core.names)) < core.p
    label = np.zeros(len(core.cap), np.int64)
    for k, part in enumerate(split.parts):
        label[part.core.rows] = k
    label = np.append(label[core.rows][:-1], count - 1)
    priced = raise_prices(core, first_prices(core), goal=inf, upper=best, steps=30, pace=0.7)
    split = split_parts(core, priced.price, label)
    met: tuple[Met, ...] = tuple({} for _ in split.parts)
    proved = Proved(label, split, np.array([part.bound for part in split.parts]), met)
    for turn in range(4):
        proofs = [prove_part(part, opened, 3 + seed % 40, always) for part in proved.parts.parts]
        for known, proof in zip(proved.met, proofs, strict=True):
            known.update(proof.met)
        bound = np.array([proof.bound for proof in proofs])
        assert proved.parts.rest + bound.sum() <= best + 1e-6
        goal = best + (seed % 3) * 5.0
        status = settled_sites(core, proved.parts, bound, goal)
        for names, value in totals.items():
            if value <= goal - 1e-6:
                inside = np.isin(np.arange(len(core.names)), names)
                assert not (inside & (status < 0)).any()
                assert not (~inside & (status > 0)).any()
        proved = trade_parts(core, proved, 3.0 * (turn + 1))


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_search_for_paying_sites_claims_their_total_and_no_single_move_is_better(seed: int) -> None:
    core = random_core(seed)
    part = parts_of(core, seed, 1).parts[0].core
    start = np.random.default_rng(seed).random(len(part.names)) < 0.5
    opened, value = pay_fees(part, by_column(part), start, kicks=0, seed=seed)
    assert value == pytest.approx(total(part, opened), abs=1e-9)
    assert value <= total(part, start) + 1e-9
    for j in range(len(opened)):
        moved = opened.copy()
        moved[j] = not moved[j]
        assert total(part, moved) >= value - 1e-6
        for other in np.flatnonzero(opened) if not opened[j] else []:
            swapped = moved.copy()
            swapped[other] = False
            assert total(part, swapped) >= value - 1e-6
    kicked, less = pay_fees(part, by_column(part), start, kicks=8, seed=seed)
    assert less == pytest.approx(total(part, kicked), abs=1e-9)
    assert less <= value + 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_sets_joined_are_no_worse_than_either_and_keep_what_they_share(seed: int) -> None:
    question = point_question("points", scattered_points(120, seed), 12)
    terms = ask(question.ways, question.weight, question.p, None, inf)
    core = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 1000)
    rng = np.random.default_rng(seed)
    one, other = (np.sort(rng.choice(40, 12, replace=False)) for _ in range(2))
    joined = join_sets(terms, Node(core, (), first_prices(core), -inf), one, other, Deadline(inf))
    assert len(np.unique(joined)) == len(joined) <= terms.p
    assert set(joined) <= set(one) | set(other)
    assert set(one) & set(other) <= set(joined)
    assert terms.cost_of(joined) < min(terms.cost_of(one), terms.cost_of(other))


@pytest.fixture
def cities_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (median, median_rounds, median_city):
        monkeypatch.setattr(module, "BRANCH_ENTRIES", 0)
    monkeypatch.setattr(median, "can_enumerate", lambda terms: False)


@pytest.fixture
def poor_prices(cities_from_the_start: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave to the parts what prices and swaps would settle in small questions."""
    for name in ("_STEPS", "_LATE_STEPS"):
        monkeypatch.setattr(median_rounds, name, 3)
    monkeypatch.setattr(median_city, "_MOST_STEPS", 3)
    monkeypatch.setattr(median_city, "_PRICE_TIME", 0.0)


def test_prices_of_a_city_take_no_more_steps_than_there_is_time_for(  # type: ignore[no-untyped-def]
    cities_from_the_start, monkeypatch
) -> None:
    core = random_core(3)
    asked: list[int] = []

    def raise_slowly(core: Core, price: Floats, *, goal: float, upper: float, steps: int, pace: float) -> Priced:
        """Take a second for each step."""
        asked.append(steps)
        return raise_prices(core, price, goal=goal, upper=upper, steps=steps, pace=pace)

    monkeypatch.setattr(median_rounds, "raise_prices", raise_slowly)
    state = median_rounds.State(core.names[:1], 1000.0, Node(core, (), first_prices(core), -inf), 0.5)
    deadline = Deadline(20.0, clock=lambda: float(sum(asked)))
    median_rounds.raise_in_time(state, inf, 1000, deadline, share=0.9)
    assert asked == [5, 13]


@pytest.mark.parametrize(("visits", "nodes"), [(0, 20), (10**12, 200)])
def test_the_more_entries_a_city_has_the_fewer_nodes_get_its_first_parts(  # type: ignore[no-untyped-def]
    poor_prices, monkeypatch, visits, nodes
) -> None:
    most_asked: list[int] = []

    def prove_some(part: Part, opened: Flags, most: int, goes_on: Callable[[], bool], *, slack: float = 0.0) -> Proof:
        most_asked.append(most)
        return prove_part(part, opened, most, goes_on, slack=slack)

    monkeypatch.setattr(median_turns, "prove_part", prove_some)
    monkeypatch.setattr(median_city, "_NODE_VISITS", visits)
    rng = np.random.default_rng(1)
    cost, weight = rng.integers(1, 60, (30, 12)).astype(float), rng.integers(1, 9, 30).astype(float)
    solve_median(full_ways(cost), weight, 3, deadline=Deadline(inf))
    assert most_asked[0] == nodes


@pytest.mark.parametrize("seed", range(12))
def test_a_question_taken_for_a_city_keeps_a_true_bound(cities_from_the_start, seed) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    cost, weight = rng.integers(1, 60, (14, 9)).astype(float), rng.integers(1, 9, 14).astype(float)
    p = int(rng.integers(2, 7))
    best = min(all_sets(core_of(cost, weight, p)).values())
    found = solve_median(full_ways(cost), weight, p, deadline=Deadline(0.3))
    assert found.bound <= best <= found.value
    if found.proved:
        assert found.value == best


def test_a_town_taken_for_a_city_is_answered_alike_in_parts_and_by_branching(cities_from_the_start) -> None:  # type: ignore[no-untyped-def]
    town = city(1500, 120, 5)
    ways = town.whole_metres()
    found = solve_median(ways, town.weight, 24, missing=6000.0, deadline=Deadline(2.0))
    assert found.bound <= found.value <= found.bound * 1.005


def test_a_city_is_left_when_the_caller_says_so_among_parts(cities_from_the_start) -> None:  # type: ignore[no-untyped-def]
    question = point_question("points", scattered_points(250, 9), 12)
    stages: list[str] = []

    def stop(stage: str, share: float, value: float, bound: float) -> bool:
        stages.append(stage)
        return stage != "parts"

    found = solve_median(question.ways, question.weight, 12, deadline=Deadline(20.0), tick=stop)
    assert found.proved or (stages.count("parts") == 1 and "stopped" in found.notes[-1])
    assert found.bound <= found.value


def test_rows_without_a_known_open_site_are_one_part() -> None:
    core = core_of(np.array([[1.0, 2.0, 9.0], [3.0, 4.0, 9.0], [9.0, 5.0, 1.0]]), np.ones(3), 1)
    assert label_rows(core, np.zeros(3, bool), 2).tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", [1, 7, 57, 77, 141])
def test_a_city_whose_parts_prove_no_more_goes_on_to_branching_without_any_limit_of_time(  # type: ignore[no-untyped-def]
    poor_prices, seed
) -> None:
    rng = np.random.default_rng(seed)
    whole, weight = rng.integers(1, 60, (30, 12)).astype(float), rng.integers(1, 9, 30).astype(float)
    for cost in (whole, rng.random((30, 12)) * 60.0):
        found = solve_median(full_ways(cost), weight, 3, deadline=Deadline(inf))
        assert found.proved
        assert found.value == pytest.approx(min(all_sets(core_of(cost, weight, 3)).values()), rel=1e-12)


def test_a_caller_who_stops_by_an_exception_stops_the_other_thread_too(  # type: ignore[no-untyped-def]
    poor_prices, monkeypatch
) -> None:
    helps, deadline = Event(), Deadline(60.0)

    def prove_on(part: Part, opened: Flags, most: int, goes_on: Callable[[], bool], *, slack: float = 0.0) -> Proof:
        """Prove at home once the other thread is at it too, and there until told to stop."""
        if current_thread() is main_thread():
            helps.wait(60.0)
        else:
            helps.set()
            while goes_on():
                Event().wait(0.01)
        return prove_part(part, opened, most, goes_on, slack=slack)

    def stop(stage: str, share: float, value: float, bound: float) -> bool:
        if helps.is_set():
            raise CancelledError("stopped")
        return True

    monkeypatch.setattr(median_turns, "prove_part", prove_on)
    monkeypatch.setattr(median_city, "_TOLD_S", 0.0)
    question = point_question("points", scattered_points(250, 9), 12)
    with pytest.raises(CancelledError):
        solve_median(question.ways, question.weight, 12, deadline=deadline, tick=stop)
    assert deadline.left() > 0.0
