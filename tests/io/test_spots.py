"""Heights from tables of places, the sample's own among them."""

from pathlib import Path

import numpy as np
import pytest

import spatial
from spatial.errors import InputError
from spatial.io.spots import read_heights
from spatial.walking.elevation import Relief
from spatial.walking.spots import Spots
from tests.walking.streets import CRS

SAMPLE = Path(spatial.__file__).parents[1] / "data" / "sample"
PLACES = "lon,lat,z_m\n114.30,30.60,12.5\n114.31,30.60,13\n114.30,30.61,-2.5 m\n"


def _write(folder: Path, text: str, name: str = "heights.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_places_gives_their_heights(tmp_path: Path) -> None:
    spots, listed = read_heights(_write(tmp_path, PLACES), CRS)
    assert isinstance(spots, Spots)
    assert sorted(spots.heights.tolist()) == [-2.5, 12.5, 13.0]
    assert spots.crs == CRS
    assert not len(listed)
    chinese, _ = read_heights(_write(tmp_path, PLACES.replace("lon,lat,z_m", "经度,纬度,高程")), CRS)
    assert isinstance(chinese, Spots)
    assert np.array_equal(chinese.xy, spots.xy)


def test_rows_without_a_height_are_listed(tmp_path: Path) -> None:
    spots, listed = read_heights(_write(tmp_path, PLACES + "114.32,30.60,high\n114.33,30.60,\n"), CRS)
    assert isinstance(spots, Spots)
    assert len(spots.heights) == 3
    assert listed["reason"].tolist() == ["height not understood"] * 2
    assert listed["row"].tolist() == ["5", "6"]


def test_heights_of_no_place_on_land_are_listed_and_not_climbed(tmp_path: Path) -> None:
    rows = "114.32,30.60,-9999\n114.33,30.60,-32768\n114.34,30.60,1e30\n"
    spots, listed = read_heights(_write(tmp_path, PLACES + rows), CRS)
    assert isinstance(spots, Spots)
    assert sorted(spots.heights.tolist()) == [-2.5, 12.5, 13.0]
    assert listed["reason"].tolist() == ["height of no place on land"] * 3
    assert listed["detail"].tolist() == ["-9999", "-32768", "1e30"]


def test_a_grid_that_is_called_text_is_still_a_raster(tmp_path: Path) -> None:
    grid = "ncols 2\nnrows 2\nxllcorner 500000\nyllcorner 3380000\ncellsize 100\n1 2\n3 4\n"
    path = _write(tmp_path, grid, "dem.txt")
    path.with_suffix(".prj").write_text(CRS.to_wkt())
    assert isinstance(read_heights(path, CRS)[0], Relief)


def test_a_table_without_heights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"heights\.csv has the columns .*; needed one of heights, such as z_m"):
        read_heights(_write(tmp_path, PLACES.replace("z_m", "colour")), CRS)
    with pytest.raises(InputError, match="has no height in any of its 1 rows"):
        read_heights(_write(tmp_path, "lon,lat,z_m\n114.3,30.6,?\n"), CRS)


def test_walks_of_the_sample_take_its_heights() -> None:
    profile = spatial.read_profile()
    streets = SAMPLE / "streets.osm.pbf"
    level = spatial.read_walk_network(streets, profile, cache=False)
    heights, listed = read_heights(SAMPLE / "elevation.csv", level.crs)
    hilly = spatial.read_walk_network(streets, profile, heights=heights, cache=False)
    assert not len(listed)
    assert hilly.report["edges without heights, taken as level"] < 0.02 * hilly.edge_count
    walked = np.isfinite(level.seconds_uv) & np.isfinite(level.seconds_vu) & (level.length_m > 1)
    ratio = (hilly.seconds_uv + hilly.seconds_vu)[walked] / (level.seconds_uv + level.seconds_vu)[walked]
    assert ratio.max() > 1.001
    assert np.array_equal(hilly.length_m, level.length_m)
