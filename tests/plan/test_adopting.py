"""A division that was worked out elsewhere becomes grids of a plan: each part as the grid of which it keeps most."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import EditError
from spatial.plan import edit_kinds as kinds
from spatial.plan.adopting import adopt_assignment
from spatial.plan.edits import begin, build_ground
from spatial.plan.model import Plan
from tests.plan.editing import blocks_in, run
from tests.plan.towns import block_frame, four_grids, make_plan

FOUR = build_ground(four_grids())
START = begin(four_grids())
TODAY: dict[str, str] = START.assignment.to_dict()
"""Four by four blocks of 125 households, in grids of two by two named g00, g01, g10 and g11."""


def three_columns() -> Plan:
    """Three by three blocks of different sizes in a grid for each column."""
    blocks = block_frame(3, 3).assign(households=[10, 70, 20, 130, 40, 90, 60, 30, 110])
    today = blocks["block_id"].map(lambda name: f"g{int(name[1])}")
    return make_plan(blocks, today.set_axis(blocks["block_id"]).rename("grid_id"))


NINE = build_ground(three_columns())
NINE_TODAY = begin(three_columns())


def groups(assignment: Any) -> set[frozenset[str]]:
    found: dict[str, set[str]] = {}
    for block, name in dict(assignment).items():
        found.setdefault(name, set()).add(block)
    return {frozenset(blocks) for blocks in found.values()}


def test_the_same_grids_under_other_names_change_nothing() -> None:
    turned = {"g00": "g11", "g01": "g10", "g10": "x", "g11": "g00"}
    out = adopt_assignment(FOUR, START, {block: turned[grid] for block, grid in TODAY.items()})
    assert (out.changed_grids, out.created, out.retired) == ((), (), ())
    assert out.state.assignment.to_dict() == TODAY


def test_a_part_goes_on_as_the_grid_of_which_it_keeps_most_households() -> None:
    moved = {**{block: f"part {grid}" for block, grid in TODAY.items()}, "b10": "part g10"}
    out = adopt_assignment(FOUR, START, moved)
    assert out.changed_grids == ("g00", "g10")
    assert out.metrics.set_index("grid_id")["households"].to_dict() == {"g00": 375, "g10": 625}
    assert (out.created, out.retired) == ((), ())
    same = run(FOUR, START, kinds.MoveBlocks(("b10",), "g10"))
    assert out.state.assignment.equals(same.state.assignment)


def test_further_parts_become_new_grids_and_grids_without_a_part_are_retired() -> None:
    split = {**{block: grid for block, grid in TODAY.items() if grid == "g00"}, "b00": "alone"}
    out = adopt_assignment(FOUR, START, split)
    (new,) = out.created
    assert blocks_in(out.state, new) == {"b00"}
    assert out.state.grids.loc[new, "predecessors"] == (START.grids.loc["g00", "code"],)
    joined = adopt_assignment(FOUR, START, {b: "one" for b, grid in TODAY.items() if grid in ("g00", "g10")})
    assert (joined.retired, joined.changed_grids) == (("g10",), ("g00",))
    assert joined.state.retired.loc["g10", "successors"] == (START.grids.loc["g00", "code"],)


def test_nothing_is_made_of_nothing() -> None:
    assert adopt_assignment(FOUR, START, {}).changed_grids == ()


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ({"b99": "x"}, "found block 'b99', needed one of the plan's 16 blocks"),
        ({"b00": "x"}, "it names blocks of grid 'g00' and not 'b01'; needed all blocks of a grid or none"),
        ({**TODAY, "b10": "g10"}, "grid 'g00' is locked"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(assignment: dict[str, str], said: str) -> None:
    locked = run(FOUR, START, kinds.Lock(("g00",))).state
    with pytest.raises(EditError, match=said):
        adopt_assignment(FOUR, locked, assignment)


def test_locked_and_dedicated_grids_may_stand_where_they_stay() -> None:
    state = run(FOUR, START, kinds.Lock(("g11",)), kinds.CreateDedicated(("b00",), "market")).state
    (market,) = set(state.grids.index) - set(START.grids.index)
    kept = {**state.assignment.to_dict(), "b20": "g00"}
    assert adopt_assignment(FOUR, state, kept).changed_grids == ("g00", "g10")
    with pytest.raises(EditError, match=f"it changes grid '{market}', which is dedicated; needed base grids alone"):
        adopt_assignment(FOUR, state, {**state.assignment.to_dict(), "b01": market})


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9), st.permutations(range(9)))
def test_no_other_way_to_hand_on_the_grids_keeps_more_households(parts: list[int], order: list[int]) -> None:
    blocks = NINE.plan.blocks
    names = blocks["block_id"].tolist()
    wanted = {names[k]: f"part {parts[k]}" for k in order}
    out = adopt_assignment(NINE, NINE_TODAY, wanted)
    assert groups(out.state.assignment.to_dict()) == groups(wanted)
    size = dict(zip(names, blocks["households"], strict=True))
    was, now = NINE_TODAY.assignment.to_dict(), out.state.assignment.to_dict()
    kept = sum(size[b] for b in names if now[b] == was[b])
    found = groups(wanted)
    some = [sorted(blocks_in(NINE_TODAY, grid)) for grid in sorted(set(was.values()))]
    slots = [*some, *([[]] * max(0, len(found) - len(some)))]
    best = max(
        sum(size[b] for part, grid in zip(found, chosen, strict=False) for b in part if b in grid)
        for chosen in permutations(slots, max(len(found), 0))
    )
    assert kept == best
