"""A token for some plans alone edits and sees those, runs jobs on them, and finds the jobs that it asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.command import app as command
from api.jobs.admitting import admit
from api.jobs.serving import Serving
from api.settings import Settings
from api.store.editing import import_plan
from api.store.errors import AccessError
from api.store.records import Note
from api.store.store import create_store
from api.tokens import Caller
from api.walk_models import CirclesAsked
from tests.api.live import serving
from tests.api.test_processes import TIMEOUT_S, listen, run
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, rename, serve_layers

OTHER = "other-0001"


@dataclass(frozen=True)
class Clients:
    """Who asks: with a token for the toy plan alone, and with one for the whole store."""

    one: httpx.Client
    whole: httpx.Client


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    place: Path = tmp_path_factory.mktemp("tokens") / "plans.gpkg"
    store, plan = create_store(place), build_toy_plan()
    for plan_id in (TOY, OTHER):
        import_plan(store, replace(plan, plan_id=plan_id), serve_layers(plan), Note("office", ""))
    secrets = [store.create_token("south", "planner", [TOY]), store.create_token("all", "administrator")]
    store.close()
    with serving(None, store=place, audience="public") as at:
        heads = [{"Authorization": f"Bearer {secret}"} for secret in secrets]
        with (
            httpx.Client(base_url=at, timeout=TIMEOUT_S, headers=heads[0]) as one,
            httpx.Client(base_url=at, timeout=TIMEOUT_S, headers=heads[1]) as whole,
        ):
            yield Clients(one, whole)


def edit(client: httpx.Client, plan_id: str) -> httpx.Response:
    body: dict[str, Any] = {"edits": [rename("g1", "甲")]}
    return client.post(f"/plans/{plan_id}/edits?dry_run=true", json=body, headers={"If-Match": "*"})


def test_it_reads_and_edits_its_own_plan_and_no_other(clients: Clients) -> None:
    assert [plan["plan_id"] for plan in clients.one.get("/plans").json()["plans"]] == [TOY]
    assert [plan["plan_id"] for plan in clients.whole.get("/plans").json()["plans"]] == [OTHER, TOY]
    assert (edit(clients.one, TOY).status_code, edit(clients.whole, OTHER).status_code) == (200, 200)
    refused = edit(clients.one, OTHER)
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        f"found a token for {TOY} alone, needed one for plan '{OTHER}'",
    )
    for where in ("", "/versions", "/versions/1", "/layers/blocks"):
        assert clients.one.get(f"/plans/{TOY}{where}").status_code == 200
        assert clients.one.get(f"/plans/{OTHER}{where}").status_code == 403
    for where in ("undo", "redo", "layers", "repair", "status"):
        assert clients.one.post(f"/plans/{OTHER}/{where}", json={}).status_code in (400, 403)
    assert clients.one.post(f"/plans/{OTHER}/undo", json={"why": ""}, headers={"If-Match": "*"}).status_code == 403


def test_in_the_feeds_of_another_plan_it_is_nobody(clients: Clients) -> None:
    items = "feeds/collections/grids/items"
    assert clients.one.get(f"/plans/{TOY}/{items}").status_code == 200
    assert clients.one.get(f"/plans/{OTHER}/{items}").status_code == 404  # nothing of it is in force
    assert clients.whole.get(f"/plans/{OTHER}/{items}").status_code == 200
    sent = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
    body = {"properties": {"name": "乙"}}
    assert clients.one.patch(f"/plans/{OTHER}/{items}/g1", json=body, headers=sent).status_code == 403
    assert clients.one.options(f"/plans/{OTHER}/{items}/g1").status_code == 404
    assert "PATCH" in clients.one.options(f"/plans/{TOY}/{items}/g1").headers["Allow"]


def test_it_runs_jobs_on_its_own_plan_and_sees_no_others(clients: Clients) -> None:
    mine, others = (run(client, "redivide", plan=TOY, grids=["lost"]) for client in (clients.one, clients.whole))
    for client, job in ((clients.one, mine), (clients.whole, others)):
        assert "'lost'" in list(listen(client, job))[-1][2]["message"]

    mine, others = (job.rpartition("/")[2] for job in (mine, others))

    def seen(client: httpx.Client) -> set[str]:
        return {job["jobID"] for job in client.get("/jobs").json()["jobs"]}

    assert (seen(clients.one), seen(clients.whole)) == ({mine}, {mine, others})
    for where in ("", "/results", "/events"):
        answer = clients.one.get(f"/jobs/{others}{where}")
        assert (answer.status_code, "this token" in answer.text) == (404, True)
    assert clients.one.delete(f"/jobs/{others}").status_code == 404
    assert clients.one.get(f"/jobs/{mine}/results").status_code == 400  # it failed
    for client, job, status in ((clients.one, others, 404), (clients.one, mine, 400), (clients.whole, mine, 400)):
        answer = client.post(f"/plans/{TOY}/layers", json={"job": job}, headers={"If-Match": "*"})
        assert (answer.status_code, "is failed" in answer.text) == (status, status == 400)


def test_it_runs_no_job_on_another_plan_and_puts_none_in(clients: Clients) -> None:
    for process, inputs, status in (
        ("redivide", {"plan": OTHER, "grids": ["g1"]}, 403),
        ("divide", {"plan": OTHER}, 403),
        ("divide", {}, 400),
        ("import", {"plan": "eA=="}, 403),
    ):
        answer = clients.one.post(f"/processes/{process}/execution", json={"inputs": inputs})
        assert answer.status_code == status, answer.text


def test_it_counts_nobody_of_the_plan_folder_that_is_served_beside_the_store(toy_folder: Path) -> None:
    one, all_ = (Caller("south", "planner", by_token=True, plans=plans) for plans in ((TOY,), ()))
    asked = CirclesAsked(points=[[114.3, 30.6]])
    beside, alone = (Serving(folder, Path("map.osm"), Settings(), "plans.gpkg") for folder in (toy_folder, None))
    with pytest.raises(AccessError, match="homes of the plan folder"):
        admit(asked, beside, one)
    admit(asked, beside, all_)
    admit(asked, alone, one)


def test_where_no_plan_is_named_to_divide_that_is_told_at_once(clients: Clients) -> None:
    before = clients.whole.get("/jobs").json()["numberMatched"]
    for process, inputs in (("divide", {}), ("redivide", {"grids": ["g1"]})):
        answer = clients.whole.post(f"/processes/{process}/execution", json={"inputs": inputs})
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("found neither blocks nor plan among the inputs")
    assert clients.whole.get("/jobs").json()["numberMatched"] == before


def test_the_command_makes_and_lists_tokens_for_plans(tmp_path: Path) -> None:
    place = tmp_path / "plans.gpkg"
    store, plan = create_store(place), build_toy_plan()
    import_plan(store, plan, serve_layers(plan), Note("office", ""))
    store.close()

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(command, ["store", "token", *words, "--store", str(place)])
        return done.exit_code, done.output

    assert call("add", "south", "--plan", TOY)[0] == 0
    assert call("list")[1].startswith(f"south: planner of {TOY}, made ")
    code, said = call("add", "north", "--plan", TOY, "--plan", "lost")
    assert (code != 0, "no plan 'lost'" in said) == (True, True)
    assert "north" not in call("list")[1]
