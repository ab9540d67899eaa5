"""Names never run out and never repeat."""

import numpy as np

from spatial.sample.names import choose_companies, name_estates, name_places, name_streets, to_chinese


def test_thousands_of_estates_have_different_names() -> None:
    kinds = ["gated_towers"] * 3000 + ["compound"] * 300 + ["village"] * 200
    names = name_estates(kinds, np.random.default_rng(1))
    assert len(set(names)) == len(names) == 3500
    assert all("村" in name for name in names[3300:])


def test_hundreds_of_streets_have_different_names() -> None:
    names = name_streets(900, "巷", np.random.default_rng(1))
    assert len(set(names)) == 900
    assert all(name.endswith("巷") for name in names)


def test_places_are_counted_by_kind() -> None:
    assert name_places(["school", "park", "school"]) == ["第1小学", "第1公园", "第2小学"]


def test_most_walled_estates_have_a_company_and_most_open_ones_none() -> None:
    companies = choose_companies([True] * 400 + [False] * 400, np.random.default_rng(1))
    assert companies[:400].count("无") < 60
    assert companies[400:].count("无") > 240


def test_numbers_are_written_as_on_chinese_signs() -> None:
    assert [to_chinese(n) for n in (1, 9, 10, 11, 20, 21, 99)] == ["一", "九", "十", "十一", "二十", "二十一", "九十九"]
