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
