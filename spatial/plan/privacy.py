"""Which counts of a plan may everybody see? None that tells of a few homes, nor one from which such a one follows.

A count of 1 to k - 1 is left out (primary). Where a total is told of which only one part is left out, or parts that sum
to less than k, the difference tells the part: the smallest further part is left out too (complementary), communities
and sites of the plan first, then grids within a community, then blocks within a grid. A grid whose own count is left
out for others' sake has blocks left out as well, else their sum would tell it, and such a community grids. Zero is
told: that nobody lives on a square is on every map.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Features = Mapping[str, Sequence[Mapping[str, Any]]]
HIDDEN_LAYERS = ("demand", "buildings")
"""Layers of single buildings: not public at all."""

_COUNTS = ("households", "elderly", "children")
_OF_ALL = ("communities", "sites")
"""Layers whose counts sum to that of the whole plan, which is told."""
_TELLING = {
    "grids": ("explanation", "status", "deviation", "oversize"),
    "blocks": ("oversize", "sub_grids_needed"),
    "violations": ("message",),
}
"""Properties that would tell a count that is left out."""


def hide_small_counts(layers: Features, *, least: int) -> dict[str, list[dict[str, Any]]]:
    """Return GeoJSON features by layer with counts below ``least`` left out (None), and those that would tell them.

    Each feature from which a count was taken has the property ``suppressed`` true.
    """
    out = {name: [{**one, "properties": dict(one["properties"])} for one in rows] for name, rows in layers.items()}
    for count in _COUNTS:
        hidden = _choose_hidden(out, count, least)
        for name, ids in hidden.items():
            for feature in out[name]:
                if feature["id"] in ids:
                    _hide(feature["properties"], name, count)
    _hide_findings(out)
    return out


def _choose_hidden(layers: Features, count: str, least: int) -> dict[str, set[str]]:
    """Return by layer the ids of the features that may not tell this count."""
    known = {name: _counts(rows, count) for name, rows in layers.items()}
    hidden = {name: {key for key, n in counts.items() if 0 < n < least} for name, counts in known.items()}
    for name in _OF_ALL:
        if name in layers:
            _complete(hidden[name], known[name], sorted(known[name]), least)
    if "grids" in layers and "blocks" in layers:
        blocks_of = _parts(layers["blocks"], "grid_id", known["blocks"])
        for community, parts in sorted(_parts(layers["grids"], "community_id", known["grids"]).items()):
            told = community not in hidden.get("communities", ())
            _complete(hidden["grids"], known["grids"], parts, least, total_is_told=told)
        for grid, parts in sorted(blocks_of.items()):
            told = grid not in hidden["grids"]
            _complete(hidden["blocks"], known["blocks"], parts, least, total_is_told=told)
    if "estates" in layers and "blocks" in layers:
        estates = {f["properties"].get("estate_id") for f in layers["blocks"] if f["id"] in hidden["blocks"]}
        hidden["estates"] |= {
            f["id"] for f in layers["estates"] if f["properties"].get("estate_id") in estates - {"", None}
        } & set(known["estates"])
    return hidden


def _counts(rows: Sequence[Mapping[str, Any]], count: str) -> dict[str, float]:
    found = ((row["id"], row["properties"].get(count)) for row in rows)
    return {key: value for key, value in found if isinstance(value, int | float)}


def _parts(rows: Sequence[Mapping[str, Any]], whole: str, counts: Mapping[str, float]) -> dict[str, list[str]]:
    """Return the ids of the parts of each whole, those with a count."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        if row["id"] in counts:
            parts.setdefault(str(row["properties"].get(whole)), []).append(row["id"])
    return parts


def _complete(
    hidden: set[str], counts: Mapping[str, float], parts: Sequence[str], least: int, *, total_is_told: bool = True
) -> None:
    """Leave out further parts, smallest first, until what is left out sums to ``least`` over two parts or more.

    Where the total is not told, parts must be left out that sum to ``least``: one is enough.
    """
    left_out = [part for part in parts if part in hidden]
    if total_is_told and not left_out:
        return
    needed = 2 if total_is_told else 1
    rest = sorted((p for p in parts if p not in hidden and counts[p] > 0), key=lambda p: (counts[p], p))
    while rest and (len(left_out) < needed or sum(counts[p] for p in left_out) < least):
        left_out.append(rest.pop(0))
    hidden.update(left_out)


def _hide(properties: dict[str, Any], layer: str, count: str) -> None:
    properties[count] = None
    properties["suppressed"] = True
    if count == "households":
        for name in (*_TELLING.get(layer, ()), *(c for c in _COUNTS if c != count)):
            if name in properties:
                properties[name] = None


def _hide_findings(layers: Mapping[str, list[dict[str, Any]]]) -> None:
    """Take the sentence from findings about what has a count left out: it may tell the count."""
    silent = {f["id"] for rows in layers.values() for f in rows if f["properties"].get("suppressed")}
    for finding in layers.get("violations", ()):
        if finding["properties"].get("subject") in silent:
            for name in _TELLING["violations"]:
                finding["properties"][name] = None
            finding["properties"]["suppressed"] = True
