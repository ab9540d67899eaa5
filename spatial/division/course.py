"""In which order are pieces divided and proved, and who is told? First a plan for all, then better ones with bounds.

Pieces are worked on side by side; what comes out does not depend on how many at a time, unless a budget cuts it short.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import numpy as np

from spatial.division.many import MANY
from spatial.division.piece import Piece
from spatial.division.polish import polish
from spatial.division.proof import prove
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import STRENGTH, Band, Sizes
from spatial.errors import CancelledError
from spatial.progress import Progress

SEARCHING, PROVING = "dividing blocks into grids", "proving how good the grids are"
_SNAPSHOTS = 100
_RESERVE_S = 0.02
_BUDGET_SHARE = 0.97
_MOST_WORKERS = 8
_LARGE, _SWEEP, _POLISHING = 150, 150, 0.3
_LEAST_WORK = 150
"""A piece of fewer units may spend the work that a proof of so many may."""
_QUICK = Effort(0, 1)


@dataclass(frozen=True, slots=True)
class Job:
    """A piece to be divided; ``blocks`` are its blocks in the layout, ``unit`` the unit of each of them.

    ``start`` is labels by unit that the search begins from too, if any: the outcome is never worse where they are
    lawful.
    """

    blocks: Any
    unit: Any
    piece: Piece
    sizes: Sizes
    band: Band
    start: Any = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is: labels by unit, cost and bound; whether they meet, and whether no plan keeps the band."""

    labels: Any
    total: float
    bound: float
    proved: bool = False
    ruled_out: bool = False


@dataclass(slots=True)
class Clock:
    """What is left of the time, and whether somebody wants to stop; told of moves made and of plans found."""

    budget_s: float | None
    on_progress: Progress
    began: float = field(default_factory=monotonic)
    stopped: bool = False
    stage: str = SEARCHING
    share: float = 0.0
    trace: list[tuple[float, float, float]] = field(default_factory=list)
    watch: Callable[[float, float, float, list[Standing]], None] | None = None
    lock: Any = field(default_factory=threading.Lock)

    def left(self) -> float:
        """Return the seconds left: none after a stop, many without a budget."""
        if self.stopped:
            return 0.0
        if self.budget_s is None:
            return 1e6
        return self.budget_s * _BUDGET_SHARE - _RESERVE_S - (monotonic() - self.began)

    def tell(self, share: float) -> None:
        """Report progress; a report that is answered by cancelling or Ctrl-C stops the work, not the caller."""
        with self.lock:
            self.share = max(self.share, min(0.99, share))
            try:
                self.on_progress(self.stage, self.share)
            except (CancelledError, KeyboardInterrupt):
                self.stopped = True


def count_workers(workers: int | None, jobs: int) -> int:
    """Return how many threads to work with: as asked, else one a core."""
    return max(1, min(workers or os.cpu_count() or 1, _MOST_WORKERS, max(jobs, 2)))


def run_course(jobs: list[Job], effort: Effort, nodes_per_unit: int, clock: Clock, workers: int) -> Any:
    """Return the standing of every job: divided in any case, proved as far as nodes and time go."""
    if not jobs:
        return []
    with ThreadPoolExecutor(workers) as pool:
        standings = _search(jobs, effort, clock, pool)
        if nodes_per_unit > 0 and clock.left() > 0.0:
            clock.stage, clock.share = PROVING, 0.0
            _prove(jobs, standings, nodes_per_unit, clock, pool, workers)
    return [standing for standing, _ in standings]


def _search(jobs: list[Job], effort: Effort, clock: Clock, pool: Executor) -> list[Any]:
    """Divide every piece; return standings with the other divisions met."""
    expected = max(1, sum(effort.moves(len(job.unit)) for job in jobs))
    made = [0]

    def tick(moves: int) -> bool:
        made[0] += moves
        clock.tell(made[0] / expected)
        return clock.left() > 0.0

    def divide(job: Job) -> tuple[Standing, Any]:
        found = find_labels(job.piece, job.sizes, job.band, effort, tick, start=job.start, snapshots=_SNAPSHOTS)
        return Standing(found.labels, found.cost, 0.0), found.snapshots

    try:
        standings = list(pool.map(divide, jobs))
    except KeyboardInterrupt:
        clock.stopped = True
        quick = [find_labels(job.piece, job.sizes, job.band, _QUICK, lambda _: False, start=job.start) for job in jobs]
        standings = [(Standing(found.labels, found.cost, 0.0), found.snapshots) for found in quick]
    _note(standings, clock)
    return standings


def _note(standings: list[Any], clock: Clock) -> None:
    total, bound = (sum(getattr(s, name) for s, _ in standings) for name in ("total", "bound"))
    clock.trace.append((monotonic() - clock.began, float(total), float(bound)))
    if clock.watch is not None:
        clock.watch(*clock.trace[-1], [standing for standing, _ in standings])


def _prove(
    jobs: list[Job], standings: list[Any], nodes_per_unit: int, clock: Clock, pool: Executor, workers: int
) -> None:
    """Better and bound the standings in place: small pieces first, each with its share of the time."""
    order = sorted(range(len(jobs)), key=lambda i: (len(jobs[i].piece.households), i))
    waiting = [float(len(jobs[i].piece.households)) for i in order]
    units, done = sum(waiting), [0.0]
    starting = threading.Lock()

    def work(turn: int) -> None:
        number = order[turn]
        with starting:
            ahead = sum(waiting)
            share = waiting[turn] / max(1.0, ahead) * (workers if len(jobs) > 1 else 1)
            until = monotonic() + min(1.0, share) * clock.left()
            waiting[turn] = 0.0
        mine = len(jobs[number].piece.households)

        def left() -> float:
            return min(clock.left(), until - monotonic())

        def tell(labels: Any, total: float, bound: float) -> None:
            before, others = standings[number]
            standings[number] = replace(before, labels=labels if labels is not None else before.labels, total=total,
                                        bound=max(bound, before.bound)), others  # fmt: skip
            with clock.lock:
                _note(standings, clock)
            spent = 1.0 - clock.left() / clock.budget_s if clock.budget_s else 0.0
            clock.tell(max(spent, (done[0] + 0.5 * mine) / units))

        if clock.left() > 0.0:
            standings[number] = _finish(jobs[number], standings[number], nodes_per_unit, left, inner, tell), None
        done[0] += mine
        clock.tell(done[0] / units)

    inner = pool if len(jobs) == 1 else None
    try:
        if len(jobs) == 1:
            work(0)
        else:
            list(pool.map(work, range(len(jobs))))
    except KeyboardInterrupt:
        clock.stopped = True
    with clock.lock:
        _note(standings, clock)


def _finish(
    job: Job, standing: Any, nodes_per_unit: int, left: Callable[[], float], pool: Executor | None, tell: Any
) -> Standing:
    """Return the standing of a job after its proof; where grids stay outside the band, whether any plan keeps it."""
    before, others = standing
    nodes = allow_nodes(nodes_per_unit, len(job.piece.households))
    labels, grids = before.labels, None
    if _LARGE < len(labels) <= MANY:
        spare = (1.0 - _POLISHING) * left()
        labels, grids = polish(
            job.piece, job.sizes, job.band, labels, left=lambda: left() - spare,
            sweeps=nodes_per_unit // _SWEEP, pool=pool, tell=lambda better, total: tell(better, total, 0.0),
        )  # fmt: skip
    proof = prove(
        job.piece,
        job.sizes,
        labels,
        [before.labels, *others],
        nodes=nodes,
        left=left,
        grids=grids,
        pool=pool,
        tell=tell,
    )
    after = Standing(proof.labels, proof.total, proof.bound, proof.proved)
    if _penalty(job, after.labels) == 0.0:
        return after
    return replace(after, ruled_out=_rule_out(job, after.labels, nodes, left, pool))


def allow_nodes(per_unit: int, units: int) -> int:
    """Return how many nodes the proof of a piece may spend: a node is as much work as the piece has units.

    What is left open of few units is so little that it is not worth stopping for: they get the work of so many.
    """
    return per_unit * max(units, _LEAST_WORK**2 // max(1, units))


def _rule_out(job: Job, labels: Any, nodes: int, left: Callable[[], float], pool: Executor | None) -> bool:
    """Tell whether it is proved that no lawful division of the piece keeps the band: nothing but penalties counts."""
    piece = job.piece._replace(border=np.zeros(len(job.piece.border)), change=np.zeros((len(labels), 1)))
    sizes = job.sizes._replace(balance=np.zeros(len(job.sizes.balance)), span_weight=0.0)
    proof = prove(piece, sizes, labels, labels[None], nodes=nodes, left=left, pool=pool)
    return proof.bound > 0.01 * STRENGTH


def _penalty(job: Job, labels: Any) -> float:
    households = np.bincount(labels, job.piece.households).astype(np.int64)
    anchor = np.zeros(len(households), dtype=np.int64)
    np.maximum.at(anchor, labels, job.piece.anchor)
    used = np.bincount(labels) > 0
    penalty = job.sizes.penalty[np.minimum(households, len(job.sizes.penalty) - 1)]
    return float(penalty[used & ~((anchor > 0) & (households <= anchor))].sum())
