"""Clients that others wrote read, page, filter and reproject every collection there is: GDAL, OWSLib, and QGIS itself.

The collections are those that a server tells of: whoever adds one has it read here.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features
from pyproj import Transformer

from tests.api.live import serving
from tests.api.stored import store_toy
from tests.store.served import TOY

EPSG = "http://www.opengis.net/def/crs/EPSG/0"
ZONE = 4547
KINDS = ("folder", "stored")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_toy(tmp_path_factory.mktemp("clients") / "plans.gpkg")


@pytest.fixture(scope="module")
def roots(toy_folder: Path, store: Path) -> Iterator[dict[str, str]]:
    """Where the feeds of a plan folder and of a stored plan lie; two features to a page."""
    with serving(toy_folder, store=store, limit_default="2", limit_max="2") as at:
        yield {"folder": at, "stored": f"{at}/plans/{TOY}/feeds"}


@pytest.fixture(scope="module", params=KINDS)
def root(request: pytest.FixtureRequest, roots: dict[str, str]) -> str:
    return roots[request.param]


def _collections(root: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = httpx.get(f"{root}/collections").json()["collections"]
    assert len(told) >= 5
    return told


def _every(root: str, name: str, **asked: str) -> list[dict[str, Any]]:
    """Return all features of a collection, page by page."""
    found: list[dict[str, Any]] = []
    address: str | None = str(httpx.URL(f"{root}/collections/{name}/items", params=asked))
    while address:
        page = httpx.get(address).json()
        assert len(page["features"]) == page["numberReturned"] <= 2
        found += page["features"]
        address = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
    assert len(found) == page["numberMatched"]
    return found


def _middle(features: list[dict[str, Any]]) -> tuple[float, float, float, float] | None:
    """Return a small box about a place of the first feature that has one."""
    shapes = [shapely.geometry.shape(one["geometry"]) for one in features if one["geometry"]]
    if not shapes:
        return None
    x, y = shapely.get_coordinates(shapes[0].representative_point())[0].tolist()
    return x - 1e-5, y - 1e-5, x + 1e-5, y + 1e-5


def _whole_number(features: list[dict[str, Any]]) -> tuple[str, int] | None:
    """Return a property that holds whole numbers, and one of them."""
    for name, value in (features[0]["properties"] if features else {}).items():
        if isinstance(value, int) and not isinstance(value, bool):
            return name, value
    return None


def test_gdal_reads_pages_filters_and_reprojects_every_collection(root: str) -> None:
    there = Transformer.from_crs(4490, ZONE, always_xy=True)
    for name in (one["id"] for one in _collections(root)):
        known = _every(root, name)
        plain = pyogrio.read_dataframe(f"OAPIF:{root}/", layer=name)
        moved = pyogrio.read_dataframe(f"OAPIF:{root}/", layer=name, CRS=f"EPSG:{ZONE}")
        assert len(plain) == len(moved) == len(known), name
        if (box := _middle(known)) is not None:
            xy = shapely.get_coordinates(plain.geometry.to_numpy())
            assert moved.crs.to_epsg() == ZONE
            moved_xy = shapely.get_coordinates(moved.geometry.to_numpy())
            np.testing.assert_allclose(moved_xy, np.column_stack(there.transform(*xy.T)), atol=2e-3, err_msg=name)
            near = pyogrio.read_dataframe(f"OAPIF:{root}/", layer=name, bbox=box)
            meets = shapely.intersects(plain.geometry.to_numpy(), shapely.box(*box))
            assert 1 <= len(near) == meets.sum(), name
        if (asked := _whole_number(known)) is not None:
            column, value = asked
            some = pyogrio.read_dataframe(f"OAPIF:{root}/", layer=name, where=f'"{column}" = {value}')
            assert len(some) == sum(one["properties"][column] == value for one in known), (name, column)


def test_owslib_reads_pages_filters_and_reprojects_every_collection(root: str) -> None:
    feeds = Features(f"{root}/")
    there = Transformer.from_crs(4490, ZONE, always_xy=True)
    assert sorted(feeds.feature_collections()) == sorted(one["id"] for one in _collections(root))
    for one in _collections(root):
        name, known = one["id"], _every(root, one["id"])
        assert set(one["crs"]) >= {f"{EPSG}/{ZONE}", f"{EPSG}/4490"}
        first, second = (feeds.collection_items(name, limit=2, offset=offset) for offset in (0, 2))
        assert first["features"] + second["features"] == known[:4], name
        assert first["numberMatched"] == len(known)
        if known:
            assert feeds.collection_item(name, str(known[0]["id"]))["properties"] == known[0]["properties"]
        if (box := _middle(known)) is not None:
            near = feeds.collection_items(name, bbox=list(box))
            meets = [k["id"] for k in known if _meets(k, box)]
            assert ([f["id"] for f in near["features"]], near["numberMatched"]) == (meets[:2], len(meets)), name
            moved = feeds.collection_items(name, crs=f"{EPSG}/{ZONE}")
            northing, easting = _first_place(moved["features"][0])
            assert there.transform(*_first_place(known[0])) == pytest.approx((easting, northing), abs=2e-3), name
        if (asked := _whole_number(known)) is not None:
            column, value = asked
            assert column in feeds.collection_queryables(name)["properties"]
            some = feeds.collection_items(name, filter=f"{column} = {value}")
            assert some["numberMatched"] == sum(k["properties"][column] == value for k in known), (name, column)


def _meets(feature: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    geometry = feature["geometry"]
    return geometry is not None and shapely.intersects(shapely.geometry.shape(geometry), shapely.box(*box))


def _first_place(feature: dict[str, Any]) -> tuple[float, float]:
    at = feature["geometry"]["coordinates"]
    while not isinstance(at[0], int | float):
        at = at[0]
    return at[0], at[1]


_QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
root, layers, box, file, tables = json.loads(sys.argv[1])
told = {"feeds": {}, "near": {}, "tables": {}}
for name in layers:
    uri = f"url='{root}/' typename='{name}' pagingEnabled='true' pageSize='2'"
    layer = QgsVectorLayer(uri, name, "OAPIF")
    assert layer.isValid(), name
    told["feeds"][name] = sorted(str(one.attribute("id")) if one.fieldNameIndex("id") >= 0 else ""
                                 for one in layer.getFeatures())
    layer = None
layer = QgsVectorLayer(f"url='{root}/' typename='grids' pagingEnabled='true' pageSize='2'", "grids", "OAPIF")
request = QgsFeatureRequest().setFilterRect(QgsRectangle(*box))
told["near"] = sorted(one.attribute("grid_id") for one in layer.getFeatures(request))
layer.setSubsetString('"households" > 400')
told["large"] = sorted(one.attribute("grid_id") for one in layer.getFeatures())
layer = None
for name in tables:
    table = QgsVectorLayer(f"{file}|layername={name}", name, "ogr")
    assert table.isValid(), name
    told["tables"][name] = [table.featureCount(), sum(1 for _ in table.getFeatures()), table.crs().authid()]
    table = None
print("TOLD" + json.dumps(told), flush=True)
application.exitQgis()
"""


def _python_of_qgis() -> Path:
    """Return the Python that knows QGIS: that of the system, to which Debian's python3-qgis belongs."""
    python = Path(os.environ.get("WANGGE_QGIS_PYTHON", "/usr/bin/python3"))
    here = shutil.which(str(python))
    found = here and subprocess.run([here, "-c", "import qgis.core"], capture_output=True, check=False).returncode == 0
    if not found:
        pytest.skip(
            "needs QGIS: `apt-get install --no-install-recommends python3-qgis` (2.6 GB), or WANGGE_QGIS_PYTHON"
        )
    return python


@pytest.mark.parametrize("kind", KINDS)
def test_qgis_reads_pages_and_filters_every_collection_and_opens_the_store(
    roots: dict[str, str], store: Path, kind: str, tmp_path: Path
) -> None:
    python, root = _python_of_qgis(), roots[kind]
    known = {one["id"]: _every(root, one["id"]) for one in _collections(root)}
    box = _middle([one for one in known["grids"] if one["id"] == "g2"])
    shapes = {str(name): shape for name, shape in pyogrio.list_layers(store) if shape is not None}
    told = _ask_qgis(python, tmp_path, [root, list(known), box, str(store), list(shapes)])
    assert {name: len(ids) for name, ids in told["feeds"].items()} == {name: len(one) for name, one in known.items()}
    assert told["near"] == ["g2"]
    assert told["large"] == ["g2", "g3"]
    assert {"grids", "blocks"} <= set(shapes)
    for name, shape in shapes.items():
        count = pyogrio.read_info(store, layer=name)["features"]
        placed = count > 0 or shape != "Unknown"  # QGIS takes an empty layer of any shape for a table without one
        assert told["tables"][name] == [count, count, "EPSG:4326" if placed else ""], name


_QGIS_EDIT = """
import json, sys
from qgis.core import Qgis, QgsApplication, QgsAuthMethodConfig, QgsVectorDataProvider, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
(root,) = json.loads(sys.argv[1])
told = {"version": Qgis.QGIS_VERSION, "saved": None}
uri = f"url='{root}/' typename='grids'"
manager = QgsApplication.authManager()
if "APIHeader" in manager.authMethodsKeys():
    manager.setMasterPassword("of this test", True)
    config = QgsAuthMethodConfig("APIHeader")
    config.setName("any version")
    config.setConfig("If-Match", "*")
    assert manager.storeAuthenticationConfig(config)
    uri += f" authcfg={config.id()}"
layer = QgsVectorLayer(uri, "grids", "OAPIF")
assert layer.isValid()
told["can"] = layer.dataProvider().capabilitiesString()
if layer.dataProvider().capabilities() & QgsVectorDataProvider.ChangeAttributeValues:
    assert layer.startEditing()
    grid = next(one for one in layer.getFeatures() if one.attribute("grid_id") == "g1")
    assert layer.changeAttributeValue(grid.id(), layer.fields().indexOf("name"), "by QGIS")
    told["saved"] = [layer.commitChanges(), layer.commitErrors()]
else:
    told["refused"] = not layer.startEditing()
layer = None
print("TOLD" + json.dumps(told), flush=True)
application.exitQgis()
"""


def test_qgis_edits_the_name_of_a_grid_where_its_provider_writes(tmp_path: Path) -> None:
    python = _python_of_qgis()
    with serving(None, store=store_toy(tmp_path / "plans.gpkg")) as at:
        root = f"{at}/plans/{TOY}/feeds"
        told = _ask_qgis(python, tmp_path, [root], _QGIS_EDIT)
        name = httpx.get(f"{root}/collections/grids/items/g1").json()["properties"]["name"]
    if told["saved"] is None:
        assert (told["refused"], name) == (True, "")
        pytest.skip(f"QGIS {told['version']} only reads OGC API - Features: its provider offers {told['can']!r}")
    assert (told["saved"][0], name) == (True, "by QGIS"), told


def _ask_qgis(python: Path, folder: Path, asked: list[Any], program: str = _QGIS) -> dict[str, Any]:
    """Return what QGIS found, run without a screen and with settings of its own."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment = {**bare, "QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    (folder / "read.py").write_text(program, encoding="utf-8")
    ran = subprocess.run(
        [str(python), str(folder / "read.py"), orjson.dumps(asked).decode()],
        capture_output=True, text=True, env=environment, timeout=120, check=False,
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if line.startswith("TOLD")]
    assert lines, ran.stdout[-2000:] + ran.stderr[-2000:]
    told: dict[str, Any] = orjson.loads(lines[0].removeprefix("TOLD"))
    return told
