"""Which sites should open? The question a planner asks, and the answer with its proof."""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.errors import InfeasibleError, InputError
from spatial.profile import Profile, SitingRules
from spatial.siting.bound import Bounded, is_closed, tighten
from spatial.siting.costs import Costs, cover_costs, median_costs, step, total, unserved_seconds, walking_costs
from spatial.siting.cover import cover_all
from spatial.siting.exact import median_model, solve
from spatial.siting.reach import Flags, Reach, build_reach
from spatial.siting.search import improve_by_swaps, open_greedily
from spatial.siting.service import SiteChoice, allocate, describe_sites, list_unreachable
from spatial.tables import FACILITIES

AS_MANY_AS_NEEDED = -1
_OPTIMAL_GAP = 1e-8
_BOUND_SHARE = 0.5
"""Share of the time that the Lagrangian may take before the exact model has its turn."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Open columns, and a bound on the objective as the planner counts it."""

    opened: Flags
    bound: float


def choose_sites(
    times: Any,
    demand: Any,
    candidates: Any,
    profile: Profile,
    *,
    existing: Any = None,
    p: int | None = None,
    time_limit_s: float = 60.0,
) -> SiteChoice:
    """Return the sites to open beside the existing ones, by the model and cutoff of ``profile.siting``.

    ``p_median`` opens at most ``p`` sites for the least household-seconds, ``max_cover`` at most ``p`` for the most
    households within the cutoff, ``set_cover`` the fewest that cover every household that can be covered; both move
    sites by swaps to shorten walks as long as nobody loses cover. A site that helps nobody stays shut.

    Without ``p`` the profile's households per site, less the existing sites, give it (at least one; set cover needs
    none). Nothing depends on the order of rows; answers whose status is ``gap`` also depend on the time there was.

    Parameters
    ----------
    times:
        TRAVEL_TIMES from sites (``origin_id``) to demand points (``destination_id``), up to some limit.
    demand, candidates, existing:
        DEMAND, CANDIDATES and FACILITIES (open already, and staying).

    Raises
    ------
    InfeasibleError
        If there is no candidate, fewer candidates than ``p``, or set cover needs more than ``p`` sites.
    InputError
        If ``p`` is below 1, a walk or household number is negative, or a site id stands in both site tables.
    TableError
        If a table breaks its contract.
    """
    started = time.monotonic()
    rules = profile.siting
    existing = FACILITIES.empty(candidates.crs) if existing is None else existing
    reach = build_reach(times, demand, candidates, existing)
    most, notes = _number_of_sites(reach, rules, p)
    cutoff_s = 60.0 * rules.cutoff_min
    notes += [f"{n} rows of the travel-time table left out: {reason}" for reason, n in reach.ignored.items() if n]
    remaining_s = time_limit_s - (time.monotonic() - started)
    answer = _solve(reach, rules.model, cutoff_s, most, time_limit_s=remaining_s)
    if rules.model != "p_median":
        shorter = improve_by_swaps(walking_costs(reach, cutoff_s, answer.opened), answer.opened)
        answer = _Answer(shorter, answer.bound)
    chosen = [str(name) for name in reach.site_ids[answer.opened & ~reach.existing]]
    allocation = allocate(times, demand, [*chosen, *existing["site_id"]], cutoff_s)
    objective = _objective(rules.model, reach, allocation, unserved_seconds(reach), len(chosen))
    gap = abs(objective - answer.bound) / max(abs(objective), 1.0)
    if gap > _OPTIMAL_GAP:
        notes.append(f"the search ended after {time_limit_s:g} s without a proof; another machine may end elsewhere")
    limit_s = np.inf if rules.model == "p_median" else cutoff_s
    unreachable, smallest = list_unreachable(times, demand, list(reach.site_ids), limit_s)
    return SiteChoice(
        model=rules.model,
        status="optimal" if gap <= _OPTIMAL_GAP else "gap",
        objective=objective,
        bound=answer.bound,
        gap=gap,
        p=most,
        cutoff_s=cutoff_s,
        unserved_s=unserved_seconds(reach),
        sites=describe_sites(candidates, existing, chosen, allocation, rules),
        allocation=allocation,
        unreachable=unreachable,
        smallest_cutoff_s=smallest,
        notes=tuple(notes),
    )


def _number_of_sites(reach: Reach, rules: SitingRules, p: int | None) -> tuple[int, list[str]]:
    candidates = int((~reach.existing).sum())
    if p is not None:
        if p < 1:
            raise InputError(f"siting: p is {p}; needed at least one new site")
        if p > candidates:
            raise InfeasibleError(f"siting: {p} new sites are asked for but only {candidates} candidates are given")
        return p, []
    if rules.model == "set_cover":
        return AS_MANY_AS_NEEDED, []
    households = float(reach.households.sum())
    wanted = math.ceil(households / rules.households_per_site) - int(reach.existing.sum())
    most = min(max(wanted, 1), candidates)
    note = (
        f"p = {most}: {households:g} households at {rules.households_per_site} per site, "
        f"less {int(reach.existing.sum())} existing, at least 1, at most {candidates} candidates"
    )
    return most, [note]


def _solve(reach: Reach, model: str, cutoff_s: float, most: int, *, time_limit_s: float) -> _Answer:
    if model == "set_cover":
        return _cover_everyone(reach, cutoff_s, most, time_limit_s)
    if model == "p_median":
        return _lower_costs(median_costs(reach), most, time_limit_s)
    costs = cover_costs(reach, cutoff_s)
    answer = _lower_costs(costs, most, time_limit_s)
    return _Answer(answer.opened, float(costs.weight.sum()) - answer.bound)


def _lower_costs(costs: Costs, p: int, time_limit_s: float) -> _Answer:
    """Search, bound, settle, and hand what is left to the exact model."""
    if not len(costs.weight):
        return _Answer(costs.fixed, 0.0)
    started = time.monotonic()
    opened = improve_by_swaps(costs, open_greedily(costs, p))
    state = tighten(costs, p, opened, time_limit_s=_BOUND_SHARE * time_limit_s)
    if not is_closed(state):
        remaining_s = time_limit_s - (time.monotonic() - started)
        state = _finish(state, p + int(costs.fixed.sum()), remaining_s)
    bound = math.ceil(state.bound - 1e-4) if step(costs) else state.bound
    return _Answer(state.opened, state.value if is_closed(state) else min(bound, state.value))


def _finish(state: Bounded, most: int, time_limit_s: float) -> Bounded:
    """Return the state after the exact model of what is not settled."""
    left = state.costs
    width = len(left.fixed)
    solved = solve(median_model(left, most - int(left.fixed.sum())), width, state.opened, time_limit_s=time_limit_s)
    opened, value = state.opened, state.value
    if solved.opened is not None:
        found = solved.opened | left.fixed
        if (found_value := total(left, found)) < value:
            opened, value = found, found_value
    return Bounded(opened, value, max(state.bound, min(solved.bound, value)), left)


def _cover_everyone(reach: Reach, cutoff_s: float, most: int, time_limit_s: float) -> _Answer:
    costs = cover_costs(reach, cutoff_s)
    covered = cover_all(costs, time_limit_s=time_limit_s)
    added = int((covered.opened & ~costs.fixed).sum())
    if most != AS_MANY_AS_NEEDED and added > most:
        least = int(covered.bound)
        proof = f"at least {least} are needed" if least > most else f"the search found no fewer than {added}"
        raise InfeasibleError(
            f"siting: {most} new sites cannot be shown to cover every household within {cutoff_s:g} s; {proof}"
        )
    return _Answer(covered.opened, covered.bound)


def _objective(model: str, reach: Reach, allocation: Any, unserved_s: float, added: int) -> float:
    """Return what the model counts, from the allocation alone, so that it checks the search and the solver."""
    households = allocation["households"]
    if model == "set_cover":
        return float(added)
    if model == "max_cover":
        return float(households[allocation["covered"]].sum())
    # Points without any walk cost the same whatever is chosen; they are listed, not counted.
    reachable = np.isin(np.arange(len(reach.demand_ids)), reach.demand)
    return float((allocation["walk_s"].fillna(unserved_s) * households)[reachable].sum())
