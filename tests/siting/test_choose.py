"""The right sites open, whatever the model, and the answer says how good it is."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import InfeasibleError, InputError, TableError
from spatial.siting.choose import choose_sites
from spatial.siting.service import SiteChoice
from spatial.tables import SITES, require
from tests.siting.towns import candidate_frame, demand_frame, facility_frame, siting_profile, times_frame

# A street with four houses, five minutes apart; a hall may open at each: A at a, B at b ...
HOUSES = {"a": 100, "b": 200, "c": 50, "d": 400}
HALLS = ["A", "B", "C", "D"]
STREET_S = 300.0 * np.abs(np.subtract.outer(np.arange(4), np.arange(4)))


def ask(model: str, *, existing: str = "", cutoff_s: float = 300.0, p: int | None = None, **rules: Any) -> SiteChoice:
    halls = [hall for hall in HALLS if hall not in existing]
    return choose_sites(
        times_frame(STREET_S, HALLS, list(HOUSES)),
        demand_frame(HOUSES),
        candidate_frame(halls),
        siting_profile(model, cutoff_s, **rules),
        existing=facility_frame(list(existing)),
        p=p,
    )


def test_the_median_of_the_street_is_at_its_large_house() -> None:
    # at D people walk 100 * 900 + 200 * 600 + 50 * 300 seconds; at C 60,000 + 60,000 + 0 + 120,000
    choice = ask("p_median", p=1)
    assert choice.chosen == ["D"]
    assert (choice.objective, choice.bound, choice.status) == (225_000.0, 225_000.0, "optimal")


def test_an_open_site_stays_and_the_next_one_stands_where_it_leaves_people_far() -> None:
    choice = ask("p_median", existing="A", p=1)
    assert choice.chosen == ["D"]
    assert choice.objective == 200 * 300 + 50 * 300
    assert list(choice.sites["existing"]) == [True, False]


def test_the_cover_of_five_minutes_is_largest_next_to_the_large_house() -> None:
    choice = ask("max_cover", p=1)
    assert choice.chosen == ["C"]
    assert (choice.objective, choice.bound) == (650.0, 650.0)
    assert dict(zip(choice.allocation["demand_id"], choice.allocation["covered"], strict=True)) == {
        "a": False, "b": True, "c": True, "d": True,
    }  # fmt: skip


def test_two_sites_cover_the_street_and_one_more_where_one_is_open() -> None:
    assert ask("set_cover").objective == 2
    beside = ask("set_cover", existing="A")
    assert beside.chosen in (["C"], ["D"])
    assert beside.objective == beside.bound == 1
    assert ask("set_cover", existing="AD").chosen == []


def test_of_sites_that_cover_the_same_the_nearer_one_opens() -> None:
    # A and B both cover the two houses within five minutes; from B people walk less
    for model in ("max_cover", "set_cover"):
        choice = choose_sites(
            times_frame([[250.0, 250.0, 999.0], [50.0, 60.0, 999.0]], ["A", "B"], ["a", "b", "c"]),
            demand_frame({"a": 10, "b": 20, "c": 1}),
            candidate_frame(["A", "B"]),
            siting_profile(model, 300.0),
            p=1,
        )
        assert choice.chosen == ["B"]
        assert choice.status == "optimal"


def test_the_number_of_sites_follows_from_the_households_and_the_open_sites() -> None:
    assert ask("p_median", households_per_site=250).p == 3
    assert ask("p_median", existing="A", households_per_site=250).p == 2
    assert ask("p_median", existing="AB", households_per_site=5000).p == 1
    crowded = ask("p_median", existing="ABC", households_per_site=100)
    assert crowded.p == 1
    assert "at most 1 candidates" in crowded.notes[0]


def test_each_site_says_whom_it_serves_and_how_large_it_must_be() -> None:
    choice = choose_sites(
        times_frame(np.asarray(STREET_S)[[0, 3]], ["A", "D"], list(HOUSES)),
        demand_frame({"a": 4333, "b": 0, "c": 0, "d": 20}),
        candidate_frame(["A"], floor_area_m2=1000.0),
        siting_profile("p_median"),
        existing=facility_frame(["D"]),
        p=1,
    )
    served = choice.sites.set_index("site_id")
    require(choice.sites, SITES)
    assert list(served["households"]) == [4333, 20]
    assert list(served["floor_needed_m2"].round(1)) == [1299.9, 600.0]
    assert served.loc["A", "floor_deficit_m2"] == pytest.approx(299.9)
    assert np.isnan(served.loc["D", "floor_deficit_m2"])
    assert choice.to_dict()["sites_without_floor_area"] == 1


def test_ties_in_walking_go_to_the_smaller_site_id() -> None:
    choice = choose_sites(
        times_frame([[60.0], [60.0]], ["Z", "Y"], ["a"]),
        demand_frame({"a": 10}),
        candidate_frame(["Z"]),
        siting_profile("p_median"),
        existing=facility_frame(["Y"]),
        p=1,
    )
    assert list(choice.allocation["site_id"]) == ["Y"]
    assert choice.chosen == []  # Z would help nobody


def test_demand_that_nobody_reaches_is_listed_and_not_dropped() -> None:
    seconds = [[0.0, 100.0, np.inf], [100.0, 0.0, np.inf]]
    for model in ("p_median", "max_cover", "set_cover"):
        choice = choose_sites(
            times_frame(seconds, ["A", "B"], ["a", "b", "c"]),
            demand_frame({"a": 1, "b": 2, "c": 40}),
            candidate_frame(["A", "B"]),
            siting_profile(model, 200.0),
            p=1,
        )
        assert list(choice.unreachable["demand_id"]) == ["c"]
        assert list(choice.unreachable["reason"]) == ["no_walk"]
        assert choice.allocation["households"].sum() == 43
        assert choice.to_dict()["unserved_households"] == 40
        assert choice.status == "optimal"


def test_the_median_counts_a_household_left_out_as_twice_the_longest_walk() -> None:
    seconds = [[0.0, np.inf], [np.inf, 50.0]]
    choice = choose_sites(
        times_frame(seconds, ["A", "B"], ["a", "b"]),
        demand_frame({"a": 10, "b": 11}),
        candidate_frame(["A", "B"]),
        siting_profile("p_median"),
        p=1,
    )
    assert choice.unserved_s == 100.0
    assert choice.chosen == ["A"]  # 11 * 100 s against 11 * 50 s + 10 * 100 s
    assert choice.objective == choice.bound == 1100.0
    assert choice.unreachable.empty
    assert list(choice.allocation["site_id"]) == ["A", ""]


def test_set_cover_says_what_lies_beyond_the_cutoff_and_which_cutoff_would_do() -> None:
    choice = choose_sites(
        times_frame([[0.0, 700.0]], ["A"], ["a", "b"]),
        demand_frame({"a": 10, "b": 30}),
        candidate_frame(["A"]),
        siting_profile("set_cover", 600.0),
    )
    assert choice.unreachable.to_dict("records") == [
        {"demand_id": "b", "households": 30, "reason": "beyond_cutoff", "nearest_site_id": "A", "nearest_s": 700.0}
    ]
    assert choice.smallest_cutoff_s == 700.0


def test_set_cover_that_needs_more_sites_than_allowed_says_how_many() -> None:
    with pytest.raises(InfeasibleError, match="at least 2 are needed, 1 are allowed") as told:
        ask("set_cover", p=1)
    assert told.value.facts["smallest_p"] == 2


def test_a_question_without_an_answer_says_why() -> None:
    with pytest.raises(InfeasibleError, match="5 new sites are asked for but only 4 candidates"):
        ask("p_median", p=5)
    with pytest.raises(InputError, match="p is 0"):
        ask("p_median", p=0)
    times, demand = times_frame(STREET_S, HALLS, list(HOUSES)), demand_frame(HOUSES)
    with pytest.raises(InfeasibleError, match="no candidate site"):
        choose_sites(times, demand, candidate_frame([]), siting_profile("p_median"))
    with pytest.raises(InputError, match="'A' is both"):
        choose_sites(times, demand, candidate_frame(["A"]), siting_profile("p_median"), existing=facility_frame(["A"]))
    spoilt = times.assign(walk_s=np.where(times.index == 1, -1.0, times["walk_s"]))
    with pytest.raises(InputError, match=r"'A' to 'b' takes -1.0 s"):
        choose_sites(spoilt, demand, candidate_frame(HALLS), siting_profile("p_median"))
    with pytest.raises(TableError, match="walk_m"):
        choose_sites(times.drop(columns="walk_m"), demand, candidate_frame(HALLS), siting_profile("p_median"))


def test_of_two_walks_of_a_pair_the_longer_is_left_out_and_counted() -> None:
    twice = pd.concat([times_frame(STREET_S, HALLS, list(HOUSES)), times_frame([[9.0]], ["A"], ["a"])])
    twice = twice.reset_index(drop=True)
    choice = choose_sites(twice, demand_frame(HOUSES), candidate_frame(HALLS), siting_profile("p_median"), p=1)
    assert choice.chosen == ["D"]
    assert choice.notes == ("1 rows of the travel-time table left out: longer_walk_of_a_pair",)


@pytest.mark.parametrize(
    ("site", "home", "says"),
    [
        ("X", "a", r"found 1 ids that are not among the sites \('X'\); needed"),
        ("A", "z", r"found 1 ids that are not among the demand \('z'\); needed"),
        ("X", "z", r"among the sites \('X'\) and 1 ids that are not among the demand \('z'\)"),
    ],
)
def test_times_of_other_sites_or_other_demand_are_refused_by_id(site: str, home: str, says: str) -> None:
    more = pd.concat([times_frame(STREET_S, HALLS, list(HOUSES)), times_frame([[5.0]], [site], [home])])
    with pytest.raises(InputError, match=says):
        choose_sites(more, demand_frame(HOUSES), candidate_frame(HALLS), siting_profile("p_median"), p=1)


def test_no_households_open_no_site() -> None:
    for model in ("p_median", "max_cover", "set_cover"):
        choice = choose_sites(
            times_frame(STREET_S, HALLS, list(HOUSES)),
            demand_frame(dict.fromkeys(HOUSES, 0)),
            candidate_frame(HALLS),
            siting_profile(model),
        )
        assert choice.chosen == []
        assert choice.status == "optimal"
