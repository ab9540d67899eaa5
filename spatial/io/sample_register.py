"""How is a register of estates written as an office keeps it: an Excel table of points with Chinese headers?"""

import io
import re
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from spatial.crs import LONLAT, transform_xy

HEADERS = ["序号", "小区名称", "总户数", "封闭/开放", "物业公司", "楼栋数", "经度", "纬度"]
UNKNOWN = "暂无资料"
_ACCESS = {"gated": "封闭", "open": "开放"}
_DECIMALS = 6
_EVERY_UNKNOWN = 23
"""Every so many-th estate has no count of households, as in real registers."""
_MADE = datetime(2000, 1, 1)
_STAMPS = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def write_register(estates: Any, path: Path) -> None:
    """Write the estates as points within them: households as ``2355户``, one now and then missing."""
    points = estates.geometry.representative_point()
    lonlat = np.round(transform_xy(np.column_stack([points.x, points.y]), estates.crs, LONLAT), _DECIMALS)
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "小区名录"
    sheet.append(HEADERS)
    columns = (estates[name].tolist() for name in ("name", "households", "access", "company", "buildings"))
    for number, (name, households, access, company, buildings, place) in enumerate(
        zip(*columns, lonlat.tolist(), strict=True), 1
    ):
        count = UNKNOWN if number % _EVERY_UNKNOWN == 0 else f"{households}户"
        sheet.append([number, name, count, _ACCESS[access], company, buildings, *place])
    path.write_bytes(_without_clock(workbook))


def _without_clock(workbook: Any) -> bytes:
    """Return the bytes of a workbook that do not tell when it was saved."""
    saved, out = io.BytesIO(), io.BytesIO()
    workbook.save(saved)
    with zipfile.ZipFile(saved) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            content = given.read(name)
            if name == "docProps/core.xml":
                content = _STAMPS.sub(rb"\g<1>" + _MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), content)
            entry = zipfile.ZipInfo(name, _MADE.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, content)
    return out.getvalue()
