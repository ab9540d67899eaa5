"""What is the cheapest set of blocks about a root, when blocks pull in and borders hold back? A minimum cut.

A pseudo-Boolean energy of one term per block and one per pair of neighbours is minimised by a maximum flow (Picard &
Ratliff 1975). Only the residual network is kept: adding to a block's term, or forcing a block to a side, leaves it a
valid start, so that one flow after another costs little (Kohli & Torr 2007).
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.walking.compiled import inner

FORCE = np.int64(1) << np.int64(44)
"""A pull that no border outweighs."""


class Flow(NamedTuple):
    """A residual network: ``pull`` by node (above 0 towards the set, below 0 away from it), ``room`` by arc.

    ``row``, ``head`` and ``mate`` (the reverse arc) are the network; ``level``, ``at``, ``queue`` and ``path`` are
    working arrays. After ``push_flow`` the nodes with ``level >= 0`` are the smallest cheapest set.
    """

    row: Any
    head: Any
    mate: Any
    pull: Any
    room: Any
    level: Any
    at: Any
    queue: Any
    path: Any


@inner
def push_flow(flow: Flow) -> None:
    """Push as much as fits from pulled nodes to those that are pulled away (Dinic's algorithm)."""
    while _rank(flow):
        for node in range(len(flow.pull)):
            flow.at[node] = flow.row[node]
        for node in range(len(flow.pull)):
            if flow.level[node] == 0:
                _drain(flow, node)


@inner
def _rank(flow: Flow) -> bool:
    """Give nodes their distance from the pulled ones, as far as flow can go; tell whether it meets a sink."""
    size, met = 0, False
    for node in range(len(flow.pull)):
        flow.level[node] = -1
        if flow.pull[node] > 0:
            flow.level[node] = 0
            flow.queue[size] = node
            size += 1
    done = 0
    while done < size:
        node = flow.queue[done]
        done += 1
        for arc in range(flow.row[node], flow.row[node + 1]):
            other = flow.head[arc]
            if flow.room[arc] > 0 and flow.level[other] < 0:
                flow.level[other] = flow.level[node] + 1
                flow.queue[size] = other
                size += 1
                if flow.pull[other] < 0:
                    met = True
    return met


@inner
def _drain(flow: Flow, source: int) -> None:
    """Push what a source holds along shortest paths, until it is empty or blocked."""
    depth, node = 0, source
    while flow.pull[source] > 0:
        if flow.pull[node] < 0:
            amount = min(flow.pull[source], -flow.pull[node])
            for step in range(depth):
                amount = min(amount, flow.room[flow.path[step]])
            flow.pull[source] -= amount
            flow.pull[node] += amount
            back = -1
            for step in range(depth):
                arc = flow.path[step]
                flow.room[arc] -= amount
                flow.room[flow.mate[arc]] += amount
                if flow.room[arc] == 0 and back < 0:
                    back = step
            if back >= 0:
                depth = back
                node = flow.head[flow.mate[flow.path[back]]]
            elif flow.pull[source] <= 0:
                return
            if flow.pull[node] < 0 or back >= 0:
                continue
        arc = flow.at[node]
        while arc < flow.row[node + 1]:
            if flow.room[arc] > 0 and flow.level[flow.head[arc]] == flow.level[node] + 1:
                break
            arc += 1
        flow.at[node] = arc
        if arc < flow.row[node + 1]:
            flow.path[depth] = arc
            depth += 1
            node = flow.head[arc]
        elif depth == 0:
            return
        else:
            depth -= 1
            node = flow.head[flow.mate[flow.path[depth]]]
            flow.at[node] += 1
