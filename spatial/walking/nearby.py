"""Which homes may lie within a walk at all? Nobody walks faster than the fastest street, nor shorter than straight."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.walking.network import WalkNetwork
from spatial.walking.search import Mode

_SLACK_M = 1.0
"""Rounding of metres over a whole walk."""


def fastest_m_per_s(network: WalkNetwork) -> float:
    """Return the speed that no walk on the network exceeds: that of its fastest edge, or of walks to it."""
    seconds = np.minimum(network.seconds_uv, network.seconds_vu)
    walked = np.isfinite(seconds) & (seconds > 0)
    speed = network.length_m[walked] / seconds[walked]
    return max(network.m_per_s, float(speed.max(initial=0.0)))


def find_nearby(
    network: WalkNetwork, homes: Any, sites: Any, *, limit: float, mode: Mode = "time"
) -> NDArray[np.int64]:
    """Return the rows of homes from which some site may be within the limit, rising; those left out are not.

    ``homes`` is a tree (``shapely.STRtree``) of their points. Where an edge that has a length takes no time, all of
    them are returned.
    """
    if mode == "time":
        seconds = np.minimum(network.seconds_uv, network.seconds_vu)
        if ((seconds <= 0) & (network.length_m > 0)).any():
            return np.arange(len(homes.geometries))
    reach = limit * (fastest_m_per_s(network) if mode == "time" else 1.0) + _SLACK_M
    if not np.isfinite(reach):
        return np.arange(len(homes.geometries))
    margin = np.array([-reach, -reach, reach, reach])
    areas = shapely.box(*(shapely.bounds(sites.geometry.to_numpy()) + margin).T)
    return np.unique(homes.query(areas)[1])
