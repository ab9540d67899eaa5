"""How do blocks that a client sends, or those of the plan that is served, become grids while the proof is told?"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np
import orjson

from api.jobs.models import BlocksAsked, DivideAsked, RedivideAsked
from api.jobs.plain import to_plain, write_rows
from api.jobs.serving import Serving
from api.jobs.telling import DivisionTeller, Teller
from api.jobs.words import saying_inputs
from spatial.division.by_community import CommunityDivision, divide_communities
from spatial.division.divide import divide
from spatial.division.locks import Locks
from spatial.division.redivide import redivide
from spatial.division.warming import compile_first
from spatial.errors import InputError
from spatial.io.block_inputs import BlockInputs, BlockSources, check_grids, read_block_inputs
from spatial.io.division_report import (
    describe_communities,
    describe_community,
    describe_division,
    join_assignments,
    list_grids,
)
from spatial.io.listing import join_listed
from spatial.io.plan_folder import read_plan_folder
from spatial.io.plan_walks import profile_of, read_plan_blocks
from spatial.io.profiles import DEFAULT_PROFILE, read_profile
from spatial.profile import Profile

_ID = "block_id"


def run_divide(inputs: Any, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return blocks divided into grids: those sent as one question, those of a plan community by community."""
    asked = DivideAsked.model_validate(inputs)
    if asked.blocks is not None:
        if asked.communities is not None or asked.plan is not None:
            raise InputError("found blocks beside communities or a plan, needed one of the two")
        profile = _profile(asked, None)
        return _divide_sent(asked, _read_sent(asked, profile, teller), profile, None, teller)
    return _divide_plan(asked, serving, teller)


def run_redivide(inputs: Any, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return a division in which only some of today's grids are drawn anew."""
    asked = RedivideAsked.model_validate(inputs)
    if asked.blocks is None:
        profile, given = _read_plan(asked, serving, teller)
    else:
        if asked.current is None or asked.plan is not None:
            raise InputError(
                "found blocks beside a plan, or without current, needed today's grid of each block beside them"
            )
        profile = _profile(asked, None)
        given = _read_sent(asked, profile, teller)
    check_grids(given.current, tuple(asked.grids))
    return _divide_sent(asked, given, profile, sorted(set(asked.grids)), teller)


def _divide_sent(
    asked: BlocksAsked, given: BlockInputs, profile: Profile, grids: list[str] | None, teller: Teller
) -> dict[str, Any]:
    """Return all blocks divided, or only some of today's grids; the budget is for searching alone."""
    compile_first(profile, teller.progress)
    began, watcher = monotonic(), DivisionTeller(teller)
    rng = np.random.default_rng([asked.seed, 1])
    brought: dict[str, Any] = {"current": given.current, "locks": given.locks, "grids": grids}
    options = {name: value for name, value in brought.items() if value is not None}
    run: Any = divide if grids is None else redivide
    division = run(
        given.blocks, given.adjacency, profile, rng=rng, budget_s=asked.budget_s, on_progress=watcher, **options
    )
    rows = list_grids(given.blocks, division.assignment, division.explanations, profile)
    told = describe_division(division, rows, seconds=monotonic() - began)
    return _answer(told, division.assignment, given.listed, profile)


def _divide_plan(asked: DivideAsked, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return communities of the plan that is served, divided each by itself."""
    if asked.current is not None:
        raise InputError("found current without blocks, needed blocks beside it: a plan knows its own grids")
    profile, given = _read_plan(asked, serving, teller)
    if given.locks is not None:
        raise InputError("found fixed or together without blocks, needed blocks beside them")
    blocks, adjacency = _pick(given, asked.communities)
    compile_first(profile, teller.progress)
    began = monotonic()

    def on_done(one: CommunityDivision) -> None:
        mine = blocks[(blocks["community_id"] == one.community_id).to_numpy()]
        rows = list_grids(mine, one.division.assignment, one.division.explanations, profile)
        assignment = one.division.assignment.to_dict()
        teller.event("community", to_plain({**describe_community(one, rows), "assignment": assignment}))

    done = divide_communities(
        blocks,
        adjacency,
        profile,
        seed=asked.seed,
        budget_s=asked.budget_s,
        on_progress=teller.progress,
        on_done=on_done,
    )
    told = describe_communities(done, blocks, adjacency, profile, seconds=monotonic() - began)
    return _answer(told, join_assignments(done), given.listed, profile)


def _pick(given: BlockInputs, communities: list[str] | None) -> tuple[Any, Any]:
    """Return the blocks of communities, all where none is named, and the borders between them."""
    blocks, adjacency = given.blocks, given.adjacency
    if communities is None:
        return blocks, adjacency
    known = set(blocks["community_id"])
    strange = sorted(set(communities) - known)
    if strange:
        some = ", ".join(sorted(known)[:10])
        raise InputError(f"communities: found {strange[0]!r}, needed some of the plan's: {some}")
    blocks = blocks[blocks["community_id"].isin(communities).to_numpy()].reset_index(drop=True)
    ids = set(blocks[_ID])
    inside = adjacency["focal"].isin(ids) & adjacency["neighbor"].isin(ids)
    return blocks, adjacency[inside.to_numpy()].reset_index(drop=True)


def _read_plan(asked: BlocksAsked, serving: Serving, teller: Teller) -> tuple[Profile, BlockInputs]:
    """Return the plan that is served as inputs of a division."""
    if asked.adjacency is not None:
        raise InputError("found adjacency without blocks, needed blocks beside it")
    teller.progress("reading the plan", 0.0)
    locks = Locks(dict(asked.fixed), tuple(tuple(one) for one in asked.together))
    tied = locks if locks.fixed or locks.together else None
    if asked.plan is not None:
        return _read_stored(asked, asked.plan, serving, tied)
    plan = read_plan_folder(serving.plan_folder())
    blocks, adjacency = read_plan_blocks(plan)
    current = blocks.set_index(_ID)["grid_id"].sort_index()
    return _profile(asked, profile_of(plan)), BlockInputs(blocks, adjacency, current, tied, join_listed([]), {})


def _read_stored(asked: BlocksAsked, plan_id: str, serving: Serving, tied: Locks | None) -> tuple[Profile, BlockInputs]:
    """Return the last version of a plan of the store; grids that are locked there are not drawn anew."""
    from api.store.states import to_state  # here: a server of a folder alone need not load what edits

    store = serving.open_store()
    try:
        plan = store.read_plan(plan_id)
        state = to_state(store.read_grids(plan_id, store.get_version(plan_id).version))
    finally:
        store.close()
    locked = set(state.grids.index[state.grids["locked"].to_numpy(dtype=bool)])
    kept = sorted(locked & set(asked.grids if isinstance(asked, RedivideAsked) else ()))
    if kept:
        raise InputError(f"grid {kept[0]!r} is locked, needed grids that are not; unlock it first")
    given = BlockInputs(plan.blocks, plan.adjacency, state.assignment, tied, join_listed([]), {})
    return _profile(asked, plan.profile), given


def _profile(asked: BlocksAsked, own: Profile | None) -> Profile:
    if asked.profile is None:
        return own or read_profile(DEFAULT_PROFILE)
    return read_profile(asked.profile)


def _read_sent(asked: Any, profile: Profile, teller: Teller) -> BlockInputs:
    """Return what was sent, read by what reads files: the same checks, the same sentences, the same answer."""
    with TemporaryDirectory(prefix="wangge-") as name:
        folder = Path(name)
        features = [_with_id(feature) for feature in asked.blocks.features]
        blocks = {"type": "FeatureCollection", "features": features}
        (folder / "blocks.geojson").write_bytes(orjson.dumps(blocks))
        sources = BlockSources(folder / "blocks.geojson", asked.households, coords="wgs84")
        if asked.adjacency is not None:
            rows = [border.model_dump(exclude_none=True) for border in asked.adjacency]
            sources = replace(sources, adjacency=write_rows(rows, folder / "adjacency.csv"))
        if asked.current is not None:
            today = [{_ID: block, "grid_id": grid} for block, grid in sorted(asked.current.items())]
            sources = replace(sources, current=write_rows(today, folder / "current.csv"))
        if asked.fixed or asked.together:
            (folder / "locks.json").write_text(json.dumps({"fixed": asked.fixed, "together": asked.together}))
            sources = replace(sources, locks=folder / "locks.json")
        with saying_inputs():
            return read_block_inputs(sources, profile, on_progress=teller.progress)


def _with_id(feature: dict[str, Any]) -> dict[str, Any]:
    """Return a feature whose id stands among its properties, where a table keeps it."""
    properties = feature.get("properties")
    if not isinstance(properties, Mapping) or _ID in properties or feature.get("id") in (None, ""):
        return feature
    return {**feature, "properties": {_ID: str(feature["id"]), **properties}}


def _answer(told: dict[str, Any], assignment: Any, listed: Any, profile: Profile) -> dict[str, Any]:
    whole = {"trace": [], "communities": [], **told, "assignment": assignment.to_dict(), "profile": profile.name}
    finite: dict[str, Any] = to_plain({**whole, "listed": listed.to_dict("records")})
    return finite
