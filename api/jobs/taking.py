"""What of a job's results stands in a plan: circles, sites and candidates, and which block is in which grid?"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely

from api.jobs.envelope import read_inputs, read_wanted
from api.jobs.record import Job
from api.store.tables import geometries_of
from spatial.errors import InputError
from spatial.io.geojson import PROPERTY_DECIMALS, round_lonlat, write_features
from spatial.io.site_columns import ID_COLUMNS, SITE_COLUMNS, know_columns
from spatial.io.site_inputs import MODES

Feature = Mapping[str, Any]
Layers = Mapping[str, Sequence[Feature]]
Made = tuple[dict[str, list[Feature]], list[str]]
_NAMES_TOLD = 5
_PLAIN = (str, int, float, bool, type(None))
_FEW = 20
_PLACED = ("candidates", "existing", "sites")
"""Layers of a plan that tell where a site lies, the surest first."""
_NEAR_DEG = 0.2
"""What of a plan lies farther than this from its land (about 20 km) belongs to another place."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Layers made of the results of a job, where they are from, and what else the planner should know.

    ``assignment`` is that of a division, block to part: the layer of grids, which a plan makes of it itself.
    """

    layers: Layers
    assignment: Mapping[str, str] | None
    told: dict[str, Any]
    notes: tuple[str, ...]


def take_results(job: Job, sealed: bytes, results: bytes, plan: Layers) -> Taken:
    """Return the layers that the results of a job make in a plan, of which some layers are given.

    Raises
    ------
    InputError
        If its process makes no layers, a site has no place, or all of it lies far from the plan.
    """
    inputs, told = read_inputs(sealed), orjson.loads(results)
    if job.process in DIVISIONS:
        return Taken({}, told["assignment"], _tell_origin(job, sealed, results, inputs, told), ())
    make = _MAKERS.get(job.process)
    if make is None:
        raise InputError(
            f"job {job.job_id} ran {job.process}, whose results are no layer of a plan; needed one of "
            f"{', '.join((*_MAKERS, *DIVISIONS))}"
        )
    layers, notes = make(inputs, told, plan)
    for name, features in layers.items():
        _require_near(name, features, plan["blocks"])
    return Taken(layers, None, _tell_origin(job, sealed, results, inputs, told), tuple(notes))


def _tell_origin(
    job: Job, sealed: bytes, results: bytes, inputs: Mapping[str, Any], told: Mapping[str, Any]
) -> dict[str, Any]:
    """Return where layers are from, as a version keeps it: the job, what it was asked, by whom and when."""
    parts = (told, *(one for one in told.values() if isinstance(one, dict)))
    profile = next((one["profile"] for one in parts if "profile" in one), None)
    return {
        "kind": "take_layers",
        "job": job.job_id,
        "process": job.process,
        "asked_by": read_wanted(sealed).who,
        "created": job.created,
        "finished": job.finished,
        "profile": profile,
        "inputs": {name: value for name, value in sorted(inputs.items()) if _is_short(value)},
        "inputs_sha256": hashlib.sha256(orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        "results_sha256": hashlib.sha256(results).hexdigest(),
    }


def _is_short(value: Any) -> bool:
    """Tell whether an input is kept as it is: tables and places are told by their digest alone."""
    many = value if isinstance(value, list) else [value]
    return len(many) <= _FEW and all(isinstance(one, _PLAIN) for one in many)


def _require_near(name: str, features: Sequence[Feature], blocks: Sequence[Feature]) -> None:
    if not features or not blocks:
        return
    land = shapely.box(*shapely.total_bounds(geometries_of(blocks)))
    far = np.flatnonzero(shapely.distance(land, geometries_of(features)) > _NEAR_DEG)
    if len(far):
        one = features[int(far[0])]["properties"]["site_id"]
        raise InputError(f"{name}: {one!r} lies far from the land of the plan; needed results about its own land")


def _take_circles(inputs: Mapping[str, Any], told: Mapping[str, Any], plan: Layers) -> Made:
    """Return the circles as they were drawn; those about places that the plan does not know are told."""
    features = told["circles"]["features"]
    known = {one["properties"]["site_id"] for name in _PLACED for one in plan[name]}
    strange = sorted({one["properties"]["site_id"] for one in features} - known)
    notes = [f"circles about {_some(strange)} are of no site, candidate or open centre of the plan"] if strange else []
    return {"circles": features}, notes


def _take_choice(inputs: Mapping[str, Any], told: Mapping[str, Any], plan: Layers) -> Made:
    """Return the open sites with the households each serves, and the candidates they were chosen among."""
    choice, rows = told["choice"], _by_id(inputs["candidates"])
    known = _know_places(plan)
    places = [_place(key, row, known.get(key)) for key, row in rows.items()]
    served, notes = _count_served(choice, plan["demand"])
    by_site = {row["site_id"]: row for row in choice["by_site"]}
    standing = {*choice["kept_sites"], *choice["closed_sites"]}
    about = {key: _describe(key, row, known.get(key)) for key, row in rows.items()}
    sites = [
        {
            **{name: about[key][name] for name in ("site_id", "name", "kind")},
            "existing": not mine["new"],
            "proposed": about[key]["proposed"],
            "households": None if served is None else served.get(key, 0),
            "mean_walk_s": mine["mean"],
            **{name: mine[name] for name in ("mode", "cost", "floor_area_m2")},
        }
        for key, mine in sorted(by_site.items())
    ]
    others = [{**one, "chosen": key in by_site} for key, one in about.items() if key not in standing]
    place_of = dict(zip(rows, places, strict=True))
    circled = {one["properties"]["site_id"] for one in plan["circles"]}
    if stale := sorted(circled - by_site.keys()):
        notes.append(f"the plan's circles about {_some(stale)} are of no site that is open now; draw and take others")
    if set(by_site) != {one["properties"]["site_id"] for one in plan["sites"]}:
        notes.append("coverage is left out: it was measured to the sites that the plan was put in with")
    return {"sites": _write(sites, place_of), "candidates": _write(others, place_of)}, notes


def _by_id(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return rows of a table that a job was sent by id, sorted."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    known = know_columns(columns, SITE_COLUMNS, "candidates")  # as they were read when the job ran
    named = [{known.get(name, name): value for name, value in row.items()} for row in rows]
    column = next(name for name in ID_COLUMNS if any(name in row for row in named))
    return dict(sorted((str(row[column]).strip(), row) for row in named))


def _know_places(plan: Layers) -> dict[str, Feature]:
    return {one["properties"]["site_id"]: one for name in reversed(_PLACED) for one in plan[name]}


def _place(key: str, row: Mapping[str, Any], known: Feature | None) -> Any:
    """Return where a site lies, in degrees: as the job was told, else as the plan knows."""
    lon, lat = _number(row, "lon"), _number(row, "lat")
    if lon is not None and lat is not None:
        return shapely.Point(lon, lat)
    if known is not None:
        return geometries_of([known])[0]
    raise InputError(
        f"site {key!r} has no place: the job was sent no lon and lat of it, and it is no candidate, open centre or "
        "site of the plan"
    )


def _describe(key: str, row: Mapping[str, Any], known: Feature | None) -> dict[str, Any]:
    """Return CANDIDATES of a row that a job was sent; what it leaves out is as the plan knows."""
    before = {} if known is None else known["properties"]
    texts = {name: str(row.get(name) or before.get(name) or "").strip() for name in ("name", "kind", "mode")}
    cost, area = (_number(row, name) for name in ("cost", "floor_area_m2"))
    mode = MODES.get(texts["mode"], texts["mode"])
    return {
        "site_id": key,
        **texts,
        "mode": mode,
        "cost": before.get("cost") if cost is None else cost,
        "floor_area_m2": before.get("floor_area_m2") if area is None else area,
        "proposed": bool(before.get("proposed", False)),
    }


def _number(row: Mapping[str, Any], name: str) -> float | None:
    text = str(row.get(name, "")).strip()
    return None if row.get(name) is None or not text else float(text)


def _count_served(choice: Mapping[str, Any], demand: Sequence[Feature]) -> tuple[dict[str, int] | None, list[str]]:
    """Return the plan's households that each site serves; None where the job's demand is not that of the plan."""
    homes = {one["id"]: int(one["properties"]["households"]) for one in demand}
    strange = sorted(choice["assignment"].keys() - homes.keys())
    if strange:
        return None, [f"households of sites are left out: {_some(strange)} is no demand point of the plan"]
    parts = [(one["demand_id"], one["site_id"], one["share"]) for one in choice["shares"]]
    shared = {demand_id for demand_id, _, _ in parts}
    parts += [(key, site, 1.0) for key, site in choice["assignment"].items() if site is not None and key not in shared]
    served: dict[str, float] = {}
    for demand_id, site, share in sorted(parts):
        served[site] = served.get(site, 0.0) + homes[demand_id] * share
    left = len(homes.keys() - choice["assignment"].keys())
    notes = [f"{left} demand points of the plan were not among those of the job"] if left else []
    return {site: round(count) for site, count in served.items()}, notes


def _write(rows: Sequence[Mapping[str, Any]], place_of: Mapping[str, Any]) -> list[Feature]:
    """Return points as they are served, parsed."""
    names = rows[0] if rows else {}
    ids = [row["site_id"] for row in rows]
    points = round_lonlat(np.array([place_of[key] for key in ids], dtype=object))
    columns = {name: [_served(row[name]) for row in rows] for name in names}
    written: list[Feature] = orjson.loads(write_features(ids, points, columns))["features"]
    return written


def _served(value: Any) -> Any:
    return round(value, PROPERTY_DECIMALS) if isinstance(value, float) else value


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_TOLD
    return ", ".join(map(repr, names[:_NAMES_TOLD])) + (f" and {more} more" if more > 0 else "")


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], Layers], Made]] = {
    "circles": _take_circles,
    "site": _take_choice,
}
DIVISIONS = ("divide", "redivide")
"""Processes whose results are an assignment."""
NEEDED = ("blocks", "demand", "existing", "circles", "sites", "candidates")
"""Layers of a plan that are looked at when results are taken."""
