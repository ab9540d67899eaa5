"""Features are joined to a collection as they stand."""

import orjson
import pytest

from api.answers import join_features


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_collection_has_its_members_and_every_feature_as_it_stands(count: int) -> None:
    features = [orjson.dumps({"type": "Feature", "id": f"g{n}"}) for n in range(count)]
    kept = list(features)
    joined = join_features({"type": "FeatureCollection", "numberReturned": count}, features)
    held = orjson.Fragment(b"[" + b",\n".join(features) + b"]")
    assert joined == orjson.dumps({"type": "FeatureCollection", "numberReturned": count, "features": held})
    assert [one["id"] for one in orjson.loads(joined)["features"]] == [f"g{n}" for n in range(count)]
    assert features == kept
