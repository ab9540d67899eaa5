"""Processes over the wire: told truly, run in the background or at once, watched, stopped, and kept through a crash."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely

import spatial
from api import walk_models
from api.jobs import answers
from api.jobs.models import Divided
from spatial.division.by_community import divide_communities
from spatial.io.block_inputs import BlockSources, read_block_inputs
from spatial.io.division_report import join_assignments
from spatial.io.plan_folder import read_plan_folder
from spatial.io.plan_walks import profile_of, read_plan_blocks
from spatial.io.profiles import read_profile
from tests.api.live import serving
from tests.walking.walk_files import lonlat, write_osm

TIMEOUT_S = 120.0
RING = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
ASYNC = {"Prefer": "respond-async"}
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"


def town(side: int, *, seed: int = 3) -> dict[str, Any]:
    """Return a square town of blocks of 100 m, with 20 to 119 households each."""
    rng = np.random.default_rng(seed)
    features = []
    for row in range(side):
        for column in range(side):
            ring = [
                lonlat(100 * (column + dx), 100 * (row + dy)) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
            ]
            properties = {"households": int(rng.integers(20, 120))}
            geometry = {"type": "Polygon", "coordinates": [ring]}
            features.append(
                {"type": "Feature", "id": f"b{row:02}-{column:02}", "geometry": geometry, "properties": properties}
            )
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture(scope="module")
def server(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("jobs")
    osm = write_osm(folder / "town.osm")
    given = {"jobs": str(folder / "jobs.sqlite"), "cache": str(folder / "kept"), "walk_points_max": "2"}
    with serving(toy_folder, osm=osm, **given) as at:
        yield at


@pytest.fixture(scope="module")
def jobs(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=TIMEOUT_S) as one:
        yield one


def run(client: httpx.Client, process: str, **inputs: Any) -> str:
    """Return the address of a job that was sent."""
    answer = client.post(
        f"/processes/{process}/execution", json={"inputs": inputs}, headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["Preference-Applied"] == "respond-async"
    told = answers.StatusInfo.model_validate(answer.json())
    assert answer.headers["Location"].endswith(f"/jobs/{told.jobID}")
    return answer.headers["Location"]


def listen(client: httpx.Client, job: str, **headers: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Give number, kind and data of the events of a job, until the server ends the stream."""
    event: dict[str, str] = {}
    with client.stream("GET", f"{job}/events", headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "id" in event:
                yield int(event["id"]), event["event"], json.loads(event["data"])
                event = {}
            else:
                event = {}


def results(client: httpx.Client, job: str) -> Any:
    """Return the results of a job once it is finished."""
    last = list(listen(client, job))[-1]
    assert last[2]["status"] == "successful", last
    answer = client.get(f"{job}/results")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_landing_page_leads_to_the_processes_and_their_jobs(jobs: httpx.Client) -> None:
    links = {one["rel"].rpartition("/")[2]: one["href"] for one in jobs.get("/").json()["links"]}
    assert jobs.get(links["processes"]).json()["processes"]
    assert "jobs" in jobs.get(links["job-list"]).json()
    assert set(answers.CONFORMS_TO) <= set(jobs.get("/conformance").json()["conformsTo"])


def test_processes_are_listed_and_described(jobs: httpx.Client) -> None:
    told = answers.ProcessList.model_validate(jobs.get("/processes").json())
    assert [one.id for one in told.processes] == ["divide", "redivide", "site", "walk", "circles"]
    for one in told.processes:
        described = answers.ProcessDescription.model_validate(jobs.get(f"/processes/{one.id}").json())
        assert "$ref" not in json.dumps([described.inputs, described.outputs])
        assert described.outputs
    grids = jobs.get("/processes/redivide").json()["inputs"]["grids"]
    assert (grids["minOccurs"], grids["schema"]["type"]) == (1, "array")
    missing = jobs.get("/processes/nothing")
    assert (missing.status_code, missing.json()["type"]) == (404, f"{EXCEPTIONS}/no-such-process")
    assert jobs.post("/processes/nothing/execution", json={}).json()["type"] == f"{EXCEPTIONS}/no-such-process"


def test_blocks_that_are_sent_are_divided_as_the_same_file_is(jobs: httpx.Client, tmp_path: Path) -> None:
    blocks = town(4)
    borders = [
        {"focal": f"b{r:02}-{c:02}", "neighbor": f"b{r + dr:02}-{c + dc:02}", "shared_m": 100.0, "clear_m": 100.0 * dc}
        for r in range(4) for c in range(4) for dr, dc in ((0, 1), (1, 0)) if r + dr < 4 and c + dc < 4
    ]  # fmt: skip
    sent = {**blocks, "links": []}  # as a feed has them
    asked = {"blocks": sent, "adjacency": borders, "budget_s": 20, "seed": 5, "fixed": {"b00-00": "a", "b03-03": "b"}}
    told = Divided.model_validate(results(jobs, run(jobs, "divide", **asked)))
    named = [{**one, "properties": {"block_id": one["id"], **one["properties"]}} for one in blocks["features"]]
    (tmp_path / "blocks.geojson").write_text(json.dumps({**blocks, "features": named}))
    (tmp_path / "adjacency.csv").write_text(
        "focal,neighbor,shared_m,clear_m\n" + "".join(",".join(map(str, one.values())) + "\n" for one in borders)
    )
    (tmp_path / "locks.json").write_text(json.dumps({"fixed": asked["fixed"]}))
    files = {name: tmp_path / f"{name}.{end}" for name, end in (("adjacency", "csv"), ("locks", "json"))}
    profile = read_profile()
    read = read_block_inputs(BlockSources(tmp_path / "blocks.geojson", "households", **files), profile)
    rng = np.random.default_rng([5, 1])
    division = spatial.divide(read.blocks, read.adjacency, profile, rng=rng, budget_s=20, locks=read.locks)
    assert told.status == division.status == "optimal"
    assert told.assignment == division.assignment.to_dict()
    assert told.objective == pytest.approx(division.total)
    assert told.bound == pytest.approx(division.bound)


def test_the_plan_that_is_served_is_divided_community_by_community(jobs: httpx.Client, toy_folder: Path) -> None:
    job = run(jobs, "divide", budget_s=2)
    told = Divided.model_validate(results(jobs, job))
    plan = read_plan_folder(toy_folder)
    blocks, adjacency = read_plan_blocks(plan)
    done = divide_communities(blocks, adjacency, profile_of(plan), seed=0, budget_s=2)
    assert told.assignment == join_assignments(done).to_dict()
    assert [one[2]["community_id"] for one in listen(jobs, job) if one[1] == "community"] == ["c1"]


def test_only_the_named_grids_of_the_plan_are_drawn_anew(jobs: httpx.Client) -> None:
    told = Divided.model_validate(results(jobs, run(jobs, "redivide", grids=["g2"], budget_s=2)))
    assert told.assignment == {"b1": "g1", "b2": "g1", "b3": "g2", "b4": "g3"}


def test_better_plans_and_bounds_are_told_while_the_proof_goes_on(jobs: httpx.Client) -> None:
    job = run(jobs, "divide", blocks=town(6), budget_s=60)
    events = list(listen(jobs, job))
    better = [data for _, kind, data in events if kind == "better"]
    assert len(better) >= 2
    for before, after in pairwise(better):
        assert after["objective"] <= before["objective"]
        assert after["bound"] >= before["bound"]
        assert (after["objective"], after["bound"]) != (before["objective"], before["bound"])
    plans = [data for _, kind, data in events if kind == "plan"]
    assert plans
    assert all(len(plan["assignment"]) == 6 * 6 for plan in plans)
    shares = [data["progress"] for _, kind, data in events if kind == "status"]
    assert shares == sorted(shares)
    told = jobs.get(f"{job}/results").json()
    assert told["objective"] == pytest.approx(better[-1]["objective"])
    assert told["bound"] == pytest.approx(better[-1]["bound"])


def test_events_are_replayed_after_the_last_one_seen(jobs: httpx.Client) -> None:
    job = run(jobs, "divide", budget_s=1)
    every = list(listen(jobs, job))
    assert [number for number, _, _ in every] == list(range(1, len(every) + 1))
    assert list(listen(jobs, job, **{"Last-Event-ID": "2"})) == every[2:]
    done = jobs.get(f"{job}/events", headers={"Last-Event-ID": str(len(every))})
    assert (done.status_code, done.content) == (204, b"")
    assert jobs.get(f"{job}/events", params={"after": "x"}).status_code == 400


def test_a_running_job_is_dismissed_and_its_stream_ends(jobs: httpx.Client) -> None:
    job = run(jobs, "divide", blocks=town(20), budget_s=600)
    kinds = []
    for _, kind, data in listen(jobs, job):
        kinds.append(data.get("status", kind))
        if kind == "better":
            early = jobs.get(f"{job}/results")
            assert (early.status_code, early.json()["type"]) == (404, f"{EXCEPTIONS}/result-not-ready")
            answer = jobs.delete(job)
            assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert kinds[-1] == "dismissed"
    assert jobs.get(job).json()["status"] == "dismissed"
    assert jobs.get(f"{job}/results").status_code == 404
    assert jobs.delete(job).status_code == 200
    assert (jobs.get(job).status_code, jobs.get(job).json()["type"]) == (404, f"{EXCEPTIONS}/no-such-job")


def test_circles_are_answered_at_once_as_the_walking_feed_answers_them(jobs: httpx.Client) -> None:
    asked = {"points": [lonlat(0, 0), lonlat(900, 20)], "metres": [300, 500]}
    answer = jobs.post("/processes/circles/execution", json={"inputs": asked})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/geo+json"
    walk_models.Circles.model_validate(answer.json())
    profile = {"profile": "about_500"}  # a job is kept: it tells by which rules people walk
    assert answer.json() == jobs.post("/walking/circles", json=asked).json() | profile
    wrapped = {"inputs": {"points": {"value": asked["points"]}, "metres": [300, 500]}, "response": "document"}
    assert jobs.post("/processes/circles/execution", json=wrapped).json() == {"circles": answer.json()}


def test_a_job_draws_more_circles_than_an_answer_on_the_spot(jobs: httpx.Client) -> None:
    points = [lonlat(10.0 * at, 0) for at in range(60)]
    assert jobs.post("/walking/circles", json={"points": points, "metres": [300]}).status_code == 400
    told = results(jobs, run(jobs, "circles", points=points, metres=[300]))
    names = [one["properties"]["site_id"] for one in told["features"]]
    assert names == sorted(str(number) for number in range(1, 61))
    west, south, east, north = told["bbox"]
    around = shapely.union_all([shapely.from_geojson(json.dumps(one["geometry"])) for one in told["features"]]).bounds
    assert (west, south, east, north) == pytest.approx(around, abs=1e-6)


def test_walks_are_answered_and_what_cannot_be_used_is_told(jobs: httpx.Client) -> None:
    asked: dict[str, Any] = {"sources": [lonlat(0, 0)], "demand": [lonlat(330, 10), lonlat(2900, 0)], "minutes": 6}
    answer = jobs.post("/processes/walk/execution", json={"inputs": asked})
    assert answer.json() == jobs.post("/walking/travel-times", json=asked).json()
    bad = jobs.post("/processes/walk/execution", json={"inputs": {**asked, "minutes": 600}})
    assert (bad.status_code, bad.headers["Content-Type"]) == (400, "application/problem+json")
    assert "found 600" in bad.json()["detail"]


def _square(**properties: Any) -> dict[str, Any]:
    feature = {**town(1)["features"][0], "properties": properties}
    return {"type": "FeatureCollection", "features": [feature]}


BAD: dict[str, tuple[str, Any, str]] = {
    "no inputs": ("divide", {}, "inputs"),
    "an unknown input": ("divide", {"inputs": {"bloks": 1}}, "inputs.bloks"),
    "an input by reference": ("divide", {"inputs": {"blocks": {"href": "file:///etc/passwd"}}}, "fetches nothing"),
    "a profile by path": ("divide", {"inputs": {"blocks": _square(households=1), "profile": "../x.toml"}}, "profile"),
    "a budget above all": ("divide", {"inputs": {"budget_s": 1e9}}, "needed 3600 or less"),
    "a budget that is none": ("divide", {"inputs": {"budget_s": -1}}, "inputs.budget_s"),
    "an unknown output": ("divide", {"inputs": {}, "outputs": {"grid": {}}}, "outputs.grid"),
    "a flag for a number": ("divide", {"inputs": {"seed": False}}, "inputs.seed: found false, needed a whole number"),
    "no grids": ("redivide", {"inputs": {"grids": []}}, "inputs.grids"),
    "no points": ("circles", {"inputs": {}}, "inputs.points"),
    "a list": ("divide", [], "the body: found a list of 0, needed an object"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_a_problem_that_names_what_is_wrong(jobs: httpx.Client, case: str) -> None:
    process, body, sentence = BAD[case]
    answer = jobs.post(f"/processes/{process}/execution", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


FAILING: dict[str, tuple[str, Any, str]] = {
    "no households": ("divide", {"blocks": _square(people=1)}, "'households'"),
    "names of people": ("divide", {"blocks": _square(households=1, 姓名="王某")}, "姓名"),
    "unknown community": ("divide", {"communities": ["c9"]}, "found 'c9', needed some of the plan's: c1"),
    "two questions": (
        "divide",
        {"blocks": _square(households=1), "communities": ["c1"]},
        "found blocks beside communities",
    ),
    "unknown grid": ("redivide", {"grids": ["g9"]}, "found grid 'g9'"),
    "no grids of today": ("redivide", {"grids": ["a"], "blocks": _square(households=1)}, "or without current"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_job_that_cannot_be_done_says_why(jobs: httpx.Client, case: str) -> None:
    process, inputs, sentence = FAILING[case]
    job = run(jobs, process, **inputs)
    last = list(listen(jobs, job))[-1]
    assert last[2]["status"] == "failed"
    assert sentence in last[2]["message"]
    answer = jobs.get(f"{job}/results")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert sentence in answer.json()["detail"]
    assert jobs.get(job).json()["exception"]["status"] == 400


def test_outputs_are_answered_as_they_were_asked_for(jobs: httpx.Client) -> None:
    body = {"inputs": {"budget_s": 1}, "outputs": {"status": {}, "assignment": {}}}
    job = jobs.post("/processes/divide/execution", json=body).headers["Location"]
    assert set(results(jobs, job)) == {"status", "assignment"}
    job = jobs.post("/processes/divide/execution", json={**body, "outputs": {"status": {}}}).headers["Location"]
    assert results(jobs, job) == "optimal"
    job = jobs.post("/processes/divide/execution", json={**body, "outputs": {}}).headers["Location"]
    assert set(results(jobs, job)) == set(Divided.model_fields)


def test_numbers_beyond_those_of_json_are_taken(jobs: httpx.Client) -> None:
    job = run(jobs, "divide", blocks=_square(households=2, far=2**70), budget_s=0)
    assert set(results(jobs, job)["assignment"]) == {"b00-00"}


def test_a_body_that_is_no_json_in_utf_8_is_refused(jobs: httpx.Client) -> None:
    whole = b'{"inputs":{"blocks":{"type":"FeatureCollection","features":[%s]}}}'
    wrong = (b'{"a":"\\ud800"}', b'{"a":NaN}', b'"\xff"')
    for content in (*(whole % one for one in wrong), b"[" * 9999, b"{"):
        headers = {"Content-Type": "application/json"}
        answer = jobs.post("/processes/divide/execution", content=content, headers=headers)
        assert (answer.status_code, "the body is no JSON" in answer.json()["detail"]) == (400, True), answer.text


def test_jobs_are_listed_by_process_state_and_time(jobs: httpx.Client) -> None:
    first = run(jobs, "divide", budget_s=1)
    second = run(jobs, "redivide", grids=["g2"], budget_s=1)
    for one in (first, second):
        results(jobs, one)
    told = answers.JobList.model_validate(jobs.get("/jobs").json())
    assert [one.jobID for one in told.jobs[:2]] == [second.rpartition("/")[2], first.rpartition("/")[2]]
    page = jobs.get("/jobs", params={"limit": 1}).json()
    assert (len(page["jobs"]), page["links"][1]["rel"]) == (1, "next")
    assert jobs.get(page["links"][1]["href"]).json()["jobs"][0]["jobID"] == first.rpartition("/")[2]
    some = jobs.get("/jobs", params={"processID": "redivide", "status": "successful,failed"}).json()["jobs"]
    assert {one["processID"] for one in some} == {"redivide"}
    assert jobs.get("/jobs", params={"datetime": "../2001-01-01T00:00:00Z"}).json()["jobs"] == []
    at = told.jobs[0].created
    assert jobs.get("/jobs", params={"datetime": f"{at}/.."}).json()["numberMatched"] == 1
    assert jobs.get("/jobs", params={"minDuration": 3600}).json()["jobs"] == []
    for wrong in ({"status": "lost"}, {"limit": "0"}, {"datetime": "now"}, {"type": "dream"}, {"unknown": "1"}):
        assert jobs.get("/jobs", params=wrong).status_code == 400


def test_what_may_be_done_with_a_job_is_told_where_something_else_is_tried(jobs: httpx.Client) -> None:
    for answer in (jobs.options("/jobs/1"), jobs.post("/jobs/1"), jobs.put("/jobs/1")):
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, DELETE")


def test_the_document_describes_what_processes_take(jobs: httpx.Client) -> None:
    document = jobs.get("/openapi.json").json()
    post = document["paths"]["/processes/divide/execution"]["post"]
    assert {"201", "400", "401", "403", "408", "413", "503"} == set(post["responses"])
    body = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    inputs = document["components"]["schemas"][body]["properties"]["inputs"]["$ref"].rpartition("/")[2]
    described = jobs.get("/processes/divide").json()["inputs"]
    assert set(document["components"]["schemas"][inputs]["properties"]) == set(described)
