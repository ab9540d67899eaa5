"""Which blocks are united so that nobody is told of fewer than k homes, whatever is added up or subtracted?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

Place = tuple[str, str]
"""Community and grid of a block."""


@dataclass(frozen=True, slots=True)
class Units:
    """Blocks in units of at least k homes; ``unit_of`` knows every block with a home, ``sizes`` those of the units.

    A unit that is too small, because the whole plan is, has no size: nothing is whole that holds a part of it.
    """

    unit_of: Mapping[str, int]
    sizes: Mapping[int, int]

    def are_whole(self, blocks: Iterable[str]) -> bool:
        """Tell whether blocks are made of whole units, beside those where nobody lives."""
        held: dict[int, int] = {}
        for block in blocks:
            unit = self.unit_of.get(block)
            if unit is not None:
                held[unit] = held.get(unit, 0) + 1
        return all(self.sizes.get(unit) == n for unit, n in held.items())


def unite_small(homes: Mapping[str, float], place_of: Mapping[str, Place], *, least: int) -> Units:
    """Return units of blocks, each within a grid where it has homes enough, else within a community, else in the plan.

    Small ones are united with each other first, by id; what is left over goes to a unit that was just made, else to the
    smallest block of the smallest grid of the smallest community.
    """
    nowhere = ("", "")
    place = {block: place_of.get(block, nowhere) for block in homes}
    within: dict[str | Place, float] = {}
    for block, n in homes.items():
        for scope in (place[block][0], place[block]):
            within[scope] = within.get(scope, 0.0) + n

    def rank(unit: Sequence[str]) -> tuple[float, float, float, str]:
        at = place[unit[0]]
        return within[at[0]], within[at], sum(homes[block] for block in unit), unit[0]

    units = [[block] for block in sorted(homes) if homes[block] > 0]
    for depth in (2, 1, 0):
        units.sort(key=lambda unit: (place[unit[0]][:depth], unit[0]))
        groups = [list(group) for _, group in groupby(units, key=lambda unit: place[unit[0]][:depth])]
        units = [unit for group in groups for unit in _unite(group, homes, least, rank)]
    unit_of = {block: number for number, unit in enumerate(units) for block in unit}
    full = {number: len(unit) for number, unit in enumerate(units) if sum(homes[one] for one in unit) >= least}
    return Units(unit_of, full)


def _unite(
    group: Sequence[list[str]],
    homes: Mapping[str, float],
    least: int,
    rank: Callable[[Sequence[str]], tuple[float, float, float, str]],
) -> list[list[str]]:
    """Return the units of a grid, a community or the plan with small ones united; one may be left that is small."""
    large, small = list[list[str]](), list[list[str]]()
    for unit in group:
        (large if sum(homes[block] for block in unit) >= least else small).append(unit)
    made, left = list[list[str]](), list[str]()
    for unit in small:
        left = [*left, *unit]
        if sum(homes[block] for block in left) >= least:
            made, left = [*made, left], []
    if left and made:
        made[-1] = [*made[-1], *left]
    elif left and large:
        at = min(range(len(large)), key=lambda row: rank(large[row]))
        large[at] = [*large[at], *left]
    elif left:
        made = [left]
    return [*large, *made]
