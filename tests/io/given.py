"""A town of six blocks on squared paper, 100 m each, as a planner would bring it: two rows of three."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from shapely import box

from spatial.io.blocks import GivenBlocks, read_blocks
from spatial.io.profiles import read_profile

ORIGIN = (530_000.0, 3_380_000.0)
CELL_M = 100.0
HOUSEHOLDS = [100, 200, 300, 0, 50, 400]


def town(**columns: Any) -> gpd.GeoDataFrame:
    """Return the blocks a to f with their households, and further columns; a, b, c stand south of d, e, f."""
    x, y = ORIGIN
    cells = [
        box(x + CELL_M * c, y + CELL_M * r, x + CELL_M * (c + 1), y + CELL_M * (r + 1))
        for r in range(2)
        for c in range(3)
    ]
    return gpd.GeoDataFrame({"block_id": list("abcdef"), "households": HOUSEHOLDS, **columns}, geometry=cells, crs=4547)


def borders(**columns: Any) -> pd.DataFrame:
    """Return the seven borders of the town, 100 m each, half of it clear, and further columns."""
    pairs = "ab bc de ef ad be cf".split()
    frame = pd.DataFrame({"focal": [pair[0] for pair in pairs], "neighbor": [pair[1] for pair in pairs]})
    return frame.assign(shared_m=CELL_M, clear_m=CELL_M / 2, **columns)


def write(frame: Any, path: Path, layer: str | None = None) -> Path:
    """Write a frame as what its name says, and return the path."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        pyogrio.write_dataframe(frame, path, layer=layer)
    return path


def read(frame: Any, folder: Path, **options: Any) -> GivenBlocks:
    """Return a frame of blocks read back from a file."""
    path = write(frame, folder / "blocks.gpkg")
    return read_blocks(path, read_profile("about_500"), **{"households": "households", **options})
