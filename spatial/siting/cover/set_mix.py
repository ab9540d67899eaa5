"""Which cover is the best that can be put together from several good ones?

Good covers found apart from each other agree about many sites and are each the best somewhere. The sites of a few of
them make a question so small that branch and cut answers it in a moment, and the answer takes from each what it does
best (Aggarwal, Orlin and Tai, "Optimized crossover for the independent set problem", 1997).
"""

import numpy as np

from spatial.siting.cover.branch import branch_all
from spatial.siting.cover.cuts import NO_CUTS
from spatial.siting.cover.set_core import search_anew
from spatial.siting.cover.set_refit import refit_windows
from spatial.siting.cover.state import Part, State
from spatial.siting.cover.table import CoverTable, covered_rows, implied_rows, pick
from spatial.siting.ways import Deadline, Ints

Covers = tuple[Ints, ...]
"""Good covers, the smallest first."""

_ELITE = 10
_DIFFERENT = 900
"""Sites that some but not all of the covers mixed have: with more, the mix may take long."""
_MIX_S = 3.0
_APART = 10
"""Seeds of searches are so far apart from call to call."""
_STEPS_AN_ENTRY, _FEWEST_STEPS, _MOST_STEPS = 2, 60_000, 300_000
"""Steps of a search by entry of the table, and how many at least and at most."""
_TIMES, _TIMES_MIXED = 4, 2
"""How often windows of what a search found are searched anew, and how often those of a mix."""


def search_mixed(part: Part, state: State, covers: Covers, deadline: Deadline, *, seed: int) -> Covers:
    """Return the best covers after one more search; its windows are searched anew, and it is mixed with the best."""
    if deadline.left() <= 0.0 or len(covers[0]) <= state.least:
        return covers
    steps = int(np.clip(_STEPS_AN_ENTRY * part.table.entries, _FEWEST_STEPS, _MOST_STEPS))
    found = search_anew(part, state, deadline, steps, _APART * seed)
    found = refit_windows(part, state, found, deadline, times=_TIMES, seed=_APART * seed + 1)
    covers = ranked(covers, found)
    limit_s = min(_MIX_S, deadline.left())
    mixed = mix_covers(part.table, part.need, near_covers(found, covers), limit_s=limit_s)
    if len(mixed) < len(found):
        mixed = refit_windows(part, state, mixed, deadline, times=_TIMES_MIXED, seed=_APART * seed + 2)
    return ranked(covers, mixed)


def ranked(covers: Covers, found: Ints) -> Covers:
    """Return the best covers with one more, the smallest first, those of equal size by their sites."""
    each = {tuple(np.sort(cover).tolist()) for cover in (*covers, found)}
    return tuple(np.array(cover, np.int64) for cover in sorted(each, key=lambda cover: (len(cover), cover))[:_ELITE])


def near_covers(found: Ints, covers: Covers) -> Covers:
    """Return a cover and those of the best that can be mixed with it at once."""
    mixed = [found]
    for cover in covers:
        _, count = np.unique(np.concatenate((*mixed, cover)), return_counts=True)
        if int((count <= len(mixed)).sum()) <= _DIFFERENT:
            mixed.append(cover)
    return tuple(mixed)


def mix_covers(table: CoverTable, need: Ints, covers: Covers, *, limit_s: float) -> Ints:
    """Return a cover of sites of the given ones, no larger than any of them, and the smallest if there is time."""
    best, sites = min(covers, key=len), np.unique(np.concatenate(covers))
    small = pick(table, np.arange(table.rows), sites)
    forced = np.zeros(small.sites, np.bool_)
    forced[small.site[np.repeat(np.diff(small.ptr) == need, np.diff(small.ptr))]] = True
    lack = need - covered_rows(small, forced)
    rows, free = np.flatnonzero(lack > 0), np.flatnonzero(~forced)
    if len(rows) == 0:
        return sites[forced]
    small, lack = pick(small, rows, free), lack[rows]
    if (lack == 1).all():
        asks = ~implied_rows(small)
        small, lack = pick(small, asks, np.arange(len(free))), lack[asks]
    start = np.flatnonzero(np.isin(sites[free], best))
    solved = branch_all(small, lack, NO_CUTS, start, limit_s=limit_s)
    forced[free[solved.chosen]] = True
    mixed = sites[forced]
    return mixed if len(mixed) < len(best) else best
