"""Sites with room for all, told by the sites alone: inequalities and bounds against an exact model of all pairs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import Question
from spatial.siting.room.cover import search_few
from spatial.siting.room.fewest import count_by_sites
from spatial.siting.room.rooms import Choice, Rooms, list_rooms
from spatial.siting.room.rows import broken_rooms, flow_of, list_kinds, serve_by_flow
from spatial.siting.room.sites import fewest_sites, master_of, raise_bound
from spatial.siting.ways import Deadline, Floats
from tests.siting.room.test_cover import counted, drawn, fewest

INF = np.inf


def listed(question: Question) -> Rooms:
    return list_rooms(question, charge=question.charge)


def scattered(seed: int, rows: int = 60, sites: int = 12, fill: float = 0.75) -> Question:
    """Rows and sites on a square, each row near to a few sites, which have room for little."""
    rng = np.random.default_rng(seed)
    at, to = rng.uniform(0, 10, (rows, 2)), rng.uniform(0, 10, (sites, 2))
    far = np.hypot(*(at[:, None] - to[None]).transpose(2, 0, 1))
    far[np.arange(rows), np.argmin(far, axis=1)] = 0.0
    load = rng.integers(1, 9, rows).astype(float)
    room = np.ceil(rng.uniform(0.5, 1.5, sites) * load.sum() / (fill * sites))
    return counted(np.where(far < 4.0, 1.0, INF), load, room)


def test_rows_that_ask_for_more_than_a_site_has_say_that_another_one_opens() -> None:
    """Rows 0-2 ask for 2 each: site 0 (room 4) serves them all but one, site 1 serves row 2 alone."""
    question = counted(np.array([[1.0, INF], [1.0, INF], [1.0, 1.0]]), np.full(3, 2.0), np.array([4.0, 9.0]))
    kinds, alone = list_kinds(listed(question)), np.array([1.0, 0.0])
    flow = flow_of(kinds, alone)
    assert flow.short == pytest.approx(2.0, abs=1e-6)
    terms = broken_rooms(kinds, alone, flow).toarray()
    assert terms == pytest.approx(np.array([[4.0 / 6.0, 2.0 / 6.0]]))
    assert flow_of(kinds, np.ones(2)).short == pytest.approx(0.0, abs=1e-6)


def test_what_is_broken_falls_apart_where_no_site_is_full_of_two_parts() -> None:
    """Two sites with room for half of their own rows, and a third that reaches all with room to spare."""
    cost = np.array([[1.0, INF, 1.0], [1.0, INF, 1.0], [INF, 1.0, 1.0], [INF, 1.0, 1.0]])
    kinds = list_kinds(listed(counted(cost, np.ones(4), np.array([1.0, 1.0, 9.0]))))
    shares = np.array([1.0, 1.0, 0.0])
    terms = broken_rooms(kinds, shares, flow_of(kinds, shares)).toarray()
    assert terms[np.lexsort(terms.T)] == pytest.approx(np.array([[0.5, 0.0, 1.0], [0.0, 0.5, 1.0]])[::-1][[1, 0]])


def test_a_flow_keeps_rooms_and_what_is_asked() -> None:
    for seed in range(30):
        kinds = list_kinds(listed(scattered(seed)))
        shares = np.random.default_rng(seed).uniform(0, 1, kinds.table.sites)
        flow = flow_of(kinds, shares)
        assert (np.bincount(flow.site, flow.amount, len(shares)) <= kinds.room * shares + 1e-6).all(), seed
        assert (np.bincount(flow.kind, flow.amount, len(kinds.load)) <= kinds.load + 1e-6).all(), seed
        assert flow.amount.sum() + flow.short == pytest.approx(kinds.load.sum()), seed


def test_every_choice_with_room_for_all_keeps_the_inequalities_that_any_shares_break() -> None:
    seen, checked = 0, 0
    for seed in range(100):
        question, rng = (drawn(seed) if seed % 2 else scattered(seed, 25, 7)), np.random.default_rng(seed)
        rooms = listed(question)
        if (np.diff(list_kinds(rooms).table.ptr) == 0).any():
            continue
        kinds = list_kinds(rooms)
        many = [rng.uniform(0, 1, kinds.table.sites) for _ in range(4)]
        terms = sparse.vstack([broken_rooms(kinds, one, flow_of(kinds, one)) for one in many]).tocsr()
        seen += terms.shape[0]
        tried = rng.random((40, kinds.table.sites)) < 0.5
        broken = tried[((terms @ tried.T.astype(float)) < 1.0).any(axis=0)] if terms.shape[0] else tried[:0]
        for opened in (broken & ~question.banned | question.fixed)[:3]:
            if (terms @ opened < 1.0).any():
                checked += 1
                assert fewest(replace(question, banned=~opened)) == INF, seed
    assert checked > 60
    assert seen > 100


def relaxed(question: Question) -> float:
    """Return the bound of the model of every pair of row and site, in parts."""
    model = room_model(question, question.charge)
    return solve_mip(replace(model, whole=np.zeros(len(model.cost), bool)), start=None, time_limit_s=20.0).bound


def test_the_linear_programme_of_the_sites_is_as_high_as_that_of_all_pairs() -> None:
    for seed in range(20):
        question = scattered(seed, 40, 10)
        _, point, bound = raise_bound(master_of(listed(question)), Deadline(20.0))
        if point is None:
            assert relaxed(question) == INF, seed
            continue
        assert bound >= relaxed(question) - 1e-3, seed
        assert bound <= fewest(question) + 1e-6, seed


def test_no_number_of_sites_that_the_model_tells_is_above_the_fewest() -> None:
    for seed in range(40):
        question = scattered(seed, 30, 9, 0.5)
        master, point, _ = raise_bound(master_of(listed(question)), Deadline(20.0))
        if point is None:
            continue
        found = fewest_sites(master, None, deadline=Deadline(20.0), seed=0)
        assert found.bound <= fewest(question) + 1e-6, seed


def dense(question: Question) -> Floats:
    out = np.zeros((question.rows, len(question.fixed)), bool)
    out[np.repeat(np.arange(question.rows), np.diff(question.ways.ptr)), question.ways.site] = True
    return out


def test_the_choice_keeps_every_limit_and_mostly_is_proved_to_be_of_the_fewest() -> None:
    met, proved = 0, 0
    for seed in range(50):
        question = drawn(seed) if seed % 2 else scattered(seed, 24, 8, 0.5)
        rooms = listed(question)
        first = search_few(rooms, target=0, seed=0, deadline=Deadline(5.0), steps=64)
        if first is None:
            continue
        best, bound = count_by_sites(rooms, first, deadline=Deadline(5.0), seed=seed, steps=20_000)
        exact = fewest(question)
        met += 1
        assert min(bound, best.value) <= exact + 1e-6 <= best.value + 2e-6, seed
        assert (best.opened >= question.fixed).all(), seed
        assert not (best.opened & question.banned).any(), seed
        assert dense(question)[np.arange(question.rows), best.served].all(), seed
        load = np.bincount(best.served, question.load, len(question.fixed))
        assert (load <= question.capacity * best.opened).all(), seed
        proved += bool(best.value <= np.ceil(bound - 1e-6))
    assert met >= 20
    assert proved >= 0.7 * met


def test_a_row_that_may_be_shared_asks_no_more_than_a_whole_one() -> None:
    for seed in range(30):
        question = scattered(seed, 30, 8, 0.5)
        shared, whole = (listed(replace(question, split=split)) for split in (True, False))
        one, two = (raise_bound(master_of(rooms), Deadline(10.0))[2] for rooms in (shared, whole))
        assert one <= two + 1e-6, seed


def test_whole_loads_flow_whole_and_rows_go_where_their_loads_do() -> None:
    placed, split = 0, 0
    for seed in range(40):
        rooms = listed(scattered(seed, 60, 10, 0.6))
        kinds, opened = list_kinds(rooms), np.ones(10)
        flow = flow_of(kinds, opened)
        assert (flow.amount == np.round(flow.amount)).all(), seed
        choice = serve_by_flow(rooms, kinds, opened, flow)
        load = np.bincount(choice.served[choice.served >= 0], rooms.load[choice.served >= 0], 10)
        assert (load <= rooms.room).all(), seed
        split += len(flow.kind) - len(np.unique(flow.kind))
        placed += int((choice.served < 0).sum())
    assert placed <= split  # a row that is nowhere is one whose kind goes to several sites


def test_loads_that_are_no_whole_numbers_find_their_places_too() -> None:
    """Two rows of a third, a site with room for each: nothing is lost to the parts that flows are counted in."""
    question = counted(np.array([[1.0, INF], [INF, 1.0]]), np.full(2, 1.0 / 3.0), np.full(2, 1.0 / 3.0))
    rooms = listed(question)
    kinds, opened = list_kinds(rooms), np.ones(2)
    assert serve_by_flow(rooms, kinds, opened, flow_of(kinds, opened)).served.tolist() == [0, 1]


def test_a_search_moves_rows_on_before_it_opens_more_sites() -> None:
    """Row 2 finds site 0 full; row 0 may go to site 1, where there is room, and site 2 stays shut."""
    question = counted(np.array([[1.0, 1.0, INF], [1.0, INF, INF], [1.0, INF, 1.0]]), np.ones(3), np.full(3, 2.0))
    begun = Choice(np.array([True, True, False]), np.array([0, 0, -1]), INF)
    found = search_few(listed(question), target=2, seed=0, deadline=Deadline(5.0), steps=64, first=begun)
    assert found is not None
    assert found.opened.tolist() == [True, True, False]
    assert found.served.tolist() == [1, 0, 0]
