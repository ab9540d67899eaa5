"""How is a set cover question finished once further cuts gain little?

What has become small goes to branch and cut. Else the time that is left goes into the cover: windows of it are
chosen anew while further searches are mixed with the best covers beside.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from spatial.siting.cover.branch import branch_all
from spatial.siting.cover.set_mix import Covers, ranked, search_mixed
from spatial.siting.cover.set_refit import refit_windows
from spatial.siting.cover.state import Part, State, better_state
from spatial.siting.cover.table import pick
from spatial.siting.ways import Deadline

_LATER = 100
"""From here on seeds of searches count that follow the rounds of prices."""
_BRANCH_ENTRIES = 25_000
_TIMES = 4
"""How often windows of the best cover are searched anew beside a search."""


def finish_cover(
    part: Part, state: State, covers: Covers, deadline: Deadline, seed: int, pool: ThreadPoolExecutor
) -> tuple[State, str]:
    """Return the state after branch and cut, if the question has become small enough, or after a long search."""
    left = np.flatnonzero(~state.never)
    table = pick(part.table, np.arange(part.table.rows), left)
    if table.entries > _BRANCH_ENTRIES:
        return _lingered(part, state, covers, deadline, seed, pool)
    at = np.searchsorted(left, state.chosen)
    solved = branch_all(table, part.need, state.cuts, at, limit_s=deadline.left(), hulls=state.hulls[:, left])
    state = better_state(state, left[solved.chosen])
    state = replace(state, bound=max(state.bound, min(solved.bound, float(len(state.chosen)))))
    return state, f"branch and cut over {table.sites} sites: {solved.ended}, {solved.nodes} nodes"


def _lingered(
    part: Part, state: State, covers: Covers, deadline: Deadline, seed: int, pool: ThreadPoolExecutor
) -> tuple[State, str]:
    """Return the state after refitting windows of the best cover, beside further searches, until the time is up."""
    turn, before = 0, len(state.chosen)
    while deadline.left() > 0.0 and not state.done:
        turn += 1
        job = pool.submit(search_mixed, part, state, covers, deadline, seed=seed + _LATER + turn)
        current = refit_windows(part, state, state.chosen, deadline, times=_TIMES, seed=seed + 1000 * turn)
        covers = ranked(job.result(), current)
        state = better_state(replace(state, chosen=current), covers[0])
    return state, f"{turn} turns of search and of windows refitted, which spared {before - len(state.chosen)} sites"
