"""How good is a division, whoever made it? Rules kept and the common terms, from the frames and labels alone.

Nothing here knows how grids are found: it shares no code with the division and reads only BLOCKS, ADJACENCY and a
Series ``block_id -> label``. J is the common objective of the published instances:

    J = sum over grids of (d / 0.25)^2 + 20 max(0, d - 0.4) + sum over cut borders of shared_m / side_m (1.5 - clarity)
    d = |households - max(500, largest block)| / 500,  side_m = 2 sqrt(area / k)
    k = blocks above 700 + round(households of the others / 500), at least 1
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TARGET, FLOOR, CEILING = 500, 300, 700


@dataclass(frozen=True, slots=True)
class Verdict:
    """Sentences about rules that always hold and are ``broken``, and about grids ``below_floor``."""

    broken: tuple[str, ...]
    below_floor: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How labels do on the common terms; deviations are shares of 500 households, shares are 0-1.

    ``extra_parts`` counts connected parts beyond one per grid (0: contiguous); ``out_of_band`` grids outside 300-700
    (one that only its largest block lifts above 700 is not counted); ``clear_share`` and ``clarity`` are of the border
    between grids; ``compactness`` is Polsby-Popper, 4 pi area / perimeter^2.
    """

    grids: int
    extra_parts: int
    mean_deviation: float
    max_deviation: float
    within_20: float
    within_40: float
    out_of_band: int
    clear_share: float
    clarity: float
    compactness: float
    compactness_min: float
    j: float
    balance: float


SMALLER_IS_BETTER = ("mean_deviation", "max_deviation")
METRICS = (*SMALLER_IS_BETTER, "within_20", "clear_share", "clarity", "compactness", "compactness_min")


def count_grids(households: Any) -> int:
    """Return k of an instance: each block above 700 alone, the other households by 500."""
    households = np.asarray(households)
    over = households > CEILING
    return max(1, int(over.sum()) + round(float(households[~over].sum()) / TARGET))


def price_borders(blocks: Any, adjacency: Any) -> Any:
    """Return by row of ADJACENCY what J asks for cutting it."""
    side_m = 2 * np.sqrt(blocks["area_m2"].sum() / count_grids(blocks["households"]))
    return (adjacency["shared_m"] / side_m * (1.5 - adjacency["clarity"])).to_numpy()


def measure_balance(sums: Any, largest: Any) -> float:
    """Return what J asks for the sizes of grids, from their households and those of their largest blocks."""
    deviation = np.abs(sums - np.maximum(TARGET, largest)) / TARGET
    return float(((deviation / 0.25) ** 2 + 20 * np.maximum(0.0, deviation - 0.4)).sum())


def score(blocks: Any, adjacency: Any, labels: Any) -> Score:
    """Return the score of labels by block_id; every block must have one."""
    _, grid = np.unique(labels.loc[blocks["block_id"]].astype(str), return_inverse=True)
    first, second = _place(blocks, adjacency)
    cut = grid[first] != grid[second]
    sums = np.bincount(grid, blocks["households"])
    largest = np.zeros(len(sums))
    np.maximum.at(largest, grid, blocks["households"].to_numpy(dtype=np.float64))
    balance = measure_balance(sums, largest)
    deviation = np.abs(sums - TARGET) / TARGET
    shared_m, clear_m, clarity = (adjacency[c].to_numpy() for c in ("shared_m", "clear_m", "clarity"))
    border_m = shared_m[cut].sum()
    compactness = _measure_compactness(blocks, grid, (first, second, shared_m))
    return Score(
        grids=len(sums),
        extra_parts=len(np.unique(_connect(grid, first, second, _joins(adjacency, 0.0)))) - len(sums),
        mean_deviation=float(deviation.mean()),
        max_deviation=float(deviation.max()),
        within_20=float((deviation <= 0.2).mean()),
        within_40=float((deviation <= 0.4).mean()),
        out_of_band=int(((sums < FLOOR) | ((sums > CEILING) & (sums > largest))).sum()),
        clear_share=float(clear_m[cut].sum() / border_m) if border_m else 1.0,
        clarity=float((shared_m * clarity)[cut].sum() / border_m) if border_m else 1.0,
        compactness=float(compactness.mean()),
        compactness_min=float(compactness.min()),
        j=float(balance + price_borders(blocks, adjacency)[cut].sum()),
        balance=balance,
    )


def list_worse(ours: Score, rival: Score, tolerance: float = 1e-9) -> tuple[str, ...]:
    """Return the names of METRICS on which ours is worse than the rival's."""
    sign = {name: -1.0 if name in SMALLER_IS_BETTER else 1.0 for name in METRICS}
    return tuple(n for n in METRICS if sign[n] * (getattr(ours, n) - getattr(rival, n)) < -tolerance)


def check_rules(
    blocks: Any, adjacency: Any, labels: Any, *, floor: int = FLOOR, ceiling: int = CEILING, min_shared_m: float = 0.0
) -> Verdict:
    """Return what labels break: each block in one grid, grids contiguous, in one community and under the ceiling.

    Two blocks are in contact over a crossable border of at least ``min_shared_m`` inside a community. A grid may exceed
    the ceiling only by its largest block, with nothing beside it but land without households.
    """
    doubts = _check_cover(blocks, labels)
    if doubts:
        return Verdict(tuple(doubts), ())
    names, grid = np.unique(labels.loc[blocks["block_id"]].astype(str), return_inverse=True)
    community = blocks["community_id"].to_numpy(dtype=object)
    first, second = _place(blocks, adjacency)
    part = _connect(grid, first, second, _joins(adjacency, min_shared_m) & (community[first] == community[second]))
    by_grid = pd.DataFrame(
        {"part": part, "community": community, "households": blocks["households"].to_numpy()}
    ).groupby(names[grid])
    for grid_id, parts in by_grid["part"].nunique().items():
        if parts > 1:
            doubts.append(f"grid {grid_id}: found {parts} parts without contact, needed one")
    for grid_id, communities in by_grid["community"].nunique().items():
        if communities > 1:
            doubts.append(f"grid {grid_id}: found blocks of {communities} communities, needed one")
    sums, largest = by_grid["households"].sum(), by_grid["households"].max()
    for grid_id in sums.index[(sums > ceiling) & (sums > largest)]:
        doubts.append(f"grid {grid_id}: found {sums[grid_id]} households, needed at most {ceiling}")
    low = [f"grid {g}: found {sums[g]} households, looked for {floor}" for g in sums.index[sums < floor]]
    return Verdict(tuple(doubts), tuple(low))


def _check_cover(blocks: Any, labels: Any) -> list[str]:
    ids, labelled = pd.Index(blocks["block_id"]), pd.Index(labels.index)
    doubts = [f"block {b}: found more than one grid, needed one" for b in labelled[labelled.duplicated()].unique()]
    doubts += [f"block {b}: found no grid, needed one" for b in ids.difference(labelled)]
    doubts += [f"block {b}: found a grid for a block that does not exist" for b in labelled.difference(ids)]
    empty = labels.isna() | (labels.astype(str) == "")
    return doubts + [f"block {b}: found an empty grid name, needed one" for b in labelled[empty]]


def _place(blocks: Any, adjacency: Any) -> tuple[Any, Any]:
    """Return the rows of the blocks on both sides of each border."""
    place = pd.Index(blocks["block_id"])
    first, second = place.get_indexer(adjacency["focal"]), place.get_indexer(adjacency["neighbor"])
    if (np.minimum(first, second) < 0).any():
        raise ValueError("adjacency names a block that does not exist")
    return first, second


def _joins(adjacency: Any, min_shared_m: float) -> Any:
    return adjacency["crossable"].to_numpy(dtype=bool) & (adjacency["shared_m"] >= min_shared_m).to_numpy()


def _connect(grid: Any, first: Any, second: Any, joins: Any) -> Any:
    """Return by block the number of its connected part of its grid."""
    inside = joins & (grid[first] == grid[second])
    ends = (first[inside], second[inside])
    graph = coo_array((np.ones(inside.sum()), ends), shape=(len(grid), len(grid)))
    return connected_components(graph, directed=False)[1]


def _measure_compactness(blocks: Any, grid: Any, borders: tuple[Any, Any, Any]) -> Any:
    """Return Polsby-Popper by grid; its perimeter is that of its blocks without the borders inside it."""
    first, second, shared_m = borders
    inside = grid[first] == grid[second]
    outline_m = np.bincount(grid, blocks.geometry.length.to_numpy())
    outline_m -= 2 * np.bincount(grid[first[inside]], shared_m[inside], minlength=len(outline_m))
    return 4 * np.pi * np.bincount(grid, blocks["area_m2"]) / np.maximum(outline_m, 1e-9) ** 2
