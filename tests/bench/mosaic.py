"""What does a whole city's street file look like? Central Porto Alegre copied side by side, and linked.

Run ``python -m tests.bench.mosaic OUT.osm.pbf [columns rows]``; 6 by 6 copies make a network of about 570,000 nodes.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray
from osmium.osm.mutable import Node, Way

from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking.network import build_walk_network
from tests.real_data import real

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RAGGED = (1, 99)  # percent of the nodes: what lies beyond is the ragged rim of the extract
_LINKS = 80  # at most as many streets link two copies
_SIDES = ("west", "east", "south", "north")


@dataclass(frozen=True, slots=True)
class Tile:
    """One copy: nodes with their tags, streets as runs of node positions, and the nodes that end links on each side."""

    lonlat: Floats
    node_tags: dict[int, dict[str, str]]
    streets: list[tuple[list[int], dict[str, str]]]
    size: tuple[float, float]
    rim: dict[str, dict[int, int]]


def write_mosaic(out: Path, columns: int = 6, rows: int = 6) -> tuple[int, int]:
    """Write the mosaic; return the number of nodes and of ways."""
    tile = cut_tile(real("porto-alegre/poa.osm.pbf"))
    n = len(tile.lonlat)
    with osmium.SimpleWriter(str(out), overwrite=True) as writer:
        for copy in range(columns * rows):
            shift = np.array([copy % columns, copy // columns]) * tile.size
            for i, place in enumerate((tile.lonlat + shift).tolist()):
                node = Node(id=1 + copy * n + i, version=1, location=place, tags=tile.node_tags.get(i, {}))
                writer.add_node(node)
        way_id = 0
        for refs, tags in _all_streets(tile, columns, rows):
            way_id += 1
            writer.add_way(Way(id=way_id, version=1, nodes=refs, tags=tags))
    return n * columns * rows, way_id


def _all_streets(tile: Tile, columns: int, rows: int) -> Any:
    n, link = len(tile.lonlat), {"highway": "residential"}
    for copy in range(columns * rows):
        base = 1 + copy * n
        for run, tags in tile.streets:
            yield [base + i for i in run], tags
        if copy % columns + 1 < columns:
            for a, b in _links(tile, "east", "west"):
                yield [base + a, base + n + b], link
        if copy // columns + 1 < rows:
            for a, b in _links(tile, "north", "south"):
                yield [base + a, base + columns * n + b], link


def _links(tile: Tile, side: str, other: str) -> list[tuple[int, int]]:
    return [(tile.rim[side][at], tile.rim[other][at]) for at in sorted(tile.rim[side].keys() & tile.rim[other].keys())]


def cut_tile(path: Path) -> Tile:
    """Return the streets of a file within the box that holds nearly all of its main network."""
    places: dict[int, tuple[float, float]] = {}
    tags: dict[int, dict[str, str]] = {}
    streets: list[tuple[list[int], dict[str, str]]] = []
    for element in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY):
        if element.is_node():
            places[element.id] = (element.location.lon, element.location.lat)
            if "barrier" in element.tags or "highway" in element.tags:
                tags[element.id] = dict(element.tags)
        elif "highway" in element.tags:
            streets.append(([node.ref for node in element.nodes if node.ref in places], dict(element.tags)))
    network = build_walk_network(read_osm(path), read_profile())
    main = [i for i in network.node_id[network.component == 0].tolist() if i in places]
    low, high = np.percentile(np.array([places[i] for i in main]), _RAGGED, axis=0)
    used = sorted({ref for refs, _ in streets for ref in refs})
    inside = [i for i in used if (low <= places[i]).all() and (places[i] <= high).all()]
    position = {ref: k for k, ref in enumerate(inside)}
    lonlat = np.array([places[i] for i in inside])
    return Tile(
        lonlat=lonlat,
        node_tags={position[i]: tags[i] for i in inside if i in tags},
        streets=[(run, way_tags) for refs, way_tags in streets for run in _runs(refs, position)],
        size=(float(high[0] - low[0]), float(high[1] - low[1])),
        rim=_rims(lonlat, np.array([position[i] for i in main if i in position])),
    )


def _runs(refs: list[int], position: dict[int, int]) -> list[list[int]]:
    """Return the runs of at least two nodes that lie inside."""
    runs: list[list[int]] = [[]]
    for ref in refs:
        if ref in position:
            runs[-1].append(position[ref])
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _rims(lonlat: Floats, main: Ints) -> dict[str, dict[int, int]]:
    """Return for each side the outermost node of the main network in each of so many strips."""
    out = {}
    for side, axis, sign in zip(_SIDES, (0, 0, 1, 1), (1, -1, 1, -1), strict=True):
        across = lonlat[main, 1 - axis]
        low, high = across.min(), across.max()
        strip = np.minimum(((across - low) / (high - low) * _LINKS).astype(np.int64), _LINKS - 1)
        order = np.lexsort((main, sign * lonlat[main, axis], strip))
        first = order[np.unique(strip[order], return_index=True)[1]]
        out[side] = dict(zip(strip[first].tolist(), main[first].tolist(), strict=True))
    return out


if __name__ == "__main__":
    shape = [int(text) for text in sys.argv[2:4]] or [6, 6]
    nodes, ways = write_mosaic(Path(sys.argv[1]), *shape)
    print(f"{sys.argv[1]}: {nodes:,} nodes, {ways:,} ways, {Path(sys.argv[1]).stat().st_size / 1e6:.1f} MB")
