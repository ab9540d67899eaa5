"""Heights from the three kinds of raster file, written here cell by cell."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from spatial.crs import LONLAT, metric_crs
from spatial.errors import CrsError, InputError
from spatial.io.profiles import read_profile
from spatial.io.relief import read_relief
from spatial.walking.elevation import sample_relief
from spatial.walking.network import build_walk_network
from tests.walking.streets import CRS, draw

HEIGHTS = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, -9999.0]])
HEAD = "ncols 3\nnrows 2\nxllcorner 500000\nyllcorner 3380000\ncellsize 100\nNODATA_value -9999\n"


def _ascii(folder: Path, head: str = HEAD) -> Path:
    path = folder / "dem.asc"
    path.write_text(head + "\n".join(" ".join(map(str, row)) for row in HEIGHTS) + "\n")
    return path


def _tiff(folder: Path, values: Any, keys: tuple[int, ...], **tags: Any) -> Path:
    directory = ImageFileDirectory_v2()
    directory[33550] = tags.get("scale", (100.0, 100.0, 0.0))
    directory[33922] = (0.0, 0.0, 0.0, 500000.0, 3380200.0, 0.0)
    directory[34735] = keys
    directory[42113] = "-9999"
    path = folder / "dem.tif"
    Image.fromarray(values).save(path, tiffinfo=directory, compression="tiff_adobe_deflate")
    return path


PROJECTED = (1, 1, 0, 2, 1025, 0, 1, 1, 3072, 0, 1, CRS.to_epsg())


def test_an_ascii_grid_is_read_with_the_middle_of_its_cells(tmp_path: Path) -> None:
    relief = read_relief(_ascii(tmp_path), crs=CRS)
    assert (relief.west, relief.north, relief.step_x, relief.step_m) == (500050.0, 3380150.0, 100.0, 100.0)
    at = np.array([[500050.0, 3380150.0], [500100.0, 3380100.0], [500200.0, 3380100.0]])
    assert sample_relief(relief, at, CRS) == pytest.approx([10.0, 30.0, np.nan], nan_ok=True)


def test_heights_of_no_place_on_land_are_void_also_where_the_file_does_not_say_so(tmp_path: Path) -> None:
    head = HEAD.replace("NODATA_value -9999", "NODATA_value -1")
    heights = read_relief(_ascii(tmp_path, head), crs=CRS).heights
    assert np.isnan(heights).tolist() == [[False, False, False], [False, False, True]]
    tile = np.full((3, 3), 5, dtype=">i2")
    tile[0, 0], tile[1, 1] = 9001, -501
    tile.tofile(tmp_path / "N30E114.hgt")
    assert np.isnan(read_relief(tmp_path / "N30E114.hgt").heights).sum() == 2


def test_an_ascii_grid_may_say_its_system_beside_it(tmp_path: Path) -> None:
    path = _ascii(tmp_path)
    with pytest.raises(CrsError, match="declares no coordinate reference system"):
        read_relief(path)
    path.with_suffix(".prj").write_text(CRS.to_wkt())
    assert read_relief(path).crs == CRS


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_a_geotiff_is_read_as_the_ascii_grid_of_the_same_cells(tmp_path: Path, kind: Any) -> None:
    plain, tiff = read_relief(_ascii(tmp_path), crs=CRS), read_relief(_tiff(tmp_path, HEIGHTS.astype(kind), PROJECTED))
    assert (plain.west, plain.north, plain.step_x, plain.step_y) == (tiff.west, tiff.north, tiff.step_x, tiff.step_y)
    assert tiff.crs == CRS
    np.testing.assert_array_equal(plain.heights, tiff.heights)


def test_a_geotiff_of_points_has_them_at_its_corner(tmp_path: Path) -> None:
    points = (*PROJECTED[:7], 2, *PROJECTED[8:])
    relief = read_relief(_tiff(tmp_path, HEIGHTS.astype(np.float32), points))
    assert (relief.west, relief.north) == (500000.0, 3380200.0)


def test_an_srtm_tile_is_placed_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "S31W052.hgt"
    values = np.arange(25).reshape(5, 5)
    values[0, 0] = -32768
    values.astype(">i2").tofile(path)
    relief = read_relief(path)
    assert (relief.west, relief.north, relief.step_x) == (-52.0, -30.0, 0.25)
    at = np.array([[-51.75, -30.25], [-51.0, -31.0], [-52.0, -30.0]])
    assert sample_relief(relief, at, LONLAT) == pytest.approx([6.0, 24.0, np.nan], nan_ok=True)


def test_a_tile_in_degrees_gives_its_heights_to_a_network_in_metres(tmp_path: Path) -> None:
    """Heights rise 10 m from one row of the tile to the next, about 100 m to the south: a way south climbs 10 %."""
    side = 1101
    tile = np.repeat(10 * np.arange(side)[:, None], side, axis=1).astype(">i2")
    tile.tofile(tmp_path / "N30E114.hgt")
    assert metric_crs(114.3, 30.6) == CRS
    town = draw({"n": (0, 0), "s": (0, -200)}, [("n s", {"highway": "residential"})])
    network = build_walk_network(town, read_profile(), heights=read_relief(tmp_path / "N30E114.hgt"))
    slope = 10 * (side - 1) / 110_860  # a degree of latitude there is 110.86 km long
    assert network.seconds_uv[0] == pytest.approx(200 / 1.1 * np.exp(3.5 * slope), rel=1e-3)
    assert network.report["edges without heights, taken as level"] == 0


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("dem.png", b"x", "needed .asc"),
        ("dem.asc", b"hello", "no ESRI ASCII grid"),
        ("dem.asc", HEAD.encode() + b"1 2 3", "found 3 heights, needed 2 x 3"),
        ("dem.tif", b"hello", "cannot be read"),
        ("N30E114.hgt", b"\x00" * 7, "needed a square tile"),
        ("tile.hgt", b"\x00" * 8, "needed a square tile"),
    ],
)
def test_a_file_that_holds_no_heights_is_refused(tmp_path: Path, name: str, data: bytes, text: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=text):
        read_relief(tmp_path / name, crs=CRS)


def test_a_file_that_is_not_there_and_a_picture_without_a_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_relief(tmp_path / "none.tif")
    Image.fromarray(HEIGHTS.astype(np.float32)).save(tmp_path / "bare.tif")
    with pytest.raises(InputError, match="no place on the ground"):
        read_relief(tmp_path / "bare.tif")
