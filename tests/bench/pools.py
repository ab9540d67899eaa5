"""Which blocks lie between a city's real streets? One pool per city, from which the suites cut their windows.

Streets are noded and polygonised; large faces between the streets of Wuhan are cut into parcels by walls, lanes or
nothing (made, from a seed); slivers join the neighbour behind their longest, least clear border.
"""

import heapq
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.io.district import read_inputs
from spatial.io.sources import Sources
from tests.real_data import real

CLASSES = ("none", "wall", "service", "minor", "main", "rail", "water")
CLARITY = np.array([0.0, 0.4, 0.4, 0.7, 1.0, 1.0, 1.0])
CLEAR = CLARITY >= 0.7
WUHAN_CENTRES = {"hankou": (239_700.0, 3_387_300.0), "wuchang": (244_300.0, 3_381_100.0)}
_STREETS = {
    "main": "motorway trunk primary secondary tertiary motorway_link trunk_link primary_link secondary_link "
    "tertiary_link",
    "minor": "residential unclassified living_street pedestrian road",
    "service": "service footway cycleway path track",
}
CLASS_OF_STREET = {name: CLASSES.index(kind) for kind, names in _STREETS.items() for name in names.split()}
_LIVED_SHARE = {"residential": 1.0, "tower": 1.0, "block": 1.0, "unknown": 0.6, "commercial": 0.3, "office": 0.1}
_HALF_M = 2_600.0
_PARCEL_M2 = 7_000.0
_SLIVER_M2 = 800.0
_SLIVER_M = 9.0


@dataclass(frozen=True, slots=True)
class Pool:
    """Blocks of a city and the borders between them.

    ``households`` is by block what its buildings would hold, or zeros where no building is known; the borders are
    pairs ``first < second`` with metres in all, metres on clear lines, clarity and the class of most of the length.
    """

    name: str
    crs: int
    shapes: Any
    area_m2: Any
    x: Any
    y: Any
    households: Any
    first: Any
    second: Any
    shared_m: Any
    clear_m: Any
    clarity: Any
    barrier: Any
    near: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=4)
def read_pool(name: str) -> Pool:
    """Return the pool of ``hankou``, ``wuchang`` or ``helsinki``; the same one each time."""
    return _read_helsinki() if name == "helsinki" else _read_wuhan(name)


def _read_wuhan(name: str) -> Pool:
    streets = gpd.read_parquet(real("wuhan/streets.parquet"))
    x, y = WUHAN_CENTRES[name]
    frame = shapely.box(x - _HALF_M, y - _HALF_M, x + _HALF_M, y + _HALF_M)
    streets = streets.iloc[np.sort(shapely.STRtree(streets.geometry.to_numpy()).query(frame))]
    lines, kinds = _clip(streets.geometry.to_numpy(), streets["highway"].map(CLASS_OF_STREET).to_numpy(), frame)
    walls, wall_kinds = _cut_parcels(_polygonize(lines), np.random.default_rng(8))
    return _make_pool(name, 32650, np.concatenate([lines, walls]), np.concatenate([kinds, wall_kinds]))


def _read_helsinki() -> Pool:
    inputs = read_inputs(Sources(osm=real("helsinki/helsinki.osm.pbf")))
    ways = inputs.streets.ways
    kinds = ways["highway"].map(CLASS_OF_STREET).fillna(-1).to_numpy(dtype=np.int64)
    for column, kind in (("barrier", "wall"), ("railway", "rail"), ("waterway", "water")):
        kinds = np.where((kinds < 0) & (ways[column] != "").to_numpy(), CLASSES.index(kind), kinds)
    kinds = np.where((ways["tunnel"] != "").to_numpy(), -1, kinds)
    shapes = ways.geometry.to_numpy()
    frame = shapely.box(*shapely.total_bounds(shapes[kinds >= CLASSES.index("minor")])).buffer(-60.0)
    lines, kinds = _clip(shapes[kinds >= 0], kinds[kinds >= 0], frame)
    pool = _make_pool("helsinki", inputs.streets.crs.to_epsg(), lines, kinds)
    return _house(pool, inputs.buildings)


def _clip(lines: Any, kinds: Any, frame: Any) -> tuple[Any, Any]:
    """Return lines inside the frame on a grid of a centimetre, the outline of the frame among them."""
    inside = shapely.set_precision(shapely.intersection(lines, frame), 0.01)
    keep = shapely.length(inside) > 0
    outline = shapely.set_precision(shapely.boundary(frame), 0.01)
    return np.append(inside[keep], outline), np.append(kinds[keep], 0)


def _polygonize(lines: Any) -> Any:
    noded = shapely.union_all(lines, grid_size=0.01)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _cut_parcels(faces: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return lines that cut large faces into parcels, and their classes: nothing, wall or lane."""
    area = shapely.area(faces)
    whole = (rng.random(len(faces)) < 0.1) & (area < 6 * _PARCEL_M2)
    large = faces[(area > 1.8 * _PARCEL_M2) & ~whole]
    low_x, low_y, high_x, high_y = shapely.total_bounds(large)
    step = 0.93 * np.sqrt(_PARCEL_M2)
    x, y = (g.ravel() for g in np.meshgrid(np.arange(low_x, high_x, step), np.arange(low_y, high_y, step)))
    keep = rng.random(len(x)) < 0.85
    places = shapely.points(*(at[keep] + rng.uniform(-0.4, 0.4, keep.sum()) * step for at in (x, y)))
    seeds, _ = shapely.STRtree(large).query(places, predicate="within")
    cells = shapely.voronoi_polygons(shapely.multipoints(places[np.unique(seeds)]), only_edges=True)
    edges = shapely.get_parts(cells)
    face, edge = shapely.STRtree(edges).query(large, predicate="intersects")
    cut = shapely.get_parts(shapely.intersection(edges[edge], large[face]))
    cut = shapely.set_precision(cut[shapely.length(cut) > 0.5], 0.01)
    kinds = [CLASSES.index(name) for name in ("none", "wall", "service")]
    return cut, rng.choice(kinds, size=len(cut), p=[0.45, 0.30, 0.25])


def _make_pool(name: str, crs: int, lines: Any, kinds: Any) -> Pool:
    faces = _polygonize(lines)
    pairs, metres = _list_borders(faces, lines, kinds)
    block = _merge_slivers(shapely.area(faces), shapely.length(faces), pairs, metres)
    pairs, metres = _sum_borders(block[pairs], metres)
    shapes = _dissolve(faces, block)
    centre = shapely.centroid(shapes)
    shared = metres.sum(axis=1)
    near: list[list[int]] = [[] for _ in shapes]
    for a, b in pairs.tolist():
        near[a].append(b)
        near[b].append(a)
    return Pool(
        name=name,
        crs=crs,
        shapes=shapes,
        area_m2=shapely.area(shapes),
        x=shapely.get_x(centre),
        y=shapely.get_y(centre),
        households=np.zeros(len(shapes)),
        first=pairs[:, 0],
        second=pairs[:, 1],
        shared_m=shared,
        clear_m=metres[:, CLEAR].sum(axis=1),
        clarity=metres @ CLARITY / shared,
        barrier=np.array(CLASSES, dtype=object)[metres.argmax(axis=1)],
        near=tuple(tuple(sorted(row)) for row in near),
    )


def _list_borders(faces: Any, lines: Any, kinds: Any) -> tuple[Any, Any]:
    """Return pairs of faces that share vertices in a row, and the metres they share by class of line."""
    rings, owner = shapely.get_rings(faces, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    _, vertex = np.unique(np.round(xy * 100).astype(np.int64), axis=0, return_inverse=True)
    along = np.flatnonzero((ring[:-1] == ring[1:]) & (vertex[:-1] != vertex[1:]))
    low, high = np.sort(np.stack([vertex[along], vertex[along + 1]]), axis=0)
    segment = low.astype(np.int64) * (vertex.max() + 1) + high
    order = np.argsort(segment, kind="stable")
    same = np.flatnonzero(segment[order][:-1] == segment[order][1:])
    one, other = along[order[same]], along[order[same + 1]]
    pairs = np.sort(np.stack([owner[ring[one]], owner[ring[other]]], axis=1), axis=1)
    middle, length = (xy[one] + xy[one + 1]) / 2, np.hypot(*(xy[one + 1] - xy[one]).T)
    at, line = shapely.STRtree(lines).query(shapely.points(middle), predicate="dwithin", distance=0.05)
    kind = np.zeros(len(one), dtype=np.int64)
    np.maximum.at(kind, at, kinds[line].astype(np.int64))
    metres = np.zeros((len(one), len(CLASSES)))
    metres[np.arange(len(one)), kind] = length
    return _sum_borders(pairs, metres)


def _sum_borders(pairs: Any, metres: Any) -> tuple[Any, Any]:
    """Return each pair once, lower first, with the sum of its metres; a face has no border with itself."""
    apart = pairs[:, 0] != pairs[:, 1]
    pairs, place = np.unique(np.sort(pairs[apart], axis=1), axis=0, return_inverse=True)
    total = np.zeros((len(pairs), metres.shape[1]))
    np.add.at(total, place, metres[apart])
    return pairs, total


def _merge_slivers(area: Any, outline_m: Any, pairs: Any, metres: Any) -> Any:
    """Return by face the number of its block: small and thin ones join across the longest, least clear border."""
    near: list[dict[int, Any]] = [{} for _ in area]
    for (a, b), length in zip(pairs.tolist(), metres, strict=True):
        near[a][b] = near[b][a] = length
    area, outline_m, joined = area.copy(), outline_m.copy(), np.arange(len(area))
    waiting = [(size, face) for face, size in enumerate(area.tolist())]
    heapq.heapify(waiting)
    while waiting:
        size, face = heapq.heappop(waiting)
        is_sliver = size < _SLIVER_M2 or 2 * size < _SLIVER_M * outline_m[face]
        if joined[face] != face or size != area[face] or not is_sliver or not near[face]:
            continue
        price = {other: length.sum() * 1.2 - length @ CLARITY for other, length in near[face].items()}
        host = max(sorted(price), key=price.__getitem__)
        joined[face] = host
        area[host] += size
        outline_m[host] += outline_m[face] - 2 * near[face].pop(host).sum()
        del near[host][face]
        for other, length in near[face].items():
            del near[other][face]
            near[host][other] = near[other][host] = length + near[host].get(other, 0.0)
        heapq.heappush(waiting, (float(area[host]), host))
    while (joined != joined[joined]).any():
        joined = joined[joined]
    return np.unique(joined, return_inverse=True)[1]


def _dissolve(faces: Any, block: Any) -> Any:
    order = np.argsort(block, kind="stable")
    groups = np.split(faces[order], np.flatnonzero(np.diff(block[order])) + 1)
    # One union per block of several faces; most blocks are one face.
    return np.array([g[0] if len(g) == 1 else shapely.coverage_union_all(g) for g in groups], dtype=object)


def _house(pool: Pool, buildings: Any) -> Pool:
    """Return the pool with households of its buildings: 90 m2 of floor each, five levels where not known."""
    levels = buildings["levels"].where(buildings["levels"] > 0, 5.0).to_numpy()
    share = buildings["use"].map(_LIVED_SHARE).fillna(0.0).to_numpy()
    floor_m2 = buildings.geometry.area.to_numpy() * levels * share
    place = shapely.point_on_surface(buildings.geometry.to_numpy())
    at, block = shapely.STRtree(pool.shapes).query(place, predicate="within")
    households = np.bincount(block, weights=floor_m2[at] / 90.0, minlength=len(pool.shapes))
    return replace(pool, households=households)
