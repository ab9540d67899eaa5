"""How do choices differ, and which numbers of sites, coverage and cost are worth choosing between?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InputError
from spatial.profile import Profile
from spatial.siting.asking import Asked
from spatial.siting.choose import pose
from spatial.siting.conditions import Conditions
from spatial.siting.enumerate import can_try_all, every_set
from spatial.siting.question import value_of
from spatial.siting.service import SiteChoice
from spatial.siting.setting import Setting
from spatial.siting.site_rules import known_prices
from spatial.siting.ways import Floats, Ints

_NO_CONDITIONS = Conditions()
_FIGURES = (
    "model", "status", "objective", "bound", "gap", "cutoff_s", "covered_households", "unserved_households",
    "mean_walk_s", "p95_walk_s", "floor_deficit_m2",
)  # fmt: skip


def compare_choices(choices: Sequence[tuple[str, SiteChoice]]) -> Any:
    """Return one row per named choice: its figures, sites and money, and what opens and closes against the first one.

    Raises
    ------
    InputError
        If there is none, or a name stands twice.
    """
    names = [name for name, _ in choices]
    if not names or len(set(names)) < len(names):
        raise InputError(f"siting: found choices named {names}; needed at least one, each with a name of its own")
    first = set(choices[0][1].sites["site_id"])
    rows = []
    for name, choice in choices:
        told, now = choice.to_dict(), set(choice.sites["site_id"])
        new = choice.sites[~choice.sites["existing"]]
        rows.append(
            {
                "choice": name,
                **{figure: told[figure] for figure in _FIGURES},
                "new_sites": len(new),
                "cost": float(new["cost"].sum()),
                "more": ", ".join(sorted(now - first)),
                "fewer": ", ".join(sorted(first - now)),
            }
        )
    return pd.DataFrame(rows)


def list_pareto(
    times: Any,
    demand: Any,
    candidates: Any,
    profile: Profile,
    *,
    existing: Any = None,
    p: int | None = None,
    conditions: Conditions = _NO_CONDITIONS,
) -> Any:
    """Return every choice that no other beats in number of new sites, value and money at once (the Pareto list).

    Tables, profile and conditions are those of ``choose_sites``; without ``p`` any number of sites may open. Every set
    of sites is tried, so the list is whole, and there is one for small questions only: a dozen candidates, or two or
    three of a hundred.

    One row each, from few sites to many: ``sites`` (ids of the new ones, in a tuple), ``new_sites``, ``value`` (what
    the model counts: for maximal cover the weight covered, larger is better; else smaller is) and ``cost`` (0 for a
    site whose price is not known, as for those that are open). Of choices equal in all three the first by its sites
    stands for all. No row if no sites keep every condition.

    Raises
    ------
    InfeasibleError
        If there is no candidate, or there are fewer than ``p``.
    InputError
        If there are too many sets of sites to try every one, room is limited, or a value means nothing.
    TableError
        If a table breaks its contract.
    """
    if p is None:
        p = len(candidates) + (len(existing) if conditions.closable and existing is not None else 0)
    posed = pose(times, demand, candidates, profile, existing=existing, p=p, conditions=conditions)
    return list_worthy(posed.setting, posed.asked)


def list_worthy(setting: Setting, asked: Asked) -> Any:
    """Return the Pareto list of a question, as ``list_pareto`` does.

    Raises
    ------
    InputError
        If there are too many sets of sites to try every one, or room is limited.
    """
    question = asked.question
    if question.has_room_limits:
        raise InputError("siting: room is limited; a list of every choice needs sites that serve whoever is near")
    if not can_try_all(question):
        free = int((~question.fixed & ~question.banned).sum())
        raise InputError(
            f"siting: {free} sites are too many to list every choice; needed about a dozen, or fewer to open"
        )
    new = ~setting.places.existing
    found = [(opened[np.isfinite(value)], value[np.isfinite(value)]) for opened, value in every_set(question)]
    opened = np.concatenate([one for one, _ in found])
    value = np.concatenate([one for _, one in found])
    number = opened[:, new].sum(axis=1)
    cost = opened @ np.nan_to_num(known_prices(setting.places, asked.conditions))
    kept = _unbeaten(number, value, cost)
    covered = asked.model == "max_cover"
    whole, ids = float(question.weight.sum()), setting.places.ids
    rows = [
        {
            "sites": tuple(str(one) for one in ids[opened[k] & new]),
            "new_sites": int(number[k]),
            "value": whole - value_of(question, opened[k]) if covered else float(value[k]),
            "cost": float(cost[k]),
        }
        for k in kept
    ]
    return pd.DataFrame(rows, columns=["sites", "new_sites", "value", "cost"])


def _unbeaten(number: Ints, value: Floats, cost: Floats) -> list[int]:
    """Return the places of what nothing beats or equals, where less of each is better, by number, value and cost."""
    kept: list[int] = []
    front = np.zeros((0, 2))
    for k in np.lexsort((cost, value, number)).tolist():
        if not ((front[:, 0] <= value[k]) & (front[:, 1] <= cost[k])).any():
            front = np.vstack([front, (value[k], cost[k])])
            kept.append(k)
    return kept
