"""Sites that are worth their fees: what ends where nothing is to be gained."""

import numpy as np

from spatial.siting.median.core import Core
from spatial.siting.median.fees import pay_fees
from spatial.siting.median.swap import by_column


def test_a_row_without_weight_whose_sites_are_free_ends_the_search_at_nothing() -> None:
    core = Core(
        np.array([0, 2]), np.array([0, 1], np.int32), np.zeros(2), np.ones(1), np.zeros(1), np.arange(2), np.arange(1),
        0.0, -1, False, np.zeros(2),
    )  # fmt: skip
    assert pay_fees(core, by_column(core), np.array([True, False]), kicks=1, seed=0)[1] == 0.0


def test_weights_far_apart_over_free_sites_end_the_search() -> None:
    """Sums that are kept up are off by the rounding of the heaviest row, which is more than the lightest rows weigh."""
    weight = np.array([1.5e-2, 2.1e9, 1.2e10, 2.1e9, 1.5e-3, 6e-9, 18.0, 2.8e-3, 2.1e5, 28.0, 1.7e7, 1.6e6])
    lists = ("012458 012367 014568 01348 018 234578 45678 0467 01356 34678 23578 0134568").split()
    ptr = np.cumsum([0, *map(len, lists)])
    site = np.array([int(j) for j in "".join(lists)], np.int32)
    core = Core(
        ptr, site, np.zeros(len(site)), np.ones(12), weight, np.arange(9), np.arange(12), 0.0, -1, False, np.zeros(9)
    )
    assert pay_fees(core, by_column(core), np.zeros(9, bool), kicks=50, seed=1)[1] <= 1e-12 * weight.sum()
