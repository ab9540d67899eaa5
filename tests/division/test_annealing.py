"""What the search may and may not do, against a checker and a price that share no code with it."""

from itertools import combinations, permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.annealing import Schedule, anneal
from spatial.division.board import lay_board
from spatial.division.exact import solve_exactly
from spatial.division.names import match_names
from spatial.division.piece import FREE, Piece, build_piece, count_olds, in_contact, renumber
from spatial.division.search import Effort, Task, find_labels, search_from
from spatial.division.sizes import STRENGTH, Band, Sizes, build_sizes
from spatial.division.starts import mend_labels, start_labels
from spatial.division.tally import measure_cost
from spatial.division.windows import pick_window, put_back, take_window
from tests.division.lattice import rng

BAND = Band(300, 500, 700)


def rough_piece(rows: int, columns: int, seed: int, olds: int = 0) -> Piece:
    """Return a lattice with giants, locks, today's grids, empty land and borders that cost without connecting."""
    random = rng(seed)
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns))
    first, second = np.array(sorted(tuple(sorted(e)) for e in graph.edges)).reshape(-1, 2).T
    count, pairs = rows * columns, len(first)
    households = random.integers(0, 300, count) * random.integers(0, 2, count)
    households[random.random(count) < 0.08] = random.integers(500, 1200)
    tree = nx.minimum_spanning_edges(nx.Graph(list(zip(first.tolist(), second.tolist(), strict=True))), data=False)
    kept = {tuple(sorted(e)) for e in tree}
    contact = [(a, b) in kept or random.random() < 0.8 for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    clarity = random.random(pairs)
    return build_piece(
        households,
        first,
        second,
        random.random(pairs) * (1.5 - clarity),
        clarity,
        contact=contact,
        anchor=np.where(households > BAND.target, households, 0),
        lock=np.where(random.random(count) < 0.15, random.integers(0, 3, count), FREE),
        change=random.random((count, olds + 1)) * (households[:, None] / 100.0) if olds else None,
        xy=(np.arange(count) % columns * 100.0, np.arange(count) // columns * 100.0),
    )


def rough_sizes(piece: Piece, span: float = 0.0) -> Sizes:
    return build_sizes(BAND, int(piece.households.sum()), 1.0, far_weight=20.0, span_weight=span)


def assert_lawful(piece: Piece, labels: Any) -> None:
    graph = nx.Graph()
    graph.add_nodes_from(range(len(labels)))
    near = in_contact(piece)
    graph.add_edges_from(zip(piece.first[near].tolist(), piece.second[near].tolist(), strict=True))
    for label in set(labels.tolist()):
        units = np.flatnonzero(labels == label)
        assert nx.is_connected(graph.subgraph(units.tolist()))
        assert len(set(piece.lock[units].tolist()) - {FREE}) <= 1
        anchor = int(piece.anchor[units].max())
        assert len(units) == 1 or piece.households[units].sum() <= max(BAND.ceiling, anchor)


def price(piece: Piece, labels: Any, span: float = 0.0) -> float:
    """Return the cost of a division, worked out grid by grid from the rules."""
    olds, total = count_olds(piece), 0.0
    for label in set(labels.tolist()):
        units = np.flatnonzero(labels == label)
        h, anchor = int(piece.households[units].sum()), int(piece.anchor[units].max())
        off = abs(h - max(BAND.target, anchor)) / BAND.target
        total += (off / 0.25) ** 2 + 20.0 * max(0.0, off - 0.4)
        if not (anchor > 0 and h <= anchor):
            low, high = BAND.floor, BAND.ceiling
            over = 6.0 * (1.0 + 2.0 * (h - high) / high) if h > high else 0.0
            total += STRENGTH * (1.0 + 2.0 * (low - h) / low if h < low else over)
        total += piece.change[units, min(label, olds)].sum()
        places = np.stack([piece.x[units], piece.y[units]], axis=1)
        total += span * max((float(np.hypot(*(a - b))) for a, b in combinations(places, 2)), default=0.0)
    return total + float(piece.border[labels[piece.first] != labels[piece.second]].sum())


def is_lawful(piece: Piece, labels: Any) -> bool:
    try:
        assert_lawful(piece, labels)
    except AssertionError:
        return False
    return True


def all_lawful(piece: Piece) -> Any:
    """Yield all lawful divisions under all ways to inherit today's names."""

    def extend(labels: list[int]) -> Any:
        if len(labels) == len(piece.households):
            yield labels
            return
        for label in range(max(labels, default=-1) + 2):
            yield from extend([*labels, label])

    olds = count_olds(piece)
    for labels in extend([]):
        grids = np.array(labels)
        if not is_lawful(piece, grids):
            continue
        new = [olds + label for label in range(int(grids.max()) + 1)]
        for size in range(min(olds, len(new)) + 1):
            for heirs in permutations(range(len(new)), size):
                for names in combinations(range(olds), size):
                    named = np.array(new)
                    named[list(heirs)] = names
                    yield named[grids]


def test_a_piece_in_two_parts_starts_with_grids_in_each() -> None:
    piece = build_piece([400, 400, 800, 400], [0, 2], [1, 3], [1.0, 1.0], [0.0, 0.0], contact=[True, False])
    labels = start_labels(piece, rough_sizes(piece), 4, np.array([3], dtype=np.uint64))
    assert sorted(np.bincount(labels).tolist()) == [1, 1, 1, 1]


shapes = st.sampled_from([(3, 4), (4, 5), (6, 7), (9, 9)])


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 10**6), st.sampled_from([0, 3]), st.sampled_from([0.0, 0.002]))
def test_a_division_found_is_lawful_and_costs_what_the_rules_say(
    shape: tuple[int, int], seed: int, olds: int, span: float
) -> None:
    piece = rough_piece(*shape, seed, olds)
    sizes = rough_sizes(piece, span)
    found = find_labels(piece, sizes, BAND, Effort(100, seed), lambda moves: True, snapshots=6)
    assert_lawful(piece, found.labels)
    assert found.cost == pytest.approx(price(piece, found.labels, span))
    assert len(found.snapshots) <= 6
    for labels in found.snapshots:
        assert_lawful(piece, labels)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 1, 2]), st.sampled_from([0.0, 0.004]))
def test_no_lawful_division_under_any_names_is_cheaper_than_the_exact_one(seed: int, olds: int, span: float) -> None:
    piece = rough_piece(2, 3, seed, olds)
    sizes = rough_sizes(piece, span)
    labels = solve_exactly(piece, sizes)
    assert_lawful(piece, labels)
    cost = price(piece, labels, span)
    assert cost == pytest.approx(measure_cost(piece, sizes, labels))
    assert cost == pytest.approx(min(price(piece, other, span) for other in all_lawful(piece)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 3]), st.sampled_from([0.0, 0.002]))
def test_annealing_finds_what_the_exact_search_finds_on_rough_land(seed: int, olds: int, span: float) -> None:
    piece = rough_piece(3, 4, seed, olds)
    sizes = rough_sizes(piece, span)
    task = Task(piece, sizes, BAND, np.array([seed | 1], dtype=np.uint64), lambda moves: True)
    found = search_from(task, np.zeros(12, dtype=np.int64), 60_000, hot=3.0, lenient=1.0)
    assert_lawful(piece, found.labels)
    assert found.cost == pytest.approx(measure_cost(piece, sizes, found.labels))
    exact = measure_cost(piece, sizes, solve_exactly(piece, sizes))
    assert found.cost >= exact - 1e-9
    assert found.cost <= exact * 1.1 + 0.5


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 10**6), st.integers(1, 8))
def test_any_labels_are_mended_to_lawful_ones(shape: tuple[int, int], seed: int, grids: int) -> None:
    piece = rough_piece(*shape, seed)
    sizes, state = rough_sizes(piece), np.array([seed | 1], dtype=np.uint64)
    given_labels = rng(seed).integers(0, grids, shape[0] * shape[1])
    mended = mend_labels(piece, sizes, given_labels, grids, state)
    assert_lawful(piece, mended)
    assert all(len(set(given_labels[mended == label].tolist())) == 1 for label in set(mended.tolist()))
    assert_lawful(piece, start_labels(piece, sizes, grids, state))


@settings(max_examples=15, deadline=None)
@given(shapes, st.integers(0, 10**6))
def test_a_lawful_start_keeps_its_names_where_keeping_them_is_all_that_counts(
    shape: tuple[int, int], seed: int
) -> None:
    piece = rough_piece(*shape, seed)
    sizes, state = rough_sizes(piece), np.array([seed | 1], dtype=np.uint64)
    today = renumber(start_labels(piece, sizes, 4, state))
    olds = int(today.max()) + 1
    change = 1000.0 * (1.0 + piece.households[:, None]) * (today[:, None] != np.arange(olds + 1))
    kept = find_labels(
        piece._replace(change=change), sizes, BAND, Effort(20, seed), lambda moves: True, start=today.copy()
    )
    assert kept.labels.tolist() == today.tolist()


@settings(max_examples=15, deadline=None)
@given(shapes, st.integers(0, 10**6), st.booleans())
def test_a_search_from_a_start_is_never_worse_than_the_start(
    shape: tuple[int, int], seed: int, interrupted: bool
) -> None:
    piece = rough_piece(*shape, seed, 2)
    sizes, state = rough_sizes(piece), np.array([seed | 1], dtype=np.uint64)
    today = match_names(piece, start_labels(piece, sizes, 5, state))
    found = find_labels(piece, sizes, BAND, Effort(20, seed), lambda moves: not interrupted, start=today)
    assert_lawful(piece, found.labels)
    assert found.cost <= price(piece, today) + 1e-9


def test_names_go_where_they_save_most() -> None:
    change = np.array([[0.0, 5.0, 6.0], [5.0, 0.0, 6.0], [4.0, 1.0, 3.0]])
    piece = build_piece([1, 1, 1], [0, 1], [1, 2], [1.0, 1.0], [0.0, 0.0], change=change)
    assert match_names(piece, np.array([7, 3, 5])).tolist() == [0, 1, 2]
    assert match_names(piece, np.array([7, 7, 5])).tolist() == [0, 0, 1]


def test_land_without_households_joins_a_giant_and_nothing_else_does() -> None:
    households = np.array([0, 900, 0, 250, 250])
    piece = build_piece(
        households, range(4), range(1, 5), [1.0] * 4, [0.0] * 4, anchor=np.where(households > 700, households, 0)
    )
    labels = solve_exactly(piece, rough_sizes(piece))
    assert renumber(labels).tolist() == [0, 0, 0, 1, 1]
    assert measure_cost(piece, rough_sizes(piece), labels) == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_bytes_and_snapshots_differ() -> None:
    piece = rough_piece(12, 12, 3, 4)
    sizes = rough_sizes(piece)
    once, again = (find_labels(piece, sizes, BAND, Effort(100, 5), lambda moves: True, snapshots=12) for _ in range(2))
    assert once.labels.tobytes() == again.labels.tobytes()
    assert once.snapshots.tobytes() == again.snapshots.tobytes()
    assert len(np.unique(once.snapshots, axis=0)) > 6


def test_a_run_keeps_as_many_snapshots_as_asked_and_leaves_the_grids_lawful_after_every_call() -> None:
    piece = rough_piece(10, 10, 7, 3)
    sizes, state = rough_sizes(piece), np.array([9], dtype=np.uint64)
    labels = match_names(piece, start_labels(piece, sizes, 20, state))
    best, keep = labels.copy(), np.zeros((7, 100), dtype=np.int64)
    board = lay_board(piece, sizes, labels, int(labels.max()) + 10, state)
    cost, kept = anneal(board, best, price(piece, labels), keep, Schedule(0.5, 0.1, 1.0, 30.0, 0.2, 0.3), 30_000)
    assert kept == 7
    assert_lawful(piece, labels)
    assert_lawful(piece, best)
    assert cost == pytest.approx(price(piece, best))
    tally = board.tally
    for label in range(len(tally.units)):
        units = np.flatnonzero(labels == label)
        assert tally.units[label] == len(units)
        assert tally.households[label] == piece.households[units].sum()
        assert tally.anchor[label] == piece.anchor[units].max(initial=0)
        assert tally.locked[label] == (piece.lock[units] != FREE).sum()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_window_inherits_only_names_that_no_grid_outside_it_has(seed: int) -> None:
    piece = rough_piece(6, 7, seed, 4)
    sizes, state = rough_sizes(piece), np.array([seed | 1], dtype=np.uint64)
    labels = match_names(piece, start_labels(piece, sizes, 9, state))
    units = pick_window(piece, labels, 20, state)
    part, inside, free = take_window(piece, labels, units)
    outside = set(labels.tolist()) - set(labels[units].tolist())
    assert not outside & set(free.tolist())
    assert not outside & set(labels[units].tolist())
    back = put_back(labels, units, inside, free, 4)
    assert match_names(piece, back).tolist() == match_names(piece, labels).tolist()
    assert price(piece, back) == pytest.approx(price(piece, labels))
    rest = np.setdiff1d(np.arange(42), units)
    border = piece.border[np.isin(piece.first, units) != np.isin(piece.second, units)].sum()
    others = take_window(piece, labels, rest)
    assert price(part, inside) + price(others[0], others[1]) + border == pytest.approx(price(piece, labels))
