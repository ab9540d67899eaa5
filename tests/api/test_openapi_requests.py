"""Requests made from the OpenAPI documents find no fault: every address, what is well formed and what is not.

Served is all there is: a plan folder, a street map, a store with a plan, jobs. By chance no request would lead
anywhere, so parameters and bodies are made of values that are there, among some that are not.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance

from tests.api.live import serving
from tests.api.stored import store_toy
from tests.store.served import TOY
from tests.walking.walk_files import lonlat, write_osm

FEEDS = f"/plans/{TOY}/feeds"
EXAMPLES = {"": 6, FEEDS: 4}
"""Requests of each operation and kind, by the document; the feeds of a store are those of a folder once more."""
TIMEOUT_S = 60.0
SYSTEM = "http://www.opengis.net/def/crs"
VALUES: dict[str, list[Any]] = {
    "collectionId": ["grids", "circles", "violations", "rivers"],
    "tileMatrixSetId": ["WebMercatorQuad", "WorldCRS84Quad"],
    "tileMatrix": [1, 23],
    "tileRow": [0, -1],
    "tileCol": [1],
    "file": ["grids.gpkg", "sites.csv", "estates.zip", "grids.fgb", "grids.dwg"],
    "name": ["report.json", "grids.geojson", "../secret"],
    "crs": [f"{SYSTEM}/EPSG/0/4547", f"{SYSTEM}/EPSG/0/1"],
    "bbox-crs": [f"{SYSTEM}/EPSG/0/3857", f"{SYSTEM}/OGC/1.3/CRS84"],
    "filter-crs": [f"{SYSTEM}/EPSG/0/4490"],
    "filter": ["households > 3", "oversize", "S_INTERSECTS(geometry, POINT(114.3 30.6))", "nonsense(", "minutes < 9"],
    "planId": [TOY],
    "version": [1, 2, 99],
    "layer": ["grids", "blocks", "rivers"],
    "processID": ["divide", "circles", "nothing"],
}
"""Values of parameters that lead somewhere, among some that do not."""

_PLACES = [list(lonlat(1000, 10)), list(lonlat(300, 0)), [0, 0]]
_GRIDS = ["g1", "g2", "g3", "g9"]
_SOME_GRIDS = [["g1"], ["g1", "g2"], ["g9"]]
_BRIDGES: list[Any] = [[], [_PLACES[:2]]]
_ALSO = {"close": [[], ["gate 1"]], "add": _BRIDGES, "metres": [None]}
WITHIN: dict[str, dict[str, list[Any]]] = {
    "EditsAsked": {
        **dict.fromkeys(("grid", "to", "into"), _GRIDS),
        "grids": _SOME_GRIDS,
        "blocks": [["b1"], ["b2", "b3"], ["b9"]],
        "attributes": [{"lead": None, "phase": 2}, {"": 1}],
        "line": [[[114.3, 30.601], [114.31, 30.601]]],
        "budget_s": [0.01],
    },
    "RepairAsked": {"grids": [*_SOME_GRIDS, None]},
    "StatusAsked": {"version": [1, 2]},
    "CirclesAsked": {**_ALSO, "points": [_PLACES[:1], _PLACES[:2], _PLACES], "minutes": [[5], [5, 10], None]},
    "TimesAsked": {**_ALSO, "sources": [_PLACES[:1], []], "demand": [_PLACES[:2]], "minutes": [5, None]},
    "DivideAsked": {"blocks": [None], "plan": [TOY, "none", None], "budget_s": [0.01], "current": [None]},
    "RedivideAsked": {"blocks": [None], "plan": [TOY], "grids": _SOME_GRIDS, "budget_s": [0.01], "current": [None]},
}
"""By model of what is sent, values of its members, where it is well formed: much else is well formed too."""
WELL_FORMED: dict[str, list[Any]] = {
    "featureId": ["g1", "s1-time-5min", "x/y"],
    "If-Match": ["*", "*", '"v1-000000000000"'],
    "lon": [_PLACES[0][0], 0],
    "lat": [_PLACES[0][1]],
}
"""As VALUES, of parameters of which other values are well formed too."""


@dataclass(frozen=True, slots=True)
class Served:
    """The address of a server of everything, and its OpenAPI documents, by the path that they are about."""

    address: str
    documents: Mapping[str, dict[str, Any]]
    jobs: tuple[str, ...]


@pytest.fixture(scope="module")
def served(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("whole")
    kept = {"jobs": str(folder / "jobs.sqlite"), "cache": str(folder / "kept")}
    bounds = {"job_workers": "1", "job_queue_max": "10000", "job_seconds_max": "30"}
    given = {"osm": write_osm(folder / "town.osm"), "store": store_toy(folder / "plans.gpkg"), **kept, **bounds}
    with serving(toy_folder, **given) as at, httpx.Client(base_url=at, timeout=60) as client:
        documents = {path: client.get(f"{path}/openapi.json").json() for path in EXAMPLES}
        asked = {"inputs": {"points": _PLACES[:1], "metres": [300]}}
        drawn = client.post("/processes/circles/execution", json=asked)
        assert drawn.status_code == 200, drawn.text
        lost = client.post("/processes/divide/execution", json={"inputs": {"plan": "none"}}).json()
        jobs = client.get("/jobs").json()["jobs"]
        yield Served(at, documents, (*(one["jobID"] for one in jobs if one != lost), lost["jobID"]))


# What is not well formed goes first: jobs that are well formed fill the queue.
@pytest.mark.parametrize("mode", [GenerationMode.NEGATIVE, GenerationMode.POSITIVE], ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("path", EXAMPLES, ids=["server", "feeds_of_a_stored_plan"])
def test_no_request_finds_a_fault(served: Served, path: str, mode: GenerationMode) -> None:
    document = narrow(served.documents[path], jobs=served.jobs, mode=mode)
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=served.address + path)
    operations = sorted((found.ok() for found in schema.get_all_operations()), key=_turn)
    for operation in operations:
        _ask(operation, mode, EXAMPLES[path])


@pytest.mark.parametrize("path", EXAMPLES, ids=["server", "feeds_of_a_stored_plan"])
def test_a_document_is_valid_by_the_schema_of_openapi_3_0(served: Served, path: str) -> None:
    document: Any = orjson.loads(orjson.dumps(served.documents[path]))
    schemathesis.openapi.from_dict(document).validate()
    document["paths"]["/locate"]["get"]["parameters"][0]["schema"]["exclusiveMinimum"] = 3  # as 3.1 writes it
    with pytest.raises(ValueError, match="exclusiveMinimum"):
        schemathesis.openapi.from_dict(document).validate()


def test_the_documents_tell_of_every_kind_of_address(served: Served) -> None:
    told = {path.split("/")[1] for path in served.documents[""]["paths"]}
    kinds = {"", "conformance", "collections", "tileMatrixSets", "downloads", "feeds", "locate", "plan", "plans"}
    assert told == kinds | {"walking", "processes", "jobs"}
    assert {path.split("/")[1] for path in served.documents[FEEDS]["paths"]} == kinds - {"plan", "plans"}


def _turn(operation: Any) -> tuple[int, str]:
    """Return when an operation is asked: quick processes before those that fill the queue, removing jobs last."""
    quick = re.search(r"/(walk|circles)/execution", operation.path) is not None
    return (0 if quick else 2 if operation.method.upper() == "DELETE" else 1), operation.label


def narrow(document: dict[str, Any], *, jobs: tuple[str, ...], mode: GenerationMode) -> dict[str, Any]:
    """Return a document with values to choose from in place of any text."""
    made: dict[str, Any] = orjson.loads(orjson.dumps(document))
    well_formed = mode is GenerationMode.POSITIVE
    values = {**VALUES, "jobId": [*jobs, "none"], **(WELL_FORMED if well_formed else {})}
    for path in made["paths"].values():
        for operation in path.values():
            for one in operation.get("parameters", ()):
                if one["name"] in values and one["schema"].get("type") != "array":
                    kind = {key: value for key, value in one["schema"].items() if key == "type"}
                    one["schema"] = {**kind, "enum": values[one["name"]]}
    taken: dict[str, list[Any]] = {"job": [*jobs, "none"], "layers": [["circles"], None]}
    for name, members in {**WITHIN, "TakeAsked": taken}.items():
        if well_formed and name in made["components"]["schemas"]:
            _choose(made["components"]["schemas"][name], members)
    return made


def _choose(node: Any, members: dict[str, list[Any]]) -> None:
    """Let members take these values alone, at any depth of a schema."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _choose(inner, members)
    properties = node.get("properties", {}) if isinstance(node, dict) else {}
    for name in properties.keys() & members.keys():
        properties[name] = {"enum": members[name], "nullable": None in members[name]}


def _ask(operation: Any, mode: GenerationMode, examples: int) -> None:
    # A value may be well formed and yet name nothing there is: a layer, a system, a property of an expression. What may
    # be done (Allow) hangs on the collection, one address of which stands for all in the document.
    free = [positive_data_acceptance, allow_header_conformance]

    @given(operation.as_strategy(generation_mode=mode))
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None,
              phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    def hold(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=free, timeout=TIMEOUT_S)

    with suppress(Unsatisfiable):  # some operations cannot be asked wrongly
        hold()
