"""How is a choice of sites told: as one JSON document, and as the list of what to open, take over, share or build?"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.styles import Font

from spatial.errors import InfeasibleError, InputError
from spatial.io.atomic import replace_file
from spatial.io.site_inputs import MODES, SiteInputs
from spatial.siting.asking import Asked
from spatial.siting.figures import measure_groups, measure_sites, measure_walks, rate_sites
from spatial.siting.infeasible import list_reach
from spatial.siting.question import AS_MANY_AS_NEEDED
from spatial.siting.settle import Settled, row_limits

_WORDS = {english: chinese for chinese, english in MODES.items() if chinese != "盘活"}
_SHOWN = 5
_SHEET = "选址清单"
_HEADERS = (
    "编号 id", "措施 action", "方式 mode", "费用 cost", "可用面积 area m2", "需要面积 needed m2", "缺口 deficit m2",
    "容量 capacity", "服务人数 weight", "平均到达 mean", "仅此覆盖 only here",
)  # fmt: skip


def describe_choice(
    inputs: SiteInputs, asked: Asked, done: Settled, *, cutoff: float, m2_per_100: float
) -> dict[str, Any]:
    """Return all of a choice, ready for JSON.

    ``sites`` are the open ones, ``new_sites`` those that were not; ``assignment`` names the site of each demand point,
    None where nobody serves it within the cutoff; ``shares`` tells how a point is shared where it is.
    """
    places, homes = inputs.setting.places, inputs.setting.homes
    limit = row_limits(asked, cutoff)
    row, _, walk, share = done.served.parts
    weight = asked.question.weight
    near = walk <= limit[row]
    covered = float((weight[row] * share)[near].sum())
    lost = max(0.0, float(weight.sum()) - float((weight[row] * share).sum()))
    ids = [str(one) for one in places.ids]
    return {
        "model": asked.model,
        "status": done.status,
        "objective": done.objective,
        "bound": done.bound,
        "gap": done.gap,
        "sites": [ids[k] for k in np.flatnonzero(done.opened)],
        "new_sites": [ids[k] for k in np.flatnonzero(done.opened & ~places.existing)],
        "kept_sites": [ids[k] for k in np.flatnonzero(done.opened & places.existing)],
        "closed_sites": [ids[k] for k in np.flatnonzero(~done.opened & places.existing)],
        "assignment": _assign(inputs, asked, done),
        "shares": _shares(inputs, asked, done),
        "p": None if asked.question.p == AS_MANY_AS_NEEDED else asked.question.p,
        "cutoff": cutoff if np.isfinite(cutoff) else None,
        "cost_column": inputs.column,
        "demand_points": len(homes.ids),
        "weight": asked.total,
        "covered": covered,
        "coverage": covered / asked.total if asked.total > 0 else None,
        **measure_walks(walk, weight[row] * share),
        "largest": float(walk.max()) if len(walk) else None,
        "by_group": measure_groups(asked, done.served, limit),
        "by_site": list_sites(inputs, asked, done, cutoff=cutoff, m2_per_100=m2_per_100),
        "criteria": rate_sites(inputs.setting, asked, done.served, limit, done.opened),
        **list_reach(inputs.setting, asked),
        "seconds": done.seconds,
        "unserved_weight": lost,
        "unreachable_weight": max(0.0, asked.total - float(weight.sum())),
        "unserved_cost": asked.question.missing if np.isfinite(asked.question.missing) else None,
        "notes": [
            *inputs.notes,
            *done.notes,
            *_tell_unreachable(inputs, asked),
            *_tell_unserved(asked, lost, float(weight.sum())),
        ],
    }


def describe_none(model: str, error: InfeasibleError, *, in_minutes: bool = False) -> dict[str, Any]:
    """Return what is told where there is no answer: whether that is proved (infeasible, else unknown), what would do.

    It has the keys of an answer; the facts of the error stand beside them. Where the cutoff was asked for in minutes,
    one that would do is told in these too.
    """
    proved = bool(error.facts.get("proved", True))
    facts: dict[str, Any] = {name: list(one) if isinstance(one, tuple) else one for name, one in error.facts.items()}
    return {
        "model": model,
        "status": "infeasible" if proved else "unknown",
        "objective": None,
        "bound": None,
        "gap": None,
        "why": f"{error}{_tell_minutes(facts.get('smallest_cutoff')) if in_minutes else ''}",
        "sites": [],
        "new_sites": [],
        "assignment": {},
        "by_site": [],
        **facts,
    }


def _tell_minutes(seconds: float | None) -> str:
    """Return seconds as minutes to two decimals that are at least as long; "" where there are none."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    least = math.ceil(round(seconds / 0.6, 6))
    hundredths = next(one for one in (least, least + 1) if 60.0 * (one / 100) >= seconds)
    return f"; {seconds:.10g} s are {hundredths / 100:g} min"


def _tell_unserved(asked: Asked, lost: float, total: float) -> list[str]:
    """Return a sentence about the demand that no open site can serve, where the objective counts it."""
    if asked.model != "p_median" or lost <= 1e-9 * total:
        return []
    return [f"no site serves {lost:.10g} of the weight of {total:.10g}; each unit counts as {asked.question.missing:g}"]


def _tell_unreachable(inputs: SiteInputs, asked: Asked) -> list[str]:
    """Return a sentence about the demand that no site can serve, whichever opens: no objective counts it."""
    ids = [str(one) for one in inputs.setting.homes.ids[asked.left_out]]
    if not ids:
        return []
    shown = ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
    left = max(0.0, asked.total - float(asked.question.weight.sum()))
    return [
        f"{len(ids)} demand point{'s' * (len(ids) != 1)} can be served by no site, or by too few ({shown}): "
        f"{left:.10g} of the weight of {asked.total:.10g} is no part of the objective; see unreachable"
    ]


def _assign(inputs: SiteInputs, asked: Asked, done: Settled) -> dict[str, str | None]:
    """Return the site of each demand point; of several rows of one point the first group that is served counts."""
    homes, ids = inputs.setting.homes.ids, inputs.setting.places.ids
    out: dict[str, str | None] = {str(one): None for one in homes}
    for k in np.flatnonzero(done.served.site >= 0)[::-1]:
        out[str(homes[asked.home[k]])] = str(ids[done.served.site[k]])
    return out


def _shares(inputs: SiteInputs, asked: Asked, done: Settled) -> list[dict[str, Any]]:
    row, site, _, share = done.served.parts
    several = np.flatnonzero(share < 1.0 - 1e-9)
    homes, ids = inputs.setting.homes.ids, inputs.setting.places.ids
    return [
        {"demand_id": str(homes[asked.home[row[k]]]), "site_id": str(ids[site[k]]), "share": float(share[k])}
        for k in several
    ]


def list_sites(
    inputs: SiteInputs, asked: Asked, done: Settled, *, cutoff: float, m2_per_100: float
) -> list[dict[str, Any]]:
    """Return one row per open site: how it is come by, what it costs and has, whom it serves, who has only it."""
    places = inputs.setting.places
    measured = measure_sites(inputs.setting, asked, done.served, row_limits(asked, cutoff))
    rows = []
    for k in np.flatnonzero(done.opened):
        area, needed = float(inputs.floor_area_m2[k]), float(measured["load"][k]) / 100.0 * m2_per_100
        rows.append(
            {
                "site_id": str(places.ids[k]),
                "new": not bool(places.existing[k]),
                "mode": str(places.marks["mode"][k]),
                "cost": _number(0.0 if places.existing[k] else places.price[k]),
                "capacity": _number(places.room[k]),
                "floor_area_m2": _number(area),
                "floor_needed_m2": needed,
                "floor_deficit_m2": _number(max(needed - area, 0.0) if np.isfinite(area) else area),
                **{name: _number(values[k]) for name, values in measured.items()},
            }
        )
    return rows


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def write_site_list(told: Mapping[str, Any], path: Path) -> None:
    """Write the list of what to keep, open, take over, share or build as a workbook, whole or not at all.

    Raises
    ------
    InputError
        If the disk refuses the file.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = _SHEET
    sheet.append(_HEADERS)
    for one in told["by_site"]:
        word = _WORDS.get(one["mode"], one["mode"])
        action = "保留 keep" if not one["new"] else f"{word or '启用'} {one['mode'] or 'open'}"
        sheet.append(
            [_text(one["site_id"]), _text(action), _text(word), one["cost"], one["floor_area_m2"],
             round(one["floor_needed_m2"], 1), one["floor_deficit_m2"], one["capacity"], one["weight"], one["mean"],
             one["only_here"]]
        )  # fmt: skip
    last = len(told["by_site"]) + 1
    sheet.append(["合计 total", None, None, *(_sum(letter, last) for letter in "DEFG"), None, _sum("I", last)])
    for cell in (*sheet[1], *sheet[last + 1]):
        cell.font = Font(bold=True)
    for letter in "ABCDEFGHIJK":
        sheet.column_dimensions[letter].width = 18
    sheet.freeze_panes = "B2"
    try:
        replace_file(path, lambda beside: book.save(beside))
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from error


def describe_worthy(worthy: Any) -> list[dict[str, Any]]:
    """Return a Pareto list (``list_pareto``), ready for JSON."""
    return [{**row, "sites": list(row["sites"])} for row in worthy.to_dict("records")]


def write_worthy(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a Pareto list as CSV that Excel opens, ids in one cell, whole or not at all.

    Raises
    ------
    InputError
        If the disk refuses the file.
    """
    told = [{**row, "sites": _text(", ".join(row["sites"]))} for row in rows]
    frame = pd.DataFrame(told, columns=["new_sites", "value", "cost", "sites"])
    try:
        replace_file(path, lambda beside: frame.to_csv(beside, index=False, encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from error


def _sum(letter: str, last: int) -> str | None:
    return f"=SUM({letter}2:{letter}{last})" if last > 1 else None


def _text(value: str) -> str:
    """Return a text that no program takes for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
