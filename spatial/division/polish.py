"""Can some neighbouring grids be divided better among themselves? Windows of a large piece, each proved best.

Windows are made of whole grids and share none, so that they are divided side by side: the border between two windows
stays where it is. The next sweep cuts the piece into other windows (POPMUSIC, Taillard & Voss 2002).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np

from spatial.division.piece import Piece, count_olds
from spatial.division.proof import prove
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import Band, Sizes
from spatial.division.tally import measure_cost
from spatial.division.windows import link_grids, put_back, spread, take_window

WINDOW = 64
"""How many units a window holds at most."""
_SWEEPS = 12
_MOVES, _NODES, _SNAPSHOTS = 1000, 25_600, 40
_WORTHWHILE = 1e-9


def polish(
    piece: Piece,
    sizes: Sizes,
    band: Band,
    labels: Any,
    *,
    left: Callable[[], float],
    sweeps: int = _SWEEPS,
    width: int = WINDOW,
    pool: Executor | None = None,
    tell: Callable[[Any, float], None] = lambda labels, total: None,
) -> tuple[Any, list[tuple[Any, int]]]:
    """Return labels that cost no more, and promising grids: ``sweeps`` at most, until two find nothing.

    ``tell`` hears of every better division. Today's grids keep their names; where there are any, windows are
    divided one after the other, since a name may be taken once.
    """
    total, grids = measure_cost(piece, sizes, labels), list[tuple[Any, int]]()
    run = map if pool is None or count_olds(piece) else pool.map
    idle = 0
    for sweep in range(min(sweeps, _SWEEPS)):
        if left() <= 0.0 or idle == 2:
            break
        before = total
        labels, more = _sweep(piece, sizes, band, labels, list(cut_windows(piece, labels, sweep, width)), left, run)
        grids += more
        total = measure_cost(piece, sizes, labels)
        idle = idle + 1 if total > before - _WORTHWHILE else 0
        tell(labels, total)
    return labels, grids


def _sweep(
    piece: Piece, sizes: Sizes, band: Band, labels: Any, windows: list[Any], left: Callable[[], float], run: Any
) -> tuple[Any, list[tuple[Any, int]]]:
    """Return the labels with every window divided anew, and promising grids."""
    if count_olds(piece):
        for units in windows:
            labels = _take(labels, units, _divide(piece, sizes, band, labels, units, left), count_olds(piece))
        return labels, []
    grids = list[tuple[Any, int]]()
    found = list(run(lambda units: _divide(piece, sizes, band, labels, units, left), windows))
    after = labels
    for units, done in zip(windows, found, strict=True):
        after = _take(after, units, done, 0)
        grids += [(units[grid], 0) for grid, _ in done[2]] if done is not None else []
    return after, grids


def cut_windows(piece: Piece, labels: Any, sweep: int, width: int) -> Iterator[Any]:
    """Yield the units (ascending) of windows of two or more grids that share none and hold ``width`` units at most."""
    start, near, units = link_grids(piece, labels)
    angle = 2.4 * sweep
    along = piece.x * np.cos(angle) + piece.y * np.sin(angle)
    order = np.argsort(np.bincount(labels, along) / np.maximum(units, 1), kind="stable")
    free = units > 0
    for first in order.tolist():
        if free[first]:
            chosen = spread(first, start, near, units, free, width)
            free[chosen] = False
            if len(chosen) > 1:
                yield np.flatnonzero(np.isin(labels, chosen))


def _divide(piece: Piece, sizes: Sizes, band: Band, labels: Any, units: Any, left: Callable[[], float]) -> Any:
    """Return (labels of a window, no dearer; names that they may inherit; promising grids), None without time."""
    if left() <= 0.0:
        return None
    part, inside, free = take_window(piece, labels, units)
    before = measure_cost(part, sizes, inside)
    effort = Effort(_MOVES, 1)
    found = find_labels(part, sizes, band, effort, lambda _: left() > 0.0, start=inside, snapshots=_SNAPSHOTS)
    proof = prove(part, sizes, found.labels, [inside, *found.snapshots], nodes=_NODES, left=left)
    return (proof.labels if proof.total < before - _WORTHWHILE else inside), free, proof.grids


def _take(labels: Any, units: Any, done: Any, olds: int) -> Any:
    return labels if done is None else put_back(labels, units, done[0], done[1], olds)
