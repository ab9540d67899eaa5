"""What does a street map lack that plans look for? A map of roads alone is told from a place without a river."""

from typing import Any

import pandas as pd

from spatial.io.listing import join_listed, list_note
from spatial.tables import Streets

_WATER = ("water", "coastline")
_RAILS = "rail light_rail subway narrow_gauge monorail tram funicular preserved".split()
_FOOTWAYS = "footway path steps".split()


def list_lacking(streets: Streets) -> Any:
    """Return LISTED with a note for each of water, railway, buildings and footways that a map of streets lacks."""
    if not len(streets.ways):
        return join_listed([])
    ways, areas = streets.ways, streets.areas
    water = (
        (_tag(areas, "natural").isin(_WATER) | (_tag(areas, "water") != "") | (_tag(areas, "waterway") != "")).any()
        or (_tag(ways, "waterway") != "").any()
        or _tag(ways, "natural").isin(_WATER).any()
    )
    held = {
        "water": (water, "rivers and shores neither guide borders nor part walks"),
        "railway": (_tag(ways, "railway").isin(_RAILS).any(), "railways neither guide borders nor part walks"),
        "buildings": ((~_tag(areas, "building").isin(["", "no"])).any(), "none can be taken from it"),
        "footways": (_tag(ways, "highway").isin(_FOOTWAYS).any(), "walks follow streets alone"),
    }
    return join_listed(
        [
            list_note("osm", f"the street map holds no {what}", "kept", detail)
            for what, (found, detail) in held.items()
            if not found
        ]
    )


def _tag(frame: Any, tag: str) -> Any:
    """Return a tag as text, "" where the map has none."""
    if tag not in frame.columns:
        return pd.Series("", index=frame.index, dtype="str")
    return frame[tag].fillna("").astype("str")
