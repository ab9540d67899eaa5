"""Feeds that go on from version to version are, byte for byte, those of a server that just started."""

import dataclasses
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

from api.layers import LoadedLayer
from api.snapshot import PlanFeeds
from api.store.changing import Change
from api.store.editing import Editor, import_plan
from api.store.place import Place
from api.store.records import STATUSES, Note
from api.store.store import Store, create_store
from api.store_feeds import StoredFeeds, read_feeds, read_lasting
from api.tiles import draw_tile
from spatial.errors import SpatialError
from spatial.io.vector_tiles import TileAddress
from spatial.plan.model import Plan
from spatial.tables import CIRCLES, SITES
from tests.plan.editing import strict_town
from tests.store.served import serve_layers

_STEPS = 12
_NOTE = Note("office", "")
_ROOT = TileAddress(0, 0, 0)
_DRAWN = ("blocks", "grids")


def _with_sites(plan: Plan) -> Plan:
    """The plan with two sites and their circles, which results of jobs replace."""
    places = plan.blocks.geometry.representative_point().iloc[[0, -1]].tolist()
    sites = [(f"s{n}", "", "service_centre", True, False, 300 * n, 200.0) for n in (1, 2)]
    circles = [(f"s{n}", "time", minutes, 66 * minutes, 40 * n) for n in (1, 2) for minutes in (5.0, 10.0)]
    drawn = [place.buffer(60 * step) for place in places for step in (1, 2)]
    return dataclasses.replace(
        plan,
        sites=gpd.GeoDataFrame(pd.DataFrame(sites, columns=[*SITES.columns]), geometry=places, crs=plan.crs),
        circles=gpd.GeoDataFrame(pd.DataFrame(circles, columns=[*CIRCLES.columns]), geometry=drawn, crs=plan.crs),
    )


_PLAN = _with_sites(strict_town())


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = create_store(place)
    import_plan(made, _PLAN, serve_layers(_PLAN), _NOTE)
    yield made
    made.close()


def _propose(editor: Editor, base: int, luck: random.Random) -> tuple[Change, str, int | None]:
    """Return some change of the last version: what it is called, and the version whose state comes back."""
    plan_id = _PLAN.plan_id
    state = editor.load(plan_id, base).state
    grids, blocks = sorted(set(state.assignment)), sorted(state.assignment.index)
    grid, value = luck.choice(grids), luck.choice([None, 1, 2.5, "x", True])
    edits: dict[str, dict[str, Any]] = {
        "move_blocks": {"blocks": luck.sample(blocks, luck.randint(1, 2)), "to": grid},
        "split": {"grid": grid},
        "merge": {"grids": luck.sample(grids, min(2, len(grids)))},
        "retire": {"grid": grid},
        "rename": {"grid": grid, "name": luck.choice(["", "北片"])},
        "lock": {"grids": [grid]},
        "unlock": {"grids": "all"},
        "create_dedicated": {"blocks": [luck.choice(blocks)], "name": "market", "purpose": "market"},
        "set_attributes": {"grid": grid, "attributes": {luck.choice("ab"): value}},
    }
    kind = luck.choice([*edits, "move_blocks", "undo", "undo", "redo", "redo", "layers"])
    if kind in ("undo", "redo"):
        back = editor.propose_undo if kind == "undo" else editor.propose_redo
        return back(plan_id, base)[0], kind, back(plan_id, base)[1]
    if kind != "layers":
        return editor.propose(plan_id, base, [{"kind": kind, **edits[kind]}]), "edit", None
    name = luck.choice(["sites", "circles"])
    rows = [{**one, "properties": dict(one["properties"])} for one in editor.read_layer(plan_id, base, name)]
    for one in rows:
        one["properties"]["households"] = luck.randint(0, 600)
    told = {"kind": "take_layers", "job": "j", "process": "site", "layers": [name], "profile": None, "finished": "then"}
    return editor.propose_layers(plan_id, base, {name: rows}, told), kind, None


def _live(store: Store, luck: random.Random) -> int:
    """Edit the plan, put some of its versions in force, and return the last one."""
    editor, head, tried = Editor(store), 1, 0
    while head < _STEPS and tried < 10 * _STEPS:
        tried += 1
        with suppress(SpatialError):  # an edit that cannot be made, nothing to be undone
            change, kind, state_of = _propose(editor, head, luck)
            if not change.delta.empty:
                note = Note("office", "", change.edits)
                head = editor.commit(change, note, kind=kind, state_of=state_of).version  # type: ignore[arg-type]
    for month, version in enumerate(sorted(luck.sample(range(1, head + 1), 3)), start=1):
        now = dataclasses.replace(store, clock=lambda month=month: f"2026-{month:02}-01T00:00:00.000000Z")
        for status in STATUSES[1:5]:
            now.set_status(_PLAN.plan_id, version, status, _NOTE)
    return head


def _assert_same(one: PlanFeeds, other: PlanFeeds) -> None:
    assert (one.digest, one.report, [*one.layers]) == (other.digest, other.report, [*other.layers])
    for name, layer in other.layers.items():
        mine = one.layers[name]
        assert (mine.ids, mine.features, mine.bbox) == (layer.ids, layer.features, layer.bbox), name
        assert (mine.size_bytes, dict(mine.row_of)) == (layer.size_bytes, dict(layer.row_of)), name
        assert mine.cuts.tolist() == layer.cuts.tolist(), name
        assert _write_columns(mine) == _write_columns(layer), name
        assert name not in _DRAWN or draw_tile(mine, _ROOT) == draw_tile(layer, _ROOT), name


def _write_columns(layer: LoadedLayer) -> list[tuple[str, str, str, str]]:
    """The columns in their order: name, kind, values and where they are missing."""
    return [
        (name, one.kind, f"{one.values.dtype} {one.values.tolist()}", f"{one.missing.tolist()}")
        for name, one in layer.columns.items()
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_was_edited_undone_taken_and_put_in_force(store: Store, seed: int) -> None:
    luck = random.Random(seed)
    head = _live(store, luck)
    plan_id, before = _PLAN.plan_id, None
    terms, lasting = store.list_terms(plan_id), read_lasting(store, plan_id)
    in_force = {term.version for term in terms}
    assert (len(in_force), head > 6) == (3, True)
    for number in [*range(1, head + 1), *luck.choices(range(1, head + 1), k=6)]:
        version = store.get_version(plan_id, number)
        anew: StoredFeeds = read_feeds(store, version, terms, read_lasting(store, plan_id))
        went_on = read_feeds(store, version, terms, lasting, before)
        _assert_same(went_on, anew)
        if number in in_force:
            _assert_same(went_on.public, anew.public)
        before = went_on
