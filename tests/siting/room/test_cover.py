"""The fewest sites with room for everybody: a search and a bound against sums by hand and an exact model."""

from dataclasses import replace

import numpy as np
import pytest

from spatial.siting.answer import answer
from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.room import capacitated
from spatial.siting.room import count as room_count
from spatial.siting.room.bound import bound_rooms
from spatial.siting.room.cover import search_few
from spatial.siting.room.rooms import list_rooms
from spatial.siting.ways import Deadline, Floats
from tests.siting.room.test_rooms import capacitated_median

INF = np.inf


def counted(cost: Floats, load: Floats, room: Floats) -> Question:
    """The fewest of these sites that have room for all; pairs at infinite cost cannot serve."""
    return replace(capacitated_median(cost, load, room, AS_MANY_AS_NEEDED), goal="count")


def drawn(seed: int) -> Question:
    """Up to 30 rows and 8 sites; some pairs out of reach, some sites too small for some rows."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 30)), int(rng.integers(2, 9))
    cost = np.where(rng.random((n, m)) < 0.5, 1.0, INF)
    load = rng.integers(0, 9, n).astype(float)
    room = rng.integers(4, 60, m).astype(float)
    fixed = rng.random(m) < 0.15
    question = counted(cost, load, room)
    banned = ~fixed & (rng.random(m) < 0.15)
    return replace(question, fixed=fixed, banned=banned, counted=~fixed, charge=(~fixed).astype(float))


def fewest(question: Question) -> float:
    """Return the least charge by one exact model; infinite where there is not room for all."""
    found = solve_mip(room_model(question, question.charge), start=None, time_limit_s=20.0)
    return INF if found.x is None else round(found.bound)


def test_a_row_in_want_is_served_once_another_makes_room_for_it_further_on() -> None:
    """Rows 0-2 fill site 0 (room 3), where row 3 alone can go as well; row 0 can leave it for site 1: two sites do."""
    cost = np.array([[1.0, 1.0], [1.0, INF], [1.0, INF], [1.0, INF], [INF, 1.0]])
    question = counted(cost, np.ones(5), np.array([3.0, 2.0]))
    found = search_few(list_rooms(question, charge=question.charge), target=0, seed=0, deadline=Deadline(2.0), steps=64)
    assert found is not None
    assert found.served.tolist() == [1, 0, 0, 0, 1]
    assert found.value == 2.0


def test_a_row_that_no_site_is_large_enough_for_leaves_no_choice() -> None:
    question = counted(np.ones((2, 2)), np.array([9.0, 1.0]), np.array([8.0, 8.0]))
    assert search_few(list_rooms(question, charge=question.charge), target=0, seed=0, deadline=Deadline(2.0)) is None


def test_what_the_search_finds_keeps_every_limit_and_is_never_below_the_fewest_and_mostly_is_the_fewest() -> None:
    met, same = 0, 0
    for seed in range(120):
        question = drawn(seed)
        rooms, best = list_rooms(question, charge=question.charge), fewest(question)
        found = search_few(rooms, target=0, seed=0, deadline=Deadline(5.0), steps=512)
        if found is None:
            continue
        met += 1
        assert (found.opened >= question.fixed).all(), seed
        assert not (found.opened & question.banned).any(), seed
        assert found.opened[found.served].all(), seed
        reach = np.isfinite(dense(question)[np.arange(question.rows), found.served])
        assert reach.all(), seed
        load = np.bincount(found.served, question.load, len(question.fixed))
        assert (load <= question.capacity).all(), seed
        assert found.value == (found.opened & ~question.fixed).sum() >= best, seed
        same += found.value == best
    assert met >= 40
    assert same >= 0.95 * met


def dense(question: Question) -> Floats:
    """Return the costs as a matrix."""
    out = np.full((question.rows, len(question.fixed)), INF)
    out[np.repeat(np.arange(question.rows), np.diff(question.ways.ptr)), question.ways.site] = question.ways.cost
    return out


@pytest.mark.parametrize("known", [False, True])
def test_no_bound_on_the_number_of_sites_is_above_the_fewest(known: bool) -> None:
    for seed in range(60):
        question = drawn(seed)
        rooms, best = list_rooms(question, charge=question.charge), fewest(question)
        if (np.diff(question.ways.ptr) == 0).any():
            continue
        first = search_few(rooms, target=0, seed=1, deadline=Deadline(5.0), steps=64) if known else None
        bound = bound_rooms(rooms, deadline=Deadline(5.0), seed=0, best=first).bound
        assert min(bound, INF if first is None else first.value) <= best + 1e-6, seed


@pytest.mark.parametrize("many", [2000, 0])
def test_the_number_of_sites_is_what_the_model_says_and_above_so_many_rows_within_its_bound(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacitated, "_ENOUGH_ENTRIES", 0)
    monkeypatch.setattr(room_count, "MOST_ROWS", many)
    for seed in range(40):
        question = drawn(seed)
        best = fewest(question)
        found = answer(question, deadline=Deadline(0.4 if many == 0 else 300.0))
        if found is None:
            assert best == INF, seed
            continue
        assert found.bound <= best <= found.value, seed
        assert many == 0 or (found.proved and found.value == best), seed


def test_the_same_seed_gives_the_same_sites() -> None:
    rng = np.random.default_rng(5)
    at, to = rng.uniform(0, 10, (300, 2)), rng.uniform(0, 10, (40, 2))
    far = np.hypot(*(at[:, None] - to[None]).transpose(2, 0, 1))
    question = counted(np.where(far < 3.0, 1.0, INF), rng.integers(1, 9, 300).astype(float), np.full(40, 120.0))
    rooms = list_rooms(question, charge=question.charge)
    one, two = (search_few(rooms, target=0, seed=3, deadline=Deadline(60.0), steps=640) for _ in range(2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.served, two.served)
    assert one.value <= np.ceil(question.load.sum() / 120.0) * 1.15
