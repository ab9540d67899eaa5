"""Exchanges of open sites where rows may be shared: totals against linear programmes, choices against every choice."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from spatial.siting.room.exchange import best_exchange, weigh_columns
from spatial.siting.room.rooms import Rooms, list_rooms, value_of_choice
from spatial.siting.room.split import begin_split
from spatial.siting.room.trade import Split, split_of, trade_many, trade_rooms
from spatial.siting.ways import Deadline, Flags, row_of
from tests.siting.room.test_rooms import capacitated_median, points

_LOST = 900.0


def made(seed: int) -> tuple[Rooms, Flags, np.random.Generator]:
    """Rows of any size, sites not all in reach of all, and some open ones; ties among costs are many."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 40)), int(rng.integers(3, 9))
    cost = rng.integers(0, 40, (n, m)).astype(float)
    cost[rng.random((n, m)) < 0.3] = np.inf
    load = rng.integers(1, 7, n).astype(float)
    p = int(rng.integers(1, m))
    room = rng.integers(3, 1 + max(4, int(2.5 * load.sum() / p)), m).astype(float)
    opened = np.zeros(m, dtype=bool)
    opened[rng.permutation(m)[:p]] = True
    return list_rooms(capacitated_median(cost, load, room, p)), opened, rng


def begun(rooms: Rooms, opened: Flags) -> tuple[Split, float]:
    split = split_of(rooms, opened, np.full(len(rooms.load), _LOST))
    return split, begin_split(split.told, split.flow, split.ways, split.past)


def shared_total(rooms: Rooms, opened: Flags) -> float:
    """Return the least total if rows may be shared, by a linear programme."""
    ways, n = rooms.question.ways, len(rooms.load)
    row = row_of(ways)
    use = np.flatnonzero(opened[ways.site] & (rooms.load[row] <= rooms.room[ways.site]))
    size, every = len(use), np.arange(len(use) + n)
    once = sparse.csr_array((np.ones(size + n), (np.r_[row[use], np.arange(n)], every)), shape=(n, size + n))
    full = sparse.csr_array(
        (rooms.load[row[use]], (ways.site[use], np.arange(size))), shape=(len(rooms.room), size + n)
    )
    cost = np.r_[rooms.paid[use], np.full(n, _LOST)]
    return float(linprog(cost, A_ub=full, b_ub=rooms.room, A_eq=once, b_eq=np.ones(n), method="highs").fun)


def test_filling_from_nothing_costs_as_much_as_the_linear_programme() -> None:
    for seed in range(150):
        rooms, opened, _ = made(seed)
        split, total = begun(rooms, opened)
        assert total == pytest.approx(shared_total(rooms, opened), abs=1e-6), seed
        share, site = split.flow[0], split.told[1]
        assert np.bincount(split.told[3], share, len(rooms.load)) == pytest.approx(rooms.load), seed
        assert (np.bincount(site, share, len(rooms.room) + 1)[:-1] <= rooms.room * opened + 1e-6).all(), seed


def test_each_exchange_costs_as_much_as_the_linear_programme_and_the_best_of_some_is_made() -> None:
    for seed in range(60):
        rooms, opened, rng = made(seed)
        split, _ = begun(rooms, opened)
        for _ in range(4):
            site, shut = split.site, np.flatnonzero(split.flow[4][: len(opened)] < 0)
            pairs = np.stack([rng.integers(0, len(site), 4), rng.choice(shut, 4)], axis=1)
            totals = []
            for column, new in pairs.tolist():
                other = np.zeros(len(opened), dtype=bool)
                other[site] = True
                other[[site[column], new]] = False, True
                totals.append(shared_total(rooms, other))
            least = np.full(4, -np.inf)
            told = (split.told, split.flow, split.ways, split.past)
            before = split.total
            assert best_exchange(*told, pairs, least, min(totals) - 1e-3) == -1, seed
            assert split.total == before
            pick = best_exchange(*told, pairs, least, 1e9)
            assert split.total == pytest.approx(min(totals), abs=1e-6), seed
            assert totals[pick] == pytest.approx(min(totals), abs=1e-6), seed
            assert set(split.site) == (set(site) - {site[pairs[pick, 0]]}) | {pairs[pick, 1]}


def test_prices_never_tell_more_of_shutting_a_site_than_the_linear_programme_does() -> None:
    for seed in range(100):
        rooms, opened, _ = made(seed)
        split, total = begun(rooms, opened)
        width, n = len(split.site) + 1, len(rooms.load)
        closing, extra, own = np.zeros(width), np.zeros((len(opened) + 1, width)), np.zeros(n)
        weigh_columns(split.told, split.flow, split.ways, closing, extra, own)
        assert own.sum() - split.prices @ rooms.room[split.site] == pytest.approx(total, abs=1e-6), seed
        for column, site in enumerate(split.site.tolist()):
            other = opened.copy()
            other[site] = False
            assert total + closing[column] <= shared_total(rooms, other) + 1e-6, seed


@pytest.mark.parametrize("seed", range(4))
def test_trades_lead_to_a_choice_that_keeps_the_room_and_is_never_below_the_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, room = rng.integers(0, 40, (14, 6)).astype(float), rng.integers(4, 9, 6).astype(float)
    room[0] = 8.0
    rooms = list_rooms(capacitated_median(cost, np.ones(14), room, 3))
    start = np.arange(6) < 3
    found = trade_rooms(rooms, start, np.arange(6) == 0, deadline=Deadline(0.5), seed=0)
    totals = []
    for three in combinations(range(6), 3):
        flags = np.isin(np.arange(6), three)
        totals.append(shared_total(rooms, flags) if flags[0] else np.inf)
    assert found.opened[0]
    assert found.opened.sum() == 3
    assert (np.bincount(found.served[found.served >= 0], minlength=6) <= room * found.opened).all()
    assert found.value == pytest.approx(min(totals))


def test_trades_without_time_give_the_first_filling() -> None:
    rooms = list_rooms(points(3, 40, 5))
    start = np.arange(40) < 5
    one = trade_rooms(rooms, start, np.zeros(40, dtype=bool), deadline=Deadline(0.0), seed=0)
    assert np.array_equal(one.opened, start)
    assert (np.bincount(one.served[one.served >= 0], rooms.load[one.served >= 0], 40) <= rooms.room).all()


def test_trades_end_long_before_their_time_where_entries_have_no_room_for_all() -> None:
    cost, asked = np.random.default_rng(0).integers(0, 40, (14, 6)).astype(float), 0
    rooms = list_rooms(capacitated_median(cost, np.ones(14), np.full(6, 3.0), 3))

    def clock() -> float:
        """Count how often it is asked."""
        nonlocal asked
        asked += 1
        return float(asked)

    found = trade_rooms(rooms, np.arange(6) < 3, np.zeros(6, dtype=bool), deadline=Deadline(1e6, clock=clock), seed=0)
    assert found.value == np.inf
    assert asked < 1000


def test_many_sites_are_traded_as_if_rows_were_shared_and_filled_at_the_end() -> None:
    for seed in range(4):
        rooms, opened, _ = made(seed + 500)
        still = np.zeros(len(opened), dtype=bool)
        found = trade_many(rooms, opened, still, deadline=Deadline(0.02), seed=seed)
        assert found.opened.sum() == opened.sum(), seed
        served = found.served >= 0
        filled = np.bincount(found.served[served], rooms.load[served], len(opened))
        assert (filled <= rooms.room * found.opened + 1e-6).all(), seed
        assert value_of_choice(rooms, found.opened, found.served) == pytest.approx(found.value), seed
        assert trade_many(rooms, opened, ~still, deadline=Deadline(0.0), seed=seed).opened.tolist() == opened.tolist()
