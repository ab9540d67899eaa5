"""Where a node of a p-median is split: on the site that trials show to lift both sides, and nothing else is changed."""

from math import inf

import numpy as np
import pytest

from spatial.siting.median import split as median_split
from spatial.siting.median.core import Core, build_core
from spatial.siting.median.cuts import Lifted, Program, _add_balls, begin, lift
from spatial.siting.median.price import first_prices
from spatial.siting.median.split import begin_records, split_site
from spatial.siting.median.terms import ask
from spatial.siting.ways import Deadline
from tests.bench.siting_instances import point_question


def question(seed: int) -> Core:
    """Some twenty holes on a small lattice: many costs are equal, so that relaxations end in halves."""
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, 6, (24, 2)), axis=0).astype(np.float64) * 10.0
    p = int(rng.integers(3, 7))
    terms = ask(point_question("holes", points, p).ways, np.ones(len(points)), p, None, inf)
    return build_core(terms.ways, terms.weight, terms.cap, terms.fixed, p, 1000)


def solved(core: Core) -> tuple[Program, Lifted]:
    """Return the whole relaxation, every step a column, once it is solved."""
    program = begin(core, first_prices(core))
    _add_balls(program, np.flatnonzero(program.state != 1))
    lifted = lift(program, inf, Deadline(60), rounds=0, seed=0)
    assert lifted is not None
    return program, lifted


def value_with(core: Core, site: int, side: int) -> float:
    """Return the value of the relaxation with one site shut or opened, from a new programme."""
    names = core.names
    opened = names[[site]] if side else names[:0]
    free = names[np.arange(len(names)) != site]
    lifted = lift(begin(core, first_prices(core)), inf, Deadline(60), rounds=0, seed=0, opened=opened, free=free)
    return inf if lifted is None else lifted.value


@pytest.mark.parametrize("seed", range(40))
def test_trials_of_all_sites_find_the_best_split_and_leave_the_programme_as_it_was(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    core = question(seed)
    program, lifted = solved(core)
    loose = np.flatnonzero((lifted.share > 1e-6) & (lifted.share < 1 - 1e-6))
    if not len(loose):
        return
    monkeypatch.setattr(median_split, "_LOOKS", 10_000)
    monkeypatch.setattr(median_split, "_STEPS", 100_000)
    missing = 25.0
    records, goal = begin_records(len(core.names)), lifted.value + missing
    chosen = split_site(program, records, lifted.share, lifted.value, goal, Deadline(60), core.names)
    gains = np.array([[value_with(core, int(k), side) - lifted.value for k in loose] for side in (0, 1)])
    product = np.clip(gains, median_split._LEAST * missing, missing).prod(axis=0)
    assert product[core.names[loose] == chosen].item() == pytest.approx(product.max(), rel=1e-5)
    again = lift(program, inf, Deadline(60), rounds=0, seed=0)
    assert again is not None
    assert again.value == pytest.approx(lifted.value, abs=1e-7)
    assert again.share == pytest.approx(lifted.share, abs=1e-7)


def test_a_split_is_on_a_site_that_is_left_and_wavers_if_one_does() -> None:
    wavering = 0
    for seed in range(150):
        core = question(seed)
        program, lifted = solved(core)
        names = core.names[::2]
        loose = (lifted.share > 1e-6) & (lifted.share < 1 - 1e-6) & np.isin(core.names, names)
        records = begin_records(len(core.names))
        for _ in range(2):
            chosen = split_site(program, records, lifted.share, lifted.value, lifted.value + 5, Deadline(60), names)
            assert chosen in names
            assert not loose.any() or chosen in core.names[loose]
        wavering += int(loose.any())
    assert wavering >= 5


def test_sites_with_a_record_are_not_tried_again() -> None:
    core = question(3)
    program, lifted = solved(core)
    records = begin_records(len(core.names))
    for _ in range(50):
        split_site(program, records, lifted.share, lifted.value, lifted.value + 5, Deadline(60), core.names)
    assert records.tries.max() <= 1
