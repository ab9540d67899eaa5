"""Which estates are there, and which gates do they have, as tables on the ground?"""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.sample.board import Board
from spatial.sample.ground import Ground, to_ground
from spatial.sample.names import choose_companies, name_estates
from spatial.sample.noding import StreetMap


def list_estates(board: Board, ground: Ground, crs: Any, rng: np.random.Generator) -> tuple[Any, list[str]]:
    """Return the estates without their counts, and the estate id of each parcel, "" where it has none."""
    homes = board.homes()
    kinds = [board.parcels[k].kind for k in homes]
    walled = [len(board.sketches[k].gates) > 0 for k in homes]
    ids = [""] * len(board.parcels)
    for number, k in enumerate(homes, 1):
        ids[k] = f"E{number:04d}"
    frame = {
        "estate_id": [ids[k] for k in homes],
        "name": name_estates(kinds, rng),
        "access": np.where(walled, "gated", "open"),
        "company": choose_companies(walled, rng),
        "kind": kinds,
    }
    rings = [shapely.Polygon(to_ground(board.sketches[k].outlines[0].uv, ground)) for k in homes]
    return gpd.GeoDataFrame(frame, geometry=rings, crs=crs), ids


def count_into(estates: Any, buildings: Any) -> Any:
    """Return the estates with the sums of their buildings."""
    sums = buildings.groupby("estate_id")[["households", "elderly", "children"]].sum()
    homes = buildings[buildings["households"] > 0].groupby("estate_id").size()
    counted = {name: sums[name].reindex(estates["estate_id"]).to_numpy() for name in sums.columns}
    number = homes.reindex(estates["estate_id"]).to_numpy().astype(np.int64)
    return estates.assign(**counted, buildings=number, estimated=False)


def list_gates(board: Board, estate_ids: list[str], ground: Ground, crs: Any) -> Any:
    """Return GATES of the estates, parcel by parcel."""
    rows = [
        (estate, gate)
        for sketch, estate in zip(board.sketches, estate_ids, strict=True)
        for gate in sketch.gates
        if estate
    ]
    frame = {
        "gate_id": [f"G{k:04d}" for k in range(1, len(rows) + 1)],
        "estate_id": [estate for estate, _ in rows],
        "access": [gate.access for _, gate in rows],
        "hours": [gate.hours for _, gate in rows],
    }
    places = to_ground(np.array([[gate.u, gate.v] for _, gate in rows]), ground)
    return gpd.GeoDataFrame(frame, geometry=shapely.points(places), crs=crs)


def find_gate_nodes(board: Board, street_map: StreetMap, estate_ids: list[str]) -> list[int]:
    """Return the node of the street map of each gate of ``list_gates``."""
    node_at = {(m.u, m.v): int(n) for m, n in zip(board.whole.marks, street_map.mark_node, strict=True)}
    homes = [sketch for sketch, estate in zip(board.sketches, estate_ids, strict=True) if estate]
    return [node_at[gate.u, gate.v] for sketch in homes for gate in sketch.gates]


def find_walls(board: Board, street_map: StreetMap, estate_ids: list[str]) -> dict[str, int]:
    """Return estate id -> id of the way of its wall."""
    last = street_map.ways["way_id"].tolist()[-len(board.whole.lines) :]  # free lines follow the segments
    way_of = dict(zip(map(id, board.whole.lines), last, strict=True))
    pairs = zip(board.sketches, estate_ids, strict=True)
    return {estate: int(way_of[id(line)]) for sketch, estate in pairs if estate for line in sketch.lines}
