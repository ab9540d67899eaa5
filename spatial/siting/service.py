"""Who is served by the chosen sites, how far do people walk, and is there room for them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.profile import SitingRules
from spatial.tables import SITES, require


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """Chosen sites, whom they serve, and how good the choice is.

    Attributes
    ----------
    model, status:
        ``p_median``, ``max_cover`` or ``set_cover``; ``optimal`` when the bound proves it, ``gap`` when time ran out.
    objective, bound, gap:
        What the model counts, recomputed from the travel-time table: household-seconds (p-median, smaller is better),
        households within the cutoff (maximal cover, larger is better) or new sites (set cover); a proven bound on it;
        and their difference over the objective.
    p, cutoff_s, unserved_s:
        Most new sites allowed (-1: as many as needed), the cutoff, and the seconds that the p-median counts for a
        household that no open site reaches.
    sites:
        SITES, existing and chosen, sorted by id, with ``mode``, ``cost``, ``floor_area_m2``, ``floor_needed_m2`` and
        ``floor_deficit_m2`` (missing where the floor area is not known).
    allocation:
        One row per demand point, sorted by id: ``demand_id``, ``site_id`` (nearest open site, ties by id; "" where the
        table reaches none), ``walk_s`` (missing there), ``households``, ``covered`` (within the cutoff).
    unreachable:
        Demand points that no site, open or not, can serve: ``demand_id``, ``households``, ``reason`` (``no_walk`` in
        the table, or ``beyond_cutoff`` for the cover models), ``nearest_site_id``, ``nearest_s``.
    smallest_cutoff_s:
        The cutoff at which every demand point with a walk in the table could be covered; missing without walks.
    notes:
        What was assumed or left out, in sentences.
    """

    model: str
    status: str
    objective: float
    bound: float
    gap: float
    p: int
    cutoff_s: float
    unserved_s: float
    sites: Any
    allocation: Any
    unreachable: Any
    smallest_cutoff_s: float
    notes: tuple[str, ...]

    @property
    def chosen(self) -> list[str]:
        """Ids of the new sites, sorted."""
        return list(self.sites.loc[~self.sites["existing"], "site_id"])

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON; missing numbers are None."""
        allocation = self.allocation
        households = allocation["households"]
        unserved = allocation["site_id"] == ""
        return {
            "model": self.model,
            "status": self.status,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "p": self.p if self.p >= 0 else None,
            "cutoff_s": self.cutoff_s,
            "unserved_s": self.unserved_s,
            "chosen": self.chosen,
            "existing": list(self.sites.loc[self.sites["existing"], "site_id"]),
            "households": int(households.sum()),
            "covered_households": int(households[allocation["covered"]].sum()),
            "unserved_households": int(households[unserved].sum()),
            "unserved_points": int(unserved.sum()),
            "unreachable_households": int(self.unreachable["households"].sum()),
            "unreachable_points": len(self.unreachable),
            "mean_walk_s": _mean_walk(allocation[~unserved]),
            "smallest_cutoff_s": None if np.isnan(self.smallest_cutoff_s) else self.smallest_cutoff_s,
            "floor_deficit_m2": float(self.sites["floor_deficit_m2"].sum()),
            "sites_without_floor_area": int(self.sites["floor_area_m2"].isna().sum()),
            "notes": list(self.notes),
        }


def _mean_walk(allocation: Any) -> float | None:
    households = float(allocation["households"].sum())
    return float((allocation["walk_s"] * allocation["households"]).sum()) / households if households else None


def allocate(times: Any, demand: Any, open_ids: list[str], cutoff_s: float) -> Any:
    """Return one row per demand point with its nearest open site; ties go to the smaller site id."""
    nearest = _nearest(times[times["origin_id"].isin(open_ids)])
    out = demand[["demand_id", "households"]].sort_values("demand_id", ignore_index=True)
    out = pd.DataFrame(out).merge(nearest, on="demand_id", how="left")
    out["site_id"] = out["site_id"].fillna("")
    out["covered"] = out["walk_s"] <= cutoff_s
    return out[["demand_id", "site_id", "walk_s", "households", "covered"]]


def _nearest(times: Any) -> Any:
    ranked = times[["destination_id", "walk_s", "origin_id"]].sort_values(["destination_id", "walk_s", "origin_id"])
    first = ranked.drop_duplicates("destination_id")
    return first.rename(columns={"destination_id": "demand_id", "origin_id": "site_id"})[
        ["demand_id", "site_id", "walk_s"]
    ]


def list_unreachable(times: Any, demand: Any, site_ids: list[str], limit_s: float) -> tuple[Any, float]:
    """Return the demand points that no site can serve within the limit, and the smallest limit that would do.

    The smallest limit looks only at points with households and a walk in the table.
    """
    nearest = _nearest(times[times["origin_id"].isin(site_ids)])
    out = pd.DataFrame(demand[["demand_id", "households"]]).merge(nearest, on="demand_id", how="left")
    out = out.rename(columns={"site_id": "nearest_site_id", "walk_s": "nearest_s"})
    smallest = float(out.loc[out["households"] > 0, "nearest_s"].max()) if len(out) else np.nan
    out = out[out["nearest_s"].isna() | (out["nearest_s"] > limit_s)].sort_values("demand_id", ignore_index=True)
    out["reason"] = np.where(out["nearest_s"].isna(), "no_walk", "beyond_cutoff")
    out["nearest_site_id"] = out["nearest_site_id"].fillna("")
    return out[["demand_id", "households", "reason", "nearest_site_id", "nearest_s"]], smallest


def describe_sites(candidates: Any, existing: Any, chosen: list[str], allocation: Any, rules: SitingRules) -> Any:
    """Return SITES of the existing and the chosen sites, with what they serve and the floor area that takes.

    The area needed is the profile's square metres per 100 households served, at least its smallest centre.
    """
    new = candidates[candidates["site_id"].isin(chosen)].assign(existing=False)
    old = existing.assign(existing=True, proposed=False, mode="", cost=np.nan)
    columns = ["site_id", "name", "kind", "existing", "proposed", "mode", "cost", "floor_area_m2", "geometry"]
    frames = [frame[columns] for frame in (new, old) if len(frame)] or [new[columns]]
    sites = pd.concat(frames).sort_values("site_id", ignore_index=True)
    for name in ("existing", "proposed"):
        sites[name] = sites[name].astype(bool)
    for name in ("cost", "floor_area_m2"):
        sites[name] = sites[name].astype("float64")
    served = _served(allocation)
    sites["households"] = sites["site_id"].map(served["households"]).fillna(0).astype("int64")
    sites["mean_walk_s"] = sites["site_id"].map(served["mean_walk_s"]).astype("float64")
    needed = sites["households"] / 100.0 * rules.floor_m2_per_100_households
    sites["floor_needed_m2"] = np.maximum(needed, rules.min_floor_m2)
    sites["floor_deficit_m2"] = (sites["floor_needed_m2"] - sites["floor_area_m2"]).clip(lower=0.0)
    sites = gpd.GeoDataFrame(sites, geometry="geometry", crs=candidates.crs)
    order = [*SITES.columns, "mode", "cost", "floor_area_m2", "floor_needed_m2", "floor_deficit_m2", "geometry"]
    return require(sites[order], SITES)


def _served(allocation: Any) -> Mapping[str, Any]:
    reached = allocation[allocation["site_id"] != ""]
    households = reached.groupby("site_id")["households"].sum()
    seconds = (reached["walk_s"] * reached["households"]).groupby(reached["site_id"]).sum()
    return {"households": households, "mean_walk_s": seconds / households.where(households > 0)}
