"""Whoever may not write is refused before a byte of what they send is read, at every address that takes writes."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from api.main import create_app
from api.openapi import build_openapi
from api.settings import Settings
from api.store.editing import import_plan
from api.store.records import Note
from api.store.store import create_store
from tests.api.toy_plan import build_toy_plan
from tests.store.served import TOY, serve_layers

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
QUESTIONS = {"/plans/{planId}/feeds/locate"}
"""Who may see a plan may ask where places are."""
OTHER = "other-0001"
NAMES = {"planId": TOY, "collectionId": "grids", "featureId": "g1", "jobId": "1"}


@dataclass(frozen=True)
class Asked:
    """An application with a store of two plans, and the secrets of a token for either."""

    app: FastAPI
    mine: str
    elsewhere: str


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    path = tmp_path_factory.mktemp("kept") / "plans.gpkg"
    store, plan = create_store(path), build_toy_plan()
    for plan_id in (TOY, OTHER):
        import_plan(store, replace(plan, plan_id=plan_id), serve_layers(plan), Note("office", ""))
    mine, elsewhere = (store.create_token(plan_id, "planner", [plan_id]) for plan_id in (TOY, OTHER))
    store.close()
    return Asked(create_app(None, Settings(), store=path), mine, elsewhere)


def list_writes(app: FastAPI, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and address of all that takes writes, as the documents of the application tell."""
    for path, there in build_openapi(app)["paths"].items():
        if prefix + path not in QUESTIONS:
            yield from ((method, prefix + path) for method in sorted(WRITES & {name.upper() for name in there}))
    for mount in app.routes:
        if isinstance(mount, Mount) and isinstance(mount.app, FastAPI):
            yield from list_writes(mount.app, prefix + mount.path)


def send(app: FastAPI, method: str, address: str, secret: str | None) -> tuple[int, int]:
    """Return the status of the answer, and how many parts of the body were asked for."""
    for name, value in NAMES.items():
        address = address.replace(f"{{{name}}}", value)
    statuses, parts = [], 0
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"if-match", b"*")]
    if secret is not None:
        headers.append((b"authorization", f"Bearer {secret}".encode()))

    async def receive() -> dict[str, Any]:
        nonlocal parts
        parts += 1
        return {"type": "http.request", "body": b"{", "more_body": False}

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": address, "raw_path": address.encode(), "root_path": "", "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asyncio.run(app(scope, receive, answer))
    return statuses[0], parts


def test_writes_are_taken_at_many_addresses(asked: Asked) -> None:
    found = {address for _, address in list_writes(asked.app)}
    assert {f"/plans/{{planId}}/{name}" for name in ("edits", "undo", "redo", "layers", "repair", "status")} <= found
    assert "/plans/{planId}/feeds/collections/{collectionId}/items" in found
    assert "/processes/divide/execution" in found


def test_the_body_of_a_stranger_is_never_read(asked: Asked) -> None:
    for method, address in list_writes(asked.app):
        assert send(asked.app, method, address, None) == (401, 0), (method, address)
        assert send(asked.app, method, address, "guessed") == (401, 0), (method, address)


def test_nor_is_that_of_who_may_write_to_another_plan_alone(asked: Asked) -> None:
    of_plans = [(method, address) for method, address in list_writes(asked.app) if "planId" in address]
    assert len(of_plans) >= 10
    for method, address in of_plans:
        assert send(asked.app, method, address, asked.elsewhere) == (403, 0), (method, address)


def test_who_may_write_has_a_body_read_and_a_broken_one_refused(asked: Asked) -> None:
    for method, address in list_writes(asked.app):
        if method != "DELETE" and "planId" in address:
            status, parts = send(asked.app, method, address, asked.mine)
            assert (status in (400, 415), parts) == (True, 1), (method, address)


def test_a_layer_that_is_not_written_to_is_told_so_before_the_body(asked: Asked) -> None:
    items = "/plans/{planId}/feeds/collections/blocks/items"
    assert send(asked.app, "POST", items, asked.mine) == (405, 0)
