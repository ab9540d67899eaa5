"""Searches from other seeds on the way to a proof: never worse, lawful, the same for any number of threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from spatial.division.bounding import Case, Part
from spatial.division.master import Master
from spatial.division.roots import prepare_roots
from spatial.division.seeking import offer, search_again, to_grids
from spatial.division.tally import measure_cost
from tests.division.drawn import draw_piece, draw_sizes

UNITS = 40


def open_case(labels: Any, *, pool: Any = None, left: float = 1e6) -> Case:
    """Return the proof of a drawn town at its beginning, with these labels as the best known."""
    piece = draw_piece(UNITS, 5)
    sizes = draw_sizes(piece)
    master = Master(piece, sizes)
    total = master.cost_of(list(to_grids(labels, 0)))
    part = Part(master.counts, 0.0, np.full(UNITS, total / UNITS), total)
    return Case(
        prepare_roots(piece, sizes), master, labels, total, part, 1_000, lambda: left, pool,
        lambda labels, total, bound: None, np.zeros((UNITS, 1), dtype=np.int64), np.zeros(UNITS),
    )  # fmt: skip


def test_other_seeds_better_the_worst_division_and_leave_their_grids_behind() -> None:
    singles = np.arange(UNITS)
    case = open_case(singles)
    before = case.total
    search_again(case)
    assert case.total < 0.5 * before
    assert case.total == pytest.approx(measure_cost(case.roots.piece, case.master.sizes, case.labels))
    known = {units.tobytes() for units in case.master.columns}
    assert all(units.tobytes() in known for units, _ in to_grids(case.labels, 0))
    assert len(known) > len(set(case.labels.tolist()))


def test_other_seeds_find_the_same_on_one_thread_and_on_three() -> None:
    alone, beside = open_case(np.arange(UNITS)), open_case(np.arange(UNITS))
    search_again(alone)
    with ThreadPoolExecutor(3) as pool:
        beside.pool = pool
        search_again(beside)
    assert alone.labels.tolist() == beside.labels.tolist()
    assert [units.tolist() for units in alone.master.columns] == [units.tolist() for units in beside.master.columns]


def test_a_division_that_is_no_better_is_not_taken() -> None:
    case = open_case(np.arange(UNITS))
    offer(case, np.zeros(UNITS, dtype=np.int64), case.total)
    assert case.labels.tolist() == list(range(UNITS))


def test_without_time_every_search_still_ends_with_a_lawful_division() -> None:
    case = open_case(np.arange(UNITS), left=0.0)
    search_again(case)
    assert case.total == pytest.approx(measure_cost(case.roots.piece, case.master.sizes, case.labels))
