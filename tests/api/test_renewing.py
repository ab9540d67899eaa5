"""A layer that is renewed is the layer that is read anew."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from api.layers import LoadedLayer, build_layer
from api.renewing import move_blocks, renew_layer
from spatial.io.plan_layers import LAYERS

_GRIDS = LAYERS["grids"]


def _feature(key: str, at: int, told: dict[str, Any]) -> dict[str, Any]:
    ring = shapely.get_coordinates(shapely.box(at, 0, at + 1, 1)).tolist()
    return {"id": key, "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": told}


def _told(households: int, share: float | None = 0.5, name: Any = None) -> dict[str, Any]:
    return {"households": households, "share": share, "name": name, "locked": households > 5, "parts": [name, 1]}


def _build(features: dict[str, dict[str, Any]]) -> LoadedLayer:
    return build_layer(_GRIDS, [features[key] for key in sorted(features)])


def _assert_same(one: LoadedLayer | None, other: LoadedLayer) -> None:
    assert one is not None
    for name in ("name", "ids", "features", "row_of", "bbox", "size_bytes"):
        assert getattr(one, name) == getattr(other, name), name
    assert np.array_equal(one.cuts, other.cuts)
    assert shapely.equals_identical(one.geometry, other.geometry).all()
    assert [*one.columns] == [*other.columns]
    for name, column in other.columns.items():
        mine = one.columns[name]
        assert (mine.kind, mine.values.dtype) == (column.kind, column.values.dtype), name
        assert mine.missing.tolist() == column.missing.tolist(), name
        assert repr(mine.values.tolist()) == repr(column.values.tolist()), name
    box = (1.5, 0.2, 2.5, 0.8)
    assert one.find(box).tolist() == other.find(box).tolist()


_FEATURES = {key: _feature(key, at, _told(at)) for at, key in enumerate("acd")}


def test_a_feature_that_changed_stands_in_its_row_and_keeps_the_places_of_all() -> None:
    before = _build(_FEATURES)
    after = {**_FEATURES, "c": _feature("c", 1, _told(9, name="北片"))}
    renewed = renew_layer(_GRIDS, before, {"c": after["c"]})
    _assert_same(renewed, _build(after))
    assert renewed is not None
    assert renewed.places is before.places
    assert before.features == _build(_FEATURES).features  # the layer before is as it was


def test_features_come_and_go_by_their_ids() -> None:
    after = {"b": _feature("b", 7, _told(7)), "d": _feature("d", 4, _told(3))}
    _assert_same(renew_layer(_GRIDS, _build(_FEATURES), {**after, "a": None, "c": None}), _build(after))


def test_a_layer_of_which_nothing_changed_is_the_layer_itself() -> None:
    before = _build(_FEATURES)
    assert renew_layer(_GRIDS, before, {}) is before


@pytest.mark.parametrize("told", [{"households": 3}, {**_told(3), "name": 7}])
def test_properties_of_other_names_or_kinds_are_not_guessed(told: dict[str, Any]) -> None:
    before = _build({**_FEATURES, "e": _feature("e", 5, _told(1, name="x"))})
    assert renew_layer(_GRIDS, before, {"c": _feature("c", 1, told)}) is None


def test_a_layer_that_would_lose_its_last_feature_is_not_guessed() -> None:
    assert renew_layer(_GRIDS, _build(_FEATURES), dict.fromkeys(_FEATURES)) is None


_TOLD = st.builds(
    _told,
    st.integers(0, 9),
    st.none() | st.sampled_from([0.5, 1.0, -2.25, 1, 7]),
    st.none() | st.sampled_from(["", "北片", "a", 3]),
)
_SOME = st.dictionaries(st.sampled_from("abcdefgh"), st.builds(_feature, st.just("?"), st.integers(0, 5), _TOLD))


@given(_SOME, _SOME, st.sets(st.sampled_from("abcdefgh")))
def test_renewed_is_as_good_as_read_anew(before: Any, put: Any, gone: set[str]) -> None:
    held = {key: {**feature, "id": key} for key, feature in before.items()}
    new = {key: {**feature, "id": key} for key, feature in put.items()}
    after = {key: feature for key, feature in {**held, **new}.items() if key not in gone - new.keys()}
    changed: dict[str, Any] = {**dict.fromkeys(gone & held.keys()), **new}
    renewed = renew_layer(_GRIDS, _build(held), changed)
    if renewed is not None:
        _assert_same(renewed, _build(after))
    else:
        assert not held or not after or any(_is_in_doubt(name, held, new, after) for name in ("share", "name"))


def _is_in_doubt(name: str, *layers: dict[str, dict[str, Any]]) -> bool:
    """Whether a property is of several kinds, or a number that may have been one of the whole ones."""
    every = [[feature["properties"][name] for feature in layer.values()] for layer in layers]
    kinds = {type(value) for values in every for value in values if value is not None}
    left = [value for value in every[-1] if value is not None]
    return len(kinds) > 1 or (kinds == {float} and all(value == int(value) for value in left))


def test_a_column_is_of_the_kind_of_what_is_left_in_it() -> None:
    for left, gone in ((2, 2.5), (["x"], "x"), ("x", 3)):
        held = {key: _feature(key, at, {"share": one}) for at, (key, one) in enumerate((("a", left), ("b", gone)))}
        after = {"a": held["a"]}
        renewed = renew_layer(_GRIDS, _build(held), {"b": None})
        if renewed is not None:
            _assert_same(renewed, _build(after))
    held = {key: _feature(key, at, {"share": one}) for at, (key, one) in enumerate((("a", 0.25), ("b", 2.5)))}
    _assert_same(renew_layer(_GRIDS, _build(held), {"b": None}), _build({"a": held["a"]}))


def test_blocks_move_where_their_grid_is_another_one() -> None:
    blocks = {key: _feature(key, at, {"grid_id": "g1", "households": at}) for at, key in enumerate("abc")}
    moved = move_blocks(_build(blocks), {"a": "g1", "c": "g2"})
    assert moved == {"c": {**moved["c"], "properties": {"grid_id": "g2", "households": 2}}}
    after = _build({**blocks, "c": {**blocks["c"], "properties": {"grid_id": "g2", "households": 2}}})
    _assert_same(renew_layer(_GRIDS, _build(blocks), moved), after)
