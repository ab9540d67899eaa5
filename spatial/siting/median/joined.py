"""What is the best of two good sets of sites together? Only the sites they differ in are decided anew."""

import numpy as np

from spatial.siting.median.branch import Node, Search, branch
from spatial.siting.median.core import shrink
from spatial.siting.median.rounds import KICK_VISITS
from spatial.siting.median.swap import by_column, search
from spatial.siting.median.terms import Terms
from spatial.siting.ways import Deadline, Ints

_JOIN_NODES, _JOIN_KICKS = 30, 3


def join_sets(terms: Terms, node: Node, one: Ints, other: Ints, deadline: Deadline) -> Ints:
    """Return the best set met that has the sites which both sets have, and else only sites of either."""
    core = node.core
    here, there = np.isin(core.names, one), np.isin(core.names, other)
    value, second = terms.cost_of(one), terms.cost_of(other)
    best, least = (one, value) if value <= second else (other, second)
    if int(here.sum()) != core.p or int(there.sum()) != core.p or (here == there).all():
        return best
    small, rows = shrink(core, np.where(here & there, 1, np.where(here | there, 0, -1)))
    columns = by_column(small)
    opened = (*node.opened, *core.names[here & there].tolist())

    def improve(names: Ints) -> tuple[Ints, float]:
        """Return a set near one, with its total in truth."""
        flags = np.isin(small.names, names)
        if int(flags.sum()) == small.p:
            flags, _ = search(small, columns, flags, kicks=_JOIN_KICKS, visits=KICK_VISITS, seed=1)
            names = np.concatenate((np.array(opened, np.int64), small.names[flags]))
        return names, terms.cost_of(names)

    ask = Search(terms.goal, terms.cost_of, improve, lambda _value, _bound: True)
    return branch(Node(small, opened, node.price[rows], -np.inf), best, least, ask, deadline, _JOIN_NODES).names
