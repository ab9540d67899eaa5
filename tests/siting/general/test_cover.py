"""What is left unserved at least under conditions, where rows are but served or not, against every set."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spatial.siting.enumerate import try_all
from spatial.siting.general import cover as general_cover
from spatial.siting.general.cover import is_cover
from spatial.siting.general.task import make_task
from spatial.siting.general.total import least_total
from spatial.siting.question import Question, broken_rules, value_of
from spatial.siting.ways import Deadline
from tests.siting.general_cases import asked, table


def served_or_not(seed: int) -> Question:
    """A small question under conditions of every kind whose rows are served at no cost or not at all."""
    question = replace(asked(seed, 1), ways=table(seed, levels=1), missing=1.0)
    keep = np.random.default_rng(seed).random(len(question.weight)) < 0.9
    return replace(question, weight=np.where(keep, question.weight * 7.0, 0.0))


def least(question: Question) -> float:
    best = try_all(question)
    assert best is not None
    return value_of(question, best)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(general_cover, "LARGE", 0)


@pytest.mark.parametrize("seed", range(80))
def test_rounds_and_branching_find_what_trying_every_set_finds(seed: int, always: Any) -> None:
    question = served_or_not(seed)
    assert is_cover(make_task(question))
    found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=seed)
    assert found.opened is not None
    assert not broken_rules(question, found.opened)
    assert value_of(question, found.opened) == least(question) == found.bound


@pytest.mark.parametrize("seed", range(80, 140))
def test_without_a_search_branching_finds_them_too(seed: int, always: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(general_cover, "anneal_under", lambda _question, _table, _weight, opened, _ends, **_: opened)
    question = served_or_not(seed)
    monkeypatch.setattr("spatial.siting.general.total.wander", lambda _question, opened, **_: opened)
    found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=seed)
    assert found.opened is not None
    assert value_of(question, found.opened) == least(question) == found.bound


@pytest.mark.parametrize("seed", range(140, 180))
def test_a_bound_that_was_cut_short_is_below_every_set(seed: int, always: Any) -> None:
    question = served_or_not(seed)
    found = least_total(question, question.fixed.copy(), deadline=Deadline(0.003), seed=seed)
    assert found.bound <= least(question) + 1e-6


def test_the_one_who_watches_can_stop_the_work(always: Any) -> None:
    question, heard = served_or_not(5), []

    def stop(*news: Any) -> bool:
        heard.append(news)
        return False

    found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=1, tick=stop)
    assert len(heard) <= 1
    assert found.bound <= least(question)


def test_the_one_who_watches_can_stop_the_branching(always: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(general_cover, "anneal_under", lambda _question, _table, _weight, opened, _ends, **_: opened)
    monkeypatch.setattr("spatial.siting.general.total.wander", lambda _question, opened, **_: opened)
    heard: list[str] = []

    def never(*_: Any) -> None:
        raise AssertionError(heard)

    stops = 0
    monkeypatch.setattr("spatial.siting.general.total._branched", never)
    for seed in range(200, 240):
        question = served_or_not(seed)
        heard = []

        def stop(stage: str, *_: Any, heard: list[str] = heard) -> bool:
            heard.append(stage)
            return stage != "branching"

        found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=1, tick=stop)
        assert heard.count("branching") <= 1
        assert found.bound <= least(question)
        stops += "branching" in heard
    assert stops > 5


def test_costs_that_differ_and_backup_are_left_to_others(always: Any) -> None:
    assert not is_cover(make_task(asked(3, 1)))
    assert not is_cover(make_task(replace(served_or_not(3), need=2)))
