"""Plans of a store are edited over HTTP as they are from Python, by those who may, on the version that they saw."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from typer.testing import CliRunner

from api import plan_models
from api.command import app as command
from api.main import create_app
from api.plan_query import to_utc
from api.settings import Settings, is_loopback
from api.store.folders import read_folder_plan
from api.store.store import open_store
from spatial.errors import InputError
from tests.api.threaded import talking_to
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, move, rename

HERE = f"/plans/{TOY}"


@pytest.fixture(scope="module")
def stored(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the command line made of the toy folder, to be copied."""
    path = tmp_path_factory.mktemp("plans") / "toy.gpkg"
    for words in (["init"], ["import", str(toy_folder), "--who", "office", "--why", "first"], ["check"]):
        done = CliRunner().invoke(command, ["store", *words, "--store", str(path)])
        assert done.exit_code == 0, done.output
    assert "whole: toy-0001 with 1 versions" in done.output
    return path


@pytest.fixture
def path(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(stored, tmp_path / "plans.gpkg"))


@pytest.fixture(scope="module")
def untouched(stored: Path) -> Iterator[httpx.Client]:
    """Plans that no test changes."""
    with talking_to(create_app(None, Settings(), store=stored)) as client:
        yield client


@pytest.fixture
def plans(path: Path) -> Iterator[httpx.Client]:
    with talking_to(create_app(None, Settings(), store=path)) as client:
        yield client


def _tag(plans: httpx.Client) -> dict[str, str]:
    return {"If-Match": plans.get(HERE).headers["ETag"]}


def _edit(plans: httpx.Client, *edits: dict[str, Any], query: str = "", **headers: str) -> httpx.Response:
    sent = headers or _tag(plans)
    return plans.post(f"{HERE}/edits{query}", json={"edits": list(edits), "why": "a reason"}, headers=sent)


def test_a_plan_folder_is_put_in_by_the_command_as_it_is_served(untouched: httpx.Client, toy_folder: Path) -> None:
    (told,) = untouched.get("/plans").json()["plans"]
    assert (told["plan_id"], told["head"], told["in_force"], told["created_by"]) == (TOY, 1, None, "office")
    served = read_folder_plan(toy_folder)[1]
    for name, features in served.items():
        page = untouched.get(f"{HERE}/layers/{name}").json()
        assert [feature["id"] for feature in page["features"]] == [feature["id"] for feature in features] or (
            name == "violations"
        )
        if name not in ("grids", "violations"):
            assert page["features"] == features, name


def test_a_plan_read_from_its_folder_is_the_plan_to_the_centimetre(toy_folder: Path) -> None:
    read, put = read_folder_plan(toy_folder)[0], build_toy_plan()
    assert read.crs == put.crs
    assert read.profile == put.profile
    assert read.assignment.to_dict() == put.assignment.to_dict()
    assert read.adjacency.to_dict("records") == put.adjacency[list(read.adjacency.columns)].to_dict("records")
    away = shapely.hausdorff_distance(read.blocks.geometry.to_numpy(), put.blocks.geometry.to_numpy())
    assert away.max() < 0.02


def test_a_dry_run_answers_as_the_edit_does_and_changes_nothing(plans: httpx.Client) -> None:
    tried = _edit(plans, move("b2", "g2"), query="?dry_run=true")
    assert tried.status_code == 200
    assert plans.get(HERE).json()["head"] == 1
    made = _edit(plans, move("b2", "g2"))
    assert made.status_code == 201
    assert made.headers["Location"] == f"{HERE}/versions/2"
    assert made.headers["ETag"] == plans.get(HERE).headers["ETag"] == made.json()["etag"]
    same = ("grids", "created", "retired", "caused", "cured", "kept", "strays", "notes", "base")
    assert {name: tried.json()[name] for name in same} == {name: made.json()[name] for name in same}
    assert (tried.json()["version"], made.json()["version"]) == (None, 2)
    for answer in (tried, made):
        plan_models.ChangeTold.model_validate(answer.json())


def test_an_edit_tells_the_changed_grids_what_it_breaks_and_the_stray_pieces(plans: httpx.Client) -> None:
    told = _edit(plans, move("b2", "g2")).json()
    grids = {feature["id"]: feature["properties"] for feature in told["grids"]["features"]}
    assert {name: one["households"] for name, one in grids.items()} == {"g1": 200, "g2": 630}
    assert {name: one["households_before"] for name, one in grids.items()} == {"g1": 350, "g2": 480}
    assert (grids["g1"]["status"], grids["g1"]["deviation"]) == ("low", -300)
    assert {"T2-g2", "band-g1"} <= {one["id"] for one in told["caused"]}
    (stray,) = told["strays"]
    assert (stray["grid_id"], stray["households"]) == ("g2", 480)
    west, south, east, north = stray["bbox"]
    assert 114.29 < west < east < 114.31
    assert 30.59 < south < north < 30.61
    version = plans.get(f"{HERE}/versions/2").json()
    assert (version["who"], version["why"], version["edits"]) == ("local", "a reason", [move("b2", "g2")])
    assert version["summary"]["grids"] == ["g1", "g2"]
    plan_models.VersionTold.model_validate(version)


def test_the_proposed_repair_mends_what_an_edit_tore(plans: httpx.Client) -> None:
    _edit(plans, move("b2", "g2"))
    proposal = plans.post(f"{HERE}/repair", json={}, headers=_tag(plans))
    assert proposal.status_code == 200
    assert (proposal.json()["edits"], proposal.json()["households"]) == ([move("b2", "g1")], 150)
    mended = _edit(plans, *proposal.json()["edits"]).json()
    assert mended["strays"] == []
    assert "T2-g2" in {one["id"] for one in mended["cured"]}
    plan_models.RepairTold.model_validate(proposal.json())


def test_an_edit_names_the_version_it_was_made_on(plans: httpx.Client) -> None:
    missing = plans.post(f"{HERE}/edits", json={"edits": [move("b2", "g2")]})
    assert missing.status_code == 428
    before = _tag(plans)
    assert _edit(plans, move("b2", "g2"), **before).status_code == 201
    stale = _edit(plans, rename("g3", "东片"), **before)
    assert stale.status_code == 412
    told = stale.json()
    assert (told["base"], told["head"]) == (1, 2)
    assert [(one["version"], one["grids"]) for one in told["meanwhile"]] == [(2, ["g1", "g2"])]
    for unknown in ('"v9-000000000000"', '"nothing"', "v2", '"v1-000000000000"'):
        assert _edit(plans, rename("g3", "东片"), **{"If-Match": unknown}).status_code == 412
    assert _edit(plans, rename("g3", "东片"), **{"If-Match": f'"x", W/{_tag(plans)["If-Match"]}'}).status_code == 201
    assert _edit(plans, rename("g3", "东"), **{"If-Match": "*"}).status_code == 201


def test_writers_at_once_lose_no_edit_that_was_acknowledged(plans: httpx.Client) -> None:
    def write(who: int) -> list[str]:
        names = []
        with httpx.Client(base_url=plans.base_url, timeout=60) as one:
            for turn in range(5):
                name = f"writer {who} {turn}"
                body = {"edits": [rename("g1", name)], "why": name}
                answer = one.post(f"{HERE}/edits", json=body, headers={"If-Match": one.get(HERE).headers["ETag"]})
                while answer.status_code == 412:
                    answer = one.post(f"{HERE}/edits", json=body, headers={"If-Match": one.get(HERE).headers["ETag"]})
                assert answer.status_code == 201, answer.text
                names.append(name)
        return names

    with ThreadPoolExecutor(4) as pool:
        written = [name for names in pool.map(write, range(4)) for name in names]
    versions = plans.get(f"{HERE}/versions").json()["versions"]
    assert sorted(one["why"] for one in versions[1:]) == sorted(written)
    assert [one["edits"][0]["name"] for one in versions[1:]] == [one["why"] for one in versions[1:]]


def test_edits_of_other_grids_pass_each_other_where_the_version_that_was_seen_is_named(plans: httpx.Client) -> None:
    seen, anyhow = _tag(plans)["If-Match"].strip('"'), {"If-Match": "*"}
    assert _edit(plans, rename("g1", "西片")).status_code == 201
    tried = _edit(plans, rename("g3", "东片"), query=f"?seen={seen}&dry_run=true", **anyhow)
    assert (tried.status_code, tried.json()["base"], plans.get(HERE).json()["head"]) == (200, 2, 2)
    made = _edit(plans, rename("g3", "东片"), query=f"?seen={seen}", **anyhow)
    assert (made.status_code, made.json()["base"], made.json()["version"]) == (201, 2, 3)
    assert made.json()["etag"] == _tag(plans)["If-Match"]
    assert made.json()["notes"] == [
        "made on version 2; nothing that the edits touch was changed since version 1, which was seen"
    ]
    stale = _edit(plans, move("b2", "g2"), query=f"?seen={seen}", **anyhow)
    assert (stale.status_code, stale.json()["head"]) == (412, 3)
    assert [(one["version"], one["grids"]) for one in stale.json()["meanwhile"]] == [(2, ["g1"]), (3, ["g3"])]
    assert plans.get(HERE).json()["head"] == 3


def test_what_names_no_version_that_was_seen_is_refused(plans: httpx.Client) -> None:
    seen, anyhow = _tag(plans)["If-Match"].strip('"'), {"If-Match": "*"}
    for unknown, status in (("3", 400), ("", 400), ("v9-000000000000", 412), ("v1-000000000000", 412)):
        assert _edit(plans, rename("g3", "东片"), query=f"?seen={unknown}", **anyhow).status_code == status
    assert plans.post(f"{HERE}/edits?seen={seen}", json={"edits": [rename("g3", "东片")]}).status_code == 428
    before = _tag(plans)
    assert _edit(plans, rename("g1", "西片")).status_code == 201
    assert _edit(plans, rename("g3", "东片"), query=f"?seen={seen}", **before).status_code == 412  # If-Match is kept
    assert plans.get(HERE).json()["head"] == 2


def test_an_edit_that_changes_nothing_makes_no_version(untouched: httpx.Client) -> None:
    answer = _edit(untouched, rename("g1", ""))
    assert (answer.status_code, answer.json()["version"], answer.json()["base"]) == (200, None, 1)
    assert untouched.get(HERE).json()["head"] == 1


def test_undo_and_redo_are_new_versions(plans: httpx.Client) -> None:
    first = plans.get(f"{HERE}/layers/grids").json()["features"]
    _edit(plans, move("b2", "g2"))
    moved = plans.get(f"{HERE}/layers/grids").json()["features"]
    for verb, grids in (("undo", first), ("redo", moved), ("undo", first)):
        dry = plans.post(f"{HERE}/{verb}?dry_run=true", json={}, headers=_tag(plans))
        assert dry.json()["version"] is None
        assert plans.post(f"{HERE}/{verb}", json={}, headers=_tag(plans)).status_code == 201
        assert plans.get(f"{HERE}/layers/grids").json()["features"] == grids
    refused = plans.post(f"{HERE}/undo", json={}, headers=_tag(plans))
    assert (refused.status_code, "first state" in refused.json()["detail"]) == (400, True)
    kinds = [one["kind"] for one in plans.get(f"{HERE}/versions").json()["versions"]]
    assert kinds == ["import", "edit", "undo", "redo", "undo"]


def test_a_version_goes_into_force_step_by_step_and_is_found_by_its_time(plans: httpx.Client) -> None:
    skipped = plans.post(f"{HERE}/status", json={"version": 1, "status": "approved"})
    assert skipped.status_code == 409
    assert "needed the step to field_checked" in skipped.json()["detail"]
    assert plans.get(f"{HERE}/layers/grids?datetime=2200-01-01").status_code == 404
    for status in ("field_checked", "under_publication", "approved", "in_force"):
        assert plans.post(f"{HERE}/status", json={"version": 1, "status": status}).json()["status"] == status
    _edit(plans, move("b2", "g2"))
    assert plans.get(HERE).json()["in_force"] == 1
    page = plans.get(f"{HERE}/layers/blocks?datetime=2200-01-01").json()
    assert (page["version"], page["status"]) == (1, "in_force")
    assert [one["properties"]["grid_id"] for one in page["features"]] == ["g1", "g1", "g2", "g3"]
    last = plans.get(f"{HERE}/layers/blocks").json()
    assert [one["properties"]["grid_id"] for one in last["features"]] == ["g1", "g2", "g2", "g3"]


@pytest.mark.parametrize(
    ("method", "where", "body", "status"),
    [
        ("GET", "/plans?x=1", None, 400),
        ("GET", "/plans/none", None, 404),
        ("GET", "/plans/none/versions", None, 404),
        ("GET", f"{HERE}/versions/9", None, 404),
        ("GET", f"{HERE}/versions/one", None, 400),
        ("GET", f"{HERE}/layers/roads", None, 404),
        ("GET", f"{HERE}/layers/grids?version=0", None, 400),
        ("GET", f"{HERE}/layers/grids?version=1&datetime=2030-01-01", None, 400),
        ("GET", f"{HERE}/layers/grids?datetime=yesterday", None, 400),
        ("GET", f"{HERE}/layers/grids?datetime=2030-01-01T00:00:00", None, 400),
        ("GET", f"{HERE}/layers/grids?bbox=1,2,3", None, 400),
        ("GET", f"{HERE}/layers/grids?bbox=1,nan,3,4", None, 400),
        ("GET", f"{HERE}/layers/grids?limit=0", None, 400),
        ("POST", f"{HERE}/edits?dry_run=yes", {"edits": [move("b2", "g2")]}, 400),
        ("POST", f"{HERE}/edits", {"edits": []}, 400),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": "fly"}]}, 400),
        ("POST", f"{HERE}/edits", {"edits": ["fly"]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": []}]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [rename("g1", "\ud800")]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [rename("g1", "x")], "why": "\ud800"}, 400),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": "split", "grid": "g1", "parts": 10**30}]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": "split", "grid": "g1", "parts": 10**9}]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": "redivide", "grids": ["g1"], "budget_s": 20.0}] * 2}, 400),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": "redivide", "grids": ["g1"], "budget_s": 1e9}]}, 400),
        (
            "POST",
            f"{HERE}/edits",
            {"edits": [{"kind": "set_attributes", "grid": "g1", "attributes": {"a": 10**30}}]},
            400,
        ),
        ("POST", f"{HERE}/edits", {"edits": [{"kind": "split_along", "grid": "g1", "line": [[114.3, 30.6]]}]}, 400),
        ("GET", "/plans/%00", None, 404),
        ("POST", f"{HERE}/edits", {"edits": [move("b9", "g1")]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [rename("g1", "13912345678")]}, 400),
        ("POST", f"{HERE}/edits", {"edits": [rename("g1", "甲")], "why": "call 13912345678"}, 400),
        ("POST", f"{HERE}/edits", {"moves": []}, 400),
        ("POST", f"{HERE}/undo", {"other": 1}, 400),
        ("POST", f"{HERE}/repair", {"grids": ["g9"]}, 400),
        ("POST", "/plans/none/edits", {"edits": [move("b2", "g2")]}, 404),
        ("POST", f"{HERE}/status", {"version": 7, "status": "field_checked"}, 404),
        ("POST", f"{HERE}/status", {"version": 10**30, "status": "field_checked"}, 400),
        ("GET", f"{HERE}/versions/{10**30}", None, 400),
        ("POST", f"{HERE}/status", {"version": 1, "status": "lost"}, 400),
        ("DELETE", HERE, None, 405),
    ],
)
def test_what_cannot_be_answered_is_told_as_a_problem(
    untouched: httpx.Client, method: str, where: str, body: Any, status: int
) -> None:
    sent = {"If-Match": "*", "Content-Type": "application/json"}
    answer = untouched.request(method, where, content=json.dumps(body) if body else None, headers=sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "13912345678" not in answer.text
    assert untouched.get(HERE).json()["head"] == 1


def test_from_the_first_token_on_nobody_edits_without_one(path: Path) -> None:
    store = open_store(path)
    secrets = {role: store.create_token(f"the {role}", role) for role in ("planner", "administrator")}
    store.close()
    with talking_to(create_app(None, Settings(), store=path)) as plans:

        def ask(method: str, where: str, body: Any = None, token: str = "") -> httpx.Response:
            headers = {"If-Match": "*"} | ({"Authorization": f"Bearer {token}"} if token else {})
            return plans.request(method, where, json=body, headers=headers)

        edits = {"edits": [rename("g1", "甲")]}
        for where in ("/plans", HERE, f"{HERE}/versions", f"{HERE}/layers/blocks"):
            assert ask("GET", where).status_code == 401
            assert ask("GET", where, token=secrets["planner"]).status_code == 200
        refused = ask("POST", f"{HERE}/edits", edits)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert ask("POST", f"{HERE}/edits", edits, "wangge_wrong").status_code == 401
        basic = plans.post(f"{HERE}/edits", json=edits, headers={"If-Match": "*", "Authorization": "Basic eDp5"})
        assert basic.status_code == 401
        assert ask("POST", f"{HERE}/edits", edits, secrets["planner"]).status_code == 201
        for status, planner in (("field_checked", 200), ("under_publication", 200), ("approved", 403)):
            step = {"version": 2, "status": status}
            assert ask("POST", f"{HERE}/status", step, secrets["planner"]).status_code == planner
        assert ask("POST", f"{HERE}/status", step, secrets["administrator"]).status_code == 200
        told = ask("GET", f"{HERE}/versions/2", token=secrets["planner"]).json()
        assert (told["who"], told["status"]) == ("the planner", "approved")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"host": "0.0.0.0"}, "would listen on 0.0.0.0"),
        ({"public_url": "https://city.example"}, "is reached by https://city.example"),
        ({"allowed_hosts": ("city.example",)}, "answers to city.example"),
    ],
)
def test_a_server_that_others_reach_needs_a_token_first(path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        create_app(None, Settings(**settings), store=path)
    made = CliRunner().invoke(command, ["store", "token", "add", "office", "--store", str(path)])
    assert made.exit_code == 0
    assert made.stdout.startswith("wangge_")
    create_app(None, Settings(**settings), store=path)


def test_only_this_machine_is_the_loopback() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.0.0.9", "localhost", "::1", "[::1]")] == [True] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")] == [False] * 5


def test_a_day_is_read_as_its_end_and_a_time_with_its_zone() -> None:
    assert to_utc("2030-05-01") == "2030-05-01T23:59:59.999999Z"
    assert to_utc("2030-05-01T08:00:00+08:00") == "2030-05-01T00:00:00.000000Z"
    assert to_utc("2030-05-01T00:00:00Z") == "2030-05-01T00:00:00.000000Z"


def test_the_openapi_document_tells_every_status_of_an_edit(untouched: httpx.Client) -> None:
    paths = untouched.get("/openapi.json").json()["paths"]
    said = paths["/plans/{planId}/edits"]["post"]["responses"]
    assert {"200", "201", "400", "401", "403", "404", "412", "413", "428", "503"} <= set(said)
    names = {one["name"] for one in paths["/plans/{planId}/edits"]["post"]["parameters"]}
    assert names == {"planId", "dry_run", "seen", "If-Match"}


def test_the_store_is_copied_restored_and_its_tokens_listed_by_commands(path: Path, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(command, ["store", *words], env={"WANGGE_STORE": str(path)})
        return done.exit_code, done.output

    kept = tmp_path / "kept.gpkg"
    assert run("backup", str(kept)) == (0, f"wrote {kept}\n")
    code, said = run("restore", str(kept))
    assert code != 0
    assert "say --replace" in said
    assert run("restore", str(kept), "--replace")[0] == 0
    assert run("token", "add", "office", "--role", "administrator")[0] == 0
    assert run("token", "list")[1].startswith("office: administrator, made ")
    assert run("token", "revoke", "office")[0] == 0
    assert ", revoked " in run("token", "list")[1]
    assert run("check")[0] == 0
    code, said = run("init")
    assert code != 0
    assert "exists; needed the name of a new file" in said


def test_a_plan_keeps_its_title_in_the_store(toy_folder: Path, tmp_path: Path) -> None:
    titled = Path(shutil.copytree(toy_folder, tmp_path / "plan"))
    report = json.loads((titled / "report.json").read_text(encoding="utf-8"))
    (titled / "report.json").write_text(json.dumps({**report, "title": "东城 2031"}), encoding="utf-8")
    store = tmp_path / "titled.gpkg"
    for words in (["init"], ["import", str(titled), "--who", "office"]):
        done = CliRunner().invoke(command, ["store", *words, "--store", str(store)])
        assert done.exit_code == 0, done.output
    with talking_to(create_app(None, Settings(), store=store)) as client:
        assert client.get(HERE).json()["title"] == "东城 2031"
        assert client.get(f"{HERE}/feeds/").json()["title"] == "东城 2031"
