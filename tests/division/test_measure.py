"""Measures and costs: worked by hand, then the benchmark's formula, then the search's own sums on random towns."""

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.heritage import NOWHERE
from spatial.division.layout import (
    Layout,
    build_layout,
    cut_out,
    list_olds,
    list_pieces,
    number_units,
    price_sizes,
)
from spatial.division.locks import Locks
from spatial.division.measure import (
    count_changed,
    match_today,
    measure_compactness,
    measure_division,
    measure_terms,
    total_cost,
)
from spatial.division.numbering import name_grids
from spatial.division.piece import renumber
from spatial.division.sizes import to_band
from spatial.division.tally import measure_cost
from spatial.io.profiles import read_profile
from spatial.profile import Profile
from tests.bench.instances import NAMES, read_instance
from tests.division.lattice import NO_BLOCK, banded, borders, rng, town
from tests.real_data import real

ABOUT_500 = banded(300, 500, 700)


def lay(cells: Any, profile: Profile = ABOUT_500, *, clear: Any = (), **given: Any) -> Layout:
    blocks = town(cells)
    return build_layout(blocks, borders(blocks, clear=clear), profile, **given)


def test_every_term_has_its_own_unit() -> None:
    current = pd.Series({"r0c0": "a", "r0c1": "a", "r0c2": "b", "r0c3": "b"})
    layout = lay([[300, 150, 200, 350]], clear=[("r0c0", "r0c1")], current=current)
    assert measure_terms(layout, np.array([0, 1, 1, 1]), ABOUT_500) == {
        "off_households": 400.0,
        "mean_off_households": 200.0,
        "max_off_households": 200.0,
        "border_m": 100.0,
        "unclear_m": 0.0,
        "clear_share": 1.0,
        "mean_compactness": pytest.approx((np.pi / 4 + 3 * np.pi / 16) / 2),
        "min_compactness": pytest.approx(4 * np.pi * 3 / 64),
        "changed_households": 150.0,
        "familiar_pairs_cut": 0.0,
        "mean_span_m": 100.0,
        "max_span_m": 200.0,
    }


def test_grids_with_a_block_above_the_ceiling_are_not_held_against_the_target() -> None:
    for alone in (True, False):
        profile = banded(300, 500, 700, oversize_alone=alone)
        layout = lay([[900, 0, 400]], profile)
        part = np.array([0, 1, 1])
        assert measure_terms(layout, part, profile)["off_households"] == 100.0
        assert measure_division(layout, part, profile)["in_band_share"] == 1.0
        assert measure_division(layout, part, profile)["oversize_grids"] == 1.0


def test_familiar_pairs_that_are_cut_are_counted() -> None:
    blocks = town([[100, 100, 100, 100]]).assign(company=["x", "x", "x", "y"])
    layout = build_layout(blocks, borders(blocks), ABOUT_500)
    assert measure_terms(layout, np.array([0, 0, 1, 1]), ABOUT_500)["familiar_pairs_cut"] == 1.0


def test_a_square_has_a_compactness_of_a_quarter_of_pi() -> None:
    layout = lay([[1, 1, 1], [1, 1, 1]])
    assert measure_compactness(layout, np.array([0, 0, 0, 0, 1, 1])).tolist() == pytest.approx(
        [np.pi / 4, 2 * np.pi / 9]
    )


def test_each_of_todays_grids_is_inherited_once() -> None:
    current = pd.Series({"r0c0": "a", "r0c1": "a", "r0c2": "a", "r0c3": "b"})
    layout = lay([[300, 100, 200, 50]], current=current)
    assert match_today(layout, np.array([0, 0, 1, 1])).tolist() == [0, 1]
    assert count_changed(layout, np.array([0, 0, 1, 1])) == 200
    assert match_today(layout, np.array([0, 1, 2, 2])).tolist() == [0, NOWHERE, 1]
    assert count_changed(layout, np.array([0, 1, 2, 2])) == 300


def test_without_grids_of_today_none_is_inherited() -> None:
    layout = lay([[300, 100]])
    assert match_today(layout, np.array([0, 1])).tolist() == [NOWHERE, NOWHERE]
    assert count_changed(layout, np.array([0, 1])) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=6, max_size=6), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_no_other_way_to_inherit_changes_fewer_households(grids: list[int], olds: list[int]) -> None:
    households = np.array([7, 11, 0, 13, 5, 3])
    layout = lay([households], current=pd.Series({f"r0c{i}": f"g{old}" for i, old in enumerate(olds) if old}))
    part = renumber(np.array(grids))
    heirs = [*range(len(layout.today_ids)), *[NOWHERE - 1 - i for i in range(4)]]
    fewest = min(
        int(households[(layout.today != NOWHERE) & (np.array(names)[part] != layout.today)].sum())
        for names in permutations(heirs, int(part.max()) + 1)
    )
    assert count_changed(layout, part) == fewest
    kept = match_today(layout, part)
    assert len(set(kept[kept != NOWHERE])) == (kept != NOWHERE).sum()


def test_grids_that_inherit_keep_the_id_and_the_others_take_free_ones() -> None:
    current = pd.Series({"r0c0": "C-002", "r0c1": "C-002", "r0c2": "east", "r0c3": "C-001"})
    layout = lay([[300, 100, 200, 50]], current=current)
    part = np.array([0, 1, 2, 2])
    assert name_grids(layout, part, match_today(layout, part)).tolist() == ["C-002", "C-003", "east"]
    assert name_grids(layout, part).tolist() == ["C-001", "C-002", "C-003"]


def test_the_cost_is_worked_by_hand() -> None:
    profile = banded(300, 500, 700, change_weight=2.0, familiarity_weight=0.5, span_weight=4.0)
    blocks = town([[500, 250, 125, 125]]).assign(company=["", "x", "x", ""])
    current = pd.Series({"r0c0": "a", "r0c1": "a", "r0c2": "b", "r0c3": "b"})
    adjacency = borders(blocks, clear=[("r0c0", "r0c1")])
    layout = build_layout(blocks, adjacency, profile, current=current)
    side = 2 * np.sqrt(40_000 / 2)
    found = total_cost(layout, np.array([0, 1, 2, 2]), profile)
    assert found == pytest.approx(
        {
            "balance": 0.0 + 4.0 + 4.0,
            "penalty": 30 * 2 * (1 + 2 * 50 / 300),
            "border": 0.5 * 200 / side,
            "unclear": 100 / side,
            "change": 2.0 * 250 / 500,
            "familiarity": 0.5,
            "span": 4.0 * 100 / side,
        }
    )


def test_a_grid_above_the_ceiling_costs_more_than_one_below_the_floor() -> None:
    layout = lay([[400, 400, 400]])
    found = total_cost(layout, np.array([0, 0, 1]), ABOUT_500)
    assert found["penalty"] == pytest.approx(30 * 6 * (1 + 2 * 100 / 700))


def test_what_no_division_can_change_costs_nothing() -> None:
    layout = lay([[900, 500, NO_BLOCK, 0]])
    assert sum(total_cost(layout, np.array([0, 1, 2]), ABOUT_500).values()) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_with_the_benchmark_profile_the_cost_is_the_published_objective(name: str) -> None:
    profile = read_profile("bench_j")
    instance = np.load(real(f"partition/bench/{name}.npz"))
    blocks, adjacency = read_instance(name)
    layout = build_layout(blocks, adjacency, profile)
    order = layout.frame["block_id"].map({str(b): i for i, b in enumerate(blocks["block_id"])}).to_numpy()
    assert np.array_equal(instance["hh"], blocks["households"])
    for labels in (rng().integers(0, instance["k"], len(order)), np.arange(len(order))):
        costs = total_cost(layout, renumber(labels[order]), profile)
        # J has no ceiling; the engine refuses grids above it and costs no others more than J does.
        assert sum(costs.values()) - costs["penalty"] == pytest.approx(_j(instance, labels), rel=1e-12)
    assert costs["penalty"] == 0.0


def _j(instance: Any, labels: Any) -> float:
    """Return the objective J of the benchmark, from its formula and the instance's own arrays."""
    size = pd.Series(instance["hh"].astype(float)).groupby(labels)
    aim = size.max().clip(lower=500.0)
    d = (size.sum() - aim).abs() / 500.0
    cut = labels[instance["ei"]] != labels[instance["ej"]]
    side = 2.0 * np.sqrt(instance["area"].sum() / instance["k"])
    width = instance["elen"] / side * (0.5 + (1.0 - instance["eclar"]))
    return float(((d / 0.25) ** 2 + 20.0 * np.maximum(0.0, d - 0.4)).sum() + width[cut].sum())


@st.composite
def weighed(draw: Any) -> tuple[Layout, Profile]:
    """Draw a town with everything the cost looks at: locks, grids of today, companies, barred and short borders."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    seed = np.random.default_rng(draw(st.integers(0, 2**32)))
    cells = seed.choice([0, 40, 130, 260, 600, 900, NO_BLOCK], (rows, columns), p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05])
    cells[0, 0] = 300
    weights = {name: float(seed.choice([0.0, 0.7])) for name in ("far_weight", "change_weight", "familiarity_weight")}
    flags = {name: bool(seed.random() < 0.5) for name in ("floor_penalty", "largest_is_aim", "oversize_alone")}
    profile = banded(300, 500, 700, **weights, **flags, span_weight=float(seed.choice([0.0, 1.3])))
    blocks = town(cells)
    blocks["company"] = seed.choice(["", "x", "y"], len(blocks))
    blocks["area_m2"] = seed.uniform(5_000, 20_000, len(blocks))
    adjacency = borders(blocks)
    adjacency["crossable"] = seed.random(len(adjacency)) < 0.85
    adjacency["shared_m"] = np.where(seed.random(len(adjacency)) < 0.1, 2.0, seed.uniform(20, 120, len(adjacency)))
    adjacency["clarity"] = seed.random(len(adjacency))
    adjacency["clear_m"] = 0.5 * adjacency["shared_m"]
    ids = blocks["block_id"].to_numpy(dtype=object)
    current = pd.Series(seed.choice(["", "g1", "g2", "g3"], len(ids)), index=ids)
    fixed = {block: str(seed.choice(["a", "b"])) for block in ids[seed.random(len(ids)) < 0.3]}
    return build_layout(blocks, adjacency, profile, current=current, locks=Locks(fixed)), profile


@settings(max_examples=60, deadline=None)
@given(weighed(), st.integers(0, 2**32))
def test_the_cost_is_that_of_the_search(drawn: tuple[Layout, Profile], seed: int) -> None:
    layout, profile = drawn
    band, draw = to_band(profile.grid), np.random.default_rng(seed)
    part, total = np.full(len(layout.households), -1, dtype=np.int64), 0.0
    heirs: list[int] = []
    for blocks in list_pieces(layout):
        piece, sizes = (
            cut_out(layout, blocks, band, profile.division),
            price_sizes(layout, blocks, band, profile.division),
        )
        olds = list_olds(layout, blocks, profile.division)
        labels = draw.integers(0, len(olds) + 3, len(piece.households))
        if layout.households[blocks].sum() > 0:
            total += measure_cost(piece, sizes, labels)
        used, number = np.unique(labels, return_inverse=True)
        part[blocks] = len(heirs) + number[number_units(layout, blocks)]
        heirs += [int(olds[label]) if label < len(olds) else NOWHERE for label in used]
    lone = np.flatnonzero(part < 0)
    part[lone] = len(heirs) + np.arange(len(lone))
    told = np.array([*heirs, *[NOWHERE] * len(lone)])
    found = total_cost(layout, part, profile, heirs=told)
    assert sum(found.values()) == pytest.approx(total, rel=1e-12, abs=1e-9)
    assert total_cost(layout, part, profile)["change"] <= found["change"] + 1e-12
