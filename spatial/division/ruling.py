"""Which sets of blocks cannot be a grid of any plan that is nowhere worse, and how much can the rest of a plan add?

Covering the land with sets at most surplus, none of the surpluses below 0, is a linear programme; its dual prices
blocks and surpluses. Whatever the prices, a plan reaches no more than the blocks cost less what its sets fall short of
theirs: sets that fall short by more than a plan may lose are out (reduced cost fixing, Dantzig, Fulkerson and Johnson
1954). The arithmetic is done anew from the prices, so that the solver is asked, not trusted.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

_FIRST, _MORE, _ROUNDS = 600, 300, 60
_TOLERANCE = 1e-9


class Scores(NamedTuple):
    """What is left of the sets: their numbers; by set its scores, by block what it adds to each score at most.

    The scores of a plan that is nowhere worse sum to ``-slack`` or more, each.
    """

    kept: Any
    score: Any
    most: Any
    slack: Any


def rule_out(bits: Any, surplus: Any, slack: Any, given: Any) -> Scores:
    """Return the scores of the sets that may be part of a plan whose surpluses sum to ``-slack`` or more, each.

    ``given`` are the numbers of sets that form such a plan.
    """
    count = int(bits[given].sum()).bit_length()
    scale = np.abs(surplus).max(axis=0)
    scale[scale <= slack] = 1.0
    surplus, slack = surplus / scale, slack / scale + _TOLERANCE
    kept = np.arange(len(bits))
    scores, prices, slacks = [], [], []
    for weight in np.vstack([np.ones(len(slack)), np.eye(len(slack))]):
        place = np.searchsorted(kept, given)
        holds = _blocks_of(bits[kept], count)
        factor, price = _price_blocks(holds, surplus[kept], weight, place)
        score = surplus @ factor
        price = price + max(0.0, float((score[kept] - holds @ price).max()))
        short, loss = holds @ price - score[kept], float(factor @ slack)
        keep = short <= price.sum() + loss + _TOLERANCE
        keep[place] = True
        kept = kept[keep]
        scores.append(score)
        prices.append(price)
        slacks.append(loss + _TOLERANCE)
    return Scores(kept, np.column_stack(scores)[kept], np.column_stack(prices), np.array(slacks))


def _blocks_of(bits: Any, count: int) -> Any:
    """Return which set (row) holds which block (column)."""
    held = [np.flatnonzero((bits >> node) & 1) for node in range(count)]
    rows, columns = np.concatenate(held), np.repeat(np.arange(count), [len(h) for h in held])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(bits), count))


def _price_blocks(holds: Any, surplus: Any, weight: Any, given: Any) -> tuple[Any, Any]:
    """Return (factor of each surplus, price of each block) from the linear programme that gains most by ``weight``.

    Columns come in where they promise most at the prices so far.
    """
    use = np.unique(np.concatenate([given, np.argsort(-(surplus @ weight), kind="stable")[:_FIRST]]))
    factor, price = weight, np.zeros(holds.shape[1])
    for _ in range(_ROUNDS):
        solved = linprog(
            -(surplus[use] @ weight),
            A_ub=-surplus[use].T,
            b_ub=np.full(len(weight), _TOLERANCE),
            A_eq=holds[use].T,
            b_eq=np.ones(holds.shape[1]),
            method="highs",
        )
        if solved.status != 0:
            break
        factor, price = weight + np.maximum(0.0, -solved.ineqlin.marginals), -solved.eqlin.marginals
        promise = surplus @ factor - holds @ price
        best = np.argsort(-promise, kind="stable")[:_MORE]
        best = best[promise[best] > _TOLERANCE]
        if not len(best):
            break
        use = np.union1d(use, best)
    return factor, price
