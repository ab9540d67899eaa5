"""Homes keep clear of streets in their own kind of coordinates alone; gates and places anywhere prove nothing."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.crs import LONLAT, CoordType, metric_crs, shift, transform_xy, unshift
from spatial.errors import CrsError
from spatial.io.clearance import Clearance, measure_clearance, take_some
from spatial.io.district import MISPLACED, read_inputs
from spatial.io.sources import Sources
from spatial.tables import Streets
from tests.real_data import real

LON, LAT = 114.3, 30.6
CRS = metric_crs(LON, LAT)
ORIGIN = transform_xy(np.array([[LON, LAT]]), LONLAT, CRS)[0]
KINDS: tuple[CoordType, ...] = ("wgs84", "gcj02", "bd09")
EDGES = np.random.default_rng(0).uniform(70.0, 150.0, (2, 60)).cumsum(axis=1)


def _streets(kind: str = "residential") -> Streets:
    """A town of blocks 70 to 150 m wide, and as deep."""
    east, north = EDGES[:, -1]
    lines = [shapely.LineString([(x, 0), (x, north)]) for x in EDGES[0]]
    lines += [shapely.LineString([(0, y), (east, y)]) for y in EDGES[1]]
    placed = shapely.transform(np.array(lines), lambda xy: xy + ORIGIN)
    ways = gpd.GeoDataFrame({"highway": [kind] * len(lines)}, geometry=placed, crs=CRS)
    return Streets(ways, ways.iloc[:0], ways.iloc[:0], None, CRS, "made", {})


def _tries(xy: Any, true: CoordType, said: CoordType) -> dict[str, Any]:
    """What each kind makes of the numbers in a file of places in their true kind."""
    given = shift(transform_xy(xy, CRS, LONLAT), true)
    tries: dict[str, Any] = {kind: transform_xy(unshift(given, kind), LONLAT, CRS) for kind in KINDS}
    assert said in tries
    return tries


def _places(rng: Any, low: float, high: float, count: int = 400) -> Any:
    """Places in blocks of the town's middle, within a share of their width and depth."""
    block = rng.integers(15, 45, (count, 2))
    axis = np.array([0, 1])
    return ORIGIN + EDGES[axis, block] + rng.uniform(low, high, (count, 2)) * np.diff(EDGES)[axis, block]


def _homes(rng: Any) -> Any:
    return _places(rng, 0.25, 0.75)


@pytest.mark.parametrize("true", ["gcj02", "bd09"])
def test_homes_read_as_wgs84_are_told_by_the_kind_that_takes_them_off_the_streets(true: CoordType) -> None:
    found = measure_clearance(_tries(_homes(np.random.default_rng(1)), true, "wgs84"), "wgs84", _streets())
    assert found is not None
    assert found.kind == true
    assert found.errors > 8
    assert found.rows == 400


def test_homes_in_the_kind_that_was_said_confirm_it() -> None:
    found = measure_clearance(_tries(_homes(np.random.default_rng(2)), "wgs84", "wgs84"), "wgs84", _streets())
    assert found is not None
    assert found.kind == "wgs84"


def test_places_on_the_streets_themselves_prove_no_other_kind() -> None:
    rng = np.random.default_rng(3)
    gates = _places(rng, 0.0, 1.0)
    block = rng.integers(15, 45, len(gates))
    gates[:, 0] = ORIGIN[0] + EDGES[0, block]
    assert measure_clearance(_tries(gates, "wgs84", "wgs84"), "wgs84", _streets()) is None


@pytest.mark.parametrize("seed", range(10))
def test_places_thrown_anywhere_prove_nothing(seed: int) -> None:
    anywhere = _places(np.random.default_rng(seed), 0.0, 1.0)
    found = measure_clearance(_tries(anywhere, "wgs84", "wgs84"), "wgs84", _streets())
    assert found is None or found.errors < 2.5


def test_paths_and_too_few_places_and_places_far_from_streets_prove_nothing() -> None:
    homes = _homes(np.random.default_rng(4))
    assert measure_clearance(_tries(homes, "bd09", "wgs84"), "wgs84", _streets("footway")) is None
    assert measure_clearance(_tries(homes[:30], "bd09", "wgs84"), "wgs84", _streets()) is None
    assert measure_clearance(_tries(homes + 50_000.0, "bd09", "wgs84"), "wgs84", _streets()) is None


def test_what_is_taken_of_many_places_does_not_depend_on_their_order() -> None:
    xy = np.random.default_rng(5).uniform(0, 1e4, (20_000, 2))
    some = take_some(xy)
    assert 4000 <= len(some) <= 5000
    np.testing.assert_array_equal(some, take_some(xy[::-1]))
    assert isinstance(measure_clearance({"wgs84": some, "gcj02": some}, "wgs84", _streets()), Clearance | None)


def _wuhan(folder: Path, kind: CoordType) -> Sources:
    """Return the whole city's estates in a kind of coordinates, for one district: most lie outside in any kind."""
    estates = pd.read_csv(real("wuhan/estates.csv"))
    estates[["lon", "lat"]] = shift(estates[["lon", "lat"]].to_numpy(), kind)
    estates.to_csv(folder / "estates.csv", index=False)
    area = f"{real('wuhan/districts.gpkg')}|name=江岸区"
    return Sources(area=area, osm=real("wuhan/streets.parquet"), estates=folder / "estates.csv")


@pytest.mark.parametrize("kind", ["gcj02", "bd09"])
def test_the_estates_of_a_whole_real_city_are_refused_in_another_kind(tmp_path: Path, kind: CoordType) -> None:
    with pytest.raises(CrsError, match=rf"as {kind} they keep clear of them .*say --coords estates={kind}, or"):
        read_inputs(_wuhan(tmp_path, kind))


def test_the_estates_of_a_whole_real_city_are_taken_as_they_are(tmp_path: Path) -> None:
    inputs = read_inputs(_wuhan(tmp_path, "wgs84"))
    assert len(inputs.estates) == 758
    assert MISPLACED not in set(inputs.listed["reason"])


def test_a_real_register_in_bd09_is_refused_as_wgs84_and_taken_as_what_it_is() -> None:
    area, osm = f"{real('wuhan/districts.gpkg')}|name=江岸区", real("wuhan/streets.parquet")
    sources = Sources(area=area, osm=osm, estates=real("dirty/estates_bd09_gbk.csv"))
    with pytest.raises(CrsError, match=r"as bd09 they keep clear of them .*say --coords estates=bd09, or"):
        read_inputs(sources)


def test_estates_about_futian_bring_no_doubt() -> None:
    inputs = read_inputs(Sources(osm=real("futian/walk.graphml"), estates=real("futian/estates.csv")))
    assert MISPLACED not in set(inputs.listed["reason"])
