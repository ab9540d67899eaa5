"""Balls of sites of which one is open: no set in the node costs more by what is held, and splitting on them proves."""

from math import inf

import numpy as np
import pytest

from spatial.siting.median import halves, median
from spatial.siting.median.branch import Best, Node
from spatial.siting.median.core import Core, build_core, total
from spatial.siting.median.cuts import Program, _add_balls, add_paid, begin, lift
from spatial.siting.median.halves import is_empty, sites_in
from spatial.siting.median.price import first_prices, raise_prices
from spatial.siting.median.rounds import State
from spatial.siting.median.split import Records
from spatial.siting.median.terms import Terms, ask
from spatial.siting.ways import Deadline, Floats, build_ways
from tests.siting.median.test_cuts import lattice, sets


def near_or_far(seed: int) -> tuple[Terms, Core]:
    """Rows that have few of the sites near and the others far: relaxations stay far below."""
    rng = np.random.default_rng(seed)
    rows, sites, p = 40, 10, 3
    cost = np.sort(rng.choice([0.0, 2.0, 3.0], (rows, sites), p=[0.2, 0.4, 0.4]), axis=1)
    site = np.array([rng.permutation(sites) for _ in range(rows)])
    ways = build_ways(np.repeat(np.arange(rows), sites), site.ravel(), cost.ravel(), rows, sites)
    terms = ask(ways, rng.integers(1, 9, rows), p, None, inf)
    return terms, build_core(terms.ways, terms.weight, terms.cap, terms.fixed, p, 1000)


def test_what_is_held_bounds_the_sets_that_keep_to_it_and_lifts_the_relaxation() -> None:
    rose = 0
    for seed in range(40):
        _, core = lattice(seed)
        program = begin(core, first_prices(core))
        _add_balls(program, np.flatnonzero(program.state != 1))
        plain = lift(program, inf, Deadline(60), rounds=0, seed=0)
        rng = np.random.default_rng(seed)
        held = tuple(int(ball) for ball in rng.choice(len(program.ends), 2, replace=False))
        inside = [flags for flags in sets(core) if all(flags[sites_in(program, ball)].any() for ball in held)]
        lifted = lift(program, inf, Deadline(60), rounds=10, seed=0, held=held)
        empty = is_empty(program, Node(core, (), first_prices(core), -inf, held=held))
        assert not (empty and inside)
        if lifted is None:
            assert not inside
            continue
        assert plain is not None
        best = min(total(core, flags) for flags in inside)
        assert plain.value - 1e-6 <= lifted.value <= best + 1e-6
        for flags in inside:
            assert total(lifted.core, flags) <= total(core, flags) + 1e-7
        told = raise_prices(lifted.core, lifted.price, goal=inf, upper=best, steps=1, pace=0.0)
        assert told.bound == pytest.approx(lifted.value, abs=1e-5)
        free = lift(program, inf, Deadline(60), rounds=0, seed=0)
        assert free is not None
        assert free.value <= min(total(core, flags) for flags in sets(core)) + 1e-6
        rose += lifted.value > free.value + 1e-3
    assert rose >= 10


def test_trees_split_on_balls_end_at_the_best_set(monkeypatch: pytest.MonkeyPatch) -> None:
    split: list[int] = []

    def drawn(program: Program, _records: Records, share: Floats, _missing: float, _site: int, node: Node) -> int:
        """One of the balls that are half open, whatever it lifts."""
        balls, _ = halves._candidates(program, share, node)
        if not len(balls):
            return -1
        ball = int(np.random.default_rng(len(split)).choice(balls))
        if ball not in program.column:
            add_paid(program, np.array([ball]))
        split.append(ball)
        return ball

    for name, value in (("_LEAST", 0.02), ("_MOST", 0.98), ("_FEWEST", 1), ("_best_ball", drawn)):
        monkeypatch.setattr(halves, name, value)
    for name, value in (("_QUICK_NODES", 0), ("_FORESEEN", 0.0), ("_ROOT_ROUNDS", 0), ("_NODE_ROUNDS", 0)):
        monkeypatch.setattr(median, name, value)
    monkeypatch.setattr(median, "_gather", lambda _terms, state, *_: Best(state.names, state.value))
    for seed in range(50):
        terms, core = near_or_far(seed)
        best = min(total(core, flags) for flags in sets(core))
        worst = core.names[: core.p]
        node = Node(core, (), first_prices(core), -inf)
        state = State(worst, terms.cost_of(worst), node, 0.3)
        found = median._branch(terms, core, state, seed, Deadline(60), lambda *_: True)
        assert found.value == best
        assert found.bound == best
    assert len(split) >= 20
