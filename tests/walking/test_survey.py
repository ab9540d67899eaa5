"""A survey says the same in its tables, circles and counts, and more streets never serve fewer households."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import CrsError, InputError, TableError
from spatial.io.profiles import read_profile
from spatial.walking.changes import change_network
from spatial.walking.network import build_walk_network
from spatial.walking.survey import Walks, survey_walks
from tests.walking.streets import CRS, X0, Y0, draw, grid_town, homes, sites

PROFILE = read_profile()
TOWN = build_walk_network(grid_town(6), PROFILE)
RNG = np.random.default_rng(5)
DEMAND = homes(**{f"d{i:02}": tuple(xy) for i, xy in enumerate(RNG.uniform(-40, 540, (50, 2)))})
DEMAND = DEMAND.assign(households=RNG.integers(0, 9, 50), elderly=RNG.integers(0, 5, 50))
SITES = sites(a=(20, 20), b=(480, 130), c=(250, 490))
ASKED = Walks((120.0, 240.0, 360.0))


def test_tables_circles_and_reasons_tell_one_story() -> None:
    survey = survey_walks(TOWN, SITES, DEMAND, ASKED, counted=("households", "elderly"))
    homes_of = DEMAND.set_index("demand_id")["elderly"]
    for limit, circle in zip(ASKED.limits * 3, survey.circles.to_dict("records"), strict=True):
        mine = survey.times[(survey.times["origin_id"] == circle["site_id"]) & (survey.times["walk_s"] <= limit)]
        assert circle["elderly"] == homes_of[mine["destination_id"]].sum()
    listed = set(survey.unreached["demand_id"])
    assert listed == set(DEMAND["demand_id"]) - set(survey.times["destination_id"])
    whole = survey.coverage[survey.coverage["counted"] == "households"].iloc[-1]
    lost = survey.unreached["households"].sum()
    assert whole["reached"] + lost == whole["total"] == DEMAND["households"].sum()
    assert sum(one["households"] for one in survey.report["unreached"].values()) == lost


@settings(max_examples=8)
@given(st.integers(0, 1000))
def test_a_bridge_never_serves_fewer_and_a_closed_street_never_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = survey_walks(TOWN, SITES, DEMAND, ASKED).coverage["reached"].to_numpy()
    line = shapely.LineString(np.add(rng.uniform(0, 500, (2, 2)), (X0, Y0)))
    bridged = survey_walks(change_network(TOWN, add=[line]), SITES, DEMAND, ASKED).coverage["reached"].to_numpy()
    assert (bridged >= before).all()
    closed = change_network(TOWN, close=[f"edge {rng.integers(TOWN.edge_count)}"])
    assert (survey_walks(closed, SITES, DEMAND, ASKED).coverage["reached"].to_numpy() <= before).all()


def test_one_site_more_never_serves_fewer() -> None:
    few = survey_walks(TOWN, SITES.iloc[:2], DEMAND, ASKED).coverage
    more = survey_walks(TOWN, SITES, DEMAND, ASKED).coverage
    for name in ("reached", "overlap"):
        assert (more[name].to_numpy() >= few[name].to_numpy()).all()
    assert (more["total"] == few["total"]).all()


def test_a_site_in_the_sea_is_named() -> None:
    told = survey_walks(TOWN, sites(a=(20, 20), sea=(-9000, -4000)), DEMAND, ASKED).report["access_walks"]["sites"]
    assert (told["points_beyond"], told["ids_beyond"]) == (1, ["sea"])


def test_on_two_components_each_is_served_by_its_own() -> None:
    parts = draw(
        {"a": (0, 0), "b": (900, 0), "c": (0, 3000), "d": (500, 3000)},
        [("a b", {"highway": "residential"}), ("c d", {"highway": "residential"})],
    )
    network = build_walk_network(parts, PROFILE)
    demand = homes(main=(100, 0), island=(200, 3000))
    asked = Walks((600.0,))
    one = survey_walks(network, sites(x=(0, 0)), demand, asked)
    assert one.unreached[["demand_id", "reason"]].to_numpy().tolist() == [["island", "other component"]]
    both = survey_walks(network, sites(x=(0, 0), y=(400, 3000)), demand, asked)
    assert both.times[["origin_id", "destination_id"]].to_numpy().tolist() == [["x", "main"], ["y", "island"]]
    assert not len(both.unreached)


def test_points_of_another_place_are_refused_and_so_are_degrees() -> None:
    with pytest.raises(InputError, match=r"nearest site 9,\d\d\d m from any street"):
        survey_walks(TOWN, sites(sea=(-9000, -4000)), DEMAND, ASKED)
    with pytest.raises(InputError, match="nearest demand point"):
        survey_walks(TOWN, SITES, homes(far=(20_000, 0)), ASKED)
    with pytest.raises(InputError, match="found no site"):
        survey_walks(TOWN, SITES.iloc[:0], DEMAND, ASKED)
    with pytest.raises(InputError, match="found no demand point"):
        survey_walks(TOWN, SITES, DEMAND.iloc[:0], ASKED)
    degrees = DEMAND.set_crs(CRS, allow_override=True).to_crs(4326)
    with pytest.raises((CrsError, TableError), match="needed"):
        survey_walks(TOWN, SITES, degrees, ASKED)
    with pytest.raises(InputError, match=r"m from any street .* within the largest limit of 1\.1e-09 m"):
        survey_walks(TOWN, SITES, DEMAND, Walks((1e-9,)))
    with pytest.raises(InputError, match="demand: found no numbers in a column 'children'"):
        survey_walks(TOWN, SITES, DEMAND, ASKED, counted=("households", "children"))
    for limit in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="above 0 and below infinity"):
            survey_walks(TOWN, SITES, DEMAND, Walks((300.0, limit)))
