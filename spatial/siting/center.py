"""Which p sites make the farthest place as near as can be, and how near is provably the limit?

The answer is one of the costs in the table. Whether ``p`` sites serve everything within a radius is a question of
covering; halving the radii between a greedy answer and a plain bound asks it a few times (Minieka, "The m-center
problem", 1970). What is served by fixed sites within a radius drops out.
"""

from itertools import combinations
from math import comb

import numpy as np

from spatial.errors import InfeasibleError, InputError
from spatial.siting.cover_table import cover_table
from spatial.siting.set_cover import solve_set_cover
from spatial.siting.set_cover_search import search_cover, start_weights
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
    keep,
    row_of,
    serving,
    within,
)

_SEARCH_STEPS = 5_000
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
    radii = _radii(asked, opened)
    best = _farthest_first(asked, p, opened)
    low, high = 0, _place(radii, center_value(asked, best))
    notes: tuple[str, ...] = ()
    while low < high:
        bound = float(radii[low])
        if not deadline.left() or not (tick is None or tick("radii", 0.0, center_value(asked, best), bound)):
            notes = ("stopped before the proof was complete",)
            break
        # Beyond the largest radius nothing is left to try but that no radius will do.
        middle = min((low + high) // 2, len(radii) - 1)
        serves, chosen = _serve_within(asked, float(radii[middle]), p, opened, deadline, seed)
        if serves is None:
            notes = (f"undecided whether {p} sites serve all within {radii[middle]:g}",)
            break
        if serves:
            best = chosen
            high = _place(radii, center_value(asked, best))
        else:
            low = middle + 1
    if low >= len(radii) and len(radii):
        raise InfeasibleError(f"siting: no {p} new sites serve every row that has to be served")
    value = center_value(asked, best)
    bound = min(float(radii[low]) if len(radii) else 0.0, value)
    found = Found(best, value, bound, value == bound, deadline.spent(), notes)
    return confirm(found, center_value(ways, best, weight))


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


def _radii(ways: Ways, fixed: Flags) -> Floats:
    """Return the costs that can be the answer, ascending: no row's best is higher, the fixed sites' is not lower."""
    if not ways.rows:
        return np.zeros(0)
    least = float(ways.cost[ways.ptr[:-1]].max())
    most = center_value(ways, fixed) if fixed.any() else np.inf
    radii: Floats = np.unique(ways.cost)
    return radii[(radii >= least) & (radii <= most)]


def _place(radii: Floats, value: float) -> int:
    """Return the place of a value among the radii; their number for an infinite one."""
    return int(np.searchsorted(radii, value))


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


def _serve_within(
    ways: Ways, radius: float, p: int, fixed: Flags, deadline: Deadline, seed: int
) -> tuple[bool | None, Flags]:
    """Return whether ``p`` new sites serve all within a radius (None: not known in time), and the sites if they do."""
    near = within(ways, radius)
    if (np.diff(near.ptr) == 0).any():
        return False, fixed
    if _apart(near, fixed, most=p) > p:
        return False, fixed
    quick = _searched(near, p, fixed, seed)
    if quick is not None:
        return True, quick

    def undecided(stage: str, share: float, value: float, bound: float) -> bool:
        return value > p >= bound

    rest = Deadline(deadline.left(), deadline.clock)
    found = solve_set_cover(near, fixed=fixed, deadline=rest, seed=seed, tick=undecided)
    return (True if found.value <= p else False if found.bound > p else None), found.open


def _apart(near: Ways, fixed: Flags, most: int) -> int:
    """Return a number of rows that share no site: each needs one of its own. It stops above ``most``."""
    taken = np.zeros(near.sites, bool)
    left = ~np.isfinite(serving(near, fixed)[1])
    count = 0
    for i in np.argsort(np.diff(near.ptr), kind="stable"):
        sites = near.site[near.ptr[i] : near.ptr[i + 1]]
        if left[i] and not taken[sites].any():
            taken[sites] = True
            count += 1
            if count > most:
                break
    return count


def _searched(near: Ways, p: int, fixed: Flags, seed: int) -> Flags | None:
    """Return ``p`` new sites that cover every row, if a short search finds some."""
    asks = ~np.isfinite(serving(near, fixed)[1])
    if not asks.any():
        return fixed.copy()
    part = keep(near, np.repeat(asks, np.diff(near.ptr)))
    table = cover_table(Ways(np.append(part.ptr[:-1][asks], part.ptr[-1]), part.site, part.cost, part.sites))
    need = np.ones(table.rows, np.int64)
    chosen = search_cover(table, start_weights(table, need, seed), steps=_SEARCH_STEPS, target=p)
    opened = fixed.copy()
    opened[chosen] = True
    covers = bool(np.isfinite(serving(near, opened)[1]).all())
    return opened if covers and int((opened & ~fixed).sum()) <= p else None
