"""All property tests try the same examples on every machine, however slow it is; none touches the user's own cache."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("WANGGE_HYPOTHESIS", "same"))
_MEMORY, _ENOUGH = Path("/dev/shm"), 4 << 30
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
"""Files of tests lie in memory where there is enough: databases wait until each change has reached the disk."""
_AS_MANY = {
    "tests/api/test_end_to_end.py": 20,
    "tests/api/test_job_servers.py": 6,
    "tests/siting/test_every_condition.py": 3,
    "tests/test_notebooks.py": 3,
}
"""As how many of the others each test of a file counts that has few and long ones."""


class _SitingByOne(LoadFileScheduling):  # type: ignore[misc]
    """Files are handed out whole; the last worker takes those of siting first, the others take them last.

    So each of siting's many kernels, which are not compiled beforehand, is compiled by one worker and found by the
    others. Files of many tests come first; a few long tests count as many, or one worker ends long after the other.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        last = node is self.nodes[-1]
        wanted = [file for file in self.workqueue if file.startswith("tests/siting/") == last]
        if wanted:
            first = max(wanted, key=lambda file: len(self.workqueue[file]) * _AS_MANY.get(file, 1))
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Hand out whole files in an order of our own where whole files are asked for."""
    return _SitingByOne(config, log) if config.getoption("dist") == "loadfile" else None


gc.set_threshold(50_000, 20, 20)
"""Garbage is searched for less often: what is loaded and compiled stays, and to look through it again and again took a
seventh of the time of collecting tests, and a twenty-fifth of that of compiling kernels."""


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of searches for garbage: they took a twelfth of the time of all tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let clients know one authority for TLS, which no test speaks: to read all took longer than most answers."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    file = tmp_path_factory.mktemp("tls") / "one.pem"
    file.write_text(first + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session", autouse=True)
def _networks_kept_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep walk networks that are read out of the user's cache folder and of the folders that tests look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_CACHE", str(tmp_path_factory.mktemp("walk-cache")))
        yield
