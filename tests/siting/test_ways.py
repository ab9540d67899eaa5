"""The sparse table of costs, and the plain sums every engine is held to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import InputError, SpatialError
from spatial.siting.ways import (
    Deadline,
    Found,
    build_ways,
    by_site,
    center_value,
    closes,
    confirm,
    cover_value,
    is_whole,
    median_value,
    serving,
    within,
)

# Three places, three sites: place 0 reaches all, place 1 two of them at the same cost, place 2 none.
SMALL = build_ways(np.array([1, 0, 0, 1, 0]), np.array([2, 1, 0, 1, 2]), np.array([4.0, 2.0, 7.0, 4.0, 5.0]), 3, 3)


def flags(*opened: int, sites: int = 3) -> np.ndarray:
    return np.isin(np.arange(sites), opened)


def test_rows_list_their_sites_from_the_cheapest_on_with_ties_by_site() -> None:
    assert SMALL.ptr.tolist() == [0, 3, 5, 5]
    assert SMALL.site.tolist() == [1, 2, 0, 1, 2]
    assert SMALL.cost.tolist() == [2.0, 5.0, 7.0, 4.0, 4.0]


def test_a_limit_cuts_entries_and_leaves_rows_and_columns() -> None:
    cut = within(SMALL, 4.0)
    assert cut.ptr.tolist() == [0, 1, 3, 3]
    assert cut.sites == 3
    by_row = within(SMALL, np.array([5.0, 0.0, 9.0]))
    assert by_row.site.tolist() == [1, 2]


def test_by_site_lists_the_same_entries_by_column() -> None:
    ptr, row, cost = by_site(SMALL)
    assert ptr.tolist() == [0, 1, 3, 5]
    assert row.tolist() == [0, 0, 1, 0, 1]
    assert cost.tolist() == [7.0, 2.0, 4.0, 5.0, 4.0]


def test_each_place_is_served_by_its_cheapest_open_site() -> None:
    site, cost = serving(SMALL, flags(0, 2))
    assert site.tolist() == [2, 2, -1]
    assert cost.tolist() == [5.0, 4.0, np.inf]


def test_the_values_are_the_sums_worked_by_hand() -> None:
    weight = np.array([10, 1, 3])
    assert median_value(SMALL, weight, flags(0, 2), 100.0) == 10 * 5 + 1 * 4 + 3 * 100
    assert median_value(SMALL, weight, flags(0), np.array([6.0, 8.0, 1.0])) == 10 * 6 + 1 * 8 + 3 * 1
    assert median_value(SMALL, np.array([1, 1, 0]), flags(1), np.inf) == 6.0
    assert center_value(SMALL, flags(1)) == np.inf
    assert center_value(SMALL, flags(1), np.array([1, 1, 0])) == 4.0
    assert cover_value(SMALL, weight, flags(0)) == 10.0


@pytest.mark.parametrize(
    ("rows", "sites", "costs", "words"),
    [
        ([0, 0], [1, 1], [1.0, 2.0], "demand 0 and site 1 stand together twice"),
        ([0, 3], [1, 1], [1.0, 2.0], "demand 3 of entry 1"),
        ([0], [-1], [1.0], "site -1 of entry 0"),
        ([0], [1], [-1.0], "cost -1.0"),
        ([0], [1], [np.nan], "cost nan"),
        ([0], [1], [np.inf], "cost inf"),
        ([0, 1], [1], [2.0], "2 rows, 1 sites and 1 costs"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_its_entry(rows, sites, costs, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        build_ways(np.array(rows), np.array(sites), np.array(costs), 3, 3)


def test_a_claimed_value_that_is_not_the_sum_is_an_error() -> None:
    found = Found(flags(0), 10.0, 10.0, True, 0.0)
    assert confirm(found, 10.0) is found
    with pytest.raises(SpatialError, match="this is a bug"):
        confirm(found, 11.0)


def test_a_bound_meets_a_value_exactly_or_within_a_billionth() -> None:
    assert closes(5.0, 5.0, whole=True)
    assert not closes(5.0, 5.0 - 1e-12, whole=True)
    assert closes(5.0, 5.0 - 1e-12, whole=False)
    assert not closes(5.0, 4.999, whole=False)
    assert closes(np.inf, np.inf, whole=True)


def test_whole_numbers_are_told_from_others_and_from_too_large_ones() -> None:
    assert is_whole(np.array([1.0, np.inf, 3.0]), np.array([2, 3]))
    assert not is_whole(np.array([1.5]))
    assert not is_whole(np.array([2.0**52]))


def test_a_deadline_counts_down_on_the_clock_it_is_given() -> None:
    ticks = iter([10.0, 12.0, 99.0])
    deadline = Deadline(5.0, lambda: next(ticks))
    assert deadline.left() == 3.0
    assert deadline.left() == 0.0


def test_a_deadline_made_after_its_clock_was_stopped_for_good_is_over() -> None:
    assert Deadline(5.0, lambda: np.inf).left() == 0.0


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 4)), st.integers(0, 4).map(float), min_size=1, max_size=30
    ),
    st.randoms(use_true_random=False),
    st.sets(st.integers(0, 4)),
)
def test_the_table_does_not_depend_on_the_order_of_its_entries(pairs, rnd, opened) -> None:  # type: ignore[no-untyped-def]
    def table(items):  # type: ignore[no-untyped-def]
        rows, sites = np.array([key for key, _ in items]).T
        return build_ways(rows, sites, np.array([cost for _, cost in items]), 6, 5)

    items = list(pairs.items())
    one = table(items)
    rnd.shuffle(items)
    two = table(items)
    assert one.site.tobytes() == two.site.tobytes()
    assert one.cost.tobytes() == two.cost.tobytes()
    want = [min((cost for (i, j), cost in items if i == row and j in opened), default=np.inf) for row in range(6)]
    assert serving(one, flags(*opened, sites=5))[1].tolist() == want
