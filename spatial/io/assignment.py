"""How is it written down which block is in which grid?"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from spatial.errors import InputError
from spatial.io.atomic import replace_file, try_place
from spatial.io.features import locate

_SUFFIXES = (".csv", ".parquet")


def check_file_target(path: Path, suffixes: Iterable[str], inputs: Iterable[str | Path]) -> None:
    """Check that a file can be written and would replace none of the inputs; nothing is left behind.

    Raises
    ------
    InputError
        If its name ends otherwise, it is a folder or an input, or nothing can be written where it would stand.
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"found {path.name} to write to, needed a name that ends with {' or '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; needed a file to write to")
    for one in inputs:
        if locate(one).path.resolve() == path.resolve():
            raise InputError(f"{path} is an input and would be lost; needed another file to write to")
    try:
        try_place(path)
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from error


def write_assignment(assignment: Any, path: Path | str) -> None:
    """Write a Series ``block_id -> grid_id`` as CSV (UTF-8) or Parquet, sorted by block, whole or not at all.

    Raises
    ------
    InputError
        If the name ends with neither, or the disk refuses the file.
    """
    target = Path(path)
    frame = pd.DataFrame({"block_id": assignment.index.astype(str), "grid_id": assignment.to_numpy()}, dtype="str")
    frame = frame.sort_values("block_id", ignore_index=True)
    if target.suffix.lower() == ".parquet":
        _write(target, lambda beside: frame.to_parquet(beside, index=False))
    elif target.suffix.lower() == ".csv":
        _write(target, lambda beside: frame.to_csv(beside, index=False, encoding="utf-8", lineterminator="\n"))
    else:
        raise InputError(f"found {target.name}, needed a name that ends with {' or '.join(_SUFFIXES)}")


def write_report(report: Mapping[str, Any], path: Path | str) -> None:
    """Write a report as strict JSON, whole or not at all; a number that is not finite is null.

    Raises
    ------
    InputError
        If the disk refuses the file.
    """
    content = orjson.dumps(_plain(report), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    _write(Path(path), lambda beside: beside.write_bytes(content))


def _plain(value: Any) -> Any:
    """Return a value in the types of JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)


def _write(target: Path, fill: Any) -> None:
    try:
        replace_file(target, fill)
    except OSError as error:
        raise InputError(f"cannot write to {target}: {error.strerror or error}") from error
