"""Towns on squared paper: each cell is a block of 100 m x 100 m, each drawn letter or number its households."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
from shapely import box

from spatial.io.profiles import read_profile
from spatial.profile import Profile

CELL_M = 100.0
NO_BLOCK = -1


def town(households: Any, *, ceiling: int = 700, community: Any = "C") -> Any:
    """Return BLOCKS of a matrix of households (north up, NO_BLOCK where there is no land), ids ``r0c0``..."""
    cells = np.atleast_2d(np.asarray(households, dtype=np.int64))
    names = np.broadcast_to(np.asarray(community, dtype=object), cells.shape)
    rows = []
    for r, c in zip(*np.nonzero(cells > NO_BLOCK), strict=True):
        x, y = CELL_M * c, CELL_M * (len(cells) - r)
        count = int(cells[r, c])
        rows.append(
            {
                "block_id": f"r{r}c{c}",
                "community_id": str(names[r, c]),
                "kind": "face",
                "estate_id": "",
                "households": count,
                "area_m2": CELL_M**2,
                "oversize": count > ceiling,
                "sub_grids_needed": max(1, -(-count // ceiling)),
                "estimated": False,
                "geometry": box(x, y, x + CELL_M, y + CELL_M),
            }
        )
    return gpd.GeoDataFrame(rows, crs=4547)


def borders(blocks: Any, *, barred: Iterable[tuple[str, str]] = (), clear: Iterable[tuple[str, str]] = ()) -> Any:
    """Return ADJACENCY of a lattice town: 100 m between cells side by side; some barred, some on clear lines."""
    ids = set(blocks["block_id"])
    barred, clear = {frozenset(p) for p in barred}, {frozenset(p) for p in clear}
    rows = []
    for name in sorted(ids):
        r, c = map(int, name[1:].split("c"))
        for other in (f"r{r + 1}c{c}", f"r{r}c{c + 1}"):
            if other in ids:
                pair = frozenset((name, other))
                sharp = 1.0 if pair in clear or pair in barred else 0.0
                low, high = sorted((name, other))
                rows.append(
                    (low, high, CELL_M, CELL_M * sharp, sharp, "river" if pair in barred else "", pair not in barred)
                )
    columns = "focal neighbor shared_m clear_m clarity barrier crossable".split()
    kinds = {"shared_m": float, "clear_m": float, "clarity": float, "crossable": bool}
    return pd.DataFrame(rows, columns=columns).astype(kinds)


@cache
def _default() -> Profile:
    return read_profile("about_500")


def banded(floor: int, target: int, ceiling: int, **division: Any) -> Profile:
    """Return the default profile with another band (and other weights of the division)."""
    profile = _default()
    grid = replace(profile.grid, floor_households=floor, target_households=target, ceiling_households=ceiling)
    return replace(profile, grid=grid, division=replace(profile.division, **division))


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def sizes(blocks: Any, assignment: Any) -> dict[str, int]:
    """Return households by grid."""
    return blocks.set_index("block_id")["households"].groupby(assignment).sum().to_dict()


def groups(assignment: Any) -> set[frozenset[str]]:
    """Return the grids as sets of blocks, whatever they are called."""
    return {frozenset(members) for members in assignment.groupby(assignment).groups.values()}


def assert_lawful(blocks: Any, adjacency: Any, assignment: Any, min_shared_m: float = 5.0) -> None:
    """Check with networkx: every block once, every grid connected over open borders and inside one community."""
    assert sorted(assignment.index) == sorted(blocks["block_id"])
    assert assignment.notna().all()
    graph = nx.Graph()
    graph.add_nodes_from(blocks["block_id"])
    usable = adjacency[adjacency["crossable"] & (adjacency["shared_m"] >= min_shared_m)]
    graph.add_edges_from(zip(usable["focal"], usable["neighbor"], strict=True))
    community = blocks.set_index("block_id")["community_id"]
    for grid, members in assignment.groupby(assignment).groups.items():
        assert nx.is_connected(graph.subgraph(members)), grid
        assert community.loc[list(members)].nunique() == 1, grid
        assert grid.startswith(community.loc[members[0]])
