"""What is kept in memory of a plan to answer requests, and when is it read again?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from api.errors import PlanUnavailableError
from spatial.errors import InputError, MissingError, SpatialError
from spatial.io.plan_folder import REPORT, PlanFolder, read_plan_folder
from spatial.io.plan_layers import LAYERS

Box = tuple[float, float, float, float]
_READS = 2  # a folder that is replaced between two of its files is read once more


@dataclass(frozen=True, slots=True)
class LoadedLayer:
    """One layer: its features as bytes, ready to be sent, with an index by place and by id."""

    name: str
    title: str
    description: str
    features: tuple[bytes, ...]
    row_of: Mapping[str, int]
    places: Any
    bbox: list[float] | None

    def find(self, box: Box | None) -> NDArray[np.intp]:
        """Return the rows, in order, whose geometry meets the box; every row for None.

        A box whose west is east of its east crosses the antimeridian.
        """
        if box is None:
            return np.arange(len(self.features))
        west, south, east, north = box
        boxes = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        areas = [shapely.box(left, south, right, north) for left, right in boxes]
        return np.unique(self.places.query(areas, predicate="intersects")[1])

    def feature(self, key: str) -> bytes:
        """Return one feature.

        Raises
        ------
        MissingError
            If no feature has this id.
        """
        if key not in self.row_of:
            raise MissingError(f"layer {self.name} has no feature {key!r}")
        return self.features[self.row_of[key]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A plan as it stood at one moment."""

    plan: PlanFolder
    layers: Mapping[str, LoadedLayer]

    def layer(self, name: str) -> LoadedLayer:
        """Return a layer.

        Raises
        ------
        MissingError
            If the plan has no such layer.
        """
        if name not in self.layers:
            raise MissingError(f"no layer {name!r}; the plan has {', '.join(self.layers)}")
        return self.layers[name]


def load_snapshot(folder: Path) -> Snapshot:
    """Read a plan folder whole; raises what ``read_plan_folder`` and ``read_layer`` raise."""
    for left in reversed(range(_READS)):
        try:
            plan = read_plan_folder(folder)
            return Snapshot(plan, {name: _load_layer(plan, name) for name in plan.layers})
        except (InputError, MissingError):
            if left == 0:
                raise
    raise AssertionError("unreachable")


def _load_layer(plan: PlanFolder, name: str) -> LoadedLayer:
    collection = plan.read_layer(name)
    features = collection["features"]
    texts = [None if f["geometry"] is None else orjson.dumps(f["geometry"]).decode() for f in features]
    return LoadedLayer(
        name=name,
        title=LAYERS[name].title,
        description=LAYERS[name].description,
        features=tuple(orjson.dumps(feature) for feature in features),
        row_of={feature["id"]: row for row, feature in enumerate(features)},
        places=shapely.STRtree(shapely.from_geojson(np.array(texts, dtype=object))),
        bbox=collection.get("bbox"),
    )


def follow_folder(folder: Path) -> Callable[[], Snapshot]:
    """Return a function that gives the plan as it stands in a folder, read again when the folder was replaced.

    Raises what ``load_snapshot`` raises; the function raises PlanUnavailableError if the folder was replaced by
    something that cannot be read.
    """
    lock = Lock()
    seen = _stamp(folder)
    snapshot = load_snapshot(folder)

    def now() -> Snapshot:
        nonlocal seen, snapshot
        with lock:
            stamp = _stamp(folder)
            if stamp != seen:
                try:
                    snapshot, seen = load_snapshot(folder), stamp
                except SpatialError as error:
                    raise PlanUnavailableError(str(error)) from error
            return snapshot

    return now


def _stamp(folder: Path) -> tuple[int, int, int] | None:
    try:
        stat = (folder / REPORT).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
