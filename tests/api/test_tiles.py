"""Vector tiles hold what lies in them, and an address stands for one version for good."""

from math import asinh, pi, radians, tan
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.io.plan_folder import write_plan
from spatial.io.vector_tiles import BUFFER, EXTENT, TileAddress, write_tile
from tests.api.live import serving
from tests.api.toy_plan import build_toy_plan

GRIDS = "/collections/grids/tiles/WebMercatorQuad"
CENTRE = (114.303, 30.6027)


def tile_at(zoom: int, lon: float, lat: float) -> TileAddress:
    side = 2**zoom
    return TileAddress(zoom, int((1 - asinh(tan(radians(lat))) / pi) / 2 * side), int((lon + 180) / 360 * side))


def address_of(client: httpx.Client, layer: str, zoom: int) -> str:
    told = client.get(f"/collections/{layer}/tiles/WebMercatorQuad?f=tilejson").json()
    at = tile_at(zoom, *CENTRE)
    return str(told["tiles"][0]).format(z=zoom, y=at.row, x=at.col)


def decode(content: bytes) -> dict[str, Any]:
    return dict(mapbox_vector_tile.decode(content, default_options={"y_coord_down": True}))


def test_a_tile_holds_the_features_with_their_properties(client: httpx.Client) -> None:
    answer = client.get(address_of(client, "grids", 14))
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    layer = decode(answer.content)["grids"]
    assert (layer["version"], layer["extent"]) == (2, EXTENT)
    found = {one["properties"]["id"]: one["properties"] for one in layer["features"]}
    for feature in client.get("/collections/grids/items").json()["features"]:
        told = {name: value for name, value in feature["properties"].items() if value is not None}
        assert found[feature["id"]] == {"id": feature["id"], **{n: pytest.approx(v) for n, v in told.items()}}


@pytest.mark.parametrize(("layer", "kind"), [("sites", "Point"), ("barriers", "LineString"), ("circles", "Polygon")])
def test_points_lines_and_areas_are_told_apart(client: httpx.Client, layer: str, kind: str) -> None:
    features = decode(client.get(address_of(client, layer, 12)).content)[layer]["features"]
    assert {one["geometry"]["type"].removeprefix("Multi") for one in features} == {kind}
    assert len(features) == client.get(f"/collections/{layer}/items").json()["numberMatched"]


def test_an_address_with_a_version_never_changes_and_an_older_one_is_not_found(tmp_path: Path) -> None:
    folder = write_plan(build_toy_plan(), tmp_path / "plan", scorecard=None, violations=None)
    with serving(folder) as at, httpx.Client(base_url=at) as client:
        address = address_of(client, "grids", 14)
        first = client.get(address)
        assert first.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert client.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
        bare = client.get(address.partition("?")[0])
        assert (bare.content, bare.headers["Cache-Control"]) == (first.content, "no-cache")
        write_plan(build_toy_plan(), folder, scorecard={"other": 1}, violations=None)
        assert client.get(address).status_code == 404
        assert client.get(address_of(client, "grids", 14)).content == first.content


def test_where_nothing_lies_there_is_no_content_and_beyond_the_world_nothing(client: httpx.Client) -> None:
    assert client.get(f"{GRIDS}/14/0/0").status_code == 204
    for path in ("14/16384/0", "14/0/-1", "23/0/0", "-1/0/0"):
        assert client.get(f"{GRIDS}/{path}").status_code == 404, path
    assert client.get(f"{GRIDS}/x/0/0").status_code == 400
    assert client.get(f"{GRIDS.replace('Web', 'World')}/0/0/0").status_code == 404
    assert client.get("/collections/rivers/tiles/WebMercatorQuad/0/0/0").status_code == 404


def test_tilesets_and_tilings_lead_to_each_other(client: httpx.Client) -> None:
    assert client.get("/collections/grids").json()["links"]
    listed = client.get("/collections/grids/tiles").json()["tilesets"][0]
    told = client.get(listed["links"][0]["href"]).json()
    assert told["boundingBox"]["lowerLeft"] == [114.3, 30.6]
    tiling = client.get(next(one["href"] for one in told["links"] if one["rel"].endswith("tiling-scheme"))).json()
    assert tiling["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.0287178)  # OGC 17-083r4, annex D
    assert tiling["tileMatrices"][0]["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])
    assert tiling["tileMatrices"][14]["matrixWidth"] == 16384
    item = next(one for one in told["links"] if one["rel"] == "item")
    assert item["templated"] is True
    assert "{tileMatrix}/{tileRow}/{tileCol}?v=" in item["href"]


def test_gdal_reads_a_tile_where_it_lies(client: httpx.Client, tmp_path: Path) -> None:
    at = tile_at(14, *CENTRE)
    path = tmp_path / "tile.mvt"
    path.write_bytes(client.get(address_of(client, "grids", 14)).content)
    read = pyogrio.read_dataframe(path, layer="grids", X=at.col, Y=at.row, Z=at.zoom).to_crs(4326)
    plain = pyogrio.read_dataframe(client.get("/collections/grids/items").content)
    unit = 360 / 2**14 / EXTENT
    seen = shapely.box(*at.bounds(0))  # GDAL cuts at the border itself
    drawn = shapely.intersection(plain.geometry.to_numpy(), seen)
    found = read.set_index("grid_id").geometry.sort_index().to_numpy()
    assert shapely.hausdorff_distance(found, drawn).max() < 1.5 * unit


shapes = st.builds(
    lambda x, y, r, n: shapely.Point(x, y).buffer(r, quad_segs=n),
    st.floats(113.9, 114.7), st.floats(30.2, 31.0), st.floats(1e-6, 0.2), st.integers(1, 8),
)  # fmt: skip


@given(st.lists(st.one_of(shapes, st.builds(lambda a, b: a.difference(b), shapes, shapes)), min_size=1, max_size=4))
def test_a_tile_is_what_an_independent_reader_cuts_itself(areas: list[Any]) -> None:
    tile = tile_at(10, 114.3, 30.6)
    content = write_tile("x", tile, np.array(areas, dtype=object), [str(n) for n in range(len(areas))], {})
    read = decode(content)["x"]["features"] if content else []
    found = {int(one["properties"]["id"]): shapely.geometry.shape(one["geometry"]) for one in read}
    window = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    for n, area in enumerate(areas):
        units = shapely.transform(area, lambda xy: _units(xy, tile)).intersection(window)
        if n not in found:
            assert units.area <= 2 * max(units.length, 1)
            continue
        assert found[n].symmetric_difference(units).area <= units.length + 4
        assert not found[n].is_empty


def _units(lonlat: Any, tile: TileAddress) -> Any:
    """Places in units of a tile, by the formula of the projection in metres."""
    radius, side = 6378137.0, 2 * pi * 6378137.0 / 2**tile.zoom
    x, y = radius * np.radians(lonlat[:, 0]), radius * np.log(np.tan(np.pi / 4 + np.radians(lonlat[:, 1]) / 2))
    left, top = tile.col * side - pi * radius, pi * radius - tile.row * side
    return np.column_stack([(x - left) / side * EXTENT, (top - y) / side * EXTENT])


def test_neighbours_share_their_border_in_a_tile() -> None:
    corner = shapely.Point(114.3, 30.6).buffer(0.05)
    halves = [shapely.intersection(corner, shapely.box(114, 30, 114.31, 31)), None]
    halves[1] = corner.difference(halves[0])
    read = decode(write_tile("x", tile_at(11, 114.3, 30.6), np.array(halves), ["a", "b"], {}))["x"]["features"]
    parts = np.array([shapely.geometry.shape(one["geometry"]) for one in read])
    assert shapely.coverage_is_valid(parts)
