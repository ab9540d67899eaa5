"""The feeds of a store's plan show it as it was in force at a time; who edits it sees the last version without one."""

import csv
import dataclasses
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapbox_vector_tile import decode
from owslib.ogcapi.features import Features

from api import schemas
from api.main import create_app
from api.moments import read_datetime
from api.settings import Settings
from api.store.editing import Editor, import_plan
from api.store.records import STATUSES, Note
from api.store.store import Store, create_store, open_store
from api.store.terms import Term, find_term
from spatial.errors import InputError, MissingError
from tests.api.live import serving
from tests.api.threaded import talking_to
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, edit, move, serve_layers

ROOT = f"/plans/{TOY}/feeds"
GRIDS = f"{ROOT}/collections/grids/items"
NOTE = Note("planner", "")
JANUARY, MARCH, MAY = (f"2026-{month:02}-01T08:00:00.000000Z" for month in (1, 3, 5))
IN_B2 = (114.3045, 30.601)
FIRST, SECOND = {"g1": 350, "g2": 480, "g3": 1500}, {"g1": 200, "g2": 480, "g3": 1650}


def at(store: Store, when: str) -> Store:
    """The same store on a clock that stands still."""
    return dataclasses.replace(store, clock=lambda: when)


def put_in_force(store: Store, version: int) -> None:
    for status in STATUSES[1:5]:
        store.set_status(TOY, version, status, NOTE)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 in force from January, 2 from March until May, and a draft on top that moves b2 to g2."""
    where = tmp_path_factory.mktemp("times") / "plans.gpkg"
    store, plan = create_store(where), build_toy_plan()
    import_plan(at(store, "2025-12-01T00:00:00.000000Z"), plan, serve_layers(plan), Note("office", "first"))
    put_in_force(at(store, JANUARY), 1)
    second = edit(Editor(at(store, "2026-02-01T00:00:00.000000Z")), 1, move("b2", "g3"))
    put_in_force(at(store, MARCH), second.version)
    edit(Editor(at(store, "2026-04-01T00:00:00.000000Z")), second.version, move("b2", "g2"))
    at(store, MAY).set_status(TOY, second.version, "superseded", NOTE)
    store.close()
    return where


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[httpx.Client]:
    with talking_to(create_app(None, Settings(), store=path)) as one:
        yield one


def grids_at(client: httpx.Client, when: str) -> dict[str, int]:
    answer = client.get(GRIDS, params={"datetime": when})
    assert answer.status_code == 200, answer.text
    page = schemas.FeatureCollection.model_validate(answer.json())
    assert page.numberMatched == page.numberReturned == len(page.features)
    return {one.id: one.properties["households"] for one in page.features}


@pytest.mark.parametrize(
    ("when", "grids"),
    [
        ("2026-01-01T08:00:00Z", FIRST),
        ("2026-01-01", FIRST),
        ("2026-03-01T07:59:59.999Z", FIRST),
        ("2026-03-01T08:00:00Z", SECOND),
        ("2026-03-01T16:00:00+08:00", SECOND),
        ("2026-03-01t08:00:00z", SECOND),
        ("2026-01-10/2026-02-10", FIRST),
        ("2026-01-10/2026-04-10", SECOND),
        ("2026-01-10/..", SECOND),
        ("../2026-02-10", FIRST),
        ("/2026-02-10", FIRST),
        ("../..", SECOND),
        ("2025-01-01/2026-01-01T07:59:59Z", {}),
        ("2025-12-24", {}),
        ("2026-05-01T08:00:00Z", {}),
        ("2026-05-02/..", {}),
    ],
)
def test_a_time_chooses_the_version_that_was_in_force(client: httpx.Client, when: str, grids: dict[str, int]) -> None:
    assert grids_at(client, when) == grids


@pytest.mark.parametrize(
    "when",
    ["yesterday", "", "/", "2026-02-30", "2026-13-01/..", "2026-01-01T00:00:00", "2026-03-01/2026-01-01",
     "2026-01-01/2026-02-01/2026-03-01", "9999999999-01-01", "2026-01-01T25:00:00Z"],
)  # fmt: skip
def test_a_time_that_cannot_be_read_is_refused(client: httpx.Client, when: str) -> None:
    for address in (GRIDS, f"{GRIDS}/g1"):
        answer = client.get(address, params={"datetime": when})
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
        assert "datetime" in schemas.Problem.model_validate(answer.json()).detail


def test_at_a_time_without_a_version_in_force_the_layers_are_there_and_empty(client: httpx.Client) -> None:
    asked = {"datetime": "2025-01-01", "crs": "http://www.opengis.net/def/crs/EPSG/0/4547"}
    for layer in ("grids", "blocks", "circles"):
        answer = client.get(f"{ROOT}/collections/{layer}/items", params=asked)
        assert (answer.status_code, answer.json()["numberMatched"]) == (200, 0)
    assert client.get(f"{GRIDS}/g1", params={"datetime": "2025-01-01"}).status_code == 404
    assert client.get(f"{GRIDS}/g1", params={"datetime": "2026-01-02"}).json()["properties"]["households"] == 350


def test_pages_and_sequences_keep_the_time(client: httpx.Client) -> None:
    page = client.get(GRIDS, params={"datetime": "2026-02-01", "limit": 1}).json()
    seen = [page["features"][0]["properties"]["households"]]
    while following := [one["href"] for one in page["links"] if one["rel"] == "next"]:
        page = client.get(following[0]).json()
        seen += [one["properties"]["households"] for one in page["features"]]
    assert seen == list(FIRST.values())
    sequence = client.get(GRIDS, params={"datetime": "2026-02-01", "f": "jsonseq"}).text
    assert sequence.count("\x1e") == 3
    assert '"households":350' in sequence
    people = client.get(GRIDS, params={"datetime": "2026-02-01", "f": "html"}).text
    assert "datetime=2026-02-01" in people


@pytest.mark.parametrize(("when", "homes"), [("2026-02-01", FIRST), ("2026-03-01T16:00:00+08:00", SECOND)])
def test_files_tiles_shifted_feeds_and_places_are_of_the_time_too(
    client: httpx.Client, when: str, homes: dict[str, int]
) -> None:
    asked = {"datetime": when}
    table = client.get(f"{ROOT}/downloads/grids.csv", params=asked).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["grid_id"]: int(row["households"]) for row in rows} == homes
    shifted = client.get(f"{ROOT}/feeds/amap/grids/items", params=asked).json()
    assert {one["id"]: one["properties"]["households"] for one in shifted["features"]} == homes
    tiles = client.get(f"{ROOT}/collections/grids/tiles/WebMercatorQuad", params={**asked, "f": "tilejson"}).json()
    (template,) = tiles["tiles"]
    at = tile_about(14, *IN_B2)
    drawn = client.get(template.format(z=14, y=at[1], x=at[0]))
    assert (drawn.status_code, "immutable" in drawn.headers["Cache-Control"]) == (200, True)
    seen = decode(drawn.content)["grids"]["features"]
    assert {one["properties"]["grid_id"]: one["properties"]["households"] for one in seen} == homes
    place = {"lon": IN_B2[0], "lat": IN_B2[1], **asked}
    grid = "g1" if homes is FIRST else "g3"
    assert client.get(f"{ROOT}/locate", params=place).json()["grid_id"] == grid
    assert client.post(f"{ROOT}/locate", params=asked, json={"points": [IN_B2]}).json()["grid_ids"] == [grid]


def test_a_tile_of_another_time_is_not_found_under_a_version(client: httpx.Client) -> None:
    tiles = client.get(f"{ROOT}/collections/grids/tiles/WebMercatorQuad", params={"datetime": "2026-02-01"}).json()
    (template,) = [one["href"] for one in tiles["links"] if one.get("templated")]
    at = tile_about(14, *IN_B2)
    there = template.format(tileMatrix=14, tileRow=at[1], tileCol=at[0])
    assert client.get(there).status_code == 200
    assert client.get(there.replace("2026-02-01", "2026-03-02")).status_code == 404
    assert client.get(there.replace("&datetime=2026-02-01", "")).status_code == 404
    assert client.get(there.replace("2026-02-01", "yesterday")).status_code == 400


def tile_about(zoom: int, lon: float, lat: float) -> tuple[int, int]:
    """Column and row of the tile about a place."""
    share = math.radians(lat)
    row = (1 - math.log(math.tan(share) + 1 / math.cos(share)) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(row * 2**zoom)


def test_an_old_map_comes_back_byte_for_byte(tmp_path: Path) -> None:
    store, plan = create_store(tmp_path / "plans.gpkg"), build_toy_plan()
    import_plan(store, plan, serve_layers(plan), Note("office", "first"))
    put_in_force(at(store, JANUARY), 1)
    layers = ("grids", "blocks", "violations", "circles", "sites", "communities", "barriers", "demand")
    with talking_to(create_app(None, Settings(), store=tmp_path / "plans.gpkg")) as client:
        then = {name: features_of(client, name) for name in layers}
        second = edit(Editor(store), 1, move("b2", "g3"), {"kind": "rename", "grid": "g2", "name": "东片"})
        put_in_force(at(store, MARCH), second.version)
        for name in layers:
            assert features_of(client, name, datetime="2026-02-01") == then[name], name
        for name in ("grids", "blocks"):
            assert features_of(client, name, datetime="2026-04-01") != then[name], name
            assert features_of(client, name, datetime="2026-04-01") == features_of(client, name), name
    store.close()


def features_of(client: httpx.Client, layer: str, **asked: str) -> bytes:
    """The features of a layer as they stand on the wire."""
    answer = client.get(f"{ROOT}/collections/{layer}/items", params=asked)
    assert answer.status_code == 200
    return answer.content.partition(b'"features":')[2]


def test_a_collection_tells_when_it_was_in_force(client: httpx.Client) -> None:
    one = schemas.Collection.model_validate(client.get(f"{ROOT}/collections/grids").json())
    assert one.extent is not None
    assert one.extent.temporal is not None
    assert one.extent.temporal.interval == [[JANUARY, MAY], [JANUARY, MARCH], [MARCH, MAY]]
    document = client.get(f"{ROOT}/openapi.json").json()
    asked = document["paths"]["/collections/{collectionId}/items"]["get"]["parameters"]
    assert "in force" in next(one["description"] for one in asked if one["name"] == "datetime")


def test_what_is_told_of_time_is_told_anew_when_it_changes(tmp_path: Path) -> None:
    store, plan = create_store(tmp_path / "plans.gpkg"), build_toy_plan()
    import_plan(store, plan, serve_layers(plan), Note("office", "first"))
    with talking_to(create_app(None, Settings(), store=tmp_path / "plans.gpkg")) as client:
        before = client.get(f"{ROOT}/collections/grids")
        assert "temporal" not in before.json()["extent"]
        put_in_force(at(store, JANUARY), 1)
        after = client.get(f"{ROOT}/collections/grids", headers={"If-None-Match": before.headers["ETag"]})
        assert after.status_code == 200
        assert after.json()["extent"]["temporal"]["interval"] == [[JANUARY, None]]
    store.close()


def test_who_edits_sees_the_last_version_and_the_public_none_that_never_was_in_force(path: Path) -> None:
    settings = Settings(audience="public", internal_token="of the house")
    with talking_to(create_app(None, settings, store=path)) as public:
        assert public.get(GRIDS).status_code == 404  # superseded, and nothing after it
        assert grids_at(public, "2026-04-15") == SECOND
        house = public.get(GRIDS, headers={"Authorization": "Bearer of the house"}).json()
        assert {one["id"]: one["properties"]["households"] for one in house["features"]} == {
            "g1": 200, "g2": 630, "g3": 1500,
        }  # fmt: skip
        assert public.get(f"{ROOT}/collections/demand/items", params={"datetime": "2026-04-15"}).status_code == 404
        assert public.get(f"{ROOT}/collections/demand/items", params={"datetime": "2025-04-15"}).status_code == 404


def test_gdal_and_owslib_read_a_plan_as_of_a_day(path: Path) -> None:
    with serving(None, store=path) as address:
        read = pyogrio.read_dataframe(f"OAPIF:{address}{ROOT}/", layer="grids", DATETIME="2026-02-01")
        assert dict(zip(read["grid_id"], read["households"], strict=True)) == FIRST
        page = Features(f"{address}{ROOT}/").collection_items("grids", datetime_="2026-03-02")
        assert {one["id"]: one["properties"]["households"] for one in page["features"]} == SECOND


def test_a_time_in_the_address_of_a_connection_is_taken_by_every_document(client: httpx.Client) -> None:
    for document in ("/", "/conformance", "/collections", "/collections/grids", "/collections/grids/queryables"):
        for form in ("json", "html"):
            asked = {"datetime": "2026-02-01", "f": form}
            assert client.get(f"{ROOT}{document}", params=asked).status_code == 200, document
        assert client.get(f"{ROOT}{document}", params={"datetime": "x"}).status_code == 400, document


def test_a_day_is_its_end_and_an_interval_of_days_is_whole() -> None:
    assert read_datetime({}) is None
    assert read_datetime({"datetime": "2026-02-01"}) == ("2026-02-01T23:59:59.999999Z",) * 2
    assert read_datetime({"datetime": "2026-02-01/2026-02-03"}) == (
        "2026-02-01T00:00:00.000000Z", "2026-02-03T23:59:59.999999Z",
    )  # fmt: skip
    with pytest.raises(InputError, match="ends after it begins"):
        read_datetime({"datetime": "2026-02-02/2026-02-01"})


_MOMENTS = st.integers(0, 9).map(lambda second: f"2026-01-01T00:00:0{second}.000000Z")


@given(cuts=st.lists(_MOMENTS, min_size=2, max_size=6, unique=True), ends=st.tuples(_MOMENTS, _MOMENTS))
def test_the_term_of_an_interval_is_the_last_that_meets_it(cuts: list[str], ends: tuple[str, str]) -> None:
    order = sorted(cuts)
    terms = [Term(k, *pair) for k, pair in enumerate(zip(order[::2], [*order[1::2], None], strict=False))]
    start, end = sorted(ends)
    moments = [f"2026-01-01T00:00:0{second}.000000Z" for second in range(10)]
    met = [t for t in terms for m in moments if start <= m <= end and t.start <= m and (t.end is None or m < t.end)]
    found = find_term(terms, start, end)
    assert found == (met[-1] if met else None)


def test_the_terms_are_what_the_store_says_was_in_force(path: Path) -> None:
    store = open_store(path)
    terms = store.list_terms(TOY)
    assert terms == [Term(1, JANUARY, MARCH), Term(2, MARCH, MAY)]
    for when in ("2025-12-31T00:00:00.000000Z", JANUARY, "2026-02-01T00:00:00.000000Z", MARCH, MAY, "2027"):
        found: Any = find_term(terms, when, when)
        if found is None:
            with pytest.raises(MissingError):
                store.get_version(TOY, as_of=when)
        else:
            assert store.get_version(TOY, as_of=when).version == found.version
    with pytest.raises(MissingError):
        store.list_terms("none")
    store.close()
