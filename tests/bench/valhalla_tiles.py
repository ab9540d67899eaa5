"""How does Valhalla get the same map as Wangge?

``WANGGE_VALHALLA`` names a configuration whose tiles are made already; else tiles are made of the map itself by
``valhalla_build_tiles``, which is looked for on the path or where ``WANGGE_VALHALLA_BUILD`` says. Nodes and ways of an
OpenStreetMap file are handed on as they are, but for ways that leave the map: Valhalla would drop them whole, so it
gets the parts on the map, which are what Wangge reads. Another map is handed on as it was read.
"""

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from spatial.crs import LONLAT, transform_xy
from spatial.io.osm_file import OSM_SUFFIXES
from spatial.tables import POINT_TAGS, WAY_TAGS, Streets

_BUILDER = "valhalla_build_tiles"


def start_valhalla(path: str | Path | None = None, streets: Streets | None = None) -> Any:
    """Return Valhalla, ready to be asked, with the tiles of ``WANGGE_VALHALLA`` or else of the map at ``path``.

    Raises
    ------
    ImportError
        If it is not installed, or there are neither tiles nor what makes them.
    """
    valhalla = import_module("valhalla")
    known = os.environ.get("WANGGE_VALHALLA", "")
    if known:
        return valhalla.Actor(known)
    builder = os.environ.get("WANGGE_VALHALLA_BUILD", "") or shutil.which(_BUILDER)
    if not builder or path is None:
        raise ImportError(f"WANGGE_VALHALLA names no configuration, and {_BUILDER} is not on the path")
    folder = Path(tempfile.mkdtemp(prefix="valhalla-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config = folder / "valhalla.json"
    settings = valhalla.get_config(tile_extract=str(folder / "tiles.tar"), tile_dir=str(folder / "tiles"))
    settings["mjolnir"]["concurrency"] = 1
    config.write_text(json.dumps(settings), encoding="utf-8")
    write_map(Path(path), streets, folder / "map.osm.pbf")
    subprocess.run([builder, "-c", config, folder / "map.osm.pbf"], cwd=folder, check=True, capture_output=True)
    return valhalla.Actor(str(config))


def write_map(path: Path, streets: Streets | None, out: Path) -> None:
    """Write the nodes and ways of a map as a PBF file: nodes first, as the tiles' builder needs them."""
    with osmium.SimpleWriter(str(out)) as writer:
        if path.name.lower().endswith(OSM_SUFFIXES):
            _copy_map(path, writer)
        elif streets is not None:
            _write_streets(streets, writer)


def _copy_map(path: Path, writer: Any) -> None:
    """Copy nodes and ways; of a way that leaves the map, each run of nodes on it."""
    known, parts = set(), []
    last = 0
    for item in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY):
        if item.is_node():
            known.add(item.id)
            writer.add(item)
            continue
        last = max(last, item.id)
        nodes = [node.ref for node in item.nodes]
        if known.issuperset(nodes):
            writer.add(item)
        else:
            runs = [list(run) for on_map, run in groupby(nodes, known.__contains__) if on_map]
            parts += [(run, dict(item.tags)) for run in runs if len(run) > 1]
    for number, (run, tags) in enumerate(parts, last + 1):
        writer.add_way(osmium.osm.mutable.Way(id=number, nodes=run, tags=tags))


def _write_streets(streets: Streets, writer: Any) -> None:
    """Write a map that was read: ids of nodes are counted anew, since added ones are negative."""
    ways, points = streets.ways, streets.points
    ids, first = np.unique(np.concatenate(ways["nodes"].to_numpy()), return_index=True)
    places = transform_xy(shapely.get_coordinates(ways.geometry.array)[first], streets.crs, LONLAT)
    tagged = dict(zip(points["node_id"].tolist(), points[POINT_TAGS].to_dict("records"), strict=True))
    for number, (node, place) in enumerate(zip(ids.tolist(), places.tolist(), strict=True), 1):
        tags = {key: text for key, text in tagged.get(node, {}).items() if text}
        writer.add_node(osmium.osm.mutable.Node(id=number, location=tuple(place), tags=tags))
    rows = zip(ways["nodes"], ways[WAY_TAGS].to_dict("records"), strict=True)
    for number, (nodes, tags) in enumerate(rows, 1):
        kept = {key: text for key, text in tags.items() if text}
        way = osmium.osm.mutable.Way(id=number, nodes=(np.searchsorted(ids, nodes) + 1).tolist(), tags=kept)
        writer.add_way(way)
