"""What conditions come to: who may open, what a cutoff would have to be, which sums a budget allows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from spatial.errors import InfeasibleError, InputError
from spatial.siting import answer as answering
from spatial.siting.asking import ask
from spatial.siting.conditions import Conditions, LevelRule
from spatial.siting.setting import Homes, Places, Setting
from spatial.siting.settle import settle
from spatial.siting.ways import Deadline, build_ways


def street(walks: Sequence[Sequence[float]], *, existing: Sequence[int] = (), level: Sequence[int] = ()) -> Setting:
    """Homes (rows) and sites (columns) with these walks; sites stand 10 m apart on a line."""
    cost = np.array(walks, dtype=float)
    n, m = cost.shape
    row, col = np.nonzero(np.isfinite(cost))
    empty = np.full(m, "", dtype=object)
    places = Places(
        np.array([f"s{i}" for i in range(m)], dtype=object), np.isin(np.arange(m), existing), np.full(m, np.nan),
        np.full(m, np.inf), np.c_[10.0 * np.arange(m), np.zeros(m)], {"kind": empty, "mode": empty},
        np.array(level or [1] * m, dtype=np.int64),
    )  # fmt: skip
    people = np.ones(n)
    ids = np.array([f"h{i}" for i in range(n)], dtype=object)
    return Setting(places, Homes(ids, {"households": people}, people), build_ways(row, col, cost[row, col], n, m), {})


def test_the_smallest_cutoff_looks_only_at_sites_of_the_level_asked_for() -> None:
    setting = street([[5.0, 40.0], [6.0, 30.0]], level=[1, 2])
    levels = Conditions(levels=(LevelRule(2, 10.0),), refuse_unreachable=True)
    with pytest.raises(InfeasibleError, match="a cutoff of 40 would do"):
        ask(setting, levels, model="set_cover", p=-1, cutoff=np.inf)
    wide = replace(levels, levels=(LevelRule(2, 40.0),))
    assert ask(setting, wide, model="set_cover", p=-1, cutoff=np.inf).left_out.sum() == 0


def test_the_smallest_cutoff_looks_only_at_sites_that_may_open() -> None:
    # s1 stands 10 m from s0, which is open: with 15 m between sites it cannot open, so h1 is left with s0 and s2
    setting = street([[5.0, 5.0, 5.0], [90.0, 4.0, 70.0]], existing=[0])
    spaced = Conditions(spacing_m=15.0, refuse_unreachable=True)
    with pytest.raises(InfeasibleError, match="a cutoff of 70 would do") as told:
        ask(setting, spaced, model="set_cover", p=-1, cutoff=20.0)
    assert told.value.facts["smallest_cutoff"] == 70.0
    assert ask(setting, spaced, model="set_cover", p=-1, cutoff=70.0).smallest_cutoff == 70.0


def test_levels_and_cutoffs_of_groups_are_not_asked_for_together() -> None:
    both = Conditions(levels=(LevelRule(1, 10.0),), cutoffs={"households": 5.0})
    with pytest.raises(InputError, match="needed one of the two"):
        ask(street([[1.0]]), both, model="p_median", p=1, cutoff=np.inf)


def test_a_level_that_counts_nothing_asks_for_nothing_and_one_below_nothing_is_refused() -> None:
    # Level 2 alone is 50 away from h1; nobody counts it, so the farthest walk is that of level 1.
    setting = street([[5.0, np.inf], [6.0, 50.0]], level=[1, 2])
    levels = Conditions(levels=(LevelRule(1, 90.0), LevelRule(2, 90.0, 0.0)))
    asked = ask(setting, levels, model="p_center", p=2, cutoff=np.inf)
    assert (asked.question.weight > 0).all()
    assert settle(setting, asked, deadline=Deadline(60.0)).objective == 6.0
    for weight in (-1.0, np.nan, np.inf):
        wrong = Conditions(levels=(LevelRule(1, 90.0, weight),))
        with pytest.raises(InputError, match="the weight of level 1 is"):
            ask(setting, wrong, model="p_median", p=1, cutoff=np.inf)


@pytest.mark.parametrize("closable", [False, True])
def test_two_centres_that_are_open_today_may_stay_however_near_to_each_other(closable: bool) -> None:
    setting = street([[5.0, np.inf], [np.inf, 5.0]], existing=[0, 1])
    conditions = Conditions(spacing_m=50.0, closable=closable)
    asked = ask(setting, conditions, model="set_cover", p=-1, cutoff=10.0)
    assert settle(setting, asked, deadline=Deadline(120.0)).opened.all()


@pytest.mark.parametrize("enumerated", [True, False])
@pytest.mark.parametrize(("budget", "sites"), [(0.3, 2), (0.29999, 1)])
def test_a_budget_is_kept_to_the_digit_whichever_engine_answers(
    budget: float, sites: int, enumerated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "can_try_all", lambda question: enumerated)
    setting = street([[0.0, 50.0], [50.0, 0.0]])
    priced = replace(setting, places=replace(setting.places, price=np.array([0.1, 0.2])))  # 0.1 + 0.2 > 0.3 in floats
    asked = ask(priced, Conditions(budget=budget), model="p_median", p=2, cutoff=np.inf)
    done = settle(priced, asked, deadline=Deadline(120.0))
    assert (done.opened.sum(), done.status) == (sites, "optimal")
