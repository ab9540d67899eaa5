"""Which conditions of a siting question do words name: ``elderly=2``, ``mode=new:0-3``, ``2:15``?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spatial.errors import InputError
from spatial.io.site_inputs import MODES
from spatial.siting.conditions import Conditions, KindRule, LevelRule


def read_conditions(words: Mapping[str, Any], plain: Mapping[str, Any], unit: float) -> Conditions:
    """Return the conditions that options describe; their cutoffs are multiplied by ``unit``.

    ``words`` holds the texts of ``weights``, ``cutoffs`` and ``mode_prices``, lists of texts for ``kinds`` and
    ``levels``, and the number ``full_until``; each may be None. ``plain`` holds what goes by its name in Conditions.

    Raises
    ------
    InputError
        If a text does not say what it should.
    """
    kinds = [_read_kind(text) for text in words["kinds"] or ()]
    levels = _read_pairs("--level", ",".join(words["levels"] or ()).split(","), int, ":")
    full = words["full_until"]
    cutoffs, prices = _read_names("--cutoffs", words["cutoffs"]), _read_names("--mode-prices", words["mode_prices"])
    return Conditions(
        **plain,
        weights=_read_names("--weights", words["weights"]),
        cutoffs={name: unit * value for name, value in cutoffs.items()},
        mode_prices={MODES.get(name, name): value for name, value in prices.items()},
        full_until=None if full is None else unit * full,
        kinds=tuple(kinds),
        levels=tuple(LevelRule(rank, unit * limit) for rank, limit in levels.items()),
    )


def _read_names(flag: str, text: str | None) -> dict[str, float]:
    """Return ``a=1,b=2`` as names and numbers."""
    return _read_pairs(flag, (text or "").split(","), str, "=")


def _read_pairs(flag: str, parts: Sequence[str], key: Callable[[str], Any], mark: str) -> dict[Any, float]:
    """Return names and numbers of texts that have a mark between the two."""
    out: dict[Any, float] = {}
    for part in filter(None, (one.strip() for one in parts)):
        name, found, number = part.partition(mark)
        before = len(out)
        try:
            out[key(name.strip())] = float(number)
        except ValueError:
            found = ""
        if not found:
            raise InputError(f"found {flag} {part!r}, needed a name, {mark!r} and a number")
        if len(out) == before:
            raise InputError(f"found {flag} {name.strip()!r} twice, needed once")
    return out


def _read_kind(text: str) -> KindRule:
    """Return ``mode=new:0-3`` as a rule; without a number after the dash there is no most."""
    column, equals, rest = text.partition("=")
    value, colon, numbers = rest.rpartition(":")
    low, dash, high = numbers.partition("-")
    if not (equals and colon and dash and low.isdecimal() and (high.isdecimal() or not high)):
        raise InputError(f"found --kind {text!r}, needed column=value:least-most, such as mode=new:0-3")
    column, value = column.strip(), value.strip()
    named = MODES.get(value, value) if column == "mode" else value
    return KindRule(column, named, int(low), int(high) if high else None)
