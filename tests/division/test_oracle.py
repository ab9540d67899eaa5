"""The oracle against arithmetic by hand and against every division of a handful of units, named in every way."""

from itertools import permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.piece import build_piece, in_contact
from spatial.division.sizes import build_sizes
from tests.division.drawn import BAND, TRAITS, draw_piece, draw_sizes
from tests.division.oracle import best_division, price_division


def test_four_blocks_in_a_row_are_cut_where_the_border_is_cheap() -> None:
    row = build_piece([250, 250, 250, 250], [0, 1, 2], [1, 2, 3], [1.0, 0.2, 1.0], [0.0] * 3)
    best = best_division(row, build_sizes(BAND, 1000, 1.0))
    assert best.total == pytest.approx(0.2)
    assert best.labels.tolist() == [0, 0, 1, 1]


def test_what_is_not_in_contact_is_no_grid_and_costs_its_border() -> None:
    square = build_piece(
        [250] * 4, [0, 0, 1, 2], [1, 2, 3, 3], [0.1, 1.0, 1.0, 0.1], [0.0] * 4, contact=[True, False, True, True]
    )
    sizes = build_sizes(BAND, 1000, 1.0)
    assert price_division(square, sizes, np.array([0, 1, 0, 1])) == np.inf
    best = best_division(square, sizes)
    assert best.total == pytest.approx(2.0)
    assert best.labels.tolist() == [0, 0, 1, 1]


def test_a_block_above_the_ceiling_is_its_own_aim_and_takes_only_empty_land() -> None:
    row = build_piece([900, 0, 500], [0, 1], [1, 2], [2.0, 1.0], [0.0] * 2, anchor=[900, 0, 0])
    best = best_division(row, build_sizes(BAND, 1400, 1.0))
    assert best.total == pytest.approx(1.0)
    assert best.labels.tolist() == [0, 0, 1]


def test_a_name_of_today_is_inherited_once() -> None:
    stay = [[0.0, 0.5]] * 2
    pair = build_piece([500, 500], [0], [1], [0.25], [0.0], change=stay)
    best = best_division(pair, build_sizes(BAND, 1000, 1.0))
    assert best.total == pytest.approx(0.25 + 0.5)
    assert sorted(best.labels.tolist()) == [0, 1]


def test_a_span_is_the_longest_way_between_two_units() -> None:
    row = build_piece([200, 100, 200], [0, 1], [1, 2], [9.0, 9.0], [0.0] * 2, xy=([0.0, 3.0, 3.0], [0.0, 0.0, 4.0]))
    assert best_division(row, build_sizes(BAND, 500, 1.0, span_weight=2.0)).total == pytest.approx(10.0)


def all_named(count: int, olds: int) -> Any:
    """Yield every division of ``count`` units with every way to name its grids."""

    def extend(labels: list[int]) -> Any:
        if len(labels) == count:
            yield np.array(labels)
            return
        for label in range(max(labels, default=-1) + 2):
            yield from extend([*labels, label])

    for labels in extend([]):
        grids = int(labels.max()) + 1
        names = [*range(olds), *[-1] * grids]
        for given_names in set(permutations(names, grids)):
            fresh = np.arange(olds, olds + grids)
            yield np.where(np.array(given_names) >= 0, given_names, fresh)[labels]


def price_plainly(piece: Any, sizes: Any, labels: Any) -> float:
    """Return what a division costs, one unit and one border at a time; infinity where it breaks a rule."""
    contact, olds, total = in_contact(piece), piece.change.shape[1] - 1, 0.0
    graph = nx.Graph(list(zip(piece.first[contact].tolist(), piece.second[contact].tolist(), strict=True)))
    graph.add_nodes_from(range(len(labels)))
    for label in set(labels.tolist()):
        units = np.flatnonzero(labels == label).tolist()
        households, anchor = sum(int(piece.households[u]) for u in units), max(int(piece.anchor[u]) for u in units)
        locks = {int(piece.lock[u]) for u in units} - {-1}
        if len(locks) > 1 or households > max(sizes.ceiling, anchor) or not nx.is_connected(graph.subgraph(units)):
            return float("inf")
        total += sizes.balance[min(abs(households - max(sizes.target, anchor)), len(sizes.balance) - 1)]
        if not anchor or households > anchor:
            total += 30.0 * sizes.penalty[households]
        total += sum(float(piece.change[u, min(label, olds)]) for u in units)
        total += sizes.span_weight * max(
            np.hypot(piece.x[u] - piece.x[v], piece.y[u] - piece.y[v]) for u in units for v in units
        )
    cut = labels[piece.first] != labels[piece.second]
    return float(total + piece.border[cut].sum())


@settings(max_examples=8)
@given(st.integers(4, 6), st.integers(0, 10**6), st.sets(st.sampled_from(TRAITS)), st.booleans(), st.booleans())
def test_the_oracle_agrees_with_every_division_named_in_every_way(
    count: int, seed: int, traits: set[str], floor: bool, span: bool
) -> None:
    piece = draw_piece(count, seed, *sorted(traits))
    sizes = draw_sizes(piece, floor_penalty=floor, span_weight=0.003 if span else 0.0)
    best = best_division(piece, sizes)
    olds = piece.change.shape[1] - 1
    assert best.total == pytest.approx(min(price_plainly(piece, sizes, labels) for labels in all_named(count, olds)))
    assert price_plainly(piece, sizes, best.labels) == pytest.approx(best.total)
    assert price_division(piece, sizes, best.labels) == pytest.approx(best.total)
