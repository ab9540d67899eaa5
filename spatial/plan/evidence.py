"""What does each principle measure? Figures from the tables of a plan."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.plan.figure import Figure, count, plain, share
from spatial.plan.grids import cut_pairs
from spatial.plan.model import Plan

Figures = Mapping[str, Figure]
_S_PER_MIN = 60.0


def measure_borders(plan: Plan) -> tuple[Figures, Any]:
    """Return how much of the border between grids is clear, and the stretches that are not, longest first."""
    cut = cut_pairs(plan.adjacency, plan.assignment)
    shared, clear = float(cut["shared_m"].sum()), float(cut["clear_m"].sum())
    unclear = cut.assign(unclear_m=cut["shared_m"] - cut["clear_m"])
    unclear = unclear[unclear["unclear_m"] >= plan.profile.land.min_shared_m]
    unclear = unclear.sort_values(["unclear_m", "focal", "neighbor"], ascending=[False, True, True], ignore_index=True)
    kept = ["focal", "neighbor", "focal_grid", "neighbor_grid", "shared_m", "unclear_m", "barrier"]
    strength = plan.profile.land.clear_strength
    figures = {
        "clear_share": share(
            clear, shared, f"metres between two grids on barriers of strength {strength:g} or more, over all metres"
        ),
        "unclear_segments": count(
            len(unclear),
            "pairs of blocks",
            f"pairs cut apart with {plan.profile.land.min_shared_m:g} m or more of border on no clear line",
            unclear_m=plain(unclear["unclear_m"].sum()),
        ),
        "against_target": Figure(
            clear / shared - plan.profile.division.clear_target if shared else None,
            "share",
            "clear share less the profile's aim",
            {"clear_target": plan.profile.division.clear_target},
        ),
    }
    return figures, unclear[kept]


def measure_size(plan: Plan) -> Figures:
    """Return grids and households in the band: all, and apart for grids with and without an oversize block."""
    grids = plan.grids
    oversize = grids["oversize"].to_numpy(dtype=bool)
    households = grids["households"].to_numpy()
    rules = plan.profile.grid
    inside = (households >= rules.floor_households) & (households <= rules.ceiling_households) & ~oversize
    band = f"{rules.floor_households} to {rules.ceiling_households} households"
    every = np.ones(len(grids), dtype=bool)
    figures: dict[str, Figure] = {}
    for name, rows in (("all", every), ("without_oversize", ~oversize), ("with_oversize", oversize)):
        says = f"in the band of {band}, over grids {name.replace('_', ' ')}"
        figures[f"grids_in_band_{name}"] = share((inside & rows).sum(), rows.sum(), f"grids {says}")
        part, whole = households[inside & rows].sum(), households[rows].sum()
        figures[f"households_in_band_{name}"] = share(part, whole, f"households of grids {says}")
    off = np.abs(households[~oversize] - rules.target_households)
    figures["mean_deviation"] = Figure(
        float(off.mean()) if len(off) else None,
        "households",
        f"mean distance from the target of {rules.target_households}, grids without an oversize block",
        {"grids": int((~oversize).sum())},
    )
    figures["sub_grids_needed"] = count(
        grids.loc[oversize, "sub_grids_needed"].sum() if "sub_grids_needed" in grids else 0,
        "grids",
        "households over the ceiling, rounded up, summed over grids with an oversize block",
        grids_with_oversize=int(oversize.sum()),
    )
    return figures


def measure_contiguity(plan: Plan, violations: Any) -> Figures:
    """Return the share of grids that are one piece, and that people can cross on foot.

    The second is missing where the map shows nothing that could divide a grid.
    """
    grids = len(plan.grids)
    torn = set(violations.loc[violations["rule"].isin(["T2", "contiguity"]), "subject"])
    divided = torn | set(violations.loc[violations["rule"] == "T10", "subject"])
    known = _knows_barriers(plan)
    walkable = (
        "contiguous grids whose blocks join over borders that can be crossed; walks inside a grid are not looked at"
    )
    unknown = "not measured: no street, river, railway or wall is known that could divide a grid"
    border = f"shared borders of {plan.profile.land.min_shared_m:g} m or more"
    return {
        "contiguous_share": share(grids - len(torn), grids, f"grids of one part whose blocks join by {border}"),
        "walkable_share": share(grids - len(divided), grids, walkable) if known else Figure(None, "share", unknown, {}),
    }


def _knows_barriers(plan: Plan) -> bool:
    """Tell whether any line but those of communities and estates was there to hold borders against."""
    drawn = ~plan.adjacency["barrier"].isin(["", "community", "estate"])
    return len(plan.barriers) > 0 or bool(drawn.any()) or not bool(plan.adjacency["crossable"].all())


def measure_estates(plan: Plan) -> tuple[Figures, list[str]]:
    """Return how many estates lie in one grid, and the ids of those that do not."""
    demand = plan.demand[plan.demand["estate_id"] != ""]
    grid_id = demand["block_id"].map(plan.assignment)
    spread = grid_id.groupby(demand["estate_id"]).nunique()
    split = sorted(spread.index[spread > 1])
    households = demand.groupby("estate_id")["households"].sum()
    figures = {
        "estates_whole_share": share(len(spread) - len(split), len(spread), "estates in one grid, over all estates"),
        "estates_split": count(
            len(split),
            "estates",
            "estates whose demand points lie in two or more grids",
            households=plain(households.reindex(split).sum()),
        ),
    }
    return figures, split


def measure_work(plan: Plan) -> Figures:
    """Return how evenly households, as the load, are spread over the grids."""
    load = plan.grids["households"].to_numpy(dtype=np.float64)
    mean = float(load.mean()) if len(load) else 0.0
    inputs = {"grids": len(load), "mean": mean, "largest": float(load.max(initial=0.0))}
    variation = float(load.std()) / mean if mean else None
    return {
        "variation": Figure(variation, "ratio", "standard deviation of households per grid over their mean", inputs),
        "max_over_mean": Figure(
            inputs["largest"] / mean if mean else None, "ratio", "most households of a grid over the mean", inputs
        ),
    }


def measure_responsibility(plan: Plan, violations: Any) -> Figures:
    """Return whether each grid has a code of its own and each demand point one grid; leads are not known."""
    codes, grids, points = plan.grids["code"], len(plan.grids), len(plan.demand)
    unique = int((~codes.duplicated(keep=False) & (codes != "")).sum())
    astray = int((violations["rule"] == "T9").sum())
    return {
        "unique_codes_share": share(unique, grids, "grids with a code that no other has, over all grids"),
        "points_in_one_grid_share": share(
            points - astray, points, "demand points in the grid of their block, over all"
        ),
        "leads_known_share": Figure(None, "share", "grids with a named lead; a plan holds no leads", {}),
    }


def measure_extent(plan: Plan, farthest_walk_s: Any) -> tuple[Figures, Any]:
    """Return how far people walk inside a grid, and each grid's diameter in metres (straight, by grid id).

    ``farthest_walk_s`` is a Series grid id -> seconds, or None.
    """
    diameter_m = measure_diameters(plan.grids)
    walking = plan.profile.walking
    limit_m = walking.patrol_min * _S_PER_MIN * walking.adult_m_per_s
    grids = len(diameter_m)
    figures = {
        "diameter_mean": Figure(
            float(diameter_m.mean()) if grids else None,
            "m",
            "mean of the straight diameters of grids",
            {"grids": grids},
        ),
        "diameter_max": Figure(
            float(diameter_m.max()) if grids else None, "m", "largest straight diameter of a grid", {"grids": grids}
        ),
        "diameter_within_patrol_share": share(
            int((diameter_m <= limit_m).sum()),
            grids,
            f"grids whose straight diameter is at most {walking.patrol_min:g} minutes at walking speed",
            limit_m=limit_m,
        ),
    }
    if farthest_walk_s is not None:
        walk_s = farthest_walk_s.reindex(plan.grids["grid_id"])
        figures["walk_within_patrol_share"] = share(
            int((walk_s <= walking.patrol_min * _S_PER_MIN).sum()),
            grids,
            f"grids whose farthest walk is at most {walking.patrol_min:g} minutes",
            not_known=int(walk_s.isna().sum()),
        )
    return figures, diameter_m


def measure_diameters(grids: Any) -> Any:
    """Return a Series grid id -> greatest straight distance in metres between two points of the grid."""
    hulls = shapely.convex_hull(grids.geometry.to_numpy())
    out = []
    for hull in hulls:  # hulls differ in their number of corners
        xy = shapely.get_coordinates(hull)
        out.append(float(np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1)).max()))
    return pd.Series(out, index=grids["grid_id"].to_numpy(), dtype="float64", name="diameter_m")


def measure_reach_of_circles(plan: Plan) -> Figures:
    """Return the share of households in reach of a site, by kind and limit of the circles.

    Along the network where the report holds that coverage (``coverage.all``: rows with ``limit_s`` or ``limit_m``,
    ``households`` and ``total``). Else from the drawn circles, which miss homes that stand back from the street; the
    formula says which.
    """
    walked = _walked(plan)
    points, households = plan.demand.geometry.to_numpy(), plan.demand["households"].to_numpy()
    figures = {}
    circles = plan.circles.sort_values(["mode", "minutes", "limit_m"])
    by = circles["minutes"].where(circles["mode"] == "time", circles["limit_m"]).rename("limit")
    for (mode, limit), rows in circles.groupby(["mode", by], sort=True):
        unit = "min" if mode == "time" else "m"
        key = f"{limit:g}_{unit}"
        if key in walked:
            part, whole = walked[key]
            formula = f"households that walk to a site within {limit:g} {unit} along the network, over all"
        else:
            reached = np.unique(shapely.STRtree(points).query(rows.geometry.to_numpy(), predicate="intersects")[1])
            part, whole = households[reached].sum(), households.sum()
            formula = f"households whose point lies inside a drawn circle of {limit:g} {unit}, over all"
        figures[key] = share(part, whole, formula, circles=len(rows))
    return figures


def _walked(plan: Plan) -> dict[str, tuple[float, float]]:
    """Return households in reach and all of them by limit, as the report tells them."""
    rows = plan.report.get("coverage", {}).get("all", [])
    named = [
        (f"{row['limit_s'] / _S_PER_MIN:g}_min" if row.get("limit_s") is not None else f"{row['limit_m']:g}_m", row)
        for row in rows
    ]
    return {name: (row["households"], row["total"]) for name, row in named}
