import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from spatial.errors import InputError
from spatial.io.registers import read_table
from tests.real_data import real

TEXT = '小区名称,总户数,备注\r\n丽华苑,2355 户,"甲,乙"\r\n\r\n 保利城 ,暂无资料,\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_csv_is_read_in_any_usual_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "小区.csv"
    path.write_bytes(TEXT.replace("甲,乙", "甲;乙").replace(",", delimiter).encode(encoding))
    table = read_table(path)
    assert table.columns.tolist() == ["小区名称", "总户数", "备注"]
    assert table.to_numpy().tolist() == [["丽华苑", "2355 户", "甲;乙"], ["保利城", "暂无资料", ""]]
    assert table.index.tolist() == [2, 4], "rows bear their number in the file"
    assert table.attrs["encoding"] == encoding


def test_a_workbook_is_read_below_its_titles_with_merged_cells_and_ids_as_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["江岸区小区名录", None, None, None, None],
        [None] * 5,
        ["编号", "小区名称", "坐标", None, "总户数"],
        [None, None, "经度", "纬度", None],
        ["007", "丽华苑", 114.3, 30.6, 500],
        [8.0, "保利城", 114.31, 30.61, None],
    ):
        sheet.append(row)
    for merged in ("A1:E1", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "E5:E6"):
        sheet.merge_cells(merged)
    book.create_sheet("说明").append(["填表说明"])
    book.create_sheet("隐藏").sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert table.columns.tolist() == ["编号", "小区名称", "经度", "纬度", "总户数"]
    assert table.to_numpy().tolist() == [
        ["007", "丽华苑", "114.3", "30.6", "500"],
        ["8", "保利城", "114.31", "30.61", ""],
    ], "a merged total is not counted twice"
    assert table.attrs["header_row"] == 4
    assert table.attrs["unread_sheets"] == ["说明"]


def test_a_workbook_that_unpacks_beyond_measure_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (64 * 2**20))
    (tmp_path / "bomb.xlsx").write_bytes(packed.getvalue())
    with pytest.raises(InputError, match="zip bomb"):
        read_table(tmp_path / "bomb.xlsx")


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\x81\xff\xff,\xff", "is not in utf-8-sig or gb18030 or big5"),
        ("a.csv", b"name,x\0y", "zero bytes"),
        ("a.csv", 'name,lon,lat\n"丽华苑,1,2\n'.encode(), "not closed"),
        ("a.csv", "小区名称,经纬度\n丽华苑,114.3,30.6\n".encode(), "row 2 has 3 cells"),
        ("a.xlsx", b"PK\x03\x04 no workbook", "not a whole zip container"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "old .xls"),
        ("a.doc", b"x", "ends with none of"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, name: str, raw: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=says):
        read_table(tmp_path / name)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not there"):
        read_table(tmp_path / "none.csv")


def test_a_register_in_big5_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("小區名稱,總戶數\n麗華苑,500戶\n".encode("big5"))
    table = read_table(tmp_path / "a.csv")
    assert table.columns.tolist() == ["小區名稱", "總戶數"]
    assert table.attrs["encoding"] == "big5hkscs"


def test_a_sheet_formatted_to_the_last_cell_is_refused_and_not_walked(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["XFD1048576"] = "x"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match="delete the empty formatted ones"):
        read_table(tmp_path / "a.xlsx")


def test_a_real_register_is_read() -> None:
    table = read_table(real("dirty/estates_bd09_gbk.csv"))
    assert table.shape == (2500, 6)
    assert table.attrs["encoding"] == "gb18030"
