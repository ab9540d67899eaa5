"""How does a planner's question become arrays for the engines? Rows per demand point, group and level; conditions."""

from dataclasses import dataclass, replace

import numpy as np

from spatial.errors import InfeasibleError, InputError
from spatial.siting.conditions import Conditions, check_conditions
from spatial.siting.question import AS_MANY_AS_NEEDED, Question, in_full
from spatial.siting.setting import Setting
from spatial.siting.site_rules import charge_sites, count_rules, place_sites, price_sites
from spatial.siting.unreachable import Unreachable, find_unreachable
from spatial.siting.ways import Flags, Floats, Ints, Ways, keep, row_of

GOALS = {"p_median": "sum", "max_cover": "sum", "set_cover": "count", "p_center": "largest"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what its rows stand for.

    Attributes
    ----------
    question, model:
        What the engines answer, and the model by its name.
    home, group, cutoff:
        For each row of the question: the demand point, the number of its group in ``names``, and its cutoff.
    names:
        Groups or levels that the rows were split by; one name where they were not.
    walks, order:
        The entries of the question with the walks themselves, nearest first, and where each entry of the question
        stands among them.
    total:
        Weight of all rows, also of those left out.
    left_out:
        Flag by demand point: some of its rows cannot be served whatever opens.
    unreachable:
        The demand points of ``left_out`` with their reasons, and the cutoff that would do.
    conditions:
        The conditions that were asked with.
    """

    question: Question
    model: str
    home: Ints
    group: Ints
    cutoff: Floats
    names: tuple[str, ...]
    walks: Ways
    order: Ints
    total: float
    left_out: Flags
    unreachable: Unreachable
    conditions: Conditions

    @property
    def smallest_cutoff(self) -> float | None:
        """The cutoff that would do for every row that the table lists enough sites for; None where there is none."""
        return self.unreachable.smallest_cutoff


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a question before their entries are cut: demand point, group, weight, load, cutoff, least level."""

    home: Ints
    group: Ints
    weight: Floats
    load: Floats
    cutoff: Floats
    level: Ints
    names: tuple[str, ...]


def ask(setting: Setting, conditions: Conditions, *, model: str, p: int, cutoff: float) -> Asked:
    """Return the question that the engines answer.

    Raises
    ------
    InputError
        If a condition means nothing here: an unknown group or column, a candidate without the price a budget needs.
    InfeasibleError
        If demand cannot be served by any site and the conditions refuse that.
    """
    check_conditions(conditions, model)
    rows = _rows(setting, conditions, model, cutoff)
    fixed, banned, apart = place_sites(setting.places, conditions)
    ways = _cut(setting, rows, banned)
    enough = np.diff(ways.ptr) >= conditions.backup
    left_out = np.zeros(len(setting.homes.ids), dtype=bool)
    left_out[rows.home[~enough]] = True
    wide = _cut(setting, replace(rows, cutoff=np.full(len(rows.home), np.inf)), banned)
    unreachable = find_unreachable(rows.home, ways, wide, conditions.backup)
    if conditions.refuse_unreachable and left_out.any():
        raise _refuse(setting, unreachable, p)
    walks = only(keep(ways, np.repeat(enough, np.diff(ways.ptr))), enough)
    ways, missing, order = _priced(walks, setting, model, rows.cutoff[enough], conditions)
    question = Question(
        goal=GOALS[model],
        ways=ways,
        weight=rows.weight[enough],
        load=rows.load[enough],
        missing=missing,
        p=p,
        counted=~fixed,
        fixed=fixed,
        banned=banned,
        charge=charge_sites(setting.places, conditions, fixed),
        price=price_sites(setting.places, conditions) if conditions.budget is not None else np.zeros(len(fixed)),
        budget=np.inf if conditions.budget is None else conditions.budget,
        apart=apart,
        rules=count_rules(setting.places, conditions),
        capacity=setting.places.room if conditions.room else np.full(len(fixed), np.inf),
        split=conditions.split,
        need=conditions.backup,
    )
    return Asked(
        question, model, rows.home[enough], rows.group[enough], rows.cutoff[enough], rows.names, walks, order,
        float(rows.weight.sum()), left_out, unreachable, conditions,
    )  # fmt: skip


def _rows(setting: Setting, conditions: Conditions, model: str, cutoff: float) -> _Rows:
    """Return one row per demand point with weight; one per group and level where those differ in their cutoffs."""
    homes = setting.homes
    weights = dict(conditions.weights) or {next(iter(homes.groups)): 1.0}
    for name in conditions.groups:
        if name not in homes.groups:
            raise InputError(f"demand: found no group {name!r}; known are {', '.join(homes.groups)}")
    for name in conditions.cutoffs:
        weights.setdefault(name, 1.0)
    if len({conditions.cutoffs.get(name, cutoff) for name in weights}) == 1:
        weight = np.sum([homes.groups[name] * factor for name, factor in weights.items()], axis=0)
        parts = [("all", weight, conditions.cutoffs.get(next(iter(weights)), cutoff))]
    else:
        parts = [(name, homes.groups[name] * w, conditions.cutoffs.get(name, cutoff)) for name, w in weights.items()]
    every = np.sum([weight for _, weight, _ in parts], axis=0)
    out: list[tuple[Ints, int, Floats, Floats, float, int]] = []
    names: list[str] = []
    # Levels bring their own cutoffs; without them there is one level, which every site serves.
    for level, own, factor in [(r.level, r.cutoff, r.weight) for r in conditions.levels] or [(-1, np.nan, 1.0)]:
        for name, weight, limit in parts:
            home = np.flatnonzero(factor * weight > 0)  # who counts nothing asks for nothing
            share = weight[home] / every[home]
            limit = limit if np.isnan(own) else own
            out.append((home, len(names), factor * weight[home], homes.load[home] * share, limit, level))
            names.append(name if level < 0 else f"level {level}" + ("" if name == "all" else f", {name}"))
    sizes = [len(one[0]) for one in out]
    return _Rows(
        home=np.concatenate([one[0] for one in out]),
        group=np.repeat([one[1] for one in out], sizes),
        weight=np.concatenate([one[2] for one in out]),
        load=np.concatenate([one[3] for one in out]),
        cutoff=np.repeat([float(one[4]) for one in out], sizes),
        level=np.repeat([one[5] for one in out], sizes),
        names=tuple(names),
    )


def _cut(setting: Setting, rows: _Rows, banned: Flags) -> Ways:
    """Return the walks of each row within its cutoff and to sites of its level."""
    source = setting.ways
    sizes = np.diff(source.ptr)[rows.home]
    ptr = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    if len(rows.home) == source.rows and (rows.home == np.arange(source.rows)).all():
        ways = source
    else:
        entry = np.repeat(source.ptr[rows.home] - ptr[:-1], sizes) + np.arange(ptr[-1])
        ways = Ways(ptr, source.site[entry], source.cost[entry], source.sites)
    kept = ways.cost <= np.repeat(rows.cutoff, sizes)
    kept &= setting.places.level[ways.site] >= np.repeat(rows.level, sizes)
    kept &= ~banned[ways.site]
    return keep(ways, kept)


def only(ways: Ways, rows: Flags) -> Ways:
    """Return the table without the rows that are not flagged; those have no entries."""
    return Ways(np.r_[ways.ptr[:-1][rows], ways.ptr[-1]], ways.site, ways.cost, ways.sites)


def _priced(
    walks: Ways, setting: Setting, model: str, cutoff: Floats, conditions: Conditions
) -> tuple[Ways, float, Ints]:
    """Return the costs that the model counts, what a row pays that nobody serves, and where each walk went."""
    every = np.arange(len(walks.site))
    if model != "max_cover":
        return walks, unserved_cost(setting) if model == "p_median" else np.inf, every
    lost = np.zeros(len(every))
    row = row_of(walks)
    if conditions.full_until is not None:
        fall = np.maximum(cutoff[row] - conditions.full_until, 1e-9)
        lost = np.clip((walks.cost - conditions.full_until) / fall, 0.0, 1.0)
    order = np.lexsort((walks.site, lost, row))
    return Ways(walks.ptr, walks.site[order], lost[order], walks.sites), 1.0, order


def unserved_cost(setting: Setting) -> float:
    """Return what stands for somebody out of reach: twice the longest known walk, at least one."""
    return max(2.0 * float(setting.ways.cost.max(initial=0.0)), 1.0)


def _refuse(setting: Setting, found: Unreachable, p: int) -> InfeasibleError:
    ids = [str(one) for one in setting.homes.ids[found.home]]
    cutoff = found.smallest_cutoff if found.reason.any() else None  # where no walk is listed, no cutoff helps
    shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
    many = f"{len(ids)} demand point{'s' * (len(ids) != 1)}"
    does = "would do for" if p == AS_MANY_AS_NEEDED else "would reach"
    would = (
        "no walk to them is listed" if cutoff is None else f"a cutoff of {in_full(cutoff)} {does} all with walks listed"
    )
    return InfeasibleError(
        f"siting: {many} can be served by no site, or by too few: {shown}; {would}",
        proved=True,
        unreachable=tuple(ids),
        smallest_cutoff=cutoff,
    )
