"""Which few sites of an area are cheap together with what its rows lack? Steepest descent by one site, then by two."""

import numpy as np

from spatial.walking.compiled import inner

_HAIR = 1e-9


@inner
def descend(ptr, site, weight, need, ask, low, high, opened):  # type: ignore[no-untyped-def]
    """Change flags of sites in place until no other two do better; return what they ask and the rows lack.

    Rows, weights, needs and prices are those of ``area_branch.py``.
    """
    met, gain = np.zeros(len(weight), np.int64), np.empty(len(ask))
    cost = 0.0
    for j in range(len(ask)):
        if opened[j]:
            cost += ask[j]
    for i in range(len(weight)):
        for k in range(ptr[i], ptr[i + 1]):
            met[i] += opened[site[k]]
        if met[i] < need[i]:
            cost += weight[i]
    begun = True
    while begun:
        begun = False
        pick = _weigh(ptr, site, weight, need, ask, low, high, opened, met, gain)
        if pick >= 0 and gain[pick] < -_HAIR:
            cost += gain[pick]
            _flip(pick, ptr, site, opened, met)
            begun = True
            continue
        for j in range(len(ask)):
            if high[j] - low[j] < 0.5:
                continue
            _weigh(ptr, site, weight, need, ask, low, high, opened, met, gain)
            alone = gain[j]
            _flip(j, ptr, site, opened, met)
            pick = _weigh(ptr, site, weight, need, ask, low, high, opened, met, gain)
            if alone + gain[pick] < -_HAIR:
                cost += alone + gain[pick]
                _flip(pick, ptr, site, opened, met)
                begun = True
                break
            _flip(j, ptr, site, opened, met)
    return cost


@inner
def _weigh(ptr, site, weight, need, ask, low, high, opened, met, gain):  # type: ignore[no-untyped-def]
    """Write what it costs to open or shut each site; return the site for which that is least, -1 if none is free."""
    for j in range(len(ask)):
        gain[j] = -ask[j] if opened[j] else ask[j]
    for i in range(len(weight)):
        if met[i] == need[i]:
            for k in range(ptr[i], ptr[i + 1]):
                if opened[site[k]]:
                    gain[site[k]] += weight[i]
        elif met[i] == need[i] - 1:
            for k in range(ptr[i], ptr[i + 1]):
                if not opened[site[k]]:
                    gain[site[k]] -= weight[i]
    pick = np.int64(-1)
    for j in range(len(ask)):
        if high[j] - low[j] > 0.5 and (pick < 0 or gain[j] < gain[pick]):
            pick = np.int64(j)
    return pick


@inner
def _flip(j, ptr, site, opened, met):  # type: ignore[no-untyped-def]
    """Open a site that is shut, or shut one that is open."""
    by = -1 if opened[j] else 1
    opened[j] = not opened[j]
    for i in range(len(met)):
        for k in range(ptr[i], ptr[i + 1]):
            if site[k] == j:
                met[i] += by
