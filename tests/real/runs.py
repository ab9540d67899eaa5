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


def divide_by_metis(blocks: Any, adjacency: Any, target: int, tolerance: float) -> Any:
    """Return METIS's assignment of the same blocks: contiguous option, parts of about the target."""
    import pymetis

    index = pd.Series(np.arange(len(blocks)), index=blocks["block_id"])
    first, second = index[adjacency["focal"]].to_numpy(), index[adjacency["neighbor"]].to_numpy()
    weight = np.maximum((adjacency["shared_m"] * (1.5 - adjacency["clarity"])).round().astype(int), 1).to_numpy()
    both = pd.DataFrame({"a": np.r_[first, second], "b": np.r_[second, first], "w": np.r_[weight, weight]}).sort_values(
        ["a", "b"]
    )
    starts = np.searchsorted(both["a"], np.arange(len(blocks) + 1))
    parts = max(1, round(blocks["households"].sum() / target))
    _, label = pymetis.part_graph(
        parts,
        xadj=starts.tolist(),
        adjncy=both["b"].tolist(),
        eweights=both["w"].tolist(),
        vweights=blocks["households"].tolist(),
        contiguous=nx.is_connected(nx.Graph(zip(first, second, strict=True))),
        options=pymetis.Options(ufactor=int(1000 * tolerance), seed=1),
    )
    return pd.Series([f"m{part:05d}" for part in label], index=blocks["block_id"], name="grid_id")
