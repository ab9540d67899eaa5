"""Questions of fees for tests, small enough to try every set of sites."""

from collections.abc import Sequence

import numpy as np

from spatial.siting.median.core import Core
from spatial.siting.ways import Floats
from tests.bench.siting_instances import full_ways


def core_with_fees(
    cost: Floats | Sequence[Sequence[float]], weight: Sequence[float] | Floats, fee: Sequence[float] | Floats
) -> Core:
    """Return a core in which every row lists every site and pays at most 100."""
    ways = full_ways(np.array(cost, np.float64))
    n, m = len(weight), len(fee)
    return Core(ways.ptr, ways.site, ways.cost, np.full(n, 100.0), np.array(weight, np.float64), np.arange(m),
                np.arange(n), 0.0, -1, False, np.array(fee, np.float64))  # fmt: skip
