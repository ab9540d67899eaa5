"""Which neighbouring grids are divided anew together, while the others stay as they are?"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from spatial.division.piece import Piece, count_olds, in_contact, renumber_new, take_blocks
from spatial.division.sizes import Band, Sizes, count_range
from spatial.division.trees import roll

_RINGS = 3


def pick_window(piece: Piece, labels: Any, most: int, state: Any) -> Any:
    """Return the units (ascending) of a random grid and of those nearest to it, border by border, up to ``most``."""
    start, near, units = link_grids(piece, labels)
    first = int(labels[int(roll(state) * len(labels))])
    return np.flatnonzero(np.isin(labels, spread(first, start, near, units, np.ones(len(units), dtype=bool), most)))


def link_grids(piece: Piece, labels: Any) -> tuple[Any, Any, Any]:
    """Return the neighbours of grids, ``near[start[g]:start[g + 1]]`` for grid g, and the units of each."""
    contact = in_contact(piece)
    a, b = labels[piece.first[contact]], labels[piece.second[contact]]
    units = np.bincount(labels)
    link = np.unique(np.concatenate([a * len(units) + b, b * len(units) + a]))
    return np.searchsorted(link, np.arange(len(units) + 1) * len(units)), link % len(units), units


def spread(first: int, start: Any, near: Any, units: Any, free: Any, most: int) -> list[int]:
    """Return a grid and those nearest to it, border by border, that are free and hold ``most`` units with it."""
    chosen, met, size = [first], {first}, int(units[first])
    for label in chosen:
        for other in near[start[label] : start[label + 1]].tolist():
            if other not in met and free[other] and size + units[other] <= most:
                met.add(other)
                chosen.append(other)
                size += int(units[other])
    return chosen


def take_window(piece: Piece, labels: Any, units: Any) -> tuple[Piece, Any, Any]:
    """Return (the piece of these whole grids, their labels in it, the names of today's grids that they may inherit).

    Names that grids outside the window have are not among them.
    """
    olds = count_olds(piece)
    outside = np.ones(len(labels), dtype=bool)
    outside[units] = False
    free = np.setdiff1d(np.arange(olds), labels[outside])
    part = take_blocks(piece, units)
    part = part._replace(change=np.ascontiguousarray(part.change[:, [*free.tolist(), olds]]))
    inside = labels[units]
    inherits = inside < olds
    inside = np.where(inherits, np.searchsorted(free, inside), inside - olds + len(free))
    return part, renumber_new(inside, len(free)), free


def put_back(labels: Any, units: Any, new: Any, free: Any, olds: int) -> Any:
    """Return all labels with those of a window put in."""
    out = labels.copy()
    above = max(int(labels.max()) + 1, olds)
    names = np.concatenate([free, above + np.arange(int(new.max()) + 1)]).astype(np.int64)
    out[units] = names[new]
    return renumber_new(out, olds)


def widen_window(piece: Piece, labels: Any, unit: int, band: Band, most: int) -> Iterator[Any]:
    """Yield the units of ever wider surroundings of a unit's grid, if their households can make grids in the band."""
    window, contact = labels == labels[unit], in_contact(piece)
    for _ in range(_RINGS):
        touched = contact & (window[piece.first] != window[piece.second])
        near = np.concatenate([labels[piece.first[touched]], labels[piece.second[touched]], labels[window]])
        wider = np.isin(labels, near)
        if wider.sum() == window.sum() or wider.sum() > most:
            return
        window = wider
        low, high = count_lawful(piece, band, window)
        if low <= high:
            yield np.flatnonzero(window)


def count_lawful(piece: Piece, band: Band, window: Any) -> tuple[int, int]:
    """Return the least and the greatest number of grids in the band; units above the ceiling are one each."""
    over = window & (piece.anchor > band.ceiling)
    low, high = count_range(int(piece.households[window & ~over].sum()), band)
    return low + int(over.sum()), high + int(over.sum())


def list_outside(piece: Piece, sizes: Sizes, labels: Any) -> Any:
    """Return the first unit of each grid that pays a penalty and has no unit above the ceiling."""
    grids, first, place = np.unique(labels, return_index=True, return_inverse=True)
    households = np.bincount(place, piece.households).astype(np.int64)
    anchor = np.zeros(len(grids), dtype=np.int64)
    np.maximum.at(anchor, place, np.where(piece.households > sizes.ceiling, piece.households, piece.anchor))
    outside = sizes.penalty[np.minimum(households, len(sizes.penalty) - 1)] > 0
    return np.sort(first[outside & ((anchor == 0) | (households > anchor)) & (anchor <= sizes.ceiling)])
