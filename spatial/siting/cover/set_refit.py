"""How few sites does a cover need once its neighbourhoods are searched anew, one by one?"""

import numpy as np

from spatial.siting.cover.set_core import searched_sites
from spatial.siting.cover.state import Part, State
from spatial.siting.cover.windows import refit_window, sites_around
from spatial.siting.ways import Deadline, Ints

_SITES = 60
"""Open sites of a window: fewer leave too little to gain, more take longer than they gain."""
_STEPS = 20_000
_SEEDS = 1 << 30


def refit_windows(part: Part, state: State, cover: Ints, deadline: Deadline, *, times: int, seed: int) -> Ints:
    """Return a cover, never larger, whose windows were searched anew: each site stands in so many on average."""
    rng, among = np.random.default_rng(seed), searched_sites(state)
    for _ in range(times * -(-len(cover) // _SITES)):
        if deadline.left() <= 0.0 or len(cover) <= state.least:
            break
        opened = np.zeros(part.table.sites, np.bool_)
        opened[cover] = True
        inside = sites_around(part.table, opened, int(cover[rng.integers(len(cover))]), _SITES)
        cover = refit_window(
            part.table,
            part.need,
            cover,
            inside,
            among=among,
            deadline=deadline,
            steps=_STEPS,
            seed=int(rng.integers(_SEEDS)),
        )
    return cover
