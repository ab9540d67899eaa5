"""A wheel holds the programs, the profiles and the built map page, where the server looks for it, and nothing else."""

import subprocess
import sys
import zipfile

import pytest

from api.settings import Settings
from tests.api.live import ROOT

PAGE = ROOT / "api" / "web" / "dist" / "index.html"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_wheel_holds_both_packages_and_the_profiles(names: set[str]) -> None:
    assert {"spatial/cli.py", "api/main.py", "spatial/_profiles/about_500.toml"} <= names


@pytest.mark.skipif(not PAGE.is_file(), reason="the map page is not built; run `make web`")
def test_of_the_map_page_a_wheel_holds_what_is_built_where_the_server_looks_for_it(names: set[str]) -> None:
    built = {path.relative_to(ROOT).as_posix() for path in PAGE.parent.rglob("*") if path.is_file()}
    assert {name for name in names if name.startswith("api/web/")} == built - {"api/web/dist/.built"}
    assert Settings().web / "index.html" == PAGE
