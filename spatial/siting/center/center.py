"""Which p sites make the farthest place as near as can be, and how near is provably the limit?

Whether ``p`` sites serve everything within a radius is a question of covering, which is asked for a few radii (Minieka,
"The m-center problem", 1970). What is served by fixed sites within a radius drops out.
"""

from itertools import combinations
from math import comb

import numpy as np
from scipy import sparse

from spatial.errors import InfeasibleError, InputError
from spatial.siting.center.near import Limits, list_limits
from spatial.siting.center.radius import Nearest, nearest_sites
from spatial.siting.question import Question
from spatial.siting.ways import (
    Deadline,
    Flags,
    Floats,
    Found,
    Ints,
    Tick,
    Ways,
    by_site,
    center_value,
    confirm,
    row_of,
    serving,
)

_SETS, _SET_VISITS, _CHUNK = 5_000, 20_000_000, 2_000_000
"""Most sets, and most looks at costs, of an enumeration; entries of one part of it."""


def solve_center(
    ways: Ways,
    p: int,
    *,
    weight: Floats | Ints | None = None,
    fixed: Flags | None = None,
    deadline: Deadline | None = None,
    seed: int = 0,
    tick: Tick | None = None,
) -> Found:
    """Return at most ``p`` open sites besides the ``fixed`` ones with the least largest cost over rows with weight.

    Without ``weight`` all rows count. The value is infinite when no set that serves all rows was found in time.

    Raises
    ------
    InputError
        If lengths differ or ``p`` is negative.
    InfeasibleError
        If a row that counts lists no site, or provably no ``p`` sites serve all of them.
    """
    deadline = deadline or Deadline(np.inf)
    opened = np.zeros(ways.sites, bool) if fixed is None else np.asarray(fixed, bool)
    asked = _asked(ways, p, weight, opened)
    free = np.flatnonzero(~opened)
    sets = comb(len(free), min(p, len(free)))
    if asked.rows and sets <= _SETS and sets * asked.rows * max(p, 1) <= _SET_VISITS:
        best = _best_of_all(asked, free, min(p, len(free)), opened)
        value = center_value(asked, best)
        if not np.isfinite(value):
            raise InfeasibleError(f"siting: no {p} new sites serve every row that has to be served")
        found = Found(best, value, value, True, deadline.spent(), ("all sets compared",))
        return confirm(found, center_value(ways, best, weight))
    limits = _number_alone(opened, p)
    start = _farthest_first(asked, p, opened)
    nearest = nearest_sites(asked, 1, opened, limits, start=start, deadline=deadline, seed=seed, tick=tick)
    if nearest.impossible:
        raise InfeasibleError(f"siting: no {p} new sites serve every row that has to be served")
    sites = start if nearest.opened is None else nearest.opened
    value = center_value(asked, sites)
    notes = () if value == nearest.bound else ("stopped before the proof was complete",)
    found = Found(sites, value, nearest.bound, value == nearest.bound, deadline.spent(), notes)
    return confirm(found, center_value(ways, sites, weight))


def solve_center_under(question: Question, *, deadline: Deadline, seed: int = 0, tick: Tick | None = None) -> Nearest:
    """Return open sites that keep all conditions but rooms with the least largest cost of a row with weight."""
    limits = list_limits(question)
    if limits is None:
        return Nearest(None, np.inf, True)
    ways = _rows(question.ways, question.weight > 0)
    return nearest_sites(
        ways, question.need, question.fixed, limits, start=None, deadline=deadline, seed=seed, tick=tick
    )


def _number_alone(fixed: Flags, p: int) -> Limits:
    """Return the limits where a number of sites is all there is."""
    sites = np.flatnonzero(~fixed) if p else np.zeros(0, np.int64)
    packs = int(0 < p < len(sites))
    return Limits(
        sites, sparse.csr_array(np.ones((packs, len(sites)))), np.full(packs, float(p)), np.zeros(packs, bool),
        sparse.csr_array((0, len(sites))), np.zeros(0),
    )  # fmt: skip


def _asked(ways: Ways, p: int, weight: Floats | Ints | None, fixed: Flags) -> Ways:
    """Return the rows that count, checked."""
    counts = np.ones(ways.rows, bool) if weight is None else np.asarray(weight) > 0
    if len(counts) != ways.rows or len(fixed) != ways.sites:
        raise InputError(f"siting: {len(counts)} weights and {len(fixed)} flags for {ways.rows} x {ways.sites} costs")
    if p < 0:
        raise InputError(f"siting: {p} new sites asked for; needed at least 0")
    length = np.diff(ways.ptr)
    alone = np.flatnonzero(counts & (length == 0))
    if len(alone):
        raise InfeasibleError(f"siting: row {alone[0]} has to be served and lists no site ({len(alone)} such rows)")
    return _rows(ways, counts)


def _rows(ways: Ways, counts: Flags) -> Ways:
    """Return the rows that are flagged."""
    length = np.diff(ways.ptr)
    entry = np.repeat(counts, length)
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(length[counts])))
    return Ways(ptr, ways.site[entry], ways.cost[entry], ways.sites)


def _best_of_all(ways: Ways, free: Ints, p: int, fixed: Flags) -> Flags:
    """Return the best of all sets of ``p`` free sites with the fixed ones; the first of equals."""
    table = np.full((ways.sites, ways.rows), np.inf)
    table[ways.site, row_of(ways)] = ways.cost
    sets = np.array(list(combinations(free, p)), np.int64).reshape(comb(len(free), p), p)
    worst = np.empty(len(sets))
    base = serving(ways, fixed)[1]
    chunk = max(1, _CHUNK // ways.rows)
    for start in range(0, len(sets), chunk):
        part = sets[start : start + chunk]
        least = np.broadcast_to(base, (len(part), ways.rows))
        for column in part.T:
            least = np.minimum(least, table[column])
        worst[start : start + chunk] = least.max(axis=1)
    opened = fixed.copy()
    opened[sets[int(worst.argmin())]] = True
    return opened


def _farthest_first(ways: Ways, p: int, fixed: Flags) -> Flags:
    """Return open sites, each the nearest to the place that is served worst before it (Gonzalez 1985); ties by id."""
    opened = fixed.copy()
    if not ways.rows:
        return opened
    ptr, row, cost = by_site(ways)
    served = serving(ways, opened)[1]
    for _ in range(min(p, int((~fixed).sum()))):
        worst = int(np.argmax(served))
        if served[worst] <= ways.cost[ways.ptr[worst]]:
            break
        site = int(ways.site[ways.ptr[worst]])
        opened[site] = True
        entry = slice(ptr[site], ptr[site + 1])
        served[row[entry]] = np.minimum(served[row[entry]], cost[entry])
    return opened
