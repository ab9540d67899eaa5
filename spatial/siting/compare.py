"""How do choices differ, and which numbers of sites, coverage and cost are worth choosing between?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InputError
from spatial.siting.asking import Asked
from spatial.siting.enumerate import can_try_all, every_set
from spatial.siting.question import value_of
from spatial.siting.service import SiteChoice
from spatial.siting.setting import Setting

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


def list_pareto(setting: Setting, asked: Asked) -> Any:
    """Return every choice that no other beats in number of new sites, value and money at once.

    One row each, from few sites to many: ``sites`` (ids of the new ones), ``new_sites``, ``value`` (the goal of the
    question; for maximal cover the weight covered) and ``cost`` (0 for a site whose price is not known). Of choices
    equal in all three the first by its sites stands for all.

    Raises
    ------
    InputError
        If there are too many sets of sites to try every one.
    """
    question = asked.question
    if not can_try_all(question):
        free = int((~question.fixed & ~question.banned).sum())
        raise InputError(
            f"siting: {free} sites are too many to list every choice; needed about a dozen, or fewer to open"
        )
    price = np.where(setting.places.existing, 0.0, np.nan_to_num(setting.places.price))
    found = [(opened[np.isfinite(value)], value[np.isfinite(value)]) for opened, value in every_set(question)]
    opened = np.concatenate([one for one, _ in found])
    value = np.concatenate([one for _, one in found])
    number, cost = opened[:, ~setting.places.existing].sum(axis=1), opened @ price
    order = np.lexsort((cost, value, number))
    kept: list[int] = []
    front = np.zeros((0, 2))
    for k in order.tolist():
        if not ((front[:, 0] <= value[k]) & (front[:, 1] <= cost[k])).any():
            front = np.vstack([front, (value[k], cost[k])])
            kept.append(k)
    whole = float(question.weight.sum())
    ids = setting.places.ids
    rows = [
        {
            "sites": tuple(str(one) for one in ids[opened[k] & ~setting.places.existing]),
            "new_sites": int(number[k]),
            "value": whole - value_of(question, opened[k]) if asked.model == "max_cover" else float(value[k]),
            "cost": float(cost[k]),
        }
        for k in kept
    ]
    return pd.DataFrame(rows, columns=["sites", "new_sites", "value", "cost"])
