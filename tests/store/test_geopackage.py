"""The store is a GeoPackage that other programs open: what they read is the last version, and they cannot break it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import orjson
import pyogrio
import pytest
import shapely

from api.store import geopackage
from api.store.editing import Editor
from api.store.embedded import open_connection
from api.store.errors import StoreError
from api.store.store import Store, open_store
from tests.store.served import TOY, edit, move, rename


def _path(store: Store) -> Path:
    return Path(store.database.name)


def test_gdal_reads_every_layer_as_it_is_served(file_store: Store) -> None:
    path = _path(file_store)
    for name, shape in pyogrio.list_layers(path):
        if shape is None:
            continue
        frame = pyogrio.read_dataframe(path, layer=name)
        served = [orjson.loads(feature) for feature in file_store.features(TOY, 1, name).features]
        assert sorted(frame["feature_id"]) == [feature["id"] for feature in served], name
        if served:
            own = frame.set_index("feature_id").geometry.loc[[feature["id"] for feature in served]]
            theirs = shapely.from_geojson([orjson.dumps(feature["geometry"]).decode() for feature in served])
            assert shapely.equals(own.to_numpy(), theirs).all(), name
            assert frame.crs.to_epsg() == 4326


def test_gdal_reads_the_last_version_with_its_columns_and_by_place(file_store: Store) -> None:
    edit(Editor(file_store), 1, move("b2", "g2"), rename("g1", "西片"), {"kind": "lock", "grids": ["g3"]})
    grids = pyogrio.read_dataframe(_path(file_store), layer="grids").set_index("grid_id").sort_index()
    assert grids["households"].to_dict() == {"g1": 200, "g2": 630, "g3": 1500}
    assert grids["name"].to_dict() == {"g1": "西片", "g2": "", "g3": ""}
    assert grids["locked"].tolist() == [False, False, True]
    blocks = pyogrio.read_dataframe(_path(file_store), layer="blocks")
    assert dict(zip(blocks["block_id"], blocks["grid_id"], strict=True)) == {
        "b1": "g1", "b2": "g2", "b3": "g2", "b4": "g3",
    }  # fmt: skip
    west = pyogrio.read_dataframe(_path(file_store), layer="grids", bbox=(114.3, 30.6, 114.301, 30.601))
    assert set(west["grid_id"]) <= {"g1", "g2"}
    assert "g1" in set(west["grid_id"])


def test_tables_that_are_nobodys_business_are_not_listed(file_store: Store) -> None:
    listed = {name for name, _ in pyogrio.list_layers(_path(file_store))}
    assert {"plans", "versions", "grids"} <= listed
    assert not listed & {"tokens", "jobs", "audit", "contents", "drawings", "ground", "meta", "guard"}


def test_the_file_says_that_it_is_a_geopackage(file_store: Store) -> None:
    with closing(sqlite3.connect(_path(file_store))) as plain:
        assert plain.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"GPKG", "big")
        assert plain.execute("PRAGMA user_version").fetchone()[0] == 10300
        assert plain.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM grids",
        "UPDATE blocks SET grid_id = 'g9'",
        "INSERT INTO sites (plan_id, feature_id) VALUES ('a', 'b')",
    ],
)
def test_another_program_cannot_draw_on_a_layer_past_the_versions(file_store: Store, statement: str) -> None:
    refused = pytest.raises(sqlite3.IntegrityError, match="plans are edited through wangge")
    with closing(open_connection(_path(file_store))) as other, refused:
        other.execute(statement)
    assert file_store.check() == []


def test_the_r_tree_follows_every_kind_of_change(tmp_path: Path, toy_file: Path) -> None:
    with closing(open_connection(shutil.copy(toy_file, tmp_path / "copy.gpkg"))) as raw:
        raw.execute("UPDATE guard SET writing = 1")

        def held() -> list[tuple[float, ...]]:
            return raw.execute("SELECT id, minx, maxx, miny, maxy FROM rtree_sites_geom ORDER BY id").fetchall()

        raw.execute("DELETE FROM sites")
        assert held() == []
        blob = geopackage.encode(np.array([shapely.box(1, 2, 3, 5)]))[0]
        raw.execute("INSERT INTO sites (fid, geom) VALUES (1, ?)", [blob])
        assert held() == [(1, 1.0, 3.0, 2.0, 5.0)]
        raw.execute("UPDATE sites SET geom = ?", [geopackage.encode(np.array([shapely.Point(7, 8)]))[0]])
        assert held() == [(1, 7.0, 7.0, 8.0, 8.0)]
        raw.execute("UPDATE sites SET fid = 4")
        assert held() == [(4, 7.0, 7.0, 8.0, 8.0)]
        raw.execute("UPDATE sites SET geom = ?", [geopackage.encode(np.array([shapely.Point()]))[0]])
        assert held() == []
        raw.execute("UPDATE sites SET geom = ?", [blob])
        raw.execute("UPDATE sites SET fid = 5, geom = NULL")
        assert held() == []


def test_geometries_come_back_as_they_went_in() -> None:
    shapes = np.array(
        [
            shapely.Point(114.3, 30.6),
            shapely.box(0, 0, 1, 1),
            None,
            shapely.Polygon(),
            shapely.LineString([(0, 0), (1, 2)]),
        ],
        dtype=object,
    )
    back = geopackage.decode(list(geopackage.encode(shapes)))
    assert back[2] is None
    assert all(shapely.equals_identical(a, b) for a, b in zip(shapes, back, strict=True) if a is not None)


def test_blobs_of_other_programs_are_read_whatever_their_envelope(tmp_path: Path) -> None:
    path = tmp_path / "other.gpkg"
    shape = shapely.box(1, 2, 3, 5)
    pyogrio.write_dataframe(gpd.GeoDataFrame({"a": [1]}, geometry=[shape], crs=4326), path, layer="x")
    with closing(sqlite3.connect(path)) as raw:
        geopackage.register_functions(raw)
        (blob,) = raw.execute("SELECT geom FROM x").fetchone()
        assert shapely.equals(geopackage.decode([blob])[0], shape)
        for bare in (blob, blob[:3] + bytes([blob[3] & ~0b1110]) + blob[4:8] + shapely.to_wkb(shape)):
            sides = raw.execute("SELECT ST_MinX(?1), ST_MaxX(?1), ST_MinY(?1), ST_MaxY(?1), ST_IsEmpty(?1)", [bare])
            assert sides.fetchone() == (1.0, 3.0, 2.0, 5.0, 0)
        assert raw.execute("SELECT ST_IsEmpty(NULL), ST_MinX(NULL)").fetchone() == (None, None)


def test_a_box_across_the_antimeridian_and_one_that_only_its_envelope_meets(file_store: Store) -> None:
    def ids(*box: float) -> list[str]:
        return [orjson.loads(f)["id"] for f in file_store.features(TOY, 1, "blocks", box=box).features]  # type: ignore[arg-type]

    assert ids(170.0, -80.0, 114.301, 80.0) == ["b1", "b3"]
    assert ids(170.0, -80.0, -170.0, 80.0) == []
    # b3 bends away from its envelope's south: a box between the bend and the envelope meets b1 alone.
    assert ids(114.3015, 30.60275, 114.3016, 30.6028) == ["b1"]


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.gpkg"
    pyogrio.write_dataframe(gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=4326), other)
    with pytest.raises(Exception, match="is no store of plans"):
        open_store(other)
    (tmp_path / "text.gpkg").write_text("no database at all" * 100)
    with pytest.raises(Exception, match="file is not a database"):
        open_store(tmp_path / "text.gpkg")


def test_a_store_of_another_format_is_refused(file_store: Store) -> None:
    file_store.close()
    with closing(sqlite3.connect(_path(file_store))) as raw, raw:
        raw.execute("UPDATE meta SET value = '99' WHERE name = 'format_version'")
    with pytest.raises(StoreError, match="has format version 99, needed 5 or an earlier one"):
        open_store(_path(file_store))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE drawings SET feature = replace(feature, '350', '351')", "a grid of content"),
        ("UPDATE contents SET decided = replace(decided, 'false', 'true')", "a grid of content"),
        ("UPDATE contents SET document = replace(document, 'b1', 'b2')", "a grid of content"),
        ("DELETE FROM changes WHERE grid_id = 'g3'", "blocks are in no grid"),
        ("UPDATE served SET feature = replace(feature, '480', '481') WHERE layer = 'blocks'", "no edit changes"),
        ("UPDATE ground SET content = x'00' WHERE part = 'blocks'", "no edit changes"),
        ("UPDATE versions SET digest = 'x'", "not those its digest was made of"),
        ("UPDATE grids SET content = 'x' WHERE feature_id = 'g1'", "the layer of grids is not the last version"),
        ("UPDATE blocks SET grid_id = 'g1'", "the layer of blocks is not the last version"),
        ("DELETE FROM violations", "the layer of violations is not the last version"),
        ("DELETE FROM rtree_blocks_geom WHERE id = 1", "R-tree of blocks"),
        ("UPDATE plans SET head = 2", "found versions [1], needed 1 to 2"),
    ],
)
def test_whatever_is_changed_behind_its_back_is_found_by_the_check(
    file_store: Store, statement: str, says: str
) -> None:
    assert file_store.check() == []
    with closing(open_connection(_path(file_store))) as raw:
        raw.execute("UPDATE guard SET writing = 1")
        assert raw.execute(statement).rowcount != 0
        raw.execute("UPDATE guard SET writing = 0")
    assert any(says in found for found in file_store.check()), file_store.check()
