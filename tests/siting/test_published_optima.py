"""Published p-median networks: the optimum is found, proved, and an answer cut short says so."""

import pytest

from spatial.siting.choose import choose_sites
from tests.real_data import real
from tests.siting.pmed import OPTIMA, pmed_tables
from tests.siting.towns import siting_profile


@pytest.mark.real
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 11, 13, 15, 20])
def test_the_published_optimum_of_a_network_is_found_and_proved(number: int) -> None:
    times, demand, candidates, p = pmed_tables(real(f"pmed/pmed{number}.txt"))
    choice = choose_sites(times, demand, candidates, siting_profile("p_median"), p=p)
    assert choice.objective == OPTIMA[number]
    assert choice.bound == OPTIMA[number]
    assert len(choice.chosen) == p


@pytest.mark.real
def test_a_network_that_the_bound_alone_does_not_settle_is_settled_by_the_exact_model() -> None:
    times, demand, candidates, p = pmed_tables(real("pmed/pmed6.txt"))
    choice = choose_sites(times, demand, candidates, siting_profile("p_median"), p=p)
    assert (choice.objective, choice.status) == (OPTIMA[6], "optimal")


@pytest.mark.real
def test_an_answer_cut_short_is_not_called_optimal() -> None:
    times, demand, candidates, p = pmed_tables(real("pmed/pmed6.txt"))
    choice = choose_sites(times, demand, candidates, siting_profile("p_median"), p=p, time_limit_s=0.0)
    assert choice.status == "gap"
    assert choice.bound <= OPTIMA[6] <= choice.objective
    assert choice.gap > 0
