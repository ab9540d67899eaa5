"""Communities are proposed where none are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spatial.division.communities import propose_communities
from spatial.errors import CancelledError
from spatial.io.profiles import read_profile
from tests.division.lattice import NO_BLOCK, assert_lawful, borders, rng, sizes, town

PROFILE = read_profile("about_500")


def test_a_town_of_7920_households_makes_four_communities_on_its_streets() -> None:
    blocks = town(np.full((12, 12), 55))
    streets = [(f"r5c{c}", f"r6c{c}") for c in range(12)] + [(f"r{r}c5", f"r{r}c6") for r in range(12)]
    adjacency = borders(blocks, clear=streets)
    proposed = propose_communities(blocks, adjacency, PROFILE, rng=rng())
    assert sizes(blocks, proposed) == {f"c0{i}": 1980 for i in range(1, 5)}
    assert_lawful(blocks.assign(community_id="c"), adjacency, proposed)
    cut = adjacency["focal"].map(proposed) != adjacency["neighbor"].map(proposed)
    assert (adjacency.loc[cut, "clarity"] == 1.0).all()


def test_what_the_blocks_are_called_before_does_not_matter_nor_does_their_order() -> None:
    blocks = town(rng(3).integers(0, 200, (10, 10)))
    adjacency = borders(blocks)
    one = propose_communities(blocks, adjacency, PROFILE, rng=rng())
    other = blocks.assign(community_id="elsewhere").sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(one, propose_communities(other, adjacency, PROFILE, rng=rng()))


def test_land_cut_off_with_few_households_joins_across_its_longest_border() -> None:
    blocks = town([[1800, 40, 0], [NO_BLOCK, 0, 1600]])
    barred = [("r0c0", "r0c1"), ("r0c1", "r0c2"), ("r0c1", "r1c1")]
    proposed = propose_communities(blocks, borders(blocks, barred=barred), PROFILE, rng=rng())
    assert proposed.nunique() == 2
    assert proposed["r0c2"] == proposed["r1c2"]


def test_land_that_touches_nothing_is_a_community_of_its_own() -> None:
    blocks = town([[1800, NO_BLOCK, 40]])
    assert propose_communities(blocks, borders(blocks), PROFILE, rng=rng()).to_dict() == {"r0c0": "c01", "r0c2": "c02"}


def test_where_grids_count_work_communities_still_count_households() -> None:
    blocks = town(np.full((12, 12), 55)).assign(work=110)
    rules = replace(PROFILE.division, size_column="work")
    proposed = propose_communities(blocks, borders(blocks), replace(PROFILE, division=rules), rng=rng())
    low, high = PROFILE.community.floor_households, PROFILE.community.ceiling_households
    assert all(low <= households <= high for households in sizes(blocks, proposed).values())


@pytest.mark.parametrize("stop", [CancelledError("stopped"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 5])
def test_a_proposal_can_be_stopped(stop: BaseException, after: int) -> None:
    told = list[float]()

    def halt(stage: str, share: float) -> None:
        told.append(share)
        if len(told) > after:
            raise stop

    blocks = town(np.full((12, 12), 55))
    with pytest.raises(type(stop)):
        propose_communities(blocks, borders(blocks), PROFILE, rng=rng(), on_progress=halt)
