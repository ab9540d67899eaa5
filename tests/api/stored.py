"""A store that holds the toy plan, or that of a folder, as its import put it in."""

from pathlib import Path

from api.store.editing import import_plan
from api.store.folders import read_folder_plan
from api.store.records import Note
from api.store.store import create_store
from tests.api.toy_plan import build_toy_plan
from tests.store.served import serve_layers


def store_toy(path: Path) -> Path:
    """Make a store with the toy plan, and return its path."""
    plan, store = build_toy_plan(), create_store(path)
    import_plan(store, plan, serve_layers(plan), Note("office", "first"))
    store.close()
    return path


def store_folder(folder: Path, path: Path) -> Path:
    """Make a store with the plan of a folder, and return its path."""
    (plan, layers), store = read_folder_plan(folder), create_store(path)
    import_plan(store, plan, layers, Note("office", "first"))
    store.close()
    return path
