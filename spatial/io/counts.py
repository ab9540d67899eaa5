"""What number does a cell of a register hold: ``2355 户``, ``约1,200户``, ``1.2万``, ``约1.2千``, ``暂无资料``?"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from spatial.errors import InputError

_BLANK = frozenset(
    "暂无资料 暂无数据 暂无信息 暂无 暂缺 无资料 无数据 无 未知 不详 不明 待定 待补充 缺失 缺 空 "
    "n/a na nan none null nil unknown missing #n/a "
    "#value! #ref! #div/0! #null! #name? ? - -- --- — —— / \\ . .. …".split()
) | {"", "n.a."}
_TO_SIMPLIFIED = str.maketrans("戶棟層資數據詳約餘萬個無暫", "户栋层资数据详约余万个无暂")
_NOTE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】")
_ABOUT = re.compile(r"^(?:大约|约为|大概|接近|约|近|~|≈|approx\.?|about|ca\.?)")
_MORE_OR_LESS = re.compile(r"(?:左右|上下|余|多|\+)(?=[^0-9]*$)")
_UNIT = re.compile(
    r"(?:户|家|套|栋|幢|座|人|个|名|口|间|层|楼|f|年|元|平方米|平米|㎡|m2|sqm|households?|units?|flats?|dwellings?|buildings?"
    r"|floors?|people|persons?)$"
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d{1,2})?")
_FACTORS = {"万": 10_000, "千": 1000, "百": 100}
_LARGEST = Decimal(10) ** 12
_FLOOR = re.compile(r"(?:第|地上|l)?(?P<below>地下|负|b|-)?f?(?P<number>\d{1,3})(?:层|楼|f|floor)?")
_TWO_NUMBERS = re.compile(r"\d\s+\d")


def parse_count(text: object) -> int | None:
    """Return the whole number that a cell holds, None where it says that nothing is known.

    Full-width digits, thousands separators, units, ``约`` / ``余``, notes in brackets, ``百``, ``千`` and ``万`` are
    understood.

    Raises
    ------
    InputError
        If it is a range, a fraction, negative or not a number at all.
    """
    number = parse_number(text)
    if number is None:
        return None
    if number < 0 or number != int(number):
        raise InputError(f"found {str(text)!r}, needed a whole number of at least 0")
    return int(number)


def parse_number(text: object) -> float | None:
    """Return the number that a cell holds, None where it says that nothing is known.

    Raises
    ------
    InputError
        If it is a range or not a number at all.
    """
    folded = _fold(text)
    if folded in _BLANK:
        return None
    half = unicodedata.normalize("NFKC", str(text))
    if _TWO_NUMBERS.search(half):
        raise InputError(f"found {str(text)!r}, needed one number")
    bare = _MORE_OR_LESS.sub("", _ABOUT.sub("", folded))
    bare = _UNIT.sub("", bare)
    factor = 1
    if bare.endswith(tuple(_FACTORS)):
        bare, factor = bare[:-1], _FACTORS[bare[-1]]
    bare = _MORE_OR_LESS.sub("", bare)
    if not _NUMBER.fullmatch(bare):
        raise InputError(f"found {str(text)!r}, needed one number")
    try:
        value = Decimal(bare.replace(",", "")) * factor
    except InvalidOperation as error:
        raise InputError(f"found {str(text)!r}, needed one number") from error
    if abs(value) > _LARGEST:
        raise InputError(f"found {str(text)!r}, needed a number below {_LARGEST:.0e}")
    return float(value)


def is_approximate(text: object) -> bool:
    """Tell whether a cell says ``约``, ``余``, ``左右``, ``about`` or the like of its number."""
    folded = _fold(text)
    return folded not in _BLANK and bool(_ABOUT.search(folded) or _MORE_OR_LESS.search(folded))


def parse_levels(text: object) -> float | None:
    """Return the storeys of a building, the mean where several are named (``6;7``); None where nothing is known.

    Raises
    ------
    InputError
        If no number is named, or one outside 0 to 200.
    """
    folded = _fold(text)
    if folded in _BLANK:
        return None
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:层|楼|f|floors?|levels?)?[;,/~、&+-]?)+", folded):
        raise InputError(f"found {str(text)!r}, needed a number of storeys")
    numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", folded)]
    mean = sum(numbers) / len(numbers)
    if not 0 < mean <= 200:
        raise InputError(f"found {str(text)!r}, needed a number of storeys between 0 and 200")
    return mean


def parse_floor(text: object) -> int | None:
    """Return a floor (``3层``, ``F3``, ``B1``, ``地下1层``); None where nothing is known.

    1 is the floor on the ground, -1 the first below it.

    Raises
    ------
    InputError
        If it is no floor, or floor 0.
    """
    folded = _fold(text)
    if folded in _BLANK:
        return None
    found = _FLOOR.fullmatch(folded.removesuffix(".0"))
    if found is None or int(found["number"]) == 0:
        raise InputError(f"found {str(text)!r}, needed a floor: 1 is that on the ground, -1 the first below it")
    return -int(found["number"]) if found["below"] else int(found["number"])


def _fold(text: object) -> str:
    """Return a cell in half width, simplified script and lower case, without spaces or notes in brackets."""
    half = unicodedata.normalize("NFKC", str(text if text is not None else "")).translate(_TO_SIMPLIFIED).casefold()
    half = re.sub(r"\s+", "", half)
    return _NOTE.sub("", half) or half.strip("()[]【】")
