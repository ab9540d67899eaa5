"""What do the halves of a model of sites prove, where one site after the other is open or shut?

Branch and bound, the part of the least bound first: that bound holds whenever time ends. The site to halve on is the
one whose halves gain most: some steps of the dual simplex method tell it of sites that have not been halved on, what
was gained there of others (reliability branching: Achterberg, Koch and Martin, "Branching rules revisited", 2005).
"""

import heapq
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.siting.room.relaxed import (
    Ends,
    Relaxed,
    Told,
    copy_relaxed,
    join_relaxed,
    run_steps,
    set_basis,
    set_ends,
    solve_relaxed,
)
from spatial.siting.room.rows import broken_rooms, flow_of
from spatial.siting.ways import Deadline, Floats, Ints

_STEPS, _TRIED = 200, 40
"""Steps of the simplex method in a half, and in a try."""
_FIRST_TRIES, _TRIES, _PATIENCE = 16, 5, 6
"""Sites tried at first and in each further part, and how many in a row may be no better than the best one."""
_WITHIN = 0.02
_LEAST_GAIN = 1e-3
_PROBE, _WORTH = 3, 0.02
"""After so many parts the bound has gained this share of what is missing, or it is given up."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Ends of all columns, the bound, the last point, and where the solver goes on from."""

    ends: Ends
    bound: float
    point: Floats
    basis: Any

    def __lt__(self, other: "_Part") -> bool:
        """Tell whether the bound is less."""
        return self.bound < other.bound


def grow_parts(relaxed: Relaxed, told: Told, *, goal: float, deadline: Deadline, pool: ThreadPoolExecutor) -> float:
    """Return the least that anything costs, or the goal if everything costs more, as far as halving comes in time.

    It ends where little is gained. The solver stands where it told the last. The halves of the whole are halved on
    apart, one of them in a thread of the pool.
    """
    ends = relaxed.master.lower.astype(np.float64), relaxed.master.upper.astype(np.float64)
    root = _Part(_cut(relaxed, ends, told, goal), told.bound, told.point, relaxed.highs.getBasis())
    if root.bound >= goal or deadline.left() <= 0.0:
        return min(root.bound, goal)
    gains = np.zeros((2, 2, len(relaxed.master.cost)))  # of each side: what was gained, how far the site was from it
    site = _site(relaxed, root, gains, goal, deadline)
    if site < 0:
        return root.bound
    copy = copy_relaxed(relaxed, root.basis)
    other = pool.submit(_grown, copy, root, (site, 1), gains.copy(), goal, deadline)
    return min(_grown(relaxed, root, (site, 0), gains, goal, deadline), other.result())


def _grown(
    relaxed: Relaxed, root: _Part, way: tuple[int, int], gains: Floats, goal: float, deadline: Deadline
) -> float:
    """Return what is proved of the half of a part with a site open or shut."""
    hopeless = root.bound + _WORTH * (goal - root.bound)
    relaxed, heap = _pushed(relaxed, root, way, gains, goal, [])
    parts = 1
    while heap and heap[0].bound < goal and deadline.left() > 0.0:
        parts += 1
        if parts == _PROBE and heap[0].bound < hopeless:
            break
        part = heapq.heappop(heap)
        site = _site(relaxed, part, gains, goal, deadline)
        if site < 0:
            return part.bound
        for side in (0, 1):
            relaxed, heap = _pushed(relaxed, part, (site, side), gains, goal, heap)
    return min(heap[0].bound, goal) if heap else goal


def _pushed(
    relaxed: Relaxed, part: _Part, way: tuple[int, int], gains: Floats, goal: float, heap: list[_Part]
) -> tuple[Relaxed, list[_Part]]:
    """Return the programme and the heap after a half of a part was looked at, and learn what it gained."""
    site, side = way
    relaxed, half = _half(relaxed, part, site, side, goal)
    _learn(gains[side, :, site], min(half.bound, goal) - part.bound, abs(side - part.point[site]))
    if half.bound < goal:
        heapq.heappush(heap, half)
    return relaxed, heap


def _half(relaxed: Relaxed, part: _Part, site: int, side: int, goal: float) -> tuple[Relaxed, _Part]:
    """Return the part with a site open or shut; what its point breaks of rooms joins the programme."""
    ends = _with(part.ends, site, side)
    set_ends(relaxed, ends)
    set_basis(relaxed, part.basis)
    relaxed, told = solve_relaxed(relaxed, ends, goal, _STEPS)
    if told.bound < goal:
        terms = broken_rooms(relaxed.master.kinds, told.point, flow_of(relaxed.master.kinds, told.point))
        if terms.shape[0]:
            relaxed = join_relaxed(relaxed, terms, np.ones(terms.shape[0]))
            relaxed, told = solve_relaxed(relaxed, ends, goal, _STEPS)
    bound = max(told.bound, part.bound)
    return relaxed, _Part(_cut(relaxed, ends, told, goal), bound, told.point, relaxed.highs.getBasis())


def _with(ends: Ends, site: int, side: int) -> Ends:
    low, high = ends[0].copy(), ends[1].copy()
    low[site] = high[site] = side
    return low, high


def _cut(relaxed: Relaxed, ends: Ends, told: Told, goal: float) -> Ends:
    """Return the ends without what costs more than the goal by its price alone."""
    free = relaxed.master.whole & (ends[0] < ends[1])
    spare = goal - told.bound
    low = np.where(free & (told.left < -spare), ends[1], ends[0])
    high = np.where(free & (told.left > spare), ends[0], ends[1])
    return low, high


def _learn(gain: Floats, gained: float, away: float) -> None:
    gain += max(gained, 0.0), away


def _site(relaxed: Relaxed, part: _Part, gains: Floats, goal: float, deadline: Deadline) -> int:
    """Return the site in shares whose halves gain most, by their product; -1 where none is."""
    low, high = part.ends
    share = part.point
    free = np.flatnonzero(relaxed.master.whole & (low < high))
    inner = free[(share[free] > _WITHIN) & (share[free] < 1.0 - _WITHIN)]
    if not len(inner):
        split = np.minimum(share[free], 1.0 - share[free])
        return int(free[np.argmax(split)]) if len(free) else -1
    missing = goal - part.bound
    some = bool(gains[:, 1].any())
    product = _expected(inner, share, gains, missing) if some else np.minimum(share[inner], 1.0 - share[inner])
    best, at, waits, tries = -1.0, -1, 0, 0
    for k in np.argsort(-product, kind="stable").tolist():
        site, value = int(inner[k]), float(product[k])
        if gains[:, 1, site].min() <= 0.0:
            if tries >= (_TRIES if some else _FIRST_TRIES) or deadline.left() <= 0.0:
                continue
            tries += 1
            value = _tried(relaxed, part, site, gains, missing)
        if value > best:
            best, at, waits = value, site, 0
        else:
            waits += 1
        if waits >= (_PATIENCE if some else _FIRST_TRIES):
            break
    return at if at >= 0 else int(inner[np.argmax(product)])


def _expected(inner: Ints, share: Floats, gains: Floats, missing: float) -> Floats:
    """Return the product of what the halves of each site are expected to gain."""
    product = np.ones(len(inner))
    for side in (0, 1):
        gained, away = gains[side, 0, inner], gains[side, 1, inner]
        usual = float(gains[side, 0].sum()) / max(float(gains[side, 1].sum()), 1e-9)
        rate = np.where(away > 0.0, gained / np.maximum(away, 1e-9), usual)
        product *= np.clip(rate * np.abs(side - share[inner]), _LEAST_GAIN * missing, missing)
    return product


def _tried(relaxed: Relaxed, part: _Part, site: int, gains: Floats, missing: float) -> float:
    """Return the product of what some steps gain in the halves of a site, and learn it."""
    product = 1.0
    for side in (0, 1):
        set_ends(relaxed, _with(part.ends, site, side))
        set_basis(relaxed, part.basis)
        run_steps(relaxed, _TRIED)
        gained = float(relaxed.highs.getInfo().objective_function_value) - part.bound
        gained = min(max(gained, 0.0), missing) if np.isfinite(gained) else missing
        _learn(gains[side, :, site], gained, abs(side - part.point[site]))
        product *= max(gained, _LEAST_GAIN * missing)
    return product
