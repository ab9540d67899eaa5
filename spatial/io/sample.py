"""How is a made district written, so that it comes in as a planner's files do?

Everything is WGS 84 with seven decimals. The same seed gives the same bytes of every text file and of the street map,
and of the GeoPackages and the workbook as far as the version of the libraries is the same.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio

from spatial.crs import LONLAT, LONLAT_DECIMALS, to_lonlat, transform_xy
from spatial.errors import InputError
from spatial.io.atomic import replace_folder
from spatial.io.geojson import to_feature_collection, to_served
from spatial.io.sample_register import write_register
from spatial.io.sample_streets import write_streets
from spatial.sample.district import District, make_district

STREETS, REGISTER, TRUTH, DOCUMENT = "streets.osm.pbf", "小区名录.xlsx", "truth.json", "district.toml"
_GPKG_DATE = "2000-01-01T00:00:00.000Z"
"""Written into GeoPackages in place of the clock."""
_ESTATE_COLUMNS = {
    "name": "小区名称",
    "households": "总户数",
    "access": "封闭/开放",
    "company": "物业公司",
    "buildings": "楼栋数",
}
_ACCESS = {"gated": "封闭", "open": "开放"}

_DOCUMENT = """\
# An invented district: every street, estate, name and number here is made from seed {seed}. No such place exists.
# wangge plan <this folder> --out plan/
name = "样例区（虚构）"
profile = "about_500"
coords = "wgs84"
attribution = ""
communities = "communities.gpkg"
osm = "streets.osm.pbf"
estates = "estates.gpkg"
buildings = "buildings.gpkg"
gates = "gates.geojson"
candidates = "candidates.geojson"
existing = "existing.geojson"
current = "current.gpkg"
pois = "pois.csv"

# Not read by a plan: 小区名录.xlsx (the estates as a register of points, as offices keep it), elevation.csv (heights in
# metres: `wangge walk --heights` reads them), truth.json (what is known of the district: walls, gates, borders,
# crossings, totals).
"""


def write_sample(folder: str | Path, *, seed: int = 1, communities: int = 6) -> Path:
    """Make a district and write it as a folder that ``wangge plan`` takes; return the folder.

    The folder appears whole or not at all. One that holds an earlier sample is replaced.

    Raises
    ------
    InputError
        If the folder holds something else than a sample, or the number of communities is outside 4 to 400.
    """
    target = Path(folder)
    _refuse_other(target)
    district = make_district(rng=np.random.default_rng(seed), communities=communities)
    replace_folder(target, lambda empty: _write_files(district, empty, seed))
    return target


def _refuse_other(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; needed a folder for the sample district")
    if folder.is_dir() and any(folder.iterdir()) and not is_sample(folder):
        raise InputError(
            f"{folder} is not empty and holds no sample district; needed a new, an empty or a sample folder"
        )


def is_sample(folder: Path) -> bool:
    """Tell whether a folder was written by ``write_sample``."""
    return (folder / TRUTH).is_file() and (folder / DOCUMENT).is_file() and (folder / STREETS).is_file()


def _write_files(district: District, folder: Path, seed: int) -> None:
    write_streets(district.streets, folder / STREETS)
    _write_packages(district, folder)
    for name in ("gates", "candidates", "existing"):
        frame = getattr(district, name)
        served = to_served(frame.drop(columns="proposed", errors="ignore"), ids=frame.iloc[:, 0].tolist())
        (folder / f"{name}.geojson").write_bytes(to_feature_collection(served))
    write_register(district.estates, folder / REGISTER)
    _write_pois(district.pois, folder / "pois.csv")
    _write_relief(district.relief, district.crs, folder / "elevation.csv")
    truth = {"seed": seed, "centre": list(district.centre), **district.truth}
    (folder / TRUTH).write_text(_to_json(truth), encoding="utf-8")
    (folder / DOCUMENT).write_text(_DOCUMENT.format(seed=seed), encoding="utf-8")


# -- GeoPackages ----------------------------------------------------------------------------------------------------


def _write_packages(district: District, folder: Path) -> None:
    estates = district.estates.drop(columns=["kind", "estimated"])
    estates = estates.assign(access=estates["access"].map(_ACCESS)).rename(columns=_ESTATE_COLUMNS)
    communities = district.communities[["code", "name", "households", "geometry"]]
    buildings = district.buildings.drop(columns="estimated").rename(columns={"estate_id": "estate"})
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _GPKG_DATE})
    try:
        _write_package(communities, folder / "communities.gpkg")
        _write_package(estates, folder / "estates.gpkg")
        _write_package(buildings, folder / "buildings.gpkg")
        _write_package(district.current, folder / "current.gpkg")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _write_package(frame: Any, path: Path) -> None:
    served = gpd.GeoDataFrame(
        frame.drop(columns="geometry"), geometry=to_lonlat(frame.geometry.to_numpy(), frame.crs), crs=LONLAT
    )
    pyogrio.write_dataframe(served, path, layer=path.stem, driver="GPKG")


# -- text -----------------------------------------------------------------------------------------------------------


def _write_pois(pois: Any, path: Path) -> None:
    lonlat = _to_lonlat(np.column_stack([pois.geometry.x, pois.geometry.y]), pois.crs)
    table = pois[["poi_id", "name", "kind"]].assign(lon=lonlat[:, 0], lat=lonlat[:, 1])
    table.to_csv(path, index=False, float_format=f"%.{LONLAT_DECIMALS}f", lineterminator="\n")


def _write_relief(relief: Any, crs: Any, path: Path) -> None:
    lonlat = _to_lonlat(relief[["x", "y"]].to_numpy(), crs)
    rows = (f"{x:.6f},{y:.6f},{z:.1f}\n" for x, y, z in zip(*lonlat.T, relief["z"], strict=True))
    path.write_text("lon,lat,z_m\n" + "".join(rows), encoding="utf-8")


def _to_lonlat(xy: Any, crs: Any) -> Any:
    return transform_xy(xy, crs, LONLAT)


def _to_json(truth: Mapping[str, Any]) -> str:
    """Return JSON with one line per entry of the tables in it."""
    parts = [f"{json.dumps(key)}: {_to_lines(value)}" for key, value in truth.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _to_lines(value: Any) -> str:
    if isinstance(value, Mapping) and value and isinstance(next(iter(value.values())), Mapping | list):
        rows = [f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n}"
    return json.dumps(value, ensure_ascii=False)
