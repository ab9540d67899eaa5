"""Among which sites, and how far from each row, is it worth while to search?

Where every row lists most sites, a move is weighed over rows that it would hardly ever serve. Prices tell which sites
have a share; of those each row keeps some times as many of the nearest as it has to look through to be served
(heuristic concentration: Rosing and ReVelle, "Heuristic concentration: two stage solution construction", 1997).
"""

from dataclasses import replace

import numpy as np

from spatial.siting.question import Question
from spatial.siting.ways import Flags, Floats, Ints, keep, row_of

_LARGE = 200_000
"""Up to so many entries all are kept."""
_SHARE = 0.01
_TIMES, _FEWEST = 6, 30
"""Entries that a row keeps, by those up to the one that serves it on average, and at least."""


def narrowed(question: Question, share: Floats | None, opened: Flags) -> Question:
    """Return the question with the sites that have a share or are open, and the nearest of them to each row.

    What a set of sites costs there it costs at most with all entries; conditions are the same.
    """
    ways = question.ways
    if share is None or len(ways.site) <= _LARGE:
        return question
    near = (share > _SHARE) | opened
    depth = max(_TIMES * question.need * int(near.sum()) // max(int(opened.sum()), 1), _FEWEST)
    kept = near[ways.site]
    before = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    rank: Ints = before[:-1] - before[ways.ptr[:-1]][row_of(ways)]
    return replace(question, ways=keep(ways, kept & (rank < depth)), banned=question.banned | ~near)
