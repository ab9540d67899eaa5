"""Lines of totals are no places: they are left out of every register, and counted."""

from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.crs import metric_crs
from spatial.io.estates import read_estates
from spatial.io.features import read_features
from spatial.io.site_inputs import SiteSources, read_site_inputs
from spatial.io.totals import find_totals
from spatial.io.walk_inputs import read_demand

CRS = metric_crs(114.3, 30.6)
REGISTER = "序号,小区名称,总户数,经度,纬度\n1,甲苑,300,114.30,30.60\n2,乙苑,约1.2千,114.31,30.60\n{},1500,,\n"


@pytest.mark.parametrize("line", ["合计,", ",合计", "总计：,", ",小 计", "3,共计", ",合計", "Total,", "SUM,"])
def test_a_line_of_totals_is_listed_and_not_counted(tmp_path: Path, line: str) -> None:
    (tmp_path / "小区.csv").write_text(REGISTER.format(line), encoding="utf-8")
    estates, listed = read_estates(tmp_path / "小区.csv", CRS)
    assert sorted(estates["households"]) == [300, 1200]
    assert listed[["row", "reason", "action"]].to_numpy().tolist() == [["4", "line of totals", "dropped"]]


def test_homes_that_are_walked_from_are_not_counted_twice_either(tmp_path: Path) -> None:
    text = "id,lon,lat,households\na,114.30,30.60,300\nb,114.31,30.60,200\n合计,114.30,30.60,500\n"
    (tmp_path / "homes.csv").write_text(text, encoding="utf-8")
    demand, _, _, listed = read_demand(read_features(tmp_path / "homes.csv", CRS, source="demand"), None, ())
    assert demand["households"].sum() == 500
    assert listed["reason"].tolist() == ["line of totals"]


def test_tables_of_a_siting_say_which_line_they_leave_out(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("source_id,demand_id,seconds\nA,a,60\nA,b,90\n", encoding="utf-8")
    (tmp_path / "homes.csv").write_text("id,weight\na,300\nb,200\n合计,500\n", encoding="utf-8")
    (tmp_path / "places.csv").write_text("id,cost\nA,5\n总计,5\n", encoding="utf-8")
    read = read_site_inputs(SiteSources(tmp_path / "times.csv", tmp_path / "homes.csv", tmp_path / "places.csv"))
    assert read.setting.homes.groups["weight"].tolist() == [300, 200]
    assert read.setting.places.ids.tolist() == ["A"]
    assert read.notes == (
        "homes.csv: 1 lines of totals are left out (row 3 of the data)",
        "places.csv: 1 lines of totals are left out (row 2 of the data)",
    )


def test_names_that_hold_such_a_word_and_words_among_the_counts_are_kept() -> None:
    frame = pd.DataFrame(
        {"id": ["1", "2", "3"], "name": ["合计花园", "Summit", "甲苑"], "kind": ["", "total view", "合计"]}, dtype="str"
    )
    assert not find_totals(frame).any()
    assert not find_totals(frame.iloc[:0]).any()


REGISTERS = (
    ({"序号": "3", "小区名称": "合计", "总户数": "1500", "经度": "114.30", "类型": "小区"}, True),
    ({"序号": "合计", "小区名称": "", "总户数": "约1.2千", "经度": "", "类型": ""}, True),
    ({"序号": "", "街道": "小计", "行政区": "江岸区", "小区名称": "", "总户数": "1500户"}, True),
    ({"id": "", "备注": "总计", "小区名称": "", "总户数": "1500"}, True),
    ({"社区名称": "甲社区", "类型": "合计", "总户数": "1500"}, False),
    ({"序号": "3", "小区名称": "甲苑", "类型": "合计", "总户数": "300"}, False),
    ({"id": "w12", "kind": "total", "access": "yes", "households": "5"}, False),
    ({"序号": "4", "小区名称": "合计花园", "类型": "小区", "总户数": "300"}, False),
    ({"foo": "", "bar": "ＴＯＴＡＬ", "baz": "12"}, True),
    ({"foo": "Ring", "bar": "Total", "baz": "north"}, False),
)


@pytest.mark.parametrize(("cells", "total"), REGISTERS)
def test_a_line_of_totals_is_known_in_whichever_order_the_columns_stand(cells: dict[str, str], total: bool) -> None:
    for order in permutations(cells):
        assert find_totals(pd.DataFrame([cells], dtype="str")[list(order)]).tolist() == [total]


WORD_OR_NOT = st.sampled_from(["", "合计", "小 计", "甲苑", "300", "约1.2千", "sum", "江岸区"])
COLUMNS = ["序号", "小区名称", "社区", "总户数", "经度", "备注", "kind"]


@given(st.lists(st.tuples(*[WORD_OR_NOT] * len(COLUMNS)), max_size=6), st.permutations(COLUMNS))
def test_neither_the_order_of_columns_nor_other_rows_tell_whether_a_row_is_a_total(
    rows: list[tuple[str, ...]], order: list[str]
) -> None:
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
    flags = find_totals(frame).tolist()
    assert find_totals(frame[order]).tolist() == flags
    assert [bool(find_totals(frame.iloc[[row]])[0]) for row in range(len(frame))] == flags
    named = frame["小区名称"].isin(["甲苑", "300", "约1.2千", "江岸区"]) & ~frame[["序号", "社区"]].isin(
        ["合计", "小 计", "sum"]
    ).any(axis=1)
    assert not (named.to_numpy() & find_totals(frame)).any()


def test_a_code_names_a_place_where_there_are_no_names() -> None:
    rows = pd.DataFrame({"id": ["17", "d", "", "合计"], "weight": ["4", "5", "9", "9"], "note": ["total"] * 3 + [""]})
    for columns in permutations(rows.columns):
        assert find_totals(rows[list(columns)]).tolist() == [False, False, True, True]
