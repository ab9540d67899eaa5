"""What does a set of open sites cost? One cost table serves the p-median and maximal cover models.

A demand point pays, per household, the cost of its cheapest open site, or ``default`` when none can serve it. With
seconds as costs that is the p-median; with cost 0 within the cutoff and a default of 1 it counts uncovered households.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spatial.siting.reach import Flags, Floats, Ints, Reach


@dataclass(frozen=True, slots=True)
class Costs:
    """Sparse costs; entries are sorted by row, then cost, then column, and each is below ``default``.

    Attributes
    ----------
    weight:
        Households of each row (rows are demand points, or several with the same entries).
    row, col, cost:
        The entries: demand point, site, cost per household.
    default:
        Cost per household that no open site serves.
    fixed:
        Columns that are open whatever is chosen.
    closed:
        Columns that may not open.
    """

    weight: Floats
    row: Ints
    col: Ints
    cost: Floats
    default: float
    fixed: Flags
    closed: Flags


@dataclass(frozen=True, slots=True)
class Served:
    """Cheapest and second cheapest open site of each row: costs per household, and the first one's column or -1."""

    first: Floats
    second: Floats
    col: Ints


def median_costs(reach: Reach) -> Costs:
    """Return seconds as costs; a household that no open site reaches counts twice the longest known walk."""
    return _merge_rows(reach, reach.walk_s, np.ones(len(reach.walk_s), dtype=bool), unserved_seconds(reach))


def walking_costs(reach: Reach, cutoff_s: float, opened: Flags) -> Costs:
    """Return seconds as costs of the households that some open site covers; to lose one of them costs more than all."""
    near = reach.walk_s <= cutoff_s
    covered = np.zeros(len(reach.households), dtype=bool)
    covered[reach.demand[near & opened[reach.site]]] = True
    default = float(reach.households.sum()) * (cutoff_s + 1.0) + 1.0
    return _merge_rows(reach, reach.walk_s, near & covered[reach.demand], default)


def unserved_seconds(reach: Reach) -> float:
    """Return the seconds that stand for a household out of reach: twice the longest known walk, at least one."""
    return max(2.0 * float(reach.walk_s.max(initial=0.0)), 1.0)


def cover_costs(reach: Reach, cutoff_s: float) -> Costs:
    """Return costs that count the households that no open site reaches within the cutoff."""
    return _merge_rows(reach, np.zeros(len(reach.walk_s)), reach.walk_s <= cutoff_s, 1.0)


def _merge_rows(reach: Reach, cost: Floats, used: Flags, default: float) -> Costs:
    """Join demand points with equal entries; points without households or without any site fall out."""
    used = used & (reach.households[reach.demand] > 0)
    row, col, cost = reach.demand[used], reach.site[used], cost[used]
    order = np.lexsort((col, cost, row))
    row, col, cost = row[order], col[order], cost[order]
    starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, dtype=np.int64)
    ends = np.r_[starts[1:], len(row)][: len(starts)]
    first: dict[bytes, int] = {}
    kept: list[tuple[int, int]] = []
    weight: list[float] = []
    for start, end in zip(
        starts.tolist(), ends.tolist(), strict=True
    ):  # a byte string per row is exact where a hash would be a bet
        key = col[start:end].tobytes() + cost[start:end].tobytes()
        if key in first:
            weight[first[key]] += reach.households[row[start]]
        else:
            first[key] = len(kept)
            kept.append((start, end))
            weight.append(reach.households[row[start]])
    entries = _ranges(kept)
    lengths = np.array([end - start for start, end in kept], dtype=np.int64)
    return Costs(
        weight=np.array(weight, dtype=np.float64),
        row=np.repeat(np.arange(len(kept)), lengths),
        col=col[entries],
        cost=cost[entries],
        default=default,
        fixed=reach.existing,
        closed=np.zeros(len(reach.existing), dtype=bool),
    )


def _ranges(spans: list[tuple[int, int]]) -> Ints:
    if not spans:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([np.arange(start, end) for start, end in spans])


def serve(costs: Costs, opened: Flags) -> Served:
    """Return what each row pays at its two cheapest open sites."""
    n = len(costs.weight)
    first, second = np.full(n, costs.default), np.full(n, costs.default)
    col = np.full(n, -1, dtype=np.int64)
    entry = np.flatnonzero(opened[costs.col])
    row = costs.row[entry]
    leads = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, dtype=np.int64)
    first[row[leads]] = costs.cost[entry[leads]]
    col[row[leads]] = costs.col[entry[leads]]
    follows = leads + 1
    follows = follows[follows < len(row)]
    follows = follows[row[follows] == row[follows - 1]]
    second[row[follows]] = costs.cost[entry[follows]]
    return Served(first, second, col)


def total(costs: Costs, opened: Flags) -> float:
    """Return the summed cost of all households."""
    return float(serve(costs, opened).first @ costs.weight)


def step(costs: Costs) -> float:
    """Return the least difference between two different totals: 1 where all entries are whole, else 0."""
    whole = np.concatenate([costs.cost, costs.weight, [costs.default]])
    return 1.0 if bool(np.all(whole == np.round(whole))) else 0.0


def restrict(costs: Costs, fixed: Flags, closed: Flags) -> Costs:
    """Return the costs with more columns fixed or closed; entries that can no longer matter fall out."""
    keep = ~closed[costs.col]
    cap = np.full(len(costs.weight), np.inf)
    sure = fixed[costs.col]
    np.minimum.at(cap, costs.row[sure], costs.cost[sure])
    keep &= costs.cost <= cap[costs.row]
    return replace(costs, row=costs.row[keep], col=costs.col[keep], cost=costs.cost[keep], fixed=fixed, closed=closed)


def as_flags(columns: NDArray[np.int64], size: int) -> Flags:
    """Return a flag per column, set for those named."""
    flags = np.zeros(size, dtype=bool)
    flags[columns] = True
    return flags
