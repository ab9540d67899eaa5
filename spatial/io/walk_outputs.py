"""How are walks written down: a table of pairs, circles for a map, coverage, who is not served, and a report?"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely

from spatial.crs import to_lonlat
from spatial.errors import InputError
from spatial.io.atomic import replace_folder, try_place
from spatial.io.features import locate
from spatial.io.geojson import orient, to_served, write_features
from spatial.io.plan_layers import mend, number_ids
from spatial.io.plan_report import to_plain
from spatial.walking.survey import Survey

FORMAT, FORMAT_VERSION = "wangge-walk", 1
TIMES, CIRCLES, COVERAGE = "travel_times.parquet", "circles.geojson", "coverage.csv"
UNREACHABLE, REPORT = "unreachable.csv", "report.json"
_FILES = {TIMES, CIRCLES, COVERAGE, UNREACHABLE, REPORT}
_DECIMALS = 3


def check_walk_target(folder: Path, inputs: Iterable[str | Path]) -> None:
    """Check that walks can be written to a folder and nothing else would be lost; nothing is left behind.

    Raises
    ------
    InputError
        If it is a file, holds an input or files of other kinds, or nothing can be written there.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; needed a folder to write the walks into")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for one in inputs:
        if folder.resolve() in locate(one).path.resolve().parents:
            raise InputError(f"{folder} holds the input {locate(one).path.name}, which would be lost; choose another")
    strangers = sorted(names - _FILES)
    if strangers or (names and not _is_ours(folder / REPORT)):
        held = strangers[0] if strangers else sorted(names)[0]
        raise InputError(
            f"{folder} holds {held!r}, which is no part of such a folder and would be lost; choose another"
        )
    try:
        try_place(folder)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error


def _is_ours(report: Path) -> bool:
    try:
        document = orjson.loads(report.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(document, dict) and document.get("format") == FORMAT


def write_walks(survey: Survey, sites: Any, demand: Any, folder: Path, *, report: Mapping[str, Any]) -> None:
    """Write a survey as a folder, whole or not at all; equal surveys give equal files (the report holds seconds spent).

    Raises
    ------
    InputError
        If the disk refuses a file.
    """
    times = table_of_times(survey.times)
    circles = circles_to_geojson(survey.circles, _name_sites(survey.circles, sites))
    coverage, unreached = table_of_coverage(survey.coverage), table_of_unreached(survey.unreached, demand)
    told = {"format": FORMAT, "format_version": FORMAT_VERSION, **report, **survey.report}
    document = orjson.dumps(to_plain(told, "report"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def fill(beside: Path) -> None:
        times.to_parquet(beside / TIMES, index=False)
        (beside / CIRCLES).write_bytes(circles)
        for table, name in ((coverage, COVERAGE), (unreached, UNREACHABLE)):
            table.to_csv(beside / name, index=False, encoding="utf-8", lineterminator="\n", float_format="%.10g")
        (beside / REPORT).write_bytes(document)

    try:
        replace_folder(folder, fill)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error


def table_of_times(times: Any) -> Any:
    """Return ``source_id, demand_id, seconds, metres``, sorted by both ids, to the millisecond and the millimetre."""
    names = {"origin_id": "source_id", "destination_id": "demand_id", "walk_s": "seconds", "walk_m": "metres"}
    table = times[list(names)].rename(columns=names)
    return table.round({"seconds": _DECIMALS, "metres": _DECIMALS})


def _name_sites(circles: Any, sites: Any) -> dict[str, list[Any]]:
    """Return the name and kind of the site of each circle."""
    kept = [name for name in ("name", "kind") if name in sites.columns]
    about = sites.set_index("site_id")[kept].reindex(circles["site_id"])
    return {name: about[name].tolist() for name in kept}


def circles_to_geojson(circles: Any, about: Mapping[str, Any]) -> bytes:
    """Return CIRCLES as a FeatureCollection in longitude and latitude, sorted by site, then limit.

    Minutes stand in time mode alone. ``about`` holds further properties, a value per circle.
    """
    timed = (circles["mode"] == "time").to_numpy()
    minutes, metres = circles["minutes"].to_numpy(), circles["limit_m"].to_numpy()
    limit, unit = np.where(timed, minutes, metres), np.where(timed, "min", "m")
    ids = number_ids(f"{one}-{many:g}{what}" for one, many, what in zip(circles["site_id"], limit, unit, strict=True))
    properties = {name: circles[name].tolist() for name in circles.columns if name != circles.geometry.name}
    told = zip(minutes.tolist(), timed.tolist(), strict=True)
    properties["minutes"] = [round(one, _DECIMALS) if time else None for one, time in told]
    properties["limit_m"] = metres.round(_DECIMALS).tolist()
    geometry = orient(to_lonlat(circles.geometry.to_numpy(), circles.crs))
    if not shapely.is_valid(geometry).all():
        numbers = [f"{row:09}" for row in range(len(circles))]  # the frame that is mended is sorted by them
        geometry = mend(to_served(circles[[circles.geometry.name]], ids=numbers)).geometry.to_numpy()
    return write_features(ids, geometry, {**properties, **about})


def table_of_coverage(coverage: Any) -> Any:
    """Return the coverage with limits and walks in minutes or metres, each in a column of its own."""
    timed = (coverage["mode"] == "time").to_numpy()

    def split(name: str) -> tuple[Any, Any]:
        values = coverage[name].to_numpy(dtype=np.float64)
        return np.where(timed, values / 60.0, np.nan).round(6), np.where(timed, np.nan, values).round(_DECIMALS)

    (minutes, metres), (mean_min, mean_m), (p95_min, p95_m) = split("limit"), split("mean_walk"), split("p95_walk")
    kept = coverage[["reached", "total", "share", "overlap"]]
    return pd.DataFrame(
        {
            **{name: coverage[name] for name in ("theme", "by", "group", "counted", "mode")},
            "minutes": minutes,
            "metres": metres,
            **{name: kept[name] for name in kept},
            "mean_minutes": mean_min,
            "p95_minutes": p95_min,
            "mean_metres": mean_m,
            "p95_metres": p95_m,
        }
    )


def table_of_unreached(unreached: Any, demand: Any) -> Any:
    """Return who is not served: id, counts, reason, minutes and metres to the nearest however far, and the place."""
    at = demand.set_index("demand_id").geometry.reindex(unreached["demand_id"])
    lonlat = to_lonlat(at.to_numpy(), demand.crs)
    told = {"reason", "walk_s", "walk_m", "straight_m", "access_m", "data_limited", "how", "demand_id"}
    counted = [name for name in unreached.columns if name not in told]
    access = unreached["access_m"].where(np.isfinite(unreached["access_m"]))
    return pd.DataFrame(
        {
            "demand_id": unreached["demand_id"],
            **{name: unreached[name] for name in counted},
            "reason": unreached["reason"],
            "nearest_minutes": (unreached["walk_s"] / 60.0).round(_DECIMALS),
            "nearest_metres": unreached["walk_m"].round(_DECIMALS),
            "straight_metres": unreached["straight_m"].round(_DECIMALS),
            "access_metres": access.round(_DECIMALS),
            "data_limited": unreached["data_limited"],
            "start": unreached["how"],
            "lon": [point.x for point in lonlat],
            "lat": [point.y for point in lonlat],
        }
    )
