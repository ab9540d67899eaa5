"""What is the least that labels cost? Every label set, every arc of every reached node looked at once, no queue."""

from typing import Any

import numpy as np

from spatial.walking.compiled import bare, row
from spatial.walking.labels import Labels
from spatial.walking.search import TIE, Graph, borrow_work


def replay(graph: Graph, labels: Labels, mode: str, limit: float) -> Any:
    """Return a function that replays labels of a network without private ways: what no search can avoid."""
    cost, other = (labels.walk_s, labels.walk_m) if mode == "time" else (labels.walk_m, labels.walk_s)
    node, scratch = graph.rank[labels.node], borrow_work(graph)[0]
    return lambda: _replay(scratch, graph.arcs, node, (cost, other), labels.start, limit + TIE)


@bare
def _replay(labels, arcs, node, known, start, limit):  # type: ignore[no-untyped-def]
    cost, other = known
    lower = 0.0
    for k in range(len(start) - 1):
        for i in range(start[k], start[k + 1]):
            label = labels[row(node[row(i)])]
            label.cost, label.other = cost[row(i)], other[row(i)]
        for i in range(start[k], start[k + 1]):
            here = labels[row(node[row(i)])]
            for j in range(here.first, here.last):
                c = here.cost + arcs[row(j)].cost
                if c <= limit and c < labels[row(arcs[row(j)].head)].cost - 1e-6:
                    lower += here.other
        for i in range(start[k], start[k + 1]):
            labels[row(node[row(i)])].cost = np.inf
    return lower
