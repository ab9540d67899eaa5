"""Cuts of a p-median: no set of whole sites breaks one, and the question with them in its costs bounds as they do."""

from itertools import combinations
from math import inf
from typing import Any

import numpy as np
import pytest

from spatial.siting.median import cuts as median_cuts
from spatial.siting.median import odd
from spatial.siting.median.branch import Best, Node, Search, branch, visit
from spatial.siting.median.core import Core, build_core, shrink, total
from spatial.siting.median.cuts import begin, lift
from spatial.siting.median.median import solve_median
from spatial.siting.median.odd import EFFORTS, find_cuts
from spatial.siting.median.price import first_prices, raise_prices
from spatial.siting.median.steps import ball_sums
from spatial.siting.median.terms import Terms, ask
from spatial.siting.ways import Deadline
from tests.bench.siting_instances import board_points, point_question


def lattice(seed: int) -> tuple[Terms, Core]:
    """A handful of holes on a small lattice, so that many costs are equal."""
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, 4, (14, 2)), axis=0).astype(np.float64) * 10.0
    p = int(rng.integers(2, 5))
    terms = ask(point_question("holes", points, p).ways, rng.integers(1, 3, len(points)), p, None, inf)
    return terms, build_core(terms.ways, terms.weight, terms.cap, terms.fixed, p, 1000)


def sets(core: Core) -> list[np.ndarray]:
    """All sets of ``p`` sites, as flags."""
    m = len(core.names)
    return [np.isin(np.arange(m), held) for held in combinations(range(m), core.p)]


@pytest.mark.parametrize("seed", range(120))
def test_no_set_of_whole_sites_breaks_a_cut_or_costs_more_once_cuts_are_in_the_costs(seed: int) -> None:
    _, core = lattice(seed)
    every = sets(core)
    best = min(total(core, flags) for flags in every)
    program = begin(core, first_prices(core))
    plain = lift(program, inf, Deadline(60), rounds=0, seed=0)
    lifted = lift(program, inf, Deadline(60), rounds=20, seed=0)
    assert plain is not None
    assert lifted is not None
    assert plain.value - 1e-6 <= lifted.value <= best + 1e-6
    for cut in program.cuts:
        steps = np.searchsorted(program.ends, cut.balls)
        for flags in every:
            summed = ball_sums(core.ptr, core.site, program.ends, program.row, flags.astype(float))
            assert np.maximum(1 - summed[steps], 0).sum() + cut.value @ flags[cut.site] >= cut.low - 1e-9
    for flags in every:
        assert total(lifted.core, flags) <= total(core, flags) + 1e-7
    priced = raise_prices(lifted.core, lifted.price, goal=inf, upper=best, steps=1, pace=0.0)
    assert priced.bound == pytest.approx(lifted.value, abs=1e-5)


def test_cuts_close_gaps_on_a_lattice_that_prices_leave() -> None:
    closed = 0
    for seed in range(40):
        _, core = lattice(seed)
        best = min(total(core, flags) for flags in sets(core))
        program = begin(core, first_prices(core))
        plain = lift(program, inf, Deadline(60), rounds=0, seed=0)
        lifted = lift(program, inf, Deadline(60), rounds=20, seed=0)
        assert plain is not None
        assert lifted is not None
        closed += plain.value < best - 1e-6 and lifted.value > best - 1e-6
    assert closed >= 3


def test_shares_that_are_whole_break_no_cut() -> None:
    _, core = lattice(1)
    program = begin(core, first_prices(core))
    share = (np.arange(len(core.names)) < core.p).astype(float)
    summed = ball_sums(core.ptr, core.site, program.ends, program.row, share)
    assert summed.max() == core.p
    for effort in range(EFFORTS):
        assert find_cuts(core, program.ends, program.row, summed, share, seed=0, effort=effort) == []


@pytest.mark.parametrize("seed", range(60))
def test_sites_that_are_held_open_or_shut_bound_the_sets_that_keep_to_it(seed: int) -> None:
    _, core = lattice(seed)
    rng = np.random.default_rng(seed)
    status = rng.permutation(np.r_[1, -1, np.zeros(len(core.names) - 2, int)])
    best = min(total(core, flags) for flags in sets(core) if flags[status > 0].all() and not flags[status < 0].any())
    program = begin(core, first_prices(core))
    one = lift(
        program, inf, Deadline(60), rounds=5, seed=0, opened=core.names[status > 0], free=core.names[status == 0]
    )
    again = lift(program, inf, Deadline(60), rounds=5, seed=0)
    assert one is not None
    assert again is not None
    assert one.value <= best + 1e-6
    assert again.value <= min(total(core, flags) for flags in sets(core)) + 1e-6


def test_where_one_site_is_left_costs_with_cuts_in_them_hide_no_better_set() -> None:
    misled = 0
    for seed in range(26, 40):
        terms, core = lattice(seed)
        lifted = lift(begin(core, first_prices(core)), inf, Deadline(60), rounds=20, seed=0)
        assert lifted is not None
        truth = {core.names[flags].tobytes(): total(core, flags) for flags in sets(core)}

        def least(names: np.ndarray, truth: dict[bytes, float] = truth) -> float:
            return truth[np.sort(names).tobytes()]

        search = Search(terms.goal, terms.cost_of, lambda names: (names, inf), lambda *_: True, least=least)
        for held in combinations(range(len(lifted.core.names)), core.p - 1):
            status = np.isin(np.arange(len(lifted.core.names)), held).astype(np.int64)
            left, rows = shrink(lifted.core, status)
            opened = tuple(lifted.core.names[list(held)].tolist())
            every = {int(name): least(np.array([*opened, name])) for name in left.names}
            costs = [total(left, left.names == name) for name in every]
            best = min(every.values())
            misled += every[int(left.names[np.argmin(costs)])] > best
            worse = Best(core.names[: core.p], best + 1.0)
            found, parts, floor = visit(Node(left, opened, lifted.price[rows], -inf), worse, search, False)
            assert parts or min(found.value, floor) <= best
    assert misled >= 2


@pytest.mark.parametrize("seed", range(40))
def test_branching_on_costs_with_cuts_in_them_ends_at_the_best_set(seed: int) -> None:
    terms, core = lattice(seed)
    best = min(total(core, flags) for flags in sets(core))
    lifted = lift(begin(core, first_prices(core)), inf, Deadline(60), rounds=5, seed=0)
    assert lifted is not None

    def least(names: np.ndarray) -> float:
        return total(core, np.isin(core.names, names))

    search = Search(
        terms.goal, terms.cost_of, lambda names: (names, terms.cost_of(names)), lambda *_: True, least=least
    )
    worst = core.names[: core.p]
    found = branch(Node(lifted.core, (), lifted.price, -inf), worst, terms.cost_of(worst), search, Deadline(60))
    assert found.value == best
    assert found.bound == best
    for most, foreseen in ((2, 0.0), (2, 1e9)):
        node = Node(lifted.core, (), lifted.price, -inf)
        short = branch(node, worst, terms.cost_of(worst), search, Deadline(60), most, foreseen)
        assert short.bound <= best <= short.value
        assert short.nodes <= 2 or short.bound == best


def test_holes_of_a_board_are_proved_where_the_plain_relaxation_lies_far_below() -> None:
    question = point_question("lattice", board_points("lattice", 1)[:330], 65)
    found = solve_median(question.ways, question.weight, question.p)
    assert found.proved
    terms = ask(question.ways, question.weight, question.p, None, inf)
    core = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 60)
    plain = lift(begin(core, first_prices(core)), inf, Deadline(60), rounds=0, seed=0)
    assert plain is not None
    assert plain.value < terms.goal(found.value)
    again = solve_median(question.ways, question.weight, question.p)
    assert again.open.tobytes() == found.open.tobytes()


def test_cuts_looked_for_with_more_effort_lift_farther_where_few_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    holes = 100.0 * np.array([(x, y) for x in range(45) for y in range(60)])
    question = point_question("holes", holes[rng.random(len(holes)) < 0.86][:900], 110)
    best = 97926.0
    terms = ask(question.ways, question.weight, question.p, None, inf)
    core = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 80)
    values = []
    for efforts in (1, EFFORTS):
        monkeypatch.setattr(median_cuts, "EFFORTS", efforts)
        lifted = lift(begin(core, first_prices(core)), best, Deadline(60), rounds=25, seed=0)
        assert lifted is not None
        values.append(lifted.value)
    assert values[0] < best - 4.5
    assert best - 0.1 < values[1] < best + 1e-6


def test_the_more_sites_waver_the_more_cuts_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    holes = 100.0 * np.array([(x, y) for x in range(20) for y in range(30)])
    question = point_question("holes", holes[np.random.default_rng(5).random(len(holes)) < 0.86], 110)
    terms = ask(question.ways, question.weight, question.p, None, inf)
    core = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 40)
    program, told = begin(core, first_prices(core)), []
    monkeypatch.setattr(odd, "_MOST", 10)

    def watched(*args: Any, **kwargs: Any) -> list[odd.Cut]:
        """Cuts as they are found, and how many."""
        cuts = odd.find_cuts(*args, **kwargs)
        told.append((len(cuts), odd.most_cuts(args[4])))
        return cuts

    monkeypatch.setattr(median_cuts, "find_cuts", watched)
    first, lifted = (lift(program, inf, Deadline(60), rounds=rounds, seed=0) for rounds in (0, 3))
    assert first is not None
    assert lifted is not None
    assert lifted.value > first.value + 100.0
    assert any(count > 10 for count, _ in told)
    assert all(count <= max(most, 10) for count, most in told)


@pytest.mark.parametrize("seed", range(40))
def test_without_a_basis_the_relaxation_is_solved_as_well_as_from_one(seed: int) -> None:
    core = lattice(seed)[1]
    program = begin(core, first_prices(core))
    assert not program.highs.getBasis().valid
    inside = lift(program, inf, Deadline(60), rounds=0, seed=0)
    assert inside is not None
    assert program.highs.getBasis().valid
    program.highs.clearSolver()
    program.highs.run()
    again = lift(program, inf, Deadline(60), rounds=0, seed=0)
    assert again is not None
    assert again.value == pytest.approx(inside.value, rel=1e-9)


def test_without_time_nothing_is_lifted() -> None:
    question = point_question("lattice", board_points("lattice", 1), 100)
    terms = ask(question.ways, question.weight, question.p, None, inf)
    core = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, 60)
    assert lift(begin(core, first_prices(core)), inf, Deadline(0), rounds=1, seed=0) is None
