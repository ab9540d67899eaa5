"""Which siting questions do others publish answers for? Readers of their files, and makers of questions like them.

OR-Library p-median networks (Beasley 1985), TSPLIB points (Reinelt 1991), capacitated p-median questions of
OR-Library and of Lorena and Senne (2004), maximal cover of real cities (Maximo, Cordeau and Nascimento 2023), and a
city made from a seed: irregular streets, two rivers with few bridges, nine dense centres.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra, shortest_path
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from spatial.siting.ways import Floats, Ints, Ways, build_ways

EARTH_M = 6_378_100.0
"""Radius that the published cover questions of real cities use."""
PMED_OPTIMA = {
    1: 5819, 2: 4093, 3: 4250, 4: 3034, 5: 1355, 6: 7824, 7: 5631, 8: 4445, 9: 2734, 10: 1255,
    11: 7696, 12: 6634, 13: 4374, 14: 2968, 15: 1729, 16: 8162, 17: 6999, 18: 4809, 19: 2845, 20: 1789,
}  # fmt: skip
"""Published p-median optimum by number of the OR-Library network."""
PMED_CENTERS = {1: 127, 6: 84, 11: 59}
"""Published p-center optimum by number of the OR-Library network."""
RL1304_MEDIANS = {10: 2_134_295}
"""Published p-median optimum of rl1304 by p, distances rounded down."""
SJC_BEST = {"SJC1": 17288.99, "SJC2": 33270.94}


@dataclass(frozen=True, slots=True)
class Question:
    """A p-median or p-center question: costs, weights and the number of sites."""

    name: str
    ways: Ways
    weight: Floats
    p: int


@dataclass(frozen=True, slots=True)
class Capacitated:
    """A capacitated p-median question: full matrix of distances, demand, capacity by site, p, best value known."""

    name: str
    cost: Floats
    demand: Floats
    capacity: Floats
    p: int
    best: float


@dataclass(frozen=True, slots=True)
class Cover:
    """Points that ask and may serve, their weight, and the metres between those at most ``reach_m`` apart."""

    name: str
    weight: Ints
    ways: Ways


@dataclass(frozen=True, slots=True)
class City:
    """Households, and three groups among them, by demand point; metres on the streets to each candidate site.

    ``place`` has where the sites are, in metres.
    """

    weight: Ints
    groups: Ints
    ways: Ways
    place: Floats

    def whole_metres(self) -> Ways:
        """Return the same table in whole metres, as the p-median question has it."""
        ways = self.ways
        rows = np.repeat(np.arange(ways.rows), np.diff(ways.ptr))
        return build_ways(rows, ways.site.astype(np.int64), np.rint(ways.cost), ways.rows, ways.sites)


def full_ways(cost: Floats) -> Ways:
    """Return the table of a matrix, rows by sites; pairs at infinite cost are not listed."""
    row, site = np.nonzero(np.isfinite(cost))
    return build_ways(row, site, cost[row, site], *cost.shape)


def read_pmed(path: Path) -> Question:
    """Shortest paths of an OR-Library network, all nodes asking and serving; of edges given twice the last counts."""
    numbers = np.array(path.read_text().split(), dtype=float).astype(int)
    n, _, p = numbers[:3]
    edges = {(min(i, j), max(i, j)): float(cost) for i, j, cost in numbers[3:].reshape(-1, 3)}
    return _network(path.stem, edges, int(n), int(p), first=1)


def pmed_like(n: int, p: int, seed: int) -> Question:
    """A network of the same kind: n * n / 50 edges of 1 to 100 between random nodes, connected by a random path."""
    rng = np.random.default_rng(seed)
    path = rng.permutation(n)
    chain = np.sort(np.c_[path[:-1], path[1:]], axis=1)
    more = np.sort(rng.integers(0, n, (n * n // 50, 2)), axis=1)
    ends = np.concatenate((chain, more[more[:, 0] != more[:, 1]]))
    cost = rng.integers(1, 101, len(ends))
    edges = {(int(i), int(j)): float(c) for (i, j), c in zip(ends, cost, strict=True)}
    return _network(f"like-{n}-{p}-{seed}", edges, n, p, first=0)


def _network(name: str, edges: dict[tuple[int, int], float], n: int, p: int, *, first: int) -> Question:
    at = np.array(list(edges)) - first
    graph = csr_array((list(edges.values()), (at[:, 0], at[:, 1])), shape=(n, n))
    return Question(name, full_ways(shortest_path(graph, directed=False)), np.ones(n), p)


def read_tsplib_points(path: Path) -> Floats:
    """Coordinates of a TSPLIB file, one row per point."""
    lines = path.read_text().splitlines()
    start = lines.index("NODE_COORD_SECTION") + 1
    rows = [line.split()[1:3] for line in lines[start:] if len(line.split()) >= 3]
    return np.array(rows, dtype=float)


def point_question(name: str, points: Floats, p: int) -> Question:
    """Every point asks and may serve; Euclidean distance rounded down, as the published p-median values have it."""
    return Question(name, full_ways(np.floor(cdist(points, points) + 1e-9)), np.ones(len(points)), p)


def scattered_points(n: int, seed: int, clusters: int = 0) -> Floats:
    """Whole-number points, even over a square or (with ``clusters``) in bell-shaped heaps."""
    rng = np.random.default_rng(seed)
    side = 10_000.0
    if not clusters:
        return np.rint(rng.uniform(0, side, (n, 2)))
    heart = rng.uniform(0, side, (clusters, 2))
    return np.rint(heart[rng.integers(0, clusters, n)] + rng.normal(0, side / 25, (n, 2)))


def board_points(kind: str, seed: int) -> Floats:
    """Holes of a board like those that TSPLIB lists: ``lattice``, ``rows``, ``plates``, or ``print``.

    Holes in strips of one lattice (as u1432); long rows in pairs beside scattered ones, twice (as d2103); plates of a
    few hundred holes each within a hand's breadth (as fl1400); parts of many kinds, each a row or two (as pcb3038).
    """
    rng = np.random.default_rng(seed)
    makers = {"lattice": _lattice, "rows": _rows, "plates": _plates, "print": _print}
    holes: Floats = np.unique(makers[kind](rng), axis=0)
    return holes


def _lattice(rng: np.random.Generator) -> Floats:
    """Strips of one to five columns, 100 apart, with holes left out in runs."""
    held = []
    column = 0
    while column < 69:
        for _ in range(int(rng.choice([1, 1, 2, 2, 2, 3, 5]))):
            at = np.arange(38)
            held += [(100 * column, 100 * y) for y in at[rng.random(38) < rng.uniform(0.7, 1.0)]]
            column += 1
        column += int(rng.choice([1, 1, 2]))
    return np.array(held, float)


def _rows(rng: np.random.Generator) -> Floats:
    """Two boards, each of ten pairs of rows of 43 holes, two pairs of holes between them, and 150 holes beside."""
    held = []
    for left in (0.0, 2000.0):
        for bank in range(10):
            low = 203.2 * bank
            held += [(left + 300 + np.round(39.626 * k, 1), low + 50.8 * r) for k in range(43) for r in (0, 1)]
            held += [(left + 350.8 + dx, low + 50.8 * r) for dx in (0, 25.4) for r in (2, 3)]
        beside = rng.integers(0, (12, 160), (150, 2))
        held += [(left + 100 + 12.7 * x, 12.7 * y) for x, y in beside]
    return np.array(held, float)


def _plates(rng: np.random.Generator) -> Floats:
    """Four plates of 25 x 5 holes 5.9 apart with as many between them, and 400 holes in bands on the same lattice."""
    held = []
    for left, low in ((1490, 2027), (508, 2027), (1490, 100), (508, 100)):
        held += [(left + 5.912 * x, low + 5.905 * y) for x in range(25) for y in range(5)]
        held += [(left + 2.956 + 5.912 * x, low + 2.952 + 5.905 * y) for x in range(24) for y in range(5)]
    for low in (725, 1875):
        held += [(970 + 5.912 * x, low + 5.905 * y) for x, y in rng.integers(0, (60, 16), (150, 2))]
    held += [(300 + 5.912 * x, 200 + 5.905 * y) for x, y in rng.integers(0, 300, (100, 2))]
    return np.round(np.array(held, float), 2)


def _print(rng: np.random.Generator) -> Floats:
    """Parts of two to twenty holes in one or two rows, along or across, on a tenth of an inch; some 3,000 holes."""
    held: list[tuple[float, float]] = []
    while len(held) < 3100:
        at, count, rows = rng.integers(0, (3800, 1500)), int(rng.integers(1, 11)), int(rng.integers(1, 3))
        pitch, apart, turned = int(rng.choice([12, 25, 25, 38])), int(rng.choice([40, 75])), bool(rng.integers(2))
        part = [(pitch * k, apart * r) for k in range(count) for r in range(rows)]
        held += [(at[0] + (y if turned else x), at[1] + (x if turned else y)) for x, y in part]
    return np.array(held, float)


def read_pmedcap(path: Path) -> Capacitated:
    """OR-Library capacitated p-median: Euclidean distance rounded down."""
    tokens = np.array(path.read_text().split(), dtype=float)
    n, p, capacity = int(tokens[2]), int(tokens[3]), tokens[4]
    rows = tokens[5 : 5 + 4 * n].reshape(n, 4)
    cost = np.floor(cdist(rows[:, 1:3], rows[:, 1:3]) + 1e-9)
    return Capacitated(path.stem, cost, rows[:, 3], np.full(n, capacity), p, float(tokens[1]))


def read_sjc(path: Path) -> Capacitated:
    """Capacitated p-median of São José dos Campos: Euclidean distance as it is."""
    tokens = np.array(path.read_text().split(), dtype=float)
    n, p = int(tokens[0]), int(tokens[1])
    rows = tokens[2 : 2 + 4 * n].reshape(n, 4)
    cost = cdist(rows[:, :2], rows[:, :2])
    return Capacitated(path.stem, cost, rows[:, 3], rows[:, 2], p, SJC_BEST.get(path.stem, np.nan))


def read_mclp(path: Path, reach_m: float = 400.0) -> Cover:
    """Maximal cover of a real city: points as latitude and longitude, great circles of at most ``reach_m`` metres."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    n = next(int(line.split(":")[1]) for line in lines if line.startswith("DIMENSION"))
    start = next(k for k, line in enumerate(lines) if line.startswith("NODE_COORD")) + 1
    demand = next(k for k, line in enumerate(lines) if line.startswith("DEMAND")) + 1
    angles = np.radians(np.array([line.split() for line in lines[start : start + n]], dtype=float))
    weight = np.array([int(line.split()[0]) for line in lines[demand : demand + n]], dtype=np.int64)
    return Cover(path.stem, weight, great_circle_ways(angles, reach_m))


def read_mclp_best(path: Path) -> int:
    """Best covered demand known, from a file that begins ``f: value``."""
    return int(path.read_text().split(":")[1].split()[0])


def great_circle_ways(angles: Floats, reach_m: float) -> Ways:
    """Return metres between points (latitude, longitude in radians) that are at most ``reach_m`` apart."""
    latitude, longitude = angles.T
    around = np.cos(latitude)
    ball = EARTH_M * np.c_[around * np.cos(longitude), around * np.sin(longitude), np.sin(latitude)]
    tree = cKDTree(ball)
    pairs = tree.sparse_distance_matrix(tree, 2 * EARTH_M * np.sin(reach_m / EARTH_M / 2), output_type="ndarray")
    metres = 2 * EARTH_M * np.arcsin(np.minimum(pairs["v"] / (2 * EARTH_M), 1.0))
    # Points on one spot are zero apart, and the tree lists them; a point and itself too.
    return build_ways(pairs["i"], pairs["j"], metres, len(angles), len(angles))


def city(n: int, m: int, seed: int, cutoff_m: float = 3000.0) -> City:
    """A city of ``n`` demand points and ``m`` candidate sites; pairs farther apart than the cutoff are not listed."""
    rng = np.random.default_rng(seed)
    nodes, streets, within, extent = _streets(int(np.sqrt(n) * 0.80) + 40, seed)
    centres = rng.uniform(0.15, 0.85, (9, 2)) * extent
    height, width = rng.uniform(0.5, 2, 9), rng.uniform(0.05, 0.16, 9) * extent
    density = 0.15 + sum(
        a * np.exp(-((nodes - c) ** 2).sum(1) / (2 * s * s)) for a, c, s in zip(height, centres, width, strict=True)
    )
    share = density[within] / density[within].sum()
    home = rng.choice(within, n, replace=True, p=share)
    path_m = rng.uniform(5, 60, n)
    weight = np.maximum(1, rng.lognormal(4.0, 0.9, n) * (0.6 + density[home] / density.max())).astype(int)
    groups = np.c_[rng.binomial(weight, 0.19), rng.binomial(weight, 0.14), rng.binomial(weight, 0.06)]
    spread = share**0.6
    place = rng.choice(within, m, replace=False, p=spread / spread.sum())
    ramp_m = rng.uniform(0, 30, m)
    rows, cols, metres = [], [], []
    for start in range(0, m, 64):
        part = slice(start, start + 64)
        walk = dijkstra(streets, directed=False, indices=place[part], limit=cutoff_m)[:, home]
        walk = walk + path_m[None, :] + ramp_m[part, None]
        col, row = np.nonzero(walk <= cutoff_m)
        rows.append(row)
        cols.append(col + start)
        metres.append(walk[col, row].astype(np.float32).astype(np.float64))
    ways = build_ways(np.concatenate(rows), np.concatenate(cols), np.concatenate(metres), n, m)
    return City(weight, groups, ways, nodes[place])


def drawn_rooms(weight: Ints, sites: int, p: int, fill: float, seed: int) -> Floats:
    """Return rooms of half to one and a half times the mean; ``p`` sites of mean room are as full as ``fill`` says."""
    room = np.random.default_rng(seed).uniform(0.5, 1.5, sites)
    return np.asarray(np.ceil(room * weight.sum() / p / fill))


def _streets(side: int, seed: int) -> tuple[Floats, Any, Ints, float]:
    """Nodes about 110 m apart, streets with lengths, the nodes of the largest connected part, and the city's extent."""
    rng = np.random.default_rng(seed)
    spacing = 110.0
    across, along = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    nodes = np.c_[across.ravel(), along.ravel()] * spacing + rng.normal(0, 18, (side * side, 2))
    number = np.arange(side * side).reshape(side, side)
    ends = np.r_[np.c_[number[:-1].ravel(), number[1:].ravel()], np.c_[number[:, :-1].ravel(), number[:, 1:].ravel()]]
    ends = ends[rng.random(len(ends)) > 0.12]
    extent = side * spacing
    for river in range(2):
        middle, swing, phase = extent * (0.35 + 0.3 * river), extent * 0.08, rng.uniform(0, 6)
        bank = nodes[:, 1 - river] > middle + swing * np.sin(nodes[:, river] / extent * 5 + phase)
        crosses = bank[ends[:, 0]] != bank[ends[:, 1]]
        ends = ends[~crosses | (rng.random(len(ends)) < 0.07)]
    length = np.hypot(*(nodes[ends[:, 0]] - nodes[ends[:, 1]]).T) * rng.uniform(1.0, 1.25, len(ends))
    count = side * side
    streets = csr_array(
        (np.r_[length, length], (np.r_[ends[:, 0], ends[:, 1]], np.r_[ends[:, 1], ends[:, 0]])), shape=(count, count)
    )
    _, part = connected_components(streets, directed=False)
    return nodes, streets, np.flatnonzero(part == np.argmax(np.bincount(part))), extent
