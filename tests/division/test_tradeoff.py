"""What more moves save: hand-worked towns, all divisions of small towns looked at, then laws that hold for any town."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division import hull_edges
from spatial.division.divide import divide
from spatial.division.staircase import Plan
from spatial.division.tradeoff import TradeOff, trade_off
from spatial.division.weighing import split_scales
from spatial.errors import CancelledError, InputError
from tests.division.lattice import assert_lawful, banded, borders, rng, town

QUICK = banded(300, 500, 700, moves_per_block=50)


def today(blocks: Any, names: Any) -> pd.Series:
    return pd.Series(list(names), index=blocks["block_id"].to_list())


def trade(blocks: Any, current: Any, profile: Any = QUICK, adjacency: Any = None, **options: Any) -> TradeOff:
    adjacency = borders(blocks) if adjacency is None else adjacency
    return trade_off(blocks, adjacency, profile, current=current, rng=rng(), **options)


def pairs(found: TradeOff) -> list[tuple[int, float]]:
    return [(point.moved, round(point.total, 6)) for point in found.points]


def test_a_row_of_five_trades_one_block_after_the_other() -> None:
    blocks = town([[100, 100, 200, 200, 400]])
    found = trade(blocks, today(blocks, "AAABB"), banded(300, 500, 700, border_weight=0.0, unclear_weight=0.0))
    weight = QUICK.division.balance_weight
    assert pairs(found) == [(0, round(2 * weight * (100 / 125) ** 2, 6))]
    found = trade(blocks, today(blocks, "AABBB"), banded(150, 500, 850, border_weight=0.0, unclear_weight=0.0))
    assert [point.moved for point in found.points] == [0, 200]
    assert found.complete
    assert found.points[1].assignment.to_list() == list("AAABB")


def test_today_that_is_best_is_the_only_point() -> None:
    blocks = town([[250, 250, 250, 250]])
    found = trade(blocks, today(blocks, "AABB"))
    assert [point.moved for point in found.points] == [0]
    assert found.points[0].assignment.to_list() == list("AABB")
    assert found.complete


def test_where_today_is_unlawful_the_first_point_moves_the_fewest_that_any_can() -> None:
    blocks = town([[250, 250, 250, 250]])
    found = trade(blocks, today(blocks, "ABBA"))
    assert [point.moved for point in found.points] == [250, 500]
    found = trade(blocks, today(blocks, "AAAB"))
    assert found.points[0].moved == 250
    assert found.complete


def test_pieces_of_land_are_traded_against_each_other() -> None:
    blocks = town([[200] * 4 + [-1] + [150] * 4])
    current = today(blocks, "ABBBCDDD")
    found = trade(blocks, current)
    assert found.points[0].moved == 0
    assert found.complete
    assert_matches(blocks, current, found, [blocks["block_id"][:4].to_list(), blocks["block_id"][4:].to_list()])


def test_the_table_has_a_row_per_point() -> None:
    blocks = town([[200, 200, 200, 200]])
    table = trade(blocks, today(blocks, "ABBB")).to_table()
    assert table.columns.to_list() == ["moved", "total", "bound", "proved"]
    assert table["proved"].all()
    assert table["moved"].is_monotonic_increasing
    assert table["total"].is_monotonic_decreasing


def test_unknown_blocks_and_no_blocks_are_refused() -> None:
    blocks = town([[200, 200]])
    with pytest.raises(InputError, match="current: found block 'x'"):
        trade(blocks, pd.Series({"x": "A"}))
    with pytest.raises(InputError, match="blocks: found no rows"):
        trade(blocks.iloc[:0], pd.Series(dtype=str))


def test_blocks_that_lie_in_no_grid_move_freely() -> None:
    blocks = town([[250, 250, 250, 250]])
    found = trade(blocks, pd.Series({"r0c0": "A", "r0c1": "A"}))
    assert [point.moved for point in found.points] == [0]
    assert found.points[0].assignment.to_list()[:2] == ["A", "A"]
    assert found.points[0].assignment.nunique() == 2


def graded(seed: int) -> tuple[Any, Any, pd.Series]:
    """Return a town of 24 blocks with graded borders, and four rectangles of today."""
    blocks = town(rng(seed).integers(10, 150, (4, 6)))
    adjacency = borders(blocks)
    adjacency["clarity"] = rng(seed).random(len(adjacency))
    return blocks, adjacency, today(blocks, [f"C-g{(i // 6) // 2}{(i % 6) // 3}" for i in range(24)])


def test_cancelling_and_a_budget_keep_bounds_that_hold() -> None:
    blocks, adjacency, current = graded(3)
    whole = trade(blocks, current, adjacency=adjacency)

    def cancel(stage: str, share: float) -> None:
        raise CancelledError("enough")

    stopped = trade(blocks, current, adjacency=adjacency, on_progress=cancel)
    for found in (stopped, trade(blocks, current, adjacency=adjacency, budget_s=0.05)):
        assert found.points
        for point in found.points:
            best = min(other.total for other in whole.points if other.moved <= point.moved)
            assert point.bound <= best + 1e-6 <= point.total + 2e-6
            assert not point.proved or point.total == pytest.approx(best)
    assert stopped.stopped


def list_partitions(ids: list[str]) -> Iterator[list[list[str]]]:
    if not ids:
        yield []
        return
    for rest in list_partitions(ids[1:]):
        yield [[ids[0]], *rest]
        for i, group in enumerate(rest):
            yield [*rest[:i], [ids[0], *group], *rest[i + 1 :]]


def enumerate_corners(blocks: Any, adjacency: Any, current: Any, profile: Any, ids: list[str]) -> list[Any]:
    """Return (moved, cost) of every lawful division of some blocks that no other beats."""
    frame = blocks.set_index("block_id").loc[ids]
    households = frame["households"].to_dict()
    rules, grid = profile.division, profile.grid
    count = max(1, round(sum(households.values()) / grid.target_households))
    side = 2 * np.sqrt(frame["area_m2"].sum() / count)
    centre = {block: (point.x, point.y) for block, point in frame.geometry.centroid.items()}
    inside = adjacency[adjacency["focal"].isin(ids) & adjacency["neighbor"].isin(ids)]
    price = {
        (a, b): m / side * (rules.border_weight + rules.unclear_weight * (1 - c))
        for a, b, m, c in inside[["focal", "neighbor", "shared_m", "clarity"]].itertuples(index=False)
    }
    graph = nx.Graph(inside.loc[inside["crossable"], ["focal", "neighbor"]].itertuples(index=False, name=None))
    graph.add_nodes_from(ids)

    @cache
    def hangs_together(*group: str) -> bool:  # always in the order of ids
        return nx.is_connected(graph.subgraph(group))

    found = []
    for groups in list_partitions(ids):
        sums = [sum(households[b] for b in group) for group in groups]
        if max(sums) > grid.ceiling_households or not all(hangs_together(*group) for group in groups):
            continue
        at = {block: i for i, group in enumerate(groups) for block in group}
        cost = sum(money for (a, b), money in price.items() if at[a] != at[b])
        if rules.span_weight:
            longest = [max(np.hypot(*np.subtract(centre[a], centre[b])) for a in g for b in g) for g in groups]
            cost += rules.span_weight * sum(longest) / side
        for total in sums:
            cost += rules.balance_weight * ((total - grid.target_households) / grid.target_households / 0.25) ** 2
            low = total < grid.floor_households
            cost += 30 * (1 + 2 * (grid.floor_households - total) / grid.floor_households) if low else 0.0
        found.append((least_moved(groups, households, current), cost))
    corners: list[Any] = []
    for moved, cost in sorted(found):
        if not corners or cost < corners[-1][1] - 1e-6:
            corners.append((moved, cost))
    return corners


def least_moved(groups: Any, households: Any, current: Any) -> int:
    """Return the fewest households that move under any naming of the groups."""
    olds = sorted({current[b] for b in households if b in current})
    shared = np.array(
        [[sum(households[b] for b in g if current.get(b) == old) for old in olds] for g in groups], dtype=int
    )
    slots = np.vstack([shared, np.zeros((len(olds), len(olds)), dtype=int)])
    kept = max(sum(slots[g, o] for o, g in enumerate(take)) for take in permutations(range(len(slots)), len(olds)))
    return int(sum(households[b] for b in households if b in current) - kept)


def assert_matches(
    blocks: Any, current: Any, found: TradeOff, pieces: Any, adjacency: Any = None, profile: Any = QUICK
) -> None:
    adjacency = borders(blocks) if adjacency is None else adjacency
    curves = [enumerate_corners(blocks, adjacency, current.to_dict(), profile, ids) for ids in pieces]
    sums = [(0, 0.0)]
    for curve in curves:
        sums = [(a + c, b + d) for a, b in sums for c, d in curve]
    corners: list[Any] = []
    for moved, cost in sorted(sums):
        if not corners or cost < corners[-1][1] - 1e-6:
            corners.append((moved, cost))
    assert [point.moved for point in found.points] == [moved for moved, _ in corners]
    assert [point.total for point in found.points] == pytest.approx([cost for _, cost in corners])
    assert found.complete
    assert all(point.proved for point in found.points)
    for point in found.points:
        changed = [b for b in current.index if point.assignment[b] != current[b]]
        assert blocks.set_index("block_id")["households"].loc[changed].sum() == point.moved


@given(seed=st.integers(0, 100_000), olds=st.integers(1, 3), torn=st.booleans())
@settings(deadline=None, max_examples=8)
def test_small_towns_have_the_corners_that_looking_at_every_division_and_naming_finds(
    seed: int, olds: int, torn: bool
) -> None:
    draw = rng(seed)
    rows, columns = ((2, 4), (2, 3), (3, 3), (1, 7))[int(draw.integers(4))]
    blocks = town(draw.integers(0, 320, (rows, columns)))
    adjacency = borders(blocks)
    adjacency["clarity"] = draw.choice([0.0, 0.3, 0.9], len(adjacency))
    names = draw.integers(olds, size=len(blocks)) if torn else np.arange(len(blocks)) * olds // len(blocks)
    current = today(blocks, [f"o{name}" for name in names])
    found = trade(blocks, current, adjacency=adjacency)
    assert_matches(blocks, current, found, [blocks["block_id"].to_list()], adjacency)


@pytest.mark.parametrize("seed", range(4))
def test_where_long_grids_cost_no_corner_is_missed(seed: int) -> None:
    blocks = town(rng(seed).integers(60, 320, (2, 4)))
    current, profile = today(blocks, "ABABABAB"), replace(QUICK, division=replace(QUICK.division, span_weight=2.0))
    found = trade(blocks, current, profile)
    assert_matches(blocks, current, found, [blocks["block_id"].to_list()], profile=profile)


@pytest.mark.parametrize("seed", range(3))
def test_weighing_numbers_of_grids_apart_changes_no_corner(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    split: list[int] = []

    def count(scales: Any, enough: float) -> Any:
        parts = split_scales(scales, enough)
        split.append(len(parts))
        return parts

    blocks = town(rng(seed).integers(150, 280, (2, 4)))
    current = today(blocks, "AABBAABB")
    monkeypatch.setattr(hull_edges, "_WIDE", -1.0)
    monkeypatch.setattr(hull_edges, "split_scales", count)
    assert_matches(blocks, current, trade(blocks, current), [blocks["block_id"].to_list()])
    assert 2 in split


def test_an_edge_whose_corners_were_beaten_meanwhile_is_left() -> None:
    scales: Any = None
    labels = np.zeros(2, dtype=np.int64)
    best, beaten = Plan(1, 1.0, labels), Plan(5, 2.0, labels)
    case: Any = SimpleNamespace(plans=[best], settled=[], lines=[])
    assert hull_edges._weave(case, [scales], (Plan(0, 9.0, labels), beaten), 1.0, 10)
    assert not case.settled


@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=2)
def test_larger_towns_are_lawful_in_any_order_and_end_in_the_proved_optimum(seed: int) -> None:
    blocks, adjacency, current = graded(seed)
    found = trade(blocks, current, adjacency=adjacency)
    assert found.complete
    for point in found.points:
        assert_lawful(blocks, adjacency, point.assignment)
    mixed = trade_off(blocks.sample(frac=1, random_state=1), adjacency.sample(frac=1, random_state=2), QUICK,
                      current=current.sample(frac=1, random_state=3), rng=rng())  # fmt: skip
    assert pairs(mixed) == pairs(found)
    free = divide(blocks, adjacency, banded(300, 500, 700, moves_per_block=50, proof_nodes_per_block=3000), rng=rng())
    assert found.points[-1].total <= free.total + 1e-6
    assert free.status != "optimal" or found.points[-1].total == pytest.approx(free.total)
    priced = divide(blocks, adjacency, QUICK, rng=rng(), current=current)
    best = min(point.total + QUICK.division.change_weight * point.moved / 500 for point in found.points)
    assert priced.bound <= best + 1e-6 <= priced.total + 2e-6
