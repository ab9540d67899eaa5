"""Plan: one answer, frozen: profile, blocks, demand, assignment, circles, sites and how they came about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spatial.profile import Profile


@dataclass(frozen=True, slots=True)
class Plan:
    """A divided, walked and sited district; frames keep the contracts of ``spatial.tables`` and are never changed.

    Attributes
    ----------
    plan_id, version:
        ``plan_id`` is a digest of inputs, profile and seed: equal inputs give equal ids. ``version`` counts edits.
    profile:
        The policy numbers that were applied.
    area:
        The adopted outline in metres; the blocks tile it exactly.
    communities, blocks, adjacency, demand:
        COMMUNITIES (clipped to the adopted outline), BLOCKS, ADJACENCY, DEMAND with a ``block_id`` column.
    assignment:
        Series ``block_id -> grid_id``, total on the blocks.
    grids, sites, circles:
        GRIDS, SITES and CIRCLES.
    barriers:
        BARRIERS that borders were held against.
    report:
        Stage name -> what was counted, dropped, guessed and measured there (JSON-ready).
    """

    plan_id: str
    version: int
    profile: Profile
    area: Any
    communities: Any
    blocks: Any
    adjacency: Any
    demand: Any
    assignment: Any
    grids: Any
    sites: Any
    circles: Any
    barriers: Any
    report: Mapping[str, Any]

    @property
    def crs(self) -> Any:
        """The projected system of all frames."""
        return self.blocks.crs
