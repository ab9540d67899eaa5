"""Where does Valhalla measure other walks, and why? ``python -m tests.bench.bench_valhalla_pairs MAP [SEED]``

``tests/bench/valhalla_tiles.py`` says where its tiles come from. Valhalla is first asked as it comes, then for metres
alone; then pairs are told apart by whether both engines put them on the same street; then ours gives up, one after the
other, the rules that Valhalla has not. Its rule against walks through residents' ways is a price, which it forgets when
it is asked for the shortest.
"""

import dataclasses
import json
import sys
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from spatial.crs import LONLAT, transform_xy
from spatial.io.profiles import read_profile
from spatial.io.streets import read_streets
from spatial.walking.access import PRIVATE, RESIDENTS, classify_points, classify_ways
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.reach import place_on_edge
from spatial.walking.travel import travel_times
from spatial.walking.walker import Walker
from tests.bench.bench_walking_tools import Rows, name_points, tell
from tests.bench.valhalla_tiles import start_valhalla

LIMIT_M = 1000.0
_SITES, _HOMES, _HOMES_A_SITE = 60, 6_000, 150
_ON_STREET_M = 1.0
_CHUNK = 500


class Asking(NamedTuple):
    """What Valhalla is asked for: options of its costs, and of each place."""

    options: dict[str, Any]
    place: dict[str, Any]


AS_IT_COMES = Asking({"shortest": True}, {})
_FREE = {
    **dict.fromkeys(("step_penalty", "elevator_penalty", "gate_cost", "gate_penalty", "service_penalty"), 0),
    **dict.fromkeys(("maneuver_penalty", "alley_penalty", "country_crossing_cost", "country_crossing_penalty"), 0),
    "max_hiking_difficulty": 6,
}
METRES_ALONE = Asking({"shortest": True, **_FREE}, {"node_snap_tolerance": 0})
"""Even when it looks for the shortest way, Valhalla prices steps and lifts in seconds beside its metres."""


class Drawn(NamedTuple):
    """Places on streets, and the homes near each site as the crow flies."""

    crs: Any
    site_xy: Any
    home_xy: Any
    near: list[Any]


def draw_places(network: WalkNetwork, count: int, rng: np.random.Generator) -> Any:
    """Return places on the public streets of the main part."""
    fit = np.flatnonzero(~network.private & ~network.synthetic & (network.component[network.u] == 0))
    edge = rng.choice(fit, count)
    return place_on_edge(network, edge, rng.random(count) * network.length_m[edge])


def ask_matrix(actor: Any, crs: Any, site: Any, homes: Any, asking: Asking = AS_IT_COMES) -> Any:
    """Return metres to each home (NaN where there is no way)."""
    sides = [transform_xy(np.atleast_2d(xy), crs, LONLAT).tolist() for xy in (site, homes)]
    places = [[{"lon": lon, "lat": lat, **asking.place} for lon, lat in side] for side in sides]
    asked = {"sources": places[0], "targets": places[1], "costing": "pedestrian"}
    rows = json.loads(actor.matrix(json.dumps({**asked, "costing_options": {"pedestrian": asking.options}})))
    return np.array(
        [np.nan if row["distance"] is None else 1e3 * row["distance"] for row in rows["sources_to_targets"][0]]
    )


def agreement_table(streets: Any, actor: Any, rng: np.random.Generator) -> Rows:
    """How many pairs both reach, and how many of these agree, as differences are taken away one after the other."""
    network = build_walk_network(streets, read_profile())
    lines = build_walk_network(_without_squares(streets), read_profile())
    for name, ground in (("anywhere, squares included", network), ("on mapped ways", lines)):
        drawn = _draw(ground, rng)
        theirs = {asking: _ask_all(actor, drawn, asked) for asking, asked in _ASKINGS}
        ours = _walk(network, drawn)
        for asking, metres in theirs.items():
            yield from _agree(f"places {name}: {asking}", ours, metres)
    same = _on_one_street(actor, drawn)
    for asking, metres in theirs.items():
        yield from _agree(f"... both on the same street: {asking}", ours[same], metres[same])
    ground = streets
    for name, give_up in _RULES:
        ground = give_up(ground)
        ours = _walk(build_walk_network(ground, read_profile()), drawn)
        yield from _agree(f"... and {name}: metres alone", ours[same], theirs["metres alone"][same])


_ASKINGS = (
    ("as Valhalla comes", AS_IT_COMES),
    ("metres alone", METRES_ALONE),
)


def _draw(network: WalkNetwork, rng: np.random.Generator) -> Drawn:
    """Return places; of the homes near a site some, lest a small town asks for hundreds of thousands of pairs."""
    site_xy, home_xy = draw_places(network, _SITES, rng), draw_places(network, _HOMES, rng)
    near = [np.flatnonzero(np.hypot(*(home_xy - site).T) <= LIMIT_M) for site in site_xy]
    some = [np.sort(rng.permutation(rows)[:_HOMES_A_SITE]) for rows in near]
    return Drawn(network.crs, site_xy, home_xy, some)


def _ask_all(actor: Any, drawn: Drawn, asking: Asking) -> Any:
    answers = []
    for k, (xy, near) in enumerate(zip(drawn.site_xy, drawn.near, strict=True), 1):
        answers.append(ask_matrix(actor, drawn.crs, xy, drawn.home_xy[near], asking))
        print(f"\rValhalla answered for {k} of {len(drawn.near)} sites", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr, flush=True)
    return np.concatenate(answers)


def _walk(network: WalkNetwork, drawn: Drawn) -> Any:
    """Return our metres of every pair, NaN where there is no walk."""
    sites, homes = name_points(network, "site_id", drawn.site_xy), name_points(network, "demand_id", drawn.home_xy)
    times = travel_times(network, sites, homes, limit=2 * LIMIT_M, mode="distance")
    walk = times.set_index(["origin_id", "destination_id"])["walk_m"]
    pairs = [(sites["site_id"][k], home) for k, near in enumerate(drawn.near) for home in homes["demand_id"][near]]
    return walk.reindex(pd.MultiIndex.from_tuples(pairs)).to_numpy()


def _on_one_street(actor: Any, drawn: Drawn) -> Any:
    """Tell of which pairs Valhalla finds both places on a street, not at the very end of one, and nowhere else.

    From a place a hand's breadth from the end of an edge it may leave by the other end alone, or from another street.
    """
    site, home = (_is_found(actor, drawn.crs, xy) for xy in (drawn.site_xy, drawn.home_xy))
    return np.concatenate([site[k] & home[near] for k, near in enumerate(drawn.near)])


def _is_found(actor: Any, crs: Any, xy: Any) -> Any:
    found: list[bool] = []
    places = transform_xy(xy, crs, LONLAT).tolist()
    for first in range(0, len(places), _CHUNK):
        some = [{"lon": lon, "lat": lat, "node_snap_tolerance": 0} for lon, lat in places[first : first + _CHUNK]]
        rows = json.loads(actor.locate(json.dumps({"locations": some, "costing": "pedestrian", "verbose": True})))
        found += [
            bool(row["edges"])
            and all(edge["distance"] <= _ON_STREET_M and 0 < edge["percent_along"] < 1 for edge in row["edges"])
            for row in rows
        ]
    return np.array(found)


def _without_squares(streets: Any) -> Any:
    ways = streets.ways.assign(area=streets.ways["area"].where(streets.ways["area"] != "yes", ""))
    return dataclasses.replace(streets, ways=ways, areas=streets.areas.iloc[:0])


def _without_quays(streets: Any) -> Any:
    ways = streets.ways
    quay = (ways["highway"] == "platform") | (ways["railway"] == "platform") & (ways["highway"] == "")
    quay |= (ways["man_made"] == "pier") & (ways["highway"] == "")
    return dataclasses.replace(streets, ways=ways[~quay])


def _without_cycleways(streets: Any) -> Any:
    ways = streets.ways
    return dataclasses.replace(streets, ways=ways[(ways["highway"] != "cycleway") | (ways["foot"] != "")])


def _for_anybody(streets: Any) -> Any:
    private = classify_ways(streets.ways)[0] == PRIVATE
    kept = classify_points(streets.points, Walker()) == RESIDENTS
    ways = streets.ways.assign(foot=streets.ways["foot"].mask(private, "yes"))
    points = streets.points.assign(
        foot=streets.points["foot"].mask(kept, "yes"), locked=streets.points["locked"].mask(kept, "")
    )
    return dataclasses.replace(streets, ways=ways, points=points)


def _both_ways(streets: Any) -> Any:
    ways = streets.ways[streets.ways["barrier"] == ""].assign(conveying="")
    return dataclasses.replace(streets, ways=ways)


_RULES = (
    ("squares are not crossed", _without_squares),
    ("nobody walks on platforms and piers", _without_quays),
    ("nobody walks on cycleways that say nothing of walkers", _without_cycleways),
    ("anybody passes residents' ways and gates", _for_anybody),
    ("escalators run both ways, and walls cut no way", _both_ways),
)


def _agree(name: str, ours: Any, theirs: Any) -> Rows:
    mine, other = ours <= LIMIT_M, theirs <= LIMIT_M
    common = mine & other
    gap = (theirs - ours)[common]
    points = "; ".join(f"p{p} {np.percentile(gap, p):+.1f} m" for p in (1, 5, 50, 95, 99))
    size = f"{int(mine.sum()):,} pairs of ours, {int(other.sum()):,} of theirs"
    share = f"{np.mean(np.abs(gap) <= 10):.2%} within 10 m, {common.sum() / (mine | other).sum():.2%} in common"
    yield name, size, share, f"theirs less ours: {points}"


def main(path: str, seed: int) -> None:
    """Print the table of a map."""
    streets = read_streets(path)
    actor, rng = start_valhalla(path, streets), np.random.default_rng(seed)
    tell(f"Pairs within 1,000 m beside Valhalla, {streets.source}", agreement_table(streets, actor, rng))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
