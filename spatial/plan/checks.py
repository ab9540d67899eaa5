"""Which rules does a plan break? The topology suite and the hard rules, each violation with its place."""

from typing import Any

import pandas as pd

from spatial.plan.defect import RULES, Defect, to_violations
from spatial.plan.model import Plan
from spatial.plan.rules import (
    check_assignment,
    check_band,
    check_buildings,
    check_codes,
    check_communities,
    check_connection,
    check_demand,
    check_households,
    check_totals,
)
from spatial.plan.topology import check_topology
from spatial.tables import BUILDINGS, require

_CHECKS = (
    check_assignment,
    check_connection,
    check_households,
    check_totals,
    check_band,
    check_codes,
    check_topology,
    check_communities,
    check_demand,
)


def check_plan(plan: Plan, *, buildings: Any = None) -> Any:
    """Return VIOLATIONS: every rule of ``RULES`` that the plan breaks, with subject, numbers and place.

    Severity ``error`` marks a rule that always holds; ``warning`` an exception that is counted: a grid outside the
    band, a community far from its known total, a grid inside another, a building under a border. A defect is told once,
    by the rule that names its cause. The order is that of severity, rule and subject. A sound plan gives no row.

    T11 is looked at only where BUILDINGS are given; ``list_checks`` says what was looked at.

    Raises
    ------
    TableError
        If the buildings break their contract.
    """
    defects = find_defects(plan)
    if buildings is not None:
        defects += check_buildings(plan, require(buildings, BUILDINGS))
    return to_violations(defects, plan.crs)


def find_defects(plan: Plan) -> list[Defect]:
    """Return what breaks a rule, T11 aside, in no order."""
    return [defect for check in _CHECKS for defect in check(plan)]


def list_checks(violations: Any, *, buildings: Any = None) -> Any:
    """Return one row per rule: ``rule``, what it ``says``, whether it was ``checked``, ``errors`` and ``warnings``."""
    counts = {
        f"{severity}s": violations.loc[violations["severity"] == severity, "rule"].value_counts()
        for severity in ("error", "warning")
    }
    table = pd.DataFrame({"rule": list(RULES), "says": list(RULES.values())})
    table["checked"] = (table["rule"] != "T11") | (buildings is not None)
    table["reason"] = table["checked"].map({True: "", False: "no buildings were given"})
    for name, count in counts.items():
        table[name] = table["rule"].map(count).fillna(0).astype("int64")
    return table
