"""What is a split on a place expected to gain, by what splits on it have gained?

Foreseen for each end by what it gained for each unit of a share that was taken away (Achterberg, Koch and Martin,
"Branching rules revisited", 2005).
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.ways import Flags, Floats, Ints

_EXPECTED, _PRIOR = 0.5, 0.02
"""How many splits the gain expected of any place counts as, and that gain before there are any, as a share of what the
bound may rise."""
_LEAST_GAIN = 1e-3
_TOGETHER = 1.5
"""How much more a split on a ball is taken for: those below it gain by it, too."""
_KNOWN = 1.0
"""Shares taken away at each end from which on what a place gains is known."""


@dataclass(frozen=True, slots=True)
class Gains:
    """By end and place what was gained and taken away so far, the number of sites, and what the bound may rise."""

    gained: Floats
    moved: Floats
    sites: int
    room: float

    @property
    def least(self) -> float:
        """What any split is taken to gain at least."""
        return _LEAST_GAIN * self.room

    def note(self, place: int, side: int, away: float, gained: float) -> None:
        """Note what a split has gained."""
        self.gained[side, place] += gained
        self.moved[side, place] += away

    def expected(self, places: Ints, share: Floats) -> Floats:
        """Return what splits on places are expected to gain, the ends multiplied; ``share`` is how far each is open."""
        product = np.where(places < self.sites, 1.0, _TOGETHER)
        kinds = slice(0, self.sites), slice(self.sites, None)
        for gained, moved, away in zip(self.gained, self.moved, (share, 1.0 - share), strict=True):
            one, many = (float(gained[kind].sum()) for kind in kinds)
            away_one, away_many = (float(moved[kind].sum()) for kind in kinds)
            one = one / away_one if away_one > 0.0 else _PRIOR * self.room
            # The first trials of balls may gain nothing at all, and balls would be left for good.
            many = (many + _PRIOR * self.room) / (away_many + 1.0)
            usual = np.where(places < self.sites, one, many)
            gains = (gained[places] + _EXPECTED * usual) / (moved[places] + _EXPECTED)
            product *= np.maximum(gains * away, self.least)
        return product

    def known(self, places: Ints) -> Flags:
        """Flag the places on which enough was split to know what it gains."""
        flags: Flags = self.moved[:, places].min(axis=0) >= _KNOWN
        return flags


def start_gains(sites: int, places: int, room: float) -> Gains:
    """Return gains of so many places before there are any."""
    return Gains(np.zeros((2, places)), np.zeros((2, places)), sites, room)
