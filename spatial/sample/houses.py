"""Which building stands where on the ground, to which estate does it belong, and who lives in it?"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.sample.drawing import Floats, Sketch
from spatial.sample.ground import Ground, east_on_ground, to_ground
from spatial.sample.parcels import Parcel

_PERSONS = 2.6
"""Persons in a household, before they are counted by age."""
_ELDERLY = {"compound": 0.3, "open_slabs": 0.27, "loose": 0.22, "village": 0.16, "gated_slabs": 0.18, "gated_mid": 0.14}
_CHILDREN = {"compound": 0.08, "open_slabs": 0.1, "village": 0.12}
_USUAL_ELDERLY, _USUAL_CHILDREN = 0.11, 0.15
OSM_BUILDING = {"residential": "apartments", "construction": "construction", "service": "service"}
_CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


def build_houses(
    parcels: Sequence[Parcel], sketches: Sequence[Sketch], estate_ids: Sequence[str], ground: Ground, crs: Any,
    rng: np.random.Generator,
) -> Any:  # fmt: skip
    """Return BUILDINGS with the parcel of each, its number within it, and counts of elderly people and children.

    ``estate_ids`` gives the id of each parcel's estate, "" where it has none.
    """
    parcel = np.repeat(np.arange(len(sketches)), [len(s.houses) for s in sketches])
    houses = pd.concat([s.houses for s in sketches if len(s.houses)], ignore_index=True)
    households = houses["households"].to_numpy().astype(np.int64)
    kind = np.array([parcels[i].kind for i in parcel.tolist()])
    persons = rng.binomial(np.maximum(1, 4 * households), _PERSONS / 4) * (households > 0)
    number = 1 + np.arange(len(houses)) - np.searchsorted(parcel, parcel)
    frame = {
        "building_id": [f"B{k:06d}" for k in range(1, len(houses) + 1)],
        "estate_id": [estate_ids[i] for i in parcel.tolist()],
        "name": [f"{n}号楼" for n in number],
        "use": houses["use"].astype(str),
        "levels": houses["levels"].astype(float),
        "households": households,
        "estimated": False,
        "elderly": rng.binomial(persons, _look_up(kind, _ELDERLY, _USUAL_ELDERLY)),
        "children": rng.binomial(persons, _look_up(kind, _CHILDREN, _USUAL_CHILDREN)),
        "parcel": parcel,
    }
    return gpd.GeoDataFrame(frame, geometry=_to_footprints(houses, ground), crs=crs)


def _look_up(kind: Any, shares: dict[str, float], usual: float) -> Floats:
    return np.array([shares.get(k, usual) for k in kind.tolist()])


def _to_footprints(houses: Any, ground: Ground) -> Any:
    """Return the outlines: planned buildings keep their right angles, village houses bend with their alleys."""
    uv = houses[["u", "v"]].to_numpy().astype(float)
    half = _CORNERS[None] * houses[["along_m", "deep_m"]].to_numpy().astype(float)[:, None, :]
    bent = to_ground((uv[:, None] + half).reshape(-1, 2), ground).reshape(-1, 4, 2)
    east = east_on_ground(uv, ground)[:, None, :]
    north = np.stack([-east[..., 1], east[..., 0]], axis=-1)
    square = to_ground(uv, ground)[:, None] + half[..., :1] * east + half[..., 1:] * north
    corners = np.where(houses["rigid"].to_numpy().astype(bool)[:, None, None], square, bent)
    return shapely.polygons(np.concatenate([corners, corners[:, :1]], axis=1))
