"""Which parts of a city are proved next, at which fees, and by how many nodes each?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.median.core import Core, total
from spatial.siting.median.parts import Proved, double_parts, first_parts, prove_part, trade_parts
from spatial.siting.ways import Flags, Floats, Ints

_MORE = 4
"""Where there are but two parts their nodes are so many times more in each turn."""
_LONGER = 4
"""Parts proved before the searches go on from what was found: first all, and so many times fewer for each doubling."""
_REACH = 16.0
"""How far fees are traded: so many times the gap by open site."""
_SLACK = 0.02
"""A part lets go what would close less than this share of its share of the gap."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How often the city is halved into parts, most nodes of each, how many are proved beside one search, and how far
    fees are traded; not at all in the first turn with these parts."""

    depth: int
    most: int
    batch: int
    reach: float = 0.0

    def following(self, *, trades: bool) -> "Turn":
        """Return the next turn: with other fees for the same parts if one ``trades`` on, else with parts of twice the
        size, or more nodes where there are but two."""
        if trades:
            return replace(self, reach=_REACH)
        if self.depth == 1:
            return replace(self, most=self.most * _MORE, reach=0.0)
        return Turn(self.depth - 1, self.most * 2, max(self.batch // _LONGER, 1))


@dataclass(frozen=True, slots=True)
class Work:
    """Parts to prove in at most so many nodes each, in which order, a set to begin with, and by how much less than the
    best of a part is let go.

    Filled by whoever proves a part: its bound, whether no node of it was left, and sets met. They hold what is known
    before.
    """

    proved: Proved
    order: Ints
    opened: Flags
    most: int
    slack: float
    done: Flags


def begin_work(core: Core, price: Floats, proved: Proved | None, turn: Turn, opened: Flags, value: float) -> Work:
    """Return the work of a turn, what may gain most first; ``proved`` is what is known of parts of this core.

    ``opened`` flags the best known set, which costs ``value``.
    """
    if proved is None:
        proved = parted = first_parts(core, price, opened, turn.depth)
    elif turn.reach:
        gap = max(value - proved.reached(), 0.0)
        parted = trade_parts(core, proved, turn.reach * gap / max(core.p, 1))
    else:
        parted = double_parts(core, price, proved, turn.depth)
    parts = parted.parts.parts
    worth = [total(part.core, opened[part.core.names]) for part in parts] - parted.bound
    slack = _SLACK * max(value - proved.reached(), 0.0) / len(parts)
    order = np.argsort(-worth, kind="stable")
    own = replace(parted, bound=parted.bound.copy())
    return Work(own, order, opened, turn.most, slack, np.zeros(len(parts), bool))


def prove_work(work: Work, turns: Iterator[int], goes_on: Callable[[], bool]) -> None:
    """Prove parts as long as there are some to do; what is to do may be shared by two threads."""
    proved = work.proved
    for at in turns:
        if not goes_on():
            return
        proof = prove_part(proved.parts.parts[at], _begin(work, at), work.most, goes_on, slack=work.slack)
        proved.bound[at], work.done[at] = max(proved.bound[at], proof.bound), proof.whole
        for names, paid in proof.met.items():
            proved.met[at][names] = min(paid, proved.met[at].get(names, np.inf))


def _begin(work: Work, at: int) -> Flags:
    """Return flags of the set met in a part that is cheapest now; of the best of all where none was met."""
    met, fee = work.proved.met[at], work.proved.parts.fees.fee[at]
    if not met:
        return work.opened
    best = min(met, key=lambda one: (met[one] + float(fee[list(one)].sum()), one))
    flags = np.zeros(len(work.opened), bool)
    flags[list(best)] = True
    return flags
