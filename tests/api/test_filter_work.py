"""What is broken inside of brackets costs the reader of filters twice as much for each of them, and is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filter_work import measure_work
from api.filters import read_filter
from spatial.errors import InputError

DEAR = [
    "(" * 60, "not (" * 40, "a = (" * 40, "a IN (" * 40, "(1 + " * 40, "a AND (" * 40, "a BETWEEN (" * 40,
    "(a=')' AND " * 40, '(")" = 1 AND ' * 40, "POLYGON((" * 40, "(" * 16 + "a = 1 AND " * 200 + "=" + ")" * 16,
]  # fmt: skip
PARTS = ["(", ")", "not (", "a=(", "a in (", "(1+", "a between (", "casei(", "polygon((", "'('", '")"', "a=1", " and "]


@pytest.mark.parametrize("text", DEAR)
def test_brackets_that_would_keep_the_process_busy_for_years_are_refused_unread(text: str) -> None:
    with pytest.raises(InputError, match="too many brackets within brackets"):
        read_filter(text, "cql2-text")


def test_every_bracket_doubles_what_is_in_it_and_a_call_does_not() -> None:
    assert measure_work("a=1") == 3
    assert measure_work("(a=1)") == 2 * 5
    assert measure_work("((a))b") == 2 + 4 * 3 + 2 + 1
    assert measure_work("casei(a)") == 8
    assert measure_work("'((('") == 5


def test_what_people_write_is_read() -> None:
    ring = ",".join(["113.25 30.5"] * 1500)
    for text in (
        "((((((households > 5 AND (status = 'draft' OR name LIKE '%((((((((((((((((%')))))))",
        f"(S_INTERSECTS(geometry, MULTIPOLYGON((({ring}))))) OR households > 3",
        f"households IN ({','.join(['500'] * 3000)})",
        " OR ".join(["(households = 500)"] * 140),
    ):
        assert read_filter(text, "cql2-text")["op"]


@given(st.lists(st.sampled_from(PARTS), max_size=80).map("".join))
def test_whatever_is_sent_is_read_or_refused_in_a_sentence_and_never_hangs(text: str) -> None:
    assert measure_work(text) >= len(text)
    told = ""
    try:
        assert read_filter(text, "cql2-text") is not None
    except InputError as error:
        told = str(error)
    assert not told or told.startswith("filter ")
