"""CQL2 chooses the features for which an expression is true, and no others."""

import json
import operator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filters import choose_rows, read_filter
from api.layers import LoadedLayer, build_layer
from spatial.errors import InputError
from spatial.io.plan_layers import LAYERS

GRIDS = "/collections/grids/items"
LON, LAT = 114.301, 30.604  # in g2


def ids_of(client: httpx.Client, layer: str = "grids", **asked: Any) -> list[str]:
    answer = client.get(f"/collections/{layer}/items", params=asked)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["numberMatched"] == len(page["features"])
    return [one["id"] for one in page["features"]]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("households > 400", ["g2", "g3"]),
        ("households BETWEEN 350 AND 480", ["g1", "g2"]),
        ("status = 'oversize'", ["g3"]),
        ("status <> 'oversize' AND blocks = 1", ["g2"]),
        ("status IN ('oversize', 'high') OR households = 350", ["g1", "g3"]),
        ("code LIKE '%-02'", ["g2"]),
        ("code LIKE '420102_001_0_'", ["g1", "g2", "g3"]),
        ("code LIKE '420102%' AND NOT oversize = TRUE", ["g1", "g2"]),
        ("oversize", ["g3"]),
        ("NOT oversize", ["g1", "g2"]),
        ("CASEI(status) = CASEI('OVERSIZE')", ["g3"]),
        ("households / blocks > 200", ["g2", "g3"]),
        ("households * 2 = 960 - 2 + 2", ["g2"]),
        ("households / (blocks - 1) > 0", ["g1"]),  # elsewhere a division by zero has no value
        ("explanation IS NULL", []),
        ("grid_id = code", []),
        (f"S_INTERSECTS(geometry, POINT({LON} {LAT}))", ["g2"]),
        ("S_INTERSECTS(geometry, BBOX(114.3001,30.6001,114.3002,30.6002))", ["g1"]),
        ("S_WITHIN(geometry, BBOX(114.29,30.6,114.32,30.6028))", []),
        ("S_DISJOINT(geometry, BBOX(114.3001,30.6001,114.3002,30.6002))", ["g2", "g3"]),
        ("S_TOUCHES(geometry, POINT(114.3 30.6))", ["g1"]),
        (f"S_CONTAINS(geometry, POINT({LON} {LAT}))", ["g2"]),
    ],
)
def test_an_expression_chooses_what_it_says(client: httpx.Client, text: str, ids: list[str]) -> None:
    assert ids_of(client, filter=text) == ids


def test_what_is_missing_is_neither_equal_nor_different(client: httpx.Client) -> None:
    everyone = ids_of(client, "circles")
    timed = ids_of(client, "circles", filter="minutes >= 0")
    assert ids_of(client, "circles", filter="minutes <> 5 OR minutes = 5") == timed
    assert ids_of(client, "circles", filter="NOT minutes > 1000") == timed
    assert ids_of(client, "circles", filter="minutes IS NULL") == [one for one in everyone if one not in timed]
    assert len(timed) == 6


def test_json_says_the_same_as_text(client: httpx.Client) -> None:
    expression = {
        "op": "and",
        "args": [{"op": ">", "args": [{"property": "households"}, 400]}, {"property": "oversize"}],
    }
    assert ids_of(client, filter=json.dumps(expression), **{"filter-lang": "cql2-json"}) == ["g3"]


def test_places_are_read_in_the_system_that_is_named(client: httpx.Client) -> None:
    north_first = {"filter-crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}
    assert ids_of(client, filter=f"S_INTERSECTS(geometry, POINT({LAT} {LON}))", **north_first) == ["g2"]
    assert ids_of(client, filter=f"S_INTERSECTS(geometry, POINT({LAT} {LON}))") == []


def test_filter_and_box_are_both_met_and_links_carry_them(client: httpx.Client) -> None:
    asked = {"filter": "households < 1000", "bbox": "114.3029,30.6050,114.3031,30.6051", "limit": 1}
    page = client.get(GRIDS, params=asked).json()
    assert [one["id"] for one in page["features"]] == ["g2"]
    asked = {"filter": "households > 1", "limit": 2}
    first = client.get(GRIDS, params=asked).json()
    after = client.get(next(one["href"] for one in first["links"] if one["rel"] == "next")).json()
    assert (first["numberMatched"], after["numberMatched"]) == (3, 3)
    assert [one["id"] for one in after["features"]] == ["g3"]


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "households >"},
        {"filter": ""},
        {"filter": "colour = 'red'"},
        {"filter": "households = 'many'"},
        {"filter": "households"},
        {"filter": "status LIKE 5"},
        {"filter": "nonsense(households) = 1"},
        {"filter": "households = DATE('2026-01-01')"},
        {"filter": "S_INTERSECTS(status, POINT(1 1))"},
        {"filter": "S_INTERSECTS(geometry, POLYGON((0 0, 1 1)))"},
        {"filter": "(" * 3000 + "oversize" + ")" * 3000},
        {"filter": "NOT " * 3000 + "oversize"},
        {"filter": "oversize AND " * 1700 + "oversize"},
        {"filter": '{"op":"=","args":[]}', "filter-lang": "cql2-json"},
        {"filter": '{"op":"in","args":[{"property":"status"},7]}', "filter-lang": "cql2-json"},
        {"filter": "[]", "filter-lang": "cql2-json"},
        {"filter": '{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[1]}]}', "filter-lang": "cql2-json"},
        {"filter": "oversize", "filter-lang": "sql"},
        {"filter": "oversize", "filter-crs": "EPSG:2263"},
    ],
)
def test_an_expression_that_cannot_be_read_is_told_as_a_problem(client: httpx.Client, asked: dict[str, str]) -> None:
    answer = client.get(GRIDS, params=asked)
    assert answer.status_code == 400, answer.text
    assert "filter" in answer.json()["detail"]


def test_queryables_are_what_a_filter_may_name(client: httpx.Client) -> None:
    answer = client.get("/collections/grids/queryables")
    assert answer.headers["Content-Type"] == "application/schema+json"
    properties = answer.json()["properties"]
    assert properties["households"] == {"title": "households", "type": "integer"}
    assert properties["geometry"]["format"] == "geometry-any"
    for name in set(properties) - {"geometry"}:
        assert client.get(GRIDS, params={"filter": f'"{name}" IS NULL'}).status_code == 200


def _layer(values: list[int | None], others: list[int | None]) -> LoadedLayer:
    rows = [
        {"id": f"{n:03d}", "geometry": None, "properties": {"a": a, "b": b, "marker": 0}}
        for n, (a, b) in enumerate(zip(values, others, strict=True))
    ]
    return build_layer(LAYERS["grids"], rows)


_OPERATORS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, "<>": operator.ne}
numbers = st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=6, max_size=6).filter(
    lambda values: any(value is not None for value in values)
)
conditions = st.recursive(
    st.tuples(st.sampled_from(sorted(_OPERATORS)), st.sampled_from("ab"), st.integers(-3, 3)),
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)),
    max_leaves=6,
)


def _sql(condition: Any, row: dict[str, int | None]) -> bool | None:
    """The logic of three values, row by row, with None for what is unknown."""
    match condition:
        case ("not", inner):
            held = _sql(inner, row)
            return None if held is None else not held
        case (("and" | "or") as op, left, right):
            parts = (_sql(left, row), _sql(right, row))
            decisive = op == "or"
            return decisive if decisive in parts else None if None in parts else not decisive
        case (op, name, number):
            value = row[name]
            return None if value is None else bool(_OPERATORS[op](value, number))
    raise AssertionError(condition)


def _text(condition: Any) -> str:
    match condition:
        case ("not", inner):
            return f"NOT ({_text(inner)})"
        case (("and" | "or") as op, left, right):
            return f"({_text(left)}) {op.upper()} ({_text(right)})"
    op, name, number = condition
    return f"{name} {op} {number}"


@given(numbers, numbers, conditions)
def test_the_logic_is_that_of_sql(a: list[int | None], b: list[int | None], condition: Any) -> None:
    rows = choose_rows(_layer(a, b), read_filter(_text(condition), "cql2-text"))
    told = [n for n in range(6) if _sql(condition, {"a": a[n], "b": b[n]}) is True]
    assert rows.tolist() == told


def test_a_list_in_a_property_cannot_be_asked_for() -> None:
    layer = build_layer(LAYERS["grids"], [{"id": "1", "geometry": None, "properties": {"tags": ["x"], "a": 1}}])
    with pytest.raises(InputError, match="can be asked for a"):
        choose_rows(layer, read_filter("tags = 'x'", "cql2-text"))
