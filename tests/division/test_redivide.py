"""Some grids are drawn anew and the others kept: hand-worked towns, then laws that hold for any town."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.divide import Division, divide
from spatial.division.heritage import NOWHERE
from spatial.division.layout import build_layout
from spatial.division.locks import Locks
from spatial.division.measure import total_cost
from spatial.division.piece import renumber
from spatial.division.redivide import redivide
from spatial.errors import CancelledError, InputError
from spatial.io.profiles import read_profile
from tests.division.lattice import assert_lawful, banded, borders, groups, rng, sizes, town

ABOUT_500 = read_profile("about_500")
QUICK = banded(300, 500, 700, moves_per_block=100)


def today(blocks: Any, names: list[str]) -> pd.Series:
    return pd.Series(names, index=blocks["block_id"].to_list())


def draw(blocks: Any, current: Any, grids: Any, profile: Any = QUICK, **options: Any) -> Division:
    adjacency = options.pop("adjacency", None)
    adjacency = borders(blocks) if adjacency is None else adjacency
    division = redivide(blocks, adjacency, profile, current=current, grids=grids, rng=rng(), **options)
    kept = current[~current.isin(grids)]
    assert division.assignment[kept.index].to_dict() == kept.to_dict()
    return division


def row_of_eight() -> tuple[Any, pd.Series]:
    """Two lopsided grids in the west, two even ones in the east."""
    blocks = town([[200, 200, 200, 200, 250, 250, 250, 250]])
    return blocks, today(blocks, ["W1", "W2", "W2", "W2", "E1", "E1", "E2", "E2"])


def test_a_lopsided_pair_is_evened_out_and_keeps_its_ids() -> None:
    blocks, current = row_of_eight()
    division = draw(blocks, current, ["W1", "W2"])
    assert sizes(blocks, division.assignment) == {"W1": 400, "W2": 400, "E1": 500, "E2": 500}
    assert division.assignment["r0c0"] == "W1"
    assert division.status == "optimal"
    assert division.objective["changed_households"] == 200
    assert "2 of 4 grids (4 of 8 blocks) were drawn anew, 2 kept" in division.reasons[0]


def test_total_is_the_cost_of_the_part_drawn_anew_alone() -> None:
    blocks, current = row_of_eight()
    division = draw(blocks, current, ["W1", "W2"])
    costs = {name: cost for name, cost in division.objective.items() if name.startswith("cost_")}
    assert division.total == pytest.approx(sum(costs.values()))
    assert costs["cost_balance"] == pytest.approx(2 * ABOUT_500.division.balance_weight * (100 / 125) ** 2)
    assert costs["cost_change"] == pytest.approx(ABOUT_500.division.change_weight * 200 / 500)
    assert division.objective["grids"] == 4


def test_good_grids_stay_as_they_are() -> None:
    blocks, current = row_of_eight()
    division = draw(blocks, current, ["E1", "E2"])
    assert division.assignment.to_dict() == current.to_dict()
    assert division.objective["changed_households"] == 0


def test_one_grid_by_itself_is_cut_where_it_is_above_the_ceiling_and_that_is_told() -> None:
    blocks = town([[250, 250, 250, 250, 250, 250]])
    current = today(blocks, ["A", "A", "A", "A", "B", "B"])
    division = draw(blocks, current, ["A"])
    assert sizes(blocks, division.assignment) == {"A": 500, "B": 500, "C-001": 500}
    assert "Grid A had 1000 households, above the ceiling of 700: mended." in division.reasons


def test_a_grid_in_two_parts_is_mended_and_told() -> None:
    blocks = town([[250, 250, 250, 250]])
    division = draw(blocks, today(blocks, ["A", "B", "B", "A"]), ["A", "B"])
    assert_lawful(blocks, borders(blocks), division.assignment.map({"A": "C-A", "B": "C-B"}))
    assert "Grid A lay in 2 parts without contact: mended." in division.reasons


def test_grids_of_several_communities_are_drawn_anew_in_one_call() -> None:
    names = np.array([["P"] * 4 + ["Q"] * 4])
    blocks = town([[200] * 8], community=names)
    current = today(blocks, ["A", "B", "B", "B", "X", "X", "X", "Y"])
    division = draw(blocks, current, ["A", "B", "X", "Y"])
    assert set(sizes(blocks, division.assignment).values()) == {400}
    assert set(division.assignment[:4]) == {"A", "B"}


def test_a_new_grid_takes_no_id_in_use_and_the_kept_grids_are_in_use() -> None:
    blocks = town([[250] * 6])
    current = today(blocks, ["Z", "Z", "Z", "Z", "C-001", "C-001"])
    division = draw(blocks, current, ["Z"])
    assert set(division.assignment) == {"Z", "C-001", "C-002"}
    assert set(division.assignment.index[division.assignment == "C-001"]) == {"r0c4", "r0c5"}


def test_blocks_in_no_grid_are_divided_with_them_and_told() -> None:
    blocks, current = row_of_eight()
    division = draw(blocks, current.drop("r0c3"), ["W1", "W2"])
    assert division.assignment.notna().all()
    assert sizes(blocks, division.assignment)["W2"] == 400
    assert "1 blocks that are in no grid today were divided with them." in division.reasons


def test_an_oversize_block_keeps_its_id() -> None:
    blocks = town([[900, 250, 250, 200, 300]])
    current = today(blocks, ["big", "A", "A", "B", "B"])
    division = draw(blocks, current, ["big", "A", "B"])
    assert division.assignment["r0c0"] == "big"
    assert division.assignment.to_dict() == current.to_dict()


def test_without_a_weight_on_change_grids_still_keep_the_ids_they_share_most_with() -> None:
    blocks, current = row_of_eight()
    division = draw(blocks, current, ["W1", "W2"], banded(300, 500, 700, moves_per_block=100, change_weight=0.0))
    assert sizes(blocks, division.assignment) == {"W1": 400, "W2": 400, "E1": 500, "E2": 500}


def test_locks_inside_are_kept_and_a_lock_that_reaches_out_is_told() -> None:
    blocks, current = row_of_eight()
    inside = draw(blocks, current, ["W1", "W2"], locks=Locks(together=(("r0c1", "r0c2", "r0c3"),)))
    assert inside.assignment.to_dict() == current.to_dict()
    assert inside.violations[0].startswith("Grid W1: 200 households, below the floor of 300")
    across = draw(blocks, current, ["W1", "W2"], locks=Locks(together=(("r0c3", "r0c4"),)))
    assert "The group of blocks r0c3, r0c4 is torn into 2 grids." in across.violations


def test_unknown_grids_are_named() -> None:
    blocks, current = row_of_eight()
    with pytest.raises(InputError, match=r"grids: found 'N1', 'N2', needed some of today's grids: E1, E2, W1, W2"):
        draw(blocks, current, ["W1", "N2", "N1"])
    with pytest.raises(InputError, match="grids: found none"):
        draw(blocks, current, [])
    with pytest.raises(InputError, match="locks: found block nowhere"):
        draw(blocks, current, ["W1"], locks=Locks(fixed={"nowhere": "a"}))


def test_cancelling_keeps_a_lawful_division() -> None:
    blocks, current = row_of_eight()

    def cancel(stage: str, share: float) -> None:
        raise CancelledError("enough")

    division = draw(blocks, current, ["W1", "W2"], on_progress=cancel)
    assert division.stopped
    assert len(groups(division.assignment)) >= 4


def price(blocks: Any, adjacency: Any, current: Any, assignment: Any, profile: Any) -> float:
    """Return the cost of a division of all blocks; grids inherit by their id."""
    layout = build_layout(blocks, adjacency, profile, current=current)
    ids = layout.frame["block_id"].astype(str)
    names = assignment.reindex(ids).to_numpy(dtype=object)
    part = renumber(names)
    heirs = np.full(int(part.max()) + 1, NOWHERE)
    for number, name in zip(part, names, strict=True):
        if name in layout.today_ids:
            heirs[number] = layout.today_ids.index(name)
    return sum(total_cost(layout, part, profile, heirs=heirs).values())


@st.composite
def towns(draw: Any) -> tuple[Any, Any, Any]:
    seed = draw(st.integers(0, 10_000))
    cells = rng(seed).integers(0, 160, (5, 6))
    blocks = town(cells)
    walls = borders(blocks)[["focal", "neighbor"]].to_numpy().tolist()
    barred = [tuple(walls[i]) for i in rng(seed + 1).choice(len(walls), 4, replace=False)]
    return blocks, borders(blocks, barred=barred), seed


@given(made=towns(), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=12)
def test_what_is_saved_in_the_part_is_saved_in_the_whole_and_it_never_gets_worse(made: Any, seed: int) -> None:
    blocks, adjacency, number = made
    profile = replace(QUICK, division=replace(QUICK.division, proof_nodes_per_block=0))
    current = divide(blocks, adjacency, profile, rng=rng(number)).assignment
    chosen = sorted(set(current))[:: 1 + seed % 2]
    after = draw(blocks, current, chosen, adjacency=adjacency)
    before = redivide(blocks, adjacency, profile, current=current, grids=chosen, rng=rng(), budget_s=1e-9)
    assert_lawful(blocks, adjacency, after.assignment)
    saved = price(blocks, adjacency, current, current, QUICK) - price(
        blocks, adjacency, current, after.assignment, QUICK
    )
    assert saved >= -1e-9
    assert before.total - after.total >= -1e-9
    inner = price_part(blocks, adjacency, current, chosen, after, saved)
    assert inner == pytest.approx(after.total)


def price_part(blocks: Any, adjacency: Any, current: Any, chosen: Any, after: Division, saved: float) -> float:
    """Return what the part drawn anew should cost: what today's grids cost there, less what the whole has saved."""
    names = current.to_dict()
    same = redivide(
        blocks, adjacency, QUICK, current=current, grids=chosen, rng=rng(),
        locks=Locks(fixed={block: names[block] for block in names if names[block] in chosen}),
    )  # fmt: skip
    assert same.assignment.to_dict() == names
    return same.total - saved


@given(made=towns(), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=8)
def test_drawing_all_grids_anew_bounds_as_dividing_from_today_does(made: Any, seed: int) -> None:
    blocks, adjacency, _ = made
    current = today(blocks, [f"g{(i // 6) // 3}{(i % 6) // 3}" for i in range(30)])
    mixed, pairs = blocks.sample(frac=1, random_state=seed), adjacency.sample(frac=1, random_state=seed)
    one = draw(blocks, current, sorted(set(current)), adjacency=adjacency)
    two = divide(blocks, adjacency, QUICK, rng=rng(), current=current)
    again = draw(mixed, current, sorted(set(current)), adjacency=pairs)
    assert again.assignment.to_dict() == one.assignment.to_dict()
    if one.status == two.status == "optimal":
        assert one.total == pytest.approx(two.total)
    assert one.bound <= two.total + 1e-9
    assert two.bound <= one.total + 1e-9
