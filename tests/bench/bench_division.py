"""Print the division beside METIS on the same blocks, and how long a city takes.

Run as ``python -m tests.bench.bench_division`` from the checkout, with WANGGE_DATA set or the data beside it.

J is the common objective of the instances: (deviation / a quarter of the target) squared per grid, plus 20 per unit of
deviation beyond 40 %, plus border length relative to twice the side of the mean grid, weighted 0.5 + (1 - clarity).
The reference column is what a plain annealer of 300,000 moves published for the instance. METIS is asked for contiguous
parts at three tolerances from three seeds; its best contiguous outcome is shown, its time is that of all nine.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pymetis

from spatial.division.communities import propose_communities
from spatial.division.divide import divide
from spatial.io.profiles import read_profile
from tests.bench.instances import NAMES, city, read_instance

REFERENCE = {
    "wuh_0060": 4.611,
    "wuh_0120": 5.923,
    "wuh_0300": 10.357,
    "wuh_0600": 36.715,
    "wuh_2000": 80.282,
    "hel_roads": 29.278,
}
TARGET = 500.0


@dataclass(frozen=True, slots=True)
class Score:
    """How a labelling does on the common terms."""

    grids: int
    connected: bool
    outside: int
    clear_share: float
    j: float


def score(blocks: Any, pairs: Any, labels: Any) -> Score:
    """Return the score of labels by block_id, from the frames alone."""
    households = blocks.set_index("block_id")["households"]
    sums = households.groupby(labels).sum()
    largest = households.groupby(labels).max()
    aim = np.maximum(TARGET, largest)
    deviation = (sums - aim).abs() / TARGET
    balance = ((deviation / 0.25) ** 2 + 20 * np.maximum(0.0, deviation - 0.4)).sum()
    cut = pairs[pairs["focal"].map(labels) != pairs["neighbor"].map(labels)]
    side_m = 2 * np.sqrt(blocks["area_m2"].sum() / max(1, round(households.sum() / TARGET)))
    border = (cut["shared_m"] / side_m * (1.5 - cut["clarity"])).sum()
    graph = nx.Graph(list(zip(pairs["focal"], pairs["neighbor"], strict=True)))
    connected = all(nx.is_connected(graph.subgraph(ids)) for ids in labels.groupby(labels).groups.values())
    outside = ((sums < 300) | ((sums > 700) & (sums > largest))).sum()
    return Score(len(sums), connected, int(outside), cut["clear_m"].sum() / cut["shared_m"].sum(), balance + border)


def metis(blocks: Any, pairs: Any) -> Iterator[Any]:
    """Yield METIS labels at three tolerances and from three seeds, with the same prices of borders as ours."""
    place = pd.Index(blocks["block_id"])
    graph = nx.Graph()
    graph.add_nodes_from(range(len(place)))
    side_m = 2 * np.sqrt(blocks["area_m2"].mean())
    prices = np.maximum(1, np.round(1000 * pairs["shared_m"] / side_m * (1.5 - pairs["clarity"]))).astype(int)
    ends = place.get_indexer(pairs["focal"]), place.get_indexer(pairs["neighbor"])
    graph.add_weighted_edges_from(zip(*(e.tolist() for e in ends), prices.tolist(), strict=True))
    near = [sorted(graph[i]) for i in range(len(place))]
    start = np.cumsum([0, *map(len, near)]).tolist()
    parts = max(2, round(blocks["households"].sum() / TARGET))
    for tolerance, seed in product((200, 100, 50), (1, 2, 3)):
        _, labels = pymetis.part_graph(
            parts,
            pymetis.CSRAdjacency(start, [j for row in near for j in row]),
            vweights=blocks["households"].tolist(),
            eweights=[graph[i][j]["weight"] for i, row in enumerate(near) for j in row],
            options=pymetis.Options(ufactor=tolerance, contig=1, seed=seed),
            recursive=False,
        )
        yield pd.Series(labels, index=place)


def compare() -> None:
    """Print a row per instance: ours and the best contiguous METIS."""
    profile = read_profile("about_500")
    wuhan, pairs = read_instance("wuh_0060")
    divide(wuhan, pairs, profile, rng=np.random.default_rng(1))
    quick = replace(profile, division=replace(profile.division, moves_per_block=150))
    wuhan, pairs = read_instance("wuh_2000")
    began = time.process_time()
    divide(wuhan, pairs, profile, rng=np.random.default_rng(1), budget_s=0.0)
    print(f"first plan of 2,000 blocks: {time.process_time() - began:.2f} CPU s")
    print("instance   blocks  method  moves/block  grids  outside  clear      J    reference    CPU s")
    for name in NAMES:
        blocks, pairs = read_instance(name)
        for label, rules in (("150", quick), (f"{profile.division.moves_per_block}", profile)):
            began = time.process_time()
            division = divide(blocks, pairs, rules, rng=np.random.default_rng(1))
            seconds = time.process_time() - began
            _print_row(name, blocks, "ours", label, score(blocks, pairs, division.assignment), seconds)
        began = time.process_time()
        rivals = [score(blocks, pairs, labels) for labels in metis(blocks, pairs)]
        seconds = time.process_time() - began
        whole = [rival for rival in rivals if rival.connected]
        _print_row(name, blocks, "METIS", "", min(whole or rivals, key=lambda rival: rival.j), seconds)


def _print_row(name: str, blocks: Any, method: str, moves: str, found: Score, seconds: float) -> None:
    whole = "" if found.connected else "  not contiguous"
    print(
        f"{name:10} {len(blocks):6d}  {method:6}  {moves:>11}  {found.grids:5d}  {found.outside:7d}  "
        f"{found.clear_share:5.1%}  {found.j:7.3f}  {REFERENCE[name]:9.3f}  {seconds:7.2f}{whole}"
    )


def time_city() -> None:
    """Print how long a city of 5,000 blocks takes: communities proposed, then grids in each."""
    profile = read_profile("about_500")
    blocks, pairs = city(50, 100, 350_000, np.random.default_rng(1))
    began = time.process_time()
    proposed = propose_communities(blocks, pairs, profile, rng=np.random.default_rng(1))
    seconds = time.process_time() - began
    sums = blocks.set_index("block_id")["households"].groupby(proposed).sum()
    rules = profile.community
    share = sums.between(rules.floor_households, rules.ceiling_households).mean()
    print(f"city: {len(blocks)} blocks, {len(sums)} communities proposed, {share:.1%} in the band, {seconds:.1f} CPU s")
    blocks = blocks.assign(community_id=blocks["block_id"].map(proposed))
    began = time.process_time()
    division = divide(blocks, pairs, profile, rng=np.random.default_rng(1))
    seconds = time.process_time() - began
    terms = division.objective
    print(
        f"city: {terms['grids']:.0f} grids, {terms['in_band_share']:.1%} in the band, {terms['clear_share']:.1%} of "
        f"the border clear, {seconds:.1f} CPU s"
    )


if __name__ == "__main__":
    compare()
    time_city()
