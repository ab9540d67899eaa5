"""The proof of the proof: optimum, bound and status against every division there is."""

import os
from dataclasses import replace
from itertools import product
from typing import Any
from unittest.mock import patch

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.crs import metric_crs
from spatial.division.course import allow_nodes
from spatial.division.divide import divide, list_jobs
from spatial.division.layout import build_layout
from spatial.division.piece import Piece, build_piece
from spatial.division.proof import Proof, prove
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import Band, Sizes, build_sizes
from spatial.io.profiles import read_profile
from tests.bench.instances import read_instance
from tests.bench.suites import suite
from tests.division.drawn import BAND, TRAITS, draw_piece, draw_sizes, hamper_piece
from tests.division.lattice import rng
from tests.division.oracle import best_division, price_division
from tests.division.test_search import precinct_borders
from tests.real_data import real

EXACT = 1e-6
ALL = os.environ.get("WANGGE_HYPOTHESIS") == "search"
UNLIMITED = 1 << 40
NEVER_OVER = 1e6

towns = st.builds(
    lambda count, seed, traits: draw_piece(count, seed, *sorted(traits)),
    st.integers(1, 11),
    st.integers(0, 10**6),
    st.sets(st.sampled_from(TRAITS)),
)


def prove_from_singles(piece: Piece, sizes: Sizes, nodes: int = UNLIMITED) -> Proof:
    """Return the proof that starts from the worst lawful division: every unit a grid."""
    count = len(piece.households)
    start, none = np.arange(count) + piece.change.shape[1] - 1, np.zeros((0, count), dtype=np.int64)
    return prove(piece, sizes, start, none, nodes=nodes, left=lambda: NEVER_OVER)


def assert_true(proof: Proof, piece: Piece, sizes: Sizes, optimum: float) -> None:
    """Check what is said of a division: lawful, of that total, a bound that holds, proved only at the optimum."""
    assert price_division(piece, sizes, proof.labels) == pytest.approx(proof.total, abs=EXACT)
    assert proof.bound <= optimum + EXACT
    assert optimum <= proof.total + EXACT
    assert not proof.proved or proof.total <= optimum + EXACT


@settings(max_examples=20)
@given(towns, st.booleans(), st.booleans())
def test_a_proof_ends_at_the_optimum(piece: Piece, floor: bool, span: bool) -> None:
    sizes = draw_sizes(piece, floor_penalty=floor, span_weight=0.004 if span else 0.0)
    proof = prove_from_singles(piece, sizes)
    assert_true(proof, piece, sizes, best_division(piece, sizes).total)
    assert proof.proved or span


@settings(max_examples=20)
@given(towns, st.sampled_from([0, 1, 20, 50, 200, 500]))
def test_a_proof_cut_short_says_nothing_untrue(piece: Piece, nodes: int) -> None:
    sizes = draw_sizes(piece)
    assert_true(prove_from_singles(piece, sizes, nodes), piece, sizes, best_division(piece, sizes).total)


@settings(max_examples=20)
@given(towns)
def test_many_units_are_bounded_no_higher_than_the_optimum(piece: Piece) -> None:
    """Searches from afresh, prices held still and cuts in place of lists: as more units than lists can be made of."""
    sizes = draw_sizes(piece)
    with patch("spatial.division.proof.MANY", 3):
        assert_true(prove_from_singles(piece, sizes), piece, sizes, best_division(piece, sizes).total)


def test_a_span_is_part_of_what_is_proved() -> None:
    """Four blocks at the corners of a rectangle, cheap to cut everywhere: it is the span that pairs them."""
    corners = ([0.0, 100.0, 0.0, 100.0], [0.0, 0.0, 300.0, 300.0])
    square = build_piece([250] * 4, [0, 0, 1, 2], [1, 2, 3, 3], [0.1] * 4, [0.0] * 4, xy=corners)
    sizes = build_sizes(BAND, 1000, 1.0, span_weight=0.01)
    proof = prove_from_singles(square, sizes)
    assert_true(proof, square, sizes, 0.2 + 2 * 1.0)
    assert proof.total == pytest.approx(0.2 + 2 * 1.0)
    assert proof.labels[0] == proof.labels[1] != proof.labels[2]


@pytest.mark.real
def test_windows_of_real_streets_are_proved_at_the_optimum_of_all_divisions() -> None:
    real("wuhan/streets.parquet"), real("helsinki/helsinki.osm.pbf")
    for number, (name, blocks, adjacency) in enumerate(suite((12, 16), 200 if ALL else 2, 1)):
        draw = rng(number)
        for profile in (read_profile("bench_j"), read_profile("about_500")):
            jobs = list_jobs(build_layout(blocks, adjacency, profile), profile)
            hard = ((), ("locks",), ("apart",), ("today",), ("apart", "locks", "today"))
            for job, traits in product(jobs, hard):
                piece = hamper_piece(job.piece, draw, *traits)
                optimum = best_division(piece, job.sizes).total
                for nodes in (50, 500, UNLIMITED):
                    proof = prove_from_singles(piece, job.sizes, nodes)
                    assert_true(proof, piece, job.sizes, optimum)
                assert proof.proved, (name, traits)


@pytest.mark.real
@pytest.mark.parametrize("profile", ["bench_j", "about_500"])
def test_windows_of_real_streets_are_divided_at_the_optimum_of_all_divisions(profile: str) -> None:
    real("wuhan/streets.parquet"), real("helsinki/helsinki.osm.pbf")
    rules = read_profile(profile)
    patient = replace(rules, division=replace(rules.division, proof_nodes_per_block=100_000))
    for name, blocks, adjacency in suite((12, 16), 200 if ALL else 2, 1):
        jobs = list_jobs(build_layout(blocks, adjacency, rules), rules)
        optimum = sum(best_division(job.piece, job.sizes).total for job in jobs)
        division = divide(blocks, adjacency, patient, rng=rng(), workers=1)
        assert division.total == pytest.approx(optimum, abs=EXACT), name
        assert division.bound <= optimum + EXACT, name
        assert division.status != "gap", name


@pytest.mark.real
def test_a_community_of_real_streets_is_proved_without_a_budget() -> None:
    real("partition/bench/wuh_0060.gpkg")
    division = divide(*read_instance("wuh_0060"), read_profile("about_500"), rng=rng())
    assert division.status == "optimal"
    assert division.total == pytest.approx(4.540802, abs=1e-6)


@pytest.mark.parametrize(("units", "nodes"), [(1, 22_500), (60, 375), (150, 150), (151, 151), (2000, 2000)])
def test_few_units_may_spend_the_work_of_150_and_more_units_so_many_nodes_each(units: int, nodes: int) -> None:
    assert allow_nodes(300, units) == 300 * nodes
    assert allow_nodes(0, units) == 0


@pytest.mark.real
def test_the_least_deviation_of_precincts_is_that_of_all_117688_plans_and_proved() -> None:
    plans = np.load(real("partition/fl25_enum.npz"))
    frame = gpd.read_file(real("partition/fl25.gpkg")).to_crs(metric_crs(-81.8, 26.6))
    blocks = frame[["geometry"]].assign(block_id=frame["geoid10"], households=frame["TotPop"].astype("int64"))
    pairs = precinct_borders(blocks)
    place = pd.Index(blocks["block_id"])
    first, second = place.get_indexer(pairs["focal"]), place.get_indexer(pairs["neighbor"])
    households = blocks["households"].to_numpy()
    target = round(int(households.sum()) / 3)
    piece = build_piece(households, first, second, np.zeros(len(first)), np.zeros(len(first)))
    band = Band(round(0.6 * target), target, round(1.4 * target))
    sizes = build_sizes(band, int(households.sum()), 1.0)
    found = find_labels(piece, sizes, band, Effort(1000, 1), lambda _: True, snapshots=50)
    proof = prove(piece, sizes, found.labels, found.snapshots, nodes=UNLIMITED, left=lambda: NEVER_OVER)
    least = sizes.balance[np.abs(count_by_plan(plans["plans"], households) - target)].sum(axis=0).min()
    assert proof.proved
    assert proof.total == pytest.approx(least, abs=1e-9)


def count_by_plan(plans: Any, households: Any) -> Any:
    """Return households by grid (row) and plan (column)."""
    return np.array([households @ (plans == label) for label in np.unique(plans)]).astype(np.int64)
