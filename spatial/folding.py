"""When are two headers or words the same? Once width, script, case, notes and punctuation are taken away."""

import re
import unicodedata

_TRADITIONAL = (
    "戶數經緯標樓棟區稱總開閉業築層積類號點電話機證聯繫網編碼門單現狀構設圖"
    "邊範圍歲費稅務樁幢兒員戶說明時間備註別種鎮鄉縣處關鍵屬營場館學醫療費萬"
)
_SIMPLIFIED = (
    "户数经纬标楼栋区称总开闭业筑层积类号点电话机证联系网编码门单现状构设图"
    "边范围岁费税务桩幢儿员户说明时间备注别种镇乡县处关键属营场馆学医疗费万"
)
_TO_SIMPLIFIED = str.maketrans(
    _TRADITIONAL + "盤條線牆專職車庫衛質來資產證權屬", _SIMPLIFIED + "盘条线墙专职车库卫质来资产证权属"
)
_NOTE = re.compile(r"[(\[【（〔][^)\]】）〕]*[)\]】）〕]")
_FILLER = re.compile(r"[\s_\-:：/、,.·*#]+")


def fold_header(text: object) -> str:
    """Return a header as it is compared: half width, simplified script, lower case, no spaces, notes or punctuation."""
    half = unicodedata.normalize("NFKC", str(text)).translate(_TO_SIMPLIFIED).casefold()
    return _FILLER.sub("", _NOTE.sub("", half)) or _FILLER.sub("", half)
