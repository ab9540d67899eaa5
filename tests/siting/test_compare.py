"""Choices side by side, and the full list of those worth choosing between."""

import numpy as np
import pytest

from spatial.errors import InfeasibleError, InputError
from spatial.siting.asking import ask
from spatial.siting.choose import choose_sites
from spatial.siting.compare import compare_choices, list_pareto, list_worthy
from spatial.siting.conditions import Conditions, KindRule
from spatial.siting.enumerate import every_set
from tests.siting.oracle import CUTOFF, random_setting
from tests.siting.towns import candidate_frame, demand_frame, siting_profile, times_frame

HOUSES = {"a": 100, "b": 200, "c": 50, "d": 400}
HALLS = ["A", "B", "C", "D"]
STREET_S = 300.0 * np.abs(np.subtract.outer(np.arange(4), np.arange(4)))


def test_two_choices_stand_side_by_side() -> None:
    tables = times_frame(STREET_S, HALLS, list(HOUSES)), demand_frame(HOUSES), candidate_frame(HALLS, cost=10.0)
    one, two = (choose_sites(*tables, siting_profile("p_median"), p=p) for p in (1, 2))
    table = compare_choices([("one", one), ("two", two)]).set_index("choice")
    assert list(table["objective"]) == [225_000.0, 45_000.0]
    assert list(table["cost"]) == [10.0, 20.0]
    assert (table.loc["two", "more"], table.loc["two", "fewer"]) == ("B", "")
    with pytest.raises(InputError, match="a name of its own"):
        compare_choices([("one", one), ("one", two)])


def test_a_street_has_the_list_that_is_worked_by_hand() -> None:
    """Houses of 100, 200, 50 and 400 five minutes apart, halls at each; whoever walks five minutes is covered."""
    tables = times_frame(STREET_S, HALLS, list(HOUSES)), demand_frame(HOUSES), candidate_frame(HALLS, cost=10.0)
    candidates = tables[2].assign(cost=[10.0, 30.0, 20.0, np.nan], mode=["share", "new", "share", "new"])
    profile = siting_profile("max_cover", cutoff_s=300.0)
    told = list_pareto(*tables[:2], candidates, profile, conditions=Conditions(mode_prices={"new": 25.0}))
    # C covers b, c and d; A with D, and A with C, all; nothing costs less and covers as much.
    rows = list(told.itertuples(index=False, name=None))
    assert rows == [
        ((), 0, 0.0, 0.0),
        (("C",), 1, 650.0, 20.0),
        (("A",), 1, 300.0, 10.0),
        (("A", "C"), 2, 750.0, 30.0),
    ]
    assert list(list_pareto(*tables[:2], candidates, profile, p=1)["new_sites"]) == [0, 1, 1]
    dear = list_pareto(*tables[:2], candidates, profile, conditions=Conditions(budget=15.0, mode_prices={"new": 25.0}))
    assert list(dear["sites"]) == [(), ("A",)]


def test_a_list_without_candidates_is_infeasible_and_one_of_nothing_that_keeps_every_condition_is_empty() -> None:
    tables = times_frame(STREET_S, HALLS, list(HOUSES)), demand_frame(HOUSES), candidate_frame(HALLS, cost=10.0)
    profile = siting_profile("max_cover", cutoff_s=300.0)
    with pytest.raises(InfeasibleError, match="no candidate site"):
        list_pareto(tables[0].iloc[:0], tables[1], tables[2].iloc[:0], profile)
    impossible = Conditions(kinds=(KindRule("mode", "new", 1),))
    assert list_pareto(*tables[:2], tables[2].assign(mode=["new", "", "", ""]), profile, conditions=impossible).shape[0]
    dear = Conditions(kinds=(KindRule("mode", "new", 1),), budget=5.0)
    assert list_pareto(*tables[:2], tables[2].assign(mode=["new", "", "", ""]), profile, conditions=dear).empty


def test_a_list_with_limited_room_is_refused() -> None:
    tables = times_frame(STREET_S, HALLS, list(HOUSES)), demand_frame(HOUSES), candidate_frame(HALLS, cost=10.0)
    rooms = tables[2].assign(floor_area_m2=60.0)
    with pytest.raises(InputError, match="room is limited"):
        list_pareto(*tables[:2], rooms, siting_profile("max_cover", cutoff_s=300.0), conditions=Conditions(room=True))


@pytest.mark.parametrize("seed", range(30))
def test_no_choice_beats_one_of_the_list_and_each_choice_is_beaten_or_matched_by_one(seed: int) -> None:
    setting = random_setting(np.random.default_rng(seed))
    free = int((~setting.places.existing).sum())
    asked = ask(setting, Conditions(), model="max_cover", p=max(free, 1), cutoff=CUTOFF)
    listed = list_worthy(setting, asked)
    rows = listed[["new_sites", "value", "cost"]].to_numpy()
    for opened, value in every_set(asked.question):
        number = opened[:, ~setting.places.existing].sum(axis=1)
        cost = opened @ np.where(setting.places.existing, 0.0, setting.places.price)
        covered = asked.question.weight.sum() - value
        for point in zip(number, covered, cost, strict=True):
            as_good = (rows[:, 0] <= point[0]) & (rows[:, 1] >= point[1]) & (rows[:, 2] <= point[2])
            assert as_good.any()
            better = (rows[:, 0] >= point[0]) & (rows[:, 1] <= point[1]) & (rows[:, 2] >= point[2])
            strictly = (rows[:, 0] > point[0]) | (rows[:, 1] < point[1]) | (rows[:, 2] > point[2])
            assert not (better & strictly).any()


def test_too_many_sites_to_list_are_refused() -> None:
    setting = random_setting(np.random.default_rng(1), sites=40, homes=3)
    while len(setting.places.ids) < 20:
        setting = random_setting(np.random.default_rng(len(setting.places.ids) + 77), sites=40, homes=3)
    with pytest.raises(InputError, match="too many to list"):
        list_worthy(setting, ask(setting, Conditions(), model="max_cover", p=15, cutoff=CUTOFF))
    # All sets of three of them are few enough.
    assert len(list_worthy(setting, ask(setting, Conditions(), model="max_cover", p=3, cutoff=CUTOFF)))
