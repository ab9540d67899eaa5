"""Who is served by the chosen sites, how far do people walk, and is there room for them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.profile import SitingRules
from spatial.siting.asking import Asked
from spatial.siting.figures import Served, measure_walks, nearest
from spatial.siting.setting import HOUSEHOLDS, Setting
from spatial.siting.unreachable import REASONS
from spatial.siting.ways import Flags, Floats, Ints
from spatial.tables import SITES, require


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """Chosen sites, whom they serve, and how good the choice is.

    Attributes
    ----------
    model, status:
        ``p_median``, ``max_cover``, ``set_cover`` or ``p_center``; ``optimal`` when the bound proves it, ``gap`` when
        time ran out.
    objective, bound, gap:
        What the model counts, recomputed from the travel-time table: household-seconds (p-median, smaller is better),
        households within the cutoff (maximal cover, larger is better), new sites or their cost (set cover) or the
        longest walk in seconds (p-center); a proven bound on it; and their difference over the objective.
    p, cutoff_s, unserved_s:
        Most new sites allowed (-1: as many as needed), the cutoff, and the seconds that the p-median counts for a
        household that no open site reaches.
    sites:
        SITES, existing and chosen, sorted by id, with ``mode``, ``cost``, ``floor_area_m2``, ``floor_needed_m2`` and
        ``floor_deficit_m2`` (missing where the floor area is not known); ``only_here`` households within the cutoff of
        no other open site, and ``longer_s``: seconds by which walks in all would grow without the site.
    allocation:
        One row per demand point, sorted by id: ``demand_id``, ``site_id`` (nearest open site, ties by id; the one that
        has room where that is limited; "" where the table reaches none), ``walk_s`` (missing there), ``households``,
        ``covered`` (within the cutoff).
    groups:
        One row per group or level: ``group``, ``weight``, ``served``, ``covered``, ``mean`` and ``p95`` seconds.
    criteria:
        What speaks for each open site: ``site_id``, ``criterion`` (location, population by group, radius), ``value``,
        ``share`` of all open sites.
    unreachable:
        Demand points that no site, open or not, can serve: ``demand_id``, ``households``, ``reason`` (``no_walk`` in
        the table to a site that may open and is of the level asked for, ``beyond_cutoff`` for the cover models, or
        ``too_few_sites`` for backup cover), ``nearest_site_id`` of such a site, ``nearest_s``.
    smallest_cutoff_s:
        The cutoff at which everybody could be covered for whom the table lists enough sites that may open, of the
        level asked for; missing without any.
    closed:
        Ids of existing sites that close, where they may.
    conditions:
        The conditions that were set, by name.
    seconds, notes:
        Time it took, and what was assumed or left out, in sentences.
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
    groups: Any
    criteria: Any
    unreachable: Any
    smallest_cutoff_s: float
    closed: tuple[str, ...]
    conditions: Mapping[str, Any]
    seconds: float
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
        walks = measure_walks(
            allocation.loc[~unserved, "walk_s"].to_numpy(dtype=np.float64),
            households[~unserved].to_numpy(dtype=np.float64),
        )
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
            "closed": list(self.closed),
            "conditions": dict(self.conditions),
            "households": int(households.sum()),
            "covered_households": int(households[allocation["covered"]].sum()),
            "unserved_households": int(households[unserved].sum()),
            "unserved_points": int(unserved.sum()),
            "unreachable_households": int(self.unreachable["households"].sum()),
            "unreachable_points": len(self.unreachable),
            "mean_walk_s": walks["mean"],
            "p95_walk_s": walks["p95"],
            "by_group": self.groups.to_dict("records"),
            "smallest_cutoff_s": None if np.isnan(self.smallest_cutoff_s) else self.smallest_cutoff_s,
            "floor_deficit_m2": float(self.sites["floor_deficit_m2"].sum()),
            "sites_without_floor_area": int(self.sites["floor_area_m2"].isna().sum()),
            "notes": list(self.notes),
        }


def allocate(setting: Setting, asked: Asked, served: Served, opened: Flags, cutoff_s: float) -> Any:
    """Return one row per demand point with its open site: the nearest, or the one that has room for most of it."""
    site, walk = nearest(setting.ways, opened)
    if asked.question.has_room_limits:
        site, walk = _by_home(asked, served, len(setting.homes.ids))
    ids = np.append(setting.places.ids, "")
    out = pd.DataFrame(
        {
            "demand_id": pd.Series(setting.homes.ids, dtype="str"),
            "site_id": pd.Series(ids[site], dtype="str"),
            "walk_s": np.where(site >= 0, walk, np.nan),
            "households": setting.homes.groups[HOUSEHOLDS].astype(np.int64),
        }
    )
    out["covered"] = out["walk_s"] <= cutoff_s
    return out


def _by_home(asked: Asked, served: Served, homes: int) -> tuple[Ints, Floats]:
    """Return the site of each demand point's weightiest row."""
    order = np.lexsort((-asked.group, asked.question.weight))
    site, walk = np.full(homes, -1, dtype=np.int64), np.full(homes, np.inf)
    site[asked.home[order]], walk[asked.home[order]] = served.site[order], served.walk[order]
    return site, walk


def list_unreachable(setting: Setting, asked: Asked, limit_s: float) -> Any:
    """Return the demand points that no site can serve; one that the question does not count is held against the limit.

    Sites that may not open serve nobody, and of several rows of a point the one that is worst off is told.
    """
    found, uncounted = asked.unreachable, ~asked.left_out
    uncounted[asked.home] = False
    site, walk = nearest(setting.ways, ~asked.question.banned)
    others = np.flatnonzero(uncounted & (walk > limit_s))
    reason = np.append(found.reason, np.where(np.isfinite(walk[others]), 1, 0))
    site, walk = np.append(found.site, site[others]), np.append(found.walk, walk[others])
    home = np.append(found.home, others)
    order = np.argsort(home, kind="stable")
    home, walk = home[order], walk[order]
    return pd.DataFrame(
        {
            "demand_id": pd.Series(setting.homes.ids[home], dtype="str"),
            "households": setting.homes.groups[HOUSEHOLDS][home].astype(np.int64),
            "reason": pd.Series(np.array(REASONS, dtype=object)[reason[order]], dtype="str"),
            "nearest_site_id": pd.Series(np.append(setting.places.ids, "")[site[order]], dtype="str"),
            "nearest_s": np.where(np.isfinite(walk), walk, np.nan),
        }
    )


def describe_sites(
    candidates: Any, existing: Any, open_ids: list[str], allocation: Any, rules: SitingRules, lost: Any
) -> Any:
    """Return SITES of the existing and the chosen sites, with what they serve and the floor area that takes.

    The area needed is the profile's square metres per 100 households served, at least its smallest centre. ``lost`` is
    indexed by site, with what its closing would cost.
    """
    new = candidates[candidates["site_id"].isin(open_ids)].assign(existing=False)
    old = existing[existing["site_id"].isin(open_ids)].assign(existing=True, proposed=False, mode="", cost=np.nan)
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
    for name in lost.columns:
        sites[name] = sites["site_id"].map(lost[name]).astype("float64")
    sites = gpd.GeoDataFrame(sites, geometry="geometry", crs=candidates.crs)
    order = [*SITES.columns, "mode", "cost", "floor_area_m2", "floor_needed_m2", "floor_deficit_m2", *lost.columns]
    return require(sites[[*order, "geometry"]], SITES)


def _served(allocation: Any) -> Mapping[str, Any]:
    reached = allocation[allocation["site_id"] != ""]
    households = reached.groupby("site_id")["households"].sum()
    seconds = (reached["walk_s"] * reached["households"]).groupby(reached["site_id"]).sum()
    return {"households": households, "mean_walk_s": seconds / households.where(households > 0)}
