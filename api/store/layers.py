"""Which columns does each layer have in the store, beside its geometry?

A layer is a table that QGIS opens: the columns of its contract in ``spatial.tables``, the plan it is of, and the id
that it is served under. The tables of grids and blocks show the last version of each plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from spatial import tables
from spatial.io.plan_layers import LAYERS

_CONTRACTS = {
    "blocks": tables.BLOCKS,
    "grids": tables.GRIDS,
    "circles": tables.CIRCLES,
    "sites": tables.SITES,
    "demand": tables.DEMAND,
    "communities": tables.COMMUNITIES,
    "barriers": tables.BARRIERS,
    "violations": tables.VIOLATIONS,
    "gates": tables.GATES,
    "candidates": tables.CANDIDATES,
    "existing": tables.FACILITIES,
    "estates": tables.ESTATES,
    "current": tables.CURRENT,
    "pois": tables.POIS,
}
_MORE: Mapping[str, Mapping[str, tables.Kind]] = {
    "blocks": {"grid_id": "text"},
    "grids": {"name": "text", "locked": "flag", "content": "text"},
}


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer as a table: its columns with their kinds, and the kind of geometry, as OGR names it."""

    name: str
    title: str
    columns: Mapping[str, tables.Kind]
    shape: str


STORED = {
    name: StoredLayer(name, LAYERS[name].title, {**contract.columns, **_MORE.get(name, {})}, LAYERS[name].shape)
    for name, contract in _CONTRACTS.items()
}
"""Layer by name, in the order in which they are listed."""
KEPT = ("buildings", "vertical_grids")
"""Layers that are kept as they are served alone: what opens the file shows nothing of them, so no single building."""
