"""What is told of a division: for programs in JSON, for a planner in a line?"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from spatial.division.layout import build_layout
from spatial.division.measure import measure_division
from spatial.plan.grids import STATUSES, grade_size
from spatial.profile import Profile

if TYPE_CHECKING:
    from spatial.division.by_community import CommunityDivision

_SHOWN = 8


def list_grids(blocks: Any, assignment: Any, explanations: Any, profile: Profile) -> Any:
    """Return grid_id, community_id, households, blocks, status and explanation of each grid, sorted by id."""
    grouped = blocks.groupby(blocks["block_id"].map(assignment).to_numpy(), sort=True)
    counted = profile.division.size_column
    size, oversize = grouped[counted].sum(), grouped["oversize"].any()
    told = pd.Series(explanations, dtype="str")
    return pd.DataFrame(
        {
            "grid_id": size.index.astype(str),
            "community_id": grouped["community_id"].first().to_numpy(),
            "households": grouped["households"].sum().to_numpy(),
            "blocks": grouped.size().to_numpy(),
            "status": grade_size(size.to_numpy(), oversize.to_numpy(), profile.grid),
            "explanation": told.reindex(size.index).fillna("").to_numpy(),
        }
    )


def describe_division(division: Any, grids: Any, *, seconds: float) -> dict[str, Any]:
    """Return what is told of a division alone, in the types of JSON."""
    return {
        "status": division.status,
        "objective": division.total,
        "bound": division.bound,
        "gap": division.gap,
        "terms": dict(division.objective),
        "seconds": round(seconds, 3),
        "violations": list(division.violations),
        "reasons": list(division.reasons),
        "explanations": _explanations(grids),
        "grids": grids.to_dict("records"),
        "trace": [list(step) for step in division.trace],
    }


def describe_communities(
    done: tuple["CommunityDivision", ...], blocks: Any, adjacency: Any, profile: Profile, *, seconds: float
) -> dict[str, Any]:
    """Return what is told of communities divided each by itself: the whole, then ``communities`` one by one.

    Objective and bound of the whole are sums: no border between two communities has a price. It is optimal where every
    part is.
    """
    divisions = [one.division for one in done]
    total, bound = sum(one.total for one in divisions), sum(one.bound for one in divisions)
    assignment = join_assignments(done)
    grids = list_grids(blocks, assignment, pd.concat([one.explanations for one in divisions]), profile)
    layout = build_layout(blocks, adjacency, profile)
    part = pd.factorize(layout.frame["block_id"].astype(str).map(assignment), sort=True)[0]
    return {
        "status": join_status([one.status for one in divisions]),
        "objective": total,
        "bound": bound,
        "gap": (total - bound) / total if total > 0 else 0.0,
        "terms": dict(measure_division(layout, part, profile)),
        "seconds": round(seconds, 3),
        "violations": [f"{one.community_id}: {text}" for one in done for text in one.division.violations],
        "reasons": [f"{one.community_id}: {text}" for one in done for text in one.division.reasons],
        "explanations": _explanations(grids),
        "grids": grids.to_dict("records"),
        "communities": [describe_community(one, grids) for one in done],
    }


def join_assignments(done: tuple["CommunityDivision", ...]) -> Any:
    """Return the assignment of all blocks, sorted by block."""
    return pd.concat([one.division.assignment for one in done]).sort_index()


def join_status(statuses: list[str]) -> str:
    """Return infeasible where any part is, optimal where every part is, gap elsewhere."""
    if "infeasible" in statuses:
        return "infeasible"
    return "optimal" if set(statuses) <= {"optimal"} else "gap"


def describe_community(one: "CommunityDivision", grids: Any) -> dict[str, Any]:
    """Return what is told of a community; its grids are picked from ``grids``."""
    mine = grids[grids["community_id"] == one.community_id]
    return {
        "community_id": one.community_id,
        "blocks": one.blocks,
        "households": one.households,
        "grids": len(mine),
        "in_band": int((mine["status"] == "in_band").sum()),
        "status": one.division.status,
        "objective": one.division.total,
        "bound": one.division.bound,
        "gap": one.division.gap,
        "terms": dict(one.division.objective),
        "seconds": round(one.seconds, 3),
    }


def _explanations(grids: Any) -> dict[str, str]:
    told = grids[grids["explanation"] != ""]
    return dict(zip(told["grid_id"], told["explanation"], strict=True))


def say_community(told: Mapping[str, Any], *, width: int = 0) -> str:
    """Return the line about a community, its id ``width`` wide: what is in it, its grids, how good, how long."""
    return (
        f"{told['community_id']:{width}} {told['blocks']:6,} blocks {told['households']:8,} households "
        f"{told['grids']:4} grids {told['in_band']:4} in the band  total {told['objective']:9.3f}  {say_gap(told):>10} "
        f"{told['seconds']:7.2f} s"
    )


def say_gap(told: Mapping[str, Any]) -> str:
    """Return how far from the best possible a division is, at most."""
    if told["status"] == "optimal":
        return "optimal"
    return f"gap {told['gap']:.2%}" if math.isfinite(told["gap"]) and told["bound"] > 0.0 else "no bound"


def say_division(told: Mapping[str, Any]) -> list[str]:
    """Return the lines about a division as a whole."""
    status = Counter(one["status"] for one in told["grids"])
    households = sum(one["households"] for one in told["grids"])
    counted = ", ".join(f"{status[name]} {name.replace('_band', ' the band')}" for name in STATUSES)
    bound = f", bound {told['bound']:.4f}" if math.isfinite(told["bound"]) else ""
    said = say_gap(told) + ("" if told["status"] in ("optimal", "gap") else f", {told['status']}")
    return [
        f"{len(told['grids'])} grids of {households:,} households: {counted}",
        f"total {told['objective']:.4f}{bound}, {said}, {told['seconds']:.2f} s",
        *shorten([*told["violations"], *told["reasons"]], "sentences"),
    ]


def say_listed(listed: Any) -> list[str]:
    """Return the first notes on the inputs, and how many more there are."""
    rows = listed.itertuples()
    return shorten(
        [f"{row.source} {row.row}: {row.reason}" + (f" ({row.detail})" if row.detail else "") for row in rows], "notes"
    )


def shorten(lines: list[str], kind: str) -> list[str]:
    """Return the first lines, indented, and how many more the report has."""
    more = len(lines) - _SHOWN
    return [
        *(f"  {line}" for line in lines[:_SHOWN]),
        *([f"  ... and {more} {kind} more in the report"] if more > 0 else []),
    ]
