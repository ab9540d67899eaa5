"""Wrong answers that users of siting software have met: none of them is given here."""

from dataclasses import replace

import numpy as np
import pytest

from spatial.errors import InfeasibleError
from spatial.siting.asking import ask
from spatial.siting.choose import choose_sites
from spatial.siting.conditions import MODELS, Conditions
from spatial.siting.figures import nearest
from spatial.siting.setting import Homes, Places, Setting
from spatial.siting.settle import settle
from spatial.siting.ways import Deadline, build_ways
from tests.real_data import real
from tests.siting.pmed import OPTIMA, pmed_tables
from tests.siting.towns import candidate_frame, demand_frame, siting_profile, times_frame


def plain(seed: int, sites: int, homes: int) -> Setting:
    rng = np.random.default_rng(seed)
    here, there = rng.uniform(0, 1000, (homes, 2)), rng.uniform(0, 1000, (sites, 2))
    metres = np.rint(np.hypot(*(here[:, None] - there[None]).transpose(2, 0, 1)))
    row, col = np.nonzero(metres < 500)
    empty = np.full(sites, "", dtype=object)
    places = Places(
        np.array([f"s{i:03}" for i in range(sites)], dtype=object), np.zeros(sites, dtype=bool), np.full(sites, np.nan),
        np.full(sites, 60.0), there, {"kind": empty, "mode": empty}, np.ones(sites, dtype=np.int64),
    )  # fmt: skip
    people = rng.integers(1, 9, homes).astype(float)
    ids = np.array([f"h{i:03}" for i in range(homes)], dtype=object)
    return Setting(
        places, Homes(ids, {"households": people}, people), build_ways(row, col, metres[row, col], homes, sites), {}
    )


@pytest.mark.parametrize("model", ["p_median", "max_cover", "p_center"])
def test_no_more_sites_open_than_asked_for(model: str) -> None:
    for seed in range(5):
        setting = plain(seed, 30, 60)
        done = settle(setting, ask(setting, Conditions(), model=model, p=8, cutoff=500.0), deadline=Deadline(120.0))
        assert done.opened.sum() <= 8


@pytest.mark.parametrize("model", MODELS)
def test_nobody_is_served_from_beyond_the_cutoff_whether_or_not_sites_have_room(model: str) -> None:
    setting = plain(3, 25, 40)
    for room in (False, True):
        conditions = Conditions(room=room)
        asked = ask(setting, conditions, model=model, p=-1 if model == "set_cover" else 12, cutoff=400.0)
        done = settle(setting, asked, deadline=Deadline(120.0))
        row, site, walk, share = done.served.parts
        assert (walk <= 400.0).all()
        assert done.opened[site].all()
        load = np.bincount(site, asked.question.load[row] * share, 25)
        assert not room or (load <= 60.0).all()
        if model == "set_cover":
            assert np.bincount(row, share, len(asked.home)).min() == 1.0


def test_a_covered_household_has_an_open_site_within_the_cutoff_and_every_other_has_none() -> None:
    setting = plain(4, 25, 60)
    asked = ask(setting, Conditions(), model="max_cover", p=4, cutoff=200.0)
    done = settle(setting, asked, deadline=Deadline(120.0))
    walk = nearest(setting.ways, done.opened)[1]
    assert done.objective == setting.homes.groups["households"][walk <= 200.0].sum()


def test_demand_out_of_reach_is_named_with_the_cutoff_that_would_do() -> None:
    times = times_frame([[0.0, 700.0]], ["A"], ["a", "b"])
    tables = times, demand_frame({"a": 10, "b": 30}), candidate_frame(["A"])
    with pytest.raises(InfeasibleError, match="too few: b; a cutoff of 700 would do") as told:
        choose_sites(*tables, siting_profile("set_cover", 600.0), conditions=Conditions(refuse_unreachable=True))
    assert told.value.facts["unreachable"] == ("b",)
    assert told.value.facts["smallest_cutoff"] == 700.0


def test_more_demand_than_room_is_told_and_not_answered() -> None:
    setting = plain(5, 6, 40)
    tight = replace(setting, places=replace(setting.places, room=np.full(6, 5.0)))
    asked = ask(tight, Conditions(room=True), model="set_cover", p=-1, cutoff=500.0)
    with pytest.raises(InfeasibleError) as told:
        settle(tight, asked, deadline=Deadline(120.0))
    assert told.value.facts["proved"]


def test_a_budget_too_small_is_told_with_the_one_that_would_do() -> None:
    setting = plain(6, 8, 12)
    priced = replace(setting, places=replace(setting.places, price=np.full(8, 7.0)))
    enough = ask(priced, Conditions(), model="set_cover", p=-1, cutoff=400.0)
    fewest = settle(priced, enough, deadline=Deadline(120.0)).objective
    poor = ask(priced, Conditions(budget=7.0 * fewest - 1.0), model="set_cover", p=-1, cutoff=400.0)
    with pytest.raises(InfeasibleError) as told:
        settle(priced, poor, deadline=Deadline(120.0))
    assert told.value.facts["smallest_budget"] == 7.0 * fewest


@pytest.mark.real
def test_a_search_cut_short_never_claims_a_proof_that_it_lacks() -> None:
    times, demand, candidates, p = pmed_tables(real("pmed/pmed6.txt"))
    for limit_s in (0.0, 0.05):
        choice = choose_sites(times, demand, candidates, siting_profile("p_median"), p=p, time_limit_s=limit_s)
        assert choice.bound <= OPTIMA[6] <= choice.objective
        assert (choice.status == "optimal") == (choice.bound == choice.objective)
