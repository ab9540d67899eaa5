"""A small broken town in OSM XML, with what is wrong with it, and the means to write it in other orders and formats."""

import random
import re
from pathlib import Path

import osmium

# A grid of 0.001 degrees near Wuhan: node "rc" stands in row r, column c. The bounds hold rows 0-6, columns 0-6.
WEST, SOUTH, STEP = 114.300, 30.600, 0.001
HEADER = "<?xml version='1.0' encoding='UTF-8'?>\n<osm version=\"0.6\">\n"
BOUNDS = '<bounds minlat="30.6" minlon="114.3" maxlat="30.606" maxlon="114.306"/>\n'


def node(node_id: int, lon: float, lat: float, **tags: str) -> str:
    return f'<node id="{node_id}" version="1" lon="{lon:.7f}" lat="{lat:.7f}">{_tags(tags)}</node>'


def way(way_id: int, refs: list[int], **tags: str) -> str:
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{way_id}" version="1">{nodes}{_tags(tags)}</way>'


def relation(relation_id: int, members: list[tuple[int, str]], **tags: str) -> str:
    parts = "".join(f'<member type="way" ref="{ref}" role="{role}"/>' for ref, role in members)
    return f'<relation id="{relation_id}" version="1">{parts}{_tags({"type": "multipolygon", **tags})}</relation>'


def _tags(tags: dict[str, str]) -> str:
    return "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in tags.items())


GRID = [node(10 * r + c + 1, WEST + c * STEP, SOUTH + r * STEP) for r in range(7) for c in range(7)]


def at(row: int, column: int) -> int:
    """The id of the node in a row and column of the grid."""
    return 10 * row + column + 1


OTHER_NODES = [
    node(201, WEST + 0.0025, SOUTH, barrier="gate", access="private"),
    node(202, WEST + 0.0035, SOUTH + 0.0005, name="not worth a point"),
    node(203, WEST + 0.0045, SOUTH + 0.0005, shop="convenience", name="小卖部"),
    node(204, 120.0, 31.0, highway="crossing"),  # 550 km away
    '<node id="205" version="1" lon="114.301" lat="95.0"><tag k="barrier" v="gate"/></node>',  # no such latitude
    # a river that comes from 10 km west, passes the town and goes on 10 km to the east
    node(301, WEST - 0.1, SOUTH + 0.0041),
    node(302, WEST - 0.0001, SOUTH + 0.0041),
    node(303, WEST + 0.0061, SOUTH + 0.0041),
    node(304, WEST + 0.1, SOUTH + 0.0041),
    node(305, WEST + 0.1, SOUTH + 0.0049),
    node(306, WEST - 0.1, SOUTH + 0.0049),
    # a courtyard building and a bow tie
    node(401, WEST + 0.0011, SOUTH + 0.0011),
    node(402, WEST + 0.0019, SOUTH + 0.0011),
    node(403, WEST + 0.0019, SOUTH + 0.0019),
    node(404, WEST + 0.0011, SOUTH + 0.0019),
    node(405, WEST + 0.0013, SOUTH + 0.0013),
    node(406, WEST + 0.0017, SOUTH + 0.0013),
    node(407, WEST + 0.0017, SOUTH + 0.0017),
    node(408, WEST + 0.0013, SOUTH + 0.0017),
    node(409, WEST + 0.0030, SOUTH + 0.0011),
    node(410, WEST + 0.0030, SOUTH + 0.0011),
]
WAYS = [
    way(1, [at(0, 0), at(0, 1), at(0, 2), 201, at(0, 3), at(0, 4)], highway="residential", name="一号路"),
    way(2, [at(0, 2), at(1, 2), at(1, 2), at(2, 2)], highway="footway"),  # a node repeated in a row
    way(3, [at(1, 0), at(1, 1), 999, at(1, 3), at(1, 4)], highway="service"),  # broken in two by a missing node
    way(4, [at(2, 0), 999], highway="service"),  # one located node
    way(5, [998, 999], highway="service"),  # none
    way(6, [409, 410], highway="steps"),  # two nodes in one place
    way(7, [at(3, 0), at(3, 1), at(4, 1), at(4, 0), at(3, 0)], barrier="wall"),  # closed, and still a line
    way(8, [at(3, 3), at(3, 4), at(4, 4), at(4, 3), at(3, 3)], barrier="wall", landuse="residential"),  # both
    way(9, [at(5, 0), at(5, 1), at(6, 1), at(6, 0), at(5, 0)], highway="pedestrian", area="yes"),  # a plaza
    way(10, [at(5, 3), at(5, 4), at(6, 4), at(5, 3)], highway="residential", junction="roundabout"),  # closed street
    way(11, [at(0, 6), at(1, 6), at(0, 6)], building="yes"),  # a ring of two points
    way(12, [at(0, 5), at(1, 5), at(1, 6)], building="yes"),  # not closed
    way(13, [at(2, 5), at(3, 6), at(2, 6), at(3, 5), at(2, 5)], landuse="grass"),  # a bow tie
    way(14, [at(5, 5), at(5, 6), 997, at(6, 6), at(5, 5)], building="yes"),  # a missing corner
    way(15, [301, 302, 303, 304], waterway="river"),  # far beyond the bounds at both ends
    way(16, [304, 305, 306, 301]),  # the other shore, part of relation 32 alone
    way(17, [401, 402, 403], building="apartments"),  # half the outline of relation 31, repeats it
    way(18, [403, 404, 401]),
    way(19, [405, 406, 407, 408, 405]),
    way(20, [at(2, 3), at(2, 4)], power="line"),  # nothing to us
    way(21, [at(1, 0), at(2, 0), at(3, 0)], natural="tree_row"),
    way(22, [at(6, 0), at(6, 1), at(6, 2)], highway="no"),
    way(23, [], highway="path"),
    way(24, [304, 305], highway="track"),  # 10 km outside
    way(25, [at(0, 0), at(1, 0), at(1, 1), at(0, 1), at(0, 0)], building="house"),
]
RELATIONS = [
    relation(31, [(17, "outer"), (18, "outer"), (19, "inner")], building="apartments", building__levels="6"),
    relation(32, [(15, "outer"), (16, "outer")], natural="water", water="river"),
    relation(33, [(12, "outer"), (777, "outer")], landuse="forest"),  # a member is missing, nothing closes
    relation(34, [(21, "outer"), (778, "outer")], natural="water", name="湖"),  # the shore of a lake that is not whole
    relation(35, [], type="route", route="bus"),
]
ELEMENTS = [*GRID, *OTHER_NODES, *WAYS, *RELATIONS]


def write_town(folder: Path, *, order: random.Random | None = None) -> Path:
    """Write the town as .osm, its elements shuffled by a random order where one is given."""
    elements = list(ELEMENTS)
    if order is not None:
        order.shuffle(elements)
    path = folder / f"town{'' if order is None else '-shuffled'}.osm"
    path.write_text(HEADER + BOUNDS + "\n".join(elements) + "\n</osm>\n", encoding="utf-8")
    return path


def convert(path: Path, suffix: str) -> Path:
    """Write an OSM file in another format, bounds included."""
    other = path.with_name(path.name.removesuffix(".osm") + suffix)
    header = osmium.io.Reader(str(path), osmium.osm.NOTHING).header()
    with osmium.SimpleWriter(str(other), header=header, overwrite=True) as writer:
        for element in osmium.FileProcessor(str(path)):
            writer.add(element)
    return other


def only(elements: list[str], kind: str) -> list[str]:
    """The elements of one kind."""
    return [element for element in elements if re.match(f"<{kind} ", element)]
