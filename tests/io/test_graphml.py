"""A street network saved by OSMnx becomes ways that keep their nodes and lose their doubles."""

import math
import random
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmnx
import pandas as pd
import pytest
import shapely

from spatial.crs import LONLAT, metric_crs, to_lonlat, transform_geometry
from spatial.errors import CrsError, InputError
from spatial.io.graphml import NO_LINE, read_graphml
from tests.io.test_osm import keeps_contract
from tests.real_data import real

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    '<key id="x" for="node" attr.name="x"/><key id="y" for="node" attr.name="y"/>'
    '<key id="b" for="node" attr.name="barrier"/><key id="h" for="edge" attr.name="highway"/>'
    '<key id="g" for="edge" attr.name="geometry"/><key id="o" for="edge" attr.name="osmid"/>'
    '<key id="n" for="edge" attr.name="name"/><key id="c" for="graph" attr.name="crs"/>'
)
BENT = "LINESTRING (114.3 30.6, 114.3005 30.6005, 114.301 30.6)"
TNEB = "LINESTRING (114.301 30.6, 114.3005 30.6005, 114.3 30.6)"
NODES = {1: (114.3, 30.6), 2: (114.301, 30.6), 3: (114.302, 30.6), 4: (114.302, 30.601)}


def _data(values: dict[str, str]) -> str:
    return "".join(f'<data key="{key}">{value}</data>' for key, value in values.items())


def _node(key: Any, xy: tuple[float, float], **values: str) -> str:
    return f'<node id="{key}">{_data({"x": str(xy[0]), "y": str(xy[1]), **values})}</node>'


def _edge(u: Any, v: Any, **values: str) -> str:
    return f'<edge source="{u}" target="{v}">{_data(values)}</edge>'


def _write(path: Path, nodes: list[str], edges: list[str], crs: str = "epsg:4326") -> Path:
    text = f'{HEAD}<graph edgedefault="directed">{_data({"c": crs})}{"".join(nodes)}{"".join(edges)}</graph></graphml>'
    path.write_text(text, encoding="utf-8")
    return path


TOWN_NODES = [_node(k, xy, **({"b": "gate"} if k == 3 else {})) for k, xy in NODES.items()]
TOWN_EDGES = [
    _edge(1, 2, h="residential", g=BENT, o="[7, 8]", n="一号路"),
    _edge(2, 1, h="residential", g=TNEB, o="[8, 7]", n="一号路"),  # the way back
    _edge(1, 2, h="footway", o="9"),  # parallel, straight
    _edge(2, 1, h="footway", o="9"),
    _edge(3, 2, h="['unclassified', 'secondary']", o="10"),  # one direction only
    _edge(3, 4, h="steps", o="11"),  # one direction, on foot
    _edge(4, 4, h="path", g="LINESTRING (114.302 30.601, 114.303 30.601, 114.303 30.602, 114.302 30.601)", o="12"),
    _edge(4, 99, h="path", o="13"),  # no such node
    _edge(1, 1, h="path", o="14"),  # a loop without a line
]


def test_two_directions_are_one_way_and_one_direction_is_told(tmp_path: Path) -> None:
    streets = read_graphml(_write(tmp_path / "town.graphml", TOWN_NODES, TOWN_EDGES))
    keeps_contract(streets)
    rows = streets.ways[["highway", "oneway", "name", "osmid"]].to_numpy().tolist()
    assert sorted(rows) == [
        ["footway", "", "", "9"],
        ["path", "", "", "12"],
        ["residential", "", "一号路", "7;8"],
        ["secondary", "yes", "", "10"],
        ["steps", "", "", "11"],
    ]
    nodes = {way.osmid: way.nodes.tolist() for way in streets.ways.itertuples()}
    assert nodes["9"] == [1, 2]
    assert nodes["10"] == [3, 2]  # as it may be driven
    assert nodes["7;8"][0] == 1
    assert nodes["7;8"][2] == 2
    inner = [n for ids in nodes.values() for n in ids[1:-1]]
    assert len(inner) == len(set(inner)) == 3
    assert max(inner) < 0
    assert streets.points[["node_id", "barrier"]].to_numpy().tolist() == [[3, "gate"]]
    assert dict(streets.dropped) == {
        "edge that repeats another one the other way round or as it stands": 2,
        "edge whose node is not in the file": 1,
        "edge without a usable line": 1,
    }


def test_the_order_in_the_file_changes_nothing(tmp_path: Path) -> None:
    first = read_graphml(_write(tmp_path / "a.graphml", TOWN_NODES, TOWN_EDGES))
    rng = random.Random(1)
    for _ in range(5):
        nodes, edges = rng.sample(TOWN_NODES, len(TOWN_NODES)), rng.sample(TOWN_EDGES, len(TOWN_EDGES))
        other = read_graphml(_write(tmp_path / "b.graphml", nodes, edges))
        plain = [c for c in first.ways.columns if c not in ("nodes", "geometry")]
        pd.testing.assert_frame_equal(pd.DataFrame(first.ways[plain]), pd.DataFrame(other.ways[plain]))
        assert first.ways.geometry.to_wkb().tolist() == other.ways.geometry.to_wkb().tolist()
        assert [n.tolist() for n in first.ways["nodes"]] == [n.tolist() for n in other.ways["nodes"]]


def test_a_line_stored_against_its_edge_is_turned(tmp_path: Path) -> None:
    edges = [_edge(1, 2, h="residential", g=TNEB, o="1")]
    way = read_graphml(_write(tmp_path / "t.graphml", TOWN_NODES, edges)).ways.iloc[0]
    assert way["nodes"].tolist() == [1, -1, 2]
    assert to_lonlat(way["geometry"], metric_crs(114.3, 30.6)).coords[0] == pytest.approx((114.3, 30.6))


def test_a_projected_network_is_read_and_named_nodes_are_numbered(tmp_path: Path) -> None:
    utm = "epsg:32650"
    nodes = [_node(f"n{k}", (240000.0 + 100 * k, 3387000.0)) for k in (2, 1)]
    streets = read_graphml(_write(tmp_path / "utm.graphml", nodes, [_edge("n1", "n2", h="path", o="1")], utm))
    assert streets.ways["nodes"].iloc[0].tolist() == [1, 2]
    assert streets.crs == metric_crs(114.3, 30.6)
    assert streets.ways.length.iloc[0] == pytest.approx(100, rel=1e-3)


def test_a_clip_drops_and_counts_what_it_does_not_touch(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.graphml", TOWN_NODES, TOWN_EDGES)
    streets = read_graphml(path, clip=shapely.box(114.2, 30.5, 114.3005, 30.7))
    assert sorted(streets.ways["osmid"]) == ["7;8", "9"]
    assert streets.points.empty
    assert streets.dropped["edge outside the clip"] == 3


def test_what_osmnx_saves_is_what_is_read(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    for key, (x, y) in NODES.items():
        graph.add_node(key, x=x, y=y)
    graph.add_edge(
        1, 2, osmid=[7, 8], highway=["service", "tertiary"], geometry=shapely.from_wkt(BENT), access="private"
    )
    graph.add_edge(2, 3, osmid=9, highway="path", bridge="yes")
    osmnx.save_graphml(graph, tmp_path / "saved.graphml")
    ways = read_graphml(tmp_path / "saved.graphml").ways
    assert ways[["highway", "access", "bridge", "oneway"]].to_numpy().tolist() == [
        ["tertiary", "private", "", "yes"],
        ["path", "", "yes", ""],
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no whole GraphML"),
        ("<graphml><graph>", "no whole GraphML"),
        ("<graphml/>", "holds no nodes"),
        ('<!DOCTYPE g [<!ENTITY a "b">]><graphml/>', "document type"),
    ],
)
def test_what_is_no_graphml_is_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "bad.graphml").write_text(text)
    with pytest.raises(InputError, match=match):
        read_graphml(tmp_path / "bad.graphml")


def test_a_network_without_a_system_an_edge_or_a_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.graphml"
    with pytest.raises(CrsError, match="names no coordinate"):
        read_graphml(_write(path, TOWN_NODES, TOWN_EDGES, ""))
    with pytest.raises(CrsError, match="unknown"):
        read_graphml(_write(path, TOWN_NODES, TOWN_EDGES, "epsg:999999"))
    with pytest.raises(InputError, match="no edge"):
        read_graphml(_write(path, TOWN_NODES, []))
    with pytest.raises(InputError, match="x or y"):
        read_graphml(_write(path, ['<node id="1"/>'], []))
    with pytest.raises(InputError, match="not there"):
        read_graphml(tmp_path / "none.graphml")


def test_an_edge_with_a_place_that_is_no_number_is_dropped_and_counted(tmp_path: Path) -> None:
    nodes = [*TOWN_NODES, _node(5, (math.nan, 30.6)), _node(6, (math.inf, 30.6))]
    broken = "LINESTRING (114.3 30.6, nan nan, 114.301 30.6)"
    edges = [_edge(4, 5, h="path"), _edge(4, 6, h="path"), _edge(1, 2, h="path", g=broken)]
    whole = read_graphml(_write(tmp_path / "whole.graphml", TOWN_NODES, TOWN_EDGES))
    found = read_graphml(_write(tmp_path / "broken.graphml", nodes, [*TOWN_EDGES, *edges]))
    assert found.dropped[NO_LINE] == whole.dropped[NO_LINE] + 3
    pd.testing.assert_frame_equal(pd.DataFrame(found.ways), pd.DataFrame(whole.ways))


def test_degrees_that_are_said_to_be_metres_are_refused_and_metres_said_to_be_degrees(tmp_path: Path) -> None:
    path = tmp_path / "x.graphml"
    with pytest.raises(CrsError, match=r"network x\.graphml says it is in 'CGCS2000.* such as 114\.3.* are degrees"):
        read_graphml(_write(path, TOWN_NODES, TOWN_EDGES, "epsg:4547"))
    metres = [_node(1, (528000, 3386000)), _node(2, (529000, 3386000))]
    with pytest.raises(CrsError, match=r"network x\.graphml says it is in 'WGS 84' but holds .*EPSG:4534 is CGCS2000"):
        read_graphml(_write(path, metres, [_edge(1, 2, h="path")]))


@pytest.mark.real
def test_futian_has_as_many_streets_as_its_undirected_graph() -> None:
    path = real("futian/walk.graphml")
    streets = read_graphml(path)
    keeps_contract(streets)
    graph = osmnx.load_graphml(path)
    undirected = osmnx.convert.to_undirected(graph)
    assert len(streets.ways) == undirected.number_of_edges() - 2  # two streets were drawn twice on the same nodes
    metres = sum(data["length"] for *_, data in undirected.edges(data=True)) - 30.394 - 6.39
    assert streets.ways.length.sum() == pytest.approx(metres, rel=2e-3)
    ends = {int(n) for ids in streets.ways["nodes"] for n in (ids[0], ids[-1])}
    assert ends == set(graph.nodes)
    for row in streets.ways.itertuples():
        for node, xy in ((row.nodes[0], row.geometry.coords[0]), (row.nodes[-1], row.geometry.coords[-1])):
            lon, lat = transform_geometry(shapely.Point(xy), streets.crs, LONLAT).coords[0]
            assert np.hypot(lon - graph.nodes[node]["x"], lat - graph.nodes[node]["y"]) < 1e-8
