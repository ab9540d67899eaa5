from typing import Any

import numpy as np
import pytest

from spatial.division.by_community import CommunityDivision, divide_communities
from spatial.errors import CancelledError, InputError
from tests.division.lattice import banded, borders, town

PROFILE = banded(300, 500, 700)
HOUSEHOLDS = np.full((4, 6), 125)
COMMUNITY = np.array([["A"] * 2 + ["B"] * 2 + ["C"] * 2] * 4)


def _labels(done: tuple[CommunityDivision, ...]) -> dict[str, str]:
    return {block: grid for one in done for block, grid in one.division.assignment.items()}


def test_each_community_is_divided_by_itself_in_the_order_of_ids() -> None:
    blocks = town(HOUSEHOLDS, community=COMMUNITY)
    done = divide_communities(blocks, borders(blocks), PROFILE, seed=1)
    assert [(one.community_id, one.blocks, one.households) for one in done] == [(name, 8, 1000) for name in "ABC"]
    for one in done:
        grids = one.division.assignment
        assert set(grids.index) == set(blocks.loc[blocks["community_id"] == one.community_id, "block_id"])
        assert sorted(grids.unique()) == [f"{one.community_id}-001", f"{one.community_id}-002"]


def test_neither_workers_nor_the_order_of_rows_change_the_outcome() -> None:
    blocks = town(np.arange(24).reshape(4, 6) * 11, community=COMMUNITY)
    adjacency = borders(blocks)
    one = divide_communities(blocks, adjacency, PROFILE, seed=4, workers=1)
    shuffled = blocks.sample(frac=1, random_state=3), adjacency.sample(frac=1, random_state=3)
    assert _labels(one) == _labels(divide_communities(*shuffled, PROFILE, seed=4, workers=3))


def test_progress_rises_to_the_whole_as_one_piece_of_work() -> None:
    blocks = town(HOUSEHOLDS, community=COMMUNITY)
    told: list[tuple[str, float]] = []
    divide_communities(blocks, borders(blocks), PROFILE, seed=1, on_progress=lambda *one: told.append(one))
    assert {stage for stage, _ in told} == {"dividing communities"}
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("workers", [1, 3])
def test_each_community_is_told_of_as_it_is_done_in_the_order_of_ids(workers: int) -> None:
    blocks = town(HOUSEHOLDS, community=COMMUNITY)
    told: list[CommunityDivision] = []
    done = divide_communities(blocks, borders(blocks), PROFILE, seed=1, workers=workers, on_done=told.append)
    assert tuple(told) == done


@pytest.mark.parametrize("workers", [1, 3])
def test_a_stop_of_one_stops_all_and_each_keeps_the_best_so_far(workers: int) -> None:
    blocks = town(HOUSEHOLDS, community=COMMUNITY)
    told: list[float] = []

    def stop_once(stage: str, share: float) -> None:
        told.append(share)
        if len(told) == 1:
            raise CancelledError("stopped")

    done = divide_communities(blocks, borders(blocks), PROFILE, seed=1, workers=workers, on_progress=stop_once)
    assert set(_labels(done)) == set(blocks["block_id"])
    assert all(one.division.stopped for one in done)
    assert len(told) == 1


def test_no_blocks_is_refused() -> None:
    blocks = town(HOUSEHOLDS)
    with pytest.raises(InputError, match="found no rows"):
        divide_communities(blocks.iloc[:0], borders(blocks).iloc[:0], PROFILE, seed=1)


@pytest.mark.parametrize("bad", ["A", "B"])
def test_what_fails_in_one_community_is_raised_and_stops_the_others(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    blocks = town(HOUSEHOLDS, community=COMMUNITY)

    def fail(mine: Any, *_: Any, on_progress: Any, **__: Any) -> None:
        if mine["community_id"].iloc[0] == bad:
            raise InputError(f"community {bad} cannot be divided")
        try:
            while True:
                on_progress("dividing", 0.0)
        except CancelledError:
            stopped.append(str(mine["community_id"].iloc[0]))
            raise

    stopped: list[str] = []
    monkeypatch.setattr("spatial.division.by_community.divide", fail)
    with pytest.raises(InputError, match=f"community {bad}"):
        divide_communities(blocks, borders(blocks), PROFILE, seed=1, workers=2)
    assert bad not in stopped
    assert len(stopped) >= 1
