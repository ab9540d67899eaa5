import pytest

from spatial.errors import InputError
from spatial.folding import fold_header
from spatial.io.headers import count_known, find_columns


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("小区名称", "name"), ("樓盤名稱", "name"), ("總戶數", "households"), ("总户数（户）", "households"),
        ("住戶數", "households"),
        ("經度", "lon"), ("LNG", "lon"), ("緯度", "lat"), ("经纬度", "lonlat"), ("坐标", "lonlat"),
        ("楼栋数", "buildings"),
        ("封闭/开放", "access"), ("物业公司", "company"), ("建成年代", "built"), ("所属社区", "community"),
        ("building:levels", "levels"),
        ("ＮＡＭＥ", "name"), ("建筑面积 (m²)", "area"), ("所属社区居", "community"), ("building_l", "levels"),
    ],
)  # fmt: skip
def test_a_header_is_known_in_both_scripts_any_width_and_cut_by_a_dbf(header: str, field: str) -> None:
    assert find_columns(["序号", header], [field], "t") == {field: header}


def test_the_better_known_name_wins() -> None:
    assert find_columns(["户数", "总户数"], ["households"], "t") == {"households": "总户数"}


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="both say households"):
        find_columns(["总户数", "总户数 (2)"], ["households"], "t")


def test_an_estate_column_of_buildings_is_no_id_of_theirs() -> None:
    assert find_columns(["estate_id", "building_id"], ["building_id", "estate"], "t") == {
        "building_id": "building_id",
        "estate": "estate_id",
    }


def test_a_title_is_no_header() -> None:
    assert count_known(["江岸区小区名称一览表", "", ""]) == 0
    assert count_known(["小区名称", "地址", "户数"]) == 3


def test_notes_and_punctuation_do_not_count() -> None:
    assert fold_header(" 总 户 数（2020年）") == "总户数"
    assert fold_header("(户数)") == "(户数)", "a header that is a note alone keeps it"
