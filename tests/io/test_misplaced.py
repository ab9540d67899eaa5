"""A register in other coordinates than was said is noticed by trying the others; a sound one is left in peace."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from spatial.crs import LONLAT, CoordType, metric_crs, shift, transform_geometry
from spatial.errors import CrsError, InputError
from spatial.io.district import MISPLACED, read_inputs
from spatial.io.listing import say_doubts
from spatial.io.misplaced import judge_coordinates, tell_doubt
from spatial.io.sources import Sources
from spatial.io.systems import to_metric

WEST, SOUTH, EAST, NORTH = 108.69, 34.33, 108.71, 34.345
CRS = metric_crs(108.7, 34.34)
LAND = transform_geometry(shapely.box(WEST, SOUTH, EAST, NORTH), LONLAT, CRS)
INSIDE = np.array([(x, y) for x in np.linspace(108.691, 108.709, 7) for y in np.linspace(34.331, 34.344, 5)])


def _read_as(lonlat: Any, said: CoordType) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Return numbers of a file in metres, taken for coordinates of a kind, and what is told of the file."""
    frame = gpd.GeoDataFrame(geometry=shapely.points(lonlat), crs=LONLAT)
    return to_metric(frame, CRS, said), {"crs": "EPSG:4326", "coords": said}


def _given(lonlat: Any, said: CoordType) -> tuple[Any, Any, str, Any]:
    frame, origin = _read_as(lonlat, said)
    return frame, LAND, "estates", origin


def tell_misplaced(frame: Any, land: Any, source: str, origin: Any, *, margin_m: float = 0.0) -> str:
    doubt = judge_coordinates(frame, land, source, origin, margin_m=margin_m)
    return "" if doubt is None else tell_doubt(doubt, source)


@pytest.mark.parametrize(
    ("true", "said", "fits"),
    [
        ("gcj02", "wgs84", "gcj02"),
        ("gcj02", "cgcs2000", "gcj02"),
        ("bd09", "wgs84", "bd09"),
        ("bd09", "gcj02", "bd09"),
        ("wgs84", "gcj02", "wgs84"),
        ("cgcs2000", "bd09", "wgs84"),
        ("gcj02", "bd09", "gcj02"),
    ],
)
def test_rows_in_another_kind_than_was_said_are_told_with_the_kind_that_fits(
    true: CoordType, said: CoordType, fits: str
) -> None:
    frame, origin = _read_as(shift(INSIDE, true), said)
    lost = 35 - int(shapely.intersects(LAND, frame.geometry.to_numpy()).sum())
    assert lost >= 3, "else the case shows nothing"
    hint = tell_misplaced(frame, LAND, "estates", origin)
    assert hint.startswith(f"{lost} of 35 rows lie ")
    assert hint.endswith(
        f"m off the area; read as {fits}, not {said}, 35 would lie inside: is --coords estates={fits} right?"
    )


@pytest.mark.parametrize("said", ["wgs84", "cgcs2000"])
def test_a_register_that_fits_as_it_is_said_brings_no_hint(said: CoordType) -> None:
    assert tell_misplaced(*_given(INSIDE, said)) == ""


def test_rows_just_over_one_border_bring_no_hint_where_each_shift_would_lose_others() -> None:
    beyond = np.array([(108.695, 34.3455), (108.700, 34.3455), (108.705, 34.3455), (108.7101, 34.340)])
    assert tell_misplaced(*_given(np.vstack([INSIDE, beyond]), "wgs84")) == ""


def test_a_register_of_the_whole_city_brings_no_hint_whatever_it_is_read_as() -> None:
    city = np.array([(x, y) for x in np.linspace(108.6, 108.8, 60) for y in np.linspace(34.25, 34.43, 60)])
    for true in ("wgs84", "gcj02", "bd09"):
        assert tell_misplaced(*_given(shift(city, true), "wgs84")) == ""


def test_one_or_two_lost_rows_are_too_few_to_doubt_what_was_said() -> None:
    lonlat = np.array([[108.7, 34.337]] * 6 + [[108.6905, 34.3305]] * 2)
    frame, origin = _read_as(lonlat, "gcj02")
    assert int((~shapely.intersects(LAND, frame.geometry.to_numpy())).sum()) == 2, "else the case shows nothing"
    assert tell_misplaced(frame, LAND, "estates", origin) == ""


def test_swapped_longitudes_and_latitudes_are_told() -> None:
    """Only where both may be latitudes: others are turned, or refused, when they are read."""
    urumqi = np.array([(87.60 + k / 1000, 43.80) for k in range(5)])
    crs = metric_crs(87.6, 43.8)
    land = shapely.buffer(transform_geometry(shapely.Point(87.602, 43.80), LONLAT, crs), 1000.0)
    frame = to_metric(gpd.GeoDataFrame(geometry=shapely.points(urumqi[:, ::-1]), crs=LONLAT), crs)
    hint = tell_misplaced(frame, land, "pois", {"crs": "EPSG:4326", "coords": "wgs84"})
    assert hint.startswith("5 of 5 rows lie ")
    assert hint.endswith("km off the area; with longitude and latitude swapped 5 would lie inside: is the file so?")


def test_files_in_metres_or_of_several_kinds_are_not_guessed_at() -> None:
    frame, origin = _read_as(shift(INSIDE, "bd09"), "wgs84")
    assert tell_misplaced(frame, LAND, "current", [origin, origin]) != ""
    assert tell_misplaced(frame, LAND, "current", [origin, {**origin, "coords": "gcj02"}]) == ""
    assert tell_misplaced(frame, LAND, "current", {"crs": "EPSG:4545", "coords": "wgs84"}) == ""
    assert tell_misplaced(frame, LAND, "current", {"path": "empty.csv"}) == ""


def test_a_margin_about_the_area_is_allowed_for() -> None:
    frame, origin = _read_as(shift(INSIDE, "bd09"), "wgs84")
    assert tell_misplaced(frame, LAND, "gates", origin, margin_m=1500.0) == "", "all lie within the margin as they are"
    assert "--coords gates=bd09" in tell_misplaced(frame, LAND, "gates", origin, margin_m=100.0)


def _files(folder: Path, lonlat: Any) -> Sources:
    area = gpd.GeoDataFrame({"name": ["甲区"]}, geometry=[shapely.box(WEST, SOUTH, EAST, NORTH)], crs=4490)
    pyogrio.write_dataframe(area, folder / "area.gpkg")
    rows = "".join(f"小区{n},100,{lon:.6f},{lat:.6f}\n" for n, (lon, lat) in enumerate(lonlat))
    (folder / "小区.csv").write_text(f"小区名称,总户数,经度,纬度\n{rows}", encoding="utf-8")
    return Sources(area=folder / "area.gpkg", estates=folder / "小区.csv")


@pytest.mark.parametrize("kind", ["gcj02", "bd09"])
def test_a_register_that_fits_the_area_in_its_own_kind_alone_is_refused_with_the_option_to_say(
    tmp_path: Path, kind: CoordType
) -> None:
    sources = _files(tmp_path, shift(INSIDE, kind))
    with pytest.raises(
        CrsError, match=rf"小区\.csv.*read as {kind}, not wgs84, 35 would .*say --coords estates={kind}, or"
    ):
        read_inputs(sources)
    inputs = read_inputs(replace(sources, coords=f"estates={kind}"))
    assert len(inputs.estates) == 35
    assert MISPLACED not in set(inputs.listed["reason"])


def test_who_names_the_kind_of_one_input_is_believed_and_the_doubt_is_listed(tmp_path: Path) -> None:
    inputs = read_inputs(replace(_files(tmp_path, shift(INSIDE, "bd09")), coords="estates=wgs84"))
    told = inputs.listed[inputs.listed["reason"] == MISPLACED]
    assert told[["source", "row", "action"]].to_numpy().tolist() == [["estates", "all", "kept"]]
    assert "--coords estates=bd09" in told["detail"].iloc[0]
    dropped = inputs.listed["reason"] == "outside the area"
    assert told["detail"].iloc[0].startswith(f"{int(dropped.sum())} of 35 rows lie ")


def test_what_fits_better_by_a_few_rows_of_many_is_doubted_and_not_refused(tmp_path: Path) -> None:
    middle = np.array([(x, y) for x in np.linspace(108.699, 108.704, 12) for y in np.linspace(34.336, 34.341, 10)])
    edge = np.array([(108.6905, y) for y in np.linspace(34.3315, 34.334, 4)])
    sources = _files(tmp_path, np.vstack([middle, edge - (0.003, 0.0)]))
    inputs = read_inputs(replace(sources, coords="gcj02"))
    told = inputs.listed[inputs.listed["reason"] == MISPLACED]
    assert len(told) == 0, "no other kind brings them in"
    lonlat = np.vstack([middle, edge])
    inputs = read_inputs(replace(_files(tmp_path, lonlat), coords="gcj02"))
    told = inputs.listed[inputs.listed["reason"] == MISPLACED]
    assert told["detail"].iloc[0].startswith("4 of 124 rows lie ")
    assert say_doubts(inputs.listed.to_dict("records")) == [
        f"estates: rows may be in other coordinates than was said ({told['detail'].iloc[0]})"
    ]


def test_where_all_rows_lie_elsewhere_the_refusal_says_how_far_and_what_would_fit(tmp_path: Path) -> None:
    corner = np.array([(108.6905, 34.3305), (108.6910, 34.3306), (108.6908, 34.3308)])
    sources = _files(tmp_path, corner)
    with pytest.raises(InputError, match=r"none of 3 rows of 小区\.csv lies in the area; 3 of 3 .*estates=wgs84 right"):
        read_inputs(Sources(area=sources.area, estates=sources.estates, coords="bd09"))
    sources = _files(tmp_path, INSIDE + 0.5)
    with pytest.raises(InputError, match=r"they lie 7\d\.\d km off: are --coords and --crs right"):
        read_inputs(sources)
