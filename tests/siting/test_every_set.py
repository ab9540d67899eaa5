"""Small siting questions answered by trying every set of sites."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.siting.choose import choose_sites
from spatial.siting.service import SiteChoice
from tests.siting.towns import candidate_frame, demand_frame, facility_frame, siting_profile, times_frame

LIMIT_S = 300.0


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """Up to 7 sites, 8 demand points, some pairs without a walk, some sites open already."""
    sites, homes = draw(st.integers(1, 7)), draw(st.integers(1, 8))
    walk = st.one_of(st.just(np.inf), st.integers(0, 30).map(lambda k: 20.0 * k))
    seconds = draw(st.lists(st.lists(walk, min_size=homes, max_size=homes), min_size=sites, max_size=sites))
    households = draw(st.lists(st.integers(0, 9), min_size=homes, max_size=homes))
    open_now = draw(st.integers(0, min(2, sites - 1)))
    p = draw(st.integers(1, sites - open_now))
    return {"seconds": np.array(seconds), "households": np.array(households), "open": open_now, "p": p}


def answer(question: dict[str, Any], model: str, *, p: int | None, order: Any = None) -> SiteChoice:
    sites = [f"s{i}" for i in range(len(question["seconds"]))]
    homes = [f"h{i}" for i in range(len(question["households"]))]
    times = times_frame(question["seconds"], sites, homes)
    demand = demand_frame(dict(zip(homes, question["households"].tolist(), strict=True)))
    candidates, existing = candidate_frame(sites[question["open"] :]), facility_frame(sites[: question["open"]])
    if order is not None:
        times, demand, candidates = (f.sample(frac=1.0, random_state=order) for f in (times, demand, candidates))
    return choose_sites(times, demand, candidates, siting_profile(model, LIMIT_S), existing=existing, p=p)


def value(question: dict[str, Any], chosen: tuple[int, ...], model: str, unserved_s: float) -> float:
    seconds = question["seconds"]
    best = seconds[[*range(question["open"]), *chosen]].min(axis=0, initial=np.inf)
    if model == "max_cover":
        return float(question["households"][best <= LIMIT_S].sum())
    reachable = np.isfinite(seconds).any(axis=0)
    return float((np.where(np.isfinite(best), best, unserved_s) * question["households"])[reachable].sum())


def sets_of(question: dict[str, Any], p: int) -> list[tuple[int, ...]]:
    free = range(question["open"], len(question["seconds"]))
    return [chosen for size in range(p + 1) for chosen in combinations(free, size)]


@settings(max_examples=60, deadline=None)
@given(questions())
def test_the_median_equals_the_best_of_all_sets(question: dict[str, Any]) -> None:
    choice = answer(question, "p_median", p=question["p"])
    best = min(value(question, chosen, "p_median", choice.unserved_s) for chosen in sets_of(question, question["p"]))
    assert choice.objective == pytest.approx(best)
    assert choice.status == "optimal"
    assert len(choice.chosen) <= question["p"]


@settings(max_examples=60, deadline=None)
@given(questions())
def test_the_maximal_cover_equals_the_best_of_all_sets(question: dict[str, Any]) -> None:
    choice = answer(question, "max_cover", p=question["p"])
    best = max(value(question, chosen, "max_cover", 0.0) for chosen in sets_of(question, question["p"]))
    assert choice.objective == best
    assert choice.status == "optimal"


@settings(max_examples=60, deadline=None)
@given(questions())
def test_the_set_cover_is_the_smallest_of_all_that_cover(question: dict[str, Any]) -> None:
    choice = answer(question, "set_cover", p=None)
    everyone = value(question, tuple(range(question["open"], len(question["seconds"]))), "max_cover", 0.0)
    enough = [
        len(chosen)
        for chosen in sets_of(question, len(question["seconds"]))
        if value(question, chosen, "max_cover", 0.0) == everyone
    ]
    assert choice.objective == min(enough)
    assert choice.bound == min(enough)


@settings(max_examples=12, deadline=None)
@given(questions(), st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(question: dict[str, Any], order: int) -> None:
    for model in ("p_median", "max_cover", "set_cover"):
        p = None if model == "set_cover" else question["p"]
        one, other = answer(question, model, p=p), answer(question, model, p=p, order=order)
        assert one.to_dict() == other.to_dict()
        pd.testing.assert_frame_equal(one.allocation, other.allocation)


@settings(max_examples=12, deadline=None)
@given(questions())
def test_more_sites_never_raise_the_total_travel_nor_lower_the_cover(question: dict[str, Any]) -> None:
    most = len(question["seconds"]) - question["open"]
    for model, sign in (("p_median", 1.0), ("max_cover", -1.0)):
        found = [sign * answer(question, model, p=p).objective for p in range(1, most + 1)]
        assert found == sorted(found, reverse=True)
