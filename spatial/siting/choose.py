"""Which sites should open? The question a planner asks, and the answer with its proof."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.profile import Profile, SitingRules
from spatial.progress import Progress, silent
from spatial.siting.asking import Asked, ask, unserved_cost
from spatial.siting.conditions import Conditions
from spatial.siting.figures import measure_groups, measure_sites, rate_sites
from spatial.siting.service import SiteChoice, allocate, describe_sites, list_unreachable
from spatial.siting.setting import HOUSEHOLDS, Setting, read_setting
from spatial.siting.settle import Settled, row_limits, settle
from spatial.siting.site_rules import number_of_sites
from spatial.siting.ways import Deadline, Floats
from spatial.tables import FACILITIES

_NO_CONDITIONS = Conditions()
_CRITERIA = ["site_id", "criterion", "value", "share"]


def choose_sites(
    times: Any,
    demand: Any,
    candidates: Any,
    profile: Profile,
    *,
    existing: Any = None,
    p: int | None = None,
    conditions: Conditions = _NO_CONDITIONS,
    time_limit_s: float = 60.0,
    seed: int = 0,
    on_progress: Progress = silent,
) -> SiteChoice:
    """Return the sites to open beside the existing ones, by the model and cutoff of ``profile.siting``.

    ``p_median`` opens at most ``p`` sites for the least household-seconds, ``max_cover`` at most ``p`` for the most
    households within the cutoff, ``p_center`` at most ``p`` for the shortest longest walk, ``set_cover`` the fewest
    that cover every household that can be covered; the cover models move sites by swaps to shorten walks as long as
    nobody loses cover. A site that helps nobody stays shut. ``conditions`` go with every model.

    Without ``p`` the profile's households per site, less the existing sites, give it (at least one; set cover needs
    none). Nothing depends on the order of rows; answers whose status is ``gap`` also depend on the time there was.

    Parameters
    ----------
    times:
        TRAVEL_TIMES from sites (``origin_id``) to demand points (``destination_id``), up to some limit.
    demand, candidates, existing:
        DEMAND, CANDIDATES and FACILITIES (open already). Further columns: numbers of people by group (demand); texts
        such as the street, and ``level`` (sites).
    time_limit_s:
        Seconds for the search; what kernels take to compile, once after an installation, does not count.

    Raises
    ------
    InfeasibleError
        If there is no candidate, fewer candidates than ``p``, or no sites keep every condition; its ``facts`` say what
        would do.
    InputError
        If ``p`` is below 1, a walk or household number is negative, a walk names a site or demand point that is not
        there, a site id stands in both site tables, or a condition means nothing.
    TableError
        If a table breaks its contract.
    """
    deadline, rules = Deadline(time_limit_s), profile.siting
    posed = pose(times, demand, candidates, profile, existing=existing, p=p, conditions=conditions)
    setting, asked, existing = posed.setting, posed.asked, posed.existing
    done = settle(setting, asked, deadline=deadline, seed=seed, on_progress=on_progress)
    cutoff_s, limit_s = 60.0 * rules.cutoff_min, _limit_s(rules)
    smallest = asked.smallest_cutoff
    limit, ids = row_limits(asked, cutoff_s), setting.places.ids
    allocation = allocate(setting, asked, done.served, done.opened, cutoff_s)
    return SiteChoice(
        model=rules.model,
        status=done.status,
        objective=done.objective,
        bound=done.bound,
        gap=done.gap,
        p=asked.question.p,
        cutoff_s=cutoff_s,
        unserved_s=unserved_cost(setting),
        sites=describe_sites(
            candidates, existing, list(ids[done.opened]), allocation, rules, _losses(setting, asked, done, limit)
        ),
        allocation=allocation,
        groups=pd.DataFrame(measure_groups(asked, done.served, limit)),
        criteria=pd.DataFrame(rate_sites(setting, asked, done.served, limit, done.opened), columns=_CRITERIA),
        unreachable=list_unreachable(setting, asked, limit_s),
        smallest_cutoff_s=math.nan if smallest is None else smallest,
        closed=tuple(str(one) for one in ids[setting.places.existing & ~done.opened]),
        conditions=conditions.told(),
        seconds=deadline.spent(),
        notes=(*posed.notes, *done.notes),
    )


@dataclass(frozen=True, slots=True)
class Posed:
    """A planner's question as engines take it, the sites that are open already, and what was assumed or left out."""

    setting: Setting
    asked: Asked
    existing: Any
    notes: tuple[str, ...]


def pose(
    times: Any, demand: Any, candidates: Any, profile: Profile, *, existing: Any, p: int | None, conditions: Conditions
) -> Posed:
    """Return the question that tables and a profile ask, all of it checked; as for ``choose_sites``."""
    rules = profile.siting
    existing = FACILITIES.empty(candidates.crs) if existing is None else existing
    setting = read_setting(times, demand, candidates, existing, conditions.groups)
    setting, assumed = _with_rooms(setting, rules, conditions)
    most, why = _number_of_sites(setting, rules, p, conditions)
    left_out = [f"{n} rows of the travel-time table left out: {reason}" for reason, n in setting.ignored.items() if n]
    asked = ask(setting, conditions, model=rules.model, p=most, cutoff=_limit_s(rules))
    return Posed(setting, asked, existing, (*why, *left_out, *assumed))


def _limit_s(rules: SitingRules) -> float:
    """Return the longest walk that serves; the p-median and the p-center count any."""
    return math.inf if rules.model in ("p_median", "p_center") else 60.0 * rules.cutoff_min


def _losses(setting: Setting, asked: Asked, done: Settled, limit: Floats) -> Any:
    """Return, by site, the households that only it covers, and the seconds that its closing would add."""
    sites = measure_sites(setting, asked, done.served, limit)
    return pd.DataFrame({"only_here": sites["only_here"], "longer_s": sites["longer"]}, index=setting.places.ids)


def _with_rooms(setting: Setting, rules: SitingRules, conditions: Conditions) -> tuple[Setting, list[str]]:
    """Return the setting with the households that each site's floor area is enough for; no limit if unknown."""
    if not conditions.room:
        return setting, []
    area = setting.places.room
    room = np.where(np.isnan(area), np.inf, area * 100.0 / rules.floor_m2_per_100_households)
    unknown = int(np.isnan(area).sum())
    notes = [f"{unknown} sites without a floor area are taken to have room for everybody"] if unknown else []
    return replace(setting, places=replace(setting.places, room=room)), notes


def _number_of_sites(
    setting: Setting, rules: SitingRules, p: int | None, conditions: Conditions
) -> tuple[int, list[str]]:
    if p is not None or rules.model == "set_cover":
        return number_of_sites(setting, p, conditions), []
    existing = 0 if conditions.closable else int(setting.places.existing.sum())
    sites = len(setting.places.ids) - existing
    households = float(setting.homes.groups[HOUSEHOLDS].sum())
    wanted = math.ceil(households / rules.households_per_site) - existing
    most = min(max(wanted, 1), sites)
    note = (
        f"p = {most}: {households:g} households at {rules.households_per_site} per site, "
        f"less {existing} existing, at least 1, at most {sites} candidates"
    )
    return most, [note]
