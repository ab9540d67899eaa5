"""A question narrowed to sites with a share and the nearest entries, against the question itself."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spatial.siting.enumerate import try_all
from spatial.siting.general import near as general_near
from spatial.siting.general.near import narrowed
from spatial.siting.general.total import least_total
from spatial.siting.question import broken_rules, value_of
from spatial.siting.ways import Deadline, build_ways
from tests.siting.general_cases import ROWS, SITES, asked


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(general_near, "_LARGE", 0)
    monkeypatch.setattr(general_near, "_FEWEST", 3)


def test_rows_keep_the_nearest_sites_with_a_share_and_open_ones(always: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(general_near, "_TIMES", 1)
    cost = np.arange(ROWS * SITES, dtype=float).reshape(ROWS, SITES)
    cost[1] = cost[1, ::-1]
    row, site = np.nonzero(cost >= 0.0)
    question = replace(asked(1, 1), ways=build_ways(row, site, cost[row, site], ROWS, SITES))
    share, opened = np.zeros(SITES), np.isin(np.arange(SITES), [2, 5])
    share[[0, 7]] = 0.4
    near = narrowed(question, share, opened)
    assert near.ways.site[:6].tolist() == [0, 2, 5, 7, 5, 2]
    assert np.flatnonzero(near.banned).tolist() == [1, 3, 4, 6]
    assert narrowed(question, None, opened) is question


def test_no_set_costs_less_among_near_entries_and_none_keeps_more_conditions(always: Any) -> None:
    for seed in range(100):
        question, rng = asked(seed, 1 + seed % 2), np.random.default_rng(seed)
        opened = (rng.random(SITES) < 0.3) | question.fixed
        near = narrowed(question, rng.random(SITES) * (rng.random(SITES) < 0.6), opened)
        assert bool(broken_rules(near, opened)) == bool(broken_rules(question, opened))
        assert value_of(near, opened) >= value_of(question, opened)
        other = (rng.random(SITES) < 0.4) | question.fixed
        if not broken_rules(near, other):
            assert not broken_rules(question, other)


@pytest.mark.parametrize("need", [1, 2])
def test_the_least_total_is_proved_with_searches_among_near_entries(
    need: int, always: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.siting.general.total._LEVEL_ENTRIES", 99)
    for seed in range(40):
        question = asked(seed, need)
        best = try_all(question)
        if best is None or broken_rules(question, question.fixed):
            continue
        found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=1)
        assert found.opened is not None
        assert not broken_rules(question, found.opened)
        assert value_of(question, found.opened) == value_of(question, best), seed
        assert found.bound == pytest.approx(value_of(question, best), abs=1e-6), seed
