"""The OpenAPI document is of version 3.0 and complete in itself."""

from collections.abc import Iterator
from typing import Any

import httpx

from api.query import ITEMS_PARAMETERS


def nodes(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from nodes(value)
    elif isinstance(part, list):
        for value in part:
            yield from nodes(value)


def test_the_document_is_openapi_3_0_without_words_of_3_1(client: httpx.Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"].startswith("3.0.")
    for node in nodes(document):
        assert node.get("type") != "null"
        assert not {"const", "prefixItems", "$defs"} & set(node)
        assert not isinstance(node.get("exclusiveMinimum"), float | int) or isinstance(node["exclusiveMinimum"], bool)


def test_every_reference_in_the_document_leads_to_a_model(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for node in nodes(document):
        if "$ref" in node:
            assert node["$ref"].rpartition("/")[2] in document["components"]["schemas"]


def test_the_document_names_every_address_with_its_parameters(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    items = paths["/collections/{collectionId}/items"]["get"]
    parameters = {p["name"]: p for p in items["parameters"]}
    assert {"collectionId", *ITEMS_PARAMETERS} == set(parameters)
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10000, "default": 1000}
    assert parameters["bbox"]["schema"]["type"] == "array"
    assert (parameters["bbox"]["style"], parameters["bbox"]["explode"]) == ("form", False)
    assert "/collections/{collectionId}/items/{featureId}" in paths
    assert {"200", "304", "400", "404"} == set(items["responses"])
    kinds = ["application/geo+json", "application/geo+json-seq", "text/html"]
    assert sorted(items["responses"]["200"]["content"]) == kinds
