"""How are very many units divided well, and bounded? Searches that are good here and there, mixed; prices held still.

Quick searches from fresh starts are each good in some places: the cheapest choice among the grids of all of them beats
them by far (Rochat & Taillard 1995). Prices of so many units are not worth making exact: those at hand are held, and
every root is searched until it is known that little is lost to it, the hard ones deep.
"""

from typing import Any

import numpy as np

from spatial.division.bounding import NODES_PER_ROOT, Case, price, rise, to_columns, want
from spatial.division.names import match_names
from spatial.division.roots import Ask
from spatial.division.search import Task, search_from
from spatial.division.seeking import take_in
from spatial.division.sizes import Band
from spatial.division.starts import start_labels

MANY = 400
"""More units than that are many."""
_SEARCHES, _MOVES, _SNAPSHOTS, _SHARE = 8, 500, 40, 0.15
_HOT, _LENIENT = 0.15, 1.0
_DEPTHS = 30, 3_000, NODES_PER_ROOT
_EXACT, _LOT = 1e-7, 8
"""So many roots are searched deep before the clock says how deep the next may be."""
_LET_GO = 0.02
"""Share of the cost that is let go where grids are priced."""


def blend(case: Case, batch: int) -> None:
    """Add the grids of a batch of searches, each from a start and with a seed of its own."""
    piece, sizes = case.roots.piece, case.master.sizes
    band, until = Band(sizes.floor, sizes.target, sizes.ceiling), (1.0 - _SHARE) * case.left()
    grids, moves = len(np.unique(case.labels)), _MOVES * case.units

    def search(seed: int) -> Any:
        if case.left() <= until:
            return []
        task = Task(piece, sizes, band, np.array([2 * seed + 1], dtype=np.uint64), lambda _: case.left() > until)
        labels = match_names(piece, start_labels(piece, sizes, grids, task.state))
        found = search_from(task, labels, moves, hot=_HOT, lenient=_LENIENT, snapshots=_SNAPSHOTS)
        return [found.labels, *found.snapshots]

    run = case.pool.map if case.pool is not None else map
    for rows in run(search, range(_SEARCHES * batch, _SEARCHES * (batch + 1))):
        take_in(case, rows)


def bound_at_once(case: Case, slack: float) -> None:
    """Bound the part at the prices of the grids known: all roots quickly, then those left open deeper and deeper."""
    worth, _ = case.master.solve(case.part.centre, slack)
    below = want(case, worth, _LET_GO)
    bounds, waiting, lot = np.full(case.units, -np.inf), case.roots.order, case.units
    met = np.full(case.units, below)
    for nodes in _DEPTHS:
        for start in range(0, len(waiting), lot):
            some = waiting[start : start + lot]
            found = price(case, Ask(below, nodes, 10), some, worth)
            bounds[some] = np.maximum(bounds[some], found.bounds.min(axis=1)[some])
            for units, _, cost in found.grids:
                root = units[np.argmin(case.roots.prices.rank[units])]
                met[root] = min(met[root], cost)
            case.master.add(to_columns(found))
            if np.isfinite(bounds).all():
                rise(case, worth, np.minimum(bounds, 0.0))
            if case.over:
                return
        waiting, lot = waiting[bounds[waiting] < met[waiting] - _EXACT], _LOT
