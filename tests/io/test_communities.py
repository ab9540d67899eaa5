from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from spatial.crs import metric_crs
from spatial.errors import InputError
from spatial.io.communities import build_communities, read_area, read_communities
from spatial.io.features import Features
from tests.real_data import real

CRS = metric_crs(114.3, 30.6)
ORIGIN = {"source": "communities", "path": "a.gpkg"}


def _features(shapes: list[Any], **columns: list[str]) -> Features:
    from spatial.io.listing import join_listed

    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS, index=range(1, len(shapes) + 1))
    return Features(frame, join_listed([]), ORIGIN)


def _box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(5e5 + west, 3.38e6 + south, 5e5 + east, 3.38e6 + north)


def test_land_claimed_twice_goes_to_the_lower_id_and_the_gap_is_told() -> None:
    ring = [_box(0, 0, 100, 40), _box(60, 0, 100, 100), _box(0, 60, 100, 100), _box(0, 0, 30, 100)]
    communities, listed = build_communities(_features(ring, 社区编码=["1", "2", "3", "4"], 社区名称=list("甲乙丙丁")))
    assert communities["community_id"].tolist() == ["1", "2", "3", "4"]
    assert communities.area.round(6).tolist() == [4000, 2400, 2400, 600]
    overlaps = listed[listed["reason"] == "overlaps another community"]
    assert overlaps["detail"].tolist() == [
        "2 and 1: 1,600 m2 given to 1", "4 and 1: 1,200 m2 given to 1", "3 and 2: 1,600 m2 given to 2",
        "4 and 3: 1,200 m2 given to 3",
    ]  # fmt: skip
    gap = listed[listed["reason"] == "gap between communities"].iloc[0]
    assert (gap["row"], gap["action"]) == ("1, 2, 3, 4", "kept")
    assert gap["detail"].startswith("600 m2 at ")


def test_a_community_inside_another_is_dropped_and_told() -> None:
    communities, listed = build_communities(_features([_box(0, 0, 100, 100), _box(10, 10, 20, 20)], code=["1", "2"]))
    assert communities["community_id"].tolist() == ["1"]
    assert listed.loc[listed["action"] == "dropped", "row"].tolist() == ["2 (2)"], "its number in the file, and its id"


def test_rows_of_one_code_are_parts_of_one_community_and_its_total_counts_once() -> None:
    shapes = [_box(0, 0, 10, 10), _box(20, 0, 30, 10), _box(40, 0, 50, 10)]
    communities, listed = build_communities(_features(shapes, code=["1", "1", "2"], 总户数=["900户", "900户", "约500"]))
    assert communities["community_id"].tolist() == ["1", "2"]
    assert communities["households"].tolist() == [900, 500]
    assert communities.area.tolist() == [200, 100]
    assert listed["reason"].tolist() == ["parts of one community", "gap between communities"]


def test_communities_of_several_names_are_kept_apart_though_they_share_a_code() -> None:
    shapes = [_box(0, 0, 10, 10), _box(10, 0, 20, 10), _box(20, 0, 30, 10), _box(30, 0, 40, 10), _box(40, 0, 50, 10)]
    columns = {"社区编码": ["7", "7", "7", "7-1", "8"], "社区名称": ["乙", "甲", "乙", "丙", "丁"]}
    communities, listed = build_communities(_features(shapes, **columns))
    assert communities[["community_id", "name"]].to_numpy().tolist() == [
        ["7-1", "丙"], ["7-2", "乙"], ["7-3", "甲"], ["8", "丁"],
    ]  # fmt: skip
    assert communities.area.tolist() == [100, 200, 100, 100]
    apart = listed[listed["reason"] == "one code for communities of several names"]
    assert apart["detail"].tolist() == ["7-2: 乙", "7-3: 甲", "7-2: 乙"]
    assert set(apart["action"]) == {"guessed"}
    merged = listed[listed["action"] == "merged"]
    assert merged["detail"].tolist() == ["7-2: 2 parts, 2 pieces of land apart"]


def test_a_part_without_a_name_belongs_to_the_one_name_of_its_code() -> None:
    shapes = [_box(0, 0, 10, 10), _box(10, 0, 20, 10)]
    for names in (["", "甲"], ["", ""]):
        communities, listed = build_communities(_features(shapes, 社区编码=["7", "7"], 社区名称=names))
        assert communities[["community_id", "name"]].to_numpy().tolist() == [["7", max(names)]]
        assert listed["detail"].tolist() == ["7: 2 parts"]


def test_an_invalid_outline_keeps_all_its_land() -> None:
    bow = affinity.translate(shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]), 5e5, 3.38e6)
    communities, listed = build_communities(_features([bow]))
    assert communities.area.iloc[0] == pytest.approx(50)
    assert communities.is_valid.all()
    assert listed["detail"].iloc[0] == "Self-intersection; area 0.0 -> 50.0 m2"


def test_a_hole_of_one_community_is_no_gap() -> None:
    _, listed = build_communities(_features([_box(0, 0, 100, 100).difference(_box(40, 40, 60, 60))]))
    assert listed["reason"].tolist() == ["hole in a community"]


def test_an_area_is_one_outline_with_its_name(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["甲区", "乙区"]}, geometry=[_box(0, 0, 10, 10), _box(10, 0, 20, 10)], crs=CRS)
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    area, listed = read_area(tmp_path / "a.gpkg", CRS)
    assert area[["community_id", "name", "proposed"]].iloc[0].tolist() == ["area", "乙区、甲区", True]
    assert area.area.iloc[0] == pytest.approx(200)
    assert listed["action"].tolist() == ["merged"]
    one, _ = read_area(f"{tmp_path / 'a.gpkg'}|layer=a|name=乙区", CRS)
    assert one.area.iloc[0] == pytest.approx(100)
    with pytest.raises(InputError, match="no row named '丙区'"):
        read_area(f"{tmp_path / 'a.gpkg'}|name=丙区", CRS)
    with pytest.raises(InputError, match=r"layer=\.\.\. or name"):
        read_area(f"{tmp_path / 'a.gpkg'}|rows=3", CRS)


def test_a_layer_without_an_area_is_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[shapely.Point(5e5, 3.38e6)], crs=CRS)
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    with pytest.raises(InputError, match=r"found no area in a\.gpkg"):
        read_communities(tmp_path / "a.gpkg", CRS)


_BOX = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 8), st.integers(1, 8))


@settings(max_examples=40, deadline=None)
@given(st.lists(_BOX, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_no_land_is_lost_and_none_is_held_twice_whatever_the_order(boxes: list[Any], random: Any) -> None:
    shapes = [_box(x, y, x + w, y + h) for x, y, w, h in boxes]
    communities, _ = build_communities(_features(shapes))
    assert communities.area.sum() == pytest.approx(shapely.union_all(shapes).area, abs=1e-6)
    random.shuffle(shapes)
    again, _ = build_communities(_features(shapes))
    assert again["community_id"].tolist() == communities["community_id"].tolist()
    assert np.allclose(again.area, communities.area)


def test_the_districts_of_wuhan_keep_their_land_and_show_their_hole() -> None:
    communities, listed = read_communities(real("wuhan/districts.gpkg"), CRS)
    repaired = listed[listed["reason"] == "invalid outline"]
    assert (len(communities), len(repaired)) == (13, 3)
    assert listed.loc[listed["reason"].str.contains("hole|gap"), "detail"].str.startswith("611,42").any()


def test_the_published_blocks_of_wuhan_become_planar() -> None:
    communities, listed = read_communities(real("dirty/wuhan_blocks.gpkg"), CRS)
    lost = (listed["action"] == "dropped").sum()
    assert len(communities) + lost == 3597
    assert abs(communities.area.sum() - shapely.union_all(communities.geometry).area) < 1e-3
    assert (listed["reason"] == "overlaps another community").sum() > 100
    assert (listed["reason"] == "gap between communities").sum() > 50
