"""How good is a plan? The seven principles of grid division as numbers, each with its evidence.

The principles are those of Qindu: clear borders, fitting size, adjacent land, people who know each other, fitting work,
clear responsibility, ease of use; the households within reach of a service circle stand beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spatial.plan.checks import check_plan
from spatial.plan.evidence import (
    measure_borders,
    measure_contiguity,
    measure_estates,
    measure_extent,
    measure_reach_of_circles,
    measure_responsibility,
    measure_size,
    measure_work,
)
from spatial.plan.figure import Figure
from spatial.plan.model import Plan

PRINCIPLES = {
    "clarity": "界限清晰",
    "size_fit": "规模适度",
    "contiguity": "地域相邻",
    "familiarity": "人员相熟",
    "workload_fit": "任务适当",
    "responsibility": "责任明确",
    "practicability": "便于实施",
}
"""The principles in the order in which they are written, with their names in Chinese."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The principles of a plan as figures.

    Attributes
    ----------
    principles:
        Principle -> figure name -> figure, in the order of ``PRINCIPLES``.
    circles:
        Limit of the service circles -> share of households in one of them; empty without circles.
    by_grid:
        One row per grid: households, status, clear share, compactness, load over the mean, diameter, split estates.
    unclear:
        Pairs of blocks that are cut apart on no clear line, longest first.
    split_estates:
        Ids of the estates that lie in two or more grids.
    """

    principles: Mapping[str, Mapping[str, Figure]]
    circles: Mapping[str, Figure]
    by_grid: Any
    unclear: Any
    split_estates: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, ready for JSON; missing numbers are None."""
        return {
            "principles": {
                name: {"name_zh": PRINCIPLES[name], "figures": {key: f.to_dict() for key, f in figures.items()}}
                for name, figures in self.principles.items()
            },
            "circles": {name: figure.to_dict() for name, figure in self.circles.items()},
            "by_grid": _records(self.by_grid),
            "unclear": _records(self.unclear),
            "split_estates": list(self.split_estates),
        }


def measure_plan(plan: Plan, *, violations: Any = None, farthest_walk_s: Any = None) -> Scorecard:
    """Return the scorecard of a plan.

    Parameters
    ----------
    violations:
        What ``check_plan`` found, where it ran already; else it runs here.
    farthest_walk_s:
        Series grid id -> seconds of the longest walk inside it, where a walk network gave one; without it the column
        of that name of the grids serves, and without both practicability rests on straight diameters.
    """
    if farthest_walk_s is None and "farthest_walk_s" in plan.grids and plan.grids["farthest_walk_s"].notna().any():
        farthest_walk_s = plan.grids.set_index("grid_id")["farthest_walk_s"]
    found = check_plan(plan) if violations is None else violations
    borders, unclear = measure_borders(plan)
    estates, split = measure_estates(plan)
    extent, diameter_m = measure_extent(plan, farthest_walk_s)
    return Scorecard(
        principles={
            "clarity": borders,
            "size_fit": measure_size(plan),
            "contiguity": measure_contiguity(plan, found),
            "familiarity": estates,
            "workload_fit": measure_work(plan),
            "responsibility": measure_responsibility(plan, found),
            "practicability": extent,
        },
        circles=measure_reach_of_circles(plan),
        by_grid=_by_grid(plan, diameter_m, found, split),
        unclear=unclear,
        split_estates=tuple(split),
    )


def _by_grid(plan: Plan, diameter_m: Any, violations: Any, split: list[str]) -> Any:
    grids = plan.grids.set_index("grid_id")
    kept = ["code", "households", "status", "area_m2", "border_m", "clear_share", "compactness"]
    table = pd.DataFrame(grids[[name for name in kept if name in grids]])
    mean = float(table["households"].mean()) if len(table) else 0.0
    table["load_over_mean"] = table["households"] / mean if mean else float("nan")
    table["diameter_m"] = diameter_m
    broken = violations[violations["severity"] == "error"]["subject"].value_counts()
    table["errors"] = broken.reindex(table.index, fill_value=0).astype("int64")
    homes = plan.demand[plan.demand["estate_id"].isin(split)]
    pairs = homes.assign(grid_id=homes["block_id"].map(plan.assignment)).drop_duplicates(["estate_id", "grid_id"])
    table["split_estates"] = pairs["grid_id"].value_counts().reindex(table.index, fill_value=0).astype("int64")
    return table.rename_axis("grid_id").reset_index()


def _records(table: Any) -> list[dict[str, Any]]:
    return [
        {key: (None if isinstance(value, float) and value != value else value) for key, value in row.items()}
        for row in table.to_dict("records")
    ]
