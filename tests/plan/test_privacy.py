"""What everybody may see tells of no few homes, also not by subtraction."""

import copy
import itertools
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spatial.plan.privacy import Published, find_cut, hide_small_counts
from spatial.plan.units import unite_small

K = 10


def town(communities: list[list[list[int]]]) -> dict[str, list[dict[str, Any]]]:
    """Communities of grids of blocks, each block with its households."""
    layers: dict[str, list[dict[str, Any]]] = {"communities": [], "grids": [], "blocks": []}
    for c, grids in enumerate(communities):
        total = sum(map(sum, grids))
        layers["communities"].append(_feature(f"c{c}", households=total))
        for g, blocks in enumerate(grids):
            of = {"community_id": f"c{c}", "explanation": f"holds {sum(blocks)} households"}
            layers["grids"].append(_feature(f"c{c}g{g}", households=sum(blocks), **of))
            for b, homes in enumerate(blocks):
                of = {"community_id": f"c{c}", "grid_id": f"c{c}g{g}"}
                layers["blocks"].append(_feature(f"c{c}g{g}b{b}", households=homes, **of))
    return layers


def _feature(key: str, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": key, "geometry": None, "properties": properties}


def counts(layers: dict[str, list[dict[str, Any]]], layer: str) -> dict[str, int | None]:
    return {one["id"]: one["properties"]["households"] for one in layers[layer]}


def test_a_small_block_takes_the_next_smallest_with_it_where_the_total_is_told() -> None:
    told = hide_small_counts(town([[[3, 40, 200, 0], [300]]]), least=K)
    assert counts(told, "blocks") == {"c0g0b0": None, "c0g0b1": None, "c0g0b2": 200, "c0g0b3": 0, "c0g1b0": 300}
    assert counts(told, "grids") == {"c0g0": 243, "c0g1": 300}
    assert told["blocks"][0]["properties"]["suppressed"] is True
    assert "suppressed" not in told["blocks"][2]["properties"]


def test_a_small_grid_takes_another_and_its_blocks_with_it() -> None:
    told = hide_small_counts(town([[[6], [150, 160], [400, 100]]]), least=K)
    assert counts(told, "grids") == {"c0g0": None, "c0g1": None, "c0g2": 500}
    assert told["grids"][1]["properties"]["explanation"] is None
    # the blocks of the second grid may not add up to what is left out
    assert counts(told, "blocks") == {"c0g0b0": None, "c0g1b0": None, "c0g1b1": 160, "c0g2b0": 400, "c0g2b1": 100}


def test_a_small_community_or_site_takes_another_with_it_as_all_together_are_told() -> None:
    layers = town([[[7]], [[300, 200], [100]], [[900]]])
    layers["sites"] = [_feature("s0", households=4), _feature("s1", households=1503)]
    told = hide_small_counts(layers, least=K)
    assert counts(told, "communities") == {"c0": None, "c1": None, "c2": 900}
    assert counts(told, "grids") == {"c0g0": None, "c1g0": 500, "c1g1": None, "c2g0": 900}
    assert counts(told, "sites") == {"s0": None, "s1": None}


def test_findings_and_estates_do_not_tell_what_is_left_out() -> None:
    layers = town([[[6, 300], [400, 100]]])
    layers["blocks"][0]["properties"]["estate_id"] = "e1"
    layers["blocks"][2]["properties"]["estate_id"] = "e2"
    layers["estates"] = [_feature("E", estate_id="e1", households=12), _feature("F", estate_id="e2", households=400)]
    layers["violations"] = [
        _feature("v", subject="c0g0b0", message="block c0g0b0 holds 6 households"),
        _feature("w", subject="c0g1", message="grid c0g1 holds 500 households"),
    ]
    told = hide_small_counts(layers, least=K)
    assert counts(told, "estates") == {"E": None, "F": 400}
    assert [one["properties"]["message"] for one in told["violations"]] == [None, "grid c0g1 holds 500 households"]


def test_an_estate_beside_whom_a_few_may_live_in_a_block_is_not_told() -> None:
    layers = town([[[207, 300]], [[160, 100]]])
    for block, estate in zip(layers["blocks"], ("", "e2", "e1", "e1"), strict=True):
        block["properties"]["estate_id"] = estate
    held = {"E": ("e1", 260), "F": ("e2", 360), "G": ("e3", 200), "H": ("e4", 0)}
    layers["estates"] = [_feature(key, estate_id=name, households=n) for key, (name, n) in held.items()]
    told = hide_small_counts(layers, least=K)
    assert all(counts(told, layer) == counts(layers, layer) for layer in ("blocks", "grids", "communities"))
    # 60 of F live in a block of 67, or all but seven of a block of 207 in G, for all that a reader knows
    assert counts(told, "estates") == {"E": 260, "F": None, "G": None, "H": 0}


def test_sentences_that_count_other_homes_than_those_of_their_feature_are_not_told() -> None:
    layers = town([[[1500, 7]], [[300]], [[380]]])
    for grid, why in zip(
        layers["grids"],
        (
            "Block c0g0b0 has 1500 households, above the ceiling of 700, and cannot be cut",  # so seven live beside it
            "Closed estate E-1 (300 households, below the floor of 400) is a grid of its own whatever its size.",
            "380 households, below the floor of 400: joined to a neighbour it would pass the ceiling of 700 (1,887 "
            "with c0g0), and no exchange of whole blocks was found that keeps all of them in the band.",
        ),
        strict=True,
    ):
        grid["properties"]["explanation"] = why
    messages = {
        "d17": "3 households: lies in no grid, its block belongs to c0g0",
        "c0g0": "a part of 1 blocks (c0g0b1 ...) with 7 households joins the rest by less than 5 m of border",
        "c1g0": "300 households, band 400-700",
        "c2g0": "its grids hold 380 households, its known total is 386",
    }
    layers["violations"] = [_feature(f"v{n}", subject=one, message=messages[one]) for n, one in enumerate(messages)]
    layers["violations"].append(_feature("w", subject="c0g0", message="takes blocks of communities c0, c1"))
    told = hide_small_counts(layers, least=K)
    assert counts(told, "grids") == {"c0g0": 1507, "c1g0": 300, "c2g0": 380}
    said = [one["properties"]["explanation"] for one in told["grids"]]
    assert [text is None for text in said] == [True, False, True]
    said = [one["properties"]["message"] for one in told["violations"]]
    assert said == [None, None, "300 households, band 400-700", None, "takes blocks of communities c0, c1"]


def test_what_follows_from_what_a_site_serves_goes_with_it_and_whom_it_alone_reaches_is_never_told() -> None:
    layers = served(s=600, t=397)
    for site in layers["sites"]:
        n = site["properties"]["households"]
        site["properties"] |= {
            "floor_needed_m2": 0.3 * n,
            "floor_area_m2": 100.0,
            "only_here": 3.0,
            "mean_walk_s": 90.0,
        }
    first, second = (one["properties"] for one in hide_small_counts(layers, least=K)["sites"])
    assert (first["households"], first["floor_needed_m2"], first["mean_walk_s"]) == (600, 180.0, 90.0)
    assert (second["floor_needed_m2"], second["floor_area_m2"], second["mean_walk_s"]) == (None, 100.0, None)
    assert not any("only_here" in one for one in (first, second))


def test_wholes_that_cut_a_unit_are_found_whether_or_not_they_tell_a_count() -> None:
    layers = town([[[5]], [[100, 200]], [[300]]])  # the five are united with the hundred
    assert find_cut(layers["blocks"], "community_id", least=K) == {"c0", "c1"}
    assert find_cut(layers["blocks"], "community_id", least=1) == set()


def test_the_old_and_the_young_are_counted_apart() -> None:
    layers = {"blocks": [_feature("a", grid_id="g", households=200, elderly=4, children=0),
                         _feature("b", grid_id="g", households=300, elderly=90, children=50)]}  # fmt: skip
    told = [one["properties"] for one in hide_small_counts(layers, least=K)["blocks"]]
    assert [(one["households"], one["elderly"], one["children"]) for one in told] == [(200, None, 0), (300, 90, 50)]


def test_what_is_given_is_not_changed() -> None:
    layers = town([[[3, 40], [5]]])
    before = copy.deepcopy(layers)
    hide_small_counts(layers, least=K)
    assert layers == before


towns = st.lists(
    st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=4), min_size=1, max_size=4), min_size=1, max_size=2
)


@given(towns)
def test_no_count_below_k_follows_from_what_is_told(communities: list[list[list[int]]]) -> None:
    layers = town(communities)
    told = hide_small_counts(layers, least=K)
    true = {**counts(layers, "blocks"), **counts(layers, "grids"), **counts(layers, "communities")}
    shown = {**counts(told, "blocks"), **counts(told, "grids"), **counts(told, "communities")}
    assert all(value is None or value == true[key] for key, value in shown.items())
    unknown = sorted(key for key, value in shown.items() if value is None)
    small = {key for key, value in true.items() if value is not None and 0 < value < K}
    assert small <= set(unknown)
    rows, totals = _equations(communities, shown, unknown)
    for key in small:
        if len(small) == sum(value > 0 for value in true.values() if value is not None):
            continue  # nothing large stands beside them to hide among
        # the least and the most that a reader with all sums could still believe
        low, high = _bounds(rows, totals, unknown, key)
        assert high > low or _nothing_else(communities, key), (key, low, high)


def _equations(communities: Any, shown: Any, unknown: list[str]) -> tuple[Any, Any]:
    """Every published total equals the sum of its parts: what a reader can write down."""
    at = {key: n for n, key in enumerate(unknown)}
    shown = {**shown, "all": sum(homes for grids in communities for blocks in grids for homes in blocks)}
    rows, totals = [], []
    for c, grids in enumerate(communities):
        wholes = [("all", [f"c{n}" for n in range(len(communities))])] if c == 0 else []
        wholes += [(f"c{c}", [f"c{c}g{g}" for g in range(len(grids))])]
        wholes += [(f"c{c}g{g}", [f"c{c}g{g}b{b}" for b in range(len(blocks))]) for g, blocks in enumerate(grids)]
        for whole, parts in wholes:
            row, total = np.zeros(len(unknown)), 0.0
            for key, sign in [(whole, -1.0), *((part, 1.0) for part in parts)]:
                if shown[key] is None:
                    row[at[key]] = sign
                else:
                    total -= sign * shown[key]
            if row.any():
                rows.append(row)
                totals.append(total)
    return np.array(rows), np.array(totals)


def _bounds(rows: Any, totals: Any, unknown: list[str], key: str) -> tuple[float, float]:
    from scipy.optimize import linprog

    cost = np.zeros(len(unknown))
    cost[unknown.index(key)] = 1.0
    given = {"A_eq": rows, "b_eq": totals} if len(rows) else {}
    ends = [linprog(sign * cost, bounds=(0, 1000), method="highs", **given) for sign in (1, -1)]
    return ends[0].fun, -ends[1].fun


def _nothing_else(communities: Any, key: str) -> bool:
    """Tell whether a community has nobody but in this one count: then its own total says it, and is small as well."""
    grids = communities[int(key[1])]
    return sum(1 for blocks in grids for homes in blocks if homes) <= 1


def redrawn(homes: list[int], community: list[int], grids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """A plan of blocks with their homes, each in a grid of its community; an estate holds every third block."""
    layers: dict[str, list[dict[str, Any]]] = {"communities": [], "grids": [], "blocks": [], "estates": []}
    held: dict[str, dict[str, int]] = {"communities": {}, "grids": {}, "estates": {}}
    for b, (n, c, g) in enumerate(zip(homes, community, grids, strict=True)):
        of = {"community_id": f"c{c}", "grid_id": f"c{c}g{g}", "estate_id": "" if b % 3 else "e"}
        layers["blocks"].append(_feature(f"b{b}", households=n, **of))
        for layer, key in (("communities", of["community_id"]), ("grids", of["grid_id"]), ("estates", "e")):
            if layer != "estates" or b % 3 == 0:
                held[layer][key] = held[layer].get(key, 0) + n
    for layer, sums in held.items():
        for key, n in sums.items():
            of = {"grids": {"community_id": key[:2]}, "estates": {"estate_id": key}}.get(layer, {})
            layers[layer].append(_feature(key, households=n, **of))
    return layers


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, list[dict[str, Any]]]]:
    """Versions of one plan: the same blocks, other grids."""
    count = draw(st.integers(2, 8))
    homes = draw(st.lists(st.integers(0, 25), min_size=count, max_size=count))
    community = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    drawn = st.lists(st.integers(0, 2), min_size=count, max_size=count)
    return [redrawn(homes, community, grids) for grids in draw(st.lists(drawn, min_size=1, max_size=4))]


def attack(versions: list[dict[str, list[dict[str, Any]]]], told: list[dict[str, list[dict[str, Any]]]]) -> set[int]:
    """Return how many homes all sets of blocks have whose sum follows from what all versions tell, and the total."""
    homes = counts(versions[0], "blocks")
    at = {key: n for n, key in enumerate(homes)}
    known = [np.ones(len(at))]
    columns = {"grids": "grid_id", "communities": "community_id", "estates": "estate_id"}
    for version, shown in zip(versions, told, strict=True):
        of = {one["id"]: one["properties"] for one in version["blocks"]}
        for layer in shown:
            for key, value in counts(shown, layer).items():
                inside = [b for b in at if (b == key if layer == "blocks" else of[b][columns[layer]] == key)]
                assert value is None or value == sum(homes[b] or 0 for b in inside)
                known += [] if value is None else [np.isin([*at], inside).astype(float)]
    sets = np.array(list(itertools.product((0.0, 1.0), repeat=len(at))))
    _, weight, rows = np.linalg.svd(np.array(known), full_matrices=False)
    span = rows[weight > 1e-9]
    follows = np.abs(sets - sets @ span.T @ span).max(axis=1) < 1e-9
    return {round(n) for n in sets[follows] @ np.array([homes[b] for b in at], dtype=float)}


@given(histories())
def test_no_few_homes_follow_from_all_that_was_ever_in_force(versions: list[Any]) -> None:
    before = Published({one["id"]: one["properties"]["grid_id"] for one in versions[0]["blocks"]})
    told = [hide_small_counts(one, least=K, before=before) for one in versions]
    total = sum(n or 0 for n in counts(versions[0], "blocks").values())
    assert not {n for n in attack(versions, told) if 0 < n < K and total >= K}


def test_the_attack_finds_what_each_version_by_itself_would_tell() -> None:
    one, two = redrawn([5, 100, 200, 20], [0] * 4, [0, 0, 0, 1]), redrawn([5, 100, 200, 20], [0] * 4, [0, 1, 1, 0])
    apart = [hide_small_counts(version, least=K) for version in (one, two)]
    assert 5 in attack([one, two], apart)  # the first version hides the block of 100, the second that of 20
    before = Published({one["id"]: one["properties"]["grid_id"] for one in one["blocks"]})
    kept = [hide_small_counts(version, least=K, before=before) for version in (one, two)]
    assert min(attack([one, two], kept) - {0}) >= K
    assert counts(kept[1], "blocks") == {"b0": None, "b1": None, "b2": 200, "b3": 20}
    assert counts(kept[1], "grids") == {"c0g0": None, "c0g1": None}


def test_blocks_are_united_in_the_same_way_whatever_their_order() -> None:
    homes = {f"b{n}": float(n % 7) for n in range(40)}
    place = {key: (f"c{n % 2}", f"g{n % 6}") for n, key in enumerate(homes)}
    units = unite_small(homes, place, least=K)
    assert unite_small(dict(reversed(homes.items())), place, least=K) == units
    for number in set(units.unit_of.values()):
        inside = [key for key, unit in units.unit_of.items() if unit == number]
        assert sum(homes[key] for key in inside) >= K
        assert len({place[key][0] for key in inside}) == 1
        assert units.are_whole(inside)
        assert not units.are_whole(inside[1:]) or len(inside) == 1
    assert set(units.unit_of) == {key for key, n in homes.items() if n}


def circles(**reached: list[int]) -> dict[str, list[dict[str, Any]]]:
    """Circles about sites, each of 5, 10, ... minutes; 1,000 homes live in the plan."""
    rows = [
        _feature(f"{site}-{n}", site_id=site, households=count)
        for site, counts in reached.items()
        for n, count in enumerate(counts)
    ]
    return {"blocks": [_feature("b", households=1000)], "circles": rows}


def test_two_counts_of_a_site_are_the_same_or_enough_apart_within_a_version_and_over_all() -> None:
    first = circles(s=[40, 47, 300, 995], t=[0, 12, 12])
    assert list(counts(hide_small_counts(first, least=K), "circles").values()) == [40, None, 300, None, 0, 12, 12]
    later = circles(s=[40, 45, 304, 1000], t=[15, 22, 30])
    told = hide_small_counts(later, least=K, before=Published({}, [first]))
    assert list(counts(told, "circles").values()) == [40, None, None, 1000, None, 22, None]


def served(**homes: int) -> dict[str, list[dict[str, Any]]]:
    """Sites with the homes each serves, of 1,000 that live in the plan."""
    rows = [_feature(site, site_id=site, households=count) for site, count in homes.items()]
    return {"blocks": [_feature("b", households=1000)], "sites": rows}


def test_what_sites_serve_does_not_tell_of_a_few_whom_none_serves() -> None:
    assert counts(hide_small_counts(served(s=600, t=397), least=K), "sites") == {"s": 600, "t": None}
    assert counts(hide_small_counts(served(s=600, t=300), least=K), "sites") == {"s": 600, "t": 300}
    assert counts(hide_small_counts(served(s=600, t=400), least=K), "sites") == {"s": 600, "t": 400}


def test_what_sites_serve_in_a_later_version_is_told_where_no_few_homes_changed_site() -> None:
    first = served(s=600, t=400)
    for later, shown in (
        (served(s=600, t=400), {"s": 600, "t": 400}),
        (served(s=500, t=380, u=120), {"s": 500, "t": 380, "u": 120}),
        (served(s=597, t=403), {"s": None, "t": None}),
        (served(s=595, t=400, u=5), {"s": None, "t": None, "u": None}),
    ):
        told = hide_small_counts(later, least=K, before=Published({}, [first]))
        assert counts(told, "sites") == shown
