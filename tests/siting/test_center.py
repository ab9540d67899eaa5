"""P-centers: worked by hand, held to every set of sites, and to published optima."""

from itertools import combinations
from math import inf

import numpy as np
import pytest

import spatial.siting.center as center
from spatial.errors import InfeasibleError, InputError
from spatial.siting.center import solve_center
from spatial.siting.ways import Deadline, build_ways, center_value
from tests.bench.siting_instances import PMED_CENTERS, full_ways, point_question, read_pmed, scattered_points
from tests.real_data import real

# Four houses along a road at 0, 1, 5 and 6; a site may open at each.
ROAD = full_ways(np.abs(np.subtract.outer([0.0, 1.0, 5.0, 6.0], [0.0, 1.0, 5.0, 6.0])))


def flags(*opened: int, sites: int = 4) -> np.ndarray:
    return np.isin(np.arange(sites), opened)


def test_two_sites_on_a_road_leave_nobody_more_than_one_away() -> None:
    found = solve_center(ROAD, 2)
    assert (found.value, found.bound, found.proved) == (1.0, 1.0, True)
    assert found.open.sum() == 2


def test_one_site_has_to_stand_inside() -> None:
    found = solve_center(ROAD, 1)
    assert found.value == 5.0
    assert center_value(ROAD, found.open) == 5.0


def test_fixed_sites_are_free_and_stay_open() -> None:
    found = solve_center(ROAD, 1, fixed=flags(0))
    assert found.open[0]
    assert found.value == 1.0
    assert solve_center(ROAD, 0, fixed=flags(0)).value == 6.0


def test_rows_of_no_weight_do_not_count() -> None:
    assert solve_center(ROAD, 1, weight=np.array([1, 1, 1, 0])).value == 4.0
    assert solve_center(ROAD, 1, weight=np.zeros(4)).value == 0.0


def test_a_row_that_lists_no_site_is_named() -> None:
    ways = build_ways(np.array([0]), np.array([0]), np.array([1.0]), 2, 1)
    with pytest.raises(InfeasibleError, match="row 1 has to be served and lists no site"):
        solve_center(ways, 1)
    assert solve_center(ways, 1, weight=np.array([1, 0])).value == 1.0


@pytest.mark.parametrize("most_sets", [5_000, 0])
def test_too_few_sites_to_serve_all_are_refused(monkeypatch: pytest.MonkeyPatch, most_sets: int) -> None:
    monkeypatch.setattr(center, "_SETS", most_sets)
    ways = build_ways(np.arange(4), np.arange(4), np.ones(4), 4, 4)
    with pytest.raises(InfeasibleError, match="no 2 new sites serve every row"):
        solve_center(ways, 2)
    assert solve_center(ways, 2, fixed=flags(0, 1)).value == 1.0


def test_a_question_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="-1 new sites"):
        solve_center(ROAD, -1)
    with pytest.raises(InputError, match="3 weights"):
        solve_center(ROAD, 1, weight=np.ones(3))


@pytest.mark.parametrize("most_sets", [5_000, 0])
@pytest.mark.parametrize("seed", range(100))
def test_small_questions_have_the_value_of_the_best_of_all_sets(monkeypatch, seed, most_sets) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(center, "_SETS", most_sets)
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 14)), int(rng.integers(2, 9))
    cost = rng.integers(0, 25, (n, m)).astype(float) if seed % 3 else rng.uniform(0, 25, (n, m))
    if seed % 2:
        cost[rng.random((n, m)) < 0.3] = inf
    ways, fixed, weight = full_ways(cost), rng.random(m) < 0.2, rng.integers(0, 3, n)
    p, free = int(rng.integers(0, m)), np.flatnonzero(~fixed)
    sets = combinations(free, min(p, len(free)))
    want = min(center_value(ways, fixed | flags(*names, sites=m), weight) for names in sets)
    if not np.isfinite(want):
        with pytest.raises(InfeasibleError):
            solve_center(ways, p, weight=weight, fixed=fixed)
        return
    found = solve_center(ways, p, weight=weight, fixed=fixed)
    assert found.proved
    assert (found.value, found.bound) == (want, want)
    assert found.open[fixed].all()
    assert (found.open & ~fixed).sum() <= p
    assert center_value(ways, found.open, weight) == want


def test_a_search_without_time_says_so_and_keeps_a_true_bound() -> None:
    question = point_question("points", scattered_points(80, 3), 6)
    best = solve_center(question.ways, 6)
    found = solve_center(question.ways, 6, deadline=Deadline(0.0))
    assert best.proved
    assert not found.proved
    assert found.notes
    assert found.bound <= best.value <= found.value


def test_the_same_seed_gives_the_same_sites_whatever_the_order_of_the_entries() -> None:
    ways = point_question("points", scattered_points(60, 4), 5).ways
    order = np.random.default_rng(0).permutation(len(ways.cost))
    rows = np.repeat(np.arange(60), np.diff(ways.ptr))
    other = build_ways(rows[order], ways.site[order], ways.cost[order], 60, 60)
    assert solve_center(ways, 5, seed=2).open.tobytes() == solve_center(other, 5, seed=2).open.tobytes()


@pytest.mark.real
@pytest.mark.parametrize("number", sorted(PMED_CENTERS))
def test_published_networks_are_proved_at_the_published_optimum(number: int) -> None:
    question = read_pmed(real(f"pmed/pmed{number}.txt"))
    found = solve_center(question.ways, question.p)
    assert found.proved
    assert found.value == PMED_CENTERS[number]
