"""Stretches of ways on the map, whatever the ids of their nodes are like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.io.osm_runs import BROKEN, MISSING, SHORT, cut_runs

ZONE = np.array([-1e9, -1e9, 1e9, 1e9])
IDS = st.one_of(st.integers(-5, 40), st.integers(-(2**62), 2**62), st.sampled_from([-(2**63), 2**63 - 1, 0]))


def _drawn(known: list[int], way: list[int]) -> list[list[int]]:
    """Return the stretches of two or more known nodes, worked out one by one; nodes repeated in a row count once."""
    once = [ref for i, ref in enumerate(way) if i == 0 or ref != way[i - 1]]
    runs: list[list[int]] = [[]]
    for ref in once:
        if ref in known:
            runs[-1].append(ref)
        else:
            runs.append([])
    return [run for run in runs if len(run) > 1]


@settings(max_examples=200, deadline=None)
@given(st.sets(IDS, max_size=40), st.data())
def test_nodes_are_found_by_their_ids_however_far_apart_these_are(ids: set[int], data: st.DataObject) -> None:
    known = sorted(ids)
    way = data.draw(st.lists(st.one_of(st.sampled_from(known), IDS) if known else IDS, min_size=1, max_size=30))
    xy = np.column_stack([np.arange(len(known)), np.zeros(len(known))]).astype(float)
    refs, offsets = np.array(way, dtype=np.int64), np.array([0, len(way)])
    place = refs, offsets, np.array([0]), np.array(known, dtype=np.int64)
    _, ends, node, spots, counts = cut_runs(*place, xy, ZONE)
    assert [run.tolist() for run in np.split(node, ends[1:-1]) if len(run)] == _drawn(known, way)
    assert spots[:, 0].tolist() == [known.index(ref) for ref in node.tolist()]
    assert counts[MISSING] == sum(ref not in ids for ref in way)


@pytest.mark.parametrize("known", [[], [7]])
def test_a_map_with_hardly_a_node_has_no_stretch(known: list[int]) -> None:
    refs = np.array([7, 8, -7], dtype=np.int64)
    place = refs, np.array([0, 3]), np.array([0]), np.array(known, dtype=np.int64)
    owner, _, node, _, counts = cut_runs(*place, np.zeros((len(known), 2)), ZONE)
    assert (len(owner), len(node)) == (0, 0)
    assert (counts[MISSING], counts[SHORT], counts[BROKEN]) == (3 - len(known), 1, 0)
