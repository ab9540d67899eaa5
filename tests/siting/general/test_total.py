"""Inequalities, prices and searches under conditions, against totals worked out from sets one by one."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.cuts import cuts_at
from spatial.siting.enumerate import try_all
from spatial.siting.general import total as general_total
from spatial.siting.general.general import answer_general
from spatial.siting.general.kicks import wander
from spatial.siting.general.swaps import search
from spatial.siting.general.total import least_total
from spatial.siting.models import site_rows
from spatial.siting.price import list_sides, price_cuts
from spatial.siting.question import CountRule, broken_rules, value_of
from spatial.siting.ways import Deadline, build_ways
from tests.siting.general_cases import GONE, ROWS, SITES, asked, lacks_of, plain, table


def test_the_inequality_of_a_row_counts_the_steps_that_its_shares_leave_open() -> None:
    """Sites at 1, 2 and 4, half open each; nobody at 10: within 1 a half, within 2 nothing is left open."""
    ways = build_ways(np.zeros(3, np.int64), np.arange(3), np.array([1.0, 2.0, 4.0]), 1, 3)
    cuts = cuts_at(ways, np.array([10.0]), 1, np.full(3, 0.5), np.zeros(1))
    assert cuts.sites.toarray().tolist() == [[1.0, 0.0, 0.0]]
    assert cuts.least.tolist() == [1.0]
    # Served by the second nearest: half a pair within 2, three quarters of one within 4, so 2 / 2 + 6 / 4 is lacking.
    cuts = cuts_at(ways, np.array([10.0]), 2, np.full(3, 0.5), np.zeros(1))
    assert cuts.sites.toarray().tolist() == [[4.0, 4.0, 3.0]]
    assert cuts.least.tolist() == [8.0]
    # The first wide open: it may be one of the two everywhere, and the others are open for half the second.
    cuts = cuts_at(ways, np.array([10.0]), 2, np.array([1.0, 0.3, 0.2]), np.zeros(1))
    assert cuts.sites.toarray().tolist() == [[0.0, 8.0, 6.0]]
    assert cuts.least.tolist() == [8.0]


@pytest.mark.parametrize("need", [1, 2, 3])
def test_inequalities_hold_at_every_set_and_are_tight_at_the_set_they_are_made_for(need: int) -> None:
    for seed in range(20):
        ways, rng = table(seed), np.random.default_rng(seed)
        keeps = np.diff(ways.ptr) >= need
        share = rng.random(SITES) if seed % 2 else (rng.random(SITES) < 0.4).astype(float)
        cuts = cuts_at(ways, np.full(ROWS, GONE), need, share, np.full(ROWS, -1.0))
        for size in range(SITES + 1):
            for names in combinations(range(SITES), size):
                opened = np.isin(np.arange(SITES), names)
                lack = np.where(keeps, lacks_of(ways, need, opened), GONE)
                assert (cuts.sites @ opened + cuts.rows @ lack >= cuts.least - 1e-9).all(), (seed, names)
        if not seed % 2:
            lack = np.where(keeps, lacks_of(ways, need, share > 0.5), 0.0)
            reached = np.zeros(ROWS)
            reached[cuts.rows.indices] = cuts.least - cuts.sites @ share
            assert reached == pytest.approx(lack)


@pytest.mark.parametrize("need", [1, 2])
def test_prices_never_bound_above_the_least_total_nor_settle_a_site_of_a_better_set(need: int) -> None:
    for seed in range(25):
        question = asked(seed, need)
        best = try_all(question)
        if best is None:
            continue
        ways = question.ways
        keeps = np.diff(ways.ptr) >= need
        least = np.array(
            [np.sort(ways.cost[ways.ptr[i] : ways.ptr[i + 1]])[need - 1] if keeps[i] else GONE for i in range(ROWS)]
        )
        weight = np.where(keeps, question.weight, 0.0)
        cuts = cuts_at(ways, np.full(ROWS, GONE), need, np.full(SITES, 0.3), np.zeros(ROWS))
        sides = list_sides(tuple(site_rows(replace(question, p=-1))), question.counted, question.most)
        ends = question.fixed.astype(float), np.ones(SITES)
        priced = price_cuts(cuts, sides, weight, GONE - least, ends, deadline=Deadline(60.0))
        assert priced is not None
        base, value = float(question.weight @ least), value_of(question, best)
        assert priced.bound + base <= value + 1e-6
        assert (priced.opened[best] + base <= value + 1e-6).all()
        assert (priced.shut[~best] + base <= value + 1e-6).all()


@pytest.mark.parametrize("need", [1, 2, 3])
def test_a_search_keeps_every_condition_and_ends_at_what_trying_every_set_finds(need: int) -> None:
    met = 0
    for seed in range(25):
        question = asked(seed, need)
        if broken_rules(question, question.fixed):
            continue
        best = try_all(question)
        assert best is not None
        start = search(question, question.fixed.copy(), GONE, time_left=lambda: 60.0)
        found = wander(question, start, deadline=Deadline(60.0), seed=seed, most=300)
        assert not broken_rules(question, found)
        assert value_of(question, found) >= value_of(question, best)
        met += value_of(question, found) == value_of(question, best)
    assert met >= 20


@pytest.mark.parametrize(("need", "entries", "seeds"), [(1, 0, 15), (2, 0, 4), (2, 99, 15), (3, 0, 2), (3, 99, 15)])
def test_the_least_total_is_proved_where_every_set_can_be_tried(
    need: int, entries: int, seeds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(general_total, "_LEVEL_ENTRIES", entries)
    for seed in range(seeds):
        for question in (asked(seed, need), plain(asked(seed, need))):
            best = try_all(question)
            if best is None or broken_rules(question, question.fixed):
                continue
            found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=1)
            assert found.opened is not None
            assert value_of(question, found.opened) == value_of(question, best), seed
            assert found.bound == pytest.approx(value_of(question, best), abs=1e-6), seed


def test_sites_that_are_best_without_conditions_and_keep_them_are_proved_so_without_prices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The only condition is that two sites of no use do not both open."""
    question = replace(plain(asked(2, 1)), ways=table(2), p=3)
    idle = np.flatnonzero(~np.asarray(try_all(question)))
    kept = replace(question, apart=idle[None, :2])
    with monkeypatch.context() as patch:
        patch.setattr(general_total, "price_cuts", lambda *_, **__: pytest.fail("prices are not needed"))
        found = least_total(kept, kept.fixed.copy(), deadline=Deadline(60.0), seed=1)
    assert found.opened is not None
    assert value_of(kept, found.opened) == found.bound == value_of(question, np.asarray(try_all(question)))
    # Where they break a condition, the bound of the question without it is none of the question with it.
    both = replace(question, apart=np.flatnonzero(try_all(question))[None, :2])
    best = value_of(both, np.asarray(try_all(both)))
    found = least_total(both, both.fixed.copy(), deadline=Deadline(60.0), seed=1)
    assert found.opened is not None
    assert not broken_rules(both, found.opened)
    assert best > value_of(question, np.asarray(try_all(question)))
    assert value_of(both, found.opened) == pytest.approx(best) == pytest.approx(found.bound)


def test_the_same_seed_finds_the_same_sites() -> None:
    question = asked(3, 2)
    first = wander(question, question.fixed.copy(), deadline=Deadline(60.0), seed=5, most=200)
    assert (first == wander(question, question.fixed.copy(), deadline=Deadline(60.0), seed=5, most=200)).all()


@pytest.mark.parametrize("seed", [23, 55, 104, 123, 131, 147, 159, 161, 170, 173])
def test_a_start_that_breaks_the_budget_by_what_a_solver_tolerates_is_no_proof_that_there_is_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    question = asked(seed, 1)
    some, fixed = rng.random(SITES) < 0.5, question.fixed
    pairs = [(a, b) for a, b in combinations(range(SITES), 2) if rng.random() < 0.4 and not fixed[[a, b]].any()]
    question = replace(
        question, p=4, price=np.where(fixed, 0.0, 1e7 + rng.integers(0, 4, SITES)),
        budget=2e7 + float(rng.integers(0, 5)), apart=np.array(pairs, np.int64).reshape(-1, 2),
        rules=(CountRule(some, 1, 4, "some"), CountRule(~some, 0, 2, "others")),
    )  # fmt: skip
    best, found = try_all(question), answer_general(question, deadline=Deadline(20.0), seed=0)
    assert best is not None
    assert not found.impossible
    assert found.opened is not None
    assert not broken_rules(question, found.opened)
    assert found.bound <= value_of(question, best) + 1e-6
