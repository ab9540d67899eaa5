"""A server starts on the loopback alone, or says in one sentence why it cannot."""

import socket
from pathlib import Path

import httpx
import pytest

from api.errors import STATUS, PlanUnavailableError, status_of
from api.main import create_app
from api.serve import address_of, open_socket, serve
from api.settings import Settings, read_settings
from spatial.errors import InfeasibleError, InputError, MissingError, ProfileError, SpatialError
from tests.api.live import serving


def test_settings_default_to_the_loopback_and_can_be_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8000)
    monkeypatch.setenv("WANGGE_PORT", "9000")
    assert Settings().port == 9000


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "abc", r"WANGGE_PORT is 'abc'; "),
        ("PORT", "70000", r"WANGGE_PORT is '70000'; "),
        ("LIMIT_MAX", "0", r"WANGGE_LIMIT_MAX is '0'; "),
        ("CORS_ORIGINS", "https://a.example", "WANGGE_CORS_ORIGINS"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, toy_folder: Path, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"WANGGE_{name}", value)
    with pytest.raises(InputError, match=says) as told:
        serve(toy_folder)
    assert "\n" not in str(told.value)


def test_an_argument_stands_above_the_environment_and_is_checked_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_PORT", "abc")
    assert read_settings(port=0).port == 0
    with pytest.raises(InputError, match=r"^port is '70000'; "):
        read_settings(port=70000)


def test_a_port_that_is_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 is in use"):
            open_socket("127.0.0.1", port)


def test_a_host_of_another_machine_is_told() -> None:
    with pytest.raises(InputError, match=r"cannot serve at 192\.0\.2\.1"):
        open_socket("192.0.2.1", 0)


def test_the_address_is_one_that_a_browser_can_open() -> None:
    with open_socket("0.0.0.0", 0) as listening:
        assert address_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_short_answers_are_sent_at_once() -> None:
    with open_socket("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()) as client:
        answering, _ = listening.accept()
        with answering:
            assert answering.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert client.getpeername() == listening.getsockname()


def test_a_folder_without_a_plan_is_told_before_a_port_is_opened(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no plan folder"):
        serve(tmp_path / "none", port=0)
    with pytest.raises(MissingError, match=r"holds no report\.json"):
        create_app(tmp_path)


def test_every_error_has_the_status_of_its_nearest_parent() -> None:
    assert status_of(MissingError("x")) == 404
    assert status_of(ProfileError("x")) == 400
    assert status_of(InfeasibleError("x")) == 422
    assert status_of(PlanUnavailableError("x")) == 503
    assert status_of(SpatialError("x")) == 500
    assert SpatialError in STATUS


def test_every_answer_carries_safe_headers(client: httpx.Client) -> None:
    for path in ("/", "/nowhere", "/map/", "/plan/files/plan.gpkg"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers


def test_a_name_that_is_not_of_this_machine_is_refused(address: str) -> None:
    assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 400


def test_other_origins_may_read_only_when_they_are_named(toy_folder: Path) -> None:
    with serving(toy_folder, cors_origins='["https://maps.example"]') as at:
        named = httpx.get(f"{at}/collections", headers={"Origin": "https://maps.example"})
        other = httpx.get(f"{at}/collections", headers={"Origin": "https://evil.example"})
    assert named.headers["Access-Control-Allow-Origin"] == "https://maps.example"
    assert "Access-Control-Allow-Origin" not in other.headers


def test_links_bear_the_public_address_behind_a_proxy(toy_folder: Path) -> None:
    with serving(toy_folder, public_url="https://city.example/wangge/") as at:
        links = httpx.get(f"{at}/collections/grids/items?limit=1").json()["links"]
    assert all(link["href"].startswith("https://city.example/wangge/") for link in links)


def test_without_the_built_page_the_server_says_how_to_build_it(toy_folder: Path, tmp_path: Path) -> None:
    with serving(toy_folder, web=str(tmp_path)) as at:
        for path in ("/map/", "/map", "/docs"):
            answer = httpx.get(at + path, follow_redirects=True)
            assert answer.status_code == 503
            assert "make web" in answer.text
        assert httpx.get(f"{at}/map/assets/x.js").status_code == 404
