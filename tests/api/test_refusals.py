"""What cannot be used, or is not there, is told in one sentence: where, what was found, what was needed."""

from typing import Any

import httpx
import pytest
from pydantic import BaseModel, Field, ValidationError

from api.absent import tell_absent
from api.main import create_app
from api.refusals import tell_refusal
from api.settings import Settings
from tests.api.threaded import talking_to

WRONG: list[tuple[str, Any, str]] = [
    ("/locate", {"points": "here"}, "points: found 'here', needed a list"),
    ("/locate", {"points": [[114.3]]}, "points[0]: found 1, needed at least 2"),
    ("/locate", {"points": [[114.3, 30.6, 1, 2, 3]]}, "points[0]: found 5, needed at most 2"),
    ("/locate", {"points": [[114.3, "north"]]}, "points[0][1]: found 'north', needed a number"),
    (
        "/locate",
        {"points": [], "coords": "mars"},
        "coords: found 'mars', needed 'wgs84', 'cgcs2000', 'gcj02' or 'bd09'",
    ),
    ("/locate", {}, "points: found nothing, needed a value"),
    ("/locate", {"points": [], "speed": 3}, "speed: found a member that is not known, needed none of this name"),
    ("/locate", [1, 2], "the body: found a list of 2, needed an object"),
    ("/processes/divide/execution", {"inputs": {"budget_s": -1}}, "inputs.budget_s: found -1, needed 0 or more"),
    ("/processes/divide/execution", {"inputs": {"seed": 1.5}}, "inputs.seed: found 1.5, needed a whole number"),
    ("/processes/divide/execution", {"inputs": {"blocks": 3}}, "inputs.blocks: found 3, needed an object"),
    ("/processes/site/execution", {"inputs": {"split": "no"}}, "needed"),
]


@pytest.mark.parametrize(("path", "body", "sentence"), WRONG)
def test_what_does_not_fit_is_told_in_our_words(client: httpx.Client, path: str, body: Any, sentence: str) -> None:
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    told = answer.json()["detail"]
    assert sentence in told
    assert "nput should" not in told


def test_a_body_that_is_no_json_is_told_with_the_reason(client: httpx.Client) -> None:
    for path in ("/locate", "/processes/divide/execution"):
        answer = client.post(path, content=b'{"points": [', headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("the body is no JSON: "), answer.text


class _Tried(BaseModel):
    flag: bool = True
    name: str = Field(default="a", min_length=1, max_length=3)
    share: float = Field(default=0.5, gt=0, lt=1, allow_inf_nan=False)
    some: dict[str, int] = Field(default_factory=dict, max_length=1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"flag": "maybe"}, "flag: found 'maybe', needed true or false"),
        ({"name": None}, "name: found null, needed a text"),
        ({"name": ""}, "name: found 0, needed at least 1 characters"),
        ({"name": "x" * 200}, "name: found 200, needed at most 3 characters"),
        ({"share": float("inf")}, "share: found inf, needed a finite number"),
        ({"share": 1}, "share: found 1, needed less than 1"),
        ({"share": 0}, "share: found 0, needed more than 0"),
        ({"share": "9" * 100 + "x"}, f"share: found '{'9' * 59}..., needed a number"),
        ({"some": {"a": "b"}}, "some.a: found 'b', needed a whole number"),
        ({"some": {"a": 1, "b": 2}}, "some: found 2, needed at most 1"),
    ],
)
def test_every_kind_of_refusal_has_words(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as told:
        _Tried.model_validate(given)
    assert tell_refusal(dict(told.value.errors()[0])) == sentence


def test_nothing_at_an_address_names_the_option_that_the_server_lacks(client: httpx.Client) -> None:
    told = {path: client.get(path).json()["detail"] for path in ("/plans", "/walking/circle", "/nowhere", "/locate/")}
    assert told["/plans"] == (
        "nothing is at /plans: this server has no store of plans, needed --store: `wangge serve --store plans.gpkg`"
    )
    assert "no street map, needed --osm" in told["/walking/circle"]
    assert told["/nowhere"] == "nothing is at /nowhere; see /openapi.json for what there is"
    assert "without the slash" in told["/locate/"]
    lacking = client.post("/processes/walk/execution", json={"inputs": {}})
    assert (lacking.status_code, "--osm" in lacking.json()["detail"]) == (404, True)
    other = client.put("/locate", json={})
    assert (other.status_code, other.json()["detail"]) == (405, "found PUT, needed one of GET, HEAD, POST")
    assert other.headers["Allow"] == "GET, HEAD, POST"


def test_a_server_of_a_store_alone_leads_to_the_feeds_of_its_plans(tmp_path: Any) -> None:
    from api.store.store import create_store

    create_store(tmp_path / "plans.gpkg").close()
    with talking_to(create_app(None, Settings(jobs=tmp_path / "jobs"), store=tmp_path / "plans.gpkg")) as one:
        told = one.get("/collections").json()["detail"]
    assert "no plan folder, needed a plan folder: `wangge serve FOLDER`" in told
    assert told.endswith("/plans/{planId}/feeds")
    assert tell_absent("/plans/none/x", frozenset({"store"})).startswith("nothing is at /plans/none/x; see")
