"""Suites that others wrote: OGC's tests of Features, and a registry of what the standards of OGC API claim and ask for.

The OGC suite pins old libraries, so it has a virtual environment of its own: the folder that ``WANGGE_OGCTESTS`` names.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.live import serving
from tests.api.stored import store_toy
from tests.store.served import TOY

_SUITE = """
import sys, httpx
from ogctests.main import run_ogctests
with httpx.Client(base_url=sys.argv[1], timeout=30) as client:
    sys.exit(run_ogctests("features/core", sys.argv[1], ["-q", "-p", "no:cacheprovider", "-W", "ignore"], client))
"""


@pytest.fixture(scope="module")
def every(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Addresses of a plan folder, of a stored plan's feeds, and of a server without a plan folder."""
    store = store_toy(tmp_path_factory.mktemp("every") / "plans.gpkg")
    with serving(toy_folder, store=store) as one, serving(None, store=store) as other:
        yield one, f"{one}/plans/{TOY}/feeds", other


def test_the_tests_of_ogc_for_features_pass(address: str, tmp_path: Path) -> None:
    python = Path(os.environ.get("WANGGE_OGCTESTS", "")) / "bin" / "python"
    if not python.is_file():
        pytest.skip("needs WANGGE_OGCTESTS: a virtual environment with `pip install ogctests` (29 tests)")
    ran = subprocess.run(
        [str(python), "-c", _SUITE, address], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "29 passed" in ran.stdout


def test_the_registry_of_ogc_knows_every_claim_and_finds_each_in_the_document(every: tuple[str, ...]) -> None:
    registry = pytest.importorskip("ogcapi_registry", reason="needs `pip install ogcapi-registry`")
    for address in every:
        claims = httpx.get(f"{address}/conformance").json()["conformsTo"]
        document = httpx.get(f"{address}/openapi.json").json()
        assert len(set(claims)) == len(claims)
        known = registry.validate_conformance(claims)
        # Of standards that the registry has not read nothing can be unknown to it; of the others nothing may be.
        read = {found.spec for found in registry.KNOWN_CONFORMANCE_CLASSES.values()}
        assert [one for one in known.unrecognised if one.split("/spec/")[1].split("/")[0] in read] == []
        assert len(known.recognised) >= 6
        told = registry.validate_ogc_api(document, registry.parse_conformance_classes(claims))
        assert told.is_compliant, told.critical_errors
        # Feeds in shifted coordinates are none of OGC's, though their addresses end like theirs.
        assert [one for one in told.errors if not one["path"].startswith("paths//feeds/")] == []


def test_the_registry_finds_a_claim_that_is_false(address: str) -> None:
    registry = pytest.importorskip("ogcapi_registry", reason="needs `pip install ogcapi-registry`")
    claims = registry.parse_conformance_classes(httpx.get(f"{address}/conformance").json()["conformsTo"])
    document = httpx.get(f"{address}/openapi.json").json()
    del document["paths"]["/jobs/{jobId}"]["delete"]
    assert "delete" in str(registry.validate_ogc_api(document, claims).critical_errors).lower()
    wrong = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/gml"
    assert registry.validate_conformance([wrong]).unrecognised == (wrong,)
