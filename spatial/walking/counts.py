"""How many households reach each site within a limit? Only the count, so that sites may stand at every corner."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.tables import DEMAND, require
from spatial.walking.chunks import run_in_chunks
from spatial.walking.compiled import bare, inner, row
from spatial.walking.neighbours import estate_pairs, merge_pairs
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import bind_kernel, order_by_place, pair_costs, place_homes
from spatial.walking.search import Gates, Graph, Mode, build_graph
from spatial.walking.snapping import Snaps, snap, take_snaps
from spatial.walking.spread import forget, part, search
from spatial.walking.travel import check_limit

Ints = NDArray[np.int64]


def count_reached(
    network: WalkNetwork,
    sites: Any,
    demand: Any,
    *,
    limit: float | None = None,
    mode: Mode = "time",
    gates: Gates = "open",
) -> Any:
    """Return the households that reach each site within the limit: a Series with the index of the sites.

    They are the households of the homes for which ``travel_times`` would have a row, without the rows.

    Raises
    ------
    InputError, TableError, CrsError
        As ``travel_times``, or if the demand breaks its contract.
    """
    limit = check_limit(network, limit, mode, gates)
    households = require(demand, DEMAND)["households"].to_numpy(dtype=np.int64)
    graph, places, lived = build_graph(network, mode), snap(network, sites), snap(network, demand)
    straight = estate_pairs(network, graph, (sites, places), (demand, lived), limit)
    # homes with a straight walk inside their estate may have another one too: of these the pairs are made and merged
    apart = np.zeros(len(demand), dtype=bool)
    apart[straight[1]] = True
    total = count_snapped(graph, places, len(sites), (lived, np.where(apart, 0, households)), (limit, gates))
    if apart.any():
        rows = np.flatnonzero(apart)
        i, j, cost, other = pair_costs(graph, places, take_snaps(lived, rows), limit, gates)
        i, j, _, _ = merge_pairs((i, rows[j], cost, other), straight)
        np.add.at(total, i, households[j])
    return pd.Series(total, index=sites.index, name="households")


def count_snapped(
    graph: Graph, sources: Snaps, count: int, lived: tuple[Snaps, Ints], rules: tuple[float, Gates]
) -> Ints:
    """Return the sum of what homes weigh (``lived`` are their places and weights) for each of ``count`` sources."""
    limit, gates = rules
    targets, weight = lived
    first = np.searchsorted(sources.point, np.arange(count + 1)).astype(np.int64)
    lie = order_by_place(graph, targets, np.searchsorted(targets.point, np.arange(len(weight) + 1)))
    number = np.empty(len(lie), np.int64)
    number[lie] = np.arange(len(lie))
    homes, weight = place_homes(graph, replace(targets, point=number[targets.point])), weight[lie]
    found = np.zeros(count, np.int64)
    run = bind_kernel(_sum, graph, sources, limit, gates)
    order = order_by_place(graph, sources, first)

    def add_up(rows: slice) -> None:
        seen = np.full(len(weight), -1, np.int32)
        some = order[rows]
        run(first[some], first[some + 1], homes, weight, seen, found[rows])

    run_in_chunks(add_up, count)
    total = np.empty(count, np.int64)
    total[order] = found
    return total


@bare
def _sum(arrays, places, how, work, begin, end, homes, weight, seen, total):  # type: ignore[no-untyped-def]
    """Add up the weight of the homes within the limit of each source; ``seen`` is the last source that found a home."""
    for k in range(len(begin)):
        rows = (begin[k], end[k])
        opened, inside = search(arrays, places, rows, how, work)
        found = _sum_steps(homes, work[0], work[2], opened, 0, how[0], weight, seen, k)
        found += _sum_steps(homes, work[1], work[3], inside, 1, how[0], weight, seen, k)
        total[k] = found + _sum_same_edge(arrays[2], places, rows, homes, how[0], weight, seen, k)
        forget(work, opened, inside)


@inner
def _sum_steps(homes, labels, reached, states, private, limit, weight, seen, source):  # type: ignore[no-untyped-def]
    """Return the weight of homes that were not seen, near the reached nodes, by private edges only or by all."""
    first, steps = homes[0], homes[1]
    total = np.int64(0)
    for k in range(states):
        s = np.int64(reached[row(k)])
        cost = labels[row(s)].cost
        for side in range(private, 2):
            for q in range(first[row(2 * s + side)], first[row(2 * s + side + 1)]):
                if not cost + steps[row(q)].cost <= limit:
                    break  # the steps that follow cost more
                home = row(steps[row(q)].home)
                if seen[home] != source:
                    seen[home] = source
                    total += weight[home]
    return total


@inner
def _sum_same_edge(ends, places, rows, homes, limit, weight, seen, source):  # type: ignore[no-untyped-def]
    """Return the weight of homes that were not seen, on the source's own edges."""
    start, (point, share, access, _) = homes[2], homes[3]
    total = np.int64(0)
    for k in range(rows[0], rows[1]):
        e = places[0][k]
        for q in range(start[e], start[e + 1]):
            gap = share[q] - places[1][k]
            c = places[2][k] + part(abs(gap), ends[e].vu if gap > 0 else ends[e].uv) + access[q]
            if c <= limit and seen[point[q]] != source:
                seen[point[q]] = source
                total += weight[point[q]]
    return total
