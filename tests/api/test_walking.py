"""Circles and walks at any place: beside a plan with its homes and gates, or on a street map alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely

from api import walk_models
from spatial.crs import to_lonlat
from spatial.io.plan_folder import read_plan_folder, write_plan
from spatial.io.plan_walks import profile_of, read_plan_demand, read_plan_gates
from spatial.io.profiles import read_profile
from spatial.io.streets import read_streets
from spatial.io.walk_points import points_of
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from spatial.walking.travel import travel_times
from tests.api.live import serving
from tests.api.toy_plan import CENTRE, EAST, MIDDLE, WEST, build_toy_plan, toy_scorecard, toy_violations
from tests.real_data import real
from tests.walking.walk_files import lonlat, write_osm

PLACE = lonlat(0, 0)


@pytest.fixture(scope="module")
def street_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_osm(tmp_path_factory.mktemp("map") / "town.osm")


@pytest.fixture(scope="module")
def walker(street_map: Path) -> Iterator[httpx.Client]:
    small = {
        "walk_points_max": "3",
        "walk_pairs_max": "6",
        "body_max": "5000",
        "cache": str(street_map.parent / "kept"),
    }
    with serving(None, osm=street_map, **small) as at, httpx.Client(base_url=at, timeout=60) as one:
        yield one


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path, Path]]:
    """A server of the toy plan and of a street along its middle."""
    folder = tmp_path_factory.mktemp("planned")
    plan = write_plan(build_toy_plan(), folder / "plan", scorecard=toy_scorecard(), violations=toy_violations())
    osm = folder / "middle.osm"
    nodes = "".join(
        f'<node id="{i}" version="1" lon="{lon}" lat="{CENTRE}"/>' for i, lon in enumerate((WEST, MIDDLE, EAST), 1)
    )
    way = '<way id="1" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>'
    osm.write_text(f"<osm version='0.6'>{nodes}{way}</osm>", encoding="utf-8")
    with serving(plan, osm=osm, cache=str(folder / "kept")) as at, httpx.Client(base_url=at, timeout=60) as one:
        yield one, plan, osm


def test_homes_are_counted_about_any_place_for_the_house_alone(planned: tuple[httpx.Client, Path, Path]) -> None:
    house, plan, osm = planned
    asked, body = {"lon": WEST, "lat": CENTRE, "metres": "900"}, {"points": [[WEST, CENTRE]], "metres": [900]}
    private = {"audience": "public", "internal_token": "of the house", "cache": str(osm.parent / "kept")}
    with serving(plan, osm=osm, **private) as at, httpx.Client(base_url=at, timeout=60) as outside:
        for headers, counted in (({}, False), ({"Authorization": "Bearer of the house"}, True)):
            one = outside.get("/walking/circle", params=asked, headers=headers).json()
            assert one == outside.post("/walking/circles", json=body, headers=headers).json()
            told = [feature["properties"]["households"] for feature in one["features"]]
            assert (told != [None], counted) in ((True, True), (False, False))
            about = outside.get("/walking", headers=headers).json()
            assert (about["households"], about["demand_points"]) == ((2330, 4) if counted else (None, None))
        assert one == house.get("/walking/circle", params=asked).json()


def test_one_place_gives_a_circle_per_limit(walker: httpx.Client) -> None:
    answer = walker.get("/walking/circle", params={"lon": PLACE[0], "lat": PLACE[1], "minutes": "5,10"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/geo+json"
    found = walk_models.Circles.model_validate_json(answer.content)
    assert [one.id for one in found.features] == ["1-5min", "1-10min"]
    assert [one.properties.limit_m for one in found.features] == [330.0, 660.0]
    assert {one.properties.households for one in found.features} == {None}
    small, large = (shapely.from_geojson(json.dumps(one.geometry)) for one in found.features)
    assert small.is_valid
    assert large.is_valid
    # ten minutes are 660 m of the street, plus nothing where nothing is left
    assert large.covers(shapely.Point(lonlat(650, 0)))
    assert not large.intersects(shapely.Point(lonlat(670, 0)))
    assert not small.intersects(shapely.Point(lonlat(340, 0)))


def test_a_small_zoom_takes_fewer_vertices(walker: httpx.Client) -> None:
    asked = {"lon": PLACE[0], "lat": PLACE[1], "minutes": "15"}
    near, far = (walker.get("/walking/circle", params={**asked, "zoom": zoom}).json() for zoom in (19, 11))
    rings = [answer["features"][0]["geometry"]["coordinates"][0] for answer in (near, far)]
    assert len(rings[1]) < len(rings[0])
    body = {"points": [PLACE], "minutes": [15], "zoom": 11}
    assert walker.post("/walking/circles", json=body).json() == far


def test_without_limits_they_are_the_minutes_of_the_profile(walker: httpx.Client) -> None:
    answer = walker.get("/walking/circle", params={"lon": PLACE[0], "lat": PLACE[1]}).json()
    assert [one["properties"]["minutes"] for one in answer["features"]] == [5.0, 10.0, 15.0]
    about = walk_models.Walkable.model_validate(walker.get("/walking").json())
    assert about.minutes == [5.0, 10.0, 15.0]
    assert (about.most_points, about.most_pairs, about.demand_points) == (3, 6, None)


def test_many_places_are_named_and_sorted(walker: httpx.Client) -> None:
    features = [
        {"type": "Feature", "id": name, "geometry": {"type": "Point", "coordinates": lonlat(*place)}, "properties": {}}
        for name, place in (("west", (0, 0)), ("east", (900, 20)))
    ]
    body = {"points": {"type": "FeatureCollection", "features": features}, "metres": [300]}
    answer = walker.post("/walking/circles", json=body).json()
    walk_models.Circles.model_validate(answer)
    assert [one["properties"]["site_id"] for one in answer["features"]] == ["east", "west"]
    assert answer["features"][0]["properties"]["minutes"] is None
    assert answer["features"][0]["properties"]["access_m"] == pytest.approx(20.0, abs=0.02)
    alike = walker.post("/walking/circles", json={"points": [lonlat(0, 0)], "metres": [300]}).json()
    assert alike["features"][0]["geometry"] == answer["features"][1]["geometry"]


def test_travel_times_run_from_demand_to_source(walker: httpx.Client) -> None:
    body = {"sources": [lonlat(0, 0)], "demand": [lonlat(330, 10), lonlat(2900, 0)], "minutes": 6}
    answer = walker.post("/walking/travel-times", json=body)
    assert answer.status_code == 200, answer.text
    found = walk_models.Times.model_validate(answer.json())
    assert [(pair.source_id, pair.demand_id) for pair in found.pairs] == [("1", "1")]
    assert found.pairs[0].metres == pytest.approx(340.0, abs=0.05)
    assert found.pairs[0].seconds == pytest.approx(340.0 / 1.1, abs=0.05)
    assert found.unreached == ["2"]
    assert (found.mode, found.limit) == ("time", 360.0)


def test_what_if_a_footbridge_were_built(walker: httpx.Client) -> None:
    # the island lies 2 km to the north, and nobody walks there; by a bridge from the end of the side street they do
    asked: dict[str, Any] = {"sources": [lonlat(1000, 400)], "demand": [lonlat(900, 2000)], "metres": 3000}
    assert walker.post("/walking/travel-times", json=asked).json()["pairs"] == []
    bridge = [[lonlat(1000, 500), lonlat(900, 2000)]]
    pairs = walker.post("/walking/travel-times", json={**asked, "add": bridge}).json()["pairs"]
    assert pairs[0]["metres"] == pytest.approx(100 + np.hypot(100, 1500), abs=0.1)
    assert walker.post("/walking/travel-times", json=asked).json()["pairs"] == []


def test_what_if_a_street_were_closed(walker: httpx.Client) -> None:
    asked: dict[str, Any] = {"sources": [lonlat(0, 0)], "demand": [lonlat(600, 0)], "minutes": 15}
    assert len(walker.post("/walking/travel-times", json=asked).json()["pairs"]) == 1
    closed = walker.post("/walking/travel-times", json={**asked, "close": ["node 2"]}).json()
    assert closed["unreached"] == ["1"]
    answer = walker.post("/walking/travel-times", json={**asked, "close": ["gate 17"]})
    assert answer.status_code == 400
    assert "close: found 'gate 17'" in answer.json()["detail"]


BAD_GETS = {
    "minutes=0": "minutes: found 0, needed limits above 0",
    "minutes=-5": "minutes: found -5, needed limits above 0",
    "minutes=inf": "minutes is 'inf'; needed numbers",
    "minutes=nan": "minutes is 'nan'; needed numbers",
    "minutes=1e9": "at most 60",
    "minutes=": "minutes is ''; needed numbers",
    "minutes=1,2,3,4,5,6,7": "found 7 limits, needed at most 6",
    "minutes=5&metres=300": "found minutes and metres",
    "minutes=5&minutes=6": "stands more than once",
    "zoom=99": "zoom is '99'; needed a whole number from 0 to 22",
    "zoom=1.5": "zoom is '1.5'",
    "gates=ajar": "gates is 'ajar'",
    "limit=5": "unknown query parameter 'limit'",
}


@pytest.mark.parametrize("query", BAD_GETS)
def test_a_bad_parameter_is_a_problem_that_names_it(walker: httpx.Client, query: str) -> None:
    answer = walker.get(f"/walking/circle?lon={PLACE[0]}&lat={PLACE[1]}&{query}")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert BAD_GETS[query] in answer.json()["detail"]


BAD_PLACES = {
    "lat=30.6": "'lon' is missing",
    "lon=114.3": "'lat' is missing",
    "lon=x&lat=30": "lon is 'x'",
    "lon=nan&lat=30": "lon is 'nan'",
    "lon=30.6&lat=114.3": "are the two in the other order?",
    "lon=528000&lat=3386000": "are these metres?",
    "lon=121.5&lat=31.2": "from the nearest street of the map",
    "lon=-65.7&lat=-30.6": "point '1'",
}


@pytest.mark.parametrize("query", BAD_PLACES)
def test_a_bad_place_is_a_problem_that_names_it(walker: httpx.Client, query: str) -> None:
    answer = walker.get(f"/walking/circle?{query}")
    assert answer.status_code == 400
    assert BAD_PLACES[query] in answer.json()["detail"]


def _point(lon: object, lat: object, **more: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": {}, **more}


BAD_BODIES: dict[str, tuple[object, str]] = {
    "nothing": ({}, "points"),
    "no point": ({"points": []}, "found 0 places of point, needed 1 to 3"),
    "too many points": ({"points": [list(PLACE)] * 4}, "found 4 places of point, needed 1 to 3"),
    "an unknown member": ({"points": [list(PLACE)], "limit": 5}, "limit"),
    "text for a number": ({"points": [["here", 3]]}, "points[0][0]: found 'here', needed a number"),
    "half a place": ({"points": [[114.3]]}, "points[0]: found 1, needed at least 2"),
    "a line": (
        {"points": {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "LineString",
                    "coordinates": [[0, 0], [1, 1]]}, "properties": {}}]}},
        "points.features[0].geometry",
    ),
    "two of one id": (
        {"points": {"type": "FeatureCollection", "features": [_point(*PLACE, id="a"), _point(*PLACE, id="a")]}},
        "id 'a' stands twice",
    ),
    "no limit": ({"points": [list(PLACE)], "minutes": []}, "found none"),
    "a bridge without an end": ({"points": [list(PLACE)], "add": [[list(PLACE)]]}, "footbridge 1 has 1 places"),
    "a bridge far away": (
        {"points": [list(PLACE)], "add": [[[114.5, 30.9], [114.6, 30.9]]]},
        "add: line 0: needed a street within 50 m of its start",
    ),
    "a limit of 0": ({"points": [list(PLACE)], "minutes": [0]}, "minutes: found 0, needed limits above 0"),
    "a limit in quotes": ({"points": [list(PLACE)], "minutes": ["5"]}, "minutes[0]: found '5', needed a number"),
    "a limit that is true": ({"points": [list(PLACE)], "minutes": [True]}, "minutes[0]: found true, needed a number"),
    "latitude first": ({"points": [list(PLACE)[::-1]]}, "are the two in the other order?"),
    "too many changes": ({"points": [list(PLACE)], "close": ["x"] * 51}, "found 51 changes, needed at most 50"),
    "unknown gates": ({"points": [list(PLACE)], "gates": "ajar"}, "gates"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_a_problem_that_names_what_is_wrong(walker: httpx.Client, case: str) -> None:
    body, sentence = BAD_BODIES[case]
    answer = walker.post("/walking/circles", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


BAD_TIMES: dict[str, tuple[dict[str, object], str]] = {
    "all sources in the sea": (
        {"sources": [[123, 30]], "demand": [list(PLACE)]},
        "found the nearest source 839,766 m from any street of the map",
    ),
    "no demand": ({"sources": [list(PLACE)], "demand": []}, "found 0 places of demand"),
    "no sources": ({"sources": [], "demand": [list(PLACE)]}, "found 0 places of source"),
    "latitude first": (
        {"sources": [list(PLACE)], "demand": [list(PLACE)[::-1]]},
        "demand '1': found [30.594, 114.292]",
    ),
    "a negative limit": ({"sources": [list(PLACE)], "demand": [list(PLACE)], "metres": -3}, "metres: found -3"),
    "a street that is not there": (
        {"sources": [list(PLACE)], "demand": [list(PLACE)], "close": ["edge 99"]},
        "close: found 'edge 99'",
    ),
}


@pytest.mark.parametrize("case", BAD_TIMES)
def test_a_bad_question_for_times_is_a_problem_that_names_what_is_wrong(walker: httpx.Client, case: str) -> None:
    body, sentence = BAD_TIMES[case]
    answer = walker.post("/walking/travel-times", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


def test_numbers_that_are_none_and_broken_json_are_refused(walker: httpx.Client) -> None:
    for content in (b'{"points":[[NaN,30.6]]}', b'{"points":[[1e999,30.6]]}', b"[" * 4000, b"\xff\xfe", b"{"):
        answer = walker.post("/walking/circles", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, content[:20]


def test_a_body_that_is_too_large_is_refused_also_without_its_length(walker: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b" " * 1000] * 6

    for content in (b" " * 6000, chunks()):
        answer = walker.post("/walking/circles", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert "more than 5,000 bytes" in answer.json()["detail"]


def test_too_many_pairs_are_refused(walker: httpx.Client) -> None:
    many = [list(lonlat(x, 0)) for x in (0, 10, 20)]
    assert walker.post("/walking/travel-times", json={"sources": many[:2], "demand": many}).status_code == 200
    answer = walker.post("/walking/travel-times", json={"sources": many, "demand": many})
    assert answer.status_code == 400
    assert "needed at most 6 pairs" in answer.json()["detail"]


def test_a_map_alone_has_no_feeds_and_a_plan_alone_no_walks(walker: httpx.Client, client: httpx.Client) -> None:
    assert walker.get("/collections").status_code == 404
    assert client.get("/walking").status_code == 404
    paths = walker.get("/openapi.json").json()["paths"]
    walks = {path for path in paths if not path.startswith(("/processes", "/jobs"))} - {"/", "/conformance"}
    assert walks == {"/walking", "/walking/circle", "/walking/circles", "/walking/travel-times"}
    assert not any(path.startswith("/walking") for path in client.get("/openapi.json").json()["paths"])


def test_the_document_describes_every_parameter_and_body(walker: httpx.Client) -> None:
    document = walker.get("/openapi.json").json()
    get = document["paths"]["/walking/circle"]["get"]
    assert [one["name"] for one in get["parameters"]] == ["lon", "lat", "minutes", "metres", "gates", "zoom"]
    assert list(get["responses"]["200"]["content"]) == ["application/geo+json"]
    assert list(get["responses"]["400"]["content"]) == ["application/problem+json"]
    body = document["paths"]["/walking/circles"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    asked = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert {"points", "minutes", "metres", "gates", "zoom", "close", "add"} == set(asked["properties"])
    text = json.dumps(document)
    for name in [part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]]:
        assert name in document["components"]["schemas"]
    assert '"type": "null"' not in text


def test_what_a_feed_answers_is_taken_as_places(planned: tuple[httpx.Client, Path, Path]) -> None:
    client = planned[0]
    feed = client.get("/collections/demand/items", params={"limit": 2}).json()
    assert {"links", "timeStamp", "numberMatched"} <= feed.keys()
    sent = client.post("/walking/circles", json={"points": feed, "minutes": [5]})
    assert sent.status_code == 200, sent.text
    bare = {"type": "FeatureCollection", "features": feed["features"]}
    assert sent.content == client.post("/walking/circles", json={"points": bare, "minutes": [5]}).content


def test_the_homes_of_the_plan_are_counted_along_the_network(planned: tuple[httpx.Client, Path, Path]) -> None:
    client, folder, osm = planned
    plan, streets = read_plan_folder(folder), read_streets(osm)
    assert profile_of(plan).walking == read_profile().walking
    gates, estates = read_plan_gates(plan, streets.crs)
    network = build_walk_network(streets, profile_of(plan), gates=gates, estates=estates)
    demand = read_plan_demand(plan, streets.crs)
    here = points_of([[MIDDLE, CENTRE]], streets.crs, key="site_id", what="point")
    expected = []
    for metres in (200.0, 300.0, 2000.0):
        times = travel_times(network, here, demand, limit=metres, mode="distance")
        reached = demand.set_index("demand_id")["households"].reindex(times["destination_id"])
        expected.append(int(reached.sum()))
    answer = client.get("/walking/circle", params={"lon": MIDDLE, "lat": CENTRE, "metres": "200,300,2000"}).json()
    assert [one["properties"]["households"] for one in answer["features"]] == expected
    assert expected[-1] == demand["households"].sum() > 0
    about = client.get("/walking").json()
    assert about["households"] == demand["households"].sum()
    assert client.get("/collections").status_code == 200


def test_the_answer_is_that_of_python_on_porto_alegre(tmp_path: Path) -> None:
    osm = real("porto-alegre/poa.osm.pbf")
    streets = read_streets(osm)
    network = build_walk_network(streets, read_profile())
    place = to_lonlat(shapely.Point(*np.median(network.xy, axis=0)), network.crs)
    here = points_of([[place.x, place.y]], network.crs, key="site_id", what="point")
    area = build_isochrones(network, here, limits=[600.0]).geometry.iloc[0]
    with serving(None, osm=osm, cache=str(tmp_path)) as at, httpx.Client(base_url=at, timeout=60) as client:
        answer = client.get("/walking/circle", params={"lon": place.x, "lat": place.y, "minutes": 10}).json()
    served = shapely.from_geojson(json.dumps(answer["features"][0]["geometry"]))
    assert served.is_valid
    assert shapely.hausdorff_distance(served, to_lonlat(area, network.crs)) < 1e-6
