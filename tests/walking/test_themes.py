"""Coverage is counted for each kind of facility, each group of demand and each column that counts."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import InputError, TableError
from spatial.io.profiles import read_profile
from spatial.walking.coverage import measure_coverage
from spatial.walking.network import build_walk_network
from spatial.walking.themes import COLUMNS, cover_themes, weighted_percentile
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, homes, sites

PROFILE = read_profile()
# One street; sites at 0 and 1000 m; homes at 100, 330 (five minutes to the decimal), 600 and 5000 m.
NETWORK = build_walk_network(draw({"a": (-100, 0), "b": (6000, 0)}, [("a b", {"highway": "residential"})]), PROFILE)
SITES = sites(one=(0, 0), two=(1000, 0))
DEMAND = homes(a=(100, 0), b=(330, 0), c=(600, 0), d=(5000, 0)).assign(
    households=[10, 20, 30, 40], elderly=[1, 0, 5, 2], weight=[0.5, 1.0, 1.5, 2.0]
)
TIMES = travel_times(NETWORK, SITES, DEMAND, limit=900.0)


def rows(table: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def test_all_sites_and_all_demand_are_always_counted() -> None:
    table = cover_themes(TIMES, DEMAND, limits=(300.0, 600.0, 900.0))
    assert tuple(table.columns) == COLUMNS
    assert table["reached"].tolist() == [30, 60, 60]
    assert table["overlap"].tolist() == [0, 30, 60]
    assert set(table["total"]) == {100}
    assert table["reached"].dtype == np.int64


def test_elderly_are_counted_as_households_are() -> None:
    table = cover_themes(TIMES, DEMAND, limits=(300.0, 600.0), counted=("households", "elderly"))
    old = rows(table, counted="elderly")
    assert old["reached"].tolist() == [1, 6]
    assert old["total"].tolist() == [8, 8]
    assert old["share"].tolist() == [1 / 8, 6 / 8]


def test_parts_of_people_stay_parts() -> None:
    table = cover_themes(TIMES, DEMAND, limits=(600.0,), counted=("weight",))
    assert table["reached"].tolist() == [3.0]
    assert table["share"].tolist() == [0.6]


def test_a_theme_without_any_site_covers_nobody_and_is_not_missing() -> None:
    table = cover_themes(TIMES, DEMAND, limits=(600.0,), themes={"clinic": [], "school": ["two"]})
    assert rows(table, theme="clinic")[["reached", "total", "share"]].to_numpy().tolist() == [[0, 100, 0.0]]
    # two stands at 1000 m: 660 m reach from 340 m on, which c does
    assert rows(table, theme="school")["reached"].tolist() == [30]
    assert rows(table, theme="")["reached"].tolist() == [60]


def test_each_group_has_its_rows_and_they_sum_to_the_whole() -> None:
    by = {"grid": pd.Series({"a": "1", "b": "1", "c": "2", "d": "2"}), "side": pd.Series(dict.fromkeys("abcd", "east"))}
    table = cover_themes(TIMES, DEMAND, limits=(300.0, 600.0), by=by)
    grid = rows(table, by="grid")
    assert grid["group"].tolist() == ["1", "1", "2", "2"]
    assert grid["reached"].tolist() == [30, 30, 0, 30]
    assert grid["total"].tolist() == [30, 30, 70, 70]
    assert rows(table, by="side")["reached"].tolist() == rows(table, by="")["reached"].tolist()


def test_the_mean_and_the_95th_percentile_weigh_each_household() -> None:
    table = cover_themes(TIMES, DEMAND, limits=(300.0, 600.0))
    # ten households walk 100 m, twenty 330 m, thirty 400 m (to the site at 1000 m), at 1.1 m/s
    assert table["mean_walk"].tolist() == pytest.approx([(10 * 100 + 20 * 330) / 30 / 1.1, 19_600 / 60 / 1.1])
    assert table["p95_walk"].tolist() == pytest.approx([300.0, 400 / 1.1])


def test_nobody_reached_has_no_mean_and_nobody_at_all_no_share() -> None:
    by = {"grid": pd.Series({"a": "1", "b": "1", "c": "1", "d": "empty"})}
    table = cover_themes(TIMES, DEMAND.assign(households=[10, 20, 30, 0]), limits=(600.0,), by=by)
    empty = rows(table, group="empty").iloc[0]
    assert (empty["reached"], empty["total"]) == (0, 0)
    assert math.isnan(empty["share"])
    assert math.isnan(empty["mean_walk"])


def test_distance_mode_counts_metres() -> None:
    times = travel_times(NETWORK, SITES, DEMAND, mode="distance", limit=1000.0)
    table = cover_themes(times, DEMAND, mode="distance", limits=(300.0, 500.0))
    assert table["reached"].tolist() == [10, 60]
    assert table["mean_walk"].iloc[0] == pytest.approx(100.0)


def test_limits_and_counts_that_cannot_be_are_refused() -> None:
    for limits in ((), (0.0,), (-1.0,), (math.inf,), (math.nan,)):
        with pytest.raises(InputError, match="above 0 and below infinity"):
            cover_themes(TIMES, DEMAND, limits=limits)
    with pytest.raises(InputError, match="elderly of 'b' is -1"):
        cover_themes(TIMES, DEMAND.assign(elderly=[0, -1, 0, 0]), limits=(1.0,), counted=("elderly",))
    with pytest.raises(InputError, match="elderly of 'c' is nan"):
        cover_themes(TIMES, DEMAND.assign(elderly=[0, 1, math.nan, 0]), limits=(1.0,), counted=("elderly",))
    with pytest.raises(InputError, match="no numbers in a column 'children'"):
        cover_themes(TIMES, DEMAND, limits=(1.0,), counted=("children",))
    with pytest.raises(TableError, match="grid: found no group for demand 'd'"):
        cover_themes(TIMES, DEMAND, limits=(1.0,), by={"grid": pd.Series({"a": "", "b": "", "c": ""})})
    with pytest.raises(TableError, match="name demand 'a'"):
        cover_themes(TIMES, DEMAND[DEMAND["demand_id"] != "a"], limits=(1.0,))


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 50)), min_size=1, max_size=30), st.floats(0.01, 1.0))
def test_a_percentile_is_that_of_the_households_written_out_one_by_one(
    pairs: list[tuple[int, int]], share: float
) -> None:
    pairs = sorted(pairs)
    values, weights = np.array([v for v, _ in pairs], dtype=float), np.array([w for _, w in pairs], dtype=float)
    spelled = np.repeat(values, weights.astype(int))
    found = weighted_percentile(values, weights, share)
    assert (spelled <= found).mean() >= share - 1e-9
    assert (spelled < found).mean() < share + 1e-9


@given(st.data())
def test_the_table_agrees_with_the_plain_count_over_random_walks(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    ids = [f"d{i}" for i in range(count)]
    demand = homes(**{one: (0.0, float(i)) for i, one in enumerate(ids)})
    demand = demand.assign(households=data.draw(st.lists(st.integers(0, 9), min_size=count, max_size=count)))
    pairs = data.draw(
        st.dictionaries(st.tuples(st.sampled_from("xyz"), st.sampled_from(ids)), st.integers(1, 999), max_size=30)
    )
    times = pd.DataFrame(
        [(site, home, float(walk), float(walk)) for (site, home), walk in sorted(pairs.items())],
        columns=["origin_id", "destination_id", "walk_s", "walk_m"],
    ).astype({"origin_id": "str", "destination_id": "str", "walk_s": "float64", "walk_m": "float64"})
    limits = (100.0, 500.0, 999.0)
    table = cover_themes(times, demand, limits=limits, themes={one: [one] for one in "xyz"})
    plain = measure_coverage(times, demand, limits_s=limits)
    whole = rows(table, theme="")
    assert whole["reached"].tolist() == plain["households"].tolist()
    assert whole["overlap"].tolist() == plain["overlap"].tolist()
    homes_of = demand.set_index("demand_id")["households"]
    for theme in "xyz":
        for limit in limits:
            near = {home for (site, home), walk in pairs.items() if site == theme and walk <= limit}
            found = rows(table, theme=theme, limit=limit).iloc[0]
            assert found["reached"] == sum(homes_of[home] for home in near)
            assert found["overlap"] == 0
    assert (whole["reached"].diff().fillna(0) >= 0).all()
