"""Why is there nothing at an address: is it of a part that this server was started without?"""

from collections.abc import Mapping

_FEEDS = ("collections", "tileMatrixSets", "feeds", "downloads", "locate", "plan")
_PARTS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "folder": (_FEEDS, "no plan folder", "a plan folder: `wangge serve FOLDER`"),
    "store": (("plans",), "no store of plans", "--store: `wangge serve --store plans.gpkg`"),
    "map": (("walking",), "no street map", "--osm: `wangge serve --osm map.osm.pbf`"),
}
"""By part: first words of its addresses, what is missing, and how the server is started with it."""


def tell_absent(path: str, parts: frozenset[str]) -> str:
    """Return why nothing is at an address of a server that has these parts: folder, store, map."""
    first = path.strip("/").partition("/")[0]
    for part, (words, missing, needed) in _PARTS.items():
        if first in words and part not in parts:
            elsewhere = "; plans of the store have feeds of their own under /plans/{planId}/feeds" * (
                part == "folder" and "store" in parts
            )
            return f"nothing is at {path}: this server has {missing}, needed {needed}{elsewhere}"
    if path != "/" and path.endswith("/"):
        return f"nothing is at {path}; try it without the slash at its end, or see /openapi.json for what there is"
    return f"nothing is at {path}; see /openapi.json for what there is"
