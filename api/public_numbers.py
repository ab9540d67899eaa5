"""Which numbers of a whole plan may everybody see? None from which the count of a grid follows that is left out.

Sums, means and spreads over all grids, and the cost of the division, are as many equations: with the grids that are
told they give away the others, so they are told only where every grid is.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from api.layers import LoadedLayer
from api.worked_out import find_suppressed

_OF_GRIDS = ("size_fit", "workload_fit")
"""Principles whose figures follow from the households of the grids."""
_OF_A_GRID = ("households", "load_over_mean", "status")
_MINUTES = "_min"
Layers = Mapping[str, LoadedLayer]


def hide_numbers(metrics: Mapping[str, Any], public: Layers, *, least: int) -> dict[str, Any]:
    """Return the numbers of a plan for the public, which sees these layers; what is left out is None."""
    hidden = find_suppressed(public["grids"])
    summary, scorecard = dict(metrics["summary"]), metrics["scorecard"]
    total = summary["households"]
    few = 0 < total < least
    for name in ("households_estimated", "households_in_grids"):
        if summary.get(name) not in (0, None if few else total):
            summary[name] = None
    if few:
        summary["households"] = None
    if hidden and "households_by_status" in summary:
        summary["households_by_status"] = dict.fromkeys(summary["households_by_status"])
    if scorecard is not None:
        scorecard = _hide_scores(scorecard, hidden, public.get("coverage"), least)
    division = None if hidden else metrics["division"]
    return {**metrics, "summary": summary, "scorecard": scorecard, "division": division}


def _hide_scores(
    scorecard: Mapping[str, Any], hidden: frozenset[str], coverage: LoadedLayer | None, least: int
) -> dict[str, Any]:
    told = dict(scorecard)
    if "by_grid" in told:
        told["by_grid"] = [_hide(row, _OF_A_GRID) if row["grid_id"] in hidden else row for row in told["by_grid"]]
    if "principles" in told:
        told["principles"] = {
            name: _hide_principle(name, one, some=bool(hidden)) for name, one in told["principles"].items()
        }
    if "circles" in told:
        few = coverage is not None and bool(find_suppressed(coverage))
        told["circles"] = _hide_reach(told["circles"], least, minutes=not few)
    return told


def _hide(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {**row, **{name: None for name in names if name in row}}


def _hide_principle(name: str, principle: Mapping[str, Any], *, some: bool) -> dict[str, Any]:
    """Return a principle, without its figures where some grids are hidden and they follow from all."""
    figures = principle["figures"]
    if some and name in _OF_GRIDS:
        figures = {key: _empty(one) for key, one in figures.items()}
    # What lives in estates that are split is a sum of estates, and these may be hidden, too.
    figures = {key: {**one, "inputs": {}} if "households" in one["inputs"] else one for key, one in figures.items()}
    return {**principle, "figures": figures}


def _empty(figure: Mapping[str, Any]) -> dict[str, Any]:
    return {**figure, "value": None, "inputs": {}}


def _hide_reach(figures: Mapping[str, Any], least: int, *, minutes: bool) -> dict[str, Any]:
    """Return who reaches a site, by limit, where no few homes lie between two limits, within the first or beyond all.

    ``minutes`` tells whether coverage tells of every community: else its rest would follow from these figures.
    """
    told: dict[str, Any] = {}
    for key, one in figures.items():
        alike = [
            other["inputs"] for name, other in figures.items() if name.rpartition("_")[2] == key.rpartition("_")[2]
        ]
        counts = sorted(
            {0, *(value for inputs in alike for value in (inputs.get("part"), inputs.get("whole")) if value)}
        )
        apart = all(after - before >= least for before, after in pairwise(counts))
        told[key] = one if apart and (minutes or not key.endswith(_MINUTES)) else _empty(one)
    return told
