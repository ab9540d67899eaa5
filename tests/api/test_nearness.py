"""Who stands behind a proxy is not taken for one of this machine, also where the proxy rewrites the host."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from typer.testing import CliRunner

from api import serve as serving_module
from api.command import app as command
from api.main import create_app
from api.settings import Settings
from spatial.errors import InputError
from tests.api.live import serving
from tests.api.stored import store_toy
from tests.api.threaded import talking_to
from tests.store.served import TOY, rename

INSIDE = "/collections/demand/items"
"""Single buildings, which the public does not see."""
TELLING = (
    {"Forwarded": "for=192.0.2.1"}, {"Via": "1.1 gate"}, {"X-Forwarded-For": "192.0.2.1"}, {"X-Real-IP": "192.0.2.1"},
    {"X-Forwarded-Host": "maps.example"}, {"x-forwarded-proto": "https"}, {"CF-Connecting-IP": "192.0.2.1"},
    {"Origin": "https://maps.example"}, {"Origin": "null"}, {"Origin": "http://["},
)  # fmt: skip
NEAR: tuple[dict[str, str], ...] = ({}, {"Origin": "http://127.0.0.1:5173"}, {"Origin": "http://localhost"})


@pytest.fixture(scope="module")
def at(toy_folder: Path) -> Iterator[str]:
    with serving(toy_folder) as address:
        yield address


def test_what_tells_of_a_proxy_makes_a_request_public(at: str) -> None:
    with httpx.Client(base_url=at) as client:
        for headers in NEAR:
            assert client.get(INSIDE, headers=headers).status_code == 200, headers
        for headers in TELLING:
            assert client.get(INSIDE, headers=headers).status_code == 404, headers
            assert client.get("/jobs", headers=headers).status_code == 401, headers
            assert client.get("/collections/grids/items", headers=headers).status_code == 200, headers


def test_a_request_in_the_old_http_of_a_proxy_is_public(at: str) -> None:
    host = urlsplit(at)

    def ask(version: int) -> int:
        connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=30)
        connection._http_vsn, connection._http_vsn_str = version, f"HTTP/1.{version % 10}"  # type: ignore[attr-defined]
        connection.request("GET", INSIDE, headers={"Host": host.netloc})
        status = connection.getresponse().status
        connection.close()
        return status

    assert (ask(11), ask(10)) == (200, 404)


def test_without_tokens_nobody_edits_through_a_proxy(tmp_path: Path) -> None:
    body: dict[str, Any] = {"edits": [rename("g1", "甲")]}
    with talking_to(create_app(None, Settings(), store=store_toy(tmp_path / "plans.gpkg"))) as client:
        where, match = f"/plans/{TOY}/edits?dry_run=true", {"If-Match": "*"}
        for headers in NEAR:
            assert client.post(where, json=body, headers=match | headers).status_code == 200
        for headers in TELLING:
            refused = client.post(where, json=body, headers=match | headers)
            assert (refused.status_code, "tells of another machine" in refused.text) == (401, True), headers
            assert client.get("/plans", headers=headers).status_code == 401


@contextmanager
def silent_proxy(target: str) -> Iterator[str]:
    """A proxy that asks under the name of its target and tells nothing of itself; gives its address."""
    host = urlsplit(target)

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=30)
            connection.request("GET", self.path)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_before_a_proxy_that_tells_nothing_the_setting_does(toy_folder: Path) -> None:
    for settings, status in (({}, 200), ({"proxy": "1"}, 404)):
        with serving(toy_folder, **settings) as target, silent_proxy(target) as through:
            assert httpx.get(f"{through}{INSIDE}").status_code == status
            assert httpx.get(f"{through}/collections/grids/items").status_code == 200


def test_a_store_behind_a_proxy_needs_a_token_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a proxy stands before the server"):
        create_app(None, Settings(proxy=True), store=store_toy(tmp_path / "plans.gpkg"))


def test_the_command_says_that_a_proxy_stands_before_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(serving_module, "serve", lambda *_, proxy, **__: seen.append(proxy))
    for words in (["serve", "plan", "--proxy"], ["serve", "plan"]):
        assert CliRunner().invoke(command, words).exit_code == 0
    assert seen == [True, None]
