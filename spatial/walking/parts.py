"""Which places are connected, by whatever way?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner, kernel

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def number_components(a: Any, b: Any, used: Flags, places: int) -> Ints:
    """Return the number of the connected part of each place, by its first place; only the links in use connect."""
    found: Ints = _number(a, b, used, places)
    return found


@kernel
def _number(a, b, used, places):  # type: ignore[no-untyped-def]
    above = np.arange(places)
    for link in range(len(a)):
        if used[link]:
            join(above, np.int64(a[link]), np.int64(b[link]))
    return number_places(above)


@inner
def join(above, one, other):  # type: ignore[no-untyped-def]
    """Join the parts of two places; ``above`` leads from every place to the first of its part."""
    one, other = _top(above, one), _top(above, other)
    above[max(one, other)] = min(one, other)


@inner
def number_places(above):  # type: ignore[no-untyped-def]
    """Return the number of the part of each place, by its first place."""
    number = np.empty(len(above), np.int64)
    count = np.int64(0)
    for place in range(len(above)):
        if above[place] == place:
            number[place] = count
            count += 1
        else:  # what is above a place comes before it, so it has its number
            number[place] = number[above[place]]
    return number


@inner
def _top(above, place):  # type: ignore[no-untyped-def]
    """Return the first place of a part; the way to it is halved for who comes next (Tarjan & van Leeuwen 1984)."""
    while above[place] != place:
        above[place] = above[above[place]]
        place = above[place]
    return place
