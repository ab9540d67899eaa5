"""Does a report of a plan hold what its readers count on?"""

from collections.abc import Collection, Mapping
from typing import Any

from spatial.errors import InputError

_GRID = ("profile", "numbers", "grid")
_ENTRIES: Mapping[tuple[str, ...], tuple[type, ...]] = {
    ("plan_id",): (str,),
    ("plan_version",): (int,),
    ("seed",): (object,),
    ("profile",): (dict,),
    ("profile", "name"): (str,),
    ("profile", "title"): (str,),
    **{(*_GRID, f"{name}_households", "value"): (int,) for name in ("floor", "target", "ceiling")},
    ("summary",): (dict,),
    ("scorecard",): (object,),
    ("violations",): (dict,),
    ("listed",): (dict,),
    ("listed", "count"): (int,),
    ("not_used",): (list,),
    ("attribution",): (list,),
}
_FILE: Mapping[str, tuple[type, ...]] = {"bytes": (int,), "sha256": (str,)}
_SAID = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


def check_report(report: Mapping[str, Any], where: object, *, layers: Collection[str], files: Collection[str]) -> None:
    """Check that a report names the files of these layers, no file but ``files``, and every entry that is read.

    Raises
    ------
    InputError
        If an entry is missing, of another kind, or names a file that is no part of a plan.
    """
    named = report.get("files")
    if not isinstance(named, dict):
        raise InputError(f"{where} names no files; write the plan again")
    strange = sorted(set(named) - set(files))
    if strange:
        raise InputError(f"{where} names the file {strange[0]!r}, which is no part of a plan; write the plan again")
    for name in layers:
        if f"{name}.geojson" not in named:
            raise InputError(f"{where} names no file {name}.geojson; write the plan again")
    for file in named:
        _require(report, ("files", file), (dict,), where)
        for member, kinds in _FILE.items():
            _require(report, ("files", file, member), kinds, where)
    for path, kinds in _ENTRIES.items():
        _require(report, path, kinds, where)


def _require(report: Mapping[str, Any], path: tuple[str, ...], kinds: tuple[type, ...], where: object) -> None:
    found: Any = report
    for name in path:
        if not isinstance(found, dict) or name not in found:
            raise InputError(f"{where} misses the entry {'.'.join(path)}; write the plan again")
        found = found[name]
    if not isinstance(found, kinds) or (isinstance(found, bool) and object not in kinds):
        is_a = _SAID.get(type(found), "empty")
        raise InputError(f"{where}: entry {'.'.join(path)} is {is_a}; needed {_SAID[kinds[0]]}, write the plan again")
