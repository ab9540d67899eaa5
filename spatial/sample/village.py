"""How is an urban village laid out: small houses back to back along narrow alleys?"""

from typing import Any

import numpy as np

from spatial.sample.drawing import ACROSS, ALONG, Floats, Outline, Segment, Sketch, draw_houses
from spatial.sample.gates import trace_edge
from spatial.sample.parcels import EAST, NORTH, SOUTH, WEST, Parcel

_EDGE_M, _ALLEY_M, _PLOT_M, _BAY_PLOTS = 6.0, 3.6, 11.4, 6
_LEVELS, _LEVEL_SHARES = np.array([2, 3, 4, 5]), np.array([0.1, 0.4, 0.4, 0.1])
_LOST = 0.06
"""Share of plots that stand empty."""


def lay_village(parcel: Parcel, rng: np.random.Generator) -> Sketch:
    """Return houses of 2 to 5 levels in double rows, and the alleys between them, open to every street around."""
    rows = _count_rows(parcel)
    pitch = (parcel.size[1] - 2 * _EDGE_M + _ALLEY_M) / rows
    south, west = parcel.low[1] + _EDGE_M - _ALLEY_M / 2, parcel.low[0] + _EDGE_M - _ALLEY_M / 2
    alleys_v = np.linspace(south, south + pitch * rows, rows + 1)
    plots = int((parcel.size[0] - 2 * _EDGE_M) // _PLOT_M)
    bays = max(1, plots // _BAY_PLOTS)
    bay_m = (parcel.size[0] - 2 * _EDGE_M + _ALLEY_M) / bays
    alleys_u = np.linspace(west, west + bay_m * bays, bays + 1)
    return Sketch(
        segments=tuple(_draw_alleys(parcel, np.round(alleys_u, 2), np.round(alleys_v, 2))),
        outlines=(Outline(trace_edge(parcel), {"landuse": "residential"}),),
        houses=_place_houses(parcel, alleys_u, alleys_v, rng),
    )


def _count_rows(parcel: Parcel) -> int:
    return max(1, int((parcel.size[1] - 2 * _EDGE_M + _ALLEY_M) // 25.5))


def _draw_alleys(parcel: Parcel, us: Floats, vs: Floats) -> list[Segment]:
    """Return the alleys; the middle ones are the village streets, wide enough for cars, and reach those around."""
    return [
        *(_draw_alley(parcel, ACROSS, us, vs, k) for k in range(len(us))),
        *(_draw_alley(parcel, ALONG, vs, us, k) for k in range(len(vs))),
    ]


def _draw_alley(parcel: Parcel, axis: int, lines: Floats, others: Floats, k: int) -> Segment:
    main = k == len(lines) // 2
    low_side, high_side = (SOUTH, NORTH) if axis == ACROSS else (WEST, EAST)
    below, above = parcel.fronts[low_side], parcel.fronts[high_side]
    reaches = main or (k % 3 == 1 and 2 <= k <= len(lines) - 3)  # the outer ones end in a turn
    start = below.at if below and reaches else float(others[0])
    end = above.at if above and reaches else float(others[-1])
    return Segment(axis, float(lines[k]), start, end, {"highway": "living_street" if main else "footway"})


def _place_houses(parcel: Parcel, alleys_u: Floats, alleys_v: Floats, rng: np.random.Generator) -> Any:
    """Return the houses: each double row between two alleys, plot by plot, some plots empty."""
    room_u, room_v = alleys_u[1] - alleys_u[0] - _ALLEY_M, alleys_v[1] - alleys_v[0] - _ALLEY_M
    plots = max(1, int(room_u // _PLOT_M))
    wide, deep = room_u / plots, room_v / 2
    first_u = (alleys_u[:-1, None] + _ALLEY_M / 2 + wide * (np.arange(plots) + 0.5)).ravel()
    first_v = (alleys_v[:-1, None] + _ALLEY_M / 2 + deep * (np.arange(2) + 0.5)).ravel()
    u, v = np.tile(first_u, len(first_v)), np.repeat(first_v, len(first_u))
    built = rng.random(len(u)) >= _LOST
    built &= parcel.clear_of_corners(u, v, np.full(len(u), (wide + deep) / 2), margin_m=2.0)
    u, v = u[built], v[built]
    levels = rng.choice(_LEVELS, len(u), p=_LEVEL_SHARES)
    return draw_houses(
        {
            "u": u,
            "v": v,
            "along_m": np.round(wide * rng.uniform(0.8, 0.93, len(u)), 1),
            "deep_m": np.round(deep * rng.uniform(0.82, 0.94, len(u)), 1),
            "levels": levels,
            "households": rng.binomial(2 * levels, 0.5) + 1,
            "use": "residential",
            "rigid": False,
        }
    )
