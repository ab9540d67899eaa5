"""What is the cheapest set of blocks about a root, when blocks pull in and borders hold back? A minimum cut.

A pseudo-Boolean energy of one term per block and one per pair of neighbours is minimised by a maximum flow (Picard &
Ratliff 1975). Only the residual network is kept: adding to a block's term, or forcing a block to a side, leaves it a
valid start, so that one flow after another costs little (Kohli & Torr 2007). A block forced to a side hands its room on
to its neighbours' pull and leaves the network.
"""

from typing import Any, NamedTuple

from spatial.walking.compiled import shared


class Flow(NamedTuple):
    """A residual network: ``pull`` by node (above 0 towards the set, below 0 away from it), ``room`` by arc.

    ``row``, ``head`` and ``mate`` (the reverse arc) are the network; ``level``, ``at``, ``queue`` and ``path`` are
    working arrays; ``live`` lists the nodes still in the network, ``lives`` counts them. After ``push_flow`` the live
    nodes of level 0 are the smallest cheapest set, those of level -1 stay out.
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
    live: Any
    lives: Any


@shared
def leave(flow: Flow, node: int, into: int) -> None:
    """Take a node out of the network, into the set (1) or away from it (-1): its room becomes its neighbours' pull."""
    for arc in range(flow.row[node], flow.row[node + 1]):
        back = flow.mate[arc]
        flow.pull[flow.head[arc]] += flow.room[arc] if into > 0 else -flow.room[back]
        flow.room[arc] = 0
        flow.room[back] = 0
    flow.pull[node] = 0


@shared
def push_flow(flow: Flow) -> None:
    """Push as much as fits from pulled nodes to those pulled away: Dinic's algorithm, ranked from the sinks."""
    while _rank(flow):
        for i in range(flow.lives[0]):
            flow.at[flow.live[i]] = flow.row[flow.live[i]]
        for i in range(flow.lives[0]):
            if flow.pull[flow.live[i]] > 0 and flow.level[flow.live[i]] > 0:
                _drain(flow, flow.live[i])
    _choose(flow)


@shared
def _rank(flow: Flow) -> bool:
    """Give nodes their distance to the nearest sink with room on the way; tell whether a pulled node has one."""
    size, met = 0, False
    for i in range(flow.lives[0]):
        node = flow.live[i]
        flow.level[node] = -1
        if flow.pull[node] < 0:
            flow.level[node] = 0
            flow.queue[size] = node
            size += 1
    done = 0
    while done < size:
        node = flow.queue[done]
        done += 1
        for arc in range(flow.row[node], flow.row[node + 1]):
            other = flow.head[arc]
            if flow.level[other] < 0 and flow.room[flow.mate[arc]] > 0:
                flow.level[other] = flow.level[node] + 1
                flow.queue[size] = other
                size += 1
                if flow.pull[other] > 0:
                    met = True
    return met


@shared
def _choose(flow: Flow) -> None:
    """Give level 0 to the nodes that what is still pulled can reach, -1 to the others."""
    size, done = 0, 0
    for i in range(flow.lives[0]):
        node = flow.live[i]
        flow.level[node] = -1
        if flow.pull[node] > 0:
            flow.level[node] = 0
            flow.queue[size] = node
            size += 1
    while done < size:
        node = flow.queue[done]
        done += 1
        for arc in range(flow.row[node], flow.row[node + 1]):
            other = flow.head[arc]
            if flow.room[arc] > 0 and flow.level[other] < 0:
                flow.level[other] = 0
                flow.queue[size] = other
                size += 1


@shared
def _drain(flow: Flow, source: int) -> None:
    """Push what a source holds along shortest paths, until it is empty or blocked."""
    depth, node = 0, source
    while True:
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
            if flow.pull[source] == 0:
                return
            if back >= 0:
                depth = back
                node = flow.head[flow.mate[flow.path[back]]]
                continue
        arc = flow.at[node]
        while arc < flow.row[node + 1]:
            if flow.room[arc] > 0 and flow.level[flow.head[arc]] == flow.level[node] - 1:
                break
            arc += 1
        flow.at[node] = arc
        if arc < flow.row[node + 1] and flow.level[node] > 0:
            flow.path[depth] = arc
            depth += 1
            node = flow.head[arc]
        elif depth == 0:
            return
        else:
            depth -= 1
            node = flow.head[flow.mate[flow.path[depth]]]
            flow.at[node] += 1
