"""Small cover questions: hand-drawn tables, random ones, and their answers by trying every set."""

from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st

from spatial.siting.ways import Deadline, Ways, build_ways

LONG_S = 60.0


def ways_of(lists: list[list[int]], sites: int) -> Ways:
    """The table whose row ``i`` lists the sites ``lists[i]``, all at no cost."""
    rows = [i for i, row in enumerate(lists) for _ in row]
    columns = [j for row in lists for j in row]
    return build_ways(np.array(rows, int), np.array(columns, int), np.zeros(len(rows)), len(lists), sites)


def flags(size: int, *chosen: int) -> Any:
    marked = np.zeros(size, bool)
    marked[list(chosen)] = True
    return marked


def ample() -> Deadline:
    return Deadline(LONG_S)


def random_lists(seed: int, rows: int, sites: int, share: float) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [sorted(np.flatnonzero(rng.random(sites) < share).tolist()) for _ in range(rows)]


def town(seed: int, rows: int, sites: int, reach: float) -> list[list[int]]:
    """Rows and sites in the unit square; a row lists the sites within reach, at least the nearest."""
    rng = np.random.default_rng(seed)
    homes, places = rng.random((rows, 2)), rng.random((sites, 2))
    away = np.hypot(*(homes[:, None] - places[None]).transpose(2, 0, 1))
    return [np.flatnonzero((line <= reach) | (line == line.min())).tolist() for line in away]


def most_weight(lists: list[list[int]], weight: list[float], p: int, sites: int, fixed: tuple[int, ...]) -> float:
    free = [j for j in range(sites) if j not in fixed]
    return max(
        sum(w for row, w in zip(lists, weight, strict=True) if {*fixed, *chosen} & set(row))
        for chosen in combinations(free, min(p, len(free)))
    )


def fewest_sites(lists: list[list[int]], need: list[int], sites: int, fixed: tuple[int, ...]) -> int | None:
    free = [j for j in range(sites) if j not in fixed]
    for size in range(len(free) + 1):
        for chosen in combinations(free, size):
            opened = {*fixed, *chosen}
            if all(len(opened & set(row)) >= k for row, k in zip(lists, need, strict=True)):
                return size
    return None


@st.composite
def small_tables(draw: st.DrawFn) -> dict[str, Any]:
    """Up to 8 sites and 10 rows, some sites open already."""
    sites, rows = draw(st.integers(1, 8)), draw(st.integers(1, 10))
    row = st.lists(st.integers(0, sites - 1), unique=True, max_size=sites)
    return {
        "sites": sites,
        "lists": draw(st.lists(row, min_size=rows, max_size=rows)),
        "weight": draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows)),
        "fixed": tuple(draw(st.lists(st.integers(0, sites - 1), unique=True, max_size=2))),
        "p": draw(st.integers(0, sites)),
    }
