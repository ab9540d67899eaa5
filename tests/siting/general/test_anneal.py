"""Annealing under conditions of every kind, against every set of sites."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from spatial.siting.cover.table import cover_table
from spatial.siting.enumerate import try_all
from spatial.siting.general.anneal import anneal_under
from spatial.siting.models import site_bounds
from spatial.siting.question import CountRule, Question, broken_rules, value_of
from spatial.siting.ways import Deadline, build_ways
from tests.siting.general_cases import SITES, asked

ROWS = 15
SETS = np.array([*product((False, True), repeat=SITES)])


def question_of(seed: int) -> Question:
    """Rows that are served or not, sites too near to each other, and at least some of a kind."""
    rng = np.random.default_rng(seed)
    question = asked(seed, 1)
    row, site = np.nonzero(rng.random((ROWS, SITES)) < 0.3)
    free = np.flatnonzero(~question.fixed)
    pairs = np.array([(a, b) for a in free for b in free if a < b and rng.random() < 0.25], np.int64).reshape(-1, 2)
    some = rng.random(SITES) < 0.5
    return replace(
        question, ways=build_ways(row, site, np.zeros(len(row)), ROWS, SITES), missing=1.0, load=np.ones(ROWS),
        weight=rng.integers(1, 60, ROWS).astype(float), apart=pairs, budget=question.budget if seed % 3 else np.inf,
        rules=(CountRule(some, int(some.any()), 3, "some"),) if seed % 2 else (),
    )  # fmt: skip


def kept(question: Question) -> list[np.ndarray]:
    return [flags for flags in SETS if not broken_rules(question, flags)]


@pytest.mark.parametrize("seed", range(150))
def test_it_finds_the_best_of_all_sets_from_any_that_keeps_the_conditions(seed: int) -> None:
    question = question_of(seed)
    sets, best = kept(question), try_all(question)
    if best is None:
        assert not sets
        return
    start = sets[seed % len(sets)]
    found = anneal_under(
        question, cover_table(question.ways), question.weight, start, site_bounds(question), moves=20_000, hot=0.3,
        seed=seed, deadline=Deadline(60.0),
    )  # fmt: skip
    assert not broken_rules(question, found)
    assert value_of(question, found) <= value_of(question, start)
    assert value_of(question, found) == value_of(question, best)


@pytest.mark.parametrize("seed", range(30))
def test_sites_that_are_settled_stay_as_they_are_and_the_same_seed_gives_the_same(seed: int) -> None:
    question = question_of(seed)
    sets = kept(question)
    if not sets:
        return
    start, (low, high) = sets[seed % len(sets)], site_bounds(question)
    settled = np.random.default_rng(seed).random(SITES) < 0.4
    ends = np.where(settled, start, low), np.where(settled, start, high)
    first, again = (
        anneal_under(
            question, cover_table(question.ways), question.weight, start, ends, moves=8_000, hot=0.3, seed=seed,
            deadline=Deadline(60.0),
        )
        for _ in range(2)
    )  # fmt: skip
    assert (first == again).all()
    assert (first[settled] == start[settled]).all()
    assert not broken_rules(question, first)


def test_without_time_or_free_sites_the_sites_are_those_to_begin_with_or_better() -> None:
    question = question_of(1)
    start = kept(question)[0]
    table, ends = cover_table(question.ways), site_bounds(question)
    hurried = anneal_under(
        question, table, question.weight, start, ends, moves=10**9, hot=0.3, seed=1, deadline=Deadline(0.0)
    )
    assert value_of(question, hurried) <= value_of(question, start)
    still = anneal_under(
        question, table, question.weight, start, (ends[0], ends[0]), moves=100, hot=0.3, seed=1, deadline=Deadline(9.0)
    )
    assert (still == start).all()
