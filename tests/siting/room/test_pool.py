"""Lists of all sets of rows that are good enough, and sites worth most: against every set."""

from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room.fill import fill_sites
from spatial.siting.room.pool import ByRow, Pool, keep_open, keep_within, list_pool, price_pool
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
    pool = list_pool(rooms, prices, alive, fines, limit, max(len(inside), 1))
    assert pool is not None
    assert sorted(names_of(pool)) == sorted(inside)
    for k, (s, rows) in enumerate(names_of(pool)):
        mine = (rooms.site == s) & np.isin(rooms.row, rows)
        assert pool.cost[k] == rooms.cost[mine].sum()
    assert len(inside) < 2 or list_pool(rooms, prices, alive, fines, limit, len(inside) - 1) is None

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
