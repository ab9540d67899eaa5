"""What does it save to let more households change grid? The cheapest division for every number that may move."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from spatial.division.course import Clock, Job, Standing, count_workers
from spatial.division.divide import gather_grids, list_jobs
from spatial.division.frontier import Frontier, trace_frontier
from spatial.division.heritage import NOWHERE
from spatial.division.layout import Layout, build_layout
from spatial.division.numbering import name_grids
from spatial.division.redivide import begin_today
from spatial.division.search import Effort
from spatial.division.sizes import to_band
from spatial.division.trades import MARGIN
from spatial.division.weighing import Work
from spatial.errors import CancelledError, InputError
from spatial.profile import Profile
from spatial.progress import Progress, silent

_STAGE = "trading moves against costs"
_NODES = 3_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """The cheapest division known that moves so few households.

    Attributes
    ----------
    moved:
        Households that change grid; those that are in none today change none.
    total:
        The sum of the costs, without that of change.
    bound, proved:
        No lawful division that moves so few households or fewer costs less; whether total and bound meet.
    assignment:
        Series ``block_id -> grid_id``, total on the blocks, sorted by block.
    """

    moved: int
    total: float
    bound: float
    proved: bool
    assignment: Any


@dataclass(frozen=True, slots=True)
class TradeOff:
    """Divisions of which none is both cheaper and moves fewer households than another, by households moved.

    Attributes
    ----------
    points:
        From the fewest households that any division found moves to the cheapest division.
    complete:
        Whether it is proved that no point is missing and none can be bettered.
    stopped:
        Whether ``on_progress`` or Ctrl-C ended the work early.
    """

    points: tuple[Point, ...]
    complete: bool
    stopped: bool = False

    def to_table(self) -> Any:
        """Return a frame of moved, total, bound and proved, a row per point."""
        rows = [(point.moved, point.total, point.bound, point.proved) for point in self.points]
        kinds = {"moved": "int64", "total": "float64", "bound": "float64", "proved": "bool"}
        return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def trade_off(
    blocks: Any,
    adjacency: Any,
    profile: Profile,
    *,
    current: Any,
    rng: np.random.Generator,
    budget_s: float | None = None,
    on_progress: Progress = silent,
) -> TradeOff:
    """Return what dividing anew costs at best for every number of households that may change grid.

    ``current`` is a Series ``block_id -> grid_id`` of today; grids that go on keep their ids. The first point is as
    near to today as lawful divisions come: today itself where that is lawful, with its cost. The last is the cheapest
    division. Between them lies every division that is the cheapest for some number of households moved. Several pieces
    of land are combined. The outcome depends on the blocks, the profile, ``current`` and ``rng`` alone, unless
    ``budget_s`` cuts it short.

    Most pieces of up to sixty blocks are traced whole: every point is there, ``proved``, and ``complete`` is True.
    Larger ones end open, and so do some small ones where today breaks hard rules; they say so. Their points are lawful
    divisions that were found; the bound of each tells what no division that moves so few households or fewer can cost
    less than; between the points others may be missing, and ``complete`` is False. The effort of the tracing is fixed;
    ``proof_nodes_per_block`` does not count here.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract, there are no blocks, or ``current`` names a block that is not there.
    """
    weighed = replace(profile, division=replace(profile.division, change_weight=1.0))
    layout = build_layout(blocks, adjacency, weighed, current=current)
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to divide")
    clock = Clock(budget_s, on_progress, stage=_STAGE)
    clock.tell(0.0)
    jobs = [begin_today(layout, job, weighed.division) for job in list_jobs(layout, weighed)]
    effort = Effort(profile.division.moves_per_block, int(rng.integers(1, 2**62)))
    frontiers = _trace(jobs, weighed, effort, clock)
    away = _moved_anyway(layout, jobs)
    corners = _combine([[(plan.moved, plan.cost) for plan in frontier.plans] for frontier in frontiers])
    floors = _combine([[(step.moved, step.bound) for step in frontier.steps] for frontier in frontiers])
    points = [_describe(layout, weighed, jobs, frontiers, corner, floors, away) for corner in corners]
    with suppress(CancelledError, KeyboardInterrupt):
        on_progress(clock.stage, 1.0)
    return TradeOff(tuple(points), _is_complete(corners, floors), clock.stopped)


def _trace(jobs: list[Job], profile: Profile, effort: Effort, clock: Clock) -> list[Frontier]:
    """Return the frontier of every job: small pieces first, each with its share of the time."""
    order = sorted(range(len(jobs)), key=lambda i: (len(jobs[i].piece.households), i))
    ahead = sum(len(job.piece.households) for job in jobs)
    units, frontiers = max(1, ahead), dict[int, Frontier]()
    with ThreadPoolExecutor(count_workers(None, 2)) as pool:
        for number in order:
            job = jobs[number]
            mine = len(job.piece.households)
            work = Work(_NODES, _until(clock, mine / max(1, ahead)), pool)
            done = 1.0 - ahead / units
            frontiers[number] = trace_frontier(
                job.piece,
                job.sizes,
                to_band(profile.grid),
                np.round(job.piece.change * profile.grid.target_households),
                job.start,
                effort=effort,
                work=work,
                tell=_telling(clock, done, mine / units),
            )
            ahead -= mine
    return [frontiers[number] for number in range(len(jobs))]


def _until(clock: Clock, share: float) -> Callable[[], float]:
    until = monotonic() + share * clock.left()
    return lambda: min(clock.left(), until - monotonic())


def _telling(clock: Clock, done: float, mine: float) -> Callable[[float], None]:
    return lambda share: clock.tell(done + share * mine)


def _moved_anyway(layout: Layout, jobs: list[Job]) -> int:
    """Return the households outside the pieces whose grid of today goes on elsewhere: they change grid in any case."""
    outside = np.ones(len(layout.households), dtype=bool)
    for job in jobs:
        outside[job.blocks] = False
    return int(layout.households[outside & (layout.today != NOWHERE) & ~layout.inherits].sum())


class _Sum(NamedTuple):
    """One choice of each piece's list, by position, added up."""

    moved: int
    cost: float
    choice: tuple[int, ...]


def _combine(pieces: Sequence[Sequence[tuple[int, float]]]) -> list[_Sum]:
    """Return the sums of one pair a piece that no other beats, by households moved."""
    sums = [_Sum(0, 0.0, ())]
    for pairs in pieces:
        every = [
            _Sum(before.moved + moved, before.cost + cost, (*before.choice, at))
            for before in sums
            for at, (moved, cost) in enumerate(pairs)
        ]
        sums = []
        for one in sorted(every):
            if not sums or one.cost < sums[-1].cost - _margin(one.cost):
                sums.append(one)
    return sums


def _margin(cost: float) -> float:
    return MARGIN * max(1.0, abs(cost))


def _floor(floors: list[_Sum], moved: int) -> float:
    """Return the bound on the cost of every division that moves so many households at most."""
    at = bisect_right(floors, moved, key=lambda one: one.moved)
    return floors[at - 1].cost if at else np.inf


def _is_complete(corners: list[_Sum], floors: list[_Sum]) -> bool:
    """Tell whether the staircase of the points is that of the bound."""
    same = [(corner.moved, floor.moved) for corner, floor in zip(corners, floors, strict=False)]
    near = [abs(a.cost - b.cost) <= 10.0 * _margin(a.cost) for a, b in zip(corners, floors, strict=False)]
    return len(corners) == len(floors) and all(a == b for a, b in same) and all(near)


def _describe(
    layout: Layout,
    profile: Profile,
    jobs: list[Job],
    frontiers: list[Frontier],
    corner: _Sum,
    floors: list[_Sum],
    away: int,
) -> Point:
    chosen = zip(frontiers, corner.choice, strict=True)
    standings = [Standing(frontier.plans[at].labels, 0.0, 0.0) for frontier, at in chosen]
    part, heirs = gather_grids(layout, profile, jobs, standings)
    names = name_grids(layout, part, heirs)
    ids = pd.Index(layout.frame["block_id"].astype(str), name="block_id")
    floor = _floor(floors, corner.moved)
    proved = floor >= corner.cost - 10.0 * _margin(corner.cost)
    return Point(
        moved=corner.moved + away,
        total=corner.cost,
        bound=corner.cost if proved else max(0.0, floor),
        proved=proved,
        assignment=pd.Series(names[part], index=ids, name="grid_id").astype("str").sort_index(),
    )
