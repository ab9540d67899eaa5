"""Is an element of a street map a line to walk or to stop at, a piece of ground, or a tagged place?

The keys are those of OpenStreetMap (https://wiki.openstreetmap.org/wiki/Map_features); a value "no" counts as absent.
"""

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from spatial.tables import AREA_TAGS, POINT_TAGS, WAY_TAGS

Tags = Mapping[str, str]

KEPT_KEYS = frozenset((*WAY_TAGS, *POINT_TAGS, *AREA_TAGS, "type"))

_LINE_NATURAL = frozenset({"coastline", "tree_row", "cliff", "ridge", "arete", "earth_bank", "gully", "valley"})
_LINE_MAN_MADE = frozenset({"embankment", "dyke", "cutline", "breakwater", "groyne", "pier"})
_AREA_MAN_MADE = frozenset({"bridge", "works", "wastewater_plant", "water_works"})
_AREA_WATERWAY = frozenset({"riverbank", "dock", "boatyard", "basin", "reservoir"})
_AREA_HIGHWAY = frozenset({"rest_area", "services"})
_GROUND_KEYS = ("building", "landuse", "leisure", "amenity", "shop", "place", "office", "area:highway")
_AREA_BY_FLAG = ("highway", "barrier", "waterway", "man_made")
PLACE_KEYS = frozenset(POINT_TAGS) - {"level", "name", "opening_hours"}
"""Keys that make a node worth a point."""

CLASS_ORDER = tuple(
    "motorway trunk primary secondary tertiary motorway_link trunk_link primary_link secondary_link tertiary_link "
    "unclassified residential living_street service pedestrian track busway cycleway footway path bridleway corridor "
    "steps".split()
)
"""Highway classes, the strongest first; where an edge carries several, the strongest is its class."""
_RANK = {name: rank for rank, name in enumerate(CLASS_ORDER)}


def has(tags: Tags, key: str) -> bool:
    """Tell whether a key is there with a value other than "no"."""
    return tags.get(key, "no") not in ("no", "")


def is_linear(tags: Tags) -> bool:
    """Tell whether an element is drawn as a line: a street, a railway, a stream, a wall, a dyke ..."""
    return (
        has(tags, "highway")
        or has(tags, "railway")
        or has(tags, "barrier")
        or (has(tags, "waterway") and tags["waterway"] not in _AREA_WATERWAY)
        or tags.get("natural") in _LINE_NATURAL
        or tags.get("man_made") in _LINE_MAN_MADE
    )


LINE_KEYS = ("highway", "railway", "barrier", "waterway", "natural", "man_made", "area")
"""All that ``is_linear`` and ``is_way`` look at."""


def is_way(tags: Tags, closed: bool) -> bool:
    """Tell whether a way is a line: a closed one with area=yes is not, unless it is a barrier that stands around."""
    if not is_linear(tags):
        return False
    if closed and not has(tags, "barrier"):
        return tags.get("area") != "yes" and tags.get("highway") not in _AREA_HIGHWAY
    return True


GROUND_KEYS = (*_GROUND_KEYS, *_AREA_BY_FLAG, "natural", "area")
"""All that ``is_area`` looks at."""


def is_area(tags: Tags, outlined: bool) -> bool:
    """Tell whether a closed outline is a piece of ground; outlined says that it is one by area=yes or as a relation."""
    if tags.get("area") == "no":
        return False
    return (
        any(has(tags, key) for key in _GROUND_KEYS)
        or (has(tags, "natural") and tags["natural"] not in _LINE_NATURAL)
        or tags.get("waterway") in _AREA_WATERWAY
        or tags.get("highway") in _AREA_HIGHWAY
        or tags.get("man_made") in _AREA_MAN_MADE
        or (outlined and any(has(tags, key) for key in _AREA_BY_FLAG))
    )


def is_place(tags: Tags) -> bool:
    """Tell whether a node is worth a point: a gate, a door, a crossing, a lift, a shop ..."""
    return any(key in tags for key in PLACE_KEYS)


def is_water(tags: Tags) -> bool:
    """Tell whether an area is water."""
    return tags.get("natural") == "water" or has(tags, "water") or has(tags, "waterway")


def main_tags(tags: Tags) -> dict[str, str]:
    """Return the tags that say what an area is, without its name, address or height."""
    keys = (*_GROUND_KEYS, *_AREA_BY_FLAG, "natural", "water")
    return {key: tags[key] for key in keys if has(tags, key)}


def list_values(value: Any) -> list[str]:
    """Return the texts held by a tag that may be a list, an array, a list written as text, or nothing at all."""
    if value is None or (isinstance(value, float) and value != value):
        return []
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("[") and text.endswith("]"):
            try:
                return list_values(ast.literal_eval(text))
            except (ValueError, SyntaxError):
                return [text]
        return [part.strip() for part in text.split(";") if part.strip()]
    if isinstance(value, Iterable):
        return [text for item in value for text in list_values(item)]
    return [str(value)]


def strongest_class(values: Iterable[str]) -> str:
    """Return the strongest highway class of several, "" of none; unknown ones count least, in order of their name."""
    return min(values, key=lambda value: (_RANK.get(value, len(_RANK)), value), default="")
