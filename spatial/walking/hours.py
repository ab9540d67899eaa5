"""Is something open at a moment of the week, by what its opening hours say?

The common part of OpenStreetMap's ``opening_hours``: days and ranges of days, several ranges of times, ranges over
midnight, ``off``, ``24/7``; a later rule replaces what earlier ones say of its days, after a comma it adds to it.
Public and school holidays are no days of a week, so rules for them are left aside. Months, dates, the sun and free text
cannot be told from a day and a time: such hours are unreadable. Chinese days and signs are read too.
"""

import re
from functools import lru_cache

from spatial.errors import InputError

DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

Hours = tuple[tuple[int, int], ...]
"""Ranges of minutes of the week from Monday 0:00, rising, apart, half-open; they end at the end of the week."""
ALWAYS: Hours = ((0, WEEK_MIN),)

_HOLIDAYS = ("PH", "SH")
_SIGNS = str.maketrans({"：": ":", "；": ";", "，": ",", "、": ",", "～": "-", "~": "-", "–": "-", "—": "-", "　": " "})
_WORDS = (
    ("星期", "周"), ("礼拜", "周"), ("周天", "Su"), ("周末", "Sa,Su"), ("工作日", "Mo-Fr"),
    ("法定节假日", "PH"), ("节假日", "PH"),
    *((f"周{sign}", day) for sign, day in zip("一二三四五六日", DAYS, strict=True)),
    ("24小时", "24/7"), ("全天", "24/7"), ("每天", "Mo-Su"), ("每日", "Mo-Su"), ("关闭", "off"), ("休息", "off"),
    ("至", "-"), ("到", "-"), ("和", ","), ("次日", ""), ("翌日", ""),
)  # fmt: skip
_DAY = "|".join((*DAYS, *_HOLIDAYS))
_DAY_LIST = re.compile(
    rf"((?:{_DAY})(?:-(?:{_DAY}))?(?:\s*,\s*(?:{_DAY})(?:-(?:{_DAY}))?)*)(?:\s*:)?\s*", re.IGNORECASE
)
_TIME = r"(\d{1,2}):(\d{2})"
_RANGE = re.compile(rf"\s*{_TIME}\s*-\s*{_TIME}\s*")
_ADDS = re.compile(rf"(?<=[\d\w])\s*,\s*(?=(?:{_DAY})\b[^,;]*\d:\d\d)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def read_hours(text: str) -> Hours | None:
    """Return when something is open by its hours, or None where they cannot be read; empty hours are always open.

    Where only closed days are told, the other days are open.
    """
    plain = _plain(text)
    if not plain:
        return ALWAYS
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    told = set[int]()
    for rule in filter(None, (part.strip() for part in plain.split(";"))):
        for number, part in enumerate(_split_added(rule)):
            found = _read_rule(part)
            if found is None:
                return None
            where, ranges = found
            told.update(where)
            for day in where:
                days[day] = [*days[day], *ranges] if number else list(ranges)
    if not told:
        return None
    if not any(days):  # only closed days are told: the others are open
        days = [[] if day in told else [(0, DAY_MIN)] for day in range(len(DAYS))]
    return _join([(day * DAY_MIN + a, day * DAY_MIN + b) for day, ranges in enumerate(days) for a, b in ranges])


def is_open(hours: Hours, minute: int) -> bool:
    """Tell whether something is open at a minute of the week; what closes at 22:00 is closed at 22:00."""
    return any(start <= minute < end for start, end in hours)


def read_moment(text: str) -> int:
    """Return the minute of the week of a day and a time, such as ``Tu 20:30``.

    Raises
    ------
    InputError
        If the text is not a day of the week and a time.
    """
    found = re.fullmatch(rf"({'|'.join(DAYS)})\w*\s+{_TIME}", _plain(text), re.IGNORECASE)
    if found and int(found[2]) < 24 and int(found[3]) < 60:
        return _day(found[1]) * DAY_MIN + int(found[2]) * 60 + int(found[3])
    raise InputError(f"found the moment {text!r}, needed a day of the week and a time, such as 'Tu 20:30'")


def _plain(text: str) -> str:
    out = text.translate(_SIGNS).strip()
    for word, meant in _WORDS:
        out = out.replace(word, meant)
    return out.strip()


def _day(name: str) -> int:
    return DAYS.index(name.capitalize())


def _split_added(rule: str) -> list[str]:
    """Return the parts of a rule that add to one another: ``Mo-Fr 08:00-12:00, We 14:00-18:00`` has two."""
    out: list[str] = []
    for part in _ADDS.split(rule):
        # days before a comma may be the start of a list of days, as in "Mo,We 08:00-12:00"
        if out and ":" not in out[-1] and "off" not in out[-1].lower():
            out[-1] = f"{out[-1]},{part}"
        else:
            out.append(part)
    return out


def _read_rule(rule: str) -> tuple[list[int], list[tuple[int, int]]] | None:
    """Return (days, ranges of minutes from midnight) of one rule, None where it cannot be read."""
    if rule == "24/7":
        return list(range(7)), [(0, DAY_MIN)]
    found = _DAY_LIST.match(rule)
    days = _read_days(found[1]) if found else list(range(7))
    rest = rule[found.end() :].strip() if found else rule
    if rest.lower() in ("off", "closed"):
        return days, []
    if (rest == "" and found) or rest.lower() in ("open", "24/7"):
        return days, [(0, DAY_MIN)]
    ranges = [_RANGE.fullmatch(part) for part in rest.removesuffix("open").strip().split(",")]
    minutes = [_minutes(part) if part else None for part in ranges]
    if any(span is None for span in minutes):
        return None
    return days, [span for span in minutes if span is not None]


def _read_days(text: str) -> list[int]:
    """Return the days of a list such as ``Mo,We-Fr``; ranges may run over the weekend, holidays are left out."""
    out: set[int] = set()
    for part in text.split(","):
        names = [name.strip() for name in part.split("-")]
        if any(name.upper() in _HOLIDAYS for name in names):
            continue
        first, last = _day(names[0]), _day(names[-1])
        out |= {(first + k) % 7 for k in range((last - first) % 7 + 1)}
    return sorted(out)


def _minutes(found: re.Match[str]) -> tuple[int, int] | None:
    """Return a range of times in minutes from midnight; one that does not rise runs into the next day."""
    start, end = (int(found[i]) * 60 + int(found[i + 1]) for i in (1, 3))
    if start > DAY_MIN or end > 2 * DAY_MIN or int(found[2]) > 59 or int(found[4]) > 59:
        return None
    return start, end if end > start else end + DAY_MIN


def _join(ranges: list[tuple[int, int]]) -> Hours:
    """Return the ranges in one week, sorted and joined where they touch."""
    week: list[tuple[int, int]] = []
    for start, end in ranges:
        week += [(start, min(end, WEEK_MIN))] if start < WEEK_MIN else []
        if end > WEEK_MIN:
            week.append((max(0, start - WEEK_MIN), end - WEEK_MIN))
    out: list[tuple[int, int]] = []
    for start, end in sorted(week):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        elif end > start:
            out.append((start, end))
    return tuple(out)
