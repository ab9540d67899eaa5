"""The search against oracles: every division enumerated, here by brute force and there by others."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.crs import metric_crs
from spatial.division.annealing import Schedule, anneal
from spatial.division.board import lay_board
from spatial.division.divide import divide
from spatial.division.exact import solve_exactly
from spatial.division.piece import (
    FREE,
    Piece,
    build_piece,
    in_contact,
    merge_blocks,
    renumber,
    renumber_new,
    take_blocks,
)
from spatial.division.search import Effort, Task, divide_piece, search_by_annealing
from spatial.division.sizes import Band, build_sizes, count_range, nearest_count
from spatial.division.starts import start_labels
from spatial.division.tally import measure_cost
from tests.division.lattice import assert_lawful, banded, borders, rng, town
from tests.real_data import real

BAND = Band(300, 500, 700)


def lattice_piece(rows: int, columns: int, seed: int) -> Piece:
    random = rng(seed)
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns))
    first, second = np.array(sorted(tuple(sorted(e)) for e in graph.edges)).reshape(-1, 2).T
    households = random.integers(0, 300, rows * columns) * random.integers(0, 2, rows * columns)
    households[0] += 10
    clarity = random.random(len(first))
    return build_piece(households, first, second, random.random(len(first)) * (1.5 - clarity), clarity)


def is_connected(piece: Piece, labels: Any) -> bool:
    graph = nx.Graph(list(zip(piece.first.tolist(), piece.second.tolist(), strict=True)))
    graph.add_nodes_from(range(len(labels)))
    return all(
        nx.is_connected(graph.subgraph(np.flatnonzero(labels == label).tolist())) for label in set(labels.tolist())
    )


def all_divisions(count: int) -> Any:
    """Yield every way to label blocks, in order of first appearance."""

    def extend(labels: list[int]) -> Any:
        if len(labels) == count:
            yield np.array(labels)
            return
        for label in range(max(labels) + 2):
            yield from extend([*labels, label])

    yield from extend([0])


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(1, 4), (2, 3), (2, 4), (7, 1)]), st.integers(0, 10**6))
def test_a_handful_of_blocks_is_divided_as_well_as_any_division(shape: tuple[int, int], seed: int) -> None:
    piece = lattice_piece(*shape, seed)
    sizes = build_sizes(BAND, int(piece.households.sum()), 1.0)
    labels = solve_exactly(piece, sizes)
    assert is_connected(piece, labels)
    lawful = (other for other in all_divisions(len(piece.households)) if is_connected(piece, other))
    assert measure_cost(piece, sizes, labels) == pytest.approx(
        min(measure_cost(piece, sizes, other) for other in lawful)
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_annealing_finds_what_the_enumeration_finds(seed: int) -> None:
    piece = lattice_piece(3, 4, seed)
    sizes = build_sizes(BAND, int(piece.households.sum()), 1.0)
    exact = solve_exactly(piece, sizes)
    state = np.array([seed | 1], dtype=np.uint64)

    found = search_by_annealing(Task(piece, sizes, BAND, state, lambda moves: True), 60_000).labels
    assert is_connected(piece, found)
    assert measure_cost(piece, sizes, found) == pytest.approx(measure_cost(piece, sizes, exact), rel=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(2, 8), st.integers(1, 9), st.integers(0, 10**6))
def test_a_start_is_connected_and_has_no_more_grids_than_asked(rows: int, columns: int, grids: int, seed: int) -> None:
    piece = lattice_piece(rows, columns, seed)
    wide = build_sizes(Band(300, 500, 10**6), int(piece.households.sum()), 1.0)
    labels = start_labels(piece, wide, grids, np.array([seed | 1], dtype=np.uint64))
    assert is_connected(piece, labels)
    assert set(labels.tolist()) == set(range(int(labels.max()) + 1))
    assert labels.max() < grids


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 7), st.integers(2, 8), st.integers(0, 10**6))
def test_a_divided_piece_is_connected_and_keeps_the_ceiling(rows: int, columns: int, seed: int) -> None:
    piece = lattice_piece(rows, columns, seed)
    labels = divide_piece(piece, BAND, 1.0, Effort(200, seed), lambda moves: True)
    assert is_connected(piece, labels)
    assert np.bincount(labels, piece.households).max() <= 700


def test_the_cost_that_annealing_reports_is_the_cost_of_what_it_returns() -> None:
    piece = lattice_piece(12, 12, 5)
    sizes = build_sizes(BAND, int(piece.households.sum()), 1.0)
    state = np.array([3], dtype=np.uint64)
    labels = start_labels(piece, sizes, 20, state)
    best, keep = labels.copy(), np.zeros((0, 144), dtype=np.int64)
    board = lay_board(piece, sizes, labels, 40, state)
    cost, _ = anneal(board, best, np.inf, keep, Schedule(0.3, 0.01, 1.0, 30.0, 0.1, 0.1), 60_000)
    assert is_connected(piece, best)
    assert is_connected(piece, labels)
    assert cost == pytest.approx(measure_cost(piece, sizes, best))


def test_blocks_taken_out_of_a_piece_keep_their_borders() -> None:
    piece = lattice_piece(2, 3, 1)
    part = take_blocks(piece, np.array([0, 1, 3]))
    assert list(zip(part.first, part.second, strict=True)) == [(0, 1), (0, 2)]
    assert part.households.tolist() == piece.households[[0, 1, 3]].tolist()


def test_borders_between_merged_blocks_add_up() -> None:
    piece = build_piece([5, 0, 7], [0, 0, 1], [1, 2, 2], [1.0, 2.0, 4.0], [0.0, 0.5, 1.0])
    merged = merge_blocks(piece, np.array([0, 0, 1]))
    assert merged.households.tolist() == [5, 7]
    assert merged.border.tolist() == [6.0]
    assert merged.clarity.tolist() == pytest.approx([5.0 / 6.0])


def test_the_count_aimed_at_keeps_the_ceiling() -> None:
    assert count_range(1500, BAND) == (3, 5)
    assert nearest_count(1500, BAND) == 3
    assert nearest_count(550, Band(300, 400, 500)) == 2
    assert nearest_count(100, BAND) == 1


@pytest.mark.real
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precincts_are_divided_by_the_search_alone_as_evenly_as_the_best_of_all_117688_plans(seed: int) -> None:
    plans = np.load(real("partition/fl25_enum.npz"))
    frame = gpd.read_file(real("partition/fl25.gpkg"))
    frame = frame.to_crs(metric_crs(-81.8, 26.6))
    blocks = frame[["geometry"]].assign(block_id=frame["geoid10"], households=frame["TotPop"].astype("int64"))
    blocks = blocks.assign(community_id="C", kind="face", estate_id="", area_m2=frame.area, oversize=False)
    blocks = blocks.assign(sub_grids_needed=1, estimated=False)
    adjacency = precinct_borders(blocks)
    total = int(blocks["households"].sum())
    target = round(total / 3)
    least = float(plans["pop_dev"].min())
    weights = {"border_weight": 0.0, "unclear_weight": 0.0, "proof_nodes_per_block": 0}
    profile = banded(round(0.6 * target), target, round(1.4 * target), **weights)
    profile = replace(profile, land=replace(profile.land, min_shared_m=0.0))
    division = divide(blocks, adjacency, profile, rng=rng(seed))
    assert_lawful(blocks, adjacency, division.assignment, min_shared_m=0.0)
    found = blocks.set_index("block_id")["households"].groupby(division.assignment).sum()
    assert len(found) == 3
    assert np.abs(found / (total / 3) - 1).max() == pytest.approx(least, abs=1e-6)


def precinct_borders(blocks: Any) -> Any:
    """Return ADJACENCY of the precincts by shared border in metres."""
    shape = blocks.geometry.to_numpy()
    rows = []
    for i in range(len(shape)):
        for j in range(i + 1, len(shape)):
            shared = shape[i].intersection(shape[j]).length
            if shared > 0:
                rows.append((blocks["block_id"][i], blocks["block_id"][j], shared, 0.0, 0.0, "", True))
    return pd.DataFrame(rows, columns="focal neighbor shared_m clear_m clarity barrier crossable".split())


def test_a_merged_unit_adds_households_and_change_and_keeps_the_greatest_anchor_and_the_one_lock() -> None:
    piece = build_piece(
        [5, 900, 7], [0, 0, 1], [1, 2, 2], [1.0, 2.0, 4.0], [0.0, 0.5, 1.0],
        contact=[True, False, True], anchor=[0, 900, 0], lock=[4, FREE, 2],
        change=[[0.0, 0.1], [1.0, 1.5], [0.25, 0.5]], xy=([0.0, 10.0, 4.0], [0.0, 2.0, 6.0]),
    )  # fmt: skip
    merged = merge_blocks(piece, np.array([0, 0, 1]))
    assert merged.households.tolist() == [905, 7]
    assert merged.anchor.tolist() == [900, 0]
    assert merged.lock.tolist() == [4, 2]
    assert merged.change.tolist() == [[1.0, 1.6], [0.25, 0.5]]
    assert (merged.x.tolist(), merged.y.tolist()) == ([5.0, 4.0], [1.0, 6.0])
    assert merged.border.tolist() == [6.0]
    assert in_contact(merged).tolist() == [True]
    with pytest.raises(ValueError, match="locks 2 and 4"):
        merge_blocks(piece, np.array([0, 1, 0]))


def test_neighbours_in_contact_come_first_and_stay_in_contact_when_taken_out() -> None:
    piece = build_piece([1] * 4, [0, 0, 1, 0], [1, 2, 2, 3], [1.0] * 4, [0.0] * 4, contact=[False, True, False, True])
    assert piece.neighbor[piece.row[0] : piece.row[1]].tolist() == [2, 3, 1]
    assert (piece.touch - piece.row[:-1]).tolist() == [2, 0, 1, 1]
    assert in_contact(piece).tolist() == [False, True, False, True]
    part = take_blocks(piece, np.array([0, 1, 3]))
    assert in_contact(part).tolist() == [False, True]


def test_new_names_follow_the_names_of_today() -> None:
    assert renumber_new([7, 1, 9, 7, 0], 2).tolist() == [2, 1, 3, 2, 0]
    assert renumber_new([7, 1, 9, 7, 0], 0).tolist() == renumber(np.array([7, 1, 9, 7, 0])).tolist()


def test_deviation_is_priced_by_the_square_and_beyond_a_share_by_the_step() -> None:
    sizes = build_sizes(BAND, 4000, 1.0, far_weight=20.0, far_share=0.4, floor_penalty=False)
    assert sizes.balance[[0, 125, 200, 250]].tolist() == pytest.approx([0.0, 1.0, 2.56, 4.0 + 2.0])
    assert sizes.penalty[[0, 299, 300, 700]].tolist() == [0.0] * 4
    assert sizes.penalty[701] > 1.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_many_large_blocks_that_pair_up_in_the_band_are_paired_up(seed: int) -> None:
    draw = rng(seed)
    one = draw.integers(100, 250, (20, 12))
    cells = np.stack([one, draw.integers(340, 460, (20, 12)) - one], axis=2).reshape(20, 24)
    blocks, profile = town(cells), banded(300, 400, 500, moves_per_block=1500, proof_nodes_per_block=0)
    division = divide(blocks, borders(blocks), profile, rng=rng(seed))
    assert division.objective["in_band_share"] >= 0.98
