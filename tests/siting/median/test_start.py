"""Where the simplex method begins: it ends at the same value from anywhere, and at once where it ended before."""

from math import inf

import numpy as np
import pytest

from spatial.siting.median.core import Core, build_core
from spatial.siting.median.cuts import Lifted, Program, begin, lift
from spatial.siting.median.price import first_prices
from spatial.siting.median.start import Start, begin_at, keep_start
from spatial.siting.median.terms import ask
from spatial.siting.ways import Deadline, Ints
from tests.bench.siting_instances import point_question


def question(seed: int) -> Core:
    """Some thirty holes on a small lattice."""
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, 7, (36, 2)), axis=0).astype(np.float64) * 10.0
    p = int(rng.integers(3, 8))
    terms = ask(point_question("holes", points, p).ways, np.ones(len(points)), p, None, inf)
    return build_core(terms.ways, terms.weight, terms.cap, terms.fixed, p, 1000)


def solve(program: Program, opened: Ints, shut: Ints, rounds: int, start: Start | None) -> Lifted:
    """Return the relaxation with some sites open and some shut."""
    names = program.core.names
    free = names[~np.isin(names, np.r_[opened, shut])]
    found = lift(program, inf, Deadline(60), rounds=rounds, seed=0, opened=opened, free=free, start=start)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(60))
def test_nodes_have_the_value_of_a_new_programme_wherever_the_method_begins(seed: int) -> None:
    core, rng = question(seed), np.random.default_rng(seed)
    program = begin(core, first_prices(core))
    none = core.names[:0]
    starts = [solve(program, none, none, 3, None).start]
    for _ in range(6):
        held = rng.choice(core.names, 4, replace=False)
        opened, shut = held[: rng.integers(0, 3)], held[2:]
        start = starts[int(rng.integers(len(starts)))]
        found = solve(program, opened, shut, 0, start)
        alone = solve(begin(core, first_prices(core)), opened, shut, 0, None)
        assert found.value >= alone.value - 1e-7  # the cuts that were found above hold here too
        assert found.value == pytest.approx(solve(program, opened, shut, 0, None).value, abs=1e-7)
        starts.append(solve(program, opened, shut, 1, found.start).start)


def test_no_step_is_taken_where_the_method_ended_before() -> None:
    core = question(1)
    program = begin(core, first_prices(core))
    none = core.names[:0]
    first = solve(program, none, none, 0, None)
    solve(program, core.names[:2], core.names[2:5], 0, None)
    back = solve(program, none, none, 0, first.start)
    assert back.value == pytest.approx(first.value, abs=1e-9)
    assert program.highs.getInfo().simplex_iteration_count <= 2


def test_a_start_whose_binding_cut_is_gone_is_passed_over() -> None:
    core = question(2)
    program = begin(core, first_prices(core))
    solve(program, core.names[:0], core.names[:0], 0, None)
    kept = keep_start(program.highs, program.rows)
    before = list(program.highs.getBasis().row_status)
    begin_at(program.highs, program.rows, Start(kept.basis, kept.rows + 1_000_000), {})
    assert len(program.highs.getBasis().row_status) == len(before)
    again = solve(program, core.names[:0], core.names[:0], 0, None)
    assert np.isfinite(again.value)
