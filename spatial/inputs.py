"""Inputs: everything that a plan is made from, read, checked and in metres."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spatial.tables import (
    BUILDINGS,
    CANDIDATES,
    COMMUNITIES,
    CURRENT,
    ESTATES,
    FACILITIES,
    GATES,
    POIS,
    VERTICAL_GRIDS,
    Streets,
    Table,
)

INPUT_TABLES: Mapping[str, Table] = {
    "communities": COMMUNITIES, "estates": ESTATES, "buildings": BUILDINGS, "gates": GATES, "candidates": CANDIDATES,
    "existing": FACILITIES, "current": CURRENT, "pois": POIS, "vertical_grids": VERTICAL_GRIDS,
}  # fmt: skip
"""Input with a place on the ground -> the contract that its frame keeps."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What ``make_plan`` takes; every frame keeps its contract in ``spatial.tables`` and shares one metric system.

    Attributes
    ----------
    communities:
        COMMUNITIES. One row with ``proposed=True`` where only an area was given: its communities are proposed later.
    streets:
        Ways, tagged points and closed outlines of the street map.
    estates, buildings, gates, candidates, existing, current, pois, vertical_grids:
        As ``INPUT_TABLES`` says; empty where nothing was given.
    listed:
        LISTED: every row of an input that was dropped, repaired or guessed, with the reason.
    provenance:
        Input name -> {path, sha256, rows, ...}, for the report.
    """

    communities: Any
    streets: Streets
    estates: Any
    buildings: Any
    gates: Any
    candidates: Any
    existing: Any
    current: Any
    pois: Any
    vertical_grids: Any
    listed: Any
    provenance: Mapping[str, Any]

    @property
    def crs(self) -> Any:
        """The projected system of all frames."""
        return self.streets.crs
