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

import numpy as np

from spatial.errors import InputError
from spatial.io.osm_columns import join_tables
from spatial.io.osm_elements import MAX_NODES, Columns, Elements, sort_columns
from spatial.io.pbf_blobs import Blob, read_blobs, read_header, unpack_blob
from spatial.io.pbf_blocks import Block, read_block

_THREADS = 4
_FLAT = ("node_id", "node_version", "x", "y", "place_id", "place_version", "way_id", "way_version", "refs", "counts")
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
    nodes = 0
    for block in _in_order(blobs):
        nodes += len(block.node_id)
        if nodes > MAX_NODES:
            raise InputError(f"holds more than {MAX_NODES:,} nodes, needed the extract of a city or a province")
        blocks.append(_settle(block))
    return sort_columns(_join(blocks), box)


def _in_order(blobs: Iterator[Blob]) -> Iterator[Block]:
    """Give the blocks in their order; several are worked on at a time. Blobs of kinds not known are passed over."""
    data = (blob for blob in blobs if blob.kind == "OSMData")
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        while batch := list(islice(data, _AHEAD)):
            yield from pool.map(_open, batch)


def _open(blob: Blob) -> Block:
    return read_block(unpack_blob(blob), blob.at)


def _settle(block: Block) -> Block:
    """Return a copy: what a thread made lies in a heap of its own, where it is in nobody else's use once it is free."""
    flat = {name: getattr(block, name).copy() for name in _FLAT}
    return replace(block, **flat, place_tags=block.place_tags.copy(), way_tags=block.way_tags.copy())


def _join(blocks: list[Block]) -> Columns:
    flat = {
        name: np.concatenate([np.empty(0, dtype=np.int64), *(getattr(block, name) for block in blocks)])
        for name in _FLAT
    }
    return Columns(
        **flat,
        place_tags=join_tables([block.place_tags for block in blocks]),
        way_tags=join_tables([block.way_tags for block in blocks]),
        relations=tuple(entry for block in blocks for entry in block.relations),
    )
