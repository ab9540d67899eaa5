"""Communities are made of whole superblocks, in one piece, on one side of river and railway."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.sample.communities import group_cells
from spatial.sample.lattice import Cell, list_cells, make_lattice


def square(side: int) -> list[Cell]:
    return [Cell(i, j, 2 * (j >= side // 2) + (i >= side // 2)) for i in range(side) for j in range(side)]


def in_one_piece(places: set[tuple[int, int]]) -> bool:
    seen, todo = set(), [next(iter(places))]
    while todo:
        a, b = todo.pop()
        if (a, b) in places and (a, b) not in seen:
            seen.add((a, b))
            todo += [(a + 1, b), (a - 1, b), (a, b + 1), (a, b - 1)]
    return seen == places


def test_four_equal_quarters_are_four_communities() -> None:
    cells = square(2)
    assert sorted(group_cells(cells, np.full(4, 500), 4).tolist()) == [0, 1, 2, 3]


def test_a_quarter_with_most_households_gets_the_communities() -> None:
    cells = square(4)
    households = np.array([2000 if c.quarter == 3 else 100 for c in cells])
    number = group_cells(cells, households, 7)
    assert len({int(n) for n, c in zip(number, cells, strict=True) if c.quarter == 3}) == 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(4, 40))
def test_every_community_is_in_one_piece_within_a_quarter(seed: int, communities: int) -> None:
    rng = np.random.default_rng(seed)
    cells = list_cells(make_lattice(rng=rng, communities=communities))
    number = group_cells(cells, rng.integers(0, 2500, len(cells)), communities)
    assert sorted(set(number.tolist())) == list(range(communities))
    for k in range(communities):
        mine = [c for c, n in zip(cells, number.tolist(), strict=True) if n == k]
        assert len({c.quarter for c in mine}) == 1
        assert in_one_piece({(c.column, c.row) for c in mine})
