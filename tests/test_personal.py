import pandas as pd
import pytest

from spatial.errors import PersonalDataError
from spatial.personal import check_personal

MOBILE = "138" + "00138000"
IDENTITY = "11010519491231002" + "X"  # the published example of GB 11643


@pytest.mark.parametrize(
    "column",
    ["姓名", "户主姓名", "户主", "身份证号", "身份證號", "手机", "联系电话", "聯繫電話", "物业电话",
     "业主", "联系人", "网格员", "owner name",
     "ID card", "Phone", "contact:phone", "mobile_no", "e-mail", "Tel", "出生日期"],
)  # fmt: skip
def test_a_column_is_refused_by_its_name(column: str) -> None:
    with pytest.raises(PersonalDataError, match=r"column .* needed counts only"):
        check_personal(pd.DataFrame({"小区名称": ["丽华苑"], column: ["某某"]}), "estates")


@pytest.mark.parametrize(
    "value",
    [
        MOBILE,
        f"电话{MOBILE}",
        f"+86 {MOBILE}",
        "138-0013-8000",
        IDENTITY,
        f"证号:{IDENTITY}",
        "110105********0021",
        "138****8000",
        "１３８００１３８０００",
        "110105 19491231 002X",
    ],
)
def test_a_value_is_refused_by_its_look_and_not_repeated(value: str) -> None:
    with pytest.raises(PersonalDataError, match="column '备注'") as caught:
        check_personal(pd.DataFrame({"备注": ["", "好", value]}), "estates")
    assert value not in str(caught.value)


def test_one_identity_number_with_a_wrong_check_digit_is_refused_outside_of_id_columns() -> None:
    mistyped = IDENTITY[:-1] + "3"
    for column in ("备注", "小区名称"):
        with pytest.raises(PersonalDataError, match="holds identity numbers"):
            check_personal(pd.DataFrame({column: ["好", "无", mistyped]}), "estates")
    for column in ("id", "小区编号", "社区代码", "code", "网格编码"):
        check_personal(pd.DataFrame({column: ["1", "2", mistyped]}), "estates")
        with pytest.raises(PersonalDataError, match="holds identity numbers"):
            check_personal(pd.DataFrame({column: ["1", "2", IDENTITY]}), "estates")
    check_personal(pd.DataFrame({"备注": [IDENTITY.replace("19491231", "19491331")]}), "no day of the calendar")


def test_numbers_are_looked_at_as_text_is() -> None:
    for values in ([int(MOBILE), 1], [float(MOBILE), None]):
        with pytest.raises(PersonalDataError, match="mobile"):
            check_personal(pd.DataFrame({"备注": values}), "estates")


def test_estates_codes_and_coordinates_pass() -> None:
    frame = pd.DataFrame(
        {
            "小区名称": ["138创意园", "业主之家", "手机城小区"],
            "物业公司": ["绿野物业", "无", "李记物业公司"],
            "网格编码": ["110108001002001", "420102001001010001", "61049900100101"],
            "社区代码": ["130102001001", "150102001002", "420102003001"],
            "经度": ["114.13812345678", "114.3", "113.9"],
            "x": [38512345.678, 38512346.1, 38512347.2],
            "户主数": ["120", "130户", ""],
            "网格员": ["3", "2", "1"],
            "地址": ["团结大道1051号", "友谊大道与团结路交汇处", "后湖大道158号"],
        }
    )
    check_personal(frame, "estates")


def test_object_ids_of_a_map_are_no_mobiles() -> None:
    check_personal(pd.DataFrame({"osm_id": [13012345678, 4567, 89123], "ref": ["node/13012345678"] * 3}), "pois")


def test_the_row_that_holds_a_telephone_number_is_named_as_the_file_counts_it() -> None:
    table = pd.DataFrame({"小区": ["甲", "乙", "丙"], "备注": ["", "见附件", "联系13812345678"]}, dtype="str")
    table.index = pd.Index([4, 5, 7], name="row")
    with pytest.raises(PersonalDataError, match=r"column '备注' holds mobile telephone numbers \(first in row 7\)"):
        check_personal(table, "小区.xlsx")
    with pytest.raises(PersonalDataError, match=r"\(first in row 3 of the data\)"):
        check_personal(table.reset_index(drop=True), "小区.xlsx")
