"""Suites that others wrote: OGC's tests of Features, and requests made from the OpenAPI document.

The OGC suite pins old libraries, so it has a virtual environment of its own: the folder that ``WANGGE_OGCTESTS`` names.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

_SUITE = """
import sys, httpx
from ogctests.main import run_ogctests
with httpx.Client(base_url=sys.argv[1], timeout=30) as client:
    sys.exit(run_ogctests("features/core", sys.argv[1], ["-q", "-p", "no:cacheprovider", "-W", "ignore"], client))
"""
_PATHS = r"^/($|conformance|collections|tileMatrixSets|feeds|downloads|locate|plan/(report|metrics|files))"


def test_the_tests_of_ogc_for_features_pass(address: str, tmp_path: Path) -> None:
    python = Path(os.environ.get("WANGGE_OGCTESTS", "")) / "bin" / "python"
    if not python.is_file():
        pytest.skip("needs WANGGE_OGCTESTS: a virtual environment with `pip install ogctests` (29 tests)")
    ran = subprocess.run(
        [str(python), "-c", _SUITE, address], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "29 passed" in ran.stdout


def test_no_request_of_the_openapi_document_finds_a_fault(address: str) -> None:
    schema = schemathesis.openapi.from_dict(_narrow(httpx.get(f"{address}/openapi.json").json()))
    schema.config.update(base_url=address)
    operations = [found.ok() for found in schema.include(path_regex=_PATHS).get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        for mode in GenerationMode:
            _ask(operation, mode)


_VALUES = {
    "collectionId": ["grids", "circles", "violations", "rivers"],
    "featureId": ["g1", "s1-time-5min", "x/y"],
    "tileMatrixSetId": ["WebMercatorQuad", "WorldCRS84Quad"],
    "tileMatrix": [0, 1, 23],
    "tileRow": [0, -1],
    "tileCol": [0],
    "file": ["grids.gpkg", "sites.csv", "estates.zip", "grids.fgb", "grids.dwg"],
    "name": ["report.json", "grids.geojson", "../secret"],
    "crs": ["http://www.opengis.net/def/crs/EPSG/0/4547", "http://www.opengis.net/def/crs/EPSG/0/1"],
    "bbox-crs": ["http://www.opengis.net/def/crs/EPSG/0/3857", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
    "filter-crs": ["http://www.opengis.net/def/crs/EPSG/0/4490"],
    "filter": ["households > 3", "oversize", "S_INTERSECTS(geometry, POINT(114.3 30.6))", "nonsense(", "minutes < 9"],
}
"""Values of parameters that lead somewhere, among some that do not: by chance none would."""


def _narrow(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with values to choose from in place of any text."""
    for path in document["paths"].values():
        for operation in path.values():
            for one in operation.get("parameters", ()):
                if one["name"] in _VALUES:
                    one["schema"] = {"type": one["schema"]["type"], "enum": _VALUES[one["name"]]}
    return document


def _ask(operation: Any, mode: GenerationMode) -> None:
    # A value may be well formed and yet name nothing there is: a layer, a system, a property of an expression.
    free = [positive_data_acceptance]

    @given(operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def hold(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=free)

    with suppress(Unsatisfiable):  # some operations cannot be asked wrongly
        hold()
