"""What is one broken rule? The rules by id, and the rows of VIOLATIONS."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from spatial.tables import VIOLATIONS, require

RULES = {
    "assignment": "every block lies in one grid, and every grid of the assignment is listed once",
    "contiguity": "a grid's blocks join by shared borders of at least the profile's length",
    "households": "households of demand points, blocks and grids add up",
    "totals": "a community's grids hold its known total of households, within the profile's tolerance",
    "band": "a grid's households lie between floor and ceiling",
    "code": "every grid has a code of its own",
    "T1": "a grid's geometry is valid",
    "T2": "a grid is one part",
    "T3": "grids do not overlap",
    "T4": "grids leave no gap in the adopted area",
    "T5": "a grid lies inside one community",
    "T6": "neighbouring grids share every vertex of their border",
    "T7": "no grid is a sliver",
    "T8": "a hole in a grid holds a dedicated grid",
    "T9": "every demand point lies in one grid, that of its block",
    "T10": "the blocks of a grid join over borders that can be crossed; walks inside a grid are not looked at",
    "T11": "no grid border runs through a building",
    "T12": "coordinates lie on the 7-decimal grid of longitude and latitude, where T3 and T4 still hold",
}
"""Rule id -> what always holds. T1-T12 are the topology suite that a draft of grids is accepted by."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Defect:
    """One broken rule: who breaks it, by how much, and where."""

    rule: str
    severity: Severity
    subject: str
    message: str
    where: Any


def to_violations(defects: Iterable[Defect], crs: Any) -> Any:
    """Return VIOLATIONS, errors first, then in the order of ``RULES``, by subject."""
    rank = {rule: i for i, rule in enumerate(RULES)}
    rows = sorted(defects, key=lambda d: (d.severity, rank[d.rule], d.subject, d.message))
    if not rows:
        return _none(crs).copy(deep=False)
    table = pd.DataFrame({name: [getattr(row, name) for row in rows] for name in VIOLATIONS.columns}, dtype="str")
    return require(gpd.GeoDataFrame(table, geometry=[row.where for row in rows], crs=crs), VIOLATIONS)


@lru_cache(maxsize=8)
def _none(crs: Any) -> Any:
    """Return VIOLATIONS without a row; a frame is slow to make, and every edit tells of three."""
    return VIOLATIONS.empty(crs)
