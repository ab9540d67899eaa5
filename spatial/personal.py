"""Does a table hold personal data? Planning needs counts, never names, identity numbers or telephone numbers."""

import re
import unicodedata
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import PersonalDataError
from spatial.folding import fold_header

# Parts of a header that always mean a person's data.
_PERSON_PARTS = (
    "姓名 身份证 证件号 护照号 手机 电话 联系方式 微信 邮箱 银行卡 出生日期 出生年月 户口本 病史 人脸 指纹".split()
    + "idcard identitycard identitynumber nationalid passport phone telephone mobile cellphone email wechat".split()
    + "ownername residentname personname firstname lastname fullname surname givenname dateofbirth birthdate".split()
)
# Whole headers that mean a person's data.
_PERSON_WORDS = frozenset(
    "tel cell idno idnumber sfz sfzh xm sjh lxdh birthday dob ssn 生日 电邮 whatsapp 民族 政治面貌".split()
)
# Whole headers that mean a person unless the column holds numbers: 户主 is a name, a count of 户主 is not.
_PERSON_UNLESS_COUNT = frozenset(
    "户主 户主名 业主 房主 产权人 承租人 租户 住户 居民 联系人 负责人 责任人 经办人 填表人 网格员 网格长 "
    "专职网格员 兼职网格员 微网格长 "
    "楼栋长 楼长 单元长 党员 书记 站长 owner householder headofhousehold resident tenant contact contactperson "
    "person "
    "gridworker gridlead".split()
)
_CODED = re.compile(r"(?:id|code|编码|编号|代码|序号)$")

_IDENTITY = re.compile(r"(?<![0-9A-Za-z.])([1-8]\d{5}(?:18|19|20)\d{2}[01]\d[0-3]\d{4}[\dXx])(?![0-9A-Za-z]|\.\d)")
_SPACED_IDENTITY = re.compile(r"[1-8][\d \t-]{17,24}[\dXx]")
_MASKED = re.compile(r"(?<![0-9A-Za-z.])(?:[1-8]\d{2,9}\*{4,14}[\dXx]{0,6}|1[3-9]\d\*{4}\d{4})(?![0-9A-Za-z*])")
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z./_-])(?:\+?86[- ]?|0)?1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4})(?![0-9A-Za-z]|\.\d|[-_]\d)"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_MANY = 3
_HALF = 0.5


def check_personal(frame: Any, where: str) -> None:
    """Refuse a table with names, identity numbers or telephone numbers, by header and by the look of its values.

    The message names the column and the row, and never repeats a value. Fifteen-digit codes are not looked at: the
    identity numbers of that length ended in 1999 and look like the codes of grids.

    Raises
    ------
    PersonalDataError
        If a column holds personal data.
    """
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position]
        if getattr(values.dtype, "name", "") == "geometry":
            continue
        texts = _texts(values)
        found = _judge_header(str(column), texts)
        if not found and (found := _judge_values(str(column), texts)):
            found += f" (first in {_first_row(values)})"
        if found:
            raise PersonalDataError(
                f"{where}: column {str(column)!r} {found}; needed counts only, so delete that column and try again"
            )


def _first_row(values: Any) -> str:
    """Return the first row whose value looks like a number of a person, as a planner finds it in the file."""
    for position, (label, value) in enumerate(values.items(), 1):
        texts = _texts(values.iloc[position - 1 : position])
        if value is not None and texts and _judge_values("", texts):
            return f"row {label}" if values.index.name == "row" else f"row {position} of the data"
    return "several rows together"


def _texts(values: Any) -> list[str]:
    """Return the distinct values of a column as text, whole numbers without a fraction."""
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return []
    distinct = pd.unique(values.dropna().map(str) if values.dtype == object else values.dropna())
    if len(distinct) and isinstance(distinct[0], float | np.floating):
        distinct = [int(v) if np.isfinite(v) and float(v).is_integer() else v for v in distinct]
    return [text for value in distinct if (text := str(value).strip())]


def _judge_header(column: str, texts: list[str]) -> str:
    folded = fold_header(column)
    if folded in _PERSON_WORDS or any(part in folded for part in _PERSON_PARTS):
        return "is personal data by its name"
    if folded in _PERSON_UNLESS_COUNT and any(re.search(r"[^\d.,\s户人名个-]", text) for text in texts):
        return "names persons"
    return ""


def _judge_values(column: str, texts: list[str]) -> str:
    joined = unicodedata.normalize("NFKC", "\n".join(texts))
    if not joined:
        return ""
    closed_up = [re.sub(r"[\s-]", "", one) for one in joined.split("\n") if _SPACED_IDENTITY.fullmatch(one)]
    identities = [one for one in _IDENTITY.findall("\n".join([joined, *closed_up])) if _is_date(one[6:14])]
    coded = bool(_CODED.search(fold_header(column)))
    # A code may look like one mistyped identity number, other texts do not.
    if len(identities) >= (_MANY if coded else 1) or any(_checks(one) for one in identities):
        return "holds identity numbers"
    if _MASKED.search(joined):
        return "holds masked identity or telephone numbers"
    mobiles = len(_MOBILE.findall(joined))
    # Object ids of maps have as many digits as mobiles: an id column is refused only when mobiles fill it.
    needed = _HALF * len(texts) if coded else 1
    return "holds mobile telephone numbers" if mobiles and mobiles >= needed else ""


def _is_date(text: str) -> bool:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])) <= date(2100, 1, 1)
    except ValueError:
        return False


def _checks(identity: str) -> bool:
    """Tell whether the last character is the checksum of GB 11643."""
    total = sum(int(digit) * weight for digit, weight in zip(identity, _WEIGHTS, strict=False))
    return _CHECK[total % 11] == identity[-1].upper()
