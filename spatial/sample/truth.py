"""What is known to be true of a made district: walls, gates, borders, bridges, crossings, totals?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spatial.sample.board import Board
from spatial.sample.communities import Numbers
from spatial.sample.drawing import ACROSS, ALONG, Segment
from spatial.sample.ground import Ground, to_ground
from spatial.sample.homes import find_gate_nodes, find_walls
from spatial.sample.lattice import Cell, Lattice
from spatial.sample.noding import StreetMap

_STEP_M = 5.0


def tell_truth(
    board: Board,
    street_map: StreetMap,
    frames: Mapping[str, Any],
    *,
    ground: Ground,
    estate_ids: list[str],
) -> dict[str, Any]:
    """Return what is known, JSON-ready; ``frames`` are communities, estates, buildings and gates.

    ``estate_ids`` gives the estate of each parcel, "" where it has none.
    """
    communities, estates, buildings, gates = (frames[k] for k in ("communities", "estates", "buildings", "gates"))
    codes = communities["community_id"].tolist()
    walls = find_walls(board, street_map, estate_ids)
    nodes = find_gate_nodes(board, street_map, estate_ids)
    at_rail = [int(n) for m, n in zip(board.whole.marks, street_map.mark_node, strict=True) if "railway" in m.tags]
    cell_of = {estate: parcel.cell for parcel, estate in zip(board.parcels, estate_ids, strict=True)}
    borders = tell_borders(board.cells, board.community, board.lattice, ground)
    return {
        "invented": True,
        "totals": count_totals(communities, estates, buildings),
        "communities": dict(zip(codes, communities["households"].tolist(), strict=True)),
        "borders": [{**b, "between": [codes[k] for k in b["between"]]} for b in borders],
        **tell_ways(street_map.ways, {"level_crossing": at_rail}),
        "estates": {
            row["estate_id"]: {
                "name": row["name"],
                "gated": row["access"] == "gated",
                "households": int(row["households"]),
                "community_id": codes[board.community[cell_of[row["estate_id"]]]],
                "wall_way_id": walls.get(row["estate_id"]),
            }
            for row in estates.drop(columns="geometry").to_dict("records")
        },
        "gates": {
            gate: {"estate_id": estate, "access": access, "node_id": node, "wall_way_id": walls[estate]}
            for gate, estate, access, node in zip(
                gates["gate_id"], gates["estate_id"], gates["access"], nodes, strict=True
            )
        },
        "buildings": _tell_buildings(buildings),
    }


def _tell_buildings(buildings: Any) -> dict[str, list[Any]]:
    """Return building id -> [estate id, households]."""
    columns = (buildings[name].tolist() for name in ("building_id", "estate_id", "households"))
    return {building: [estate, households] for building, estate, households in zip(*columns, strict=True)}


def tell_borders(cells: Sequence[Cell], community: Numbers, lattice: Lattice, ground: Ground) -> list[dict[str, Any]]:
    """Return, for each pair of neighbouring communities, the metres of border on road, river, rail and on neither.

    Neither: the bank of the river, or the strip of the railway, between the last street and the middle.
    """
    places = {(_rank(c.column, lattice.rail), _rank(c.row, lattice.river)): k for k, c in enumerate(cells)}
    found: dict[tuple[int, int], dict[str, float]] = {}
    for (i, j), k in sorted(places.items()):
        for neighbour in ((i + 1, j), (i, j + 1)):
            other = places.get(neighbour)
            if other is None or community[other] == community[k]:
                continue
            a, b = sorted((int(community[k]), int(community[other])))
            pair = found.setdefault((a, b), {})
            for kind, stretch in _part_side(cells[k], cells[other], lattice):
                pair[kind] = round(pair.get(kind, 0.0) + _measure(stretch, ground), 1)
    return [{"between": list(pair), **kinds} for pair, kinds in sorted(found.items())]


def _rank(line: int, strip: int) -> int:
    return line - (line > strip)


def _part_side(cell: Cell, other: Cell, lattice: Lattice) -> list[tuple[str, Segment]]:
    """Return the border between a superblock and its eastern or northern neighbour, in stretches by kind."""
    if cell.row == other.row:
        axis, index, lines, strip, middle = ACROSS, cell.row, lattice.rows, lattice.river, lattice.river_v
        crosses, over, at = other.column - cell.column == 2, "rail", lattice.columns[other.column]
        carried = other.column in lattice.bridges
    else:
        axis, index, lines, strip, middle = ALONG, cell.column, lattice.columns, lattice.rail, lattice.rail_u
        crosses, over, at = other.row - cell.row == 2, "river", lattice.rows[other.row]
        carried = other.row in (lattice.underpass, lattice.level_crossing)
    low, high = lines[index], lines[index + 1]
    start, end = (middle if index == strip + 1 else low), (middle if index + 1 == strip else high)
    if crosses:
        return [(over, Segment(axis, lattice.rail_u if over == "rail" else lattice.river_v, start, end, {}))]
    bare = [(a, b) for a, b in ((start, low), (high, end)) if a < b]
    stretches = [("road", Segment(axis, at, low, high, {}))]
    return stretches + [("road" if carried else "neither", Segment(axis, at, a, b, {})) for a, b in bare]


def _measure(stretch: Segment, ground: Ground) -> float:
    """Return the length of a straight stretch of the board on the ground, in metres."""
    t = np.linspace(stretch.start, stretch.end, max(2, int((stretch.end - stretch.start) / _STEP_M)))
    at = np.full(len(t), stretch.at)
    xy = to_ground(np.column_stack([at, t] if stretch.axis == ACROSS else [t, at]), ground)
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def tell_ways(ways: Any, marks: Mapping[str, list[int]]) -> dict[str, Any]:
    """Return the ways that cross the river, and how the two streets cross the railway."""
    bridges, tunnels = ways[ways["bridge"] == "yes"], ways[ways["tunnel"] == "yes"]
    return {
        "bridges": [
            {"way_id": int(w), "name": n, "kind": "rail" if r else "road"}
            for w, n, r in zip(bridges["way_id"], bridges["name"], bridges["railway"] != "", strict=True)
        ],
        "underpass": {"way_ids": [int(w) for w in tunnels["way_id"]], "name": str(tunnels["name"].iloc[0])},
        "level_crossing": {"node_ids": marks["level_crossing"]},
    }


def count_totals(communities: Any, estates: Any, buildings: Any) -> dict[str, int]:
    """Return counts of rows and households."""
    return {
        "communities": len(communities),
        "estates": len(estates),
        "gated_estates": int((estates["access"] == "gated").sum()),
        "estates_above_1500": int((estates["households"] > 1500).sum()),
        "buildings": len(buildings),
        "residential_buildings": int((buildings["households"] > 0).sum()),
        "households": int(buildings["households"].sum()),
        "elderly": int(buildings["elderly"].sum()),
        "children": int(buildings["children"].sum()),
        "households_outside_estates": int(np.sum(buildings.loc[buildings["estate_id"] == "", "households"])),
    }
