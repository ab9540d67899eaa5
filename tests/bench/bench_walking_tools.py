"""How are walks measured, and the figures told?"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.walking.network import WalkNetwork

Rows = Iterator[tuple[str, str, str, str]]


def least(work: Callable[[], Any], repeats: int = 5) -> tuple[float, Any]:
    """Return the least processor time of some runs, and the last answer."""
    best, answer = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        answer = work()
        best = min(best, time.process_time() - start)
    return best, answer


def tell(title: str, rows: Rows) -> None:
    """Print a table as it is measured."""
    print(f"\n### {title}\n\n| what | N | processor time | |\n|---|---|---|---|")
    for what, size, spent, note in rows:
        print(f"| {what} | {size} | {spent} | {note} |", flush=True)


def micro(seconds: float, count: int) -> str:
    """Return microseconds for each of so many, as text."""
    return f"{seconds / count * 1e6:,.1f} µs each"


def beside_streets(network: WalkNetwork, column: str, count: int, rng: np.random.Generator) -> Any:
    """Return points about 15 m from vertices of streets, with ids."""
    edge = rng.integers(0, network.edge_count, count)
    xy = network.shape_xy[network.shape_ptr[edge]] + rng.normal(0.0, 15.0, (count, 2))
    return name_points(network, column, xy)


def on_nodes(network: WalkNetwork, nodes: Any) -> Any:
    """Return sites on nodes."""
    return name_points(network, "site_id", network.xy[nodes])


def name_points(network: WalkNetwork, column: str, xy: Any) -> Any:
    """Return points with ids in the order of the rows."""
    ids = [f"{i:06d}" for i in range(len(xy))]
    return gpd.GeoDataFrame({column: ids}, geometry=shapely.points(xy), crs=network.crs)
