"""One toy plan on disk and one server of it for all tests of the feeds."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from spatial.io.plan_folder import write_plan
from tests.api.live import serving
from tests.api.toy_plan import build_toy_inputs, build_toy_plan, toy_scorecard, toy_violations


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "plan"
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), "inputs": build_toy_inputs()}
    return write_plan(build_toy_plan(), folder, **given)


@pytest.fixture(scope="session")
def address(toy_folder: Path) -> Iterator[str]:
    with serving(toy_folder) as at:
        yield at


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as one:
        yield one
