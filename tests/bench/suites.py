"""Which instances does the division face? Seeded windows of real streets, any number of one size, each with its name.

``suite(60, 100, 1)`` starts with the same instances as ``suite(60, 10, 1)``. A window is connected blocks around a
random one; its households are drawn anew: a field of density over the window, noise by block, some land without homes.
``rough_suite`` adds what real inputs bring and no search likes: islands, blocks without any border, blocks above the
ceiling, mostly empty land, borders nobody can cross, touches of a few centimetres, several communities.
"""

import heapq
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from tests.bench.instances import NAMES, read_instance
from tests.bench.pools import Pool, read_pool

Instance = tuple[str, Any, Any]
CEILING = 700
_TARGET = 500
_LARGEST_OF_HELSINKI = 150


def published() -> list[Instance]:
    """Return the six published instances with their names."""
    return [(name, *read_instance(name)) for name in NAMES]


def suite(size: int | tuple[int, int], count: int, seed: int) -> list[Instance]:
    """Return ``count`` connected instances of ``size`` blocks (or of sizes from-to, both included)."""
    return [_cut_window(size, seed, number) for number in range(count)]


def rough_suite(size: int | tuple[int, int], count: int, seed: int) -> list[Instance]:
    """Return ``count`` instances that are disconnected, oversize, empty or torn in ways drawn from the seed."""
    return [_cut_rough(size, seed, number) for number in range(count)]


def _cut_window(size: int | tuple[int, int], seed: int, number: int) -> Instance:
    rng = np.random.default_rng([seed, *np.atleast_1d(size).tolist(), number])
    count = _draw_size(size, rng)
    pool = _draw_pool(count, rng)
    chosen = _grow(pool, int(rng.integers(len(pool.x))), count)
    households = _draw_households(pool, chosen, rng)
    return (f"{pool.name}_{count:04d}_{seed}_{number:03d}", *_to_frames(pool, chosen, households))


def _cut_rough(size: int | tuple[int, int], seed: int, number: int) -> Instance:
    rng = np.random.default_rng([seed, *np.atleast_1d(size).tolist(), number, 500])
    count = _draw_size(size, rng)
    pool = _draw_pool(count, rng)
    islands = min(count, int(rng.integers(1, 5)))
    sizes = rng.multinomial(count - islands, np.full(islands, 1 / islands)) + 1
    starts = rng.integers(len(pool.x), size=islands)
    chosen = np.unique(np.concatenate([_grow(pool, int(s), int(n)) for s, n in zip(starts, sizes, strict=True)]))
    households = _spoil_households(_draw_households(pool, chosen, rng), rng)
    blocks, pairs = _to_frames(pool, chosen, households)
    blocks, pairs = _spoil_frames(blocks, pairs, rng)
    return f"rough_{pool.name}_{len(blocks):04d}_{seed}_{number:03d}", blocks, pairs


def _draw_size(size: int | tuple[int, int], rng: np.random.Generator) -> int:
    low, high = (size, size) if isinstance(size, int) else size
    return int(rng.integers(low, high + 1))


def _draw_pool(count: int, rng: np.random.Generator) -> Pool:
    """Return the pool of the next window: two in five from each half of Wuhan, small ones also from Helsinki."""
    names = ["hankou", "wuchang", "hankou", "wuchang", "helsinki" if count <= _LARGEST_OF_HELSINKI else "hankou"]
    return read_pool(str(rng.choice(names)))


def _grow(pool: Pool, start: int, count: int) -> Any:
    """Return the ``count`` blocks that are reached first from ``start``, nearest first; all are connected."""
    waiting, seen = [(0.0, start)], {start}
    chosen: list[int] = []
    while waiting and len(chosen) < count:
        _, block = heapq.heappop(waiting)
        chosen.append(block)
        for other in pool.near[block]:
            if other not in seen:
                seen.add(other)
                away = np.hypot(pool.x[other] - pool.x[start], pool.y[other] - pool.y[start])
                heapq.heappush(waiting, (float(away), other))
    return np.array(chosen, dtype=np.int64)


def _draw_households(pool: Pool, chosen: Any, rng: np.random.Generator) -> Any:
    """Return households by chosen block, 8 to 20 blocks to a grid (4 to 8 in windows of at most 20 blocks)."""
    x, y, area = pool.x[chosen], pool.y[chosen], pool.area_m2[chosen]
    centre_x, centre_y = (rng.uniform(at.min(), at.max() + 1.0, size=(8, 1)) for at in (x, y))
    reach = 0.25 * np.hypot(np.ptp(x), np.ptp(y)) + 50.0
    bumps = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / (2 * reach**2))
    density = np.exp(rng.normal(0.0, 0.5, size=8) @ bumps + rng.normal(0.0, 0.55, size=len(x)))
    density[rng.random(len(x)) < 0.18] = 0.0
    homes = pool.households[chosen] if pool.households.any() else np.minimum(area, 30_000.0)
    blocks_per_grid = rng.uniform(4.0, 8.0) if len(chosen) <= 20 else rng.uniform(8.0, 20.0)
    total = _TARGET * max(1, round(len(chosen) / blocks_per_grid)) * rng.uniform(0.96, 1.04)
    lived = homes * density if (homes * density).any() else area
    return np.round(lived * total / lived.sum()).astype(np.int64)


def _to_frames(pool: Pool, chosen: Any, households: Any) -> tuple[Any, Any]:
    """Return BLOCKS and ADJACENCY of the chosen blocks, numbered from west to east."""
    order = np.lexsort((pool.y[chosen], pool.x[chosen]))
    chosen, households = chosen[order], households[order]
    ids = np.array([f"b{i:04d}" for i in range(len(chosen))], dtype=object)
    place = np.full(len(pool.x), -1)
    place[chosen] = np.arange(len(chosen))
    kept = np.flatnonzero((place[pool.first] >= 0) & (place[pool.second] >= 0))
    low, high = np.sort(np.stack([place[pool.first[kept]], place[pool.second[kept]]]), axis=0)
    blocks = gpd.GeoDataFrame(
        {
            "block_id": pd.Series(ids, dtype="str"),
            "community_id": "C",
            "kind": "face",
            "estate_id": "",
            "households": households,
            "area_m2": pool.area_m2[chosen],
            "oversize": households > CEILING,
            "sub_grids_needed": np.maximum(1, -(-households // CEILING)),
            "estimated": False,
        },
        geometry=pool.shapes[chosen],
        crs=pool.crs,
    )
    pairs = pd.DataFrame(
        {
            "focal": pd.Series(ids[low], dtype="str"),
            "neighbor": pd.Series(ids[high], dtype="str"),
            "shared_m": pool.shared_m[kept],
            "clear_m": pool.clear_m[kept],
            "clarity": pool.clarity[kept],
            "barrier": pd.Series(pool.barrier[kept], dtype="str"),
            "crossable": np.ones(len(kept), dtype=bool),
        }
    )
    return blocks, pairs.sort_values(["focal", "neighbor"], ignore_index=True)


def _spoil_households(households: Any, rng: np.random.Generator) -> Any:
    """Return households with up to three quarters set to none and up to a fifth far above the ceiling."""
    empty = rng.random(len(households)) < rng.choice([0.0, 0.3, 0.75, 1.0], p=[0.4, 0.3, 0.25, 0.05])
    huge = rng.random(len(households)) < rng.choice([0.0, 0.05, 0.2])
    over = np.exp(rng.uniform(np.log(CEILING), np.log(6_000), len(households))).astype(np.int64) + 1
    return np.where(huge, over, np.where(empty, 0, households))


def _spoil_frames(blocks: Any, pairs: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return the frames with blocks cut off, borders closed or shortened, communities drawn and rows shuffled."""
    lonely = blocks["block_id"][rng.random(len(blocks)) < rng.choice([0.0, 0.1])]
    pairs = pairs[~(pairs["focal"].isin(lonely) | pairs["neighbor"].isin(lonely))]
    closed = rng.random(len(pairs)) < rng.choice([0.0, 0.1, 0.3])
    short = rng.random(len(pairs)) < rng.choice([0.0, 0.2])
    share = np.where(short, np.minimum(1.0, rng.uniform(0.01, 6.0, len(pairs)) / pairs["shared_m"]), 1.0)
    pairs = pairs.assign(crossable=~closed, shared_m=pairs["shared_m"] * share, clear_m=pairs["clear_m"] * share)
    bounds = np.sort(rng.choice(len(blocks), size=int(rng.integers(0, 4))))
    community = np.searchsorted(bounds, np.arange(len(blocks)), side="right")
    blocks = blocks.assign(community_id=[f"C{c}" for c in community])
    rows, borders = rng.permutation(len(blocks)), rng.permutation(len(pairs))
    return blocks.iloc[rows].reset_index(drop=True), pairs.iloc[borders].reset_index(drop=True)
