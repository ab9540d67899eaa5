"""How fast are 20,000 grids served, against orjson alone, and a tile against the encoder that others use?

Run ``python -m tests.bench.bench_feeds``. Every figure is CPU time of this process, the least of some repeats.
``floor`` writes the same features with ``orjson`` around ``shapely.to_geojson`` and nothing else: no counts,
links or filter. Requests go through the whole application but for the socket; what is asked
for is not compressed unless that is said. Features are kept as they are sent, so a plain page is below the floor; pages
in another system are written anew.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from math import asinh, pi, radians, tan
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.middleware import Middleware

from api import feeds
from api.compression import compress_answers
from api.layers import LoadedLayer, build_layer
from api.query import ItemsQuery
from api.routes.amap import amap_router
from api.routes.downloads import downloads_router
from api.routes.features import features_router
from api.routes.locate import locate_router
from api.settings import Settings
from api.snapshot import PlanFeeds
from api.tiles import draw_tile
from spatial.crs import CRS84
from spatial.io.exports import MEDIA_TYPES
from spatial.io.plan_folder import write_plan
from spatial.io.plan_layers import LAYERS
from spatial.io.vector_tiles import TileAddress
from spatial.plan.locate import build_locator, locate_rows
from tests.api.toy_plan import build_toy_plan

_SIDE = 142  # 142 x 142 are 20,164 grids
_WEST, _SOUTH, _DEGREES = 114.0, 30.4, 0.6
_REPEATS = 5
_AIM = 2.0
_POINTS = 1_000_000
_ZOOM = 11


def build_grids() -> LoadedLayer:
    """Return a mosaic of grids with 32 vertices each, their borders shared."""
    step = _DEGREES / _SIDE
    rng = np.random.default_rng(1)
    features = []
    for n in range(_SIDE * _SIDE):
        west, south = _WEST + n % _SIDE * step, _SOUTH + n // _SIDE * step
        square = shapely.segmentize(shapely.box(west, south, west + step, south + step), step / 8 * 1.001)
        ring = np.round(_bend(shapely.get_coordinates(square)), 7).tolist()
        told = {
            "grid_id": f"g{n:05d}", "code": f"420102-{n // 100:03d}-{n % 100:02d}", "community_id": f"c{n // 9:04d}",
            "households": int(rng.integers(300, 700)), "blocks": 7, "area_m2": round(rng.uniform(5e4, 3e5), 3),
            "status": "in_band", "oversize": False, "explanation": "",
        }  # fmt: skip
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "id": told["grid_id"], "geometry": geometry, "properties": told})
    return build_layer(LAYERS["grids"], features)


def _bend(xy: Any) -> Any:
    return xy + 0.0005 * np.sin(xy[:, ::-1] * 900)


WHOLE = ItemsQuery(1_000_000, True, 0, None, CRS84, CRS84, None, CRS84)


def floor(layer: LoadedLayer, rows: list[dict[str, Any]]) -> bytes:
    """Write all features with orjson alone."""
    texts = shapely.to_geojson(layer.geometry)
    features = [
        {"type": "Feature", "id": key, "geometry": orjson.Fragment(text), "properties": told}
        for key, text, told in zip(layer.ids, texts, rows, strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def seconds(run: Callable[[], Any]) -> float:
    """Return the least CPU seconds of some runs."""
    least = float("inf")
    for _ in range(_REPEATS):
        began = time.process_time()
        run()
        least = min(least, time.process_time() - began)
    return least


def client_of(layer: LoadedLayer, folder: Path) -> TestClient:
    """Return a client of an application whose grids are these, and nothing else of the server."""
    report = write_plan(build_toy_plan(), folder, scorecard=None, violations=None) / "report.json"
    served = PlanFeeds("bench", orjson.loads(report.read_bytes()), {"grids": layer})
    settings = Settings(limit_max=1_000_000, limit_default=1000)
    app = FastAPI(middleware=[Middleware(compress_answers)])
    for build_router in (features_router, downloads_router, amap_router, locate_router):
        app.include_router(build_router(lambda request: served, settings))
    return TestClient(app)


def tile_at(zoom: int, lon: float, lat: float) -> TileAddress:
    """Return the tile in which a place lies."""
    share = (1 - asinh(tan(radians(lat))) / pi) / 2
    return TileAddress(zoom, int(share * 2**zoom), int((lon + 180) / 360 * 2**zoom))


def peer_tile(layer: LoadedLayer, tile: TileAddress) -> Callable[[], bytes] | None:
    """Return what draws a tile with mapbox-vector-tile, from the same features."""
    try:
        import mapbox_vector_tile
    except ImportError:
        return None
    rows = layer.find(tile.bounds())
    west, south, east, north = tile.bounds(0)

    def draw() -> bytes:
        features = [
            {"geometry": layer.geometry[row], "properties": {name: c.values[row] for name, c in layer.columns.items()}}
            for row in rows.tolist()
        ]
        told = {"name": layer.name, "features": features}
        return bytes(mapbox_vector_tile.encode(told, default_options={"quantize_bounds": (west, south, east, north)}))

    return draw


def main() -> None:
    """Print the figures."""
    layer = build_grids()
    rows = [orjson.loads(feature)["properties"] for feature in layer.features]
    bare = seconds(lambda: floor(layer, rows))
    print(f"{len(layer.features):,} grids of {len(shapely.get_coordinates(layer.geometry)) // len(rows)} vertices")
    print(f"floor: orjson around to_geojson      {bare * 1e3:8.1f} ms")
    with tempfile.TemporaryDirectory() as folder, client_of(layer, Path(folder) / "plan") as client:

        def ask(path: str, **headers: str) -> Any:
            answer = client.get(path, headers={"Accept-Encoding": "identity", **headers})
            assert answer.status_code == 200, answer.text
            return answer

        items = "/collections/grids/items"
        box = "bbox=114.2,30.6,114.335,30.725"
        whole = seconds(lambda: ask(f"{items}?limit=1000000"))
        told = f"{whole / bare:5.2f} of the floor (aim {_AIM:g})"
        print(f"{'all, one page':36} {whole * 1e3:8.1f} ms  {told}")
        joined = seconds(lambda: orjson.dumps({"features": [orjson.Fragment(one) for one in layer.features]}))
        print(f"{'orjson joining bytes that are there':36} {joined * 1e3:8.1f} ms  all is {whole / joined:.2f} of it")
        page = seconds(lambda: feeds.items(layer, WHOLE, {}, ""))
        print(f"{'all, but for what carries it':36} {page * 1e3:8.1f} ms  {page / joined:5.2f} of it (aim {_AIM:g})")
        for name, path in {
            "all, in the zone, north before east": f"{items}?limit=1000000&crs=EPSG:4547",
            "all, one after the other": f"{items}?f=jsonseq",
            "all, in GCJ-02": "/feeds/amap/grids/items?limit=1000000",
            f"a box of {ask(f'{items}?{box}').json()['numberReturned']}": f"{items}?{box}",
            "the same with a filter": f"{items}?{box}&filter=households%20%3E%20500",
            "one grid": f"{items}/g00777",
            **{f"download as {ending}": f"/downloads/grids.{ending}" for ending in MEDIA_TYPES},
        }.items():
            took = seconds(lambda path=path: ask(path))
            print(f"{name:36} {took * 1e3:8.1f} ms  {took / bare:5.2f}")
        for codec in ("zstd", "br", "gzip"):
            took = seconds(lambda codec=codec: ask(f"{items}?limit=1000000", **{"Accept-Encoding": codec}))
            print(f"all, one page, {codec:21} {took * 1e3:8.1f} ms  {took / bare:5.2f}  (the client unpacks it too)")
        where = np.random.default_rng(2).uniform([_WEST, _SOUTH], [_WEST + _DEGREES, _SOUTH + _DEGREES], (_POINTS, 2))
        sent = orjson.dumps({"points": where.round(7).tolist()})
        client.post("/locate", json={"points": [[_WEST, _SOUTH]]})  # what is made ready once
        began = time.process_time()
        found = client.post("/locate", content=sent, headers={"Accept-Encoding": "identity"})
        took = time.process_time() - began
        assert found.status_code == 200, found.text
        print(f"{f'{_POINTS:,} points in one request':36} {took * 1e3:8.1f} ms  (aim 10,000; with the client)")
    tile = tile_at(_ZOOM, _WEST + _DEGREES / 2, _SOUTH + _DEGREES / 2)
    ours, peer = seconds(lambda: draw_tile(layer, tile)), peer_tile(layer, tile)
    print(f"{f'a tile of {len(layer.find(tile.bounds())):,} grids':36} {ours * 1e3:8.1f} ms")
    if peer is None:
        print("mapbox-vector-tile is not installed: no peer")
    else:
        theirs = seconds(peer)
        print(f"the same by mapbox-vector-tile       {theirs * 1e3:8.1f} ms  {ours / theirs:5.2f} of it is ours")
    xy = np.random.default_rng(2).uniform([_WEST, _SOUTH], [_WEST + _DEGREES, _SOUTH + _DEGREES], (_POINTS, 2))
    began = time.process_time()
    found = locate_rows(build_locator(layer.geometry, layer.ids), xy)
    took = time.process_time() - began
    print(f"{_POINTS:,} points located           {took * 1e3:8.1f} ms  {(found >= 0).mean():.1%} in a grid")
    sys.exit(0 if whole <= _AIM * bare else 1)


if __name__ == "__main__":
    main()
