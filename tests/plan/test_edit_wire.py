"""Edits go over the wire and come back, and what is no edit is refused by name."""

from typing import Any

import numpy as np
import pytest

from spatial.errors import EditError
from spatial.plan.edits import (
    KINDS,
    CreateDedicated,
    Edit,
    Lock,
    Merge,
    MoveBlocks,
    Redivide,
    Rename,
    Repair,
    Retire,
    SetAttributes,
    Split,
    SplitAlong,
    Unlock,
    edit_from_dict,
    edit_to_dict,
)
from tests.plan.editing import line
from tests.plan.towns import CRS

EVERY = [
    MoveBlocks(("b00", "b01"), "g11"),
    SplitAlong("g00", line((-1, 1.4), (3, 1.4))),
    Split("g00"),
    Split("g00", 2),
    Merge(("g00", "g01")),
    Merge(("g00", "g01"), "g01"),
    CreateDedicated(("b00",), "市场", "market"),
    Retire("g00"),
    Rename("g00", "北"),
    SetAttributes("g00", {"a": 1, "b": None}),
    Lock("all"),
    Unlock(("g00",)),
    Redivide(("g00", "g01")),
    Repair(),
    Repair(("g00",)),
]


@pytest.mark.parametrize("edit", EVERY, ids=lambda e: e.kind)
def test_an_edit_comes_back_from_the_wire_as_it_went(edit: Edit) -> None:
    document = edit_to_dict(edit, CRS)
    again = edit_from_dict(document, CRS)
    if isinstance(edit, SplitAlong) and isinstance(again, SplitAlong):
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
