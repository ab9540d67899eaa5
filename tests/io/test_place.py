"""A place known by name is fetched through OSMnx and read as any extract; the servers here are our own few lines."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlparse

import osmnx
import pytest
import requests
import shapely

from spatial.crs import LONLAT, metric_crs, to_lonlat
from spatial.errors import CrsError, InputError
from spatial.io.place import read_place
from tests.io.osm_town import SOUTH, STEP, WEST
from tests.io.test_osm import keeps_contract

Answer = Callable[[str, str], Any]
OUTLINE = [[WEST, SOUTH], [WEST + 0.004, SOUTH], [WEST + 0.004, SOUTH + 0.004], [WEST, SOUTH + 0.004], [WEST, SOUTH]]
FOUND = {
    "osm_type": "relation",
    "osm_id": 1,
    "importance": 0.5,
    "lat": str(SOUTH),
    "lon": str(WEST),
    "display_name": "某社区",
    "boundingbox": [str(SOUTH), str(SOUTH + 0.004), str(WEST), str(WEST + 0.004)],
    "geojson": {"type": "Polygon", "coordinates": [OUTLINE]},
}


def _node(node_id: int, column: float, row: float, **tags: str) -> dict[str, Any]:
    return {"type": "node", "id": node_id, "lon": WEST + column * STEP, "lat": SOUTH + row * STEP, "tags": tags}


def _way(way_id: int, nodes: list[int], **tags: str) -> dict[str, Any]:
    return {"type": "way", "id": way_id, "nodes": nodes, "tags": tags}


NETWORK = [
    _node(1, 0, 0),
    _node(2, 2, 0, barrier="gate", access="private"),
    _node(3, 4, 0),
    _node(9, 900, 0),
    _way(1, [1, 2, 3], highway="residential", name="一号路"),
    _way(2, [3, 9], highway="service"),
]
FEATURES = [
    *[_node(k, c, r) for k, c, r in ((10, 1, 1), (11, 3, 1), (12, 3, 3), (13, 1, 3), (14, 1.5, 1.5), (15, 2.5, 1.5))],
    _node(16, 2, 2.5),
    _node(2, 2, 0, barrier="gate", access="private"),  # comes with both answers
    _way(3, [10, 11, 12, 13, 10]),
    _way(4, [14, 15, 16, 14]),
    _way(5, [10, 13], barrier="wall"),
    {
        "type": "relation",
        "id": 7,
        "tags": {"type": "multipolygon", "building": "apartments"},
        "members": [
            {"type": "way", "ref": 3, "role": "outer"},
            {"type": "way", "ref": 4, "role": "inner"},
            {"type": "node", "ref": 10, "role": "entrance"},
        ],
    },
]


def _town(host_path: str, query: str) -> Any:
    """Answer as the servers would."""
    if host_path.endswith("/search"):
        return [FOUND]
    if host_path.endswith("/status"):
        return "Connected as: 1\nCurrent time: now\nAnnounced endpoint: none\nRate limit: 2\n2 slots available now.\n"
    return {"elements": FEATURES if "building" in query else NETWORK}


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[str]]:
    """Put our own answers in the place of the wire; returns the hosts that were asked."""

    def install(answer: Answer) -> list[str]:
        asked: list[str] = []

        def send(_: Any, request: requests.PreparedRequest, **__: Any) -> requests.Response:
            url = urlparse(str(request.url))
            body = request.body if isinstance(request.body, str) else ""
            asked.append(f"{url.netloc}{url.path}")
            given = answer(asked[-1], parse_qs(body).get("data", [""])[0])
            response = requests.Response()
            response.url, response.request = str(request.url), request
            response.status_code = given if isinstance(given, int) else 200
            text = given if isinstance(given, str) else json.dumps(given)
            response._content = text.encode()
            return response

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
        monkeypatch.setattr("osmnx._http._config_dns", lambda url: None)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        return asked

    return install


def test_a_place_comes_with_its_gates_walls_courtyards_and_outline(servers: Any) -> None:
    asked = servers(_town)
    streets, outline = read_place("某社区")
    keeps_contract(streets)
    assert sorted(streets.ways["way_id"]) == [1, 2, 5]
    ways = streets.ways.set_index("way_id")
    assert ways.loc[1, "nodes"].tolist() == [1, 2, 3]
    assert ways.loc[5, "barrier"] == "wall"
    assert ways.loc[2, "nodes"].tolist()[0] == 3
    assert streets.points[["node_id", "access"]].to_numpy().tolist() == [[2, "private"]]
    assert streets.areas["area_id"].tolist() == ["relation/7"]
    assert len(streets.areas.geometry.iloc[0].interiors) == 1
    assert streets.crs == metric_crs(114.302, 30.602)
    assert streets.source == "OpenStreetMap at 某社区"
    assert to_lonlat(outline, streets.crs).normalize().equals_exact(shapely.Polygon(OUTLINE).normalize(), 1e-9)
    assert shapely.hausdorff_distance(outline.exterior, streets.outline.exterior) == pytest.approx(500, rel=0.01)
    assert dict(streets.dropped) == {"way cut where it leaves the map": 1}
    assert [host.rpartition("/")[2] for host in asked] == ["search", "status", "interpreter", "status", "interpreter"]


def test_the_settings_of_osmnx_are_as_before_whatever_happens(servers: Any) -> None:
    settings = osmnx.settings
    before = (settings.use_cache, settings.cache_only_mode, dict(settings.requests_kwargs))
    servers(_town)
    read_place("某社区")
    assert (settings.use_cache, settings.cache_only_mode, dict(settings.requests_kwargs)) == before
    servers(lambda host, query: 500)
    with pytest.raises(InputError):
        read_place("某社区")
    assert (settings.use_cache, settings.cache_only_mode, dict(settings.requests_kwargs)) == before


def test_a_network_that_fails_is_one_sentence(servers: Any) -> None:
    def broken(host: str, query: str) -> Any:
        raise requests.ConnectionError("no route to host")

    servers(broken)
    with pytest.raises(InputError, match="place '某社区' cannot be looked up: no route to host"):
        read_place("某社区")

    def half(host: str, query: str) -> Any:
        if "way" in query:
            raise requests.Timeout("no answer in 180 s")
        return _town(host, query)

    servers(half)
    with pytest.raises(InputError, match="the map of '某社区' cannot be fetched: no answer in 180 s"):
        read_place("某社区")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (requests.ConnectionError, "no connection to"),
        (requests.ConnectTimeout, "no connection to"),
        (requests.exceptions.SSLError, "no trusted connection to"),
        (requests.ReadTimeout, "no answer in time from"),
    ],
)
def test_a_wire_that_fails_is_told_by_its_host_alone(servers: Any, kind: Any, says: str) -> None:
    def broken(host: str, query: str) -> Any:
        request = requests.Request("GET", "https://nominatim.openstreetmap.org/search?q=1").prepare()
        raise kind("HTTPSConnectionPool(host='x'): Max retries exceeded (Caused by ...)", request=request)

    servers(broken)
    with pytest.raises(InputError) as caught:
        read_place("某社区")
    assert str(caught.value) == f"place '某社区' cannot be looked up: {says} nominatim.openstreetmap.org"


def test_a_server_that_stays_busy_is_given_up(servers: Any) -> None:
    asked = servers(lambda host, query: 504)
    with pytest.raises(InputError, match="the server is busy"):
        read_place("某社区")
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ([], "is not found"),
        ([{**FOUND, "geojson": {"type": "Point", "coordinates": [WEST, SOUTH]}}], "known without an outline"),
    ],
)
def test_a_place_that_is_unknown_or_a_point_is_refused(servers: Any, answer: Any, match: str) -> None:
    servers(lambda host, query: answer)
    with pytest.raises(InputError, match=match):
        read_place("某社区")


def test_a_map_that_did_not_come_whole_is_refused(servers: Any) -> None:
    def remark(host: str, query: str) -> Any:
        given = _town(host, query)
        return {**given, "remark": "runtime error: Query timed out"} if isinstance(given, dict) else given

    servers(remark)
    with pytest.raises(InputError, match="did not come whole: runtime error"):
        read_place("某社区")


def test_a_map_without_streets_an_unknown_kind_and_no_name_are_refused(servers: Any) -> None:
    servers(lambda host, query: {"elements": []} if query else _town(host, query))
    with pytest.raises(InputError, match="holds no street"):
        read_place("某社区")
    with pytest.raises(InputError, match="swim"):
        read_place("某社区", network_type="swim")
    with pytest.raises(InputError, match="name of the place is empty"):
        read_place(" ")
    with pytest.raises(CrsError, match="metres"):
        read_place("某社区", crs=LONLAT)
