"""What is kept in memory of a plan to answer requests, and when is it read again?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import orjson

from api.errors import PlanUnavailableError
from api.layers import Box, LoadedLayer, build_layer
from api.worked_out import tell_missing, work_out, work_out_public
from spatial.crs import CRS84, NamedSystem, name_systems
from spatial.errors import InputError, MissingError, SpatialError
from spatial.io.plan_folder import REPORT, PlanFolder, read_plan_folder
from spatial.io.plan_layers import LAYERS, WORKED_OUT
from spatial.plan.privacy import HIDDEN_LAYERS, NOTHING, Published, find_cut, hide_small_counts

__all__ = ["Box", "Feeds", "LoadedLayer", "PlanFeeds", "Snapshot", "follow_folder", "load_snapshot"]

_READS = 2  # a folder that is replaced between two of its files is read once more
_DEFAULT_K = 10


class Feeds(Protocol):
    """What the feeds serve: the layers of one version of one plan, wherever it is kept.

    ``digest`` stands for all content; ``public`` gives the same with what could tell of single homes left out.
    """

    @property
    def digest(self) -> str: ...  # noqa: D102
    @property
    def report(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def layers(self) -> Mapping[str, LoadedLayer]: ...  # noqa: D102
    @property
    def systems(self) -> dict[str, NamedSystem]: ...  # noqa: D102
    @property
    def public(self) -> "Feeds": ...  # noqa: D102
    def layer(self, name: str) -> LoadedLayer: ...  # noqa: D102
    def state_of(self, layer: str, feature_id: str) -> str | None:
        """Return what stands for all that is known of a feature, where clients may change it; else None."""
        ...


@dataclass(frozen=True)
class PlanFeeds:
    """The layers of one version of a plan, in memory, with the report that tells of it."""

    digest: str
    report: Mapping[str, Any]
    layers: Mapping[str, LoadedLayer]

    def layer(self, name: str) -> LoadedLayer:
        """Return a layer.

        Raises
        ------
        MissingError
            If the plan has no such layer.
        """
        if name not in self.layers:
            why = tell_missing(name, self.layers, self.report)
            raise MissingError(f"no layer {name!r}{why and f': {why}'}; the plan has {', '.join(self.layers)}")
        return self.layers[name]

    def state_of(self, layer: str, feature_id: str) -> str | None:
        """Return None: nobody changes these features."""
        return None

    @cached_property
    def systems(self) -> dict[str, NamedSystem]:
        """Systems by URI in which the layers are served, CRS84 first."""
        boxes = [layer.bbox for layer in self.layers.values() if layer.bbox is not None]
        if not boxes:
            return {CRS84.uri: CRS84}
        west, east = min(box[0] for box in boxes), max(box[2] for box in boxes)
        south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
        return name_systems((west + east) / 2, (south + north) / 2)

    def published(self) -> Published:
        """Return what of the plan everybody could see before: here nothing is known of that."""
        return NOTHING

    @cached_property
    def public(self) -> "PlanFeeds":
        """The same, with small counts and what stands for single buildings left out (``spatial.plan.privacy``)."""
        features = {
            name: [orjson.loads(feature) for feature in layer.features]
            for name, layer in self.layers.items()
            if name not in HIDDEN_LAYERS and name not in WORKED_OUT
        }
        least = least_count(self.report)
        before = self.published()
        told = hide_small_counts(features, least=least, before=before)
        layers = {name: build_layer(LAYERS[name], rows) for name, rows in told.items()}
        cut = find_cut(features["blocks"], "community_id", least=least, before=before)
        layers |= work_out_public(layers, self.layers, self.report, least=least, cut=cut)
        return PlanFeeds(f"{self.digest}-public", hide_total(self.report, least), layers)


def hide_total(report: Mapping[str, Any], least: int) -> Mapping[str, Any]:
    """Return what is told of a plan without its households where these are fewer than ``least`` homes."""
    summary = report["summary"]
    few = 0 < summary["households"] < least
    return {**report, "summary": {**summary, "households": None}} if few else report


def least_count(report: Mapping[str, Any]) -> int:
    """Return the least number of households that public feeds tell: that of the plan's profile, else 10."""
    rules = report["profile"]["numbers"].get("privacy", {})
    return int(rules.get("least_households", {}).get("value", _DEFAULT_K))


@dataclass(frozen=True)
class Snapshot(PlanFeeds):
    """A plan folder as it stood at one moment."""

    plan: PlanFolder


def load_snapshot(folder: Path) -> Snapshot:
    """Read a plan folder whole; raises what ``read_plan_folder`` and ``read_layer`` raise."""
    for left in reversed(range(_READS)):
        try:
            plan = read_plan_folder(folder)
            layers = {name: build_layer(LAYERS[name], plan.read_layer(name)["features"]) for name in plan.layers}
            return Snapshot(plan.digest, plan.report, layers | work_out(layers, plan.report), plan)
        except (InputError, MissingError):
            if left == 0:
                raise
    raise AssertionError("unreachable")


def follow_folder(folder: Path) -> Callable[[], Snapshot]:
    """Return a function that gives the plan as it stands in a folder, read again when the folder was replaced.

    Raises what ``load_snapshot`` raises; the function raises PlanUnavailableError if the folder was replaced by
    something that cannot be read.
    """
    lock = Lock()
    seen = _stamp(folder)
    snapshot = load_snapshot(folder)

    def now() -> Snapshot:
        """Return the plan as the folder holds it."""
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
