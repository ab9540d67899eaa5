"""How do the searches for covers draw at random and keep lists that shrink: one way for all their kernels?"""

import numpy as np

from spatial.walking.compiled import inner


@inner
def draw(seed, below):  # type: ignore[no-untyped-def]
    """Return a whole number below a limit (xorshift, Marsaglia 2003); ``seed`` is one uint64, not 0."""
    x = seed[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    seed[0] = x
    return np.int64((x >> np.uint64(32)) * np.uint64(below) >> np.uint64(32))


@inner
def turn(item, order, place, at):  # type: ignore[no-untyped-def]
    """Put an item of a list at a place, and what stood there where the item was."""
    other, was = order[at], place[item]
    order[was], place[other] = other, was
    order[at], place[item] = item, at
