"""Walking the made district: its gates, walls and estates are known."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.sample.district import District, make_district, to_inputs
from spatial.walking.exchange import street_corners
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.snapping import ACROSS_WALL, INSIDE, ISLAND, snap
from spatial.walking.travel import travel_times

PROFILE = read_profile()


@lru_cache(maxsize=1)
def made() -> tuple[District, Inputs, WalkNetwork]:
    district = make_district(rng=np.random.default_rng(2), communities=4)
    inputs = to_inputs(district)
    return district, inputs, walk(inputs, inputs.gates)


def walk(inputs: Inputs, gates: Any) -> WalkNetwork:
    return build_walk_network(inputs.streets, PROFILE, gates=gates, estates=inputs.estates)


def homes_of(inputs: Inputs) -> Any:
    lived = inputs.buildings[inputs.buildings["households"] > 0]
    return gpd.GeoDataFrame(
        {"demand_id": lived["building_id"], "estate_id": lived["estate_id"]},
        geometry=lived.geometry.representative_point(),
        crs=lived.crs,
    )


def corners_of(network: WalkNetwork, count: int, column: str) -> Any:
    corners = street_corners(network)
    picked = corners.iloc[np.linspace(0, len(corners) - 1, count).astype(int)]
    return picked.rename(columns={"corner_id": column})


def test_every_gate_stands_on_its_own_node_of_the_map() -> None:
    district, inputs, network = made()
    assert network.report["gates on a way"] == len(inputs.gates)
    assert network.report["gates joined by a synthetic piece"] == 0
    place = {int(node): xy for node, xy in zip(network.node_id, network.xy, strict=True)}
    at = dict(zip(inputs.gates["gate_id"], shapely.get_coordinates(inputs.gates.geometry.array), strict=True))
    opened = {gate: truth for gate, truth in district.truth["gates"].items() if truth["access"] != "closed"}
    assert opened
    for gate, truth in opened.items():
        assert place[truth["node_id"]] == pytest.approx(at[gate], abs=0.01)


def test_homes_in_gated_estates_start_on_paths_inside() -> None:
    district, inputs, network = made()
    homes = homes_of(inputs)
    found = snap(network, homes)
    gated = {name for name, truth in district.truth["estates"].items() if truth["gated"]}
    behind = homes["estate_id"].iloc[found.point].isin(gated).to_numpy()
    assert behind.sum() > 50
    assert set(found.how[behind]) == {INSIDE}
    assert not set(found.how) & {ACROSS_WALL, ISLAND}
    assert not found.far.any()


def test_no_trip_between_street_corners_leads_through_a_gated_estate() -> None:
    """The same walks on a map where residents' ways do not exist at all."""
    _, _, network = made()
    private_arc = network.private[network.arc_edge]
    without = replace(
        network,
        seconds_uv=np.where(network.private, np.inf, network.seconds_uv),
        seconds_vu=np.where(network.private, np.inf, network.seconds_vu),
        arc_s=np.where(private_arc, np.inf, network.arc_s),
        arc_back_s=np.where(private_arc, np.inf, network.arc_back_s),
    )
    places, targets = corners_of(network, 15, "site_id"), corners_of(network, 40, "demand_id")
    got = travel_times(network, places, targets, limit=3000.0)
    want = travel_times(without, places, targets, limit=3000.0)
    assert len(got) > 300
    assert got.equals(want)


def test_closing_a_gate_never_shortens_a_walk_and_lengthens_some() -> None:
    _, inputs, network = made()
    homes, places = homes_of(inputs), corners_of(network, 12, "site_id")
    before = travel_times(network, places, homes, limit=3600.0).set_index(["origin_id", "destination_id"])["walk_s"]
    first = inputs.gates["estate_id"].iloc[0]
    own = inputs.gates["estate_id"] == first
    shut = inputs.gates.assign(access=inputs.gates["access"].where(~(own & ~own.shift(fill_value=False)), "closed"))
    assert (shut["access"] != inputs.gates["access"]).sum() == 1
    after = travel_times(walk(inputs, shut), places, homes, limit=3600.0)
    after = after.set_index(["origin_id", "destination_id"])["walk_s"]
    longer = after - before.reindex(after.index)
    assert longer.min() > -1e-6
    estate = homes.set_index("demand_id")["estate_id"].reindex(longer.index.get_level_values(1)).to_numpy()
    assert longer[estate == first].max() > 10.0
    assert longer[estate != first].abs().max() < 1e-6


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_closing_many_gates_shortens_no_walk_and_all_of_them_leaves_nobody_inside_a_way_out(share: float) -> None:
    district, inputs, network = made()
    homes, places = homes_of(inputs), corners_of(network, 12, "site_id")
    before = travel_times(network, places, homes, limit=3600.0).set_index(["origin_id", "destination_id"])["walk_s"]
    shut = np.random.default_rng(5).random(len(inputs.gates)) < share
    after = travel_times(
        walk(inputs, inputs.gates.assign(access=inputs.gates["access"].mask(shut, "closed"))),
        places,
        homes,
        limit=3600.0,
    )
    walk_s = after.set_index(["origin_id", "destination_id"])["walk_s"]
    assert set(walk_s.index) <= set(before.index)
    assert (walk_s - before.reindex(walk_s.index)).min() > -1e-6
    gated = {name for name, truth in district.truth["estates"].items() if truth["gated"]}
    behind = set(homes.loc[homes["estate_id"].isin(gated), "demand_id"])
    assert set(homes["demand_id"]) - behind <= set(after["destination_id"])
    assert bool(behind & set(after["destination_id"])) == (share < 1.0)


def test_with_gates_closed_nothing_is_nearer_than_with_gates_open() -> None:
    _, inputs, network = made()
    homes = homes_of(inputs)
    places = homes.iloc[::60].rename(columns={"demand_id": "site_id"})
    opened = travel_times(network, places, homes, limit=900.0).set_index(["origin_id", "destination_id"])["walk_s"]
    closed = travel_times(network, places, homes, limit=900.0, gates="closed")
    closed = closed.set_index(["origin_id", "destination_id"])["walk_s"]
    assert set(closed.index) < set(opened.index)
    assert (closed - opened.reindex(closed.index)).min() >= -1e-9
