"""The grids of a store's plan are written to as OGC API - Features, Part 4, says: a write is an edit, and a version."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import schemas
from api.feeds import WRITING
from api.main import create_app
from api.settings import Settings
from api.store.editing import Editor, import_plan
from api.store.records import Note
from api.store.store import Store, create_store, open_store
from spatial.crs import CRS84_URI
from tests.api.threaded import talking_to
from tests.api.toy_plan import block_polygons, build_toy_plan
from tests.store.served import TOY, edit, move, rename, serve_layers

ROOT = f"/plans/{TOY}/feeds"
GRIDS = f"{ROOT}/collections/grids/items"
MERGE = "application/merge-patch+json"
GEOJSON = "application/geo+json"
ANY = {"If-Match": "*"}


def fill(path: Path) -> Store:
    made, plan = create_store(path), build_toy_plan()
    import_plan(made, plan, serve_layers(plan), Note("office", "first"))
    return made


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to be copied, or read only."""
    where = tmp_path_factory.mktemp("filled") / "plans.gpkg"
    fill(where).close()
    return where


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "plans.gpkg"))


@pytest.fixture
def client(path: Path) -> Iterator[httpx.Client]:
    with talking_to(create_app(None, Settings(), store=path)) as one:
        yield one


@pytest.fixture(scope="module")
def untouched(filled: Path) -> Iterator[httpx.Client]:
    """Feeds to which nothing is written: all that is sent is refused."""
    with talking_to(create_app(None, Settings(), store=filled)) as one:
        yield one


def tag(client: httpx.Client, grid: str, **asked: str) -> dict[str, str]:
    return {"If-Match": client.get(f"{GRIDS}/{grid}", params=asked).headers["ETag"]}


def patch(client: httpx.Client, grid: str, body: Any, **headers: str) -> httpx.Response:
    sent = {"Content-Type": MERGE, **(headers or ANY)}
    return client.patch(f"{GRIDS}/{grid}", content=json.dumps(body), headers=sent)


def post(client: httpx.Client, geometry: Any, properties: dict[str, Any], **headers: str) -> httpx.Response:
    body = {"type": "Feature", "geometry": geometry, "properties": properties}
    return client.post(GRIDS, content=json.dumps(body), headers={"Content-Type": GEOJSON, **(headers or ANY)})


def drawn(area: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(shapely.to_geojson(area))
    return told


def properties_of(client: httpx.Client, grid: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"{GRIDS}/{grid}").json()["properties"]
    return told


def head(client: httpx.Client) -> int:
    number: int = client.get(f"/plans/{TOY}").json()["head"]
    return number


def test_options_tell_what_a_planner_may_do_and_what_all_may(client: httpx.Client) -> None:
    items = client.options(GRIDS)
    assert (items.status_code, items.headers["Allow"]) == (200, "GET, HEAD, OPTIONS, POST")
    assert items.headers["Accept-Post"] == GEOJSON
    one = client.options(f"{GRIDS}/g1")
    assert (one.status_code, one.headers["Allow"]) == (200, "GET, HEAD, OPTIONS, PUT, PATCH, DELETE")
    assert one.headers["Accept-Patch"] == MERGE
    assert client.options(f"{ROOT}/collections/blocks/items").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert client.options(f"{ROOT}/collections/rivers/items").status_code == 404


def test_a_patch_of_attributes_is_one_edit_and_one_version(client: httpx.Client) -> None:
    body: dict[str, Any] = {
        "properties": {"name": "东湖网格", "locked": True, "attributes": {"风险": "高", "楼栋": 12}}
    }
    answer = patch(client, "g1", body, **tag(client, "g1"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == GEOJSON
    assert answer.headers["Link"].endswith(f'/plans/{TOY}/versions/2>; rel="latest-version"')
    told = schemas.Feature.model_validate(answer.json())
    assert {name: told.properties[name] for name in body["properties"]} == body["properties"]
    again = client.get(f"{GRIDS}/g1")
    assert (again.json(), again.headers["ETag"]) == (answer.json(), answer.headers["ETag"])
    version = client.get(f"/plans/{TOY}/versions/2").json()
    assert [one["kind"] for one in version["edits"]] == ["rename", "set_attributes", "lock"]
    assert (version["who"], version["why"], version["summary"]["grids"]) == (
        "local", "grid g1 changed in the feed", ["g1"],
    )  # fmt: skip
    assert head(client) == 2


def test_a_merge_patch_takes_away_what_is_null(client: httpx.Client) -> None:
    patch(client, "g1", {"properties": {"name": "甲", "attributes": {"a": 1, "b": "x"}}})
    patch(client, "g1", {"properties": {"name": None, "attributes": {"a": None, "c": True}}})
    now = properties_of(client, "g1")
    assert (now["name"], now["attributes"]) == ("", {"b": "x", "c": True})
    patch(client, "g1", {"properties": {"attributes": None}})
    assert properties_of(client, "g1")["attributes"] == {}


def test_a_client_that_sends_objects_as_texts_is_understood(client: httpx.Client) -> None:
    assert patch(client, "g1", {"properties": {"attributes": '{"a": 1}'}}).status_code == 200
    assert properties_of(client, "g1")["attributes"] == {"a": 1}


def test_a_patch_that_changes_nothing_makes_no_version(client: httpx.Client) -> None:
    same = {"households": 350, "locked": False, "attributes": {}}
    bodies: list[dict[str, Any]] = [{}, {"properties": {}}, {"properties": same}]
    for body in bodies:
        answer = patch(client, "g1", body)
        assert (answer.status_code, answer.json()["id"]) == (200, "g1"), body
    assert head(client) == 1


def nest(times: int) -> dict[str, Any]:
    """Return a geometry within others."""
    geometry: dict[str, Any] = {"type": "Point", "coordinates": [114.3, 30.6]}
    for _ in range(times):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    return geometry


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"properties": {"households": 1}}, "'households' is worked out and stays 350; found 1"),
        ({"properties": {"kind": "dedicated"}}, "'kind' is worked out and stays 'base'"),
        ({"properties": {"colour": "red"}}, "found 'colour', needed only name, locked, attributes"),
        ({"properties": {"locked": None}}, "locked is null, needed true or false"),
        ({"properties": {"name": 3}}, "name is a number, needed a text"),
        ({"properties": {"attributes": [1]}}, "attributes are a list, needed an object"),
        ({"properties": {"attributes": {"a": {"b": 1}}}}, "needed a named text, number or flag"),
        ({"properties": {"attributes": {"网格员": "张三"}}}, "网格员"),
        ({"properties": 3}, "properties are a number, needed an object"),
        ({"id": "g2"}, "found the id 'g2', needed that of the address"),
        ({"type": "Polygon"}, "of type 'Polygon', needed Feature"),
        ({"households": 3}, "a member 'households'"),
        ({"geometry": None}, "geometry is null"),
        ({"geometry": {"type": "Point", "coordinates": [114.3, 30.6]}}, "needed a Polygon or MultiPolygon"),
        ({"geometry": {"type": "Polygon", "coordinates": "x"}}, "geometry cannot be read"),
        ({"geometry": nest(300)}, "geometry cannot be read"),
        ([1], "the body is a list"),
        ("text", "the body is a text"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_its_reason(untouched: httpx.Client, body: Any, told: str) -> None:
    answer = patch(untouched, "g1", body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json"), answer.text
    assert told in schemas.Problem.model_validate(answer.json()).detail
    assert head(untouched) == 1


def test_the_requests_of_qgis_edit_the_grids(client: httpx.Client) -> None:
    """As its provider sends them: the same headers everywhere, all fields of a new feature, one request a feature."""
    client.headers.update(ANY)  # an "API Header" authentication adds it to every request
    landing = client.get(f"{ROOT}/").json()
    for rel in ("service-desc", "conformance", "data"):
        assert client.get(next(one["href"] for one in landing["links"] if one["rel"] == rel)).status_code == 200
    sample = client.get(GRIDS, params={"limit": 10}).json()["features"]
    assert "POST" in client.options(GRIDS).headers["Allow"].split(", ")
    assert {"PUT", "PATCH", "DELETE"} <= set(client.options(f"{GRIDS}/{sample[0]['id']}").headers["Allow"].split(", "))
    renamed = patch(client, "g2", {"properties": {"name": "北片", "attributes": {"步行": True}}})
    assert renamed.status_code == 200
    fields = dict.fromkeys(sample[0]["properties"]) | {"name": "学校"}
    made = post(client, drawn(block_polygons()[0]), fields)
    assert made.status_code == 201, made.text
    new = made.headers["Location"].rpartition("/items/")[2]
    assert client.get(f"{GRIDS}/{new}").json()["properties"]["kind"] == "dedicated"
    assert client.delete(f"{GRIDS}/{new}").status_code == 204
    assert head(client) == 4


def test_a_drawn_area_moves_the_blocks_it_gains(client: httpx.Client) -> None:
    b1, b2, b3, _ = block_polygons()
    grown = shapely.union_all([b1, b3]).buffer(-1e-5)  # drawn by hand: on no border exactly
    answer = patch(client, "g2", {"geometry": drawn(grown)}, **tag(client, "g2"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["properties"]["households"] == 680
    assert properties_of(client, "g1")["households"] == 150
    assert client.get(f"/plans/{TOY}/versions/2").json()["edits"] == [move("b1", "g2")]
    all_of_it = patch(client, "g2", {"geometry": drawn(shapely.union_all([b1, b2, b3]))})
    assert (all_of_it.status_code, "would lose its last block" in all_of_it.text) == (400, True)


def test_a_drawn_area_that_loses_a_block_is_refused(client: httpx.Client) -> None:
    answer = patch(client, "g1", {"geometry": drawn(block_polygons()[0])})
    assert answer.status_code == 400
    assert "leaves out block 'b2', and a block is always in a grid" in answer.json()["detail"]
    cut = patch(client, "g3", {"geometry": drawn(block_polygons()[3].buffer(-0.0012))})
    assert "the drawn area holds parts of b4 alone" in cut.json()["detail"]
    broken = shapely.Polygon([(114.3, 30.6), (114.31, 30.61), (114.31, 30.6), (114.3, 30.61)])
    assert "the drawn area is broken" in patch(client, "g1", {"geometry": drawn(broken)}).json()["detail"]


def test_a_put_replaces_all_that_clients_decide(client: httpx.Client) -> None:
    patch(client, "g1", {"properties": {"attributes": {"a": 1, "b": 2}}})
    now = client.get(f"{GRIDS}/g1")
    feature = now.json()
    feature["properties"] |= {"name": "西片", "attributes": {"b": 3}}
    sent = {"Content-Type": GEOJSON, "If-Match": now.headers["ETag"]}
    answer = client.put(f"{GRIDS}/g1", content=json.dumps(feature), headers=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["properties"]["attributes"] == {"b": 3}
    assert properties_of(client, "g1")["name"] == "西片"
    assert client.put(f"{GRIDS}/g1", content=json.dumps(feature), headers=sent).status_code == 412
    del feature["properties"]["locked"]
    part = client.put(f"{GRIDS}/g1", content=json.dumps(feature), headers={**sent, **ANY})
    assert (part.status_code, "found no 'locked'" in part.text) == (400, True)


def test_a_geometry_may_come_in_a_system_that_the_collection_lists(client: httpx.Client) -> None:
    system = "http://www.opengis.net/def/crs/EPSG/0/4547"
    now = client.get(f"{GRIDS}/g1", params={"crs": system})
    body = json.dumps({"geometry": now.json()["geometry"], "properties": {"name": "不动"}})
    sent = {"Content-Type": MERGE, "Content-Crs": f"<{system}>", "If-Match": now.headers["ETag"]}
    answer = client.patch(f"{GRIDS}/g1", content=body, headers=sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Crs"] == f"<{CRS84_URI}>"
    assert [one["kind"] for one in client.get(f"/plans/{TOY}/versions/2").json()["edits"]] == ["rename"]
    plain = client.patch(f"{GRIDS}/g1", content=body, headers={**sent, **ANY, "Content-Crs": f"<{CRS84_URI}>"})
    assert (plain.status_code, "Content-Crs" in plain.text) == (400, True)
    unknown = client.patch(f"{GRIDS}/g1", content=body, headers={**sent, **ANY, "Content-Crs": "<urn:x>"})
    assert (unknown.status_code, "Content-Crs" in unknown.text) == (400, True)


def test_a_drawn_feature_makes_a_dedicated_grid_and_deleting_retires_it(client: httpx.Client) -> None:
    market = {"name": "花园市场", "purpose": "market", "attributes": {"摊位": 80}, "kind": None, "code": None}
    made = post(client, drawn(block_polygons()[1].buffer(1e-5)), market)
    assert made.status_code == 201, made.text
    location = made.headers["Location"]
    told = client.get(location)
    assert (told.json(), told.headers["ETag"]) == (made.json(), made.headers["ETag"])
    new, now = made.json()["id"], made.json()["properties"]
    assert (now["kind"], now["name"], now["households"]) == ("dedicated", "花园市场", 150)
    assert now["attributes"] == {"purpose": "market", "摊位": 80}
    assert properties_of(client, "g1")["households"] == 200
    refused = client.delete(f"{GRIDS}/g1", headers=ANY)
    assert (refused.status_code, "no dedicated one" in refused.text) == (409, True)
    gone = client.delete(location, headers={"If-Match": made.headers["ETag"]})
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(location).status_code == 404
    assert client.delete(location, headers=ANY).status_code == 404
    assert properties_of(client, "g1")["households"] + properties_of(client, "g3")["households"] == 350 + 1500
    kinds = [[e["kind"] for e in v["edits"]] for v in client.get(f"/plans/{TOY}/versions").json()["versions"]]
    assert kinds == [[], ["create_dedicated", "set_attributes"], ["retire"]]
    assert new not in [one["id"] for one in client.get(GRIDS).json()["features"]]


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({}, "found no name"),
        ({"name": "x", "kind": "base"}, "needed dedicated"),
        ({"name": "x", "households": 3}, "found 'households'"),
        ({"name": "x", "locked": "yes"}, "locked is a text"),
        ({"name": ["x"]}, "needed a text"),
    ],
)
def test_a_new_grid_that_cannot_be_is_refused(untouched: httpx.Client, properties: dict[str, Any], told: str) -> None:
    answer = post(untouched, drawn(block_polygons()[1]), properties)
    assert (answer.status_code, told in answer.text) == (400, True), answer.text
    assert head(untouched) == 1


def test_a_write_names_what_it_was_made_on(client: httpx.Client, path: Path) -> None:
    name = {"properties": {"name": "一"}}
    missing = client.patch(f"{GRIDS}/g1", content="{}", headers={"Content-Type": MERGE})
    assert (missing.status_code, "needed the ETag of the grid 'g1'" in missing.text) == (428, True)
    assert client.delete(f"{GRIDS}/g1").status_code == 428
    assert client.post(GRIDS, content="{}", headers={"Content-Type": GEOJSON}).status_code == 428
    before, plan = tag(client, "g1"), {"If-Match": client.get(f"/plans/{TOY}").headers["ETag"]}
    store = open_store(path)
    edit(Editor(store), 1, rename("g2", "别人"))
    store.close()
    assert patch(client, "g1", name, **plan).status_code == 412  # the plan was changed
    assert patch(client, "g1", name, **before).status_code == 200  # the grid was not
    stale = patch(client, "g1", {"properties": {"name": "二"}}, **before)
    assert (stale.status_code, "as it was in version 1" in stale.json()["detail"]) == (412, True)
    told = stale.json()
    assert (told["plan_id"], told["base"], told["head"]) == (TOY, 1, 3)
    assert [(one["version"], one["grids"], one["who"]) for one in told["meanwhile"]] == [(3, ["g1"], "local")]
    since = patch(client, "g1", name, **plan).json()  # the plan: all that changed, whichever grid it was
    assert [(one["version"], one["grids"], one["who"]) for one in since["meanwhile"]] == [
        (2, ["g2"], "planner"), (3, ["g1"], "local"),
    ]  # fmt: skip
    never = patch(client, "g1", name, **{"If-Match": '"00000000000000000000-000000000000"'})
    assert (never.status_code, "read it again" in never.text, "meanwhile" in never.json()) == (412, True, False)
    assert client.get(f"/plans/{TOY}").json()["head"] == 3
    assert patch(client, "g1", {"properties": {"name": "二"}}, **tag(client, "g1")).status_code == 200
    assert patch(client, "g1", {"properties": {"name": "三"}}, **tag(client, "g1", f="html")).status_code == 200
    assert patch(client, "g1", {"properties": {"name": "四"}}, **tag(client, "g2")).status_code == 412
    whole = {"If-Match": f'"x", W/{client.get(f"/plans/{TOY}").headers["ETag"]}'}
    assert patch(client, "g1", {"properties": {"name": "四"}}, **whole).status_code == 200


def test_a_grid_that_a_client_has_is_not_sent_again(client: httpx.Client) -> None:
    etag = client.get(f"{GRIDS}/g1").headers["ETag"]
    assert not etag.startswith("W/")
    assert client.get(f"{GRIDS}/g1", headers={"If-None-Match": etag}).status_code == 304
    patch(client, "g2", {"properties": {"name": "别的"}})
    assert client.get(f"{GRIDS}/g1").headers["ETag"] == etag  # another grid was changed
    patch(client, "g1", {"properties": {"name": "新"}})
    assert client.get(f"{GRIDS}/g1", headers={"If-None-Match": etag}).status_code == 200


def test_other_bodies_and_other_layers_are_refused(client: httpx.Client) -> None:
    assert patch(client, "g1", {}, **{**ANY, "Content-Type": "text/plain"}).status_code == 415
    assert client.put(f"{GRIDS}/g1", content="{}", headers={**ANY, "Content-Type": MERGE}).status_code == 415
    broken = client.patch(f"{GRIDS}/g1", content="{", headers={**ANY, "Content-Type": MERGE})
    assert (broken.status_code, "no JSON" in broken.text) == (400, True)
    for method in ("PATCH", "PUT", "DELETE"):
        answer = client.request(method, f"{ROOT}/collections/blocks/items/b1", content="{}", headers=ANY)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert client.post(f"{ROOT}/collections/rivers/items", content="{}", headers=ANY).status_code == 404
    assert patch(client, "g9", {}).status_code == 404
    nowhere = "/plans/none/feeds/collections/grids/items/g1"
    assert client.patch(nowhere, content="{}", headers={**ANY, "Content-Type": MERGE}).status_code == 404
    assert client.patch(f"{GRIDS}/g1?color=red", content="{}", headers=ANY).status_code == 400


def test_a_locked_grid_keeps_its_blocks_and_takes_attributes(client: httpx.Client) -> None:
    patch(client, "g1", {"properties": {"locked": True}})
    b1, b2, b3, _ = block_polygons()
    grown = drawn(shapely.union_all([b1, b2, b3]))
    refused = patch(client, "g1", {"geometry": grown})
    assert (refused.status_code, "is locked" in refused.text) == (400, True)
    assert patch(client, "g1", {"properties": {"attributes": {"a": 1}}}).status_code == 200


def test_who_has_no_token_of_a_planner_reads_only(path: Path) -> None:
    store = open_store(path)
    planner = {"Authorization": f"Bearer {store.create_token('wang', 'planner')}"}
    store.close()
    with talking_to(create_app(None, Settings(audience="public"), store=path)) as client:
        assert client.get(GRIDS).status_code == 404  # nothing is in force
        seen = client.get(GRIDS, headers=planner)
        assert [one["properties"]["households"] for one in seen.json()["features"]] == [350, 480, 1500]
        assert "POST" in client.options(GRIDS, headers=planner).headers["Allow"]
        body, kind = json.dumps({"properties": {"name": "乙"}}), {"Content-Type": MERGE, **ANY}
        assert client.patch(f"{GRIDS}/g1", content=body, headers=kind).status_code == 401
        assert (
            client.patch(f"{GRIDS}/g1", content=body, headers={**kind, "Authorization": "Bearer x"}).status_code == 401
        )
        assert client.patch(f"{GRIDS}/g1", content=body, headers={**kind, **planner}).status_code == 200
        assert client.get(f"/plans/{TOY}/versions/2", headers=planner).json()["who"] == "wang"


def test_the_public_of_a_store_without_tokens_reads_only(path: Path) -> None:
    with talking_to(create_app(None, Settings(audience="public"), store=path)) as client:
        answer = client.patch(f"{GRIDS}/g1", content="{}", headers={"Content-Type": MERGE, **ANY})
        assert answer.status_code == 401


def test_the_classes_of_writing_are_declared_where_they_are_kept(client: httpx.Client, toy_folder: Path) -> None:
    assert set(WRITING) <= set(client.get(f"{ROOT}/conformance").json()["conformsTo"])
    with talking_to(create_app(toy_folder, Settings())) as folder:
        assert not set(WRITING) & set(folder.get("/conformance").json()["conformsTo"])
        assert folder.patch("/collections/grids/items/g1", json={}).status_code == 405


def test_the_openapi_document_tells_of_writing(client: httpx.Client) -> None:
    document = client.get(f"{ROOT}/openapi.json").json()
    items = document["paths"]["/collections/{collectionId}/items"]
    one = document["paths"]["/collections/{collectionId}/items/{featureId}"]
    assert {"get", "options", "post"} <= set(items)
    assert {"get", "options", "put", "patch", "delete"} <= set(one)
    assert MERGE in one["patch"]["requestBody"]["content"]
    for operation in (items["post"], one["put"], one["patch"], one["delete"]):
        assert {"401", "403", "405", "412", "428"} <= set(operation["responses"])
        assert "If-Match" in [told["name"] for told in operation["parameters"]]


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("abc", max_size=3))


@given(patches=st.lists(st.dictionaries(st.sampled_from("xyz"), _VALUES, max_size=3), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_patches_merge_as_the_standard_says(client: httpx.Client, patches: list[dict[str, Any]]) -> None:
    patch(client, "g2", {"properties": {"attributes": None}})
    expected: dict[str, Any] = {}
    for one in patches:  # RFC 7396, of an object of plain values
        expected = {key: value for key, value in {**expected, **one}.items() if value is not None}
        assert patch(client, "g2", {"properties": {"attributes": one}}).status_code == 200
    told = properties_of(client, "g2")["attributes"]
    assert json.dumps(told, sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_a_write_that_another_server_overtakes_while_it_is_worked_out_is_made_on_top(
    path: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, propose = open_store(path), Editor.propose
    other, overtakes = Editor(store), iter([True, False, True])  # the second is asked by the other itself

    def overtaken(self: Editor, plan_id: str, base: int, edits: Any) -> Any:
        if next(overtakes, False):
            edit(other, base, rename("g3", "东片"))
        return propose(self, plan_id, base, edits)

    monkeypatch.setattr(Editor, "propose", overtaken)
    assert patch(client, "g1", {"properties": {"name": "西片"}}, **tag(client, "g1")).status_code == 200
    assert [properties_of(client, grid)["name"] for grid in ("g1", "g3")] == ["西片", "东片"]
    assert head(client) == 4
    store.close()


def test_writers_of_different_grids_are_not_in_each_others_way(path: Path) -> None:
    def write(server: httpx.Client, grid: str) -> list[int | str]:
        done: list[int | str] = []
        for number in range(8):
            sent = tag(server, grid)
            answer = patch(server, grid, {"properties": {"attributes": {f"n{number}": number}}}, **sent)
            done.append(answer.status_code if answer.status_code == 200 else answer.text)
        return done

    with ExitStack() as stack:  # two servers of one store: neither knows when it is the turn of the other
        servers = [stack.enter_context(talking_to(create_app(None, Settings(), store=path))) for _ in range(2)]
        with ThreadPoolExecutor(3) as pool:
            todo = ((servers[0], "g1"), (servers[1], "g2"), (servers[1], "g3"))
            done = list(pool.map(lambda one: write(*one), todo))
        assert done == [[200] * 8] * 3
        for grid in ("g1", "g2", "g3"):
            assert properties_of(servers[0], grid)["attributes"] == {f"n{number}": number for number in range(8)}
        assert head(servers[0]) == 1 + 3 * 8
