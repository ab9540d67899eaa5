"""All property tests try the same examples on every machine, however slow it is; none touches the user's own cache."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("WANGGE_HYPOTHESIS", "same"))


@pytest.fixture(scope="session", autouse=True)
def _networks_kept_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep walk networks that are read out of the user's cache folder and of the folders that tests look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_CACHE", str(tmp_path_factory.mktemp("walk-cache")))
        yield


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of searches for garbage: they took a twelfth of the time of all tests."""
    gc.collect()
    gc.freeze()
