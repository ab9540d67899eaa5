"""Which elements does a .osm.pbf file hold?

Blobs are inflated and taken apart by compiled kernels, several at a time, into the columns that elements are sorted
from; no object is made per element.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spatial.errors import InputError
from spatial.io.osm_columns import TagTable
from spatial.io.osm_elements import MAX_NODES, Columns, Elements, sort_columns
from spatial.io.pbf_blobs import Blob, read_blobs, read_header, unpack_blob
from spatial.io.pbf_blocks import Block, TagColumns, read_block
from spatial.io.pbf_texts import Codes, TextBook, number_texts

_THREADS = 4
_FLAT = ("node_id", "node_version", "x", "y", "place_id", "place_version", "way_id", "way_version", "refs", "counts")
_NO_TEXTS, _NO_DATA = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.uint8)
_AHEAD = 16  # blobs in memory at a time, at most 32 MiB each


def read_pbf(path: Path) -> Elements:
    """Return the elements of a ``.osm.pbf`` file, whatever their order; each once, the newest version of it.

    Raises
    ------
    InputError
        If the file is cut short or damaged, is packed in a way or needs a feature that is not understood, or holds
        more nodes than a province has.
    """
    blobs = read_blobs(path)
    first = next(blobs)
    box = read_header(first)
    blocks: list[Block] = []
    book, nodes = TextBook(), 0
    for block in _in_order(blobs):
        nodes += len(block.node_id)
        if nodes > MAX_NODES:
            raise InputError(f"holds more than {MAX_NODES:,} nodes, needed the extract of a city or a province")
        values = np.concatenate([block.place_tags.value, block.way_tags.value])
        book, codes = number_texts(book, block.data, block.texts, values, block.at)
        blocks.append(_settle(block, codes))
    return sort_columns(_join(blocks, tuple(book.texts)), box)


def _in_order(blobs: Iterator[Blob]) -> Iterator[Block]:
    """Give the blocks in their order; several are worked on at a time. Blobs of kinds not known are passed over."""
    data = (blob for blob in blobs if blob.kind == "OSMData")
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        while batch := list(islice(data, _AHEAD)):
            yield from pool.map(_open, batch)


def _open(blob: Blob) -> Block:
    return read_block(unpack_blob(blob), blob.at)


def _settle(block: Block, codes: Codes) -> Block:
    """Return a copy without its texts, whose tags have these numbers for them.

    What a thread made lies in a heap of its own, where it is in nobody else's use once it is free.
    """
    flat: dict[str, Any] = {name: _copy(getattr(block, name)) for name in _FLAT}
    places, ways = block.place_tags, block.way_tags
    of_places, of_ways = codes[: len(places.value)], codes[len(places.value) :]
    return replace(
        block,
        place_tags=TagColumns(_copy(places.owner), _copy(places.key), of_places),
        way_tags=TagColumns(_copy(ways.owner), _copy(ways.key), of_ways),
        texts=_NO_TEXTS,
        data=_NO_DATA,
        **flat,
    )


def _copy(values: Any) -> Any:
    return values.copy() if len(values) else values[:0]


def _join(blocks: list[Block], texts: tuple[str, ...]) -> Columns:
    none = np.empty(0, dtype=np.int64)
    flat: dict[str, Any] = {name: np.concatenate([none, *(getattr(block, name) for block in blocks)]) for name in _FLAT}
    return Columns(
        **flat,
        place_tags=_join_tags([block.place_tags for block in blocks], [len(block.place_id) for block in blocks], texts),
        way_tags=_join_tags([block.way_tags for block in blocks], [len(block.way_id) for block in blocks], texts),
        relations=tuple(entry for block in blocks for entry in block.relations),
    )


def _join_tags(tags: list[TagColumns], sizes: list[int], texts: tuple[str, ...]) -> TagTable:
    """Return the tags of all blocks, whose values are numbers of the same texts."""
    starts = np.cumsum([0, *sizes]).tolist()
    none = np.empty(0, dtype=np.int32)
    return TagTable(
        starts[-1],
        np.concatenate(
            [none.astype(np.int64), *(some.owner + start for some, start in zip(tags, starts, strict=False))]
        ),
        np.concatenate([none, *(some.key for some in tags)]),
        np.concatenate([none, *(some.value for some in tags)]),
        texts,
    )
