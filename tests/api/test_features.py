"""The feeds speak OGC API - Features, strictly."""

import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import cramjam
import httpx
import lxml.html
import pyogrio
import pytest

from api import schemas
from spatial.io.plan_folder import write_plan
from tests.api.live import serving
from tests.api.toy_plan import build_toy_plan

GRIDS = "/collections/grids/items"


def links_of(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def test_the_landing_page_links_to_what_clients_look_for(client: httpx.Client) -> None:
    landing = client.get("/").json()
    schemas.Landing.model_validate(landing)
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= set(links_of(landing))
    assert landing["attribution"] == "© OpenStreetMap contributors"


def test_every_link_leads_somewhere(client: httpx.Client) -> None:
    documents = ["/", "/collections", "/collections/sites", GRIDS + "?limit=1", GRIDS + "/g1"]
    for href in {link["href"] for path in documents for link in client.get(path).json()["links"]}:
        status = client.get(href, follow_redirects=True).status_code
        assert status == 200 or (status == 503 and ("/map/" in href or "/docs" in href)), href


def test_a_browser_is_led_to_the_map_and_a_program_to_json(client: httpx.Client) -> None:
    browser = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert browser.status_code == 303
    assert browser.headers["Location"].endswith("/map/")
    assert browser.headers["Vary"] == "Accept"
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5", "nonsense;q=x"):
        assert client.get("/", headers={"Accept": accept}).json()["links"]
    assert client.get("/?f=json", headers={"Accept": "text/html"}).status_code == 200
    assert client.get("/?f=html").headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_classes_that_are_kept_are_declared(client: httpx.Client) -> None:
    conforms = schemas.Conformance.model_validate(client.get("/conformance").json()).conformsTo
    for part in ("core", "oas30", "geojson"):
        assert f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{part}" in conforms
    assert "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs" in conforms
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in conforms
    assert len(set(conforms)) == len(conforms)


def test_every_layer_of_the_folder_is_a_collection_with_its_extent(client: httpx.Client) -> None:
    found = schemas.Collections.model_validate(client.get("/collections").json())
    made = ["blocks", "grids", "circles", "sites", "demand", "communities", "barriers", "violations"]
    read = ["gates", "candidates", "existing", "estates", "current", "pois"]
    assert [c.id for c in found.collections] == [*made, *read]
    one = schemas.Collection.model_validate(client.get("/collections/grids").json())
    assert one.extent is not None
    assert one.extent.spatial.bbox == [[114.3, 30.6, 114.3061234, 30.6054321]]


def test_items_are_counted_and_stamped(client: httpx.Client) -> None:
    answer = client.get(GRIDS)
    assert answer.headers["Content-Type"] == "application/geo+json"
    page = schemas.FeatureCollection.model_validate(answer.json())
    assert (page.numberMatched, page.numberReturned) == (3, 3)
    assert [f.id for f in page.features] == ["g1", "g2", "g3"]
    assert page.features[0].properties["households"] == 350
    assert datetime.fromisoformat(page.timeStamp).tzinfo is not None
    assert "next" not in links_of(answer.json())


def test_pages_follow_each_other_through_next_and_back_through_prev(client: httpx.Client) -> None:
    seen, address = [], f"{GRIDS}?limit=2"
    for _ in range(2):
        page = client.get(address).json()
        assert page["numberMatched"] == 3
        seen += [f["id"] for f in page["features"]]
        address = links_of(page).get("next", "")
    assert (seen, address) == (["g1", "g2", "g3"], "")
    before = client.get(links_of(page)["prev"]).json()
    assert [f["id"] for f in before["features"]] == ["g1", "g2"]


def test_a_page_keeps_the_box_it_was_asked_with(client: httpx.Client) -> None:
    page = client.get(f"{GRIDS}?limit=1&bbox=114.3,30.6,114.31,30.61").json()
    after = client.get(links_of(page)["next"]).json()
    assert after["numberMatched"] == 3
    assert "bbox=114.3,30.6,114.31,30.61" in links_of(after)["self"]


@pytest.mark.parametrize(
    ("box", "ids"),
    [
        ("114.3001,30.6050,114.3002,30.6051", ["g2"]),
        ("114.3001,30.6050,0,114.3002,30.6051,50", ["g2"]),
        ("114.3029,30.6050,114.3031,30.6051", ["g2", "g3"]),
        ("114.3061234,30.6,114.4,30.601", ["g1"]),  # touching is meeting
        ("0,0,1,1", []),
        ("170,-90,115,90", ["g1", "g2", "g3"]),  # over the antimeridian
        ("170,-90,114,90", []),
        ("-1000,-1000,1000,1000", ["g1", "g2", "g3"]),
    ],
)
def test_a_box_finds_what_meets_it(client: httpx.Client, box: str, ids: list[str]) -> None:
    page = client.get(GRIDS, params={"bbox": box}).json()
    assert [f["id"] for f in page["features"]] == ids
    assert page["numberMatched"] == len(ids)


@pytest.mark.parametrize("when", ["2026-01-01T00:00:00Z", "2026-01-01/..", "../2026-01-01", "2026-01-01/2026-02-01"])
def test_features_have_no_time_so_every_time_matches(client: httpx.Client, when: str) -> None:
    assert client.get(GRIDS, params={"datetime": when}).json()["numberMatched"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=1&limit=2", "limit=%D9%A1", "offset=-1",
        "bbox=1,2,3", "bbox=a,b,c,d", "bbox=0,1,1,0", "bbox=nan,0,1,1", "bbox=", "datetime=yesterday", "f=xml",
        "color=red", "LIMIT=1",
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_told_as_a_problem(client: httpx.Client, query: str) -> None:
    answer = client.get(f"{GRIDS}?{query}")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = schemas.Problem.model_validate(answer.json())
    assert (problem.status, problem.instance) == (400, GRIDS)
    assert query.partition("=")[0] in problem.detail


@pytest.mark.parametrize(
    "path", ["/", "/conformance", "/collections", "/collections/grids", f"{GRIDS}/g1", "/plan/report"]
)
def test_no_address_ignores_a_parameter_it_does_not_know(client: httpx.Client, path: str) -> None:
    assert client.get(path, params={"color": "red"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/collections/rivers", "/collections/rivers/items", f"{GRIDS}/g9", "/nowhere", "/collections/"]
)
def test_what_does_not_exist_is_told_as_a_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert schemas.Problem.model_validate(answer.json()).detail


def test_writing_is_not_allowed(client: httpx.Client) -> None:
    answer = client.post(GRIDS, json={})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_one_feature_is_the_feature_of_the_page(client: httpx.Client) -> None:
    alone = client.get(f"{GRIDS}/g2").json()
    schemas.Feature.model_validate(alone)
    assert {"self", "collection"} <= set(links_of(alone))
    del alone["links"]
    assert alone == client.get(GRIDS).json()["features"][1]


def test_ids_that_need_quoting_are_found(client: httpx.Client) -> None:
    for feature in client.get("/collections/circles/items").json()["features"]:
        answer = client.get(f"/collections/circles/items/{feature['id']}")
        assert answer.json()["id"] == feature["id"]
        assert client.get(links_of(answer.json())["self"]).status_code == 200


def test_a_client_that_has_the_version_is_not_sent_it_again(client: httpx.Client) -> None:
    first = client.get(GRIDS)
    again = client.get(GRIDS, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = client.get(f"{GRIDS}?limit=1", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_large_answers_are_compressed(client: httpx.Client) -> None:
    plain = client.get("/collections/circles/items", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for accepted, codec in [("gzip", "gzip"), ("gzip, deflate, br", "br"), ("br;q=0.5, gzip", "gzip"), ("*", "zstd")]:
        with client.stream("GET", "/collections/circles/items", headers={"Accept-Encoding": accepted}) as answer:
            packed = b"".join(answer.iter_raw())
        assert answer.headers["Content-Encoding"] == codec
        assert "Accept-Encoding" in answer.headers["Vary"]
        unpacked = bytes(getattr(cramjam, {"br": "brotli"}.get(codec, codec)).decompress(packed))
        assert json.loads(unpacked)["features"] == plain.json()["features"]


def test_a_head_request_is_answered_without_a_body(client: httpx.Client) -> None:
    answer = client.head(GRIDS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"]


def test_gdal_reads_the_feeds_page_by_page(toy_folder: Any) -> None:
    with serving(toy_folder, limit_default="2", limit_max="2") as at:
        assert "grids" in pyogrio.list_layers(f"OAPIF:{at}/")[:, 0]
        grids = pyogrio.read_dataframe(f"OAPIF:{at}/", layer="grids")
        west = pyogrio.read_dataframe(f"OAPIF:{at}/", layer="blocks", bbox=(114.3, 30.6, 114.301, 30.61))
    assert grids["households"].tolist() == [350, 480, 1500]
    assert grids["status"].tolist() == ["in_band", "in_band", "oversize"]
    assert sorted(west["block_id"]) == ["b1", "b3"]


@pytest.mark.parametrize(
    "path",
    ["/?f=html", "/conformance", "/collections", "/collections/grids", "/collections/grids/queryables", GRIDS,
     f"{GRIDS}/g1", "/collections/circles/items?limit=2"],
)  # fmt: skip
def test_people_are_given_pages(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = lxml.html.document_fromstring(answer.text)
    assert page.findtext(".//h1")
    links = {one.get("href") for one in page.iter("a")}
    assert links
    for href in links:
        assert client.get(href, follow_redirects=True).status_code in (200, 503), href


def test_a_page_of_features_leads_to_the_next(client: httpx.Client) -> None:
    page = lxml.html.document_fromstring(client.get(f"{GRIDS}?f=html&limit=2").text)
    (after,) = (one.get("href") for one in page.iter("a") if one.get("rel") == "next")
    assert "f=html" in after
    assert "g3" in client.get(after).text


def test_what_planners_write_is_text_and_never_markup(tmp_path: Path) -> None:
    plan = build_toy_plan()
    evil = plan.communities.assign(name=["<script>alert(1)</script>"])
    folder = write_plan(dataclasses.replace(plan, communities=evil), tmp_path / "p", scorecard=None, violations=None)
    with serving(folder) as at:
        for path in ("items?f=html", "items/c1?f=html"):
            text = httpx.get(f"{at}/collections/communities/{path}").text
            assert "<script" not in text
            assert "&lt;script&gt;" in text


@pytest.mark.parametrize("asked", [{"params": {"f": "jsonseq"}}, {"headers": {"Accept": "application/geo+json-seq"}}])
def test_features_come_one_after_the_other_as_a_sequence(client: httpx.Client, asked: dict[str, Any]) -> None:
    answer = client.get(GRIDS, **asked)
    assert answer.headers["Content-Type"] == "application/geo+json-seq"
    first, *records = answer.content.split(b"\x1e")
    assert first == b""
    assert all(record.endswith(b"\n") for record in records)
    assert [json.loads(record) for record in records] == client.get(GRIDS).json()["features"]


def test_a_sequence_is_whole_unless_a_limit_is_named(toy_folder: Any) -> None:
    with serving(toy_folder, limit_default="1", limit_max="2") as at, httpx.Client(base_url=at) as client:
        asked = {"f": "jsonseq", "filter": "households > 1"}
        assert client.get(GRIDS, params=asked).content.count(b"\x1e") == 3
        assert client.get(GRIDS, params={**asked, "limit": 2}).content.count(b"\x1e") == 2
        assert client.get(GRIDS, params={**asked, "offset": 1}).content.count(b"\x1e") == 2
