"""Who cannot be served, for which reason, and which cutoff would do: worked by hand."""

from typing import Any

import numpy as np

from spatial.siting.choose import choose_sites
from spatial.siting.conditions import Conditions, LevelRule
from tests.siting.towns import candidate_frame, demand_frame, facility_frame, siting_profile, times_frame

NO = np.inf


def told(choice: Any) -> list[tuple[Any, ...]]:
    """The list, a missing walk as None."""
    rows = choice.unreachable[["demand_id", "reason", "nearest_site_id", "nearest_s"]].itertuples(index=False)
    return [(*row[:3], None if np.isnan(row[3]) else row[3]) for row in rows]


def test_a_level_is_asked_for_within_its_own_cutoff_and_of_its_own_sites() -> None:
    # S is of level 1, L of level 2: b walks 700 s to L, c reaches no site of level 2 at all
    choice = choose_sites(
        times_frame([[5.0, 6.0, 7.0], [90.0, 700.0, NO]], ["S", "L"], ["a", "b", "c"]),
        demand_frame({"a": 10, "b": 20, "c": 30}),
        candidate_frame(["S", "L"], level=[1, 2]),
        siting_profile("set_cover", 600.0),
        conditions=Conditions(levels=(LevelRule(1, 60.0), LevelRule(2, 300.0))),
    )
    assert told(choice) == [("b", "beyond_cutoff", "L", 700.0), ("c", "no_walk", "", None)]
    assert choice.smallest_cutoff_s == 700.0


def test_a_walk_beyond_the_cutoff_is_in_reach_where_everybody_has_a_longer_one_of_their_own() -> None:
    choice = choose_sites(
        times_frame([[5.0, 700.0]], ["A"], ["a", "b"]),
        demand_frame({"a": 10, "b": 20}),
        candidate_frame(["A"]),
        siting_profile("set_cover", 600.0),
        conditions=Conditions(cutoffs={"households": 900.0}),
    )
    assert told(choice) == []
    assert (choice.chosen, choice.status, choice.smallest_cutoff_s) == (["A"], "optimal", 700.0)


def test_a_walk_within_the_cutoff_is_beyond_that_of_a_group_in_a_hurry() -> None:
    choice = choose_sites(
        times_frame([[5.0, 500.0]], ["A"], ["a", "b"]),
        demand_frame({"a": 10, "b": 20}).assign(elderly=[3, 4]),
        candidate_frame(["A"]),
        siting_profile("set_cover", 600.0),
        conditions=Conditions(weights={"households": 1.0}, cutoffs={"elderly": 300.0}),
    )
    assert told(choice) == [("b", "beyond_cutoff", "A", 500.0)]
    assert choice.smallest_cutoff_s == 500.0


def test_a_site_that_may_not_open_serves_nobody() -> None:
    # N stands 100 m from the open centre O: with 150 m between sites it cannot open, which leaves b with F
    choice = choose_sites(
        times_frame([[5.0, NO], [5.0, 4.0], [NO, 800.0]], ["O", "N", "F"], ["a", "b"]),
        demand_frame({"a": 10, "b": 20}),
        candidate_frame(["X", "N", "F"]).iloc[1:],
        siting_profile("set_cover", 600.0),
        existing=facility_frame(["O"]),
        conditions=Conditions(spacing_m=150.0),
    )
    assert told(choice) == [("b", "beyond_cutoff", "F", 800.0)]
    assert choice.smallest_cutoff_s == 800.0


def test_backup_names_too_few_sites_and_the_cutoff_at_which_there_are_enough() -> None:
    choice = choose_sites(
        times_frame([[5.0, 6.0], [7.0, 900.0]], ["A", "B"], ["a", "b"]),
        demand_frame({"a": 10, "b": 20}),
        candidate_frame(["A", "B"]),
        siting_profile("set_cover", 600.0),
        conditions=Conditions(backup=2),
    )
    assert told(choice) == [("b", "too_few_sites", "A", 6.0)]
    assert choice.smallest_cutoff_s == 900.0
