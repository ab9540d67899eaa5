"""Edits go over the wire and come back, and what is no edit is refused by name."""

from typing import Any

import numpy as np
import pytest

from spatial.errors import EditError
from spatial.plan import edit_kinds as kinds
from spatial.plan.edit_kinds import KINDS, Edit, edit_from_dict, edit_to_dict
from tests.plan.editing import line
from tests.plan.towns import CRS

EVERY = [
    kinds.MoveBlocks(("b00", "b01"), "g11"),
    kinds.SplitAlong("g00", line((-1, 1.4), (3, 1.4))),
    kinds.Split("g00"),
    kinds.Split("g00", 2),
    kinds.Merge(("g00", "g01")),
    kinds.Merge(("g00", "g01"), "g01"),
    kinds.CreateDedicated(("b00",), "市场", "market"),
    kinds.Retire("g00"),
    kinds.Rename("g00", "北"),
    kinds.SetAttributes("g00", {"a": 1, "b": None}),
    kinds.Lock("all"),
    kinds.Unlock(("g00",)),
    kinds.Redivide(("g00", "g01")),
    kinds.Repair(),
    kinds.Repair(("g00",)),
]


@pytest.mark.parametrize("edit", EVERY, ids=lambda e: e.kind)
def test_an_edit_comes_back_from_the_wire_as_it_went(edit: Edit) -> None:
    document = edit_to_dict(edit, CRS)
    again = edit_from_dict(document, CRS)
    if isinstance(edit, kinds.SplitAlong) and isinstance(again, kinds.SplitAlong):
        assert np.abs(np.array(again.line) - np.array(edit.line)).max() < 0.02, "seven decimals are a centimetre"
    else:
        assert again == edit
    assert edit_to_dict(again, CRS) == document


def test_every_kind_goes_over_the_wire() -> None:
    assert {edit.kind for edit in EVERY} == set(KINDS)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "needed an object"),
        ({"kind": "paint"}, "the kind 'paint', needed one of move_blocks"),
        ({"kind": ["x"]}, "needed one of"),
        ({"kind": "merge"}, "merge: found no 'grids'"),
        ({"kind": "merge", "grids": "g00"}, "merge.grids: found 'g00', needed a list of texts"),
        ({"kind": "merge", "grids": "all"}, "needed a list of texts"),
        ({"kind": "merge", "grids": [1, 2]}, "needed a text"),
        ({"kind": "merge", "grids": ["a", "b"], "to": "a"}, "merge: found 'to', needed only grids, into"),
        ({"kind": "split", "grid": "a", "parts": 1}, "needed a whole number of 2 or more"),
        ({"kind": "split", "grid": "a", "parts": True}, "needed a whole number"),
        ({"kind": "split_along", "grid": "a", "line": [[108.7, 34.3]]}, "two or more pairs"),
        ({"kind": "split_along", "grid": "a", "line": [[500000, 1], [2, 3]]}, "two or more pairs"),
        ({"kind": "split_along", "grid": "a", "line": [["x", 1], [2, 3]]}, "two or more pairs"),
        ({"kind": "redivide", "grids": ["a"], "budget_s": -1}, "seconds above 0"),
        ({"kind": "set_attributes", "grid": "a", "attributes": {"": 1}}, "named attributes"),
    ],
)
def test_what_is_no_edit_is_refused(document: Any, said: str) -> None:
    with pytest.raises(EditError) as refused:
        edit_from_dict(document, CRS)
    assert said in str(refused.value)


def test_a_line_may_come_as_geojson() -> None:
    xy = [[108.7, 34.3], [108.71, 34.31]]
    plain = edit_from_dict({"kind": "split_along", "grid": "a", "line": xy}, CRS)
    drawn = {"type": "LineString", "coordinates": xy}
    assert edit_from_dict({"kind": "split_along", "grid": "a", "line": drawn}, CRS) == plain
