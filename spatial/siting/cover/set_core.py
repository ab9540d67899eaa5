"""Which sites does a search for a small cover look at, and for how long?

Sites that are worth little at the prices so far stand in few good covers: a search without them takes half the time
and ends lower.
"""

import numpy as np

from spatial.siting.cover.set_search import Weights, search_cover, start_weights
from spatial.siting.cover.state import Part, State
from spatial.siting.cover.table import CoverTable, implied_rows, pick
from spatial.siting.ways import Deadline, Flags, Ints

_SLICE, _LEAST_SLICE, _SLICE_VISITS = 60_000, 500, 4e8
"""Steps between two looks at the clock, and entries looked at in them: a step opens or closes a site."""
_SEARCHED_WORTH = 0.995
"""Sites worth at least this share of a site at the prices so far are searched."""


def searched_sites(state: State) -> Flags:
    """Flag the sites worth a look: all before there are prices, and always those of the best cover."""
    if state.prices is None:
        return np.ones(len(state.never), np.bool_)
    inside = (state.prices.worth >= _SEARCHED_WORTH) & ~state.never
    inside[state.chosen] = True
    return inside


def search_anew(part: Part, state: State, deadline: Deadline, steps: int, seed: int) -> Ints:
    """Return the best cover that a search among the sites worth a look finds, in a number of steps."""
    core = np.flatnonzero(searched_sites(state))
    table, need = pick(part.table, np.arange(part.table.rows), core), part.need
    if (need == 1).all():
        # With fewer sites more rows are covered whenever another one is.
        asks = ~implied_rows(table)
        table, need = pick(table, asks, np.arange(table.sites)), need[asks]
    return core[search_timely(table, start_weights(table, need, seed), deadline, steps, target=state.least)]


def search_timely(table: CoverTable, work: Weights, deadline: Deadline, steps: int, *, target: int) -> Ints:
    """Go on as ``search_cover`` does, a slice at a time, for as long as there is time; return the best cover so far."""
    visits = (table.entries / max(table.sites, 1)) * (table.entries / max(table.rows, 1))
    each = int(np.clip(_SLICE_VISITS / max(visits, 1.0), _LEAST_SLICE, _SLICE))
    while True:
        found = search_cover(table, work, steps=min(steps, each), target=target)
        steps -= each
        if steps <= 0 or len(found) <= target or deadline.left() <= 0.0:
            return found
