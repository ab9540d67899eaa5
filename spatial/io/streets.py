"""Which reader does a file of streets need?"""

from pathlib import Path
from typing import Any

from spatial.errors import InputError
from spatial.io.graphml import read_graphml
from spatial.io.osm import read_osm
from spatial.io.osm_file import OSM_SUFFIXES
from spatial.io.osm_frames import empty_streets
from spatial.io.street_lines import read_street_lines
from spatial.tables import Streets

__all__ = ["empty_streets", "read_streets"]

_GRAPH_SUFFIXES = (".graphml", ".graphml.xml")
_LAYER_SUFFIXES = (".gpkg", ".parquet", ".geoparquet", ".pq", ".shp", ".geojson", ".json", ".geojsonl", ".fgb", ".gdb")


def read_streets(path: str | Path, *, crs: Any = None, clip: Any = None, class_column: str | None = None) -> Streets:
    """Return the street map of a file, by its suffix: OpenStreetMap, a saved OSMnx network, or a layer of lines.

    Raises
    ------
    InputError
        If the suffix belongs to none of them, a class column is named for a source that has none, or the file cannot
        be read.
    """
    name = Path(path).name.lower()
    if name.endswith(_LAYER_SUFFIXES):
        return read_street_lines(path, crs=crs, clip=clip, class_column=class_column)
    if class_column is not None:
        raise InputError(f"{Path(path).name} is no layer of lines and takes no class_column {class_column!r}")
    if name.endswith(OSM_SUFFIXES):
        return read_osm(path, crs=crs, clip=clip)
    if name.endswith(_GRAPH_SUFFIXES):
        return read_graphml(path, crs=crs, clip=clip)
    raise InputError(
        f"{Path(path).name} ends with none of {', '.join((*OSM_SUFFIXES, *_GRAPH_SUFFIXES, *_LAYER_SUFFIXES))}"
    )
