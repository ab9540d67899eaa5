"""How is a plan kept on disk, and how is it read again?

A plan folder holds one GeoJSON file per layer, ``plan.gpkg`` with all of them, ``adjacency.csv``, ``listed.csv``,
``correspondence.csv`` where today's grids are known, and ``report.json``, which names every file with its digest. It is
replaced whole or not at all.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from spatial.errors import InputError, MissingError
from spatial.inputs import Inputs
from spatial.io.atomic import replace_folder, try_place
from spatial.io.geojson import to_feature_collection
from spatial.io.input_layers import build_input_layers, tell_not_used
from spatial.io.plan_layers import LAYERS, PLAN_LAYERS, build_layers, measure_layers
from spatial.io.plan_report import FORMAT, FORMAT_VERSION, build_report
from spatial.io.plan_shape import check_report
from spatial.plan.correspondence import build_correspondence, summarise_correspondence
from spatial.plan.model import Plan
from spatial.tables import LISTED

REPORT = "report.json"
GEOPACKAGE = "plan.gpkg"

_WRITTEN_AT = "2000-01-01T00:00:00.000Z"  # a GeoPackage holds the time of writing; equal plans shall be equal files
_FILES = {
    REPORT,
    GEOPACKAGE,
    "adjacency.csv",
    "listed.csv",
    "correspondence.csv",
    *(f"{name}.geojson" for name in LAYERS),
}
_SIDECARS = {f"{GEOPACKAGE}-wal", f"{GEOPACKAGE}-shm", f"{GEOPACKAGE}-journal", ".DS_Store", "Thumbs.db"}


@dataclass(frozen=True, slots=True)
class PlanFolder:
    """A plan on disk.

    Attributes
    ----------
    folder:
        Where it stands.
    report:
        The content of ``report.json``.
    digest:
        SHA-256 of ``report.json``; as the report holds the digest of every file, it stands for all of them.
    layers:
        Names of the layers, in the order of ``LAYERS``.
    """

    folder: Path
    report: Mapping[str, Any]
    digest: str
    layers: tuple[str, ...]

    def read_layer(self, name: str) -> dict[str, Any]:
        """Return the FeatureCollection of a layer.

        Raises
        ------
        MissingError
            If there is no such layer, or its file is gone.
        InputError
            If its file is broken, or is not the one the plan was written with.
        """
        if name not in self.layers:
            raise MissingError(f"no layer {name!r}; the plan has {', '.join(self.layers)}")
        file = f"{name}.geojson"
        content = _read(self.folder / file)
        collection = _parse(content, self.folder / file)
        if hashlib.sha256(content).hexdigest() != self.report["files"][file]["sha256"]:
            raise InputError(f"{self.folder / file} is not the file this plan was written with; write the plan again")
        return collection


def write_plan(
    plan: Plan,
    folder: Path | str,
    *,
    scorecard: Any,
    violations: Any,
    inputs: Inputs | None = None,
    extra_report: Mapping[str, Any] | None = None,
) -> Path:
    """Write a plan as a folder, whole or not at all, and return the folder.

    ``scorecard`` is anything that can be said in JSON, ``violations`` a VIOLATIONS frame, ``extra_report`` further
    top-level entries of the report. With ``inputs`` the gates, candidates, open centres, estates, grids of today and
    places stand beside the plan as layers, ``correspondence.csv`` tells what becomes of today's grids, and the report
    what was read and changes nothing (``not_used``). Equal plans and inputs give equal bytes.

    Raises
    ------
    InputError
        If ``check_target`` refuses the folder, or the disk refuses a file.
    """
    target = Path(folder)
    check_target(target)
    layers = build_layers(plan, violations) | ({} if inputs is None else build_input_layers(inputs, plan))
    today = None if inputs is None or inputs.current.empty else inputs.current
    correspondence = None if today is None else build_correspondence(today, plan)
    report = build_report(
        plan,
        scorecard=scorecard,
        violations=violations,
        extra=extra_report,
        not_used=() if inputs is None else tell_not_used(inputs),
        current=None if correspondence is None else _tell_current(correspondence),
    )
    report["served"] = measure_layers(layers)
    tables = _tables(plan, report, correspondence)
    with _telling(target):
        replace_folder(target, lambda beside: _write_files(beside, layers, tables, report))
    return target


def _tell_current(correspondence: Any) -> dict[str, Any]:
    slivers = {"pieces": correspondence.attrs["slivers"], "area_m2": correspondence.attrs["slivers_m2"]}
    return {"layers": summarise_correspondence(correspondence), "slivers_left_out": slivers}


def _tables(plan: Plan, report: Mapping[str, Any], correspondence: Any) -> dict[str, Any]:
    """Return the tables without geometry, by name."""
    adjacency = plan.adjacency.sort_values(["focal", "neighbor"], kind="stable").reset_index(drop=True)
    listed = pd.DataFrame(report["listed"]["rows"], columns=[*LISTED.columns])
    more = {} if correspondence is None else {"correspondence": correspondence}
    return {"adjacency": adjacency, "listed": listed, **more}


def check_target(folder: Path | str) -> None:
    """Check that a plan can be written to a folder; nothing is left behind.

    Raises
    ------
    InputError
        If the folder is a file, holds files that are no part of a plan (they would be lost), or nothing can be written
        where it stands or would stand.
    """
    target = Path(folder)
    with _telling(target):
        _refuse_to_lose(target)
        try_place(target)


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Tell what the system refused by the name of the folder: the file it names lay in a hidden folder beside."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error
    except (DataSourceError, DataLayerError) as error:
        raise InputError(f"cannot write to {folder}: {GEOPACKAGE} could not be written; is the disk full?") from error


def _refuse_to_lose(folder: Path) -> None:
    for parent in folder.parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(f"{parent} is a file; needed a folder to write the plan into")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; needed a folder to write the plan into")
    names = {path.name for path in folder.iterdir()}
    strangers = sorted(names - _FILES - _SIDECARS)
    if names and (REPORT not in names or _format_of(folder / REPORT) != FORMAT):
        raise InputError(f"{folder} is not empty and no plan folder; needed a new, an empty or a plan folder")
    if strangers:
        raise InputError(f"{folder} holds {strangers[0]!r}, which is no part of a plan and would be lost; move it away")


def _format_of(report: Path) -> Any:
    try:
        document = json.loads(report.read_bytes())
    except (ValueError, OSError):
        return None
    return document.get("format") if isinstance(document, dict) else None


def _write_files(folder: Path, layers: Mapping[str, Any], tables: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    for name, served in layers.items():
        (folder / f"{name}.geojson").write_bytes(to_feature_collection(served))
    for name, table in tables.items():
        _write_csv(table, folder / f"{name}.csv")
    _write_geopackage(folder / GEOPACKAGE, layers, tables)
    counts = {f"{name}.geojson": len(served) for name, served in layers.items()}
    files = {path.name: _describe(path, counts.get(path.name)) for path in sorted(folder.iterdir())}
    document = orjson.dumps({**report, "files": files}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (folder / REPORT).write_bytes(document)


def _describe(path: Path, features: int | None) -> dict[str, Any]:
    content = path.read_bytes()
    told: dict[str, Any] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return told if features is None else {**told, "features": features}


def _write_csv(frame: Any, path: Path) -> None:
    """Write a table that Excel opens with its Chinese text whole."""
    frame.to_csv(
        path, index=False, encoding="utf-8-sig", lineterminator="\r\n", float_format="%.10g", quoting=csv.QUOTE_MINIMAL
    )


def _write_geopackage(path: Path, layers: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    with _fixed_date():
        for name, served in layers.items():
            layer = LAYERS[name]
            pyogrio.write_dataframe(
                _without_lists(served.reset_index(drop=True)),
                path,
                layer=name,
                driver="GPKG",
                geometry_type=layer.shape,
                promote_to_multi=layer.shape.startswith("Multi"),
                dataset_options={} if path.exists() else {"VERSION": "1.3"},
                layer_options={"IDENTIFIER": layer.title, "DESCRIPTION": layer.description},
            )
        for name, table in tables.items():
            pyogrio.write_dataframe(table, path, layer=name, driver="GPKG")


def _without_lists(frame: Any) -> Any:
    """Return the frame with lists and tables in cells as JSON text: a GeoPackage cell holds one value."""
    out = frame.copy(deep=False)
    for name in frame.columns:
        if frame[name].dtype == object and name != frame.geometry.name:
            out[name] = [json.dumps(v, ensure_ascii=False) if isinstance(v, list | dict) else v for v in frame[name]]
    return out


@contextmanager
def _fixed_date() -> Iterator[None]:
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def read_plan_folder(folder: Path | str) -> PlanFolder:
    """Return the plan that stands in a folder; layers are read when they are asked for.

    Raises
    ------
    MissingError
        If there is no such folder, it holds no report, or a layer's file is gone.
    InputError
        If the report is broken, misses an entry, or was written by another version of the format.
    """
    path = Path(folder)
    if not path.is_dir():
        raise MissingError(f"no plan folder {path}; make one with `wangge plan ... --out {path}`")
    content = _read(path / REPORT)
    report = _parse(content, path / REPORT)
    if report.get("format") != FORMAT:
        raise InputError(f"{path / REPORT} is no report of a plan; needed the format {FORMAT!r}")
    if report.get("format_version") != FORMAT_VERSION:
        found = report.get("format_version")
        raise InputError(f"{path / REPORT} has format version {found!r}, needed {FORMAT_VERSION}; write the plan again")
    check_report(report, path / REPORT, layers=PLAN_LAYERS, files=_FILES)
    layers = tuple(name for name in LAYERS if f"{name}.geojson" in report["files"])
    for name in layers:
        if not (path / f"{name}.geojson").is_file():
            raise MissingError(f"{path} misses {name}.geojson, which its report names; write the plan again")
    return PlanFolder(path, report, hashlib.sha256(content).hexdigest(), layers)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        needed = f"a plan folder; `wangge plan {path.parent} --out plan/` makes one of a folder with a district.toml"
        raise MissingError(f"{path.parent} holds no {path.name}; needed {needed}") from None


def _parse(content: bytes, path: Path) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not readable as JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{path} holds a {type(document).__name__}; needed a JSON object")
    return document
