"""What if only these grids are drawn anew? The others keep every block and their id; few households change grid."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.course import Clock, Job, count_workers, run_course
from spatial.division.divide import Division, count_exceptions, gather_grids, list_jobs, show
from spatial.division.explain import explain_grids
from spatial.division.feasibility import check_pieces
from spatial.division.heritage import NOWHERE
from spatial.division.layout import Layout, build_layout, list_olds, list_pieces, measure_side
from spatial.division.locks import Locks, check_locks
from spatial.division.measure import excepted_grids, match_today, measure_division, measure_terms, total_cost
from spatial.division.numbering import name_grids, number_parts
from spatial.division.piece import label_connected
from spatial.division.search import Effort
from spatial.division.sizes import to_band
from spatial.errors import CancelledError, InputError
from spatial.profile import DivisionRules, Profile
from spatial.progress import Progress, Watcher, silent

_UNLIMITED = 1 << 40
_NAMED = 10


def redivide(
    blocks: Any,
    adjacency: Any,
    profile: Profile,
    *,
    current: Any,
    grids: Iterable[str],
    rng: np.random.Generator,
    locks: Locks | None = None,
    budget_s: float | None = None,
    on_progress: Progress = silent,
) -> Division:
    """Return a division of all blocks in which only some of today's grids are drawn anew, with a bound for those.

    ``current`` is a Series ``block_id -> grid_id`` of today, ``grids`` the ids of those to draw anew, in one community
    or several. All other grids keep every block and their id exactly. Blocks that are in no grid today are divided
    together with the named grids. The search begins from today's grids, households that leave their grid cost, and a
    grid that goes on keeps its id; a new one takes none in use. Where today's grids are lawful, the outcome is never
    worse than they are; what is unlawful in them is mended, and told in ``reasons``.

    In the outcome ``total``, ``bound``, ``gap``, ``status`` and the costs in ``objective`` speak of the part drawn
    anew: no lawful way to draw it, the rest being kept, costs less than the bound. Prices are those of a division of
    all blocks, so that what is saved here is saved there. Everything else speaks of all grids.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract, there are no blocks, ``grids`` is empty or names a grid that is none of today's,
        or ``current`` or ``locks`` name a block that is not there.
    """
    outer = build_layout(blocks, adjacency, profile, current=current)
    asked = _read_grids(outer, grids)
    check_locks(outer, locks or Locks(), outer.today)
    chosen = np.flatnonzero(np.isin(outer.today, [*asked, NOWHERE]))
    inner = _narrow(outer, chosen, adjacency, profile, locks or Locks())
    clock = Clock(budget_s, on_progress)
    clock.tell(0.0)
    jobs = [begin_today(inner, job, profile.division) for job in list_jobs(inner, profile)]
    effort = Effort(profile.division.moves_per_block, int(rng.integers(1, 2**62)))
    nodes = profile.division.proof_nodes_per_block if budget_s is None else _UNLIMITED
    if isinstance(on_progress, Watcher):
        show(clock, on_progress, lambda found: _assign(outer, inner, chosen, gather_grids(inner, profile, jobs, found)))
    standings = run_course(jobs, effort, nodes, clock, count_workers(None, len(jobs)))
    part, heirs = gather_grids(inner, profile, jobs, standings)
    if profile.division.change_weight == 0.0:
        heirs = match_today(inner, part)
    with suppress(CancelledError, KeyboardInterrupt):
        on_progress(clock.stage, 1.0)
    labels, names = _put_back(outer, inner, chosen, part, heirs)
    division = _describe(outer, labels, names, profile, locks or Locks())
    return _bound(division, inner, part, heirs, standings, clock, profile, _tell_today(outer, inner, asked, profile))


def _read_grids(layout: Layout, grids: Iterable[str]) -> list[int]:
    """Return the numbers of the grids named, ascending."""
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to divide")
    wanted = sorted({str(name) for name in ([grids] if isinstance(grids, str) else grids)})
    if not wanted:
        raise InputError("grids: found none to draw anew, needed at least one of today's")
    strange = [name for name in wanted if name not in set(layout.today_ids)]
    if strange:
        known = ", ".join(layout.today_ids[:_NAMED]) + (", ..." if len(layout.today_ids) > _NAMED else "")
        raise InputError(
            f"grids: found {', '.join(map(repr, strange))}, needed some of today's grids: {known or 'none'}"
        )
    return [layout.today_ids.index(name) for name in wanted]


def _narrow(outer: Layout, chosen: Any, adjacency: Any, profile: Profile, locks: Locks) -> Layout:
    """Return the layout of the chosen blocks (ascending) alone, at the prices of the whole."""
    frame = outer.frame.iloc[chosen]
    ids = frame["block_id"].astype(str)
    known = set(ids)
    inside = adjacency["focal"].astype(str).isin(known) & adjacency["neighbor"].astype(str).isin(known)
    today = pd.Series([_name(outer, old) for old in outer.today[chosen]], index=pd.Index(ids), dtype=object)
    kept = Locks(
        {block: label for block, label in locks.fixed.items() if str(block) in known},
        tuple(tuple(block for block in group if str(block) in known) for group in locks.together),
    )
    inner = build_layout(frame, adjacency[inside], profile, current=today, locks=kept)
    side_m = np.ones(len(outer.households))
    for blocks in list_pieces(outer):
        side_m[blocks] = measure_side(outer, blocks, to_band(profile.grid))
    return replace(inner, side_m=side_m[chosen])


def _name(layout: Layout, old: int) -> str:
    return "" if old == NOWHERE else layout.today_ids[old]


def begin_today(layout: Layout, job: Job, rules: DivisionRules) -> Job:
    """Return the job with today's grids as its start; a unit of several grids lies in that of its largest block."""
    olds = list_olds(layout, job.blocks, rules)
    today = layout.today[job.blocks]
    place = np.full(len(layout.today_ids) + 1, -1, dtype=np.int64)
    place[olds] = np.arange(len(olds))
    label = np.where(place[today] >= 0, place[today], len(olds) + today + 1)
    order = np.lexsort((np.arange(len(job.unit)), -layout.households[job.blocks], job.unit))
    leader = order[np.searchsorted(job.unit[order], np.arange(len(job.piece.households)))]
    return replace(job, start=label[leader])


def _put_back(outer: Layout, inner: Layout, chosen: Any, part: Any, heirs: Any) -> tuple[Any, Any]:
    """Return by block of the whole the number of its grid, and by grid its id."""
    count = len(outer.today_ids)
    number = {name: at for at, name in enumerate(outer.today_ids)}
    inherited = np.array([number.get(_name(inner, heir), NOWHERE) for heir in heirs], dtype=np.int64)
    whole = outer.today.copy()
    whole[chosen] = np.where(inherited[part] != NOWHERE, inherited[part], count + part)
    labels = number_parts(outer, whole)
    heir = np.full(int(labels.max()) + 1, NOWHERE, dtype=np.int64)
    heir[labels] = np.where(whole < count, whole, NOWHERE)
    return labels, name_grids(outer, labels, heir)


def _assign(outer: Layout, inner: Layout, chosen: Any, gathered: tuple[Any, Any]) -> Any:
    """Return the assignment by block id of all blocks."""
    labels, names = _put_back(outer, inner, chosen, *gathered)
    ids = pd.Index(outer.frame["block_id"].astype(str), name="block_id")
    return pd.Series(names[labels], index=ids, name="grid_id").astype("str").sort_index()


def _describe(layout: Layout, part: Any, names: Any, profile: Profile, locks: Locks) -> Division:
    """Return what there is to say of all grids; nothing is said yet of what was drawn anew."""
    ids = layout.frame["block_id"].astype(str)
    assignment = pd.Series(names[part], index=pd.Index(ids, name="block_id"), name="grid_id").astype("str").sort_index()
    sentences = explain_grids(layout, part, names, profile)
    explanations = pd.Series(sentences, index=pd.Index(names, name="grid_id"), name="explanation").astype("str")
    measures = measure_division(layout, part, profile)
    excepted = excepted_grids(layout, part)
    outside = [f"Grid {names[i]}: {why}" for i, why in enumerate(sentences) if why and not excepted[i]]
    return Division(
        assignment=assignment,
        objective={**measures, **measure_terms(layout, part, profile)},
        total=0.0,
        bound=0.0,
        gap=0.0,
        status="gap",
        explanations=explanations.sort_index(),
        reasons=tuple(count_exceptions(layout, sentences, measures, profile)),
        violations=(*check_locks(layout, locks, part), *outside),
        trace=(),
    )


def _bound(
    division: Division,
    inner: Layout,
    part: Any,
    heirs: Any,
    standings: Any,
    clock: Clock,
    profile: Profile,
    told: tuple[str, ...],
) -> Division:
    """Return the division with what the part drawn anew costs, its bound and status."""
    costs = total_cost(inner, part, profile, heirs=heirs)
    total = float(sum(costs.values()))
    proved = all(standing.proved for standing in standings)
    bound = total if proved else min(total, float(sum(standing.bound for standing in standings)))
    obstacles = check_pieces(inner, profile)
    if not obstacles and any(standing.ruled_out for standing in standings):
        limits = profile.grid.floor_households, profile.grid.ceiling_households
        obstacles = (
            f"No way was left to draw them with {limits[0]} to {limits[1]} households each: proved by search.",
        )
    return replace(
        division,
        objective={**division.objective, **{f"cost_{name}": cost for name, cost in costs.items()}},
        total=total,
        bound=bound,
        gap=(total - bound) / total if total > 0.0 else 0.0,
        status="infeasible" if obstacles or inner.torn else "optimal" if proved else "gap",
        reasons=(*told, *obstacles, *inner.torn, *division.reasons),
        trace=tuple(clock.trace),
        stopped=clock.stopped,
    )


def _tell_today(outer: Layout, inner: Layout, asked: list[int], profile: Profile) -> tuple[str, ...]:
    """Return what was drawn anew, and a sentence for each rule that today's grids there break."""
    count, lost = len(inner.households), int((inner.today == NOWHERE).sum())
    kept = len(outer.today_ids) - len(asked)
    told = [
        f"{len(asked)} of {len(outer.today_ids)} grids ({count} of {len(outer.households)} blocks) were drawn anew, "
        f"{kept} kept; total, bound and gap speak of what was drawn anew."
    ]
    if lost:
        told.append(f"{lost} blocks that are in no grid today were divided with them.")
    for old in asked:
        told += _tell_grid(outer, np.flatnonzero(outer.today == old), outer.today_ids[old], profile)
    return tuple(told)


def _tell_grid(layout: Layout, blocks: Any, name: str, profile: Profile) -> list[str]:
    """Return which hard rules one of today's grids breaks."""
    told, households = [], layout.households[blocks]
    place = np.full(len(layout.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    inside = layout.contiguous & (place[layout.first] >= 0) & (place[layout.second] >= 0)
    parts = int(label_connected(len(blocks), place[layout.first[inside]], place[layout.second[inside]]).max()) + 1
    if parts > 1:
        told.append(f"Grid {name} lay in {parts} parts without contact: mended.")
    limit = profile.grid.ceiling_households
    if len(blocks) > 1 and households.sum() > max(limit, int(households.max())):
        told.append(f"Grid {name} had {households.sum()} households, above the ceiling of {limit}: mended.")
    alone = int(layout.alone[blocks].sum())
    if alone and (households > 0).sum() > 1:
        told.append(f"Grid {name} held {alone} of the blocks that stand alone by rule, and others: mended.")
    return told
