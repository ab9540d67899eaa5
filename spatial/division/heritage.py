"""In which of today's grids does each block lie, and which piece of land may inherit it?"""

from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InputError

NOWHERE = -1
"""The grid of today of a block that is in none."""


def number_today(block_ids: Any, current: Any) -> tuple[Any, tuple[str, ...]]:
    """Return for each block the number of its grid of today in the sorted ids, and those ids.

    ``current`` is a Series ``block_id -> grid_id``; blocks that are missing, empty or "" there are ``NOWHERE``.

    Raises
    ------
    InputError
        If it names a block twice, or one that does not exist.
    """
    known = pd.Index(block_ids)
    given = pd.Series(current).rename(index=str)
    if given.index.has_duplicates:
        raise InputError(f"current: block {given.index[given.index.duplicated()][0]!r} stands in two rows, needed one")
    strange = given.index.difference(known)
    if len(strange):
        raise InputError(f"current: found block {strange[0]!r}, needed one of the {len(known)} blocks")
    names = given.reindex(known)
    told = names.notna().to_numpy() & (names.astype(str) != "").to_numpy()
    ids, number = np.unique(names[told].astype(str).to_numpy(dtype=str), return_inverse=True)
    today = np.full(len(known), NOWHERE, dtype=np.int64)
    today[told] = number
    return today, tuple(ids.tolist())


def find_heirs(households: Any, today: Any, piece: Any) -> Any:
    """Tell by block whether a grid of its piece may inherit its grid of today.

    A grid of today is inherited once at most. Where it lies in several pieces, it goes to the one that holds most of
    its households, of equals to the one with the lowest number.
    """
    known = np.flatnonzero(today != NOWHERE)
    if not len(known):
        return np.zeros(len(today), dtype=bool)
    pieces = int(piece.max()) + 1
    pairs, inverse = np.unique(today[known] * pieces + piece[known], return_inverse=True)
    held = np.bincount(inverse, households[known], len(pairs))
    order = np.lexsort((-(pairs % pieces), held, pairs // pieces))
    keeper = np.empty(int(today.max()) + 1, dtype=np.int64)
    keeper[pairs[order] // pieces] = pairs[order] % pieces
    return (today != NOWHERE) & (keeper[today] == piece)
