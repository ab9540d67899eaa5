"""How long does a city of 5,000 blocks take? Communities are proposed, then grids are divided in each."""

import time

import numpy as np

from spatial.division.communities import propose_communities
from spatial.division.divide import divide
from spatial.io.profiles import read_profile
from tests.bench.instances import city


def main() -> None:
    """Print both times and what came out."""
    profile = read_profile("about_500")
    blocks, pairs = city(50, 100, 350_000, np.random.default_rng(1))
    began = time.process_time()
    proposed = propose_communities(blocks, pairs, profile, rng=np.random.default_rng(1))
    seconds = time.process_time() - began
    sums = blocks.set_index("block_id")["households"].groupby(proposed).sum()
    rules = profile.community
    share = sums.between(rules.floor_households, rules.ceiling_households).mean()
    print(f"city: {len(blocks)} blocks, {len(sums)} communities proposed, {share:.1%} in the band, {seconds:.1f} CPU s")
    blocks = blocks.assign(community_id=blocks["block_id"].map(proposed))
    began = time.process_time()
    division = divide(blocks, pairs, profile, rng=np.random.default_rng(1))
    seconds = time.process_time() - began
    terms = division.objective
    print(
        f"city: {terms['grids']:.0f} grids, {terms['in_band_share']:.1%} in the band, {terms['clear_share']:.1%} of "
        f"the border clear, {seconds:.1f} CPU s"
    )


if __name__ == "__main__":
    main()
