"""Are there sites that keep all conditions and serve everybody within a radius? Branching on sites.

A site is opened or shut; which one is told by glances at both sides, as long as little is known of it (Achterberg,
Koch and Martin, "Branching rules revisited", 2005). The branches in which nothing was found and those that are left
divide all choices of sites, and are where the search at another radius begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial.siting.center.near import Near
from spatial.siting.center.price import FULL, Programme, keeps
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_CLEAR = 1e-6
_GLANCES, _STEPS, _KNOWN = 4.0, 40, 4
"""Sites glanced at before one is chosen, steps of the solver in a glance, and glances after which a site is known."""
_KNOWN_COUNTS = 0.25
_LEAST_GAIN = 1e-7

Branch = tuple[tuple[int, bool], ...]
"""Sites that are open (True) or shut in a part of all choices."""
WHOLE: tuple[Branch, ...] = ((),)


@dataclass(frozen=True, slots=True)
class Told:
    """Open sites (None if none were found), the branches in which there are none, and those that are open yet."""

    chosen: Ints | None
    closed: tuple[Branch, ...]
    left: tuple[Branch, ...]

    @property
    def none(self) -> bool:
        """Whether there are provably no sites."""
        return self.chosen is None and not self.left


class _Tree:
    """What the search in one radius has learnt."""

    def __init__(self, near: Near, deadline: Deadline) -> None:
        self.near, self.programme = near, Programme(near, deadline)
        self.place = {int(site): column for column, site in enumerate(near.sites)}
        self.gain, self.seen = np.zeros((2, len(near.sites))), np.zeros((2, len(near.sites)))
        self.closed: list[Branch] = []
        self.left: list[Branch] = []
        self.chosen: Flags | None = None

    def visit(self, branch: Branch) -> bool:
        """Answer a branch, or leave it as two smaller ones; tell whether there was time for it, else leave it whole."""
        ends = self._ends(branch)
        if ends is None:
            self.closed.append(branch)
            return True
        low, high = ends
        programme = self.programme
        while True:
            bound = programme.solve() if programme.bind(low, high) else np.inf
            if bound is None:
                self.left.append(branch)
                return False
            if bound > FULL:
                self.closed.append(branch)
                return True
            free = low < high
            high[free & (programme.adds > FULL - bound)] = 0.0
            low[free & (programme.adds < bound - FULL)] = 1.0
            site, sure = self._choose(bound, low, high)
            if site < 0:
                (self.closed if self.chosen is None else self.left).append(branch)
                return True
            name = int(self.near.sites[site])
            if sure is None:
                self.left += [(*branch, (name, False)), (*branch, (name, True))]
                return True
            self.closed.append((*branch, (name, not sure)))
            branch = (*branch, (name, sure))
            low[site] = high[site] = float(sure)

    def _ends(self, branch: Branch) -> tuple[Floats, Floats] | None:
        """Return the bounds of the columns in a branch; None where it opens a site that need not be."""
        low, high = np.zeros(len(self.near.sites)), np.ones(len(self.near.sites))
        for site, opens in branch:
            column = self.place.get(site)
            if column is not None:
                low[column] = high[column] = float(opens)
            elif opens:
                return None
        return low, high

    def _choose(self, bound: float, low: Floats, high: Floats) -> tuple[int, bool | None]:
        """Return a site to branch on, and which side is left if one is closed already; -1 where all is known."""
        share = self.programme.share
        torn = np.flatnonzero((share > _CLEAR) & (share < 1.0 - _CLEAR))
        if not len(torn):
            if keeps(self.near, share > 0.5):
                self.chosen = share > 0.5
                return -1, None
            torn = np.flatnonzero(low < high)
            if not len(torn):
                # One choice is left, which may go beyond a pack by so little that no bound tells.
                self.chosen = low > 0.5 if keeps(self.near, low > 0.5) else None
                return -1, None
        share = np.clip(share, _CLEAR, 1.0 - _CLEAR)
        return self._glanced(bound, share, torn)

    def _glanced(self, bound: float, share: Floats, torn: Ints) -> tuple[int, bool | None]:
        """Return the site of the torn ones whose two sides gain most together, and a side if the other is closed."""
        way = np.stack((share, 1.0 - share))
        rate = self._rates()
        order = torn[np.argsort(-np.prod(rate[:, torn] * way[:, torn], axis=0), kind="stable")]
        best, most, looked, basis = int(order[0]), -1.0, 0.0, None
        for site in order.tolist():
            if looked >= _GLANCES:
                break
            gains = rate[:, site] * way[:, site]
            looked += _KNOWN_COUNTS
            if self.seen[:, site].min() < _KNOWN:
                looked += 1.0 - _KNOWN_COUNTS
                basis = self.programme.highs.getBasis() if basis is None else basis
                for side in (0, 1):
                    found, none = self.programme.glance(site, float(side), _STEPS)
                    self.programme.highs.setBasis(basis)
                    if none:
                        return site, not side
                    gains[side] = max(found - bound, 0.0)
                    self.gain[side, site] += gains[side] / way[side, site]
                    self.seen[side, site] += 1
            both = float(np.prod(np.clip(gains, _LEAST_GAIN, FULL - bound)))
            if both > most:
                best, most = site, both
        return best, None

    def _rates(self) -> Floats:
        """Return what shutting and opening each site gains, by how far it goes; where nothing is known as others do."""
        usual = np.maximum(self.gain.sum(axis=1), _CLEAR) / np.maximum(self.seen.sum(axis=1), 1.0)
        return np.where(self.seen > 0, self.gain / np.maximum(self.seen, 1.0), usual[:, None]) + _LEAST_GAIN


def find_within(near: Near, branches: Sequence[Branch], *, deadline: Deadline, visits: int | None = None) -> Told:
    """Return sites that serve everybody, or that there are none in the branches, as far as time and visits allow."""
    tree = _Tree(near, deadline)
    tree.left = list(branches)[::-1]
    done = 0
    while tree.left and tree.chosen is None and (visits is None or done < visits):
        done += 1
        if not tree.visit(tree.left.pop()):
            break
    chosen = None if tree.chosen is None else near.sites[tree.chosen]
    return Told(chosen, tuple(tree.closed), tuple(tree.left[::-1]))


def is_refuted(near: Near, *, deadline: Deadline) -> bool:
    """Tell whether sites that open in part already show that there are none."""
    programme = Programme(near, deadline)
    bound = programme.solve() if programme.bind(programme.low, programme.high) else np.inf
    return bound is not None and bound > FULL
