"""A plan is improved so that nothing gets worse: measured by shapely and networkx, proved by brute force."""

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division.improve import Improvement, improve_plan
from spatial.division.merits import MERITS
from spatial.errors import CancelledError, InputError
from spatial.profile import Profile
from tests.bench.instances import read_instance
from tests.division.lattice import assert_lawful, banded, borders, groups, rng, sizes, town

LESS_IS_BETTER = ("mean_deviation", "max_deviation")
SURE = 1e-9


def plan_of(rows: list[str]) -> Any:
    """Return an assignment drawn as letters, one per cell."""
    cells = {f"r{r}c{c}": f"C-{letter}" for r, line in enumerate(rows) for c, letter in enumerate(line)}
    return pd.Series(cells).rename_axis("block_id")


def measured(blocks: Any, adjacency: Any, target: int, assignment: Any) -> dict[str, float]:
    """Return the seven measures from outlines joined by shapely and from the frames."""
    names, grid = np.unique(blocks["block_id"].map(assignment).to_numpy(dtype=object), return_inverse=True)
    outlines = blocks.geometry.to_numpy()
    grids = np.array([shapely.union_all(outlines[grid == one]) for one in range(len(names))])
    deviation = np.abs(np.bincount(grid, blocks["households"]) - target) / target
    compact = 4 * np.pi * shapely.area(grids) / shapely.length(grids) ** 2
    cut = adjacency[adjacency["focal"].map(assignment) != adjacency["neighbor"].map(assignment)]
    metres = cut["shared_m"].sum()
    return {
        "mean_deviation": deviation.mean(),
        "max_deviation": deviation.max(),
        "within_20_share": (deviation <= 0.2 + 1e-12).mean(),
        "clear_share": cut["clear_m"].sum() / metres if metres else 1.0,
        "mean_clarity": (cut["shared_m"] * cut["clarity"]).sum() / metres if metres else 1.0,
        "mean_compactness": compact.mean(),
        "min_compactness": compact.min(),
    }


def ahead(before: Any, after: Any) -> dict[str, float]:
    """Return by measure how much better the second plan is."""
    return {name: (before[name] - after[name]) * (1 if name in LESS_IS_BETTER else -1) for name in MERITS}


def assert_fair(blocks: Any, adjacency: Any, profile: Profile, given_plan: Any, found: Improvement) -> None:
    """Check the promise of an improvement with measures that know nothing of how it was found."""
    target = profile.grid.target_households
    before = measured(blocks, adjacency, target, given_plan)
    after = measured(blocks, adjacency, target, found.assignment)
    assert found.before == pytest.approx(before)
    assert found.after == pytest.approx(after)
    gains = ahead(before, after)
    assert min(gains.values()) >= -SURE
    assert found.improved == tuple(name for name in MERITS if gains[name] > SURE)
    assert (found.status == "improved") == bool(found.improved)
    if found.status != "improved":
        assert (found.assignment == given_plan.sort_index()).all()


def all_plans(blocks: Any, adjacency: Any) -> Iterator[Any]:
    """Yield every contiguous plan of a few blocks."""
    ids = sorted(blocks["block_id"])
    graph = nx.Graph(list(zip(adjacency["focal"], adjacency["neighbor"], strict=True)))
    graph.add_nodes_from(ids)

    def extend(labels: list[int]) -> Iterator[list[int]]:
        if len(labels) == len(ids):
            yield labels
            return
        for label in range(max(labels, default=-1) + 2):
            yield from extend([*labels, label])

    for labels in extend([]):
        plan = pd.Series(labels, index=ids)
        if all(nx.is_connected(graph.subgraph(members)) for members in plan.groupby(plan).groups.values()):
            yield plan


def in_band(blocks: Any, profile: Profile, plan: Any) -> tuple[float, ...]:
    """Return how far a plan without large blocks is outside the band: households and grids above, below."""
    sums = np.array(list(sizes(blocks, plan).values()))
    above, below = sums - profile.grid.ceiling_households, profile.grid.floor_households - sums
    return tuple(
        float(x) for x in (above[above > 0].sum(), (above > 0).sum(), below[below > 0].sum(), (below > 0).sum())
    )


def grown_plan(blocks: Any, adjacency: Any, grids: int, seed: int) -> Any:
    """Return a contiguous plan grown from random blocks."""
    random = rng(seed)
    graph = nx.Graph(list(zip(adjacency["focal"], adjacency["neighbor"], strict=True)))
    ids = sorted(blocks["block_id"])
    plan = {block: f"C-{i}" for i, block in enumerate(random.choice(ids, min(grids, len(ids)), replace=False))}
    while len(plan) < len(ids):
        reach = sorted((new, old) for old in plan for new in graph[old] if new not in plan)
        new, old = reach[random.integers(len(reach))]
        plan[new] = plan[old]
    return pd.Series(plan).sort_index().rename_axis("block_id")


def bright_town(rows: int, columns: int, seed: int) -> tuple[Any, Any]:
    """Return a town with random households and every third border a clear line."""
    random = rng(seed)
    blocks = town(random.integers(0, 5, (rows, columns)) * 60)
    pairs = borders(blocks)
    clarity = random.choice([0.0, 0.4, 1.0], len(pairs))
    return blocks, pairs.assign(clarity=clarity, clear_m=np.where(clarity >= 0.5, pairs["shared_m"], 0.0))


def test_rows_of_450_500_and_550_become_three_grids_of_500() -> None:
    blocks = town([[100, 200, 150], [200, 100, 250], [250, 150, 100]])
    given_plan = plan_of(["AAA", "BBB", "CCC"])
    found = improve_plan(blocks, borders(blocks), banded(300, 500, 700), given_plan, rng=rng())
    assert found.status == "improved"
    assert found.improved == ("mean_deviation", "max_deviation")
    assert set(sizes(blocks, found.assignment).values()) == {500}
    assert_fair(blocks, borders(blocks), banded(300, 500, 700), given_plan, found)


def test_the_border_of_two_equal_halves_moves_to_the_street() -> None:
    blocks = town([[300, 200], [200, 300]])
    pairs = borders(blocks, clear=[("r0c0", "r1c0"), ("r0c1", "r1c1")])
    found = improve_plan(blocks, pairs, banded(300, 500, 700), plan_of(["AB", "AB"]), rng=rng())
    assert found.improved == ("clear_share", "mean_clarity")
    assert groups(found.assignment) == {frozenset({"r0c0", "r0c1"}), frozenset({"r1c0", "r1c1"})}
    assert found.after["clear_share"] == 1.0


def test_a_plan_of_perfect_squares_is_proved_unimprovable() -> None:
    blocks = town([[500, 500, 500]])
    found = improve_plan(blocks, borders(blocks), banded(300, 500, 700), plan_of(["ABC"]), rng=rng())
    assert found.status == "unimprovable"
    assert found.improved == ()
    assert found.before == found.after
    assert "Every contiguous plan was weighed or ruled out" in found.reasons[0]


def test_two_grids_become_three_where_that_is_nearer_the_target() -> None:
    blocks = town([[250, 250, 250, 250, 250, 250]])
    found = improve_plan(blocks, borders(blocks), banded(300, 500, 800), plan_of(["AAABBB"]), rng=rng())
    assert found.improved[:3] == ("mean_deviation", "max_deviation", "within_20_share")
    assert list(sizes(blocks, found.assignment).values()) == [500, 500, 500]
    assert {"C-A", "C-B"} < set(found.assignment)


def test_grids_keep_the_names_of_the_given_ones() -> None:
    blocks = town([[250, 250, 200, 300, 250, 250]])
    pairs = borders(blocks, clear=[("r0c3", "r0c4")])
    given_plan = plan_of(["AABBCC"])
    found = improve_plan(blocks, pairs, banded(300, 500, 700), given_plan, rng=rng())
    assert found.status == "unimprovable"
    assert (found.assignment == given_plan).all()
    given_plan = plan_of(["AABCCC"])
    found = improve_plan(blocks, pairs, banded(200, 500, 800), given_plan, rng=rng())
    assert found.assignment.tolist() == ["C-A", "C-A", "C-B", "C-B", "C-C", "C-C"]


@given(st.integers(2, 3), st.integers(2, 3), st.integers(1, 4), st.integers(0, 999))
@settings(max_examples=15)
def test_brute_force_agrees_on_what_can_be_improved(rows: int, columns: int, grids: int, seed: int) -> None:
    blocks, pairs = bright_town(rows, columns, seed)
    profile = banded(60, 150, 300)
    given_plan = grown_plan(blocks, pairs, grids, seed)
    found = improve_plan(blocks, pairs, profile, given_plan, rng=rng(seed))
    assert found.status in ("improved", "unimprovable")
    assert_fair(blocks, pairs, profile, given_plan, found)
    assert_lawful(blocks, pairs, found.assignment)
    outside = in_band(blocks, profile, given_plan)
    assert all(now <= then for now, then in zip(in_band(blocks, profile, found.assignment), outside, strict=True))
    if found.status == "unimprovable" and len(blocks) <= 6:
        before = measured(blocks, pairs, 150, given_plan)
        for plan in all_plans(blocks, pairs):
            if all(now <= then for now, then in zip(in_band(blocks, profile, plan), outside, strict=True)):
                gains = ahead(before, measured(blocks, pairs, 150, plan)).values()
                assert min(gains) < -SURE or max(gains) <= SURE


@pytest.mark.parametrize(("columns", "seed"), [(3, 0), (3, 1), (3, 2), (3, 3)])
def test_no_plan_of_a_few_blocks_gains_more_than_the_one_found(columns: int, seed: int) -> None:
    blocks, pairs = bright_town(2, columns, seed)
    profile = banded(60, 200, 500)
    given_plan = grown_plan(blocks, pairs, 3, seed)
    found = improve_plan(blocks, pairs, profile, given_plan, rng=rng(seed))
    outside = in_band(blocks, profile, given_plan)

    def gain(after: Any) -> float:
        room = {name: value if name in LESS_IS_BETTER else 1.0 - value for name, value in found.before.items()}
        return sum(more / max(room[name], 0.05) for name, more in ahead(found.before, after).items())

    gains = [0.0]
    for plan in all_plans(blocks, pairs):
        if all(now <= then for now, then in zip(in_band(blocks, profile, plan), outside, strict=True)):
            after = measured(blocks, pairs, 200, plan)
            if min(ahead(found.before, after).values()) >= -SURE:
                gains.append(gain(after))
    assert gain(found.after) == pytest.approx(max(gains))


@given(st.integers(4, 6), st.integers(4, 7), st.integers(2, 9), st.integers(0, 999))
@settings(max_examples=25)
def test_the_search_is_never_worse_on_any_measure(rows: int, columns: int, grids: int, seed: int) -> None:
    blocks, pairs = bright_town(rows, columns, seed)
    profile = banded(200, 400, 600)
    given_plan = grown_plan(blocks, pairs, grids, seed)
    found = improve_plan(blocks, pairs, profile, given_plan, rng=rng(seed), moves=12_000)
    assert_fair(blocks, pairs, profile, given_plan, found)
    assert_lawful(blocks, pairs, found.assignment)
    outside = zip(in_band(blocks, profile, found.assignment), in_band(blocks, profile, given_plan), strict=True)
    assert all(now <= then for now, then in outside)


@pytest.mark.parametrize("seed", range(8))
def test_the_search_gains_what_the_proof_gains_on_a_dozen_blocks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, pairs = bright_town(3, 4, seed)
    given_plan = grown_plan(blocks, pairs, 4, seed)
    profile = banded(60, 300, 900)
    proved = improve_plan(blocks, pairs, profile, given_plan, rng=rng())
    monkeypatch.setattr("spatial.division.improve._AT_ONCE", 0)
    searched = improve_plan(blocks, pairs, profile, given_plan, rng=rng(), moves=120_000)
    assert searched.status == proved.status
    assert searched.after == pytest.approx(proved.after)


def test_row_order_and_reruns_change_nothing() -> None:
    blocks, pairs = bright_town(6, 7, 3)
    given_plan = grown_plan(blocks, pairs, 6, 3)
    profile = banded(200, 700, 1200)
    first = improve_plan(blocks, pairs, profile, given_plan, rng=rng(), moves=30_000)
    mixed = given_plan.sample(frac=1.0, random_state=2)
    again = improve_plan(
        blocks.sample(frac=1.0, random_state=1), pairs.sample(frac=1.0, random_state=1), profile, mixed, rng=rng(),
        moves=30_000,
    )  # fmt: skip
    assert first.status == "improved"
    pd.testing.assert_series_equal(first.assignment, again.assignment)
    assert first.after == again.after
    assert (mixed == given_plan[mixed.index]).all()


def test_a_plan_in_parts_is_told_and_not_torn_further() -> None:
    blocks, pairs = bright_town(5, 5, 1)
    given_plan = grown_plan(blocks, pairs, 5, 1)
    given_plan["r4c4"] = given_plan["r0c0"] if given_plan["r4c4"] != given_plan["r0c0"] else given_plan["r0c4"]
    found = improve_plan(blocks, pairs, banded(200, 500, 900), given_plan, rng=rng(), moves=60_000)
    assert_fair(blocks, pairs, banded(200, 500, 900), given_plan, found)
    assert any("parts of grids that lie apart" in reason for reason in found.reasons)
    graph = nx.Graph(list(zip(pairs["focal"], pairs["neighbor"], strict=True)))
    parts = [
        sum(nx.number_connected_components(graph.subgraph(ids)) - 1 for ids in plan.groupby(plan).groups.values())
        for plan in (given_plan, found.assignment)
    ]
    assert parts[1] <= parts[0]


def test_a_river_that_nobody_crosses_is_not_crossed() -> None:
    blocks = town([[200, 300], [300, 200], [200, 300], [300, 200]])
    pairs = borders(blocks, barred=[(f"r{r}c0", f"r{r}c1") for r in range(4)])
    given_plan = plan_of(["AB", "AB", "AB", "CD"])
    profile = banded(200, 500, 900)
    found = improve_plan(blocks, pairs, profile, given_plan, rng=rng())
    assert found.status == "improved"
    assert_lawful(blocks, pairs, found.assignment)
    assert_fair(blocks, pairs, profile, given_plan, found)


def test_a_block_above_the_ceiling_stays_alone() -> None:
    blocks = town([[900, 100, 100, 100], [100, 100, 100, 100], [100, 100, 100, 100], [50, 50, 100, 100]])
    pairs = borders(blocks)
    given_plan = plan_of(["XBBB", "ABBC", "AACC", "AACC"])
    found = improve_plan(blocks, pairs, banded(200, 500, 700), given_plan, rng=rng(), moves=60_000)
    assert found.status == "improved"
    assert frozenset({"r0c0"}) in groups(found.assignment)
    assert not any("hard rule" in reason for reason in found.reasons)


def test_households_above_the_ceiling_are_told_and_do_not_grow() -> None:
    blocks = town([[300, 300, 300, 300]])
    found = improve_plan(blocks, borders(blocks), banded(300, 500, 700), plan_of(["AAAB"]), rng=rng())
    assert found.status == "improved"
    assert found.assignment.tolist() == ["C-A", "C-A", "C-B", "C-B"]
    assert found.reasons[1] == (
        "The given plan breaks a hard rule: 200 households above the ceiling of their grids; 0 now."
    )


def test_no_moves_and_no_time_return_the_given_plan() -> None:
    blocks, pairs = bright_town(6, 7, 3)
    given_plan = grown_plan(blocks, pairs, 6, 3)
    found = improve_plan(blocks, pairs, banded(200, 700, 1200), given_plan, rng=rng(), moves=0, budget_s=0.0)
    assert found.status == "none_found"
    assert "there may be one" in found.reasons[0]
    assert (found.assignment == given_plan).all()


def test_progress_is_reported_and_may_cancel() -> None:
    blocks, pairs = bright_town(6, 7, 3)
    given_plan = grown_plan(blocks, pairs, 6, 3)
    shares: list[float] = []
    improve_plan(
        blocks, pairs, banded(200, 700, 1200), given_plan, rng=rng(), moves=12_000,
        on_progress=lambda stage, share: shares.append(share),
    )  # fmt: skip
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def cancel(stage: str, share: float) -> None:
        raise CancelledError(stage)

    with pytest.raises(CancelledError):
        improve_plan(blocks, pairs, banded(200, 700, 1200), given_plan, rng=rng(), moves=12_000, on_progress=cancel)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda plan: plan.drop("r0c0"), "'r0c0' has no grid"),
        (lambda plan: plan.where(plan.index != "r0c1"), "'r0c1' has no grid"),
        (lambda plan: pd.concat([plan, pd.Series({"r9c9": "C-A"})]), "found block 'r9c9'"),
        (lambda plan: pd.concat([plan, plan.iloc[:1]]), "'r0c0' stands in two rows"),
    ],
)
def test_an_assignment_that_is_not_one_grid_per_block_is_refused(change: Any, sentence: str) -> None:
    blocks = town([[250, 250, 250, 250]])
    with pytest.raises(InputError, match=sentence):
        improve_plan(blocks, borders(blocks), banded(300, 500, 700), change(plan_of(["AABB"])), rng=rng())


def test_no_blocks_are_refused() -> None:
    blocks = gpd.GeoDataFrame(town([[1]]).iloc[:0])
    with pytest.raises(InputError, match="no rows"):
        improve_plan(blocks, borders(blocks), banded(300, 500, 700), pd.Series(dtype=object), rng=rng())


@pytest.mark.real
@pytest.mark.parametrize(("name", "tolerance"), [("wuh_0060", 50), ("wuh_0120", 200), ("hel_roads", 200)])
def test_metis_is_improved_on_real_streets(name: str, tolerance: int) -> None:
    pymetis = pytest.importorskip("pymetis")
    blocks, pairs = read_instance(name)
    place = pd.Index(blocks["block_id"])
    graph = nx.Graph(list(zip(place.get_indexer(pairs["focal"]), place.get_indexer(pairs["neighbor"]), strict=True)))
    near = [sorted(graph[i]) for i in range(len(place))]
    _, labels = pymetis.part_graph(
        max(2, round(blocks["households"].sum() / 500)),
        pymetis.CSRAdjacency(np.cumsum([0, *map(len, near)]).tolist(), [j for row in near for j in row]),
        vweights=blocks["households"].tolist(),
        options=pymetis.Options(ufactor=tolerance, contig=1, seed=1),
        recursive=False,
    )
    given_plan = pd.Series([str(label) for label in labels], index=place)
    found = improve_plan(blocks, pairs, banded(300, 500, 700), given_plan, rng=rng(), moves=200_000)
    assert found.status == "improved"
    gains = ahead(
        measured(blocks, pairs, 500, given_plan) | compactness(blocks, pairs, given_plan),
        measured(blocks, pairs, 500, found.assignment) | compactness(blocks, pairs, found.assignment),
    )
    assert min(gains.values()) >= -SURE
    assert max(gains.values()) > 0.001


def compactness(blocks: Any, pairs: Any, plan: Any) -> dict[str, float]:
    """Return the compactness of grids whose outlines are those of their blocks less the borders they share."""
    label = blocks["block_id"].map(plan)
    inner = pairs[pairs["focal"].map(plan) == pairs["neighbor"].map(plan)]
    shared = inner["shared_m"].groupby(inner["focal"].map(plan)).sum()
    outline = blocks.length.groupby(label).sum().sub(2 * shared, fill_value=0.0)
    values = 4 * np.pi * blocks["area_m2"].groupby(label).sum() / outline**2
    return {"mean_compactness": values.mean(), "min_compactness": values.min()}
