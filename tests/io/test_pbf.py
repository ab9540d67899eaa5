"""Street maps in PBF hold what libosmium finds in them; what is broken is said, with the byte where it stands."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osmium.osm.mutable import Node, Relation, Way

from spatial.errors import InputError
from spatial.io import osm_file
from spatial.io.osm_elements import VERSIONS, Elements
from spatial.io.osm_file import read_elements
from spatial.io.pbf import read_pbf
from tests.io.osm_town import convert, write_town
from tests.io.pbf_bytes import blob, block, dense, header, message, packed, steps, varint, way, write, zigzag
from tests.real_data import real

LAT, LON = 306_000_000, 1_143_000_000
"""Degrees in ten-millionths, as a file of the usual granularity holds them."""


def by_libosmium(path: Path) -> Elements:
    return osm_file._read(osmium.io.File(str(path)))


def same(one: Elements, other: Elements) -> None:
    for name in ("node_id", "lonlat", "place_row", "way_id", "refs", "offsets"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)
    assert list(one.place_tags) == list(other.place_tags)
    assert list(one.way_tags) == list(other.way_tags)
    assert list(one.relations) == list(other.relations)
    assert one.box == other.box
    assert dict(one.dropped) == dict(other.dropped)


def file_of(folder: Path, *blobs: bytes) -> Elements:
    return read_pbf(write(folder / "map.osm.pbf", header(), *blobs))


# -- by hand --------------------------------------------------------------------------------------------------------


def test_dense_nodes_ways_and_their_tags_are_read(tmp_path: Path) -> None:
    texts = ["", "barrier", "gate", "highway", "footway", "colour", "red", "name", "一号路"]
    nodes = dense([7, 9, 8], [LAT, LAT + 5, LAT - 5], [LON, LON, LON + 1], (10, packed([5, 6, 1, 2, 0, 0, 0])))
    path = way(3, [7, 9, 8], (2, packed([3, 7, 5])), (3, packed([4, 8, 6])))
    found = file_of(tmp_path, blob("OSMData", block(nodes, path, texts=texts)))
    assert found.node_id.tolist() == [7, 8, 9]
    assert found.lonlat.tolist() == [[114.3, 30.6], [114.3000001, 30.5999995], [114.3, 30.6000005]]
    assert found.node_id[found.place_row].tolist() == [7]
    assert list(found.place_tags) == [{"barrier": "gate"}]
    assert found.refs.tolist() == [7, 9, 8]
    assert list(found.way_tags) == [{"highway": "footway", "name": "一号路"}]
    assert found.box is None


def test_plain_nodes_relations_and_the_box_are_read(tmp_path: Path) -> None:
    texts = ["", "type", "multipolygon", "outer", "route", "inner", "natural", "water"]
    node = message((1, message((1, zigzag(-4)), (8, zigzag(LAT)), (9, zigzag(-LON)), (4, message((1, 3))))))
    members = (8, packed([3, 5, 3])), (9, steps([40, 41, 7])), (10, packed([1, 1, 0]))
    lake = message((4, message((1, 5), (2, packed([1, 6])), (3, packed([2, 7])), *members)))
    bus = message((4, message((1, 6), (2, packed([1])), (3, packed([4])))))
    start = header(box=(114_000_000_000, 115_000_000_000, 31_000_000_099, 30_000_000_000))
    found = read_pbf(write(tmp_path / "a.pbf", start, blob("OSMData", block(node, lake, bus, texts=texts))))
    assert found.node_id.tolist() == [-4]
    assert found.lonlat.tolist() == [[-114.3, 30.6]]
    assert found.box == (114.0, 30.0, 115.0, 31.0)
    (relation,) = found.relations
    assert relation.relation_id == 5
    assert dict(relation.tags) == {"type": "multipolygon", "natural": "water"}
    assert relation.members == ((40, "outer"), (41, "inner"))


@pytest.mark.parametrize("packing", ["raw", "zlib", "lzma"])
def test_blobs_may_be_packed_in_several_ways(tmp_path: Path, packing: str) -> None:
    found = file_of(tmp_path, blob("OSMData", block(dense([1], [LAT], [LON])), packing))
    assert found.lonlat.tolist() == [[114.3, 30.6]]


def test_coordinates_follow_granularity_and_offset(tmp_path: Path) -> None:
    extra = [(17, 1000), (19, 500), (20, 1_000_000_000)]
    nodes = dense([1, 2], [30_600_000, -30_600_000], [114_300_000, -114_300_000])
    found = file_of(tmp_path, blob("OSMData", block(nodes, extra=extra)))
    # 30.6 degrees and 500 billionths; 114.3 and one degree; south of the equator cut towards it
    assert found.lonlat.tolist() == [[115.3, 30.6000005], [-113.3, -30.5999995]]


def test_wild_coordinates_are_no_place(tmp_path: Path) -> None:
    found = file_of(tmp_path, blob("OSMData", block(dense([1, 2, 3], [LAT, 2**62, -(2**62)], [2**62, LON, LON]))))
    assert np.isnan(found.lonlat).all()
    assert found.dropped["node without usable coordinates"] == 3


def test_deleted_elements_are_passed_over(tmp_path: Path) -> None:
    info = message((1, packed([1, 2, 1])), (6, packed([1, 0, 1])))
    nodes = dense([1, 2, 3], [LAT] * 3, [LON] * 3, (5, info), (10, packed([1, 2, 0, 1, 2, 0, 1, 3, 0])))
    gone, here = way(1, [1], (4, message((6, 0)))), way(2, [3])
    texts = ["", "barrier", "gate", "bollard"]
    found = file_of(tmp_path, blob("OSMData", block(nodes, gone, here, texts=texts)))
    assert found.node_id.tolist() == [1, 3]
    assert [tags["barrier"] for tags in found.place_tags] == ["gate", "bollard"]
    assert found.way_id.tolist() == [2]


def test_of_an_element_in_several_versions_the_newest_stays(tmp_path: Path) -> None:
    new = dense([5], [LAT], [LON], (5, message((1, packed([4])))))
    old = dense([5], [LAT + 9], [LON], (5, message((1, packed([3])))))
    ways = [way(1, [5, 6], (4, message((1, version)))) for version in (2, 2)]
    later = way(1, [6, 5], (4, message((1, 9))))
    found = file_of(tmp_path, blob("OSMData", block(later, new, *ways)), blob("OSMData", block(old)))
    assert found.lonlat.tolist() == [[114.3, 30.6]]
    assert found.refs.tolist() == [6, 5]
    assert found.dropped[VERSIONS] == 2


def test_blobs_of_other_kinds_and_fields_not_known_are_passed_over(tmp_path: Path) -> None:
    more = message((2, message((1, steps([1])), (8, steps([LAT])), (9, steps([LON])), (77, b"x"), (78, 5))))
    narrow = varint(99 << 3 | 5) + b"abcd" + varint(98 << 3 | 1) + b"abcdefgh"
    found = file_of(tmp_path, blob("Index", b"\xff\xff"), blob("OSMData", block(more) + narrow))
    assert found.node_id.tolist() == [1]


# -- what is wrong --------------------------------------------------------------------------------------------------

GOOD = block(dense([1], [LAT], [LON]))
WRONG = {
    "no header": ([blob("OSMData", GOOD)], "at byte 0 .*needed OSMHeader"),
    "empty": ([b""], "at byte 0 it ends: it is empty"),
    "header length": ([header(), b"\x7f\xff\xff\xff"], f"at byte {len(header())} a blob header of 2,147,483,647 bytes"),
    "feature": ([header("OsmSchema-V0.6", "Teleports")], "needs the feature 'Teleports'"),
    "packing": ([header(), blob("OSMData", GOOD, "zstd")], "packed with zstd .*needed none, zlib or lzma"),
    "more keys": (
        [header(), blob("OSMData", block(way(1, [1], (2, packed([0])))))], "more keys than values"),
    "text": ([header(), blob("OSMData", block(way(1, [1], (2, packed([9])), (3, packed([0])))))], "names text 9 of 1"),
    "huge text": (
        [header(), blob("OSMData", block(way(1, [1], (2, packed([2**63])), (3, packed([0])))))], "names text"),
    "latitudes": (
        [header(), blob("OSMData", block(dense([1, 2], [LAT], [LON, LON])))], "2 dense nodes and 1 latitudes"),
    "dense tags": (
        [header(), blob("OSMData", block(dense([1], [LAT], [LON], (10, packed([1])))))], "tags of dense nodes"),
    "endless number": ([header(), blob("OSMData", block(way(1, [1]) + varint(3 << 3 | 2) + b"\xff\xff"))], "no field"),
    "endless step": ([header(), blob("OSMData", block(message((3, message((1, 1), (8, b"\x81"))))))], "without an end"),
    "long number": (
        [header(), blob("OSMData", block(message((3, message((1, 1), (8, b"\xff" * 12 + b"\1"))))))], "without an end"),
    "refs as one number": ([header(), blob("OSMData", block(message((3, message((1, 1), (8, 5))))))], "not packed"),
    "refs as a number below zero": (
        [header(), blob("OSMData", block(message((3, message((1, 1), (8, -(2**40)))))))], "not packed"),
    "no place": ([header(), blob("OSMData", block(message((1, message((1, 2), (8, 3))))))], "without a latitude"),
    "negative version": ([header(), blob("OSMData", block(way(1, [1], (4, message((1, -7))))))], "negative version"),
    "granularity": ([header(), blob("OSMData", block(dense([1], [1], [1]), extra=[(17, 0)]))], "granularity of 0"),
    "no utf-8": (
        [header(), blob("OSMData", message((1, message((1, b""), (1, b"name"), (1, b"\xff"))),
                                           (2, way(1, [1], (2, packed([1])), (3, packed([2]))))))], "no UTF-8"),
    "bomb": ([header(), blob("OSMData", bytes(40 * 2**20))], "unpacks to 41,943,040 bytes, needed at most 33,554,432"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, name: str) -> None:
    blobs, words = WRONG[name]
    path = write(tmp_path / "wrong.osm.pbf", *blobs)
    with pytest.raises(InputError, match=f"wrong.osm.pbf.*{words}"):
        read_elements(path)


def test_a_lie_about_the_size_is_found(tmp_path: Path) -> None:
    whole = blob("OSMData", GOOD)
    lie = whole.replace(varint(2 << 3) + varint(len(GOOD)), varint(2 << 3) + varint(len(GOOD) - 1))
    assert lie != whole
    with pytest.raises(InputError, match="does not unpack to"):
        read_elements(write(tmp_path / "a.pbf", header(), lie))


def test_a_file_cut_anywhere_says_where_it_ends(tmp_path: Path) -> None:
    whole = header() + blob("OSMData", GOOD) + blob("OSMData", GOOD)
    ends = {len(header()), len(header()) + len(blob("OSMData", GOOD))}
    for size in range(len(whole)):
        path = write(tmp_path / "cut.pbf", whole[:size])
        if size in ends:
            read_elements(path)
            continue
        with pytest.raises(InputError, match=r"cut.pbf is no whole OpenStreetMap file: at byte [\d,]+ it ends"):
            read_elements(path)


def test_a_real_file_cut_in_half_says_where_it_ends(tmp_path: Path) -> None:
    data = real("porto-alegre/poa.osm.pbf").read_bytes()
    path = write(tmp_path / "half.osm.pbf", data[: len(data) // 2])
    with pytest.raises(InputError, match=r"half\.osm\.pbf .*at byte 450,289 it ends: .* of what starts at byte"):
        read_elements(path)


def _damaged_blocks(content: bytes, rng: random.Random, turns: int) -> Any:
    for _ in range(turns):
        data = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 8))):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        yield bytes(data)


def test_whatever_bytes_stand_in_a_block_there_is_an_answer_or_an_error(tmp_path: Path) -> None:
    texts = ["", "barrier", "gate", "type", "multipolygon"]
    nodes = dense([1, 2], [LAT, LAT], [LON, LON], (5, message((1, packed([1, 1])))), (10, packed([1, 2, 0, 0])))
    plain = message((1, message((1, 2), (8, zigzag(LAT)), (9, zigzag(LON)))))
    lake = message((4, message((1, 5), (2, packed([3])), (3, packed([4])), (8, b"\0"), (9, b"\2"), (10, b"\1"))))
    content = block(nodes, plain, way(1, [1, 2], (2, packed([1])), (3, packed([2]))), lake, texts=texts)
    read, refused = 0, []
    for data in _damaged_blocks(content, random.Random(5), 1500):
        try:
            read_elements(write(tmp_path / "wild.pbf", header(), blob("OSMData", data, "raw")))
            read += 1
        except InputError as error:
            refused.append(str(error))
    assert read > 100
    assert len(refused) > 100
    assert all("wild.pbf" in text and "at byte" in text for text in refused)


# -- against libosmium ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["porto-alegre/poa.osm.pbf", "helsinki/helsinki.osm.pbf"])
def test_real_files_hold_what_libosmium_finds(name: str) -> None:
    same(read_pbf(real(name)), by_libosmium(real(name)))


def test_the_broken_town_holds_what_libosmium_finds(tmp_path: Path) -> None:
    for order in (None, random.Random(3)):
        path = convert(write_town(tmp_path, order=order), ".osm.pbf")
        same(read_pbf(path), by_libosmium(path))


_KEYS = ("highway", "barrier", "name", "type", "natural", "colour", "foot")
_TAGS = st.dictionaries(
    st.sampled_from(_KEYS), st.sampled_from(("gate", "yes", "multipolygon", "湖", "water", "")), max_size=3
)
_IDS = st.integers(-30, 30) | st.integers(2**31, 2**31 + 5) | st.integers(2**40, 2**40 + 3)
_PLACE = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
_MEMBERS = st.lists(
    st.tuples(st.sampled_from("nwr"), st.integers(1, 50), st.sampled_from(("outer", "inner", ""))), max_size=4
)
_VERSION = st.integers(1, 3)
_NODES = st.builds(lambda i, v, p, t: Node(id=i, version=v, location=p, tags=t), _IDS, _VERSION, _PLACE, _TAGS)
_WAYS = st.builds(
    lambda i, v, r, t: Way(id=i, version=v, nodes=r, tags=t), _IDS, _VERSION, st.lists(_IDS, max_size=5), _TAGS
)
_RELATIONS = st.builds(lambda i, v, m, t: Relation(id=i, version=v, members=m, tags=t), _IDS, _VERSION, _MEMBERS, _TAGS)
_WAYS_OF_WRITING = ("pbf", "pbf,pbf_dense_nodes=false", "pbf,pbf_compression=none", "pbf,locations_on_ways=true",
                    "pbf,add_metadata=none", "pbf,add_metadata=all")  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    elements=st.lists(_NODES | _WAYS | _RELATIONS, max_size=25),
    how=st.sampled_from(_WAYS_OF_WRITING),
)
def test_made_files_hold_what_libosmium_finds(tmp_path: Path, elements: list[Any], how: str) -> None:
    path = tmp_path / "made.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(path), how), overwrite=True) as writer:
        for element in elements:
            writer.add(element)
    same(read_pbf(path), by_libosmium(path))
