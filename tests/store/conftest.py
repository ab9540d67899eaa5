"""The toy plan in a store of either kind; it is put in once, and copied for each test."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from api.store.editing import Editor, import_plan
from api.store.place import Place
from api.store.records import Note
from api.store.store import Store, create_store, open_store
from tests.api.toy_plan import build_toy_plan
from tests.store import postgres
from tests.store.served import serve_layers

_NUMBER = count(1)


def _fill(place: Place) -> None:
    store, plan = create_store(place), build_toy_plan()
    import_plan(store, plan, serve_layers(plan), Note("office", "first"))
    store.close()


@pytest.fixture(scope="session")
def toy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GeoPackage with the toy plan, to be copied."""
    path = tmp_path_factory.mktemp("store") / "toy.gpkg"
    _fill(path)
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server whose database ``toy`` holds the toy plan, to be copied."""
    why = postgres.why_not()
    if why:
        pytest.skip(why)
    with postgres.running() as address:
        postgres.create_database(address, "toy")
        _fill(f"{address}/toy")
        yield address


@pytest.fixture(params=["geopackage", "postgis"])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of store."""
    return str(request.param)


@pytest.fixture
def place(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place without a store."""
    if backend == "geopackage":
        return tmp_path / "plans.gpkg"
    return new_database(request, "template1")


@pytest.fixture
def toy_place(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place with a store that holds the toy plan."""
    if backend == "geopackage":
        return Path(shutil.copy(request.getfixturevalue("toy_file"), tmp_path / "plans.gpkg"))
    return new_database(request, "toy")


def new_database(request: pytest.FixtureRequest, like: str) -> str:
    """Return the address of a new database that is a copy of another."""
    address = request.getfixturevalue("server")
    name = f"plans{next(_NUMBER)}"
    postgres.create_database(address, name, like=like)
    return f"{address}/{name}"


@pytest.fixture
def editor(toy_place: Place) -> Iterator[Editor]:
    """An editor of a store that holds the toy plan."""
    store = open_store(toy_place)
    yield Editor(store)
    store.close()


@pytest.fixture
def file_store(toy_file: Path, tmp_path: Path) -> Iterator[Store]:
    """A GeoPackage that holds the toy plan."""
    store = open_store(shutil.copy(toy_file, tmp_path / "plans.gpkg"))
    yield store
    store.close()
