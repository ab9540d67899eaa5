"""Which blocks form which grid? Contiguous grids in the band, balanced, on clear borders, inside one community."""

import heapq
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.course import Clock, Job, Standing, count_workers, run_course
from spatial.division.explain import explain_grids
from spatial.division.feasibility import check_pieces
from spatial.division.heritage import NOWHERE
from spatial.division.layout import (
    Layout,
    build_layout,
    cut_out,
    list_olds,
    list_pieces,
    number_units,
    price_sizes,
)
from spatial.division.locks import Locks, check_locks
from spatial.division.measure import excepted_grids, measure_division, measure_terms, total_cost
from spatial.division.numbering import name_grids, number_parts
from spatial.division.search import Effort
from spatial.division.sizes import to_band
from spatial.errors import CancelledError, InputError
from spatial.profile import Profile
from spatial.progress import Progress, Watcher, silent

_UNLIMITED = 1 << 40


@dataclass(frozen=True, slots=True)
class Division:
    """Blocks divided into grids, how good that is, and how good it could be at best.

    Attributes
    ----------
    assignment:
        Series ``block_id -> grid_id``, total on the blocks, sorted by block.
    objective:
        Term -> value, each in its own unit (counts, shares, households, metres); and what the weighted terms cost,
        under names that start with ``cost_``.
    total, bound, gap:
        The sum of the costs; no lawful division costs less than the bound; ``gap`` is the share of the total between
        them.
    status:
        "optimal" where total and bound meet; "infeasible" where it is proved that no division keeps every grid in the
        band, or where a lock was not kept (this is then the nearest found); else "gap".
    explanations:
        Series ``grid_id ->`` why it is outside the band; "" inside it.
    reasons:
        Sentences about the whole: what no division could avoid, and what was counted as an exception.
    violations:
        Sentences about what this division breaks: the band, by grid, and locks.
    trace:
        (seconds, total, bound) whenever one of them got better.
    stopped:
        Whether ``on_progress`` or Ctrl-C ended the work early.
    """

    assignment: Any
    objective: Mapping[str, float]
    total: float
    bound: float
    gap: float
    status: str
    explanations: Any
    reasons: tuple[str, ...]
    violations: tuple[str, ...]
    trace: tuple[tuple[float, float, float], ...]
    stopped: bool = False


def divide(
    blocks: Any,
    adjacency: Any,
    profile: Profile,
    *,
    rng: np.random.Generator,
    current: Any = None,
    locks: Locks | None = None,
    budget_s: float | None = None,
    workers: int | None = None,
    on_progress: Progress = silent,
) -> Division:
    """Return blocks divided into contiguous grids of about the profile's target, with a bound on the best possible.

    Every block is in one grid, every grid is connected over borders that are long enough and crossable, and lies in
    one community. Blocks above the ceiling (and closed estates, where the profile keeps them apart) stand alone or
    take in empty land, as the profile says. Other grids keep the ceiling always, and the floor wherever a way is found;
    each that does not is explained. A first plan takes a fraction of a second; then it is made better and bounded,
    until that is complete, ``proof_nodes_per_block`` of the profile are spent (more where blocks are few: see
    ``allow_nodes``), or ``budget_s`` is over. The outcome depends on the blocks, the profile and ``rng``, not on row
    order, ids, ``workers`` (threads; None: one a core) or the machine, unless ``budget_s`` cuts it short. Where
    ``on_progress`` raises ``CancelledError``, or Ctrl-C is pressed, the best so far is returned; a ``Watcher`` is told
    of every better plan on the way.

    ``current`` is a Series ``block_id -> grid_id`` of today: households that change grid cost, and grids keep their
    ids. ``locks`` says which blocks stay together or apart.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract, there are no blocks, or ``current`` or ``locks`` name a block that is not there.
    """
    layout = build_layout(blocks, adjacency, profile, current=current, locks=locks)
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to divide")
    clock = Clock(budget_s, on_progress)
    clock.tell(0.0)
    effort = Effort(profile.division.moves_per_block, int(rng.integers(1, 2**62)))
    jobs = list_jobs(layout, profile)
    pool = count_workers(workers, len(jobs))
    nodes = profile.division.proof_nodes_per_block if budget_s is None else _UNLIMITED
    if isinstance(on_progress, Watcher):
        show(clock, on_progress, lambda found: _name(layout, *gather_grids(layout, profile, jobs, found))[0])
    standings = run_course(jobs, effort, nodes, clock, pool)
    part, heirs = gather_grids(layout, profile, jobs, standings)
    with suppress(CancelledError, KeyboardInterrupt):
        on_progress(clock.stage, 1.0)
    return _describe(layout, profile, part, heirs, standings, clock, locks or Locks())


def list_jobs(layout: Layout, profile: Profile) -> list[Job]:
    """Return the pieces of a layout in which somebody lives, ready to be divided."""
    band, rules = to_band(profile.grid), profile.division
    return [
        Job(
            blocks,
            number_units(layout, blocks),
            cut_out(layout, blocks, band, rules),
            price_sizes(layout, blocks, band, rules),
            band,
        )
        for blocks in list_pieces(layout)
        if layout.households[blocks].sum() > 0
    ]


def show(clock: Clock, watcher: Watcher, name: Callable[[list[Standing]], Any]) -> None:
    """Let a clock tell a watcher of every better plan; ``name`` makes the assignment of standings."""

    def watch(seconds: float, total: float, bound: float, standings: list[Standing]) -> None:
        watcher.found(seconds, total, bound, lambda: name(standings))

    clock.watch = watch


def divide_layout(layout: Layout, profile: Profile, effort: Effort, clock: Clock) -> Any:
    """Return by block the number of its grid, numbered from west to east: the best plan found, without a proof."""
    jobs = list_jobs(layout, profile)
    standings = run_course(jobs, effort, 0, clock, count_workers(None, len(jobs)))
    return gather_grids(layout, profile, jobs, standings)[0]


def gather_grids(layout: Layout, profile: Profile, jobs: list[Job], standings: Any) -> tuple[Any, Any]:
    """Return by block the number of its grid, and by grid the number of today's grid that it inherits."""
    part = np.full(len(layout.households), -1, dtype=np.int64)
    alone = np.flatnonzero(layout.alone)
    part[alone] = np.arange(len(alone))
    used = len(alone)
    inherited = {i: int(layout.today[block]) for i, block in enumerate(alone) if layout.inherits[block]}
    for job, standing in zip(jobs, standings, strict=True):
        olds = list_olds(layout, job.blocks, profile.division)
        names, labels = np.unique(standing.labels, return_inverse=True)
        part[job.blocks] = used + labels[job.unit]
        inherited.update({used + i: int(olds[name]) for i, name in enumerate(names) if name < len(olds)})
        used += len(names)
    _join_empty_land(layout, part)
    for blocks in list_pieces(layout):
        if part[blocks[0]] < 0:
            part[blocks] = used
            inherited.update((used, int(old)) for old in layout.today[blocks][layout.inherits[blocks]][:1])
            used += 1
    numbered = number_parts(layout, part)
    heirs = np.full(int(numbered.max()) + 1, NOWHERE, dtype=np.int64)
    for block in np.unique(part, return_index=True)[1]:
        heirs[numbered[block]] = inherited.get(int(part[block]), NOWHERE)
    return numbered, heirs


def _join_empty_land(layout: Layout, part: Any) -> None:
    """Let land without households that only lone blocks touch join them, across the least clear long borders first."""
    open_ends = layout.contiguous & ((part[layout.first] < 0) | (part[layout.second] < 0))
    beside: dict[int, list[tuple[float, int]]] = {}
    unclear = layout.shared_m + (layout.shared_m - layout.clear_m)
    for e in np.flatnonzero(open_ends):
        a, b = int(layout.first[e]), int(layout.second[e])
        beside.setdefault(a, []).append((-float(unclear[e]), b))
        beside.setdefault(b, []).append((-float(unclear[e]), a))
    waiting = [(cost, new, old) for old in beside if part[old] >= 0 for cost, new in beside[old] if part[new] < 0]
    heapq.heapify(waiting)
    while waiting:
        _, new, old = heapq.heappop(waiting)
        if part[new] >= 0:
            continue
        part[new] = part[old]
        for cost, other in beside[new]:
            if part[other] < 0:
                heapq.heappush(waiting, (cost, other, new))


def _describe(
    layout: Layout, profile: Profile, part: Any, heirs: Any, standings: Any, clock: Clock, locks: Locks
) -> Division:
    assignment, names = _name(layout, part, heirs)
    sentences = explain_grids(layout, part, names, profile)
    explanations = pd.Series(sentences, index=pd.Index(names, name="grid_id"), name="explanation").astype("str")
    costs = total_cost(layout, part, profile, heirs=heirs)
    total = float(sum(costs.values()))
    bound = min(total, float(sum(standing.bound for standing in standings)))
    proved = all(standing.proved for standing in standings)
    bound = total if proved else bound
    measures = measure_division(layout, part, profile)
    objective = {**measures, **measure_terms(layout, part, profile), **{f"cost_{k}": v for k, v in costs.items()}}
    obstacles = check_pieces(layout, profile)
    torn = check_locks(layout, locks, part)
    ruled_out = any(standing.ruled_out for standing in standings)
    if ruled_out and not obstacles:
        obstacles = (f"No division was left that keeps every grid at {_band(profile)} households: proved by search.",)
    status = "infeasible" if obstacles or torn else "optimal" if proved else "gap"
    excepted = excepted_grids(layout, part)
    outside = [f"Grid {names[i]}: {why}" for i, why in enumerate(sentences) if why and not excepted[i]]
    return Division(
        assignment=assignment,
        objective=objective,
        total=total,
        bound=bound,
        gap=(total - bound) / total if total > 0.0 else 0.0,
        status=status,
        explanations=explanations.sort_index(),
        reasons=(*obstacles, *layout.torn, *count_exceptions(layout, sentences, measures, profile)),
        violations=(*torn, *outside),
        trace=tuple(clock.trace),
        stopped=clock.stopped,
    )


def _name(layout: Layout, part: Any, heirs: Any) -> tuple[Any, Any]:
    """Return the assignment by block id, and the ids of the grids by number."""
    names = name_grids(layout, part, heirs if (heirs != NOWHERE).any() else None)
    ids = pd.Index(layout.frame["block_id"].astype(str), name="block_id")
    return pd.Series(names[part], index=ids, name="grid_id").astype("str").sort_index(), names


def _band(profile: Profile) -> str:
    return f"{profile.grid.floor_households} to {profile.grid.ceiling_households}"


def count_exceptions(
    layout: Layout, sentences: list[str], objective: Mapping[str, float], profile: Profile
) -> list[str]:
    """Return a sentence for each kind of exception that a division makes, with how many."""
    reasons = []
    total = max(1, int(layout.households.sum()))
    if layout.oversize.any():
        held = int(layout.households[layout.oversize].sum())
        reasons.append(
            f"{int(layout.oversize.sum())} blocks above the ceiling stand alone; they hold {held} of {total} "
            f"households ({held / total:.0%})."
        )
    free = objective["grids"] - len({*np.flatnonzero(layout.alone)})
    outside = free - objective["in_band_grids"]
    if outside > 0:
        reasons.append(f"{outside:.0f} of {free:.0f} other grids are outside the band; each says why.")
    if objective["clear_share"] < profile.division.clear_target:
        reasons.append(
            f"{objective['clear_share']:.0%} of the border between grids is on clear lines, less than the "
            f"{profile.division.clear_target:.0%} that planners look for."
        )
    return reasons
