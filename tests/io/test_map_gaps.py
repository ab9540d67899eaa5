from typing import Any

import geopandas as gpd
import pytest
import shapely

from spatial.crs import metric_crs
from spatial.io.map_gaps import list_lacking
from spatial.io.streets import empty_streets, read_streets
from spatial.tables import Streets
from tests.real_data import real

CRS = metric_crs(114.3, 30.6)
ALL = [f"the street map holds no {what}" for what in ("water", "railway", "buildings", "footways")]


def _map(ways: list[dict[str, str]], areas: list[dict[str, str]]) -> Streets:
    line, box = shapely.LineString([(0, 0), (9, 0)]), shapely.box(0, 0, 9, 9)
    return Streets(
        ways=gpd.GeoDataFrame(ways, geometry=[line] * len(ways), crs=CRS),
        points=empty_streets(CRS).points,
        areas=gpd.GeoDataFrame(areas, geometry=[box] * len(areas), crs=CRS) if areas else empty_streets(CRS).areas,
        outline=None, crs=CRS, source="a.osm", dropped={},
    )  # fmt: skip


def test_a_map_of_roads_alone_is_told_four_times() -> None:
    listed = list_lacking(_map([{"highway": "residential"}, {"highway": "service", "railway": "abandoned"}], []))
    assert listed["reason"].tolist() == ALL
    assert set(listed["source"]) == {"osm"}
    assert set(listed["action"]) == {"kept"}
    assert (listed["detail"] != "").all()


@pytest.mark.parametrize(
    ("way", "area", "held"),
    [
        ({"waterway": "canal"}, {}, "water"),
        ({"natural": "coastline"}, {}, "water"),
        ({}, {"natural": "water"}, "water"),
        ({}, {"waterway": "riverbank"}, "water"),
        ({"railway": "subway"}, {}, "railway"),
        ({}, {"building": "yes"}, "buildings"),
        ({"highway": "steps"}, {}, "footways"),
    ],
)
def test_what_a_map_holds_is_not_missed(way: dict[str, str], area: dict[str, str], held: str) -> None:
    listed = list_lacking(_map([{"highway": "residential"}, way], [area] if area else []))
    assert listed["reason"].tolist() == [reason for reason in ALL if not reason.endswith(held)]


def test_a_map_without_streets_is_told_elsewhere() -> None:
    assert len(list_lacking(empty_streets(CRS))) == 0


@pytest.mark.parametrize(("file", "lacks"), [("wuhan/streets.parquet", ALL), ("beijing-wudaokou/map.osm.gz", [])])
def test_real_maps_are_told_by_what_they_lack(file: str, lacks: Any) -> None:
    clip = shapely.box(114.29, 30.59, 114.31, 30.61) if file.startswith("wuhan") else None
    reasons = list_lacking(read_streets(real(file), clip=clip))["reason"].tolist()
    assert reasons == lacks
