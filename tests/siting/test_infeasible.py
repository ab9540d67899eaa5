"""What is told of a question without an answer is what would give it one."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import InfeasibleError
from spatial.siting import infeasible
from spatial.siting.answer import Answer, answer
from spatial.siting.asking import Asked, ask
from spatial.siting.conditions import Conditions
from spatial.siting.question import Question
from spatial.siting.setting import Setting
from spatial.siting.settle import settle
from spatial.siting.ways import Deadline
from tests.siting.test_asking import street

LONG_S = 20.0
WALKS = [[0.0, 300.0, 600.0], [300.0, 0.0, 300.0], [600.0, 300.0, 0.0]]


def refused(setting: Setting, asked: Asked) -> InfeasibleError:
    with pytest.raises(InfeasibleError) as told:
        settle(setting, asked, deadline=Deadline(LONG_S))
    assert told.value.facts["proved"]
    return told.value


@pytest.mark.parametrize("model", ["set_cover", "p_center"])
def test_too_few_sites_are_told_with_how_many_and_with_the_cutoff_that_one_of_them_keeps(model: str) -> None:
    setting = street(WALKS)
    told = refused(setting, ask(setting, Conditions(), model=model, p=1, cutoff=200.0))
    assert (told.facts["smallest_p"], told.facts["smallest_cutoff"]) == (3, 300.0)
    assert "at least 3 are needed, 1 are allowed" in str(told)
    assert "a cutoff of 300 would do, it is 200" in str(told)
    done = settle(setting, ask(setting, Conditions(), model=model, p=1, cutoff=300.0), deadline=Deadline(LONG_S))
    assert done.opened.tolist() == [False, True, False]


def test_where_neither_more_sites_nor_more_money_would_do_both_are_told() -> None:
    setting = street(WALKS)
    priced = replace(setting, places=replace(setting.places, price=np.array([4.0, 5.0, 6.0])))
    asked = ask(priced, Conditions(budget=7.0), model="set_cover", p=1, cutoff=200.0)
    told = refused(priced, asked)
    assert (told.facts["enough_p"], told.facts["enough_budget"]) == (3, 15.0)
    assert "smallest_p" not in told.facts
    assert "smallest_budget" not in told.facts
    assert told.facts["smallest_cutoff"] == 300.0  # the middle site alone costs 5


def test_the_cutoff_told_is_the_smallest_where_demand_beyond_it_is_left_out() -> None:
    far = [*WALKS, [900.0, 850.0, 800.0], [250.0, 5000.0, 5000.0]]
    setting = street(far[:4])
    told = refused(setting, ask(setting, Conditions(), model="set_cover", p=1, cutoff=200.0))
    assert told.facts["smallest_cutoff"] == 300.0  # the fourth home would need 850, and is left out at 300 as at 200
    setting = street([*far[:3], far[4]])
    told = refused(setting, ask(setting, Conditions(), model="set_cover", p=1, cutoff=200.0))
    assert told.facts["smallest_cutoff"] == 600.0  # at 300 the fourth home is no longer left out
    for cutoff in (299.0, 300.0, 599.0):
        refused(setting, ask(setting, Conditions(), model="set_cover", p=1, cutoff=cutoff))
    settle(setting, ask(setting, Conditions(), model="set_cover", p=1, cutoff=600.0), deadline=Deadline(LONG_S))


def test_what_would_do_is_told_with_all_its_digits() -> None:
    long = [[0.0, 1234567.25, 2e7], [1234567.25, 0.0, 1234567.25], [2e7, 1234567.25, 0.0]]
    setting = street(long)
    priced = replace(setting, places=replace(setting.places, price=np.array([1234567.0, 1234568.0, 1234569.0])))
    told = refused(priced, ask(priced, Conditions(budget=1234568.0), model="set_cover", p=-1, cutoff=200.0))
    assert "it takes a budget of 3703704, there are 1234568" in str(told)
    assert "a cutoff of 1234567.25 would do, it is 200" in str(told)


def test_that_neither_alone_would_do_is_told_only_where_both_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = street(WALKS)
    priced = replace(setting, places=replace(setting.places, price=np.array([4.0, 5.0, 6.0])))
    asked = ask(priced, Conditions(budget=7.0), model="set_cover", p=1, cutoff=200.0)

    def hurried(question: Question, **given: Any) -> Answer | None:
        if np.isfinite(question.budget):
            raise InfeasibleError("siting: no time", proved=False)
        return answer(question, **given)

    monkeypatch.setattr(infeasible, "answer", hurried)
    told = infeasible.explain(priced, asked, deadline=Deadline(LONG_S), seed=0)
    assert "neither" not in str(told)
    assert "enough_p" not in told.facts


def test_a_home_larger_than_any_site_is_named_with_what_it_takes() -> None:
    setting = street(WALKS)
    homes = replace(setting.homes, load=np.array([5.0, 20.0, 5.0]))
    small = replace(setting, homes=homes, places=replace(setting.places, room=np.array([12.0, 11.0, 6.0])))
    told = refused(small, ask(small, Conditions(room=True), model="set_cover", p=-1, cutoff=600.0))
    assert told.facts["too_large"] == ("h1",)
    assert "h1 takes 20, there is room for 12" in str(told)
    assert (told.facts["room_needed"], told.facts["room"]) == (30.0, 29.0)
    # shared among all three sites it has room within 600 s, but not beside the others
    shared = refused(small, ask(small, Conditions(room=True, split=True), model="set_cover", p=-1, cutoff=600.0))
    assert "too_large" not in shared.facts
    assert "all sites together have 29" in str(shared)


def test_demand_without_any_walk_is_not_promised_a_cutoff() -> None:
    setting = street([[10.0, 20.0], [np.inf, np.inf]])
    with pytest.raises(InfeasibleError, match="h1; no walk to them is listed") as told:
        ask(setting, Conditions(refuse_unreachable=True), model="set_cover", p=-1, cutoff=50.0)
    assert told.value.facts["smallest_cutoff"] is None


def test_with_a_number_of_sites_the_cutoff_for_reaching_all_is_not_called_enough() -> None:
    setting = street([[10.0, 90.0], [90.0, 60.0]])
    with pytest.raises(InfeasibleError, match="a cutoff of 60 would reach all") as told:
        ask(setting, Conditions(refuse_unreachable=True), model="set_cover", p=1, cutoff=50.0)
    assert told.value.facts["unreachable"] == ("h1",)


def keeps(setting: Setting, opened: tuple[int, ...], *, p: int, budget: float, cutoff: float) -> bool:
    """Tell by hand whether sites serve all whom any site reaches within the cutoff, the number and the money."""
    if len(opened) > p or setting.places.price[list(opened)].sum() > budget:
        return False
    ways = setting.ways
    for row in range(ways.rows):
        mine = slice(ways.ptr[row], ways.ptr[row + 1])
        near = [c for s, c in zip(ways.site[mine], ways.cost[mine], strict=True) if s in opened]
        if min(ways.cost[mine]) <= cutoff and (near == [] or min(near) > cutoff):
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_would_do_does_and_nothing_less(data: Any) -> None:
    homes, sites = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    walks = data.draw(
        st.lists(st.lists(st.integers(1, 9), min_size=sites, max_size=sites), min_size=homes, max_size=homes)
    )
    prices = data.draw(st.lists(st.integers(1, 5), min_size=sites, max_size=sites))
    p, budget, cutoff = (data.draw(st.integers(1, most)) for most in (sites, 8, 9))
    setting = street([[float(one) for one in row] for row in walks])
    setting = replace(setting, places=replace(setting.places, price=np.array(prices, dtype=float)))
    every = [c for k in range(sites + 1) for c in combinations(range(sites), k)]

    def any_keeps(**limits: float) -> bool:
        return any(keeps(setting, one, **{"p": p, "budget": budget, "cutoff": cutoff, **limits}) for one in every)

    asked = ask(setting, Conditions(budget=float(budget)), model="set_cover", p=p, cutoff=float(cutoff))
    if any_keeps():
        assert settle(setting, asked, deadline=Deadline(LONG_S)).opened.sum() <= p
        return
    facts: Any = refused(setting, asked).facts
    for name, least, several in (
        ("p", "smallest_p", range(sites + 1)),
        ("budget", "smallest_budget", range(21)),
        ("cutoff", "smallest_cutoff", range(cutoff, 10)),  # with a smaller one more are left out
    ):
        enough = [one for one in several if any_keeps(**{name: one})]
        assert facts.get(least) == (enough[0] if enough else None), name
    if "enough_p" in facts:
        assert any_keeps(p=facts["enough_p"], budget=facts["enough_budget"])
        assert "smallest_p" not in facts
        assert "smallest_budget" not in facts


@pytest.mark.parametrize("model", ["p_median", "max_cover", "set_cover", "p_center"])
@pytest.mark.parametrize("room", [False, True])
def test_without_time_a_bound_is_a_number_and_so_is_the_gap(model: str, room: bool) -> None:
    rng = np.random.default_rng(3)
    setting = street(rng.integers(1, 900, (60, 40)).astype(float).tolist())
    limited = replace(setting, places=replace(setting.places, room=np.full(40, 9.0)))
    asked = ask(limited, Conditions(room=room), model=model, p=12, cutoff=600.0)
    done = settle(limited, asked, deadline=Deadline(0.0))
    assert np.isfinite([done.objective, done.bound, done.gap]).all()
    low, high = sorted((done.objective, done.bound))
    assert 0.0 <= low <= high
    assert not np.signbit(done.bound)
    assert done.gap == pytest.approx((high - low) / high)
