"""What always holds for land cut into blocks, checked by other means than those that cut it."""

from typing import Any

import numpy as np
import shapely

from spatial.crs import to_lonlat
from spatial.inputs import Inputs
from spatial.land.blocks import Land
from spatial.profile import Profile
from spatial.tables import ADJACENCY, BLOCKS, COMMUNITIES, DEMAND, LISTED, require


def assert_lawful(land: Land, inputs: Inputs, profile: Profile) -> None:
    require(land.blocks, BLOCKS)
    require(land.adjacency, ADJACENCY)
    require(land.demand, DEMAND)
    require(land.communities, COMMUNITIES)
    require(land.listed, LISTED)
    _assert_tiled(land, inputs)
    _assert_households(land, inputs, profile)
    _assert_adjacent(land)
    _assert_no_slivers(land, profile)


def _assert_tiled(land: Land, inputs: Inputs) -> None:
    metric = land.blocks.geometry.to_numpy()
    served = to_lonlat(metric, inputs.crs)
    for shapes in (metric, served):
        assert shapely.coverage_is_valid(shapes)
        assert shapely.is_valid(shapes).all()
        assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
        union = shapely.coverage_union_all(shapes)
        assert abs(shapely.area(shapes).sum() - union.area) <= 1e-9 * max(union.area, 1.0)
    given = shapely.union_all(inputs.communities.geometry.make_valid(method="structure", keep_collapsed=False))
    assert shapely.equals(land.area, shapely.coverage_union_all(metric))
    assert land.report["deviation"]["largest_m"] <= 0.02
    _assert_same_outline(land.area, given)
    for community, shape in zip(land.communities["community_id"], land.communities.geometry, strict=True):
        mine = metric[(land.blocks["community_id"] == community).to_numpy()]
        assert abs(shapely.area(mine).sum() - shape.area) < 0.01


def _assert_same_outline(adopted: Any, given: Any) -> None:
    """No point of one lies outside the other by more than 2 cm."""
    assert shapely.difference(adopted, shapely.buffer(given, 0.021)).area == 0
    assert shapely.difference(given, shapely.buffer(adopted, 0.021)).area < 1e-6


def _assert_households(land: Land, inputs: Inputs, profile: Profile) -> None:
    blocks, demand = land.blocks.set_index("block_id"), land.demand
    assert (demand["households"] > 0).all()
    assert (
        demand.groupby("block_id")["households"].sum().reindex(blocks.index).fillna(0) == blocks["households"]
    ).all()
    holders = shapely.STRtree(blocks.geometry.to_numpy()).query(demand.geometry.to_numpy(), predicate="intersects")
    assert holders[0].tolist() == list(range(len(demand))), "a demand point lies in no block, or in two"
    assert blocks.index[holders[1]].tolist() == demand["block_id"].tolist()
    ceiling = profile.grid.ceiling_households
    assert (blocks["oversize"] == (blocks["households"] > ceiling)).all()
    assert (blocks["sub_grids_needed"] == np.where(blocks["oversize"], -(-blocks["households"] // ceiling), 0)).all()


def _assert_adjacent(land: Land) -> None:
    """The table holds every pair that shares a border, once, with its length: found here by intersecting all pairs."""
    blocks, table = land.blocks, land.adjacency
    shapes, names = blocks.geometry.to_numpy(), blocks["block_id"].to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.length(shapely.intersection(shapes[first], shapes[second]))
    expected = {
        (names[i], names[j]): metres for i, j, metres in zip(first, second, shared, strict=True) if metres > 1e-6
    }
    found = dict(zip(zip(table["focal"], table["neighbor"], strict=True), table["shared_m"], strict=True))
    assert (table["focal"] < table["neighbor"]).all()
    assert len(found) == len(table)
    assert set(found) == set(expected)
    assert all(abs(found[pair] - metres) < 1e-3 for pair, metres in expected.items())
    assert (table["clear_m"] <= table["shared_m"] + 1e-9).all()
    assert table["clarity"].between(0, 1).all()


def _assert_no_slivers(land: Land, profile: Profile) -> None:
    """Slivers are listed, and none of them has a neighbour in its community."""
    shapes = land.blocks.geometry.to_numpy()
    area, border = shapely.area(shapes), shapely.length(shapes)
    rules = profile.land
    sliver = (area < rules.sliver_area_m2) | (2 * area / border < rules.sliver_width_m)
    names = set(land.blocks["block_id"][sliver])
    assert names == set(land.listed.loc[land.listed["reason"] == "sliver", "row"])
    community = land.blocks.set_index("block_id")["community_id"]
    for a, b in zip(land.adjacency["focal"], land.adjacency["neighbor"], strict=True):
        assert community[a] != community[b] or not names & {a, b}


def assert_uncut(land: Land, buildings: Any) -> None:
    """No border between blocks runs through a building, but for a fraction of a square metre at its wall."""
    which, where = shapely.STRtree(land.blocks.geometry.to_numpy()).query(buildings, predicate="intersects")
    share = shapely.area(shapely.intersection(buildings[which], land.blocks.geometry.to_numpy()[where]))
    most = np.zeros(len(buildings))
    np.maximum.at(most, which, share)
    assert (shapely.area(buildings) - most).max(initial=0.0) < 0.5


def describe(land: Land) -> Any:
    """Everything that must not depend on the order of the input, as comparable values."""
    return (
        [shapely.to_wkb(g) for g in land.blocks.geometry],
        land.blocks.drop(columns="geometry").to_dict("list"),
        land.adjacency.to_dict("list"),
        [shapely.to_wkb(g) for g in land.demand.geometry],
        land.demand.drop(columns="geometry").to_dict("list"),
        sorted(map(tuple, land.listed.astype(str).to_numpy().tolist())),
        shapely.to_wkb(land.area),
        {k: v for k, v in land.report.items() if k not in ("barriers", "slivers_merged")},
    )
