"""Where real data lies that is not part of the project: the folder named in WANGGE_DATA, else ../shared/data."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def real(relative: str) -> Path:
    """Return the path of a real data file, or skip the test with the reason."""
    root = Path(os.environ.get("WANGGE_DATA", _BESIDE))
    path = root / relative
    if not path.exists():
        pytest.skip(f"real data not here: {path} (set WANGGE_DATA to the folder that holds it)")
    return path
