"""How long does a planner wait for an edit? ``python -m tests.bench.bench_edits`` prints Markdown tables.

An invented district of 20,000 buildings (``--communities`` for others). First every kind of edit as a request to a
server of its store in this process: all processor time from the request to the answer, each time on grids that were
not edited before, the client's own time of about 3 ms in it. Answers are not compressed: the 2 MB of one about all
grids take gzip another 10 ms.

Then the edits alone, without a store. Milliseconds are processor time, the least of five
runs, each on a ground that knows what the grids before the edit measure, as after any first look at them, and nothing
of those after it. Beside each edit stands what the same answer costs without looking at the changed grids alone: all
grids built and the whole plan checked once more. The peer is what Districtr v2 does after a change (it is named in its
own notes): the changed districts united, and their units' graph asked for its components by networkx, without any
number or rule.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from starlette.testclient import TestClient

import spatial
from api.main import create_app
from api.settings import Settings
from api.store.editing import import_plan
from api.store.records import Note
from api.store.store import create_store
from spatial.crs import to_lonlat
from spatial.plan import edit_kinds as kinds
from spatial.plan.checks import check_plan
from spatial.plan.codes import assign_codes
from spatial.plan.edit_kinds import Edit
from spatial.plan.edits import Ground, State, apply_edits, begin, build_ground, propose_repair
from spatial.plan.grids import build_grids
from spatial.plan.model import Plan
from spatial.plan.pieces import split_pieces
from spatial.plan.state import open_draft
from spatial.tables import CIRCLES, SITES
from tests.bench.bench_land import make_city
from tests.store.served import serve_layers

_RUNS, _SEED = 5, 1


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--communities", type=int, default=156)
    plan = _make_plan(parser.parse_args().communities)
    _print_requests(plan)
    ground_s, ground = _least(lambda: build_ground(plan), 1)
    state = begin(plan)
    whole_s, _ = _least(lambda: _answer_whole(plan), 2)
    print(
        f"{len(plan.demand):,} buildings, {len(plan.blocks):,} blocks, {len(plan.grids):,} grids; ground prepared once"
    )
    print(f"in {ground_s:.2f} s; all grids built and the whole plan checked in {1000 * whole_s:.0f} ms\n")
    print("| edit | ms | whole plan / this | this / peer | changed grids |\n|---|---|---|---|---|")
    _apply(ground, state, kinds.Lock("all"))  # now the ground knows the grids of today
    for edit in _list_edits(ground, state):
        grounds = iter([replace(ground, measured=dict(ground.measured)) for _ in range(_RUNS)])
        spent, out = _least(lambda edit=edit, grounds=grounds: _apply(next(grounds), state, edit))  # type: ignore[misc]
        peer = _time_peer(ground, out)
        ratio = (
            "networkx is not here"
            if peer is None
            else f"{spent / peer:.1f}"
            if out.changed_grids
            else "nothing changed"
        )
        print(f"| {edit.kind} | {1000 * spent:.0f} | {whole_s / spent:.0f} | {ratio} | {len(out.changed_grids)} |")
    _print_repairs(ground, state)


def _print_requests(plan: Plan) -> None:
    """Let every kind of edit be made a few times by a server, and print what each took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plans.gpkg"
        store = create_store(path)
        import_plan(store, plan, serve_layers(plan), Note("bench", ""))
        store.close()
        spent: dict[str, list[float]] = {}
        app = create_app(None, Settings(), store=path)
        gc.freeze()  # as ``serve`` does
        plain = {"Accept-Encoding": "identity"}  # the client would inflate in this process too
        with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1), headers=plain) as client:
            for name, address, body in _list_requests(plan):
                _ask(client, name, address, body, spent)
    print(f"| request to a server of {len(plan.demand):,} buildings | median ms | most ms | times |\n|---|---|---|---|")
    for name, some in spent.items():
        print(f"| {name} | {np.median(some):.0f} | {max(some):.0f} | {len(some)} |")
    print()


def _ask(client: TestClient, name: str, address: str, body: dict[str, Any] | None, spent: dict[str, Any]) -> None:
    here = "/plans/city"
    tag = {} if body is None else {"If-Match": client.get(here).headers["ETag"]}
    began = time.process_time()
    answer = client.get(here + address) if body is None else client.post(here + address, json=body, headers=tag)
    passed = 1000 * (time.process_time() - began)
    if answer.status_code != 400:  # such as a grid that would lose its last block
        assert answer.status_code in (200, 201), answer.text
        spent.setdefault(name, []).append(passed)


def _list_requests(plan: Plan) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """Yield name, address and body of requests: reads first, then rounds of every kind of edit, each elsewhere."""
    yield (
        "first edit after a start",
        "/edits",
        _as_body({"kind": "rename", "grid": plan.grids["grid_id"][0], "name": "一"}),
    )
    yield "first page of a feed after a start", "/feeds/collections/grids/items?limit=1", None
    ground, label = build_ground(plan), plan.assignment
    grids = plan.grids.set_index("grid_id")
    homes = label.groupby(label).groups
    roomy = [name for name in grids.index if len(homes[name]) >= 4]
    ends = [ground.index[end[ground.contact]] for end in (ground.first, ground.second)]
    beside = {one: other for one, other in zip(*(label[end] for end in ends), strict=True) if one != other}
    turns = iter(np.random.default_rng(_SEED).permutation([name for name in roomy if name in beside]).tolist())
    for number in range(_RUNS):
        corners = shapely.get_coordinates(
            to_lonlat(shapely.box(*grids.geometry[across := next(turns)].bounds), plan.crs)
        )
        (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
        line = [[west - 1e-4, (south + north) / 2], [east + 1e-4, (south + north) / 2]]
        two, three, four, five, six = ([one := next(turns), beside[one]] for _ in range(5))
        some = grids.index[20 * number : 20 * number + 20].tolist()
        for edit in (
            {"kind": "move_blocks", "blocks": [homes[two[0]][0]], "to": two[1]},
            {"kind": "split_along", "grid": across, "line": line},
            {"kind": "split", "grid": next(turns), "parts": 2},
            {"kind": "merge", "grids": three},
            {"kind": "create_dedicated", "blocks": [homes[four[0]][0]], "name": "市场"},
            {"kind": "retire", "grid": five[0]},
            {"kind": "rename", "grid": six[0], "name": f"北片{number}"},
            {"kind": "set_attributes", "grid": six[1], "attributes": {"面积": number}},
            *({"kind": kind, "grids": [six[0]]} for kind in ("lock", "unlock")),
            *({"kind": kind, "grids": some} for kind in ("lock", "unlock")),
            {"kind": "repair"},
            *({"kind": kind, "grids": "all"} for kind in ("lock", "unlock")),
        ):
            count = edit["grids"] if edit["kind"] in ("lock", "unlock") else ()
            many = "all" if count == "all" else {0: "", 1: "one"}.get(len(count), "twenty")
            yield f"{edit['kind']} {many}".strip(), "/edits", _as_body(edit)
        yield "undo (of all grids)", "/undo", {}
        yield "redo (of all grids)", "/redo", {}
        yield "proposed repair", "/repair", {}
        yield "dry run of a name", "/edits?dry_run=true", _as_body({"kind": "rename", "grid": six[1], "name": "试"})


def _as_body(edit: dict[str, Any]) -> dict[str, Any]:
    return {"edits": [edit]}


def _make_plan(communities: int) -> Plan:
    profile = spatial.read_profile("about_500")
    land = spatial.build_blocks(make_city(communities), profile)
    quick = replace(profile, division=replace(profile.division, proof_nodes_per_block=0, moves_per_block=100))
    label = spatial.divide(land.blocks, land.adjacency, quick, rng=np.random.default_rng(_SEED)).assignment
    grids = build_grids(land.blocks, label, profile, adjacency=land.adjacency)
    crs = land.blocks.crs
    return Plan(
        plan_id="city",
        version=1,
        profile=profile,
        area=land.area,
        communities=land.communities,
        blocks=land.blocks,
        adjacency=land.adjacency,
        demand=land.demand,
        assignment=label,
        grids=grids.assign(code=assign_codes(grids, land.communities)),
        sites=SITES.empty(crs),
        circles=CIRCLES.empty(crs),
        barriers=land.barriers,
        report={},
    )


def _answer_whole(plan: Plan) -> Any:
    grids = build_grids(plan.blocks, plan.assignment, plan.profile, adjacency=plan.adjacency)
    return check_plan(replace(plan, grids=grids))


def _list_edits(ground: Ground, state: State) -> list[Edit]:
    """Return an edit of each kind about the middle of the city."""
    label = state.assignment.to_numpy(dtype=object)
    size = state.assignment.value_counts()
    lawful = ground.contact & (label[ground.first] != label[ground.second])
    lawful &= (size[label[ground.first]].to_numpy() > 3) & (
        ground.community[ground.first] == ground.community[ground.second]
    )
    middle = ground.bounds.mean(axis=0)[:2]
    away = np.hypot(*(ground.bounds[ground.first, :2] - middle).T)
    border = int(np.flatnonzero(lawful)[np.argmin(away[lawful])])
    block, one, other = (
        str(ground.index[ground.first[border]]),
        label[ground.first[border]],
        label[ground.second[border]],
    )
    rows = np.flatnonzero(label == one)
    west, south = ground.bounds[rows, :2].min(axis=0)
    east, north = ground.bounds[rows, 2:].max(axis=0)
    across = ((west - 9, (south + north) / 2), (east + 9, (south + north) / 2))
    return [
        kinds.MoveBlocks((block,), other),
        kinds.SplitAlong(one, across),
        kinds.Split(one, 2),
        kinds.Merge((one, other)),
        kinds.CreateDedicated((block,), "市场"),
        kinds.Retire(one),
        kinds.Rename(one, "北片"),
        kinds.Lock((one,)),
        kinds.Lock("all"),
        kinds.Redivide((one, other)),
    ]


def _apply(ground: Ground, state: State, edit: Edit) -> Any:
    return apply_edits(ground, state, [edit], rng=np.random.default_rng(_SEED))


def _time_peer(ground: Ground, out: Any) -> float | None:
    try:
        import networkx as nx
    except ImportError:
        return None
    graph = nx.Graph()
    graph.add_nodes_from(ground.index)
    graph.add_edges_from(
        zip(ground.index[ground.first[ground.contact]], ground.index[ground.second[ground.contact]], strict=True)
    )
    label = out.state.assignment.to_numpy(dtype=object)

    def ask() -> None:
        for name in out.changed_grids:
            rows = np.flatnonzero(label == name)
            shapely.union_all(ground.geometry[rows])
            nx.number_connected_components(graph.subgraph(ground.index[rows]))

    return _least(ask)[0]


def _print_repairs(ground: Ground, state: State) -> None:
    """Blocks are painted into grids two steps away, as a slip of the brush does."""
    print("\n| slips | torn grids | repair ms | proved | households moved | blocks |\n|---|---|---|---|---|---|")
    for slips in (1, 20, 300):
        rng, torn = np.random.default_rng(slips), state
        edits = []
        for _ in range(slips):
            at = int(rng.integers(len(ground.first)))
            near = np.flatnonzero((ground.first == ground.second[at]) | (ground.second == ground.second[at]))
            to = torn.assignment[ground.index[ground.second[int(rng.choice(near))]]]
            edits.append(kinds.MoveBlocks((str(ground.index[ground.first[at]]),), to))
        torn = _paint(ground, state, edits)
        spent, found = _least(lambda torn=torn: propose_repair(ground, torn), 1)  # type: ignore[misc]
        draft = open_draft(ground.index, torn)
        torn_grids = sum(len(pieces) > 1 for pieces in split_pieces(ground, draft, draft.grids).values())
        print(f"| {slips} | {torn_grids} | {1000 * spent:.0f} | {found.proved} | {found.households} | {found.blocks} |")


def _paint(ground: Ground, state: State, edits: list[kinds.MoveBlocks]) -> State:
    for edit in edits:
        try:
            state = _apply(ground, state, edit).state
        except spatial.SpatialError:
            continue  # the last block of a grid stays
    return state


def _least(run: Callable[[], Any], runs: int = _RUNS) -> tuple[float, Any]:
    """Return the least processor seconds of several runs, and what the last returned."""
    spent = []
    for _ in range(runs):
        began = time.process_time()
        found = run()
        spent.append(time.process_time() - began)
    return min(spent), found


if __name__ == "__main__":
    main()
