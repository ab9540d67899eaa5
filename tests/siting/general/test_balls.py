"""Totals whose rows pay by how near they are served, as covers of balls, against every set."""

from typing import Any

import numpy as np
import pytest

from spatial.siting.answer import answer
from spatial.siting.enumerate import try_all
from spatial.siting.general import balls as general_balls
from spatial.siting.general import cover as general_cover
from spatial.siting.general import general
from spatial.siting.general.balls import ball_task, has_few_balls
from spatial.siting.general.task import make_task
from spatial.siting.general.total import least_total
from spatial.siting.question import broken_rules, value_of
from spatial.siting.ways import Deadline, row_of
from tests.siting.general_cases import SITES, asked, plain


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(general_balls, "LARGE", 0)


def test_what_balls_without_an_open_site_weigh_is_what_rows_pay_beyond_their_least(always: Any) -> None:
    for seed in range(60):
        question = asked(seed, 1)
        task, rng = make_task(question), np.random.default_rng(seed)
        balls = ball_task(task)
        assert balls is not None
        for _ in range(20):
            opened = (rng.random(SITES) < 0.4) | question.fixed
            met = np.bincount(row_of(balls.ways), opened[balls.ways.site], balls.ways.rows) > 0
            assert balls.base + balls.weight[~met].sum() == pytest.approx(value_of(question, opened))


@pytest.mark.parametrize("seed", range(80))
@pytest.mark.parametrize("searches", [True, False])
def test_balls_lead_to_what_trying_every_set_finds(
    seed: int, searches: bool, always: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not searches:
        monkeypatch.setattr(general_cover, "wander", lambda _question, opened, **_: opened)
        monkeypatch.setattr("spatial.siting.general.total.wander", lambda _question, opened, **_: opened)
    monkeypatch.setattr("spatial.siting.general.total._raised_by_row", lambda *_: pytest.fail("not by balls"))
    question = asked(seed, 1)
    best = try_all(question)
    if best is None or broken_rules(question, question.fixed):
        return
    found = least_total(question, question.fixed.copy(), deadline=Deadline(60.0), seed=seed)
    assert found.opened is not None
    assert not broken_rules(question, found.opened)
    assert value_of(question, found.opened) == value_of(question, best)
    assert found.bound == pytest.approx(value_of(question, best), abs=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_a_bound_that_was_cut_short_is_below_every_set(seed: int, always: Any) -> None:
    question = asked(seed, 1)
    best = try_all(question)
    if best is None or broken_rules(question, question.fixed):
        return
    found = least_total(question, question.fixed.copy(), deadline=Deadline(0.003), seed=seed)
    assert found.bound <= value_of(question, best) + 1e-6


def test_what_only_a_number_of_sites_limits_is_left_to_balls_after_the_engine_of_the_model(
    always: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.siting.answer.can_try_all", lambda _: False)
    for seed in range(30):
        question = plain(asked(seed, 1))
        best = value_of(question, np.asarray(try_all(question)))
        assert has_few_balls(question)
        found = answer(question, deadline=Deadline(60.0))
        assert found is not None
        assert found.proved
        assert found.value == best
        with monkeypatch.context() as patch:
            patch.setattr(general, "ask_engine", lambda *_: None)
            found = answer(question, deadline=Deadline(60.0))
        assert found is not None
        assert found.value == best == pytest.approx(found.bound)


def test_balls_of_long_rows_and_of_pairs_are_left_to_others(always: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_few_balls(asked(3, 2))
    monkeypatch.setattr(general_balls, "_MOST_LISTED", 30)
    assert not has_few_balls(asked(3, 1))
    assert ball_task(make_task(asked(3, 1))) is None
