"""Demand and candidates as planners bring them: headers of offices, numbers with their units, ids as texts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spatial.errors import InputError
from spatial.io.site_columns import SITE_COLUMNS, know_columns, to_numbers
from spatial.io.site_inputs import SiteInputs, SiteSources, read_site_inputs

TIMES = "source_id,demand_id,seconds\n007,0010,5\n8,010,6\n"


def read(folder: Path, demand: str, candidates: str, encoding: str = "utf-8") -> SiteInputs:
    (folder / "times.csv").write_text(TIMES, encoding="utf-8")
    for name, text in (("demand.csv", demand), ("candidates.csv", candidates)):
        (folder / name).write_bytes(text.encode(encoding))
    return read_site_inputs(SiteSources(folder / "times.csv", folder / "demand.csv", folder / "candidates.csv"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_headers_of_offices_mean_what_plain_ones_do_and_are_told(encoding: str, tmp_path: Path) -> None:
    plain = read(
        tmp_path,
        "weight,id,elderly\n1200,0010,3\n8,010,4\n",
        "id,capacity,cost,mode,fixed,level,floor_area_m2,lon,lat\n007,90,300000,new,0,2,600,108.7,34.3\n8,,,,1,1,,,\n",
    )
    office = read(
        tmp_path,
        '户数,编号,elderly\n"1,200 户",0010,3\n8,010,4\n',
        "设施编码,容量,费用,取得方式,已有,级别,建筑面积,经度,纬度\n007,90,30万,新建,否,2,600㎡,108.7,34.3\n8,,,,是,1,,,\n",
        encoding,
    )
    for a, b in ((plain, office), (plain, plain)):
        assert a.setting.homes.ids.tolist() == b.setting.homes.ids.tolist() == ["0010", "010"]
        assert a.setting.homes.groups["weight"].tolist() == b.setting.homes.groups["weight"].tolist() == [1200.0, 8.0]
        assert b.setting.homes.groups["elderly"].tolist() == [3.0, 4.0]
        for name in ("ids", "existing", "price", "room", "xy", "level"):
            np.testing.assert_array_equal(getattr(a.setting.places, name), getattr(b.setting.places, name), name)
        assert b.setting.places.marks["mode"].tolist() == ["new", ""]
        np.testing.assert_array_equal(a.floor_area_m2, b.floor_area_m2)
    assert plain.notes == ()
    assert "demand.csv: read 编号 as id, 户数 as weight" in office.notes
    assert "费用 as cost" in office.notes[1]
    assert office.setting.places.marks["取得方式"].tolist() == ["新建", ""]  # a condition may name it so, too


def test_capitals_do_not_count_and_what_bears_its_own_name_stays(tmp_path: Path) -> None:
    given = read(tmp_path, "ID,Weight,户数\n0010,2,7\n010,3,7\n", "Id,COST,费用\n007,4,9\n8,5,9\n")
    assert given.setting.homes.groups["weight"].tolist() == [2.0, 3.0]
    assert given.setting.homes.groups["户数"].tolist() == [7.0, 7.0]
    assert given.setting.places.price.tolist() == [4.0, 5.0]
    assert given.notes == ()


def test_x_and_y_are_metres_and_never_degrees() -> None:
    assert know_columns(["编号", "x", "y"], SITE_COLUMNS, "c") == {"编号": "id"}
    assert know_columns(["ID", "Lng", "纬度"], SITE_COLUMNS, "c") == {"ID": "id", "Lng": "lon", "纬度": "lat"}


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(InputError, match="both say cost"):
        know_columns(["id", "费用", "费 用"], SITE_COLUMNS, "c")


def test_numbers_are_read_with_their_units_and_others_are_none() -> None:
    texts = pd.Series(["3", " 1,200 ", "30万", "600㎡", "", "inf", "暂无", "a few", "-2"])
    np.testing.assert_array_equal(to_numbers(texts), [3, 1200, 300_000, 600, np.nan, np.inf, np.nan, np.nan, -2])
