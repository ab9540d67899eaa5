"""What a planner should know before trusting anything is said aloud; the rest stays in the list."""

from typing import Any

import pytest

from spatial.io.district import MISPLACED
from spatial.io.listing import group_listed, list_rows, say_loud


def _row(reason: str, detail: str, source: str = "estates") -> dict[str, Any]:
    return {"source": source, "row": "all", "reason": reason, "action": "kept", "detail": detail, "households": None}


@pytest.mark.parametrize("reason", [MISPLACED, "no row could be used", "gap between communities"])
def test_what_may_spoil_a_plan_is_said_with_its_source_and_detail(reason: str) -> None:
    assert say_loud([_row("outside the area", "甲苑"), _row(reason, "why")]) == [f"  estates: {reason} (why)"]


def test_of_one_reason_three_are_said_and_the_others_counted() -> None:
    rows = [_row("gap between communities", f"{n} m2", "communities") for n in range(5)]
    assert say_loud(rows) == [
        "  communities: gap between communities (0 m2)",
        "  communities: gap between communities (1 m2)",
        "  communities: gap between communities (2 m2)",
        "  ... and 2 more like it",
    ]


def test_what_was_merely_listed_is_not_said() -> None:
    assert say_loud([_row("outside the area", "甲苑"), _row("names no estate that is known", "丁苑")]) == []


def test_of_many_rows_a_text_that_all_share_stands_once() -> None:
    rows = [f"r{n}" for n in range(30)]
    alike = group_listed(list_rows("demand", rows, "not a point", "guessed", ["Polygon"] * 30))
    assert alike[["row", "detail"]].to_numpy().tolist() == [["30 rows", "r0, r1, r2, ...: Polygon"]]
    apart = group_listed(list_rows("demand", rows, "not a point", "guessed", ["Line", *["Polygon"] * 29]))
    assert apart["detail"].tolist() == ["r0: Line; r1: Polygon; r2: Polygon; ..."]
    silent = group_listed(list_rows("demand", rows, "not a point", "guessed"))
    assert silent["detail"].tolist() == ["r0; r1; r2; ..."]
