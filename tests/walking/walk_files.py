"""A town of two streets on disk, drawn in metres: the street map as OSM XML, sources, demand, gates and estates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from spatial.crs import LONLAT, metric_crs, to_lonlat

CRS = metric_crs(114.3, 30.6)
X0, Y0 = 528_000.0, 3_386_000.0

STREETS = {
    "main": [(0, 0), (200, 0), (1000, 0), (3000, 0)],
    "side": [(1000, 0), (1000, 500)],
    "lane": [(200, 0), (200, 100)],
    "island": [(500, 2000), (900, 2000)],
}


KINDS = {"lane": "service", "stairs": "steps"}
"""What streets of these names are, whatever the others are."""


def lonlat(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a place in the drawing."""
    point = to_lonlat(shapely.Point(X0 + x, Y0 + y), CRS)
    return point.x, point.y


def write_osm(
    path: Path, streets: Mapping[str, Sequence[tuple[float, float]]] = STREETS, kind: str = "residential"
) -> Path:
    """Write streets as OSM XML; places that are equal are one node."""
    places = {
        place: number for number, place in enumerate(dict.fromkeys(p for line in streets.values() for p in line), 1)
    }
    nodes = [
        '<node id="{}" version="1" lon="{:.7f}" lat="{:.7f}"/>'.format(number, *lonlat(*place))
        for place, number in places.items()
    ]
    ways = [
        f'<way id="{number}" version="1">'
        + "".join(f'<nd ref="{places[place]}"/>' for place in line)
        + f'<tag k="highway" v="{KINDS.get(name, kind)}"/></way>'
        for number, (name, line) in enumerate(streets.items(), 1)
    ]
    path.write_text(
        "<?xml version='1.0'?>\n<osm version='0.6'>" + "".join([*nodes, *ways]) + "</osm>", encoding="utf-8"
    )
    return path


def write_points(path: Path, rows: Sequence[tuple[str, tuple[float, float], Mapping[str, Any]]]) -> Path:
    """Write (id, place, further columns) as CSV with id, lon, lat."""
    table = [{"id": name, "lon": lonlat(*place)[0], "lat": lonlat(*place)[1], **more} for name, place, more in rows]
    pd.DataFrame(table).to_csv(path, index=False)
    return path


def write_graph(
    path: Path, *, length: str = "1", more: Mapping[int, tuple[float, float]] | None = None, crs: str = "epsg:4326"
) -> Path:
    """Write the main street's first kilometre as GraphML; to each place in ``more`` an edge leads from its end."""
    places = {1: lonlat(0, 0), 2: lonlat(1000, 0), **(more or {})}
    nodes = "".join(
        f'<node id="{key}"><data key="x">{x}</data><data key="y">{y}</data></node>' for key, (x, y) in places.items()
    )
    edges = "".join(
        f'<edge source="{u}" target="{v}"><data key="h">residential</data><data key="l">{length}</data></edge>'
        for u, v in [(1, 2), *((2, key) for key in more or {})]
    )
    named = {"c": ("graph", "crs"), "x": ("node", "x"), "y": ("node", "y"), "h": ("edge", "highway")}
    named["l"] = ("edge", "length")
    keys = "".join(f'<key id="{key}" for="{of}" attr.name="{name}"/>' for key, (of, name) in named.items())
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">{keys}'
        f'<graph edgedefault="directed"><data key="c">{crs}</data>{nodes}{edges}</graph></graphml>',
        encoding="utf-8",
    )
    return path


SOURCES = [
    ("west", (0, 0), {"kind": "clinic"}),
    ("east", (1000, 0), {"kind": "school"}),
]
DEMAND = [
    ("a", (100, 0), {"households": 10, "elderly": 1, "grid": "g1"}),
    ("b", (330, 0), {"households": 20, "elderly": 0, "grid": "g1"}),
    ("c", (600, 0), {"households": 30, "elderly": 5, "grid": "g2"}),
    ("d", (2900, 0), {"households": 40, "elderly": 2, "grid": "g2"}),
]


def write_town(folder: Path) -> dict[str, Path]:
    """Write streets, sources and demand; return option -> file."""
    return {
        "osm": write_osm(folder / "town.osm"),
        "sources": write_points(folder / "sources.csv", SOURCES),
        "demand": write_points(folder / "demand.csv", DEMAND),
    }


def write_estate(folder: Path, access: str) -> dict[str, Path]:
    """Write a closed estate about the lane, its gate at the street, and two homes: inside and on the street."""
    ring = [lonlat(x, y) for x, y in [(120, 5), (280, 5), (280, 150), (120, 150)]]
    estate = {"estate_id": ["E"], "households": [50], "access": ["gated"]}
    gpd.GeoDataFrame(estate, geometry=[shapely.Polygon(ring)], crs=LONLAT).to_file(folder / "estates.geojson")
    gates = write_points(folder / "gates.csv", [("G", (200, 5), {"estate_id": "E", "access": access})])
    homes = [("inside", (200, 80), {"households": 50}), ("street", (150, 0), {"households": 5})]
    demand = write_points(folder / "homes.csv", homes)
    return {"estates": folder / "estates.geojson", "gates": gates, "demand": demand}
