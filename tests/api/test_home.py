"""Where a server of a store alone leads: what it links to is there."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.main import create_app
from api.settings import Settings
from api.store.store import create_store
from tests.api.threaded import talking_to


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    place = tmp_path / "plans.gpkg"
    create_store(place).close()
    with talking_to(create_app(None, Settings(), store=place)) as client:
        yield client


def test_all_that_the_landing_page_of_a_store_leads_to_answers(client: httpx.Client) -> None:
    landing = client.get("/")
    assert landing.status_code == 200
    links = {one["rel"]: urlsplit(one["href"]).path for one in landing.json()["links"]}
    assert links["data"] == "/plans"
    for path in set(links.values()) - {"/docs"}:  # the page for people is built apart
        assert client.get(path).status_code == 200, path


def test_an_unknown_parameter_is_refused(client: httpx.Client) -> None:
    assert client.get("/conformance", params={"limit": 1}).status_code == 400
