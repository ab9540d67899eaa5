"""What does a planner bring for a district? All files read, in one system of metres, with where each came from."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import shapely

from spatial.crs import CoordType
from spatial.errors import InputError
from spatial.inputs import INPUT_TABLES, Inputs
from spatial.io.buildings import read_buildings
from spatial.io.estates import list_stacked, read_estates
from spatial.io.features import locate
from spatial.io.gaps import GAP, HOLE
from spatial.io.ground import Ground, keep_inside, read_ground
from spatial.io.layers import read_candidates, read_current, read_existing, read_gates, read_pois
from spatial.io.listing import MISPLACED, group_listed, join_listed, list_note, list_rows
from spatial.io.mapped import buildings_from_streets, estates_from_streets
from spatial.io.misplaced import Doubt, judge_coordinates, measure_away, refuse_misread, say_far, tell_doubt
from spatial.io.rows import carry_rows, drop_rows, row_labels
from spatial.io.site_ids import tell_apart
from spatial.io.sources import Sources, coords_of, given_files, read_sources
from spatial.io.systems import Undeclared, read_system
from spatial.io.vertical_grids import read_vertical_grids
from spatial.progress import Progress, silent
from spatial.tables import Streets

__all__ = ["MISPLACED", "Sources", "link_estates", "read_district", "read_inputs", "read_sources"]

NEARBY_M = 1000.0
"""Gates, sites and places farther than this from the land serve nobody in it."""
_CHUNK = 2**20
_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")


@dataclass(frozen=True, slots=True)
class _Layer:
    """How one input is read, and how far from the land its rows may lie."""

    read: Callable[..., tuple[Any, Any]]
    margin_m: float


_LAYERS: Mapping[str, _Layer] = {
    "estates": _Layer(read_estates, 0.0),
    "buildings": _Layer(read_buildings, 0.0),
    "gates": _Layer(read_gates, NEARBY_M),
    "candidates": _Layer(read_candidates, NEARBY_M),
    "existing": _Layer(read_existing, NEARBY_M),
    "current": _Layer(read_current, NEARBY_M),
    "pois": _Layer(read_pois, NEARBY_M),
    "vertical_grids": _Layer(read_vertical_grids, NEARBY_M),
}
_FROM_STREETS: Mapping[str, Callable[[Streets], tuple[Any, Any]]] = {
    "estates": estates_from_streets,
    "buildings": buildings_from_streets,
}


def read_inputs(sources: Sources, *, on_progress: Progress = silent) -> Inputs:
    """Return everything a plan is made from, in the metric system about the middle of the land.

    Estates and buildings that no file brings are taken from the street map. Rows outside the land, and whatever else
    was not used as it stood, are listed. ``provenance`` holds, for each input, the file's name (no folder), SHA-256,
    rows, encoding, system and coordinates.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        If a file cannot be read or used; the message names it.
    """
    general, coords = coords_of(sources)
    undeclared = Undeclared(None if sources.crs is None else read_system(sources.crs), general)
    on_progress("reading the land", 0.0)
    ground = read_ground(sources, coords, undeclared)
    land = shapely.union_all(ground.communities.geometry.to_numpy())
    frames, listed, origins = {}, [ground.listed], dict(ground.origins)
    for step, (name, layer) in enumerate(_LAYERS.items()):
        if getattr(sources, name) or name in _FROM_STREETS:
            on_progress(f"reading {name.replace('_', ' ')}", step / len(_LAYERS))
        reader = _Reader(name, layer, ground, coords.get(name), undeclared)
        frames[name], notes, origin = reader.read(getattr(sources, name), land)
        listed.append(notes)
        if origin:
            origins[name] = origin
    frames["candidates"], frames["existing"], notes = tell_apart(frames["candidates"], frames["existing"])
    listed.append(notes)
    for name in ("buildings", "gates"):
        frames[name], notes = link_estates(frames[name], frames["estates"], name)
        listed.append(notes)
    listed.append(list_stacked(frames["estates"]))
    return Inputs(
        communities=ground.communities,
        streets=ground.streets,
        listed=group_listed(join_listed(listed), apart=(GAP, HOLE)),
        provenance=_provenance(sources, ground.streets, origins),
        **{name: drop_rows(frame) for name, frame in frames.items()},
    )


def read_district(folder: str | Path, *, on_progress: Progress = silent) -> tuple[Inputs, str]:
    """Return the inputs that a folder's ``district.toml`` names, and the name or path of its profile.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        If the folder's file is wrong, or an input cannot be read.
    """
    sources, profile = read_sources(folder)
    return read_inputs(sources, on_progress=on_progress), profile


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    layer: _Layer
    ground: Ground
    coords: CoordType | None
    undeclared: Undeclared

    def read(self, path: Any, land: Any) -> tuple[Any, Any, Any]:
        """Return the rows on the land, LISTED, and what the file said of itself (None where there is none)."""
        if path is not None:
            return self._from_file(path, land)
        if self.name in _FROM_STREETS:
            return self._from_map(land)
        return INPUT_TABLES[self.name].empty(self.ground.streets.crs), join_listed([]), None

    def _from_file(self, path: Any, land: Any) -> tuple[Any, Any, Any]:
        frame, notes = self.layer.read(path, self.ground.streets.crs, self.coords, undeclared=self.undeclared)
        origin = frame.attrs.get("origin", frame.attrs.get("origins"))
        frame = carry_rows(frame)
        inside, outside = keep_inside(frame, land, self.name, self.layer.margin_m)
        doubt = judge_coordinates(
            frame, land, self.name, origin, margin_m=self.layer.margin_m, streets=self.ground.streets
        )
        where = f"{self.name} ({locate(path).path.name})" if isinstance(path, str | Path) else self.name
        if len(outside) and not len(inside) and self.layer.margin_m == 0:
            self._refuse_elsewhere(frame, land, path, doubt)
        if doubt is not None and doubt.sure and self.coords is None:
            one = origin[0] if isinstance(origin, list) else origin
            refuse_misread(doubt, self.name, where, one["coords"])
        told = [] if doubt is None else [list_note(self.name, MISPLACED, "kept", tell_doubt(doubt, self.name))]
        return inside, join_listed([notes, outside, *told, _list_unused(self.name, inside, origin)]), origin

    def _refuse_elsewhere(self, frame: Any, land: Any, path: Any, doubt: Doubt | None) -> NoReturn:
        far = say_far(measure_away(frame.geometry.to_numpy(), land))
        hint = f"they lie {far} off: are --coords and --crs right, and is it the right area?"
        if doubt is not None:
            hint = tell_doubt(doubt, self.name)
        file = locate(path).path.name
        raise InputError(f"{self.name}: none of {len(frame):,} rows of {file} lies in the area; {hint}")

    def _from_map(self, land: Any) -> tuple[Any, Any, Any]:
        streets = self.ground.streets
        frame, notes = _FROM_STREETS[self.name](streets)
        mapped, outside = keep_inside(frame, land, self.name)
        beyond = list_note(self.name, "outside the area", "dropped", f"{len(outside)} of the street map")
        origin = {"path": streets.source, "rows": len(frame), "from": "street map"} if len(frame) else None
        return mapped, join_listed([notes, *([beyond] if len(outside) else [])]), origin


def _list_unused(name: str, frame: Any, origin: Any) -> Any:
    """Return LISTED of a file that was given in vain."""
    if len(frame):
        return join_listed([])
    origins = origin if isinstance(origin, list) else [origin]
    files = ", ".join(sorted({str(one["path"]) for one in origins}))
    read = sum(int(one.get("rows", 0)) for one in origins)
    detail = f"{read:,} row{'s' if read > 1 else ''} read from {files}" if read else f"{files} holds no row"
    return list_note(name, "no row could be used", "kept", detail)


def link_estates(frame: Any, estates: Any, source: str) -> tuple[Any, Any]:
    """Return rows whose ``estate_id`` is one of the estates' or "", and LISTED of those that named an unknown one.

    A row may name its estate by id or by a name that no other estate bears.
    """
    said = frame["estate_id"]
    names = estates["name"]
    by_name = estates.loc[(names != "") & ~names.duplicated(keep=False)].set_index("name")["estate_id"]
    by_id = pd.Series(estates["estate_id"].to_numpy(), index=estates["estate_id"].to_numpy(), dtype="str")
    found = said.map(by_id).fillna(said.map(by_name)).fillna("").astype("str")
    lost = (said != "") & (found == "")
    listed = list_rows(source, row_labels(frame)[lost], "names no estate that is known", "kept", said[lost])
    return frame.assign(estate_id=found), listed


def _provenance(sources: Sources, streets: Streets, origins: Mapping[str, Any]) -> dict[str, Any]:
    """Return input -> where it came from; folders of this machine are left out."""
    found: dict[str, Any] = {}
    for name, paths in given_files(sources).items():
        told = origins.get(name, {})
        digest = [_digest(path) for path in paths]
        if isinstance(told, list):
            told = {"path": ", ".join(path.name for path in paths), "layers": [_tell(one) for one in told]}
        found[name] = {"path": paths[0].name, "sha256": digest[0] if len(digest) == 1 else digest, **_tell(told)}
    if sources.place is not None:
        found["osm"] = {"path": streets.source, "sha256": _digest_streets(streets)}
    if "osm" in found:
        credit = {} if sources.attribution is None else {"attribution": sources.attribution}
        found["osm"] = {**found["osm"], "rows": len(streets.ways), **credit}
    for name, told in origins.items():
        if name not in found:
            found[name] = dict(told)
    found["system"] = {"crs": streets.crs.to_string(), "name": sources.name}
    return {name: found[name] for name in sorted(found)}


def _tell(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != "source"}


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, of a shapefile with the files beside it."""
    parts = [path]
    if path.suffix.lower() == ".shp":
        beside = sorted(path.parent.iterdir())
        parts = [one for one in beside if one.stem == path.stem and one.suffix.lower() in _SHAPEFILE]
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _digest_streets(streets: Streets) -> str:
    """Return the SHA-256 of a street map that came over a wire."""
    digest = hashlib.sha256()
    for frame in (streets.ways, streets.points, streets.areas):
        for wkb in shapely.to_wkb(frame.geometry.to_numpy()):
            digest.update(wkb)
    return digest.hexdigest()
