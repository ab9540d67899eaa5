"""Column contracts: what breaks one is named."""

from typing import Any

import geopandas as gpd
import pytest
import shapely

from spatial.crs import LONLAT, metric_crs
from spatial.errors import CrsError, TableError
from spatial.tables import ADJACENCY, DEMAND, require

METRES = metric_crs(108.7, 34.3)


def _demand(**changes: Any) -> Any:
    columns: dict[str, Any] = {
        "demand_id": ["b-1", "b-2"],
        "kind": ["building", "building"],
        "estate_id": ["", ""],
        "households": [3, 4],
        "estimated": [False, True],
    }
    frame = gpd.GeoDataFrame(columns, geometry=shapely.points([[0, 0], [1, 1]]), crs=METRES)
    return frame.assign(**changes)


def test_a_frame_that_keeps_its_contract_is_returned_as_it_is() -> None:
    frame = _demand()
    assert require(frame, DEMAND) is frame


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (_demand().drop(columns="households"), r"needed also \['households'\]"),
        (_demand(estate_id=["", None]), "estate_id is empty in row 1"),
        (_demand(demand_id=["b-1", "b-1"]), "demand_id 'b-1' stands in more than one row"),
        (_demand(households=["3", "4"]), "households holds"),
        (_demand(estimated=[0, 1]), "estimated holds int64, needed flag"),
        (_demand(geometry=[*shapely.points([[0, 0], [1, 1]]).tolist()[:1], None]), "has no geometry"),
        (_demand(geometry=[shapely.box(0, 0, 1, 1)] * 2), r"found geometry \['Polygon'\]"),
    ],
)
def test_a_broken_contract_is_named(frame: Any, says: str) -> None:
    with pytest.raises(TableError, match=says):
        require(frame, DEMAND)


def test_degrees_are_refused() -> None:
    with pytest.raises(CrsError, match="demand is in WGS 84"):
        require(_demand().set_crs(LONLAT, allow_override=True), DEMAND)


def test_an_empty_frame_keeps_its_contract() -> None:
    assert len(require(DEMAND.empty(METRES), DEMAND)) == 0
    assert list(require(ADJACENCY.empty(), ADJACENCY).columns) == list(ADJACENCY.columns)
