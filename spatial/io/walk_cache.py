"""Where is a walk network kept once it has been made, so that the next run maps it into memory instead of making it?

A network is kept under a hash of all it was made from: the bytes of the map file, the walking numbers of the profile,
gates and estates, the walker, and the source of what reads and builds. So nothing is ever out of date, and nothing has
to be cleared. A file holds a check sum, a description in JSON and plain arrays: nothing in it is run when it is read. A
file that is damaged is as good as none.
"""

import hashlib
import json
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from pyproj import CRS

from spatial.io.atomic import replace_file
from spatial.profile import WalkRules
from spatial.tables import ESTATES, GATES, require
from spatial.walking.edge_grid import EdgeGrid
from spatial.walking.gates import Walls
from spatial.walking.network import WalkNetwork
from spatial.walking.walker import Walker

_MAGIC = b"wgwalk1\n"
_HEAD = 24  # magic, check sum, length of the description
_ALIGN = 64
_MOST_BYTES = 4 * 2**30
_SUFFIX = ".walk"
_CLASSES = {c.__name__: c for c in (WalkNetwork, WalkRules, EdgeGrid, Walls, Walker)}
_SPATIAL = Path(__file__).parents[1]
_SOURCES = ("crs.py", "tables.py", "profile.py", "walking/*.py", "io/osm*.py", "io/pbf*.py", "io/walk_*.py")


def cache_folder() -> Path:
    """Return the folder of kept networks: that which WANGGE_CACHE names, else one in the user's cache."""
    if named := os.environ.get("WANGGE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wangge"


def key_of(path: Path, rules: WalkRules, tables: tuple[Any, Any], asked: tuple[Walker, Any, Any]) -> str:
    """Return the name under which the network of a file is kept: a hash of all that decides what it is.

    ``tables`` are gates and estates, ``asked`` is (walker, projected system, clip).
    """
    gates, estates = tables
    walker, crs, clip = asked
    with path.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    parts = [
        _reader(),
        content,
        path.suffix.lower(),
        repr(rules),
        repr(walker),
        "" if crs is None else CRS.from_user_input(crs).to_json(),
        "" if clip is None else shapely.to_wkb(clip, hex=True),
        "" if gates is None else _content(require(gates, GATES)),
        "" if estates is None else _content(require(estates, ESTATES)),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def _reader() -> str:
    """Return a hash of the program that makes networks."""
    found = hashlib.sha256(f"{np.__version__} {shapely.__version__} {pyproj.__proj_version__}".encode())
    for pattern in _SOURCES:
        for source in sorted(_SPATIAL.glob(pattern)):
            found.update(source.read_bytes())
    return found.hexdigest()


def _content(frame: Any) -> str:
    found = hashlib.sha256(frame.drop(columns=frame.geometry.name).to_csv(index=False).encode())
    for shape in shapely.to_wkb(frame.geometry.to_numpy()):
        found.update(shape)
    return found.hexdigest() + str(frame.crs)


# -- the file -------------------------------------------------------------------------------------------------------


def store_network(key: str, network: WalkNetwork) -> None:
    """Keep a network under a name. Where the disk takes no more, or nothing at all, it is not kept."""
    arrays: list[Any] = []
    text = json.dumps(_encode(network, arrays)).encode()
    places, at = [], _HEAD
    for array in arrays:
        order = "C" if array.flags.c_contiguous or not array.flags.f_contiguous else "F"
        places.append([at, array.dtype.str, list(array.shape), order])
        at += -(-array.nbytes // _ALIGN) * _ALIGN
    text = json.dumps({"value": text.decode(), "arrays": places, "end": at}).encode()

    def fill(beside: Path) -> None:
        """Write the arrays and their places, then the head that makes the file valid."""
        with beside.open("r+b") as stream:
            stream.write(bytes(_HEAD))
            check = 0
            for chunk in _chunks(arrays, text):
                stream.write(chunk)
                check = zlib.crc32(chunk, check)
            stream.seek(0)
            stream.write(_MAGIC + check.to_bytes(8, "little") + len(text).to_bytes(8, "little"))

    try:
        replace_file(cache_folder() / (key + _SUFFIX), fill)
        _make_room(cache_folder())
    except OSError:
        return  # the network is there all the same; the next run makes it again


def _chunks(arrays: list[Any], text: bytes) -> Iterator[Any]:
    for array in arrays:
        plain: Any = np.ascontiguousarray(
            array.T if array.flags.f_contiguous and not array.flags.c_contiguous else array
        )
        yield memoryview(plain).cast("B") if plain.nbytes else b""
        yield bytes(-plain.nbytes % _ALIGN)
    yield text


def load_network(key: str) -> WalkNetwork | None:
    """Return the network kept under a name, its arrays mapped from the file; None where there is no whole one."""
    path = cache_folder() / (key + _SUFFIX)
    try:
        with path.open("rb") as stream:
            # a private copy: whoever writes into an array changes neither the file nor what others see
            whole = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        size = int.from_bytes(whole[16:_HEAD], "little")
        with memoryview(whole) as view, view[_HEAD:] as rest:
            sound = whole[:8] == _MAGIC and zlib.crc32(rest) == int.from_bytes(whole[8:16], "little")
        if not sound:
            return None
        told = json.loads(whole[len(whole) - size :])
        arrays = [_view(whole, *place) for place in told["arrays"]]
        network = _decode(json.loads(told["value"]), arrays)
        os.utime(path)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return network if isinstance(network, WalkNetwork) else None


def _view(whole: mmap.mmap, at: int, dtype: str, shape: list[int], order: Any) -> Any:
    count = int(np.prod(shape))
    return np.frombuffer(whole, dtype=dtype, count=count, offset=at).reshape(shape, order=order)


def _make_room(folder: Path) -> None:
    """Remove the networks that were not used for longest while all of them together take too much."""
    kept = sorted(folder.glob("*" + _SUFFIX), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in kept:
        total += path.stat().st_size
        if total > _MOST_BYTES:
            path.unlink(missing_ok=True)


# -- values as JSON and arrays --------------------------------------------------------------------------------------


def _encode(value: Any, arrays: list[Any]) -> Any:
    """Return what JSON can hold of a value; arrays are put aside and stand for themselves by their number."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype == object:
        shapes = [shapely.to_wkb(shape) for shape in value]
        arrays.append(np.frombuffer(b"".join(shapes), dtype=np.uint8))
        return {"shapes": len(arrays) - 1, "sizes": [len(shape) for shape in shapes]}
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if is_dataclass(value) and type(value).__name__ in _CLASSES:
        held = {field.name: _encode(getattr(value, field.name), arrays) for field in fields(value)}
        return {"class": type(value).__name__, "fields": held}
    if isinstance(value, Mapping):
        return {"map": [[_encode(key, arrays), _encode(held, arrays)] for key, held in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_encode(held, arrays) for held in value]}
    if isinstance(value, CRS):
        return {"crs": value.to_json()}
    raise TypeError(f"cannot keep {type(value).__name__} of a walk network")


def _decode(told: Any, arrays: list[Any]) -> Any:
    if not isinstance(told, dict):
        return told
    if "array" in told:
        return arrays[told["array"]]
    if "shapes" in told:
        data = arrays[told["shapes"]].tobytes()
        ends = np.cumsum([0, *told["sizes"]]).tolist()
        out = np.empty(len(told["sizes"]), dtype=object)
        out[:] = [shapely.from_wkb(data[start:end]) for start, end in pairwise(ends)]
        return out
    if "class" in told:
        return _CLASSES[told["class"]](**{name: _decode(held, arrays) for name, held in told["fields"].items()})
    if "map" in told:
        return {_decode(key, arrays): _decode(held, arrays) for key, held in told["map"]}
    return CRS.from_json(told["crs"]) if "crs" in told else tuple(_decode(held, arrays) for held in told["tuple"])
