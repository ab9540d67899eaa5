"""Which other divisions are worth knowing while one is proved? Those of other seeds, and of other numbers of grids."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from spatial.division.bounding import FEW, Case
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import Band

_EXACT = 1e-7
_MOVES, _SNAPSHOTS = 500, 40
_SEEDS, _SEEDS_OF_FEW, _SHARE = 8, 2, 0.05


def search_again(case: Case) -> None:
    """Search from other seeds: short searches differ more than long ones, and their grids are columns too."""
    piece, sizes = case.roots.piece, case.master.sizes
    band, until = Band(sizes.floor, sizes.target, sizes.ceiling), (1.0 - _SHARE) * case.left()

    def search(seed: int) -> Any:
        if case.left() <= until:
            return []
        effort = Effort(_MOVES, seed)
        found = find_labels(piece, sizes, band, effort, lambda _: case.left() > until, snapshots=_SNAPSHOTS)
        return [found.labels, *found.snapshots]

    run = case.pool.map if case.pool is not None else map
    for rows in run(search, range(2, 2 + (_SEEDS_OF_FEW if case.units <= FEW else _SEEDS))):
        take_in(case, rows)


def seek(case: Case) -> None:
    """Add the grids of divisions with as many grids as the part wants, and centre the prices on what one costs."""
    piece, sizes, (least, most) = case.roots.piece, case.master.sizes, case.part.counts
    grids = most if most < len(np.unique(case.labels)) else least
    aim = max(1, round(int(piece.households.sum()) / grids))
    band, effort = Band(sizes.floor, aim, sizes.ceiling), Effort(_MOVES, 1)
    sizes = sizes._replace(target=aim)
    found = find_labels(piece, sizes, band, effort, lambda _: case.left() > 0.0, snapshots=_SNAPSHOTS)
    plans = [list(to_grids(row, case.master.olds)) for row in (found.labels, *found.snapshots)]
    for plan in plans:
        case.master.add(plan)
    case.part.centre = case.part.centre * (case.master.cost_of(plans[0]) / case.total)


def take_in(case: Case, rows: list[Any]) -> None:
    """Add the grids of divisions, a row each, and take a division that is better than the best."""
    for row in rows:
        plan = list(to_grids(row, case.master.olds))
        case.master.add(plan)
        offer(case, row, case.master.cost_of(plan))


def offer(case: Case, labels: Any, total: float) -> None:
    """Take a division where it is better than the best."""
    if total < case.total - _EXACT:
        case.labels, case.total = labels, total
        case.tell(labels, case.total, case.bound)


def to_grids(labels: Any, olds: int) -> Iterator[tuple[Any, int]]:
    """Yield the grids of a division: units in order, and the today's grid that each inherits (``olds``: none)."""
    order = np.argsort(labels, kind="stable")
    for units in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        yield np.sort(units), min(int(labels[units[0]]), olds)
