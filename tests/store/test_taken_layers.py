"""Results of jobs become layers of a plan: through HTTP, on both databases, with versions that stay as they were."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest

from api import plan_models
from api.store.editing import Editor, import_plan
from api.store.place import Place
from api.store.records import STATUSES, Note
from api.store.store import open_store
from tests.api.live import serving
from tests.api.test_processes import TIMEOUT_S, listen, run
from tests.api.toy_plan import build_toy_plan
from tests.store.conftest import new_database
from tests.store.served import TOY, rename, serve_layers
from tests.walking.walk_files import lonlat, write_osm

NOTE = Note("office", "")
SECONDS = {
    "s1": {"d1": 60, "d2": 600, "d3": 120, "d4": 900},
    "A": {"d1": 500, "d2": 50, "d3": 500, "d4": 500},
    "B": {"d1": 500, "d2": 500, "d3": 500, "d4": 40},
}
HOMES = {"d1": 200, "d2": 150, "d3": 480, "d4": 1500}
CHOICE: dict[str, Any] = {
    "times": [
        {"source_id": site, "demand_id": home, "seconds": float(seconds)}
        for site, row in SECONDS.items()
        for home, seconds in row.items()
    ],
    "demand": [{"id": home, "weight": count} for home, count in HOMES.items()],
    "candidates": [
        {"id": "s1", "fixed": True},
        {"id": "A", "name": "活动室", "mode": "共享", "cost": 12.5, "lon": 114.3031, "lat": 30.6008},
        {"id": "B", "name": "旧厂房", "mode": "闲置盘活", "cost": 30, "lon": 114.3046, "lat": 30.6041},
    ],
    "model": "p_median",
    "p": 1,
}
"""One of A and B opens beside s1: B, which saves 1500 homes 860 s each. It also serves d2, 500 s away."""


_NUMBER = count(1)


@dataclass(frozen=True)
class Served:
    """A plan of a store that a server serves beside a street map, and a planner's client of it."""

    client: httpx.Client
    place: Place
    plan_id: str
    jobs: dict[str, str]

    @property
    def here(self) -> str:
        return f"/plans/{self.plan_id}"

    def layer(self, name: str, query: str = "") -> Any:
        answer = self.client.get(f"{self.here}/layers/{name}{query}")
        assert answer.status_code == 200, answer.text
        plan_models.LayerTold.model_validate(answer.json())
        return answer.json()

    def tag(self) -> str:
        return self.client.get(self.here).headers["ETag"]

    def take(self, job: str, query: str = "", tag: str | None = None, **body: Any) -> httpx.Response:
        sent = {"job": job.rpartition("/")[2], "why": "a reason", **body}
        return self.client.post(f"{self.here}/layers{query}", json=sent, headers={"If-Match": tag or self.tag()})

    def turn(self, which: str) -> Any:
        answer = self.client.post(f"{self.here}/{which}", json={}, headers={"If-Match": self.tag()})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def version(self, number: int) -> Any:
        return self.client.get(f"{self.here}/versions/{number}").json()

    def check(self) -> list[str]:
        store = open_store(self.place)
        found = store.check()
        store.close()
        return found

    def run(self, process: str, **inputs: Any) -> str:
        """Return a finished job, the same where it was asked before: its results are of no plan."""
        key = f"{process} {inputs}"
        if key not in self.jobs:
            self.jobs[key] = run(self.client, process, **inputs)
            list(listen(self.client, self.jobs[key]))
        return self.jobs[key]


@pytest.fixture(scope="module", params=["geopackage", "postgis"])
def served_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of each kind of store."""
    folder, place = tmp_path_factory.mktemp("taken"), ""
    if request.param == "geopackage":
        place = str(shutil.copy(request.getfixturevalue("toy_file"), folder / "plans.gpkg"))
    else:
        place = new_database(request, "toy")
    store = open_store(place)
    secret = store.create_token("planner", "planner")
    store.close()
    osm, told = write_osm(folder / "town.osm"), {"Authorization": f"Bearer {secret}"}
    held: Any = place
    with (
        serving(None, osm=osm, store=held, cache=str(folder / "kept")) as at,
        httpx.Client(base_url=at, timeout=TIMEOUT_S, headers=told) as client,
    ):
        yield Served(client, place, TOY, {})


@pytest.fixture
def served(served_store: Served) -> Served:
    """A plan of its own for each test."""
    plan, store = replace(build_toy_plan(), plan_id=f"toy-{next(_NUMBER)}"), open_store(served_store.place)
    import_plan(store, plan, serve_layers(plan), NOTE)
    store.close()
    return replace(served_store, plan_id=plan.plan_id)


def draw(served: Served, *points: tuple[float, float], **asked: Any) -> str:
    """Return a finished job that drew circles about places, named s1, s2 and so on."""
    features = [
        {"type": "Feature", "id": f"s{k}", "geometry": {"type": "Point", "coordinates": lonlat(*point)}}
        for k, point in enumerate(points, 1)
    ]
    return served.run("circles", points={"type": "FeatureCollection", "features": features}, **asked)


def choose(served: Served, **asked: Any) -> str:
    """Return a finished job that chose sites."""
    return served.run("site", **{**CHOICE, **asked})


def test_circles_of_a_job_become_a_layer_of_a_new_version_and_the_old_one_stays(served: Served) -> None:
    job = draw(served, (1000, 10), (300, 0), minutes=[5])
    drawn = served.client.get(f"{job}/results").json()
    before = [
        served.client.get(f"{served.here}/layers/{name}?version=1").content for name in ("circles", "grids", "sites")
    ]
    tried = served.take(job, "?dry_run=true")
    assert (tried.status_code, served.client.get(served.here).json()["head"]) == (200, 1)
    made = served.take(job)
    assert (made.status_code, made.headers["Location"]) == (201, f"{served.here}/versions/2")
    for answer in (tried, made):
        told = plan_models.ChangeTold.model_validate(answer.json())
        assert told.layers["circles"]["features"] == drawn["features"]
        assert (told.grids["features"], told.caused, told.created, told.notes) == ([], [], [], [])
    page = served.layer("circles")
    assert (page["version"], page["numberMatched"], page["features"]) == (2, 2, drawn["features"])
    assert before == [
        served.client.get(f"{served.here}/layers/{name}?version=1").content for name in ("circles", "grids", "sites")
    ]
    again = served.take(job)
    assert (again.status_code, again.json()["version"], served.client.get(served.here).json()["head"]) == (200, None, 2)
    assert again.json()["notes"][-1] == "these results stand in the plan already: taking them changes nothing"
    assert served.check() == []


def test_a_version_tells_which_job_its_layers_are_from_what_it_was_asked_by_whom_and_when(served: Served) -> None:
    job = draw(served, (1000, 10), minutes=[5])
    finished = served.client.get(job).json()["finished"]
    served.take(job)
    version = served.version(2)
    assert (version["kind"], version["who"], version["why"]) == ("layers", "planner", "a reason")
    (told,) = version["edits"]
    assert (told["job"], told["process"], told["layers"]) == (job.rpartition("/")[2], "circles", ["circles"])
    assert (told["asked_by"], told["finished"], told["profile"]) == ("planner", finished, "about_500")
    assert (told["inputs"], len(told["inputs_sha256"])) == ({"minutes": [5]}, 64)
    origin = served.layer("circles")["origin"]
    assert (origin["version"], origin["who"], origin["job"]) == (2, "planner", told["job"])
    assert "origin" not in served.layer("sites")
    assert "origin" not in served.layer("circles", "?version=1")
    feed = served.client.get(f"{served.here}/feeds/collections/circles").json()["origin"]
    assert (feed["job"], feed["version"], feed["profile"]) == (told["job"], 2, "about_500")
    assert not {"who", "why", "asked_by", "inputs"} & set(feed)  # the public reads it


def test_a_choice_of_sites_becomes_sites_and_candidates_with_what_each_serves(served: Served) -> None:
    was = served.layer("sites")["features"]
    made = served.take(choose(served)).json()
    assert set(made["layers"]) == {"sites", "candidates"}
    sites = {one["id"]: one for one in served.layer("sites")["features"]}
    assert set(sites) == {"s1", "B"}
    kept, new = sites["s1"]["properties"], sites["B"]["properties"]
    assert (kept["name"], kept["kind"], kept["existing"], kept["households"]) == (
        "邻里中心",
        "service_centre",
        True,
        200 + 480,
    )
    assert kept["mean_walk_s"] == pytest.approx((200 * 60 + 480 * 120) / 680, abs=0.001)
    assert (new["name"], new["existing"], new["mode"], new["cost"]) == ("旧厂房", False, "reuse", 30.0)
    assert new["households"] == 150 + 1500
    assert new["mean_walk_s"] == pytest.approx((150 * 500 + 1500 * 40) / 1650, abs=0.001)
    assert sites["s1"]["geometry"] == next(one["geometry"] for one in was if one["id"] == "s1")
    assert sites["B"]["geometry"]["coordinates"] == [114.3046, 30.6041]
    candidates = {one["id"]: one["properties"] for one in served.layer("candidates")["features"]}
    assert {name: (one["chosen"], one["mode"]) for name, one in candidates.items()} == {
        "A": (False, "share"),
        "B": (True, "reuse"),
    }
    assert any("circles about 's2' are of no site" in note for note in made["notes"])
    east = served.layer("sites", "?bbox=114.304,30.6,114.31,30.61")
    assert [one["id"] for one in east["features"]] == ["B"]
    assert served.check() == []


def test_what_was_taken_is_served_by_feeds_tiles_and_downloads_and_stale_coverage_is_not(
    served: Served, tmp_path: Path
) -> None:
    feeds = f"{served.here}/feeds"
    names = [one["id"] for one in served.client.get(f"{feeds}/collections").json()["collections"]]
    assert "candidates" not in names
    served.take(choose(served))
    names = [one["id"] for one in served.client.get(f"{feeds}/collections").json()["collections"]]
    assert "candidates" in names
    assert "coverage" not in names
    found = served.client.get(f"{feeds}/collections/sites/items?filter=existing=false").json()
    assert [one["id"] for one in found["features"]] == ["B"]
    packed = tmp_path / "candidates.gpkg"
    packed.write_bytes(served.client.get(f"{feeds}/downloads/candidates.gpkg").content)
    assert sorted(pyogrio.read_dataframe(packed)["site_id"]) == ["A", "B"]


def test_undo_and_redo_bring_layers_back_to_the_byte_and_a_time_shows_what_was_in_force(served: Served) -> None:
    first = served.client.get(f"{served.here}/layers/sites?version=1").json()["features"]
    digests = [served.version(1)["digest"]]
    for version, job in ((2, choose(served)), (3, draw(served, (1000, 10), minutes=[5]))):
        assert served.take(job).status_code == 201
        digests.append(served.version(version)["digest"])
    assert len(set(digests)) == 3
    assert served.turn("undo")["layers"]["circles"]["features"] == served.layer("circles", "?version=1")["features"]
    assert served.turn("undo")["layers"].keys() == {"sites", "candidates"}
    assert served.layer("sites")["features"] == first
    assert served.layer("candidates")["features"] == []
    assert "origin" not in served.layer("sites")
    assert [served.version(number)["digest"] for number in (4, 5)] == [digests[1], digests[0]]
    assert [one["id"] for one in served.turn("redo")["layers"]["sites"]["features"]] == ["B", "s1"]
    assert (served.version(6)["state_of"], served.version(6)["digest"]) == (2, digests[1])
    assert served.layer("sites")["origin"]["version"] == 2
    store = open_store(served.place)
    for status in STATUSES[1:5]:
        store.set_status(served.plan_id, 1, status, NOTE)
    when = store.list_terms(served.plan_id)[0].start
    editor = Editor(store)
    editor.commit(editor.propose(served.plan_id, 6, [rename("g1", "after")]), NOTE)
    store.close()
    assert served.layer("sites", f"?datetime={when}")["features"] == first
    assert [one["id"] for one in served.layer("sites")["features"]] == ["B", "s1"]  # edits of grids leave it
    assert served.check() == []


def test_a_division_becomes_grids_each_part_as_the_grid_it_is_most_of(served: Served) -> None:
    job = served.run("divide", plan=TOY, budget_s=0.5)
    told = served.client.get(f"{job}/results").json()["assignment"]
    store = open_store(served.place)
    editor = Editor(store)
    torn = editor.propose(served.plan_id, 1, [{"kind": "move_blocks", "blocks": ["b1"], "to": "g3"}])
    editor.commit(torn, NOTE)
    store.close()
    made = served.take(job)
    assert made.status_code == 201, made.text
    grid_of = {one["id"]: one["properties"]["grid_id"] for one in served.layer("blocks")["features"]}
    parts = {frozenset(b for b in told if told[b] == name) for name in told.values()}
    assert {frozenset(b for b in grid_of if grid_of[b] == name) for name in grid_of.values()} == parts
    assert grid_of["b4"] == "g3"  # of all grids that with most households
    assert any(note.startswith("versions of the plan that were made after") for note in made.json()["notes"])
    version = served.version(3)
    assert (version["kind"], version["edits"][0]["layers"], version["edits"][0]["profile"]) == (
        "layers",
        ["grids"],
        "about_500",
    )
    assert served.take(job).status_code == 200  # it stands there already
    assert served.turn("undo")["grids"]["features"]
    back = {one["id"]: one["properties"]["grid_id"] for one in served.layer("blocks")["features"]}
    assert back["b1"] == back["b4"] == "g3"
    assert served.check() == []


def test_who_saw_another_version_is_told_which_layers_changed_meanwhile(served: Served) -> None:
    tag = served.tag()
    job = draw(served, (1000, 10), minutes=[5])
    bare = {"job": job.rpartition("/")[2]}
    assert served.client.post(f"{served.here}/layers", json=bare).status_code == 428
    assert served.take(job).status_code == 201
    stale = served.take(choose(served), tag=tag)
    assert stale.status_code == 412
    assert [(one["kind"], one["layers"]) for one in stale.json()["meanwhile"]] == [("layers", ["circles"])]
    assert "circles" in stale.json()["detail"]
    nobody = {"If-Match": tag, "Authorization": ""}
    assert served.client.post(f"{served.here}/layers", json=bare, headers=nobody).status_code == 401


def test_results_that_are_no_layers_of_the_plan_are_refused_with_the_reason(served: Served) -> None:
    circles, lost = draw(served, (1000, 10), metres=[300]), {"id": "C"}
    walked = served.run("walk", sources=[lonlat(1000, 10)], demand=[lonlat(300, 0)], minutes=20)
    failed = served.run("divide", plan="toy-0002")
    away = [*CHOICE["candidates"][:2], {"id": "B", "lon": 121.4, "lat": 31.2}]
    cases = {
        "nothing": (404, "no job 'nothing'"),
        walked: (400, "ran walk, whose results are no layer of a plan; needed one of circles, site, divide, redivide"),
        failed: (400, "is failed"),
        choose(served, candidates=away): (400, "'B' lies far from the land of the plan"),
        choose(served, candidates=[*CHOICE["candidates"], lost]): (400, "site 'C' has no place"),
    }
    for job, (status, sentence) in cases.items():
        answer = served.take(job)
        assert (answer.status_code, sentence in answer.json()["detail"]) == (status, True), answer.text
    answer = served.take(circles, layers=["sites"])
    assert (answer.status_code, "makes no sites, needed some of circles" in answer.json()["detail"]) == (400, True)
    assert (served.client.get(served.here).json()["head"], served.check()) == (1, [])


def test_households_of_sites_are_left_out_where_the_demand_is_not_that_of_the_plan(served: Served) -> None:
    demand = [{"id": f"x{one['id']}", "weight": one["weight"]} for one in CHOICE["demand"]]
    times = [{**one, "demand_id": f"x{one['demand_id']}"} for one in CHOICE["times"]]
    made = served.take(choose(served, demand=demand, times=times), layers=["sites"]).json()
    assert set(made["layers"]) == {"sites"}
    assert {one["properties"]["households"] for one in served.layer("sites")["features"]} == {None}
    assert any("'xd1'" in note for note in made["notes"])


def test_a_layer_that_another_program_changed_is_told(editor: Editor) -> None:
    circle = editor.read_layer(TOY, 1, "circles")[0]
    change = editor.propose_layers(TOY, 1, {"circles": [circle]}, {"kind": "take_layers", "layers": ["circles"]})
    editor.commit(change, NOTE, kind="layers")
    assert editor.store.check() == []
    with editor.store.database.writing() as rows:
        rows.run("UPDATE layer_features SET feature = replace(feature, 's1', 's9')")
        rows.run("DELETE FROM circles")
    found = editor.store.check()
    assert any("a layer of content" in one for one in found)
    assert any("the layer of circles is not the last version" in one for one in found)


def test_what_was_put_in_comes_back_as_it_was_put_in(editor: Editor) -> None:
    first = editor.store.get_version(TOY, 1).digest
    told = {"kind": "take_layers", "layers": ["circles"]}
    same = editor.propose_layers(TOY, 1, {"circles": editor.read_layer(TOY, 1, "circles")[::-1]}, told)
    assert same.delta.empty
    editor.commit(editor.propose_layers(TOY, 1, {"circles": []}, told), NOTE, kind="layers")
    back = editor.propose_layers(TOY, 2, {"circles": editor.read_layer(TOY, 1, "circles")}, told)
    assert editor.commit(back, NOTE, kind="layers").digest == first
    assert editor.store.list_taken(TOY, 3) == {}
    fresh = Editor(editor.store)  # what is read again is what was kept in memory
    assert (fresh.load(TOY, 2).taken, fresh.load(TOY, 3).taken) == (editor.load(TOY, 2).taken, {})
