"""Which services, candidates for centres and grids of today does the district have?"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.sample.board import Board
from spatial.sample.drawing import Floats, Segment, draw_box, thicken
from spatial.sample.ground import Ground, to_ground
from spatial.sample.lattice import Cell, Lattice
from spatial.sample.names import name_places

_BESIDE_M = {"primary": 15.0, "secondary": 13.0, "tertiary": 10.0, "residential": 6.5}
_POI_KINDS = ("pharmacy", "supermarket", "clinic", "kindergarten", "repair", "housekeeping", "bus_stop", "restaurant")
_POI_SHARES = (0.14, 0.2, 0.08, 0.07, 0.09, 0.07, 0.2, 0.15)
_POI_NAMES = {
    "pharmacy": "大药房",
    "supermarket": "超市",
    "clinic": "社区卫生站",
    "kindergarten": "幼儿园",
    "repair": "家电维修",
    "housekeeping": "家政服务部",
    "bus_stop": "公交站",
    "restaurant": "面馆",
}
_POIS_PER_CELL = 6
_MODES = ("transfer", "vacate", "share", "new", "reuse")
_MODE_KINDS = {
    "transfer": ("street_office", "原街道办公楼"),
    "vacate": ("school", "原幼儿园"),
    "share": ("property_room", "物业用房"),
    "new": ("plot", "规划用地"),
    "reuse": ("idle_house", "闲置商铺"),
}
_MODE_COST = {"transfer": 0.03, "vacate": 0.08, "share": 0.02, "new": 0.62, "reuse": 0.14}
"""Cost of a square metre, in 10,000 yuan."""
_MODE_AREA_M2 = {"transfer": 1200.0, "vacate": 900.0, "share": 350.0, "new": 2000.0, "reuse": 600.0}
_RELIEF_STEP_M, _RELIEF_POINTS = 40.0, 12_000
_HOURS = ("Mo-Fr 08:30-17:30", "Mo-Su 08:00-20:00", "24/7")


def _places_beside(segments: Sequence[Segment], count: int, rng: np.random.Generator) -> tuple[Floats, list[str]]:
    """Return places on the board beside streets, chosen by length, and the name of the street of each."""
    streets = [s for s in segments if s.level == 0 and s.tags.get("highway") in _BESIDE_M and s.end - s.start > 80]
    length = np.array([s.end - s.start for s in streets])
    chosen = rng.choice(len(streets), count, p=length / length.sum())
    share, side = rng.uniform(0.15, 0.85, count), rng.choice([-1, 1], count)
    uv = np.empty((count, 2))
    for k, i in enumerate(chosen.tolist()):
        street = streets[i]
        uv[k, street.axis] = street.at + side[k] * _BESIDE_M[street.tags["highway"]]
        uv[k, 1 - street.axis] = street.start + share[k] * (street.end - street.start)
    return np.round(uv, 2), [streets[i].tags.get("name", "") for i in chosen.tolist()]


def build_pois(board: Board, ground: Ground, crs: Any, rng: np.random.Generator) -> Any:
    """Return POIS: shops and services beside the streets, then the public places."""
    uv, streets = _places_beside(board.whole.segments, _POIS_PER_CELL * len(board.cells), rng)
    inside = np.all((uv > 0) & (uv < board.lattice.size), axis=1)
    streets = [name for name, there in zip(streets, inside, strict=True) if there]
    kinds = [_POI_KINDS[i] for i in rng.choice(len(_POI_KINDS), len(streets), p=_POI_SHARES)]
    names = [street + _POI_NAMES[kind] for street, kind in zip(streets, kinds, strict=True)]
    parcels = [board.parcels[k] for k in board.places()]
    middles = np.array([np.add(p.low, p.high) / 2 for p in parcels])
    frame = {
        "poi_id": [f"P{k:05d}" for k in range(1, len(names) + len(parcels) + 1)],
        "name": [*names, *name_places([p.kind for p in parcels])],
        "kind": [*kinds, *(p.kind for p in parcels)],
    }
    return gpd.GeoDataFrame(
        frame, geometry=shapely.points(to_ground(np.vstack([uv[inside], middles]), ground)), crs=crs
    )


def build_candidates(
    communities: int, lattice: Lattice, segments: Sequence[Segment], ground: Ground, crs: Any, rng: np.random.Generator
) -> Any:  # fmt: skip
    """Return CANDIDATES, two or three a community, by the five ways in which floor area is won."""
    uv = _inside_places(round(2.5 * communities), lattice, segments, rng)
    modes = [_MODES[k % len(_MODES)] for k in range(len(uv))]
    area = np.round(np.array([_MODE_AREA_M2[m] for m in modes]) * rng.uniform(0.6, 1.4, len(uv)), -1)
    frame = {
        "site_id": [f"C{k:03d}" for k in range(1, len(uv) + 1)],
        "name": [f"{_MODE_KINDS[mode][1]}{k}" for k, mode in enumerate(modes, 1)],
        "kind": [_MODE_KINDS[mode][0] for mode in modes],
        "mode": modes,
        "cost": np.round(area * [_MODE_COST[m] for m in modes] * rng.uniform(0.8, 1.25, len(uv)), 1),
        "floor_area_m2": area,
        "proposed": False,
    }
    return gpd.GeoDataFrame(frame, geometry=shapely.points(to_ground(uv, ground)), crs=crs)


def build_existing(
    communities: int, lattice: Lattice, segments: Sequence[Segment], ground: Ground, crs: Any, rng: np.random.Generator
) -> Any:  # fmt: skip
    """Return FACILITIES: the centres that are open today, for fewer than half of the communities."""
    uv = _inside_places(max(2, round(0.45 * communities)), lattice, segments, rng)
    frame = {
        "site_id": [f"X{k:03d}" for k in range(1, len(uv) + 1)],
        "name": [f"第{k}党群服务中心" for k in range(1, len(uv) + 1)],
        "kind": "service_center",
        "floor_area_m2": np.round(rng.uniform(350, 1500, len(uv)), -1),
        "hours": [_HOURS[i] for i in rng.choice(len(_HOURS), len(uv), p=(0.5, 0.4, 0.1))],
    }
    return gpd.GeoDataFrame(frame, geometry=shapely.points(to_ground(uv, ground)), crs=crs)


def _inside_places(count: int, lattice: Lattice, segments: Sequence[Segment], rng: np.random.Generator) -> Floats:
    uv, _ = _places_beside(segments, 4 * count + 20, rng)
    return uv[np.all((uv > 0) & (uv < lattice.size), axis=1)][:count]


# -- grids of today -------------------------------------------------------------------------------------------------


def build_current(cells: Sequence[Cell], lattice: Lattice, ground: Ground, crs: Any, rng: np.random.Generator) -> Any:
    """Return CURRENT: the grids of two departments, each drawn by its own hand.

    综治 cuts superblocks in two or three and is traced to about 2 m; 城管 takes pairs of superblocks whatever lies
    between them and is some metres off altogether.
    """
    security = [ring for cell in cells for ring in _cut_cell(cell, lattice, rng)]
    city = [ring + rng.normal(0, 4.0, 2) for ring in _pair_cells(cells, lattice)]
    rows = [("综治", f"ZZ{k:04d}", f"综治网格{k}", ring, 1.5) for k, ring in enumerate(security, 1)]
    rows += [("城管", f"CG{k:04d}", f"城管单元{k}", ring, 3.0) for k, ring in enumerate(city, 1)]
    layer, code, name, rings, noise = zip(*rows, strict=True)
    outlines = [_trace(ring, sigma, ground, rng) for ring, sigma in zip(rings, noise, strict=True)]
    return gpd.GeoDataFrame({"layer": layer, "code": code, "name": name}, geometry=outlines, crs=crs)


def _cut_cell(cell: Cell, lattice: Lattice, rng: np.random.Generator) -> list[Floats]:
    (a, c), (b, d) = lattice.columns[cell.column : cell.column + 2], lattice.rows[cell.row : cell.row + 2]
    cuts = [a, *np.sort(a + (c - a) * (np.array([0.5]) if rng.random() < 0.6 else np.array([0.33, 0.66]))), c]
    return [draw_box((west, b), (east, d)) for west, east in pairwise(cuts)]


def _pair_cells(cells: Sequence[Cell], lattice: Lattice) -> list[Floats]:
    pairs: dict[tuple[int, int], list[Cell]] = {}
    for cell in cells:
        pairs.setdefault((cell.column, cell.row // 2), []).append(cell)
    return [
        draw_box(
            (lattice.columns[column], lattice.rows[min(c.row for c in group)]),
            (lattice.columns[column + 1], lattice.rows[max(c.row for c in group) + 1]),
        )
        for (column, _), group in sorted(pairs.items())
    ]


def _trace(ring: Floats, sigma_m: float, ground: Ground, rng: np.random.Generator) -> Any:
    uv = thicken(ring, step_m=80.0)[:-1]
    return shapely.Polygon(to_ground(uv, ground) + rng.normal(0, sigma_m, uv.shape))


# -- relief ---------------------------------------------------------------------------------------------------------


def build_relief(lattice: Lattice, ground: Ground, rng: np.random.Generator) -> Any:
    """Return heights (x, y, z in metres) on a net of points: a valley floor and a loess terrace in the north."""
    wide, high = lattice.size
    step = max(_RELIEF_STEP_M, float(np.sqrt(wide * high / _RELIEF_POINTS)))
    grid = np.meshgrid(np.arange(-step, wide + step, step), np.arange(-step, high + step, step))
    uv = np.column_stack([axis.ravel() for axis in grid])
    off = uv[:, 1] - lattice.river_v
    edge = lattice.river_v + 0.72 * (high - lattice.river_v) + 60 * np.sin(uv[:, 0] / 300 + rng.uniform(0, 6))
    z = 384 + 0.004 * np.abs(off) - 4.5 * np.exp(-((off / 55) ** 2)) + 14 / (1 + np.exp(-(uv[:, 1] - edge) / 45))
    z += 0.8 * np.sin(uv[:, 0] / 210 + rng.uniform(0, 6)) + rng.normal(0, 0.15, len(uv))
    xy = to_ground(uv, ground)
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "z": np.round(z, 1)})
