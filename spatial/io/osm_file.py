"""How is an OpenStreetMap file on disk turned into elements, when it may be cut short, inflated or wrong?"""

import bz2
import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import osmium

from spatial.errors import InputError
from spatial.io.osm_elements import MAX_NODES, Elements, Pile, Relation, keep_tags, sort_elements
from spatial.io.pbf import read_pbf

OSM_SUFFIXES = (".osm.pbf", ".pbf", ".osm.gz", ".osm.bz2", ".osm")
_MAX_INFLATED = 4 * 2**30
_MAX_RATIO = 200
_RATIO_FROM = 500 * 10**6
_GZIP_LIMIT_RATIO = 1032  # what deflate can reach at most
_CHUNK = 2**20
_UNREADABLE = (RuntimeError, ValueError, OSError, EOFError, zlib.error, osmium.InvalidLocationError)
_NO_NUMBER = re.compile(rb"""(\s)(?:lat|lon)=(["'])(?!\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\2)[^"'<]*\2""")


def read_elements(path: Path) -> Elements:
    """Return the elements of a ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file.

    Raises
    ------
    InputError
        If the file is missing, has another suffix, is cut short or damaged, or inflates beyond measure.
    """
    if not path.is_file():
        raise InputError(f"street map {path} is not there")
    if not path.name.lower().endswith(OSM_SUFFIXES):
        raise InputError(f"street map {path.name} ends with none of {', '.join(OSM_SUFFIXES)}")
    _check_inflation(path)
    try:
        if path.name.lower().endswith(".pbf"):
            return read_pbf(path)
        try:
            return _read(osmium.io.File(str(path)))
        except osmium.InvalidLocationError:
            return _read(osmium.io.FileBuffer(_without_broken_coordinates(path), "osm"))
    except _UNREADABLE as error:
        if isinstance(error, InputError):
            raise InputError(f"street map {path.name} {error}") from error
        raise InputError(f"street map {path.name} is no whole OpenStreetMap file: {error}") from error


def _read(source: Any) -> Elements:
    processor = osmium.FileProcessor(source)
    pile = Pile()
    # One turn per element: what pyosmium hands out lives only until the next one.
    for element in processor:
        if not element.deleted:
            _TAKE[element.type_str()](pile, element)
    box = processor.header.box()
    if not box.valid():
        return sort_elements(pile, None)
    west, south, east, north = box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat
    return sort_elements(pile, (west, south, east, north))


def _take_node(pile: Pile, node: Any) -> None:
    location = node.location
    pile.add_node(node.id, node.version, location.x, location.y)
    if len(pile.node_id) > MAX_NODES:
        raise InputError(f"holds more than {MAX_NODES:,} nodes, needed the extract of a city or a province")
    if len(node.tags):
        pile.add_place(node.id, node.version, node.tags)


def _take_way(pile: Pile, way: Any) -> None:
    pile.add_way(way.id, way.version, way.tags, [node.ref for node in way.nodes])


def _take_relation(pile: Pile, relation: Any) -> None:
    if relation.tags.get("type") == "multipolygon":
        members = tuple((member.ref, member.role) for member in relation.members if member.type == "w")
        pile.add_relation(relation.version, Relation(relation.id, keep_tags(relation.tags), members))


def _take_nothing(pile: Pile, element: Any) -> None:
    """Changesets are no part of the map."""


_TAKE: dict[str, Callable[[Pile, Any], None]] = {
    "n": _take_node,
    "w": _take_way,
    "r": _take_relation,
    "c": _take_nothing,
    "a": _take_nothing,
}


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return cast(IO[bytes], gzip.open(path, "rb"))
    if path.name.lower().endswith(".bz2"):
        return bz2.open(path, "rb")
    return path.open("rb")


def _check_inflation(path: Path) -> None:
    """Refuse a packed file that grows as no map does, before it is parsed."""
    packed = path.stat().st_size
    gzipped, bzipped = (path.name.lower().endswith(end) for end in (".gz", ".bz2"))
    if not (bzipped or (gzipped and packed * _GZIP_LIMIT_RATIO > _RATIO_FROM)):
        return
    size = 0
    try:
        with _open(path) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > _MAX_INFLATED or (size > _RATIO_FROM and size > _MAX_RATIO * packed):
                    raise InputError(
                        f"street map {path.name} inflates from {packed:,} to more than {size:,} bytes; "
                        f"needed at most {_MAX_INFLATED:,} and {_MAX_RATIO} times its size"
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"street map {path.name} is cut short or damaged: {error}") from error


def _without_broken_coordinates(path: Path) -> bytes:
    """Return the XML text without the coordinates that are no numbers, so that those nodes count as not located."""
    with _open(path) as stream:
        text = stream.read(_MAX_INFLATED + 1)
    return _NO_NUMBER.sub(rb"\1", text)
