"""Which sites can serve which demand, and at what cost? The sparse table all siting engines read, and their answer.

A row is a place with demand, a column a site. Each row lists its sites from the cheapest on, ties by site; pairs that
are not listed cannot serve. Engines know neither frames nor ids: they say which columns are open, and how good that
provably is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spatial.errors import InputError, SpatialError
from spatial.walking.compiled import inner, kernel
from spatial.walking.compiling import working_s

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Sites = NDArray[np.int32]

Tick = Callable[[str, float, float, float], bool]
"""Called with stage, share done (0 to 1), value and bound; False asks the engine to stop with what it has."""

_RELATIVE = 1e-9
_LARGEST_WHOLE = 2.0**52


@dataclass(frozen=True, slots=True)
class Ways:
    """Costs by row, ascending: row ``i`` has the entries ``ptr[i]`` to ``ptr[i + 1]`` of ``site`` and ``cost``."""

    ptr: Ints
    site: Sites
    cost: Floats
    sites: int

    @property
    def rows(self) -> int:
        """Number of places with demand."""
        return len(self.ptr) - 1


@dataclass(frozen=True, slots=True)
class Found:
    """The best open set an engine found, its value, and how good any open set can be at most.

    ``proved`` says that value and bound meet: exactly for whole numbers, within 1e-9 of the value otherwise.
    """

    open: Flags
    value: float
    bound: float
    proved: bool
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an engine has to be done: ``budget_s`` seconds of ``clock`` after it was made; compiling does not count."""

    budget_s: float
    clock: Callable[[], float] = working_s
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Remember the start."""
        object.__setattr__(self, "started", self.clock())

    def spent(self) -> float:
        """Return the seconds since the start."""
        return self.clock() - self.started

    def left(self) -> float:
        """Return the seconds that are left, at least 0, and 0 where the clock was stopped for good (infinite)."""
        spent = self.spent()
        return self.budget_s - spent if spent < self.budget_s else 0.0


def build_ways(demand_index: Ints, site_index: Ints, cost: Floats, n: int, sites: int) -> Ways:
    """Return the table of ``n`` rows and ``sites`` columns from one entry per pair, in any order.

    Raises
    ------
    InputError
        If indices lie outside the table, a cost is negative or no number, or a pair stands twice.
    """
    row, col = np.asarray(demand_index, np.int64), np.asarray(site_index, np.int64)
    values = np.ascontiguousarray(cost, np.float64)
    _check(row, col, values, n, sites)
    ptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=n), out=ptr[1:])
    order = np.argsort(row, kind="stable")
    site, sorted_cost = col[order].astype(np.int32), values[order]
    _sort_rows(ptr, site, sorted_cost)
    ways = Ways(ptr, site, sorted_cost, sites)
    _refuse_doubles(ways)
    return ways


def within(ways: Ways, limit: float | Floats) -> Ways:
    """Return the entries that cost at most ``limit`` (one for all, or one per row); rows and columns stay."""
    per_row = np.broadcast_to(np.asarray(limit, np.float64), ways.rows)
    return keep(ways, ways.cost <= np.repeat(per_row, np.diff(ways.ptr)))


def keep(ways: Ways, kept: Flags) -> Ways:
    """Return the flagged entries; rows and columns stay."""
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)))[ways.ptr]
    return Ways(ptr, ways.site[kept], ways.cost[kept], ways.sites)


def by_site(ways: Ways) -> tuple[Ints, Sites, Floats]:
    """Return the table by column: where each begins, rows (ascending in each column) and costs."""
    table = sparse.csr_array((ways.cost, ways.site, ways.ptr), shape=(ways.rows, ways.sites)).tocsc()
    return table.indptr.astype(np.int64), table.indices.astype(np.int32), table.data


def row_of(ways: Ways) -> Ints:
    """Return the row of each entry."""
    return np.repeat(np.arange(ways.rows), np.diff(ways.ptr))


def serving(ways: Ways, opened: Flags) -> tuple[Ints, Floats]:
    """Return for each row the cheapest open site (-1 for none; ties by site) and its cost (infinite for none)."""
    at = np.flatnonzero(opened[ways.site])
    first = np.searchsorted(at, ways.ptr[:-1])
    entry = np.append(at, np.iinfo(np.int64).max)[first]
    served = entry < ways.ptr[1:]
    site, cost = np.full(ways.rows, -1, np.int64), np.full(ways.rows, np.inf)
    site[served], cost[served] = ways.site[entry[served]], ways.cost[entry[served]]
    return site, cost


def median_value(ways: Ways, weight: Floats | Ints, opened: Flags, missing: float | Floats) -> float:
    """Return the total of weight times cost; a row without an open site costs ``missing`` per unit of weight."""
    cost = np.minimum(serving(ways, opened)[1], missing)
    asks = np.asarray(weight) > 0
    return float(np.asarray(weight, np.float64)[asks] @ cost[asks])


def center_value(ways: Ways, opened: Flags, weight: Floats | Ints | None = None) -> float:
    """Return the largest cost over the rows with weight (all if none is given); infinite if one is not served."""
    cost = serving(ways, opened)[1]
    return float((cost if weight is None else cost[np.asarray(weight) > 0]).max(initial=0.0))


def cover_value(ways: Ways, weight: Floats | Ints, opened: Flags) -> float:
    """Return the weight of the rows that list an open site."""
    covered = np.isfinite(serving(ways, opened)[1])
    return float(np.asarray(weight, np.float64)[covered].sum())


def is_whole(*arrays: Floats | Ints) -> bool:
    """Tell whether all finite numbers are whole, and small enough that sums of them stay exact."""
    return all(
        bool((finite == np.rint(finite)).all()) and float(np.abs(finite).sum()) < _LARGEST_WHOLE
        for finite in (np.asarray(array)[np.isfinite(array)] for array in arrays)
    )


def closes(value: float, bound: float, *, whole: bool) -> bool:
    """Tell whether a bound meets a value: equal for whole numbers, within 1e-9 of the value otherwise."""
    if value == bound:
        return True
    return not whole and abs(value - bound) <= _RELATIVE * max(abs(value), 1.0)


def confirm(found: Found, value: float) -> Found:
    """Return an answer whose value, computed once more by plain sums, is the one it claims.

    Raises
    ------
    SpatialError
        If the two differ: an error in the engine, never of its input.
    """
    same = found.value == value or abs(found.value - value) <= _RELATIVE * max(abs(value), 1.0)
    if not same:
        raise SpatialError(f"siting: an engine claims {found.value!r} for sites that give {value!r}; this is a bug")
    return found


def _check(row: Ints, col: Ints, cost: Floats, n: int, sites: int) -> None:
    if not len(row) == len(col) == len(cost):
        raise InputError(f"ways: {len(row)} rows, {len(col)} sites and {len(cost)} costs; needed as many of each")
    for name, index, size in (("demand", row, n), ("site", col, sites)):
        bad = np.flatnonzero((index < 0) | (index >= size))
        if len(bad):
            raise InputError(f"ways: {name} {index[bad[0]]} of entry {bad[0]} lies outside 0 to {size - 1}")
    bad = np.flatnonzero(~(cost >= 0.0) | ~np.isfinite(cost))
    if len(bad):
        raise InputError(f"ways: cost {cost[bad[0]]} of entry {bad[0]}; needed a finite number of at least 0")


def _refuse_doubles(ways: Ways) -> None:
    """Raise if a site stands twice in a row."""
    row = row_of(ways)
    key = np.sort(row * ways.sites + ways.site)
    twice = np.flatnonzero(key[1:] == key[:-1])
    if len(twice):
        demand, site = divmod(int(key[twice[0]]), ways.sites)
        raise InputError(f"ways: demand {demand} and site {site} stand together twice; needed one cost per pair")


@kernel
def _sort_rows(ptr, site, cost):  # type: ignore[no-untyped-def]
    """Sort the entries of each row by cost and site, in place (heapsort)."""
    for i in range(len(ptr) - 1):
        low, count = ptr[i], ptr[i + 1] - ptr[i]
        for start in range(count // 2 - 1, -1, -1):
            _sift(site, cost, low, start, count)
        for end in range(count - 1, 0, -1):
            site[low], site[low + end] = site[low + end], site[low]
            cost[low], cost[low + end] = cost[low + end], cost[low]
            _sift(site, cost, low, np.int64(0), end)


@inner
def _sift(site, cost, low, at, end):  # type: ignore[no-untyped-def]
    value, name = cost[low + at], site[low + at]
    while True:
        child = 2 * at + 1
        if child >= end:
            break
        k = low + child
        if child + 1 < end and (cost[k + 1] > cost[k] or (cost[k + 1] == cost[k] and site[k + 1] > site[k])):
            child += 1
            k += 1
        if cost[k] < value or (cost[k] == value and site[k] <= name):
            break
        cost[low + at], site[low + at] = cost[k], site[k]
        at = child
    cost[low + at], site[low + at] = value, name
