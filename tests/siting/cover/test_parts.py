"""Parts of a maximal cover: rows that lie together, what all parts prove together, and every set of random tables."""

from dataclasses import replace
from itertools import count, product
from threading import Event
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from spatial.siting.cover import max_cover
from spatial.siting.cover import parts as cover_parts
from spatial.siting.cover.cuts import NO_CUTS, broken_cuts
from spatial.siting.cover.labels import label_cover
from spatial.siting.cover.lacks import broken_lack_hulls
from spatial.siting.cover.max_cover import solve_max_cover
from spatial.siting.cover.mix import Mix
from spatial.siting.cover.parts import CoverPart, bound_parts, prove_part, split_cover
from spatial.siting.cover.prices import price_cover
from spatial.siting.cover.question import CoverQuestion, CoverState
from spatial.siting.cover.table import cover_table
from spatial.siting.ways import Deadline, Flags
from tests.siting.cover_cases import ample, flags, most_weight, random_lists, town, ways_of

TWO_RINGS = [[5 * k + i, 5 * k + (i + 1) % 5] for k in range(2) for i in range(5)]
"""Ten rows in two rings of five, each row with two neighbouring sites."""


def question_of(lists: list[list[int]], weight: Any, sites: int, p: int) -> CoverQuestion:
    return CoverQuestion(cover_table(ways_of(lists, sites)), np.asarray(weight, float), p, np.arange(sites), 1.0)


def state_of(question: CoverQuestion, chosen: Any, *, cuts: bool, scale: float = 1.0) -> CoverState:
    """Prices of the programme with the cuts and hulls that its first shares break, or off by a scale."""
    table, weight, p = question.table, question.weight, question.p
    first = price_cover(table, weight, p, NO_CUTS, limit_s=60.0)
    assert first is not None
    new = broken_cuts(table, first.share, first.row > 0, most=100) if cuts else NO_CUTS
    hulls = broken_lack_hulls(table, weight, first) if cuts else sparse.csr_array((0, table.sites + table.rows))
    prices = price_cover(table, weight * scale, p, new, limit_s=60.0, hulls=hulls)
    assert prices is not None
    never = np.zeros(table.sites, bool)
    return CoverState(np.asarray(chosen), 0.0, float(weight.sum()), new, hulls, prices, never, Mix())


def left_over(part: CoverPart, opened: Any) -> float:
    covered = [opened[part.table.site[a:b]].any() for a, b in zip(part.table.ptr, part.table.ptr[1:], strict=False)]
    return float(part.weight[~np.array(covered)].sum() + part.posed.programme.cost[: len(opened)][opened].sum())


def test_two_rings_are_two_parts_and_prove_that_two_sites_each_leave_a_row_each() -> None:
    question = question_of(TWO_RINGS, [6.0] * 10, 10, 4)
    state = state_of(question, [0, 2, 5, 7], cuts=False)
    label = label_cover(question.table, np.full(10, 0.5), state.chosen, 1)
    split = split_cover(question, state, label)

    assert len(set(label[:5].tolist())) == len(set(label[5:].tolist())) == 1
    assert label[0] != label[5]
    assert sorted(part.sites.tolist() for part in split.parts) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    proved = split.rest + sum(prove_part(part, flags(10, 0, 2, 5, 7), 1e-6, ample()) for part in split.parts)
    assert proved == pytest.approx(12.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(24))
def test_parts_never_prove_more_than_any_sites_leave(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites, p = 8, int(rng.integers(2, 5))
    lists = town(seed, 14, sites, 0.35) if seed % 2 else [row or [0] for row in random_lists(seed, 14, sites, 0.3)]
    weight = rng.integers(1, 20, 14).astype(float)
    question = question_of(lists, weight, sites, p)
    state = state_of(question, np.arange(p), cuts=seed % 3 > 0, scale=[1.0, 0.7, 1.3][seed % 4 % 3])
    assert state.prices is not None
    label = label_cover(question.table, state.prices.share, state.chosen, 2)
    label = rng.integers(0, 3, 14) if seed % 5 == 0 else label
    split = split_cover(question, state, label)
    most = most_weight(lists, weight.tolist(), p, sites, ())

    total = split.rest
    for part in split.parts:
        proved = prove_part(part, flags(sites, 0), 1e-6, Deadline(60.0))
        every = product((False, True), repeat=len(part.sites))
        least = min((left_over(part, np.array(one, bool)) for one in every), default=0.0)
        assert proved <= least + 1e-6
        assert proved >= least - 1e-3 * max(least, 1.0)
        total += proved
    assert weight.sum() - total >= most - 1e-6


def test_fees_of_parts_are_in_all_what_a_site_is_asked() -> None:
    lists = town(3, 60, 20, 0.2)
    question = question_of(lists, np.arange(60) % 7 + 1.0, 20, 5)
    state = state_of(question, [0, 4, 8, 12, 16], cuts=False)
    assert state.prices is not None
    split = split_cover(question, state, label_cover(question.table, state.prices.share, state.chosen, 2))
    fee = np.zeros(20)
    for part in split.parts:
        fee[part.sites] += part.posed.programme.cost[: len(part.sites)]

    reached = np.unique(question.table.site)
    assert fee[reached] == pytest.approx(np.full(len(reached), np.sort(state.prices.worth)[-5]))


def test_a_part_in_which_more_sites_waver_is_halved_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    question = question_of(TWO_RINGS, [6.0] * 10, 10, 4)
    state = state_of(question, [0, 2, 5, 7], cuts=False)
    assert state.prices is not None
    state = replace(state, prices=replace(state.prices, share=np.array([0.5] * 5 + [1.0, 0.0, 1.0, 0.0, 0.5])))
    monkeypatch.setattr(cover_parts, "_SITES", 1)
    parts_of_rings = {}
    for most in (0, 4, 5):
        monkeypatch.setattr(cover_parts, "_MOST_WAVERING", most)
        label = cover_parts._label(question, state)
        parts_of_rings[most] = (len(set(label[:5].tolist())), len(set(label[5:].tolist())))
        assert set(label[:5].tolist()).isdisjoint(label[5:].tolist())

    assert parts_of_rings == {0: (2, 2), 4: (2, 1), 5: (1, 1)}


@pytest.mark.parametrize("most", [0, 300])
def test_bound_of_parts_is_at_most_what_prices_prove_and_the_same_again(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cover_parts, "_MOST_WAVERING", most)
    monkeypatch.setattr(cover_parts, "_SITES", 1)
    lists = town(5, 80, 16, 0.22)
    weight = np.random.default_rng(5).integers(1, 30, 80).astype(float)
    question = question_of(lists, weight, 16, 4)
    state = state_of(question, [0, 5, 9, 13], cuts=True)
    assert state.prices is not None
    bounds = [bound_parts(question, state, ample()) for _ in range(2)]

    assert bounds[0] == bounds[1]
    assert most_weight(lists, weight.tolist(), 4, 16, ()) - 1e-6 <= bounds[0] <= state.prices.bound + 1e-6


@pytest.mark.parametrize("fails", [0, 1])
def test_where_one_part_fails_the_other_thread_ends(fails: int, monkeypatch: pytest.MonkeyPatch) -> None:
    question = question_of(TWO_RINGS, [6.0] * 10, 10, 4)
    state = state_of(question, [0, 2, 5, 7], cuts=False)
    begun, turns, ended, stays = Event(), count(), list[bool](), Event()

    def prove(_part: CoverPart, _opened: Flags, _slack: float, deadline: Deadline) -> float:
        if next(turns) == fails:
            assert fails or begun.wait(30.0)
            raise RuntimeError("no proof")
        begun.set()
        for _ in range(300):
            if deadline.left() <= 0.0:
                break
            stays.wait(0.01)
        ended.append(deadline.left() <= 0.0)
        return 0.0

    monkeypatch.setattr(cover_parts, "_label", lambda *_: np.arange(10) // 5)
    monkeypatch.setattr(cover_parts, "prove_part", prove)
    with pytest.raises(RuntimeError, match="no proof"):
        bound_parts(question, state, ample())
    assert all(ended)


@pytest.mark.parametrize("seed", range(6))
def test_a_city_that_ends_with_its_parts_is_bounded_truly(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LARGE": 1, "_HUGE": 1, "_BRANCH_ENTRIES": 0, "_MOST_SETS": 0, "_PARTS": 0.9, "_LEAST_PARTS_S": 0.1,
        "_FEWEST_PARTS_S": 0.01, "_SWAPS": 50, "broken_cuts": lambda *_, **__: NO_CUTS,
    }.items():  # fmt: skip
        monkeypatch.setattr(max_cover, name, value)
    monkeypatch.setattr(cover_parts, "_SITES", 4)
    monkeypatch.setattr(cover_parts, "_MOST_WAVERING", -1)
    rings = [[5 * k + i, 5 * k + (i + 1) % 5] for k in range(3) for i in range(5)]
    weight, looks = np.random.default_rng(seed).integers(8, 12, 15), count()
    counted = Deadline(60.0, clock=lambda: 0.05 * next(looks))
    found = solve_max_cover(ways_of(rings, 15), weight, 7, fixed=np.zeros(15, bool), deadline=counted, seed=seed)
    assert "part by part" in " ".join(found.notes)
    assert found.value <= most_weight(rings, weight.tolist(), 7, 15, ()) <= found.bound
