"""What does it cost to serve whom from where? Tables of millions of pairs, read column by column, ids as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from spatial.errors import InputError
from spatial.folding import fold_header
from spatial.io.cost_csv import read_cost_csv
from spatial.io.headers import find_columns

_COSTS = ("seconds", "walk_s", "cost", "秒")
_SECONDS = frozenset(fold_header(name) for name in "seconds walk_s travel_s time_s duration_s 秒 秒数".split())
_SHOWN = 3

Texts = NDArray[Any]


@dataclass(frozen=True, slots=True)
class CostTable:
    """Pairs of site and demand by their place among known ids (-1: unknown), and what each pair costs.

    ``in_seconds`` says whether the column holds seconds; ``blank`` counts the pairs that had no cost and were left out.
    """

    site: NDArray[np.int64]
    demand: NDArray[np.int64]
    cost: NDArray[np.float64]
    column: str
    in_seconds: bool
    blank: int
    strange: Mapping[str, tuple[str, ...]]


def read_costs(path: Path, sites: Texts, demand: Texts, *, column: str | None = None) -> CostTable:
    """Return the pairs of a CSV or Parquet table with ``source_id``, ``demand_id`` and a column of costs.

    The column is ``seconds``, ``walk_s`` or ``cost``, or the only other one; a pair whose cost is empty or infinite
    cannot be served and is left out. ``strange`` holds ids of either side that are not known.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or a cost is no number or below 0.
    """
    table, names = _read(path, column)
    source, target, cost_name = names
    at, strange_sites = _places(table.column(source), sites)
    to, strange_demand = _places(table.column(target), demand)
    cost = _costs(table.column(cost_name), path.name, cost_name)
    below = np.flatnonzero(cost < 0)
    if len(below):
        raise InputError(
            f"{path.name}: {cost_name} is {cost[below[0]]:g} in row {below[0] + 1} of the data; needed 0 or more"
        )
    finite = np.isfinite(cost)
    blank = int((~finite).sum())
    if blank:
        at, to, cost = at[finite], to[finite], cost[finite]
    seconds = fold_header(cost_name) in _SECONDS
    return CostTable(at, to, cost, cost_name, seconds, blank, {"sites": strange_sites, "demand": strange_demand})


def _read(path: Path, column: str | None) -> tuple[Any, tuple[str, str, str]]:
    if not path.is_file():
        raise InputError(f"times: {path} is not there")
    try:
        if path.suffix.lower() == ".parquet":
            names = _pick(parquet.read_schema(path).names, path.name, column)
            return parquet.read_table(path, columns=list(names), read_dictionary=list(names[:2])), names
        if path.suffix.lower() in (".csv", ".txt", ".tsv"):
            return read_cost_csv(path, lambda names: _pick(names, path.name, column))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"times: {path.name} cannot be read: {_first_line(error)}") from error
    raise InputError(f"times: {path.name} ends with neither .csv nor .parquet")


def _pick(names: list[str], where: str, column: str | None) -> tuple[str, str, str]:
    """Return the columns of source, demand and cost; case and punctuation of their names do not count."""
    found = find_columns(names, ("source_id",), where)
    source = found.get("source_id")
    target = find_columns([name for name in names if name != source], ("demand_id",), where).get("demand_id")
    if source is None or target is None:
        raise InputError(f"{where}: found columns {', '.join(names)}; needed source_id, demand_id and a cost")
    others = [name for name in names if name not in (source, target)]
    wanted = [_alike(others, one) for one in ([column] if column else _COSTS)]
    cost = next((one for one in wanted if one), others[0] if len(others) == 1 and not column else None)
    if cost is None:
        raise InputError(
            f"{where}: found columns {', '.join(names)}; needed {column or 'seconds'!r}, or --cost-column to name one"
        )
    return source, target, cost


def _alike(names: list[str], wanted: str) -> str | None:
    """Return the name that is the wanted one, else the first that is like it."""
    alike = [name for name in names if fold_header(name) == fold_header(wanted)]
    return wanted if wanted in alike else next(iter(alike), None)


def _places(column: Any, known: Texts) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return where each id stands among the known ones, -1 where it does not, and some that do not."""
    place = {str(name): k for k, name in enumerate(known)}
    parts, strange = [], dict[str, None]()
    for chunk in column.chunks:
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        names = [_id_text(one) for one in coded.dictionary.to_pylist()]
        where = np.array([place.get(name, -1) for name in names] + [-1], dtype=np.int64)
        index = coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False).astype(np.int64)
        used = np.bincount(index, minlength=len(where))
        if used[len(names)]:
            strange[""] = None
        strange.update({name: None for k, name in enumerate(names) if where[k] < 0 and used[k]})
        parts.append(where[index])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64), tuple(sorted(strange))


def _id_text(value: Any) -> str:
    """Return an id as text: a whole number without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _costs(column: Any, where: str, name: str) -> NDArray[np.float64]:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise InputError(f"{where}: column {name} holds {column.type}; needed numbers")
    parts = [chunk.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def tell_strange(table: CostTable, where: str, known: Mapping[str, Texts]) -> str:
    """Return a sentence about ids of the table that are not known; "" where there are none.

    ``known`` holds the ids of ``sites`` and ``demand``: an id that one of them turns into as a number is told with it.
    """
    parts, hint = [], ""
    for side, file in (("sites", "candidates"), ("demand", "demand")):
        if names := table.strange[side]:
            shown = ", ".join(repr(one) for one in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            parts.append(f"{len(names)} ids that are not in the {file} ({shown})")
            hint = hint or _tell_twin(names, known[side], file)
    return f"{where} names {' and '.join(parts)}{hint}" if parts else ""


def _tell_twin(strange: tuple[str, ...], known: Texts, file: str) -> str:
    """Return which known id a strange one may stand for, where one of the two was once kept as a number."""
    twins = {_as_number(str(one)): str(one) for one in known}
    for one in strange:
        twin = twins.get(_as_number(one))
        if twin is not None and _as_number(one):
            return f"; {one!r} may stand for {twin!r} of the {file}, kept as a number by some program"
    return ""


def _as_number(name: str) -> str:
    """Return what is left of an id that went through a program of numbers; "" where that keeps nothing."""
    whole, _, fraction = name.partition(".")
    return (whole.lstrip("0") or "0") if whole.isdecimal() and not fraction.strip("0") else ""
