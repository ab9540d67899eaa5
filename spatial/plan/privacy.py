"""Which counts of a plan may everybody see? None that tells of a few homes, nor any from which such a one follows.

Blocks with fewer than k homes are united with others, within their grid where it has enough, else within their
community or the plan, to units of at least k homes. Units never change: they follow from the grids of the first version
of a plan. A count is told where what it counts is made of whole units, so that whatever a reader adds up or subtracts,
of one version or of many, is a sum of units as well: nobody there, or k homes and more. Zero is told: that nobody lives
on a square is on every map. An estate that is not made of whole blocks tells nothing, as beside it in a block a few may
live; nor does a sentence that counts other homes than those of its feature: parts of it, its neighbours.

What sites serve and circles reach is no sum of blocks. Of a site, any two counts that are told of its circles, in one
version or several, are the same or k apart, as are those of a circle and of the whole plan; so are what each site
serves in two versions, and all that is not told of sites together. Not guarded against is who knows of each home which
site it goes to, or adds counts of sites, circles or coverage to each other or to counts of blocks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from spatial.plan.units import Units, unite_small

Feature = Mapping[str, Any]
Features = Mapping[str, Sequence[Feature]]
HIDDEN_LAYERS = ("demand", "buildings")
"""Layers of single buildings: not public at all."""

_HOUSEHOLDS = "households"
_COUNTS = (_HOUSEHOLDS, "elderly", "children")
_MADE_OF_BLOCKS = {"grids": "grid_id", "communities": "community_id", "estates": "estate_id"}
"""By layer whose features are made of blocks, the property of a block that names the feature."""
_TELLING = {
    "grids": ("explanation", "status", "deviation", "oversize", "sub_grids_needed"),
    "blocks": ("oversize", "sub_grids_needed"),
    "sites": ("floor_needed_m2", "floor_deficit_m2", "mean_walk_s", "longer_s"),
    "violations": ("message",),
}
"""Properties that would tell a count that is left out."""
_NEVER_TOLD = {"sites": ("only_here",)}
"""Counts of homes that nothing keeps apart from the others that are told."""
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?![\w-])")
_NO_COUNT = re.compile(r"(floor|ceiling) (of|is) \d+|needs \d+ grids")
"""What stands in a sentence beside counts of homes; ``_NUMBER`` knows no ids and bands."""
_REST = ""
"""Stands for all that no site is told to serve."""


@dataclass(frozen=True, slots=True)
class Published:
    """What of a plan everybody could see before.

    Attributes
    ----------
    grid_of:
        Grid of each block in the first version of the plan; those that are missing are in the grid that they have now.
    earlier:
        The layers of ``OVER_TIME`` of each version that was public before, the oldest first, with all their counts.
    """

    grid_of: Mapping[str, str] = field(default_factory=dict)
    earlier: Sequence[Features] = ()


NOTHING = Published()


def hide_small_counts(layers: Features, *, least: int, before: Published = NOTHING) -> dict[str, list[dict[str, Any]]]:
    """Return GeoJSON features by layer with counts below ``least`` left out (None), and those that would tell them.

    Each feature from which a count was taken has the property ``suppressed`` true.
    """
    out = {name: [{**one, "properties": dict(one["properties"])} for one in rows] for name, rows in layers.items()}
    for count in _COUNTS:
        hidden = _choose_hidden(out, count, least, before)
        for name, ids in hidden.items():
            for feature in out[name]:
                if feature["id"] in ids:
                    _hide(feature["properties"], name, count)
    for name, properties in _NEVER_TOLD.items():
        for feature in out.get(name, ()):
            for one in properties:
                feature["properties"].pop(one, None)
    _hide_sentences(out)
    return out


def find_cut(blocks: Sequence[Feature], column: str, *, least: int, before: Published = NOTHING) -> set[str]:
    """Return those of what a property of the blocks names whose households together may not be told."""
    homes = _counts(blocks, _HOUSEHOLDS)
    units = unite_small(homes, _places(blocks, before.grid_of), least=least)
    return {name for name, parts in _parts(blocks, column, homes).items() if not units.are_whole(parts)}


def _choose_hidden(layers: Features, count: str, least: int, before: Published) -> dict[str, set[str]]:
    """Return by layer the ids of the features that may not tell this count."""
    known = {name: _counts(rows, count) for name, rows in layers.items()}
    hidden = {name: {key for key, n in counts.items() if 0 < n < least} for name, counts in known.items()}
    blocks, homes = layers.get("blocks", ()), known.get("blocks", {})
    if count != _HOUSEHOLDS and not any(known.get(name) for name in _MADE_OF_BLOCKS):
        return hidden  # nothing is told of more than a block, from which one could be subtracted
    units = unite_small(homes, _places(blocks, before.grid_of), least=least)
    if "blocks" in layers:
        hidden["blocks"] |= {key for key in homes if not units.are_whole([key])}
    for name, column in _MADE_OF_BLOCKS.items():
        if name in layers:
            parts = _parts(blocks, column, homes)
            own = {one["id"]: parts.get(str(one["properties"].get(column, one["id"])), []) for one in layers[name]}
            gap = least if name != "estates" else inf
            hidden[name] |= {key for key, n in known[name].items() if not _is_told(n, own[key], homes, units, gap)}
    for name, tell in _OVER_TIME.items():
        if count == _HOUSEHOLDS and name in layers:
            rows = [one.get(name, ()) for one in (*before.earlier, layers)]
            hidden[name] |= known[name].keys() - tell(rows, sum(homes.values()), least)
    return hidden


def _counts(rows: Sequence[Feature], count: str) -> dict[str, float]:
    found = ((row["id"], row["properties"].get(count)) for row in rows)
    return {key: value for key, value in found if isinstance(value, int | float)}


def _places(blocks: Sequence[Feature], grid_of: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the community and the first grid of each block."""
    return {
        one["id"]: (
            str(one["properties"].get("community_id")),
            grid_of.get(one["id"], str(one["properties"].get("grid_id"))),
        )
        for one in blocks
    }


def _parts(rows: Sequence[Feature], whole: str, counts: Mapping[str, float]) -> dict[str, list[str]]:
    """Return the ids of the parts of each whole, those with a count."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        if row["id"] in counts:
            parts.setdefault(str(row["properties"].get(whole)), []).append(row["id"])
    return parts


def _is_told(count: float, parts: Sequence[str], homes: Mapping[str, float], units: Units, gap: float) -> bool:
    """Tell whether a count may be told: of whole units, and what these blocks hold or farther from it than ``gap``."""
    return units.are_whole(parts) and _is_apart(count, sum(homes[part] for part in parts), gap)


def _is_apart(one: float, other: float, least: float) -> bool:
    """Tell whether two counts may be told of what may lie one in the other: their difference is none or enough."""
    return one == other or abs(one - other) >= least


def _tell_sites(versions: Sequence[Sequence[Feature]], total: float, least: int) -> set[str]:
    """Return the sites that may tell what they serve in the last version; none where it is too near to an earlier one.

    With each version stands what no site is told to serve, which follows from the total.
    """
    before: list[dict[str, float]] = []
    for rows in versions:
        counts = _counts(rows, _HOUSEHOLDS)
        told = {key: n for key, n in counts.items() if n == 0 or n >= least}
        rest = max(0.0, total - sum(counts.values())) + sum(n for key, n in counts.items() if key not in told)
        for key in sorted(told, key=lambda key: (told[key], key)):
            if 0 < rest < least and told[key] > 0:
                rest += told.pop(key)
        whole = {**told, _REST: rest}
        pairs = ((whole.get(key, 0.0), one.get(key, 0.0)) for one in before for key in {*whole, *one})
        seen = not before or all(_is_apart(*pair, least) for pair in pairs)
        before += [whole] if seen else []
    return {key for key in told if seen}


def _tell_circles(versions: Sequence[Sequence[Feature]], total: float, least: int) -> set[str]:
    """Return the circles that may tell what they reach in the last version: enough apart from all others of a site."""
    heard: dict[str, set[float]] = {}
    for rows in versions:
        counts, told = _counts(rows, _HOUSEHOLDS), set[str]()
        site_of = {row["id"]: str(row["properties"].get("site_id")) for row in rows}
        for key in sorted(counts, key=lambda key: (counts[key], key)):
            others = heard.setdefault(site_of[key], {0.0, total})
            if all(_is_apart(counts[key], other, least) for other in others):
                others.add(counts[key])
                told.add(key)
    return told


_OVER_TIME = {"sites": _tell_sites, "circles": _tell_circles}
OVER_TIME = tuple(_OVER_TIME)
"""Layers whose counts are held against those that were told before."""


def _hide(properties: dict[str, Any], layer: str, count: str) -> None:
    properties[count] = None
    properties["suppressed"] = True
    if count == _HOUSEHOLDS:
        for name in (*_TELLING.get(layer, ()), *(c for c in _COUNTS if c != count)):
            if name in properties:
                properties[name] = None


def _hide_sentences(layers: Mapping[str, list[dict[str, Any]]]) -> None:
    """Take sentences that count what is left out, or other homes than those of the feature they are about."""
    made = [feature for name in ("blocks", *_MADE_OF_BLOCKS) for feature in layers.get(name, ())]
    told = {feature["id"]: feature["properties"].get(_HOUSEHOLDS) for feature in made}
    silent = {f["id"] for rows in layers.values() for f in rows if f["properties"].get("suppressed")}
    for grid in layers.get("grids", ()):
        if _counts_others(grid["properties"].get("explanation"), told[grid["id"]]):
            grid["properties"]["explanation"] = None
    for finding in layers.get("violations", ()):
        subject = finding["properties"].get("subject")
        if subject in silent or _counts_others(finding["properties"].get("message"), told.get(subject)):
            for name in _TELLING["violations"]:
                finding["properties"][name] = None
            finding["properties"]["suppressed"] = True


def _counts_others(sentence: str | None, own: float | None) -> bool:
    """Tell whether a sentence counts households, and others than its own."""
    if sentence is None or "household" not in sentence:
        return False
    return any(float(number.replace(",", "")) != own for number in _NUMBER.findall(_NO_COUNT.sub("", sentence)))
