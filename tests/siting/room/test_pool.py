"""Lists of all sets of rows that are good enough, and sites worth most: against every set."""

from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room.fill import fill_sites
from spatial.siting.room.pool import ByRow, Pool, keep_open, keep_within, list_pool, name_sets, price_pool
from spatial.siting.room.rooms import Rooms, list_rooms
from tests.siting.room.test_lift import by_row
from tests.siting.room.test_rooms import capacitated_median

ENOUGH = 100_000

Drawn = tuple[Rooms, np.ndarray, np.ndarray, ByRow, list[dict[tuple[int, ...], float]]]


def drawn_sets(seed: int) -> Drawn:
    """A few sites, prices, entries that may be, triples with fines, and what each set of each site adds to."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 8)), 4
    cost, load = rng.integers(0, 9, (n, m)).astype(float), rng.integers(1, 6, n).astype(float)
    rooms = list_rooms(capacitated_median(cost, load, rng.integers(1, 15, m).astype(float), 2))
    prices, alive = rng.integers(0, 12, n).astype(float), rooms.fits & (rng.random(len(rooms.row)) < 0.9)
    every = list(combinations(range(n), 3))
    triples = [every[k] for k in rng.permutation(len(every))[: int(rng.integers(0, 8))]]
    fine = rng.integers(1, 6, len(triples)).astype(float)
    sums: list[dict[tuple[int, ...], float]] = [{} for _ in range(m)]
    for s in range(m):
        may = np.sort(rooms.row[alive & (rooms.site == s)]).tolist()
        for size in range(1, len(may) + 1):
            for rows in combinations(may, size):
                if load[list(rows)].sum() <= rooms.room[s]:
                    fined = sum(f for one, f in zip(triples, fine, strict=True) if len(set(one) & set(rows)) >= 2)
                    sums[s][rows] = float(cost[list(rows), s].sum() - prices[list(rows)].sum() + fined)
    return rooms, prices, alive, (*by_row(triples, n), fine), sums


def names_of(pool: Pool) -> list[tuple[int, tuple[int, ...]]]:
    return [(int(pool.site[c]), tuple(sorted(pool.row[pool.ptr[c] : pool.ptr[c + 1]].tolist()))) for c in pool.inside]


@pytest.mark.parametrize("seed", range(60))
def test_a_pool_has_every_set_within_its_limit_once_and_prices_it(seed: int) -> None:
    rooms, prices, alive, fines, sums = drawn_sets(seed)
    limit = np.random.default_rng(seed).integers(-6, 6, len(rooms.room)).astype(float)
    limit[seed % 4] = -np.inf
    inside = [(s, rows) for s in range(4) for rows, value in sums[s].items() if value <= limit[s]]
    listed = list_pool(rooms, prices, alive, fines, limit, 100.0, max(len(inside), 1))
    assert listed is not None
    pool, below = listed
    assert below == 0.0
    assert sorted(names_of(pool)) == sorted(inside)
    for k, (s, rows) in enumerate(names_of(pool)):
        mine = (rooms.site == s) & np.isin(rooms.row, rows)
        assert pool.cost[k] == rooms.cost[mine].sum()

    least, best, value = price_pool(pool, rooms, prices, fines, 2)
    assert value.tolist() == [sums[s][rows] for s, rows in names_of(pool)]
    for s in range(4):
        mine = sorted([v for v, (t, _) in zip(value.tolist(), names_of(pool), strict=True) if t == s and v < 0.0])
        assert least[s] == min([0.0, *mine])
        assert [value[c] for c in best[s] if c >= 0] == mine[:2]

    fewer = alive & (np.random.default_rng(seed).random(len(alive)) < 0.7)
    may = set(zip(rooms.site[fewer].tolist(), rooms.row[fewer].tolist(), strict=True))
    left = keep_open(pool, rooms, fewer)
    assert sorted(names_of(left)) == sorted(one for one in inside if all((one[0], i) in may for i in one[1]))
    tight = limit - 2.0
    kept, flags = keep_within(left, rooms, prices, fines, tight)
    expected = [(s, rows) for s, rows in names_of(left) if sums[s][rows] <= tight[s]]
    assert names_of(kept) == expected
    flagged = set(zip(rooms.site[flags].tolist(), rooms.row[flags].tolist(), strict=True))
    assert flagged == {(s, i) for s, rows in expected for i in rows}


@pytest.mark.parametrize("seed", range(60))
def test_where_sets_are_too_many_all_those_are_listed_that_are_so_far_below_their_limits(seed: int) -> None:
    rooms, prices, alive, fines, sums = drawn_sets(seed)
    rng = np.random.default_rng(seed)
    limit, gap = rng.integers(-2, 12, len(rooms.room)) + rng.random(len(rooms.room)), 30.0
    inside = {(s, rows): limit[s] - value for s in range(4) for rows, value in sums[s].items() if value <= limit[s]}
    for most in (1, 3, 10, max(len(inside) // 2, 1)):
        listed = list_pool(rooms, prices, alive, fines, limit, gap, most)
        if listed is None:
            assert most < len(inside)
            continue
        pool, below = listed
        assert len(pool.inside) <= most
        assert (below == 0.0) == (len(inside) <= most)
        assert sorted(names_of(pool)) == sorted(one for one, less in inside.items() if less >= below - 1e-9)


def test_a_list_ends_where_it_takes_too_long_with_all_sets_so_far_below_their_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fewer = 0
    for seed in range(60):
        rooms, prices, alive, fines, sums = drawn_sets(seed)
        limit = np.full(4, 8.0)
        inside = {(s, rows): 8.0 - value for s in range(4) for rows, value in sums[s].items() if value <= 8.0}
        monkeypatch.setattr("spatial.siting.room.pool._VISITS_PER_SET", 2)
        listed = list_pool(rooms, prices, alive, fines, limit, 30.0, 20)
        if listed is not None:
            pool, below = listed
            fewer += bool(below > 0.0 and len(pool.inside))
            assert sorted(names_of(pool)) == sorted(one for one, less in inside.items() if less >= below - 1e-9)
    assert fewer > 10


def test_names_tell_sets_of_a_site_apart_whatever_the_order_of_their_rows() -> None:
    pool = Pool(
        np.array([0, 2, 4, 6, 7]), np.array([0, 2, 2, 0, 0, 2, 1]), np.array([1, 1, 0, 1]), np.zeros(4), np.arange(4)
    )
    rooms = list_rooms(capacitated_median(np.ones((3, 2)), np.ones(3), np.full(2, 3.0), 2))
    names = name_sets(pool, rooms)
    assert names[0] == names[1]
    assert len(set(names.tolist())) == 3


@pytest.mark.parametrize("seed", range(60))
def test_the_sites_that_are_worth_most_are_known_exactly_and_no_other_is_worth_more_than_told(seed: int) -> None:
    rooms, prices, alive, fines, sums = drawn_sets(seed)
    rng = np.random.default_rng(seed)
    m, n, most, fixed = 4, len(rooms.load), int(rng.integers(0, 4)), rng.random(4) < 0.3
    exact = np.array([min([0.0, *one.values()]) for one in sums])
    entry, held, worth = np.zeros((m, 2, n), np.int64), np.zeros((m, 2), np.int64), np.zeros(m)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, alive, *fines)
    fill_sites(*told, fixed, most, 1e-9, ENOUGH, entry, held, worth)
    assert (worth <= exact).all()
    assert worth[fixed] == pytest.approx(exact[fixed], abs=1e-8)
    assert np.sort(worth[~fixed])[:most] == pytest.approx(np.sort(exact[~fixed])[:most], abs=1e-8)
    for s, q in np.argwhere(held > 0).tolist():
        assert sums[s][tuple(sorted(rooms.row[entry[s, q, : held[s, q]]].tolist()))] < 0.0
