"""What may never change a division, what may only make it dearer or cheaper, and what holds however large it is."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from shapely import affinity, box

from spatial.division.divide import Division, divide, list_jobs
from spatial.division.layout import build_layout
from spatial.division.locks import Locks
from tests.bench.score import check_rules
from tests.division.lattice import NO_BLOCK, banded, borders, groups, rng, town
from tests.division.oracle import best_division

ABOUT_500 = banded(300, 500, 700)
SEEDS = st.integers(0, 10**6)


def draw_town(seed: int, rows: int = 3, columns: int = 5) -> tuple[Any, Any]:
    """Return a town on squared paper: gaps, empty land, blocks above the ceiling, streets, lines nobody crosses."""
    random = rng(seed)
    cells = random.integers(20, 330, (rows, columns)) * (random.random((rows, columns)) < 0.85)
    cells[random.random(cells.shape) < 0.06] = NO_BLOCK
    cells[random.random(cells.shape) < 0.04] = 900
    cells[0, 0] = 150
    community = np.where(random.random() < 0.3, np.arange(columns)[None, :] >= columns // 2, False)
    blocks = town(cells, community=np.where(np.broadcast_to(community, cells.shape), "D", "C"))
    adjacency = borders(blocks)
    length = np.round(random.uniform(2.0, 140.0, len(adjacency)), 1)
    clarity = random.choice([0.0, 0.4, 0.7, 1.0], len(adjacency))
    crossable = random.random(len(adjacency)) < 0.92
    return blocks, adjacency.assign(
        shared_m=length, clear_m=length * (clarity >= 0.7), clarity=clarity, crossable=crossable
    )


def solve(blocks: Any, adjacency: Any, profile: Any = ABOUT_500, **given_too: Any) -> Division:
    return divide(blocks, adjacency, profile, rng=rng(), **{"workers": 1, **given_too})


def numbers(division: Division) -> Any:
    """Return all that is said of a division but its names and seconds."""
    return (
        division.total, division.bound, division.gap, division.status, dict(division.objective),
        division.explanations.tolist(), division.reasons, [row[1:] for row in division.trace],
    )  # fmt: skip


@settings(max_examples=10)
@given(SEEDS)
def test_the_names_of_blocks_and_the_order_of_rows_change_nothing(seed: int) -> None:
    blocks, adjacency = draw_town(seed)
    order = rng(seed + 1).permutation(len(blocks))
    renamed = dict(zip(blocks["block_id"], [f"x{i:03d}" for i in order], strict=True))
    pairs = np.sort(adjacency[["focal", "neighbor"]].map(renamed.get).to_numpy(dtype=object), axis=1)
    shuffled = adjacency.assign(focal=pairs[:, 0], neighbor=pairs[:, 1])
    other = solve(
        blocks.assign(block_id=blocks["block_id"].map(renamed)).iloc[order].reset_index(drop=True),
        shuffled.iloc[rng(seed + 2).permutation(len(shuffled))].reset_index(drop=True),
    )
    one = solve(blocks, adjacency)
    assert {frozenset(map(renamed.get, grid)) for grid in groups(one.assignment)} == groups(other.assignment)
    assert (one.total, one.bound, one.gap, one.status) == (other.total, other.bound, other.gap, other.status)
    assert one.objective == other.objective


@settings(max_examples=10)
@given(SEEDS)
def test_twice_the_households_in_twice_the_band_cost_the_same(seed: int) -> None:
    blocks, adjacency = draw_town(seed)
    one = solve(blocks, adjacency)
    twice = solve(blocks.assign(households=2 * blocks["households"]), adjacency, banded(600, 1000, 1400))
    assume("gap" not in (one.status, twice.status))
    assert twice.total == pytest.approx(one.total, rel=1e-9, abs=1e-9)


@settings(max_examples=10)
@given(SEEDS)
def test_a_town_three_times_as_long_costs_the_same(seed: int) -> None:
    blocks, adjacency = draw_town(seed)
    shapes = [affinity.scale(shape, 3.0, 3.0, origin=(0.0, 0.0)) for shape in blocks.geometry]
    larger = blocks.set_geometry(gpd.GeoSeries(shapes, crs=blocks.crs)).assign(area_m2=9.0 * blocks["area_m2"])
    longer = adjacency.assign(shared_m=3.0 * adjacency["shared_m"], clear_m=3.0 * adjacency["clear_m"])
    land = replace(ABOUT_500.land, min_shared_m=3.0 * ABOUT_500.land.min_shared_m)
    one, three = solve(blocks, adjacency), solve(larger, longer, replace(ABOUT_500, land=land))
    assume("gap" not in (one.status, three.status))
    assert three.total == pytest.approx(one.total, rel=1e-9, abs=1e-9)


@settings(max_examples=10)
@given(SEEDS, st.integers(2, 5), st.integers(1, 3))
def test_a_lock_never_makes_a_proved_division_cheaper(seed: int, locked: int, labels: int) -> None:
    blocks, adjacency = draw_town(seed)
    random = rng(seed + 3)
    community = str(random.choice(blocks["community_id"]))
    own = blocks.loc[blocks["community_id"] == community, "block_id"]
    chosen = random.permutation(own)[:locked]
    fixed = {str(block): f"lock {random.integers(labels)}" for block in chosen}
    free, held = solve(blocks, adjacency), solve(blocks, adjacency, locks=Locks(fixed))
    assert free.status != "gap"
    assert held.total >= free.total - 1e-6
    assert held.bound <= held.total


@settings(max_examples=10)
@given(SEEDS, st.floats(0.0, 1.0))
def test_a_clearer_border_never_makes_a_proved_division_dearer(seed: int, clearer: float) -> None:
    blocks, adjacency = draw_town(seed)
    row = int(rng(seed + 4).integers(len(adjacency)))
    clarity = adjacency["clarity"].to_numpy().copy()
    clarity[row] += (1.0 - clarity[row]) * clearer
    one, clear = solve(blocks, adjacency), solve(blocks, adjacency.assign(clarity=clarity))
    assert clear.status != "gap"
    assert clear.total <= one.total + 1e-6


@settings(max_examples=6)
@given(SEEDS, st.sampled_from([0, 1, 5, 50, 300]))
def test_a_seed_gives_one_division_whatever_the_number_of_workers(seed: int, nodes: int) -> None:
    blocks, adjacency = draw_town(seed, 5, 9)
    profile = banded(300, 500, 700, proof_nodes_per_block=nodes, moves_per_block=200)
    one, two = (solve(blocks, adjacency, profile, workers=workers) for workers in (1, 2))
    assert one.assignment.equals(two.assignment)
    assert numbers(one)[:-1] == numbers(two)[:-1]
    assert one.trace[-1][1:] == two.trace[-1][1:]
    assert numbers(solve(blocks, adjacency, profile))[:-1] == numbers(one)[:-1]


@settings(max_examples=20)
@given(SEEDS)
def test_a_town_is_called_infeasible_if_and_only_if_no_division_keeps_the_band(seed: int) -> None:
    blocks, adjacency = draw_town(seed, 3, 4)
    division = solve(blocks, adjacency)
    layout = build_layout(blocks, adjacency, ABOUT_500)
    outside = 0.0
    for job in list_jobs(layout, ABOUT_500):
        bare = job.piece._replace(border=np.zeros(len(job.piece.border)))
        outside += best_division(bare, job.sizes._replace(balance=np.zeros(1))).total
    assert (division.status == "infeasible") == (outside > 0.0)
    lived_in = [sentence for sentence in division.violations if ": 0 households" not in sentence]
    assert bool(lived_in) == (outside > 0.0)


def draw_land(count: int, seed: int) -> tuple[Any, Any]:
    """Return blocks about random points, neighbours by a triangulation with holes, communities side by side."""
    random = rng(seed)
    at = random.uniform(0.0, 100.0 * np.sqrt(count), (count, 2))
    sides = Delaunay(at).simplices[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)
    pairs = np.unique(np.sort(sides, axis=1), axis=0)
    pairs = pairs[random.random(len(pairs)) < 0.85]
    households = (random.gamma(1.2, 60.0, count) * (random.random(count) < 0.75)).astype(np.int64)
    households[random.random(count) < 0.02] = 1200
    ids = np.array([f"b{i:04d}" for i in range(count)], dtype=object)
    blocks = gpd.GeoDataFrame(
        {
            "block_id": ids,
            "community_id": np.where(at[:, 0] < np.median(at[:, 0]), "C", "D"),
            "kind": "face",
            "estate_id": "",
            "households": households,
            "area_m2": 10_000.0,
            "oversize": households > 700,
            "sub_grids_needed": np.maximum(1, -(-households // 700)),
            "estimated": False,
        },
        geometry=box(*(at - 20.0).T, *(at + 20.0).T),
        crs=4547,
    )
    length, clarity = random.uniform(1.0, 120.0, len(pairs)), random.random(len(pairs))
    adjacency = pd.DataFrame(
        {
            "focal": ids[pairs[:, 0]],
            "neighbor": ids[pairs[:, 1]],
            "shared_m": length,
            "clear_m": length * (clarity > 0.7),
            "clarity": clarity,
            "barrier": "",
            "crossable": random.random(len(pairs)) < 0.95,
        }
    )
    return blocks, adjacency


@pytest.mark.parametrize(("count", "seed", "nodes"), [(1000, 1, 0), (1000, 2, 0), (1000, 3, 0), (150, 4, 5)])
def test_large_land_keeps_every_rule(count: int, seed: int, nodes: int) -> None:
    blocks, adjacency = draw_land(count, seed)
    profile = banded(300, 500, 700, moves_per_block=100, proof_nodes_per_block=nodes)
    division = solve(blocks, adjacency, profile, workers=2)
    verdict = check_rules(blocks, adjacency, division.assignment, min_shared_m=profile.land.min_shared_m)
    assert verdict.broken == ()
    assert 0.0 <= division.bound <= division.total
    assert set(division.explanations.index) == set(division.assignment)
    told = division.explanations[division.explanations != ""].index
    assert {sentence.split()[1].rstrip(":") for sentence in verdict.below_floor} <= set(told)
