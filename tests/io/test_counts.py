import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io.counts import is_approximate, parse_count, parse_levels, parse_number


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2355 户", 2355), ("2355户", 2355), ("2355戶", 2355), ("约1,200户", 1200), ("１２００户", 1200),
        ("1，200", 1200),
        ("1.2万户", 12000), ("约1.2千", 1200), ("3百户", 300), ("2千余户", 2000), ("500余户", 500),
        ("500多户", 500), ("近500户", 500), ("500户左右", 500),
        ("500+户", 500), ("2355户（其中别墅20户）", 2355), ("120.0", 120), ("0", 0), ("36套", 36),
        ("12 households", 12),
    ],
)  # fmt: skip
def test_a_count_is_read_as_planners_write_it(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "-", "--", "—", "暂无资料", "暫無資料", "暂无", "无", "未知", "N/A", "nan", "#REF!", "/"]
)
def test_a_cell_that_says_nothing_has_no_count(text: str) -> None:
    assert parse_count(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "300-500",
        "300～500户",
        "300至500",
        "300 500",
        "1 200",
        "12.5",
        "-5",
        "很多",
        "1,23",
        "3户2套x",
        "5%",
        "1e99",
        "2,3,4",
        "1千2百",
        "一千二百",
    ],
)
def test_a_range_a_fraction_or_a_word_is_refused_and_never_guessed(text: str) -> None:
    with pytest.raises(InputError, match="found"):
        parse_count(text)


@given(st.integers(0, 10**9), st.sampled_from(["{}", "{} 户", "约{}户", "{:,}", "{:,}戶", "  {}  ", "（{}户）"]))
def test_every_whole_number_comes_back(number: int, form: str) -> None:
    assert parse_count(form.format(number)) == number


@given(st.text(max_size=12))
def test_any_text_gives_a_count_nothing_or_an_input_error(text: str) -> None:
    try:
        count = parse_count(text)
    except InputError:
        return
    assert count is None or count >= 0


def test_counts_said_to_be_rough_are_known_as_such() -> None:
    assert [is_approximate(text) for text in ("约500户", "500余户", "500户", "", "-", "~300")] == [
        True, True, False, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "levels"), [("6", 6), ("6;7", 6.5), ("5.5", 5.5), ("6层", 6), ("6F", 6), ("", None)])
def test_levels_of_several_parts_are_their_mean(text: str, levels: float | None) -> None:
    assert parse_levels(text) == levels


@pytest.mark.parametrize("text", ["many", "0", "900", "-2"])
def test_impossible_levels_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="storeys"):
        parse_levels(text)


def test_an_area_keeps_its_fraction_and_drops_its_unit() -> None:
    assert parse_number("177,000.5 平方米") == 177000.5
    assert parse_number("850㎡") == 850
