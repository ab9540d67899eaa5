"""The real runs: which files each takes, and what is counted of its plan."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

import spatial
from spatial.io.sources import Sources
from spatial.plan.model import Plan
from spatial.profile import GridRules
from tests.real_data import real

PROFILE = {"wuhan": "band_300_500", "beijing": "about_500", "futian": "about_500", "helsinki": "about_500"}


def sources_of(name: str, scratch: Path) -> Sources:
    """Return the inputs of a run, or skip the test where the data is not here."""
    match name:
        case "wuhan":
            outline = f"{real('wuhan/districts.gpkg')}|name=江岸区"
            return Sources(area=outline, osm=real("wuhan/streets.parquet"), estates=real("wuhan/estates.csv"))
        case "beijing":
            return Sources(osm=real("beijing-wudaokou/map.osm.gz"))
        case "futian":
            return Sources(osm=real("futian/walk.graphml"), estates=real("futian/estates.csv"))
        case "helsinki":
            return Sources(osm=real("helsinki/helsinki.osm.pbf"))
    raise KeyError(name)


def make(name: str, scratch: Path) -> tuple[spatial.Inputs, Plan]:
    """Read and plan a run."""
    inputs = spatial.read_inputs(sources_of(name, scratch))
    return inputs, spatial.make_plan(inputs, spatial.read_profile(PROFILE[name]))


def count(plan: Plan) -> dict[str, Any]:
    """Return the figures of the README's table, each computed from the plan's frames alone."""
    rules = plan.profile.grid
    grids = describe_grids(plan.blocks, plan.assignment)
    plain = grids[~grids["oversize"]]
    in_band = plain["households"].between(rules.floor_households, rules.ceiling_households)
    shared, clear = inner_border(plan.adjacency, plan.assignment)
    return {
        "blocks": len(plan.blocks),
        "oversize": int(plan.blocks["oversize"].sum()),
        "grids": len(grids),
        "in_band": int(in_band.sum()),
        "in_band_share": float(in_band.mean()) if len(plain) else 1.0,
        "in_band_households": float(plain.loc[in_band, "households"].sum() / max(plain["households"].sum(), 1)),
        "clarity": clear / shared if shared else 1.0,
    }


def rate(blocks: Any, adjacency: Any, assignment: Any, rules: GridRules) -> dict[str, float]:
    """Return the share in the band of grids without an oversize block, and the border of any assignment."""
    grids = describe_grids(blocks, assignment)
    plain = grids[~grids["oversize"]]["households"]
    shared, clear = inner_border(adjacency, assignment)
    return {
        "grids": len(grids),
        "in_band_share": float(plain.between(rules.floor_households, rules.ceiling_households).mean()),
        "border_m": shared,
        "unclear_m": shared - clear,
        "clarity": clear / shared if shared else 1.0,
    }


def describe_grids(blocks: Any, assignment: Mapping[str, str]) -> Any:
    """Return households and oversize per grid."""
    grid = blocks["block_id"].map(assignment)
    return (
        blocks.assign(grid_id=grid)
        .groupby("grid_id")
        .agg(households=("households", "sum"), oversize=("oversize", "any"))
    )


def inner_border(adjacency: Any, assignment: Any) -> tuple[float, float]:
    """Return the metres of border between grids, and those of them on clear lines."""
    cut = adjacency["focal"].map(assignment) != adjacency["neighbor"].map(assignment)
    return float(adjacency.loc[cut, "shared_m"].sum()), float(adjacency.loc[cut, "clear_m"].sum())


def is_contiguous(blocks: Any, adjacency: Any, assignment: Any, min_shared_m: float) -> Any:
    """Return for each grid whether it is connected over crossable borders of enough length (networkx as oracle)."""
    usable = adjacency[adjacency["crossable"] & (adjacency["shared_m"] >= min_shared_m)]
    links = nx.Graph(zip(usable["focal"], usable["neighbor"], strict=True))
    links.add_nodes_from(blocks["block_id"])
    members = blocks.groupby(blocks["block_id"].map(assignment))["block_id"].agg(list)
    return members.map(lambda ids: nx.is_connected(links.subgraph(ids)))


def divide_by_metis(blocks: Any, adjacency: Any, rules: GridRules, min_shared_m: float, tolerance: float) -> Any:
    """Return METIS's assignment under our hard rules: oversize blocks alone, each connected rest cut for the target.

    Edges weigh their length, unclear ones up to three times as much. METIS runs by recursive bisection: asked for
    contiguous parts it leaves a third of them empty here.
    """
    import pymetis

    usable = adjacency[adjacency["crossable"] & (adjacency["shared_m"] >= min_shared_m)]
    plain = set(blocks.loc[~blocks["oversize"], "block_id"])
    links = nx.Graph()
    links.add_nodes_from(sorted(plain))
    for row in usable.itertuples():
        if row.focal in plain and row.neighbor in plain:
            links.add_edge(row.focal, row.neighbor, weight=max(1, round(row.shared_m * (1.5 - row.clarity))))
    households = blocks.set_index("block_id")["households"]
    assignment = pd.Series([f"alone-{name}" for name in households.index], index=households.index, name="grid_id")
    for number, names in enumerate(sorted(map(sorted, nx.connected_components(links)))):
        index = {name: i for i, name in enumerate(names)}
        near = [[(index[other], links[name][other]["weight"]) for other in sorted(links[name])] for name in names]
        parts = max(1, round(households[names].sum() / rules.target_households))
        label = [0] * len(names)
        if parts > 1:
            _, label = pymetis.part_graph(
                parts,
                pymetis.CSRAdjacency(
                    adj_starts=np.cumsum([0, *map(len, near)]).tolist(),
                    adjacent=[other for row in near for other, _ in row],
                ),
                eweights=[weight for row in near for _, weight in row],
                vweights=households[names].tolist(),
                recursive=True,
                options=pymetis.Options(ufactor=int(1000 * tolerance), seed=1),
            )
        assignment[names] = [f"metis-{number}-{part:04d}" for part in label]
    return assignment
