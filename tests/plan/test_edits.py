"""Edits change what they name and nothing else: cases worked by hand."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.errors import EditError, InputError, PersonalDataError
from spatial.plan import edit_kinds as kinds
from spatial.plan.checks import check_plan
from spatial.plan.edit_kinds import Edit
from spatial.plan.edits import Ground, State, begin, build_ground, build_plan_grids, diff_states
from spatial.plan.grids import build_grids
from tests.plan.editing import as_plan, blocks_in, keys, line, messages, pieces_of, run
from tests.plan.towns import CORNER, SIDE_M, block_frame, four_grids, make_plan

FOUR = build_ground(four_grids())
START = begin(four_grids())
C = "610402001001"


def test_a_block_that_moves_takes_its_households_with_it() -> None:
    out = run(FOUR, START, kinds.MoveBlocks(("b10",), "g10"))
    assert out.changed_grids == ("g00", "g10")
    assert out.metrics.set_index("grid_id")["households"].to_dict() == {"g00": 375, "g10": 625}
    assert out.metrics.set_index("grid_id")["households_before"].to_dict() == {"g00": 500, "g10": 500}
    assert out.metrics.set_index("grid_id")["deviation"].to_dict() == {"g00": -125, "g10": 125}
    assert out.metrics["deviation_share"].tolist() == [-0.25, 0.25]
    assert (len(out.caused), len(out.cured), out.strays, out.created, out.retired) == (0, 0, (), (), ())


def test_a_move_that_tears_a_grid_is_told_with_the_piece_and_its_box() -> None:
    out = run(FOUR, START, kinds.MoveBlocks(("b00",), "g11"))
    assert messages(out.caused) == messages(check_plan(as_plan(FOUR, out.state)))
    assert keys(out.caused) == Counter([("T2", "error", "g11")])
    (stray,) = out.strays
    assert (stray.grid_id, stray.blocks, stray.households) == ("g11", ("b00",), 125)
    assert stray.bbox == pytest.approx(tuple(CORNER) + tuple(CORNER + SIDE_M), abs=0.02)


def test_the_band_that_a_move_breaks_and_mends_is_told() -> None:
    torn = run(FOUR, START, kinds.MoveBlocks(("b10", "b11"), "g10"))
    assert keys(torn.caused) == Counter([("band", "warning", "g00"), ("band", "warning", "g10")])
    worse = run(FOUR, torn.state, kinds.MoveBlocks(("b01",), "g10"))
    assert (len(worse.caused), len(worse.cured)) == (0, 0)
    assert [m for m in worse.kept["message"] if m.startswith("875 households")], "kept ones tell the numbers of now"
    back = run(FOUR, torn.state, kinds.MoveBlocks(("b10", "b11"), "g00"))
    assert keys(back.cured) == keys(torn.caused)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (kinds.MoveBlocks((), "g00"), "move_blocks: found no block"),
        (kinds.MoveBlocks(("b99",), "g00"), "'b99', needed one of the plan's 16 blocks"),
        (kinds.MoveBlocks(("b00",), "g99"), "'g99', needed one of the 4 grids in use"),
        (kinds.MoveBlocks(("b00", "b01", "b10", "b11"), "g10"), "'g00' would lose its last block"),
        (kinds.Merge(("g00",)), "found 1 grid, needed at least two"),
        (kinds.Merge(("g00", "x")), "'x', needed one of the 4"),
        (kinds.Retire("x"), "'x'"),
        (kinds.Split("g00", 5), "has 4 blocks, needed at least 5"),
        (kinds.SplitAlong("g00", line((-1, 3), (5, 3))), "does not part it"),
        (kinds.SplitAlong("g00", line((0.1, -1), (0.1, 3))), "leaves all 4 blocks on one side"),
        (kinds.SplitAlong("g00", line((0.1, -1))), "a line of 1 points"),
        (kinds.CreateDedicated(("b00",), " "), "found no name"),
        (kinds.SetAttributes("g00", {"a": float("nan")}), "'a' is nan, needed a named text"),
        (kinds.Redivide(("x",)), "'x'"),
        (kinds.Redivide(()), "found no grid"),
        (kinds.Lock(()), "found no grid"),
        (kinds.Lock(("x",)), "lock: found grid 'x'"),
        (kinds.Repair(("x",)), "repair: found grid 'x'"),
        ("move", "found str, needed one of move_blocks"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(edit: Any, said: str) -> None:
    with pytest.raises(EditError) as refused:
        run(FOUR, START, edit)
    assert said in str(refused.value)


def test_a_batch_is_done_whole_or_not_at_all() -> None:
    digest = START.digest
    with pytest.raises(EditError, match="edit 2 of 2: move_blocks: found block 'b99'"):
        run(FOUR, START, kinds.MoveBlocks(("b10",), "g10"), kinds.MoveBlocks(("b99",), "g10"))
    assert START.digest == digest


def test_a_locked_grid_neither_loses_nor_gains() -> None:
    locked = run(FOUR, START, kinds.Lock(("g10",))).state
    for edit, said in (
        (kinds.MoveBlocks(("b20",), "g00"), "'g10' is locked, so it cannot lose block 'b20'"),
        (kinds.MoveBlocks(("b10",), "g10"), "'g10' is locked, so it cannot gain block 'b10'"),
        (kinds.Merge(("g00", "g10")), "'g10' is locked"),
        (kinds.Split("g10"), "'g10' is locked"),
        (kinds.SplitAlong("g10", line((0, 1), (4, 1))), "'g10' is locked"),
        (kinds.CreateDedicated(("b20",), "market"), "cannot lose block 'b20'"),
        (kinds.Retire("g10"), "'g10' is locked"),
        (kinds.Redivide(("g00", "g10")), "'g10' is locked"),
    ):
        with pytest.raises(EditError) as refused:
            run(FOUR, locked, edit)
        assert said in str(refused.value)
    assert run(FOUR, locked, kinds.Rename("g10", "东")).state.grids.loc["g10", "name"] == "东"
    assert blocks_in(run(FOUR, locked, kinds.Unlock(("g10",)), kinds.MoveBlocks(("b20",), "g00")).state, "g10") == {
        "b21", "b30", "b31",
    }  # fmt: skip


def test_all_grids_are_locked_and_unlocked_at_once() -> None:
    locked = run(FOUR, START, kinds.Lock("all"))
    assert locked.state.grids["locked"].all()
    assert locked.changed_grids == ("g00", "g01", "g10", "g11")
    assert run(FOUR, locked.state, kinds.Unlock("all")).state.digest == START.digest


def test_retiring_passes_a_locked_neighbour_by() -> None:
    locked = run(FOUR, START, kinds.Lock(("g10",))).state
    out = run(FOUR, locked, kinds.Retire("g00"))
    assert blocks_in(out.state, "g01") == {"b00", "b01", "b02", "b03", "b10", "b11", "b12", "b13"}
    with pytest.raises(EditError, match="'b00' of grid 'g00' touches no unlocked grid"):
        run(FOUR, run(FOUR, START, kinds.Lock(("g10", "g01", "g11"))).state, kinds.Retire("g00"))


def uneven() -> tuple[Ground, State]:
    """The four grids with 300 households in b00, 100 in b01, 50 in b10 and in b11."""
    plan = four_grids()
    held = plan.blocks["block_id"].map({"b00": 300, "b01": 100, "b10": 50, "b11": 50}).fillna(125).astype("int64")
    made = make_plan(plan.blocks.assign(households=held), plan.assignment)
    return build_ground(made), begin(made)


def test_a_line_splits_a_grid_and_the_part_of_most_households_keeps_the_code() -> None:
    ground, start = uneven()
    # at 1.4 most of the blocks of row 1 lie above the line, at 1.6 below it
    out = run(ground, start, kinds.SplitAlong("g00", line((-1, 1.4), (3, 1.4))))
    assert out.created == (f"{C}-005",)
    assert blocks_in(out.state, "g00") == {"b00", "b10"}
    assert blocks_in(out.state, f"{C}-005") == {"b01", "b11"}
    assert out.state.grids.loc["g00", "code"] == start.grids.loc["g00", "code"]
    assert out.state.grids.loc[f"{C}-005", "code"] == f"{C}005"
    assert out.state.grids.loc[f"{C}-005", "predecessors"] == (start.grids.loc["g00", "code"],)
    turned = run(ground, start, kinds.SplitAlong("g00", line((3, 1.4), (-1, 1.4))))
    assert turned.state.digest == out.state.digest
    with pytest.raises(EditError, match="leaves all 4 blocks on one side"):
        run(ground, start, kinds.SplitAlong("g00", line((-1, 1.6), (3, 1.6))))


def test_a_split_may_leave_a_part_in_pieces_and_says_so() -> None:
    made = make_plan(block_frame(4, 1), pd.Series("a", index=["b00", "b10", "b20", "b30"], name="grid_id"))
    ground = build_ground(made)
    # the line dips under the two middle blocks' roofs: they are cut out of the row
    out = run(ground, begin(made), kinds.SplitAlong("a", line((1, 2), (1, 0.01), (3, 0.01), (3, 2))))
    ends = blocks_in(out.state, "a")
    assert ends in ({"b00", "b30"}, {"b10", "b20"})
    assert [(s.blocks, s.households) for s in out.strays] == [(("b30",), 125)]


def test_the_engine_splits_into_as_many_contiguous_parts_as_asked() -> None:
    made = make_plan(block_frame(6, 2), pd.Series("a", index=block_frame(6, 2)["block_id"], name="grid_id"))
    ground, start = build_ground(made), begin(made)
    for parts in (None, 2, 3, 4, 6):
        out = run(ground, start, kinds.Split("a", parts))
        names = out.state.assignment.unique()
        assert len(names) == (parts or 3), "1,500 households are three grids of 500"
        assert all(pieces_of(ground, blocks_in(out.state, name)) == 1 for name in names)
        assert run(ground, start, kinds.Split("a", parts)).state.digest == out.state.digest


def test_the_larger_of_merged_grids_keeps_its_code_unless_one_is_named() -> None:
    more = run(FOUR, START, kinds.MoveBlocks(("b20",), "g00")).state
    out = run(FOUR, more, kinds.Merge(("g10", "g00", "g01")))
    assert (out.changed_grids, out.retired) == (("g00",), ("g01", "g10"))
    code = START.grids["code"]
    assert out.state.retired.loc["g10", "successors"] == (code["g00"],)
    assert out.state.retired.loc["g10", "code"] == code["g10"]
    named = run(FOUR, more, kinds.Merge(("g10", "g00"), into="g10"))
    assert (named.changed_grids, named.retired) == (("g10",), ("g00",))
    tie = run(FOUR, START, kinds.Merge(("g11", "g10")))
    assert tie.changed_grids == ("g10",)


def test_a_retired_code_is_never_given_again() -> None:
    state = START
    seen = set(START.grids["code"])
    for _ in range(3):
        split = run(FOUR, state, kinds.Split("g00", 2))
        (new,) = split.created
        assert split.state.grids.loc[new, "code"] not in seen
        seen.add(split.state.grids.loc[new, "code"])
        state = run(FOUR, split.state, kinds.Merge(("g00", new), into="g00")).state
    assert sorted(seen) == [f"{C}{n:03d}" for n in range(1, 8)]
    with pytest.raises(EditError, match=f"'{new}' is retired, {START.grids.loc['g00', 'code']} came after it"):
        run(FOUR, state, kinds.Rename(new, "x"))


def test_once_999_serials_were_used_the_lowest_free_one_is_given_and_then_none() -> None:
    plan = four_grids()
    high = replace(plan, grids=plan.grids.assign(code=[f"{C}001", f"{C}003", f"{C}004", f"{C}999"]))
    out = run(build_ground(high), begin(high), kinds.Split("g00", 2))
    assert out.created == (f"{C}-002",)
    gone = pd.DataFrame(
        {
            "code": [f"{C}{n:03d}" for n in range(1, 1000)],
            "name": "",
            "community_id": C,
            "predecessors": [()] * 999,
            "successors": [()] * 999,
        },
        index=pd.Index([f"{C}-{n:03d}" for n in range(1, 1000)], name="grid_id"),
    )
    plain = replace(plan, grids=plan.grids.assign(code=list("abcd")))
    with pytest.raises(EditError, match="all 999 serials"):
        run(FOUR, replace(begin(plain), retired=gone), kinds.Split("g00", 2))


def test_a_dedicated_grid_is_made_of_blocks_and_goes_back_to_its_neighbours() -> None:
    out = run(FOUR, START, kinds.CreateDedicated(("b11", "b21"), "批发市场", "market"))
    (new,) = out.created
    row = out.state.grids.loc[new]
    assert (row["name"], row["kind"], row["attributes"]) == ("批发市场", "dedicated", {"purpose": "market"})
    assert row["predecessors"] == tuple(sorted(START.grids.loc[["g00", "g10"], "code"]))
    back = run(FOUR, out.state, kinds.Retire(new)).state
    # each block has 200 m of border with the grid it came from, 100 m with the one north of it
    assert (back.assignment == START.assignment).all()
    assert back.retired.loc[new, "successors"] == row["predecessors"]


def test_a_grid_whose_blocks_all_become_dedicated_is_retired() -> None:
    out = run(FOUR, START, kinds.CreateDedicated(("b00", "b01", "b10", "b11"), "校园"))
    assert out.retired == ("g00",)
    assert out.state.retired.loc["g00", "successors"] == (f"{C}005",)


@pytest.mark.parametrize("value", [1, 1.0])
def test_a_flag_in_place_of_the_number_that_equals_it_is_a_change(value: float) -> None:
    one = run(FOUR, START, kinds.SetAttributes("g00", {"open": value})).state
    out = run(FOUR, one, kinds.SetAttributes("g00", {"open": True}))
    assert out.changed_grids == ("g00",)
    assert out.state.grids.loc["g00", "attributes"]["open"] is True
    assert run(FOUR, out.state, kinds.SetAttributes("g00", {"open": True})).changed_grids == ()


def test_attributes_are_set_one_by_one_and_taken_away_by_none() -> None:
    one = run(FOUR, START, kinds.SetAttributes("g00", {"丁": 3, "note": "夜市", "open": True})).state
    two = run(FOUR, one, kinds.SetAttributes("g00", {"note": None, "share": 0.5})).state
    assert two.grids.loc["g00", "attributes"] == {"open": True, "share": 0.5, "丁": 3}
    assert START.grids.loc["g00", "attributes"] == {}


@pytest.mark.parametrize(
    "edit",
    [
        kinds.SetAttributes("g00", {"网格员": "张三"}),
        kinds.SetAttributes("g00", {"note": "13812345678"}),
        kinds.SetAttributes("g00", {"身份证": "x"}),
        kinds.Rename("g00", "找 13812345678"),
        kinds.CreateDedicated(("b00",), "市场", "13812345678"),
    ],
)
def test_personal_data_are_refused_wherever_a_text_is_taken(edit: Edit) -> None:
    with pytest.raises(PersonalDataError):
        run(FOUR, START, edit)


def test_redividing_two_grids_keeps_the_rest_and_their_locks() -> None:
    skew = run(FOUR, START, kinds.MoveBlocks(("b20", "b21"), "g00"), kinds.Lock(("g01", "g11"))).state
    out = run(FOUR, skew, kinds.Redivide(("g00", "g10")))
    assert out.metrics.set_index("grid_id")["status"].to_dict() == {"g00": "in_band", "g10": "in_band"}
    assert out.notes, "the engine says what it did"
    for name in ("g01", "g11"):
        assert blocks_in(out.state, name) == blocks_in(START, name)
        assert out.state.grids.loc[name, "locked"]
    merged = run(FOUR, START, kinds.Merge(("g00", "g10")))
    grown = run(FOUR, merged.state, kinds.Redivide(("g00",)))
    assert grown.created == (f"{C}-005",), "the retired id is not given again"
    assert grown.state.grids.loc[f"{C}-005", "predecessors"] == (START.grids.loc["g00", "code"],)


def test_dedicated_grids_are_not_drawn_anew() -> None:
    state = run(FOUR, START, kinds.CreateDedicated(("b00",), "市场")).state
    with pytest.raises(EditError, match="is dedicated; needed base grids alone"):
        run(FOUR, state, kinds.Redivide(("g00", f"{C}-005")))


def test_two_states_differ_in_what_was_done() -> None:
    out = run(FOUR, START, kinds.MoveBlocks(("b10",), "g10"), kinds.Rename("g01", "北"), kinds.Merge(("g10", "g11")))
    diff = diff_states(START, out.state)
    assert diff.moved.to_dict("records")[0] == {"block_id": "b10", "from_grid": "g00", "to_grid": "g10"}
    assert (diff.created, diff.retired, diff.changed) == ((), ("g11",), {"g01": ("name",)})
    assert diff.grids == ("g00", "g01", "g10", "g11")
    assert diff.to_dict()["retired"] == ["g11"]
    assert diff_states(START, START).grids == ()


def test_the_grids_of_a_fresh_state_are_those_of_the_plan() -> None:
    rows = build_plan_grids(FOUR, START)
    made = build_grids(FOUR.blocks, START.assignment, FOUR.profile, adjacency=FOUR.adjacency)
    assert shapely.equals_identical(rows.geometry.to_numpy(), made.geometry.to_numpy()).all()
    pd.testing.assert_frame_equal(
        pd.DataFrame(rows[made.columns.drop("geometry")]), pd.DataFrame(made.drop(columns="geometry"))
    )


def test_a_set_of_blocks_is_measured_once_and_told_of_whatever_grid_it_is() -> None:
    ground = replace(FOUR, measured={})
    first = run(ground, START, kinds.Rename("g00", "北"), kinds.MoveBlocks(("b10",), "g10"))
    measured = dict(ground.measured)
    out = run(ground, first.state, kinds.Lock("all"))
    assert len(measured) == 2
    assert ground.measured.keys() == measured.keys()  # a lock draws nothing; its numbers are made when asked for
    assert len(out.metrics) == len(ground.measured) == 4
    assert all(ground.measured[key] is told for key, told in measured.items())
    whole = build_plan_grids(FOUR, out.state)
    again = run(ground, out.state, kinds.Unlock("all"))
    assert len(ground.measured) == 4
    for made, locked in ((out, True), (again, False)):
        assert shapely.equals_identical(made.metrics.geometry.to_numpy(), whole.geometry.to_numpy()).all()
        told = pd.DataFrame(made.metrics[whole.columns.drop("geometry")])
        pd.testing.assert_frame_equal(told, pd.DataFrame(whole.drop(columns="geometry")).assign(locked=locked))


def test_no_more_sets_of_blocks_are_kept_than_two_for_each_block() -> None:
    ground = replace(FOUR, measured={})
    state, most = START, 2 * len(FOUR.index)
    for number in range(2 * most):
        rows = np.random.default_rng(number).choice(len(FOUR.index), 2, replace=False)
        block, other = (str(FOUR.index[k]) for k in rows)
        to = state.assignment[other]
        if (state.assignment == state.assignment[block]).sum() == 1 or state.assignment[block] == to:
            continue
        out = run(ground, state, kinds.MoveBlocks((block,), to))
        assert 0 < len(ground.measured) <= most
        whole = build_plan_grids(FOUR, out.state).set_index("grid_id")
        told = out.metrics.set_index("grid_id")[whole.columns]
        pd.testing.assert_frame_equal(pd.DataFrame(told), pd.DataFrame(whole.loc[told.index]))
        state = out.state


def test_a_plan_whose_tables_do_not_fit_is_not_edited() -> None:
    plan = four_grids()
    for broken, said in (
        (replace(plan, assignment=plan.assignment.iloc[1:]), "lies not in exactly one grid"),
        (replace(plan, grids=plan.grids.iloc[1:]), "'g00' has no block or is not listed"),
        (replace(plan, grids=plan.grids.assign(code="x")), "'g01' has no code or that of another"),
    ):
        with pytest.raises(InputError, match=said):
            begin(broken)
    with pytest.raises(InputError, match="needed just the 16"):
        run(FOUR, replace(START, assignment=START.assignment.iloc[1:]), kinds.Rename("g00", "x"))
