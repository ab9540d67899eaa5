"""Benchmark instances of the division as frames: real street blocks with households and graded borders."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tests.real_data import real

NAMES = ("wuh_0060", "hel_roads", "wuh_0120", "wuh_0300", "wuh_0600", "wuh_2000")


def read_instance(name: str, ceiling: int = 700) -> tuple[Any, Any]:
    """Return BLOCKS (one community) and ADJACENCY of a published instance."""
    path = real(f"partition/bench/{name}.gpkg")
    blocks = gpd.read_file(path, layer="blocks")
    pairs = gpd.read_file(path, layer="adjacency", ignore_geometry=True)
    blocks = blocks.assign(
        block_id=blocks["block_id"].astype(str),
        community_id="C",
        kind="face",
        estate_id="",
        households=blocks["households"].astype("int64"),
        oversize=blocks["households"] > ceiling,
        sub_grids_needed=np.maximum(1, -(-blocks["households"].astype("int64") // ceiling)),
        estimated=False,
    )
    pairs = pairs.assign(focal=pairs["focal"].astype(str), neighbor=pairs["neighbor"].astype(str), crossable=True)
    return blocks, pairs.assign(barrier=pairs["barrier_class"].astype(str))


def city(rows: int, columns: int, households: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return BLOCKS and ADJACENCY of a made city: a jittered lattice, two fifths of it without households.

    Every fifth line is a main street, every other border a wall or nothing.
    """
    x, y = np.meshgrid(np.arange(columns + 1) * 90.0, np.arange(rows + 1) * 90.0)
    x, y = x + rng.uniform(-20, 20, x.shape), y + rng.uniform(-20, 20, y.shape)
    corner = np.stack([x, y], axis=-1)
    rings = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], axis=2)
    shapes = shapely.polygons(rings.reshape(-1, 4, 2))
    lived = rng.random(len(shapes)) < 0.6
    weight = lived * rng.gamma(2.0, 1.0, len(shapes))
    count = rng.multinomial(households, weight / weight.sum())
    blocks = gpd.GeoDataFrame(
        {
            "block_id": [f"b{i:05d}" for i in range(len(shapes))],
            "community_id": "C",
            "kind": "face",
            "estate_id": "",
            "households": count,
            "area_m2": shapely.area(shapes),
            "oversize": count > 700,
            "sub_grids_needed": np.maximum(1, -(-count // 700)),
            "estimated": False,
        },
        geometry=shapes,
        crs=4547,
    )
    return blocks, _lattice_borders(corner, rows, columns, rng)


def _lattice_borders(corner: Any, rows: int, columns: int, rng: np.random.Generator) -> Any:
    number = np.arange(rows * columns).reshape(rows, columns)
    sides = [
        (number[:, :-1], number[:, 1:], corner[:-1, 1:-1], corner[1:, 1:-1], np.arange(1, columns)[None, :]),
        (number[:-1], number[1:], corner[1:-1, :-1], corner[1:-1, 1:], np.arange(1, rows)[:, None]),
    ]
    frames = []
    for low, high, start, end, line in sides:
        length = np.hypot(*(end - start).transpose(2, 0, 1)).ravel()
        street = np.broadcast_to(line % 5 == 0, low.shape).ravel()
        clarity = np.where(street, 0.9, rng.choice([0.0, 0.4, 0.7], len(length)))
        frames.append(
            pd.DataFrame(
                {
                    "focal": [f"b{i:05d}" for i in low.ravel()],
                    "neighbor": [f"b{i:05d}" for i in high.ravel()],
                    "shared_m": length,
                    "clear_m": np.where(clarity >= 0.5, length, 0.0),
                    "clarity": clarity,
                    "barrier": np.where(street, "street", ""),
                    "crossable": True,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
