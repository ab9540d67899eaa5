"""How does the flat drawing board become ground: which turn and which bends does the district have?

Two shears and a turn: x = u + a(v'), v' = v + b(u, v). A shear keeps areas and the distances along one axis, so what is
drawn apart on the board stays apart on the ground.
"""

from dataclasses import dataclass

import numpy as np

from spatial.sample.drawing import Floats

_WAVES = 3
_LONGEST_M, _SHORTEST_M = 2600.0, 900.0
_STEEPEST = 0.06  # of one wave: three together bend a street by up to 10 degrees


@dataclass(frozen=True, slots=True)
class Ground:
    """Coefficients of the map from the board to metres of a projected system."""

    origin: tuple[float, float]
    middle: tuple[float, float]
    turn_rad: float
    waves_u: Floats
    """Rows of (height_m, length_m, phase) that lift v along u."""
    waves_v: Floats
    river_v: float
    meander: tuple[float, float, float]


def make_ground(
    *, rng: np.random.Generator, origin: tuple[float, float], size: tuple[float, float], river_v: float
) -> Ground:
    """Return ground for a board of a size, its middle at ``origin`` (easting, northing)."""
    return Ground(
        origin=origin,
        middle=(size[0] / 2, size[1] / 2),
        turn_rad=float(np.radians(rng.uniform(4, 11) * rng.choice([-1, 1]))),
        waves_u=_make_waves(rng),
        waves_v=_make_waves(rng),
        river_v=river_v,
        meander=(float(rng.uniform(26, 36)), float(rng.uniform(900, 1200)), float(rng.uniform(0, 2 * np.pi))),
    )


def _make_waves(rng: np.random.Generator) -> Floats:
    length = rng.uniform(_SHORTEST_M, _LONGEST_M, _WAVES)
    height = rng.uniform(0.3, 1.0, _WAVES) * _STEEPEST * length / (2 * np.pi)
    return np.column_stack([height, length, rng.uniform(0, 2 * np.pi, _WAVES)])


def _sum_waves(waves: Floats, t: Floats) -> Floats:
    total: Floats = (waves[:, :1] * np.sin(2 * np.pi * t / waves[:, 1:2] + waves[:, 2:])).sum(axis=0)
    return total


def to_ground(uv: Floats, ground: Ground) -> Floats:
    """Return (n, 2) eastings and northings of places on the board."""
    u, v = uv[:, 0] - ground.middle[0], uv[:, 1] - ground.middle[1]
    high, length, phase = ground.meander
    near_river = np.exp(-(((uv[:, 1] - ground.river_v) / 420.0) ** 2))
    y = v + _sum_waves(ground.waves_u, u) + high * np.sin(2 * np.pi * u / length + phase) * near_river
    x = u + _sum_waves(ground.waves_v, y)
    cos, sin = np.cos(ground.turn_rad), np.sin(ground.turn_rad)
    return np.column_stack([ground.origin[0] + cos * x - sin * y, ground.origin[1] + sin * x + cos * y])


def east_on_ground(uv: Floats, ground: Ground) -> Floats:
    """Return the unit vector on the ground of the board's east at each place: slabs are built along it."""
    half = np.array([0.5, 0.0])
    step = to_ground(uv + half, ground) - to_ground(uv - half, ground)
    unit: Floats = step / np.hypot(step[:, 0], step[:, 1])[:, None]
    return unit
