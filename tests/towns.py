"""Small towns drawn by hand, in metres, with answers worked by hand: the same few for every room."""

import numpy as np
import shapely

from spatial.inputs import Inputs
from tests.drawing import box, building, community, draw_town, estate, point, street, water, way


def crossroads() -> Inputs:
    """Two streets cross in the middle of 400 x 400 m; an estate is known by a point in each quarter.

    Four blocks of 40,000 m2 with 310 (SW), 420 (SE), 510 (NW) and 600 (NE) households; four borders of 200 m, all
    clear, none across the corner.
    """
    return draw_town(
        box(0, 0, 400, 400),
        ways=[street((200, -50), (200, 450)), street((-50, 200), (450, 200))],
        estates=[
            estate("sw", point(100, 100), 310),
            estate("se", point(300, 100), 420),
            estate("nw", point(100, 300), 510),
            estate("ne", point(300, 300), 600),
        ],
    )


def gated_estate() -> Inputs:
    """A walled estate of 12 buildings x 150 = 1,800 households fills the west face, 12 m off the streets; an open one
    of 400 lies in the east face.

    A service road runs through the estate from gate to gate at y = 150. Where oversize blocks are cut: six buildings
    (900 households) on either side of it, in parts of whole buildings, none above the ceiling. Under ``hefei`` the
    estate stays one block of 1,800. Either way its land reaches to the streets: 600 x 300 m.
    """
    homes = [
        building(f"b{row}{column}", box(50 + 90 * column, 70 + 120 * row, 100 + 90 * column, 90 + 120 * row), 150)
        for row in (0, 1)
        for column in range(6)
    ]
    return draw_town(
        box(0, 0, 900, 300),
        ways=[
            street((600, -50), (600, 350)),
            way((0, 150), (600, 150), highway="service"),
        ],
        estates=[
            estate("gated", box(12, 12, 588, 288), 1_800, "gated"),
            estate("open", point(750, 150), 400, "open"),
        ],
        buildings=homes,
    )


def closed_and_open() -> Inputs:
    """A closed estate of 1,800 households west of the street, 12 open buildings with 1,000 in all east of it.

    Hefei's rule: the closed estate is one unit, the open buildings are two contiguous units of 400-600 households.
    """
    open_homes = [
        building(
            f"o{row}{column}",
            box(430 + 140 * column, 30 + 90 * row, 490 + 140 * column, 50 + 90 * row),
            84 if (row, column) < (1, 1) else 83,
        )
        for row in range(4)
        for column in range(3)
    ]
    return draw_town(
        box(0, 0, 820, 370),
        ways=[street((400, -50), (400, 420))],
        estates=[estate("closed", box(10, 10, 390, 360), 1_800, "gated")],
        buildings=open_homes,
    )


def river_without_bridge() -> Inputs:
    """A river parts two estates; both lanes end at its bank.

    Two blocks of 600 x 200 m that share 600 m of river and cannot be crossed: no grid may hold both.
    """
    return draw_town(
        box(0, 0, 600, 400),
        ways=[
            way((-50, 200), (650, 200), waterway="river"),
            street((300, 450), (300, 220)),
            street((300, -50), (300, 180)),
        ],
        estates=[estate("north", point(150, 300), 480), estate("south", point(150, 100), 460)],
    )


def river_with_bridge() -> Inputs:
    """The same river with a street over it: four blocks of 300 x 200 m, all four borders can be crossed."""
    return draw_town(
        box(0, 0, 600, 400),
        ways=[
            way((-50, 200), (650, 200), waterway="river"),
            street((300, 450), (300, 220)),
            street((300, 220), (300, 180), bridge="yes", layer="1"),
            street((300, 180), (300, -50)),
        ],
        estates=[
            estate("ne", point(450, 300), 470),
            estate("nw", point(150, 300), 480),
            estate("se", point(450, 100), 490),
            estate("sw", point(150, 100), 460),
        ],
    )


def railway_with_crossing() -> Inputs:
    """A railway with a level crossing where two ways of a lane share its node; a fenced garden path ends at it.

    The lane (service) bounds no face, so there are two blocks, and the crossing on their border connects them.
    """
    return draw_town(
        box(0, 0, 600, 400),
        ways=[
            way((-50, 200), (650, 200), railway="rail"),
            way((300, 450), (300, 200), highway="service"),
            way((300, 200), (300, -50), highway="service"),
            way((500, 350), (500, 200), highway="footway"),
        ],
        estates=[estate("north", point(150, 300), 480), estate("south", point(150, 100), 460)],
    )


def railway_without_crossing() -> Inputs:
    """Two parallel tracks 6 m apart that a path touches from the north only: two blocks, no way over."""
    return draw_town(
        box(0, 0, 600, 400),
        ways=[
            way((-50, 197), (650, 197), railway="rail"),
            way((-50, 203), (650, 203), railway="rail"),
            way((500, 350), (500, 203), highway="footway"),
        ],
        estates=[estate("north", point(150, 300), 480), estate("south", point(150, 100), 460)],
    )


def dual_carriageway() -> Inputs:
    """A primary road of two carriageways 20 m apart, a roundabout of 20 m radius in its middle, and a slip road.

    Four blocks and no more: the strips between the carriageways, the island of the roundabout and the triangle of the
    slip road join a neighbour. Every border lies on a carriageway, the roundabout, the slip road or the cross street.
    """
    turn = [(500 + 20 * np.cos(a), 300 + 20 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 33)]
    return draw_town(
        box(0, 0, 1000, 600),
        ways=[
            way((-50, 310), (1050, 310), highway="primary", oneway="yes"),
            way((1050, 290), (-50, 290), highway="primary", oneway="yes"),
            way(*turn, highway="primary", junction="roundabout"),
            way((500, 650), (500, 320), highway="secondary"),
            way((500, 280), (500, -50), highway="secondary"),
            way((540, 310), (500, 350), highway="primary_link", oneway="yes"),
        ],
        estates=[
            estate("ne", point(750, 450), 470),
            estate("nw", point(250, 450), 480),
            estate("se", point(750, 150), 490),
            estate("sw", point(250, 150), 460),
        ],
    )


def two_points_in_one_face() -> Inputs:
    """Two estates known by points share 400 x 200 m: cut midway at x = 200; that border is not clear."""
    return draw_town(
        box(0, 0, 400, 200), estates=[estate("east", point(300, 100), 400), estate("west", point(100, 100), 500)]
    )


def two_points_and_a_service_road() -> Inputs:
    """The same, with a service road through at x = 240: the cut follows it and is still not a clear line."""
    return draw_town(
        box(0, 0, 400, 200),
        ways=[way((240, -20), (240, 220), highway="service")],
        estates=[estate("east", point(300, 100), 400), estate("west", point(100, 100), 500)],
    )


def points_too_near() -> Inputs:
    """Two points 10 m apart cannot be told apart: one block of 450 households; a third, 150 m off, has its own."""
    return draw_town(
        box(0, 0, 400, 200),
        estates=[
            estate("near1", point(100, 100), 200),
            estate("near2", point(110, 100), 250),
            estate("far", point(260, 100), 300),
        ],
    )


def dead_end() -> Inputs:
    """A street that ends inside does not cut: one block of 400 x 200 m with 500 households."""
    return draw_town(
        box(0, 0, 400, 200),
        ways=[street((200, -50), (200, 150))],
        estates=[estate("e", point(100, 100), 500)],
    )


def park_and_pond() -> Inputs:
    """Three faces in a row: homes, a park with a pond of 120 x 100 m, homes.

    Four blocks: 400, 0 (park), 0 (pond) and 600 households. Nobody can cross the shore, so the pond is attached to the
    park; a pond of 60 x 40 m in the west is too small to be a block.
    """
    return draw_town(
        box(0, 0, 900, 300),
        ways=[street((300, -50), (300, 350)), street((600, -50), (600, 350))],
        estates=[estate("east", point(750, 150), 600), estate("west", point(150, 150), 400)],
        areas=[water("pond", box(390, 100, 510, 200)), water("puddle", box(50, 50, 110, 90))],
    )


def oversize_point() -> Inputs:
    """1,800 households on one point, nothing to cut along: one block, oversize; with a ceiling of 700 it needs 3."""
    return draw_town(box(0, 0, 400, 200), estates=[estate("e", point(200, 100), 1_800)])


def two_communities() -> Inputs:
    """One face of 400 x 200 m in two communities that meet at x = 150: two blocks, 150 and 250 m wide."""
    return draw_town(
        [community("c1", box(0, 0, 150, 200)), community("c2", box(150, 0, 400, 200))],
        estates=[estate("east", point(300, 100), 400), estate("west", point(100, 100), 500)],
    )


def footprints_only() -> Inputs:
    """Four residential buildings of 600 m2 with 6, 6, 12 and unknown (0, taken as 6) levels, a shop, and a known total.

    At 90 m2 a household they hold 40, 40, 80, 40; scaled to the community's 1,001: 200.2 and 400.4, so by largest
    remainder 200, 200, 401, 200.
    """
    return draw_town(
        [community("c", box(0, 0, 400, 200), 1_001.0)],
        buildings=[
            building("b1", box(40, 80, 80, 95)),
            building("b2", box(120, 80, 160, 95)),
            building("b3", box(200, 80, 240, 95), levels=12.0),
            building("b4", box(280, 80, 320, 95), levels=0.0),
            building("shop", box(340, 20, 380, 35), use="commercial"),
        ],
    )


def counts_differ() -> Inputs:
    """An estate that says 500 while its buildings say 200 + 250: the buildings' 450 are used, the 50 are listed."""
    return draw_town(
        box(0, 0, 400, 200),
        estates=[estate("e", box(20, 20, 380, 180), 500, "open")],
        buildings=[
            building("b1", box(60, 80, 120, 95), 200, estate_id="e"),
            building("b2", box(200, 80, 260, 95), 250, estate_id="e"),
        ],
    )


def area_with_a_hole() -> Inputs:
    """400 x 400 m with 100 x 100 m in the middle that belong to nobody here; two streets cross in the hole.

    Four blocks of 37,500 m2; neighbours share 150 m.
    """
    outline = shapely.difference(box(0, 0, 400, 400), box(150, 150, 250, 250))
    return draw_town(
        outline,
        ways=[street((200, -50), (200, 450)), street((-50, 200), (450, 200))],
        estates=[estate("ne", point(300, 300), 600), estate("sw", point(100, 100), 310)],
    )


def communities_with_a_gap() -> Inputs:
    """Two communities with 20 m between them: two blocks that do not touch; the gap is no land of this plan."""
    return draw_town(
        [community("c1", box(0, 0, 190, 200)), community("c2", box(210, 0, 400, 200))],
        estates=[estate("east", point(300, 100), 400), estate("west", point(100, 100), 500)],
    )


def mainland_and_island() -> Inputs:
    """One community of two parts 100 m apart: two blocks, no border between them."""
    return draw_town(
        shapely.union_all([box(0, 0, 400, 200), box(500, 0, 600, 200)]),
        estates=[estate("island", point(550, 100), 90), estate("main", point(200, 100), 500)],
    )


TOWNS = (
    crossroads,
    gated_estate,
    closed_and_open,
    river_without_bridge,
    river_with_bridge,
    railway_with_crossing,
    railway_without_crossing,
    dual_carriageway,
    two_points_in_one_face,
    two_points_and_a_service_road,
    points_too_near,
    dead_end,
    park_and_pond,
    oversize_point,
    two_communities,
    footprints_only,
    counts_differ,
    area_with_a_hole,
    communities_with_a_gap,
    mainland_and_island,
)
"""All towns, for sweeps."""
