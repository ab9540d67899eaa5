"""OR-Library p-median networks (Beasley 1985) as siting questions: every node asks and may serve."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from tests.siting.towns import candidate_frame, demand_frame, times_frame

OPTIMA = {
    1: 5819, 2: 4093, 3: 4250, 4: 3034, 5: 1355, 6: 7824, 7: 5631, 8: 4445, 9: 2734, 10: 1255,
    11: 7696, 12: 6634, 13: 4374, 14: 2968, 15: 1729, 16: 8162, 17: 6999, 18: 4809, 19: 2845, 20: 1789,
}  # fmt: skip
"""Published optimum by number of the instance."""


def read_pmed(path: Path) -> tuple[Any, Any, Any, int]:
    """Travel times, demand, candidates and p; of an edge that stands twice the last one counts."""
    numbers = np.array(path.read_text().split(), dtype=float).astype(int)
    n, _, p = numbers[:3]
    edges = {(min(i, j), max(i, j)): float(cost) for i, j, cost in numbers[3:].reshape(-1, 3)}
    at = np.array(list(edges)) - 1
    graph = csr_array((list(edges.values()), (at[:, 0], at[:, 1])), shape=(n, n))
    metres = shortest_path(graph, directed=False)
    ids = [f"n{i:03}" for i in range(n)]
    return times_frame(metres, ids, ids), demand_frame(dict.fromkeys(ids, 1)), candidate_frame(ids), int(p)
