"""What is known about one set cover question so far?"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import Cuts
from spatial.siting.cover.prices import Prices
from spatial.siting.cover.table import CoverTable
from spatial.siting.ways import Flags, Ints

CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Part:
    """A question of its own: table, how often each row is needed, and the site each column stands for."""

    table: CoverTable
    need: Ints
    sites: Ints


@dataclass(frozen=True, slots=True)
class State:
    """Best columns met, the proven bound on their number, cuts and hulls, prices, and columns ruled out."""

    chosen: Ints
    bound: float
    cuts: Cuts
    hulls: sparse.csr_array
    """Inequalities over the columns, one a row: at least 1."""
    prices: Prices | None
    never: Flags

    @property
    def least(self) -> int:
        """The fewest columns that the bound allows."""
        return int(np.ceil(self.bound - CLOSE))

    @property
    def done(self) -> bool:
        """Whether no cover can be smaller than the best."""
        return self.least >= len(self.chosen)


def better_state(state: State, chosen: Ints) -> State:
    """Return the state with a set of columns, if it is smaller than the best."""
    return replace(state, chosen=chosen) if len(chosen) < len(state.chosen) else state
