"""Sites with limited room: knapsacks, searches and sets of rows against every filling, and published optima."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from spatial.siting.answer import answer
from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.room import bound as room_bound
from spatial.siting.room import capacitated
from spatial.siting.room import climb as room_climb
from spatial.siting.room import count as room_count
from spatial.siting.room import rooms as rooms_module
from spatial.siting.room.price import price_forced, price_sites
from spatial.siting.room.rooms import list_rooms, search_rooms
from spatial.siting.ways import Deadline, Floats
from tests.bench.siting_instances import full_ways, read_pmedcap, read_sjc
from tests.real_data import real


def capacitated_median(cost: Floats, load: Floats, room: Floats, p: int) -> Question:
    """Every row counts once, takes its load, and has to be served."""
    n, m = cost.shape
    nothing = np.zeros(m, dtype=bool)
    return Question(
        goal="sum", ways=full_ways(cost), weight=np.ones(n), load=load, missing=np.inf, p=p, counted=~nothing,
        fixed=nothing, banned=nothing, charge=np.ones(m), price=np.zeros(m), budget=np.inf,
        apart=np.zeros((0, 2), dtype=np.int64), rules=(), capacity=room, split=False, need=1,
    )  # fmt: skip


def points(seed: int, n: int, p: int) -> Question:
    """Whole costs between points that ask and may serve; room for about nine tenths of what is asked."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 100, (n, 2))
    load = rng.integers(1, 21, n).astype(float)
    cost = np.floor(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)))
    return capacitated_median(cost, load, np.full(n, np.ceil(load.sum() / p / 0.9)), p)


@pytest.mark.parametrize("seed", range(30))
def test_a_site_is_worth_the_best_of_all_fillings_and_so_it_is_with_a_row_forced_in(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    ptr, row = np.array([0, n]), np.arange(n)
    cost, prices = rng.integers(0, 9, n).astype(float), rng.integers(-3, 15, n).astype(float)
    load, room = rng.integers(0, 6, n).astype(float), np.array([float(rng.integers(1, 15))])
    may = rng.random(n) < 0.9
    sums = {
        rows: sum(cost[i] - prices[i] for i in rows)
        for size in range(n + 1)
        for rows in combinations(np.flatnonzero(may).tolist(), size)
        if sum(load[i] for i in rows) <= room[0]
    }
    for whole in (True, False):
        worth, share, forced = np.zeros(1), np.zeros(n), np.zeros(n)
        price_sites(ptr, row, cost, load, room, prices, may, whole, worth, share)
        price_forced(ptr, row, cost, load, room, prices, may, whole, forced)
        assert worth[0] == pytest.approx(float(share @ (cost - prices)))
        assert share @ load <= room[0] + 1e-9
        least = [min((value for rows, value in sums.items() if i in rows), default=np.inf) for i in range(n)]
        if whole:
            assert worth[0] == pytest.approx(min(sums.values()))
            assert forced == pytest.approx(least)
        else:  # rows in part are worth no less
            assert worth[0] <= min(sums.values()) + 1e-9
            assert (forced <= np.array(least) + 1e-9).all()


def test_a_search_serves_all_within_the_room_and_its_value_is_that_of_its_choice() -> None:
    question = points(1, 40, 5)
    opened = np.arange(40) < 5
    found = search_rooms(
        list_rooms(question), opened, np.zeros(40, dtype=bool), tries=64, seed=0, deadline=Deadline(120.0)
    )
    assert found.opened.sum() == 5
    assert found.opened[found.served].all()
    assert (np.bincount(found.served, question.load, 40) <= question.capacity).all()
    dense = np.full((40, 40), np.inf)
    dense[np.repeat(np.arange(40), np.diff(question.ways.ptr)), question.ways.site] = question.ways.cost
    assert found.value == dense[np.arange(40), found.served].sum()


@pytest.mark.parametrize("seed", range(4))
def test_the_sets_of_rows_prove_what_the_model_of_rows_and_sites_proves(seed: int) -> None:
    question = points(seed, 24, 4)
    plain = solve_mip(room_model(question, np.zeros(24)), start=None, time_limit_s=60.0)
    found = answer(question, deadline=Deadline(300.0))
    assert plain.x is not None
    assert found is not None
    assert (found.value, found.proved) == (round(plain.bound), True)


def test_shared_rows_cost_no_more_than_whole_ones_and_their_bound_holds() -> None:
    question = points(2, 22, 4)
    whole = answer(question, deadline=Deadline(300.0))
    shared = answer(replace(question, split=True), deadline=Deadline(300.0))
    assert whole is not None
    assert shared is not None
    assert shared.proved
    assert shared.bound <= shared.value + 1e-9 <= whole.value + 1e-6


def test_a_row_that_no_site_has_room_for_is_shared_by_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten households, six places at 1 and eight at 2: six go to the first and four to the second."""
    monkeypatch.setattr(capacitated, "_ENOUGH_ENTRIES", 0)
    one = capacitated_median(np.array([[1.0, 2.0]]), np.array([10.0]), np.array([6.0, 8.0]), 2)
    found = answer(replace(one, split=True), deadline=Deadline(120.0))
    assert found is not None
    assert found.proved
    assert found.value == pytest.approx(0.6 * 1.0 + 0.4 * 2.0)
    # with six places in all, four tenths of the row are lost for 5 each
    few = replace(one, split=True, missing=5.0, capacity=np.array([6.0, 0.0]))
    lost = answer(few, deadline=Deadline(120.0))
    assert lost is not None
    assert lost.proved
    assert lost.value == pytest.approx(0.6 * 1.0 + 0.4 * 5.0)


@pytest.mark.parametrize("goal", ["sum", "count", "largest"])
def test_shared_rows_of_any_size_cost_what_the_model_of_rows_and_sites_says(
    goal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacitated, "_ENOUGH_ENTRIES", 0)
    monkeypatch.setattr(room_count, "_FEW_ENTRIES", 0)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(1, 8)), int(rng.integers(1, 6))
        question = replace(
            capacitated_median(
                rng.integers(0, 20, (n, m)).astype(float), rng.integers(1, 9, n).astype(float),
                rng.integers(0, 14, m).astype(float), AS_MANY_AS_NEEDED if goal == "count" else int(rng.integers(1, 4)),
            ),
            goal=goal, split=True, missing=40.0 if goal == "sum" and rng.random() < 0.6 else np.inf,
        )  # fmt: skip
        found = answer(question, deadline=Deadline(120.0))
        best = value_by_model(question)
        assert (None if found is None else found.value) == (None if best is None else pytest.approx(best)), seed
        assert found is None or found.proved, seed


def value_by_model(question: Question) -> float | None:
    """Return what one exact model says; the least radius at which all can be served is looked for from below."""
    if question.goal != "largest":
        charge = question.charge if question.goal == "count" else np.zeros(len(question.fixed))
        found = solve_mip(room_model(question, charge), start=None, time_limit_s=20.0)
        return None if found.x is None else found.bound
    nothing = np.zeros(len(question.fixed))
    for radius in np.unique(question.ways.cost).tolist():
        if solve_mip(room_model(question, nothing, radius=radius), start=None, time_limit_s=20.0).x is not None:
            return float(radius)
    return None


@pytest.mark.parametrize(
    ("most_open", "most_traded", "quick", "worst"),
    [(0, 0, 1000, 1.1), (0, 300, 1000, 1.1), (200, 300, 1000, 1.1), (200, 300, 0, 1.5)],
)
def test_many_rows_are_searched_by_chains_or_by_moves_and_never_told_too_low(
    monkeypatch: pytest.MonkeyPatch, most_open: int, most_traded: int, quick: int, worst: float
) -> None:
    """Few rows are taken for many here, and few open sites for too many, so that an exact model can check it.

    Without a quick first choice (as where entries are many) sites are found all the same, if dearer ones.
    """
    for module in (capacitated, room_bound, room_climb, rooms_module):
        monkeypatch.setattr(module, "MOST_ROWS", 11, raising=False)
    monkeypatch.setattr(room_bound, "_MOST_OPEN", most_open)
    monkeypatch.setattr(room_bound, "_MOST_TRADED", most_traded)
    monkeypatch.setattr(room_bound, "_QUICK_ENTRIES", quick)
    monkeypatch.setattr(capacitated, "_ENOUGH_ENTRIES", 0)
    for seed in range(6):
        question = points(seed, 12, 3)
        best = value_by_model(question)
        found = answer(question, deadline=Deadline(0.8))
        assert found is not None
        assert best is not None
        assert found.bound <= best * (1 + 1e-9)
        assert best * (1 - 1e-6) <= found.value <= best * worst


def test_the_search_agrees_with_every_choice_of_sites_and_assignment_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacitated, "_ENOUGH_ENTRIES", 0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cost, load = rng.integers(0, 20, (5, 4)).astype(float), rng.integers(1, 6, 5).astype(float)
        question = capacitated_median(cost, load, rng.integers(4, 12, 4).astype(float), 2)
        best = min(
            (
                sum(cost[i, s] for i, s in enumerate(sites))
                for sites in product(range(4), repeat=5)
                if len(set(sites)) <= 2 and (np.bincount(sites, load, 4) <= question.capacity).all()
            ),
            default=None,
        )
        found = answer(question, deadline=Deadline(120.0))
        assert (None if found is None else found.value) == best
        assert found is None or found.proved


@pytest.mark.real
@pytest.mark.parametrize("name", ["pmedcap/pmedcap01.txt", "pmedcap/pmedcap03.txt", "SJC2.dat"])
def test_published_optima_with_limited_room_are_found_and_proved(name: str) -> None:
    path = real(f"siting/{name}")
    given = read_sjc(path) if name.endswith(".dat") else read_pmedcap(path)
    found = answer(capacitated_median(given.cost, given.demand, given.capacity, given.p), deadline=Deadline(120.0))
    assert found is not None
    assert found.value == pytest.approx(given.best, abs=0.005)
    assert found.proved
