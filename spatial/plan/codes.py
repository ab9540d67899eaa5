"""Which code does a grid carry? The community's code and a serial from west to east, then north to south."""

import re
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InfeasibleError, MissingError

GRID_CODE = re.compile(r"\d{14,15}")
"""Codes below an official community: 12 digits of the community and a serial of two or three."""
_SERIAL_DIGITS = 3


def assign_codes(grids: Any, communities: Any) -> Any:
    """Return a Series of codes with the index of ``grids``, named ``code``.

    A code is the ``community_id``, taken as it is (12 digits where it is official), and a serial of three digits.
    Within a community serials run west to east by centroid, in whole metres; grids on the same metre run north to
    south, and then by id (the order of DB11 unit grids and DB6101/T 3185-2024).

    Raises
    ------
    MissingError
        If a grid lies in a community that is not given.
    InfeasibleError
        If a community holds more grids than three digits can count, or two codes fall together because one community's
        id begins with another's.
    """
    unknown = sorted(set(grids["community_id"]) - set(communities["community_id"]))
    if unknown:
        first = grids.loc[grids["community_id"] == unknown[0], "grid_id"].iloc[0]
        raise MissingError(f"codes: grid {first!r} lies in community {unknown[0]!r}, which is not given")
    return number_grids(grids)


def number_grids(grids: Any) -> Any:
    """Return the codes of grids by their ``community_id`` and place."""
    centre = grids.geometry.centroid
    order = pd.DataFrame(
        {
            "community_id": grids["community_id"],
            "west": np.round(centre.x).astype("int64"),
            "north": -np.round(centre.y).astype("int64"),
            "grid_id": grids["grid_id"],
        },
        index=grids.index,
    ).sort_values(["community_id", "west", "north", "grid_id"])
    serial = order.groupby("community_id").cumcount() + 1
    if len(serial) and serial.max() >= 10**_SERIAL_DIGITS:
        full = order.loc[serial.idxmax(), "community_id"]
        raise InfeasibleError(f"codes: community {full!r} holds {serial.max()} grids; a serial counts 999 at most")
    codes = order["community_id"].astype("str") + serial.astype("str").str.zfill(_SERIAL_DIGITS)
    if codes.duplicated().any():
        twice = codes[codes.duplicated()].iloc[0]
        raise InfeasibleError(f"codes: {twice!r} stands for two grids; needed community ids that do not begin alike")
    return codes.reindex(grids.index).astype("str").rename("code")


def is_official(code: str) -> bool:
    """Tell whether a code has the form of one below an official community: 14 or 15 digits."""
    return GRID_CODE.fullmatch(code) is not None
