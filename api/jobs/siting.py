"""How are sites chosen from tables that a client sends?"""

import csv
import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api.jobs.plain import to_plain, write_rows
from api.jobs.serving import Serving
from api.jobs.site_models import CostColumns, CostRow, Level, PairColumns, SiteAsked, TimeColumns
from api.jobs.telling import Teller
from api.jobs.words import say_inputs, saying_inputs
from spatial.errors import InputError
from spatial.io.profiles import DEFAULT_PROFILE, read_profile
from spatial.io.site_inputs import MODES, SiteInputs, SiteSources, read_site_inputs, with_floor_rooms
from spatial.io.site_outputs import describe_choice, describe_worthy
from spatial.siting.asking import ask
from spatial.siting.compare import list_worthy
from spatial.siting.conditions import MODEL_NAMES, Conditions, KindRule, LevelRule
from spatial.siting.settle import settle
from spatial.siting.site_rules import check_kinds, number_of_sites
from spatial.siting.ways import Deadline

_MINUTE = 60.0
_IN_MINUTES = "_min"
_MUST_REACH = ("set_cover", "p_center")
_MUST_LIMIT = ("set_cover", "max_cover")


def run_site(inputs: Any, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return the sites to open; raises InfeasibleError, with its facts, where no sites keep every condition."""
    asked = SiteAsked.model_validate(inputs)
    model = MODEL_NAMES[asked.model]
    if asked.p is None and model != "set_cover":
        raise InputError(f"found model {asked.model} without p, needed the number of sites to open")
    unit = _find_unit(asked)
    cutoff = _limit(asked.cutoff_min, asked.cutoff)
    if cutoff is None and model in _MUST_LIMIT:
        raise InputError(
            f"found model {asked.model} without cutoff_min, needed the minutes within which a site serves, "
            f"or cutoff in {unit}"
        )
    deadline = Deadline(asked.budget_s)
    teller.progress("reading", 0.0)
    given = _read(asked)
    if asked.floor_m2 is not None and asked.capacities:
        given = with_floor_rooms(given, asked.floor_m2)
    conditions = _conditions(asked, has_capacity=given.has_capacity)
    check_kinds(given.setting.places, conditions)
    cutoff = math.inf if cutoff is None else cutoff
    most = number_of_sites(given.setting, asked.p, conditions)
    question = ask(given.setting, conditions, model=model, p=most, cutoff=cutoff)
    worthy = {"pareto": describe_worthy(list_worthy(given.setting, question))} if asked.pareto else {}
    done = settle(given.setting, question, deadline=deadline, seed=asked.seed, on_progress=teller.progress)
    profile = read_profile(DEFAULT_PROFILE)
    m2_per_100 = profile.siting.floor_m2_per_100_households if asked.floor_m2 is None else asked.floor_m2
    told = describe_choice(given, question, done, cutoff=cutoff, m2_per_100=m2_per_100)
    more = {"conditions": conditions.told(), "seed": asked.seed, "profile": profile.name, **worthy}
    return {"choice": to_plain({**told, **more})}


def _read(asked: SiteAsked) -> SiteInputs:
    """Return what was sent, read by what reads files: the same checks, the same sentences, the same answer."""
    with TemporaryDirectory(prefix="wangge-") as name:
        folder = Path(name)
        times = _write_times(asked, folder / "times.csv")
        demand = write_rows(asked.demand, folder / "demand.csv")
        candidates = write_rows(asked.candidates, folder / "candidates.csv")
        with saying_inputs():
            given = read_site_inputs(SiteSources(times, demand, candidates, _name_costs(asked), asked.skip_unknown))
        return replace(given, notes=tuple(say_inputs(note) for note in given.notes))


def _name_costs(asked: SiteAsked) -> str:
    """Return the column of the costs."""
    first = asked.times[0] if isinstance(asked.times, list) else asked.times
    return "cost" if isinstance(first, CostRow | CostColumns) else "seconds"


def _write_times(asked: SiteAsked, path: Path) -> Path:
    if not isinstance(asked.times, PairColumns):
        return write_rows([row.model_dump(exclude={"metres"}) for row in asked.times], path)
    columns = asked.times
    costs = columns.seconds if isinstance(columns, TimeColumns) else columns.cost
    lengths = [len(columns.source_id), len(columns.demand_id), len(costs)]
    if len(set(lengths)) > 1:
        raise InputError(f"times: found columns of {lengths} rows, needed equally many")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("source_id", "demand_id", _name_costs(asked)))
        writer.writerows(zip(columns.source_id, columns.demand_id, costs, strict=True))
    return path


def _find_unit(asked: SiteAsked) -> str:
    """Return what cutoffs that are not in minutes are in.

    Raises
    ------
    InputError
        If cutoffs are in minutes and in that unit, or in minutes where the times are costs.
    """
    unit = "seconds" if _name_costs(asked) == "seconds" else "the unit of the costs"
    limits = {name: getattr(asked, name) not in (None, {}) for name in ("cutoff", "cutoffs", "full_until")}
    minutes = [name + _IN_MINUTES for name in limits if getattr(asked, name + _IN_MINUTES) not in (None, {})]
    plain = [name for name, given in limits.items() if given]
    for level in asked.levels:
        if (level.cutoff_min is None) == (level.cutoff is None):
            raise InputError(f"levels: level {level.level} needs one of cutoff_min (minutes) and cutoff ({unit})")
        (plain if level.cutoff_min is None else minutes).append(f"a cutoff of level {level.level}")
    if minutes and plain:
        raise InputError(f"found {minutes[0]} in minutes beside {plain[0]} in {unit}; needed all in one of the two")
    if minutes and unit != "seconds":
        raise InputError(f"found {minutes[0]} in minutes with a table of costs; needed times in seconds, or {unit}")
    return unit


def _limit(minutes: float | None, plain: float | None) -> float | None:
    """Return a limit in the unit of the costs, None where there is none."""
    return plain if minutes is None else _MINUTE * minutes


def _to_rule(level: Level) -> LevelRule:
    cutoff = _limit(level.cutoff_min, level.cutoff)
    return LevelRule(level.level, math.inf if cutoff is None else cutoff, level.weight)


def _translate(column: str, value: str) -> str:
    return MODES.get(value, value) if column == "mode" else value


def _conditions(asked: SiteAsked, *, has_capacity: bool) -> Conditions:
    """Return the conditions, cutoffs in the unit of the costs."""
    plain = {
        name: getattr(asked, name)
        for name in ("closable", "budget", "cheapest", "spacing_m", "split", "backup", "each_of", "weights")
    }
    conditions = Conditions(
        **plain,
        cutoffs=asked.cutoffs or {name: _MINUTE * minutes for name, minutes in asked.cutoffs_min.items()},
        mode_prices={MODES.get(mode, mode): price for mode, price in asked.mode_prices.items()},
        full_until=_limit(asked.full_until_min, asked.full_until),
        kinds=tuple(
            KindRule(one.column, _translate(one.column, one.value), one.least, one.most) for one in asked.kinds
        ),
        levels=tuple(map(_to_rule, asked.levels)),
    )
    refuse = MODEL_NAMES[asked.model] in _MUST_REACH and not asked.skip_unreachable
    return replace(conditions, room=asked.capacities and has_capacity, refuse_unreachable=refuse)
