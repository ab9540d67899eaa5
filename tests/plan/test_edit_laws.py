"""Whatever edits are made, blocks, households and codes are kept; what breaks and mends is what the whole plan says."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spatial
from spatial.errors import EditError
from spatial.plan import edit_kinds as kinds
from spatial.plan.checks import check_plan
from spatial.plan.edit_kinds import Edit
from spatial.plan.edits import State, begin, build_ground, build_plan_grids
from spatial.plan.grids import build_grids
from spatial.plan.model import Plan
from spatial.tables import CIRCLES, SITES
from tests.plan.editing import (
    as_plan,
    blocks_in,
    differences,
    keys,
    line,
    messages,
    pieces_of,
    ring_town,
    run,
    strict_town,
    torn_town,
)
from tests.plan.towns import four_grids

STRICT = strict_town()
GROUND = build_ground(STRICT)
NUMBER = st.integers(0, 10_000)
KIND = st.sampled_from(
    ["move", "move", "move", "move", "line", "split", "merge", "dedicated", "retire", "lock", "unlock", "repair"]
)


def draw_edit(state: State, kind: str, a: int, b: int) -> Edit:
    """An edit that names grids and blocks of the state; it may still be refused."""
    grids, blocks = list(state.grids.index), list(GROUND.index)
    one, other = grids[a % len(grids)], grids[b % len(grids)]
    some = tuple(blocks[(a + k * k) % len(blocks)] for k in range(1 + b % 3))
    if kind == "line":
        return kinds.SplitAlong(one, line((-1 + a % 7, -1), (b % 6, 6)))
    made: dict[str, Edit] = {
        "move": kinds.MoveBlocks(some, other),
        "split": kinds.Split(one, 2),
        "merge": kinds.Merge((one, other)),
        "dedicated": kinds.CreateDedicated(some, f"market {a}"),
        "retire": kinds.Retire(one),
        "lock": kinds.Lock((one,)),
        "unlock": kinds.Unlock("all"),
        "repair": kinds.Repair(),
    }
    return made[kind]


def check_state(state: State, given_codes: dict[str, str]) -> None:
    """Every block in one grid, households kept, codes of one grid for ever."""
    assert list(state.assignment.index) == sorted(GROUND.index)
    assert set(state.assignment) == set(state.grids.index), "no grid is empty or unknown"
    rows = build_plan_grids(GROUND, state)
    assert rows["households"].sum() == GROUND.households.sum()
    codes = pd.concat([state.grids["code"], state.retired["code"]])
    assert codes.is_unique
    assert not set(state.grids.index) & set(state.retired.index)
    for grid_id, code in codes.items():
        assert given_codes.setdefault(code, grid_id) == grid_id
    assert set(given_codes) == set(codes), "what was given once is living or retired"
    assert set().union(*state.grids["predecessors"], *state.retired["successors"]) <= set(codes)


@settings(max_examples=15)
@given(st.lists(st.tuples(KIND, NUMBER, NUMBER), min_size=1, max_size=5))
def test_any_sequence_of_edits_keeps_the_laws_and_tells_what_the_whole_plan_says(
    steps: list[tuple[str, int, int]],
) -> None:
    state = begin(STRICT)
    given_codes = {code: grid_id for grid_id, code in state.grids["code"].items()}
    old = check_plan(as_plan(GROUND, state))
    for kind, a, b in steps:
        edit, digest = draw_edit(state, kind, a, b), state.digest
        try:
            out = run(GROUND, state, edit)
        except EditError:
            assert state.digest == digest
            continue
        assert state.digest == digest, "what was edited stays as it was"
        check_state(out.state, given_codes)
        for name in state.grids.index[state.grids["locked"]]:
            assert blocks_in(out.state, name) == blocks_in(state, name)
        new = check_plan(as_plan(GROUND, out.state))
        assert keys(out.caused) == keys(new) - keys(old), edit
        assert keys(out.cured) == keys(old) - keys(new), edit
        whole, old = messages(new), new
        assert messages(out.caused) | messages(out.kept) <= whole
        about = {row for row in whole if row[2] in out.changed_grids}
        if edit.kind not in ("lock", "unlock"):
            assert about == {row for row in messages(out.caused) | messages(out.kept) if row[2] in out.changed_grids}
        assert State.from_dict(out.state.to_dict()).digest == out.state.digest
        torn = {name for name in out.changed_grids if pieces_of(GROUND, blocks_in(out.state, name)) > 1}
        assert {stray.grid_id for stray in out.strays} == torn
        state = out.state


@settings(max_examples=15)
@given(st.sets(st.sampled_from(list(GROUND.index)), min_size=1, max_size=6), st.data())
def test_moving_there_and_back_is_the_same_state(names: set[str], data: Any) -> None:
    start = begin(STRICT)
    to = data.draw(st.sampled_from(list(start.grids.index)))
    order = data.draw(st.permutations(sorted(names)))
    try:
        there = run(GROUND, start, kinds.MoveBlocks(tuple(order), to))
    except EditError:
        return
    assert run(GROUND, start, kinds.MoveBlocks(tuple(sorted(names)), to)).state.digest == there.state.digest
    home = start.assignment[sorted(names)]
    back = run(GROUND, there.state, *(kinds.MoveBlocks(tuple(home.index[home == g]), g) for g in sorted(set(home))))
    assert back.state.digest == start.digest


@settings(max_examples=10)
@given(st.randoms(use_true_random=False), st.tuples(KIND, NUMBER, NUMBER))
def test_the_order_of_rows_changes_nothing(random: Any, step: tuple[str, int, int]) -> None:
    seed = random.randrange(1000)
    mixed = replace(
        STRICT,
        blocks=STRICT.blocks.sample(frac=1.0, random_state=seed),
        adjacency=STRICT.adjacency.sample(frac=1.0, random_state=seed),
        assignment=STRICT.assignment.sample(frac=1.0, random_state=seed),
        grids=STRICT.grids.sample(frac=1.0, random_state=seed),
        demand=STRICT.demand.sample(frac=1.0, random_state=seed),
    )
    edit = draw_edit(begin(STRICT), *step)
    try:
        one = run(GROUND, begin(STRICT), edit)
    except EditError as refused:
        with pytest.raises(EditError, match=re.escape(str(refused))):
            run(build_ground(mixed), begin(mixed), edit)
        return
    other = run(build_ground(mixed), begin(mixed), edit)
    assert other.state.digest == one.state.digest
    assert messages(other.caused) == messages(one.caused)
    pd.testing.assert_frame_equal(pd.DataFrame(other.metrics), pd.DataFrame(one.metrics))


# -- rules that look beyond a grid -------------------------------------------------------------------------------------


def compared(plan: Plan, *edits: Edit) -> tuple[Any, Any]:
    """Caused and cured, held against the whole plan first."""
    ground, state = build_ground(plan), begin(plan)
    out = run(ground, state, *edits)
    assert (keys(out.caused), keys(out.cured)) == differences(ground, state, out.state)
    return keys(out.caused), keys(out.cured)


def test_a_grid_in_the_hole_of_another_is_told_though_the_other_did_not_change() -> None:
    plan = ring_town()
    assert ("T8", "warning", "ring") in keys(check_plan(plan))
    _, cured = compared(plan, kinds.CreateDedicated(("b11",), "市场"))
    assert ("T8", "warning", "ring") in cured
    caused, _ = compared(
        plan, kinds.MoveBlocks(("b01",), "core"), kinds.MoveBlocks(("b01",), "ring"), kinds.Rename("core", "x")
    )
    assert not caused


def test_a_demand_point_outside_its_block_is_told_once_a_border_runs_between() -> None:
    plan = four_grids()
    demand = plan.demand.copy()
    demand.loc[demand["block_id"] == "b00", "geometry"] = demand.loc[demand["block_id"] == "b10", "geometry"].iloc[0]
    plan = replace(plan, demand=demand)
    assert not keys(check_plan(plan))
    caused, _ = compared(plan, kinds.MoveBlocks(("b10",), "g10"))
    assert caused == Counter([("T9", "error", "db00")])


def test_known_totals_and_two_communities_are_watched() -> None:
    caused, cured = compared(STRICT, kinds.MoveBlocks(("b30", "b31"), STRICT.assignment["b20"]))
    assert ("T5", "error", STRICT.assignment["b20"]) in caused
    assert ("totals", "warning", "610402001001") in caused
    assert cured == Counter([("band", "warning", "g10")])


def test_where_blocks_do_not_tile_the_whole_plan_is_checked() -> None:
    plan = torn_town()
    assert not build_ground(plan).sound
    caused, cured = compared(plan, kinds.MoveBlocks(("b33",), "g10"))
    assert {rule for rule, _, _ in {*caused, *cured}} & {"T3", "T4", "T6"}


def test_on_the_made_sample_edits_tell_what_the_whole_plan_says() -> None:
    inputs, _ = spatial.read_district(Path(__file__).parents[2] / "data" / "sample")
    profile = spatial.read_profile("about_500")
    land = spatial.build_blocks(inputs, profile)
    quick = replace(profile, division=replace(profile.division, proof_nodes_per_block=0, moves_per_block=50))
    label = spatial.divide(land.blocks, land.adjacency, quick, rng=np.random.default_rng(1)).assignment
    grids = build_grids(land.blocks, label, profile, adjacency=land.adjacency)
    crs = land.blocks.crs
    plan = Plan("sample", 1, profile, land.area, land.communities, land.blocks, land.adjacency, land.demand, label,
                grids, SITES.empty(crs), CIRCLES.empty(crs), land.barriers, {})  # fmt: skip
    ground, state = build_ground(plan), begin(plan)
    assert ground.sound
    rng, done = np.random.default_rng(3), 0
    for _ in range(8):
        border = land.adjacency.iloc[int(rng.integers(len(land.adjacency)))]
        edit = kinds.MoveBlocks((border["focal"],), state.assignment[border["neighbor"]])
        try:
            out = run(ground, state, edit)
        except EditError:
            continue
        done += 1
        assert (keys(out.caused), keys(out.cured)) == differences(ground, state, out.state)
        state = out.state
    assert done >= 4


def test_the_town_of_the_properties_can_break_many_rules() -> None:
    assert GROUND.sound
    assert len(GROUND.astray)
    assert {"band", "T9"} <= set(check_plan(STRICT)["rule"])
