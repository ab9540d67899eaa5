"""Land from real maps keeps the laws; railways and rivers part it where they do on the ground."""

from dataclasses import replace
from typing import Any

import pytest
import shapely

from spatial.inputs import Inputs
from spatial.io.district import Sources, read_inputs
from spatial.io.profiles import read_profile
from spatial.land.barriers import build_barriers
from spatial.land.blocks import build_blocks
from spatial.land.faces import draw_faces
from spatial.land.slivers import is_artifact
from tests.land.laws import assert_lawful
from tests.real_data import real

pytestmark = pytest.mark.real
_MAPS = {
    "helsinki": "helsinki/helsinki.osm.pbf",
    "beijing": "beijing-wudaokou/map.osm.gz",
    "moscow": "moscow/moscow.osm.gz",
}
ABOUT_500 = read_profile("about_500")


def read(name: str) -> Inputs:
    if name == "wuhan":
        outline = f"{real('wuhan/districts.gpkg')}|name=江岸区"
        return read_inputs(Sources(area=outline, osm=real("wuhan/streets.parquet"), estates=real("wuhan/estates.csv")))
    return read_inputs(Sources(osm=real(_MAPS[name])))


@pytest.mark.parametrize("name", ["helsinki", "beijing", "moscow"])
def test_a_real_map_keeps_the_laws(name: str) -> None:
    inputs = read(name)
    land = build_blocks(inputs, ABOUT_500)
    assert_lawful(land, inputs, ABOUT_500)
    _assert_parted(land, inputs)


def _assert_parted(land: Any, inputs: Inputs) -> None:
    """No open street or path crosses the inner part of a border that is said to be closed."""
    ways = inputs.streets.ways
    kinds = ["residential", "tertiary", "secondary", "unclassified", "footway", "path", "steps"]
    walk = ways.geometry[ways["highway"].isin(kinds) & (ways["access"] == "") & (ways["foot"] == "")].to_numpy()
    shape = land.blocks.set_index("block_id").geometry
    apart = land.adjacency[~land.adjacency["crossable"]]
    borders = [
        shapely.line_merge(shapely.union_all([p for p in shapely.get_parts(b) if p.geom_type == "LineString"]))
        for b in shapely.intersection(shape[apart["focal"]].to_numpy(), shape[apart["neighbor"]].to_numpy())
    ]
    inner = shapely.difference(borders, shapely.buffer(shapely.boundary(borders), 5.0))
    assert len(shapely.STRtree(walk).query(inner, predicate="crosses")[0]) == 0


def test_wuhan_is_tiled_whole_with_all_its_estates() -> None:
    inputs = read("wuhan")
    profile = read_profile("band_300_500")
    land = build_blocks(inputs, profile)
    assert_lawful(land, inputs, profile)
    whole = inputs.estates["households"].sum()
    dropped = land.listed.loc[land.listed["action"] == "dropped", "households"].sum()
    assert land.demand["households"].sum() + dropped == whole
    assert land.report["oversize_households"] > 0.7 * whole, "the exception is large, and told"
    assert (land.blocks["households"] > 0).mean() > 0.7, "carriageway strips are no blocks"


def test_the_artifact_index_is_the_published_one() -> None:
    """neatnet measures the faces of the same streets; its threshold for Wuhan lies beside the profile's."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neatnet

        ways = read("wuhan").streets.ways
        found = neatnet.FaceArtifacts(ways[["geometry"]])
    ours = is_artifact(found.polygons.geometry.to_numpy(), ABOUT_500.land)
    theirs = (found.polygons["face_artifact_index"] < ABOUT_500.land.artifact_index).to_numpy()
    assert (ours == theirs).all()
    assert found.threshold == pytest.approx(ABOUT_500.land.artifact_index, abs=0.3)


def test_helsinkis_rail_yard_leaves_no_blocks_between_its_tracks() -> None:
    inputs = read("helsinki")
    land = build_blocks(inputs, ABOUT_500)
    tracks = shapely.union_all(land.barriers.geometry[land.barriers["kind"] == "rail"].to_numpy())
    near = shapely.area(shapely.intersection(land.blocks.geometry.to_numpy(), shapely.buffer(tracks, 8.0)))
    assert (near < 0.6 * land.blocks["area_m2"].to_numpy()).all()


def test_streets_that_the_extract_cuts_short_still_part_the_land_at_its_edge() -> None:
    """Without their last metres half of central Helsinki is one face that runs round the rest."""
    inputs = read("helsinki")
    faces = draw_faces(
        inputs.communities, build_barriers(inputs.streets, ABOUT_500.land), inputs.estates, ABOUT_500
    ).polygons
    assert shapely.area(faces).max() < 0.3 * shapely.area(faces).sum()


def test_beijings_lake_is_a_block_attached_to_its_park() -> None:
    land = build_blocks(read("beijing"), ABOUT_500)
    water = land.adjacency[land.adjacency["attached"]]
    assert len(water) >= 2
    empty = land.blocks.set_index("block_id")["households"] == 0
    assert all(empty[a] or empty[b] for a, b in zip(water["focal"], water["neighbor"], strict=True))


def test_the_railway_parts_beijing_but_for_the_ways_over_it() -> None:
    inputs = read("beijing")
    ways = inputs.streets.ways
    rail = shapely.union_all(ways.geometry[ways["railway"].isin(["rail", "subway"])].to_numpy())
    shut = ways[~((ways["highway"] != "") & ways.intersects(rail))].assign(bridge="")  # nor any viaduct
    for kept, open_ in ((ways, True), (shut, False)):
        land = build_blocks(replace(inputs, streets=replace(inputs.streets, ways=kept)), ABOUT_500)
        on_rail = land.adjacency[(land.adjacency["barrier"] == "rail") & ~land.adjacency["attached"]]
        assert on_rail["crossable"].any() == open_
