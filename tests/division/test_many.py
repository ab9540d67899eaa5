"""Many units: searches mixed beat every one of them, and what bounds them holds whatever the threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from spatial.division.proof import Proof, prove
from spatial.division.search import Effort, find_labels
from spatial.division.seeking import to_grids
from spatial.division.sizes import Band
from spatial.division.tally import measure_cost
from tests.division.drawn import draw_piece, draw_sizes

UNITS, NODES = 120, 200_000


@pytest.fixture(scope="module")
def town() -> tuple[Any, Any, Any]:
    """Return a drawn piece with grids of today, its sizes, and the labels of a poor search."""
    piece = draw_piece(UNITS, 5, "today")
    sizes = draw_sizes(piece)
    band = Band(sizes.floor, sizes.target, sizes.ceiling)
    return piece, sizes, find_labels(piece, sizes, band, Effort(0, 1), lambda _: True).labels


def prove_as_many(town: Any, pool: Any = None, met: list[float] | None = None) -> Proof:
    piece, sizes, labels = town
    told = [] if met is None else met
    with patch("spatial.division.proof.MANY", 0):
        return prove(
            piece, sizes, labels, labels[None], nodes=NODES, left=lambda: 1e6, pool=pool,
            tell=lambda _, total, bound: told.append(total if total >= bound else np.nan),
        )  # fmt: skip


def test_many_units_get_a_better_plan_and_a_bound_below_it(town: Any) -> None:
    piece, sizes, labels = town
    met: list[float] = []
    proof = prove_as_many(town, met=met)
    assert met == sorted(met, reverse=True)
    assert 0.0 < proof.bound <= proof.total < measure_cost(piece, sizes, labels)
    assert measure_cost(piece, sizes, proof.labels) == pytest.approx(proof.total)
    names = [name for _, name in to_grids(proof.labels, piece.change.shape[1] - 1)]
    inherited = [name for name in names if name < piece.change.shape[1] - 1]
    assert len(set(inherited)) == len(inherited)


def test_the_bound_of_many_units_is_no_higher_than_what_is_proved_of_few(town: Any) -> None:
    piece, sizes, labels = town
    exact = prove(piece, sizes, labels, labels[None], nodes=1 << 40, left=lambda: 1e6)
    assert exact.proved
    many = prove_as_many(town)
    assert many.bound <= exact.total + 1e-6
    assert many.total >= exact.total - 1e-6


def test_threads_change_nothing(town: Any) -> None:
    alone = prove_as_many(town)
    with ThreadPoolExecutor(3) as pool:
        beside = prove_as_many(town, pool)
    assert beside.labels.tolist() == alone.labels.tolist()
    assert (beside.total, beside.bound) == (alone.total, alone.bound)
