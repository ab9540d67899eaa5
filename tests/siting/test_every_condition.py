"""Every model under conditions of every kind, against every set of sites and every assignment tried one by one."""

import numpy as np
import pytest

from spatial.errors import InfeasibleError
from spatial.siting import answer as answering
from spatial.siting.asking import Asked, ask
from spatial.siting.conditions import MODELS, Conditions
from spatial.siting.question import AS_MANY_AS_NEEDED
from spatial.siting.room import capacitated
from spatial.siting.room import count as room_count
from spatial.siting.setting import Setting
from spatial.siting.settle import Settled, settle
from spatial.siting.ways import Deadline
from tests.siting.oracle import CUTOFF, best_answer, random_conditions, random_setting

CASES = 300


def question(seed: int, model: str, *, room: bool) -> tuple[Setting, Conditions, int, float]:
    rng = np.random.default_rng([seed, MODELS.index(model), int(room)])
    setting = random_setting(rng, sites=3, homes=3) if room else random_setting(rng)
    conditions = random_conditions(rng, model, room=room)
    p = AS_MANY_AS_NEEDED if model == "set_cover" and rng.random() < 0.5 else int(rng.integers(1, 4))
    return setting, conditions, p, CUTOFF if model in ("set_cover", "max_cover") else np.inf


def settled(
    setting: Setting, conditions: Conditions, model: str, p: int, cutoff: float
) -> tuple[Asked, Settled | None]:
    asked = ask(setting, conditions, model=model, p=p, cutoff=cutoff)
    try:
        return asked, settle(setting, asked, deadline=Deadline(120.0))
    except InfeasibleError as error:
        if not error.facts["proved"]:
            raise
        return asked, None


def compare(seed: int, model: str, *, room: bool = False) -> None:
    setting, conditions, p, cutoff = question(seed, model, room=room)
    _, done = settled(setting, conditions, model, p, cutoff)
    best = best_answer(setting, conditions, model, p, cutoff)
    if best is None:
        assert done is None, (seed, conditions)
        return
    assert done is not None, (seed, conditions)
    assert done.objective == pytest.approx(best, abs=1e-6), (seed, conditions)
    assert done.status == "optimal", (seed, conditions)
    assert done.bound == pytest.approx(best, abs=1e-6), (seed, conditions)


@pytest.mark.parametrize("model", MODELS)
def test_small_questions_are_answered_like_every_set_tried(model: str) -> None:
    for seed in range(CASES):
        compare(seed, model)


@pytest.mark.parametrize("model", MODELS)
def test_the_exact_models_agree_where_small_questions_are_not_enumerated(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "can_try_all", lambda question: False)
    for seed in range(CASES):
        compare(seed, model)


@pytest.mark.parametrize("model", MODELS)
def test_sites_with_limited_room_are_answered_like_every_assignment_tried(model: str) -> None:
    for seed in range(CASES):
        compare(seed, model, room=True)


@pytest.mark.parametrize("model", MODELS)
def test_prices_searches_and_sets_of_rows_agree_where_small_questions_are_not_handed_over_whole(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacitated, "_ENOUGH_ENTRIES", 0)
    monkeypatch.setattr(room_count, "_FEW_ENTRIES", 0)
    for seed in range(CASES, 2 * CASES):
        compare(seed, model, room=True)
