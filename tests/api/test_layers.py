"""A layer that is cut out of the bytes of its features is the one that is made of them parsed."""

from typing import Any

import orjson
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from api.layers import LoadedLayer, build_layer, load_layer
from spatial.io.plan_layers import LAYERS

_LAYER = LAYERS["grids"]
_NUMBERS = st.floats(-80, 80).map(lambda one: round(one, 7))
_POINTS = st.builds(lambda x, y: {"type": "Point", "coordinates": [x, y]}, _NUMBERS, _NUMBERS)
_LINES = st.builds(lambda a, b: {"type": "LineString", "coordinates": [[a, b], [b, a + 1]]}, _NUMBERS, _NUMBERS)
_TEXTS = st.sampled_from(["a", 'a","geometry":', '"', '{"type":"Feature","id":', ',"properties":{}', "网格\n"])
_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), _NUMBERS, _TEXTS, st.lists(_TEXTS, max_size=2))
_PROPERTIES = st.dictionaries(_TEXTS | st.sampled_from(["properties", "geometry", "b"]), _VALUES, max_size=3)


def _feature(key: str, geometry: Any, properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": key, "geometry": geometry, "properties": properties}


def _same(one: LoadedLayer, other: LoadedLayer) -> None:
    assert (one.features, one.ids, one.row_of) == (other.features, other.ids, other.row_of)
    assert (one.cuts == other.cuts).all()
    assert shapely.to_wkb(one.geometry).tolist() == shapely.to_wkb(other.geometry).tolist()
    assert (one.bbox, one.size_bytes, [*one.columns]) == (other.bbox, other.size_bytes, [*other.columns])
    for name, column in one.columns.items():
        assert column.kind == other.columns[name].kind
        assert column.missing.tolist() == other.columns[name].missing.tolist()
        assert repr(column.values.tolist()) == repr(other.columns[name].values.tolist())


@given(
    st.lists(st.tuples(_TEXTS, _POINTS | _LINES | st.none(), _PROPERTIES), max_size=4)
    | st.lists(st.tuples(_TEXTS, _POINTS, st.fixed_dictionaries({"a": _VALUES, "b": _VALUES})), max_size=4)
)
def test_features_as_bytes_make_the_layer_that_they_make_parsed(told: list[tuple[str, Any, Any]]) -> None:
    features = [_feature(f"{row}{key}", geometry, properties) for row, (key, geometry, properties) in enumerate(told)]
    _same(load_layer(_LAYER, [orjson.dumps(one) for one in features]), build_layer(_LAYER, features))


POINT = {"type": "Point", "coordinates": [114.3, 30.6]}


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "1", "type": "Feature", "geometry": POINT, "properties": {"a": 1}},
        {"type": "Feature", "id": "1", "geometry": POINT, "bbox": [1, 2, 1, 2], "properties": {"a": 1}},
        {"type": "Feature", "id": "1", "geometry": POINT, "properties": {"a": 1}, "bbox": [1, 2, 1, 2]},
        {"type": "Feature", "id": "1", "properties": {"a": 1}, "geometry": POINT},
        {"type": "Feature", "id": "1", "geometry": {"type": "Point", "coordinates": [1, 2, 3]}, "properties": {"a": 1}},
        {"type": "Feature", "id": "1", "geometry": {"type": "Point", "coordinates": []}, "properties": {"a": 1}},
    ],
)
def test_features_that_are_written_otherwise_are_read_whole(odd: dict[str, Any]) -> None:
    features = [_feature("0", POINT, {"a": 2}), odd]
    read = load_layer(_LAYER, [orjson.dumps(one) for one in features])
    _same(read, build_layer(_LAYER, features))
    assert not any(b"bbox" in one for one in read.features)
