"""Which blocks must share a grid, and which never do?

Blocks of one *group* (a label, or blocks that stay together; groups that overlap are one) become one unit wherever they
are connected among themselves, so that no search can tear them apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import FREE, label_connected, renumber
from spatial.division.terrain import Layout
from spatial.errors import InputError

_NAMED = 6


@dataclass(frozen=True, slots=True)
class Locks:
    """What a division must keep.

    Attributes
    ----------
    fixed:
        Block id -> label: blocks of one label share a grid, blocks of different labels never do.
    together:
        Groups of block ids; the blocks of each share a grid.
    """

    fixed: Mapping[str, str] = field(default_factory=dict)
    together: tuple[tuple[str, ...], ...] = ()


class _Group(NamedTuple):
    """Blocks (ascending) that must share a grid, their label ("": none) and what the group is called."""

    blocks: Any
    label: str
    name: str


def to_locks(rows: Iterable[tuple[str, str]], together: Iterable[Iterable[str]] = ()) -> Locks:
    """Return the locks of rows (block id, label) and of groups of block ids.

    Raises
    ------
    InputError
        If a block has two labels, or a label is empty.
    """
    fixed: dict[str, str] = {}
    for block, label in rows:
        if not label:
            raise InputError(f"locks: block {block!r} has an empty label, needed a text")
        if fixed.setdefault(block, label) != label:
            raise InputError(f"locks: block {block!r} has the labels {fixed[block]!r} and {label!r}, needed one")
    return Locks(fixed, tuple(tuple(group) for group in together))


def group_units(layout: Layout, locks: Locks, ceiling: int) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the unit number by block, the lock by unit, and a sentence for each group that cannot be kept whole.

    A group above the ceiling is not merged. The parts of a group that is not connected are a unit each; those of one
    label keep the same lock, so that a grid may still join them. A block that stands alone by rule joins no group.

    Raises
    ------
    InputError
        If a block does not exist, has two labels, or a group lies in several communities.
    """
    groups = _list_groups(layout, locks)
    labels = sorted({group.label for group in groups if group.label})
    unit = np.arange(len(layout.households))
    lock = np.full(len(unit), FREE, dtype=np.int64)
    for group in groups:
        if group.label:
            lock[group.blocks] = labels.index(group.label)
    torn: list[str] = []
    for group in groups:
        whole, sentences = _judge_group(layout, group, lock, ceiling)
        torn += sentences
        for part in whole:
            unit[part] = unit[part[0]]
    unit = renumber(unit)
    by_unit = np.full(int(unit.max(initial=-1)) + 1, FREE, dtype=np.int64)
    np.maximum.at(by_unit, unit, lock)
    return unit, by_unit, tuple(torn)


def check_locks(layout: Layout, locks: Locks, part: Any) -> tuple[str, ...]:
    """Return a sentence for each group that a division tears apart, and for each two labels that it puts together."""
    sentences: list[str] = []
    seen: dict[int, _Group] = {}
    for group in _list_groups(layout, locks):
        grids = np.unique(part[group.blocks])
        if len(grids) > 1:
            sentences.append(f"{group.name} is torn into {len(grids)} grids.")
        for grid in grids.tolist() if group.label else []:
            other = seen.setdefault(grid, group)
            if other is not group:
                sentences.append(f"{other.name} and {group.name[0].lower()}{group.name[1:]} share a grid.")
    return tuple(sentences)


def _list_groups(layout: Layout, locks: Locks) -> list[_Group]:
    """Return the groups of one block or more, by their least block id; labels of one block too."""
    ids = layout.frame["block_id"].astype(str).to_numpy(dtype=object)
    place = {name: number for number, name in enumerate(ids)}
    wanted = [*locks.fixed, *(block for group in locks.together for block in group)]
    unknown = sorted({str(block) for block in wanted if str(block) not in place})
    if unknown:
        raise InputError(f"locks: found {_name(unknown)}, needed some of the {len(ids)} blocks")
    label = np.full(len(ids), "", dtype=object)
    by_label: dict[str, list[int]] = {}
    for block, text in locks.fixed.items():
        label[place[str(block)]] = str(text)
        by_label.setdefault(str(text), []).append(place[str(block)])
    bundles = [*by_label.values(), *([place[str(block)] for block in group] for group in locks.together if group)]
    pairs = np.array([(bundle[0], block) for bundle in bundles for block in bundle], dtype=np.int64).reshape(-1, 2)
    found = label_connected(len(ids), pairs[:, 0], pairs[:, 1])
    members = [np.flatnonzero(found == number) for number in np.unique(found[pairs[:, 0]])]
    groups = [_name_group(layout, blocks, label, ids) for blocks in members]
    return sorted(groups, key=lambda group: min(ids[group.blocks]))


def _name_group(layout: Layout, blocks: Any, label: Any, ids: Any) -> _Group:
    """Return the group of these blocks, refused where it has two labels or lies in two communities."""
    names = sorted(ids[blocks])
    labels = sorted(set(label[blocks]) - {""})
    if len(labels) > 1:
        example = [min(ids[blocks[label[blocks] == text]]) for text in labels[:2]]
        raise InputError(
            f"locks: {_name(names)} must share a grid, but {example[0]!r} has the label {labels[0]!r} and "
            f"{example[1]!r} the label {labels[1]!r}; needed one label"
        )
    community = layout.community[blocks]
    if len(np.unique(community)) > 1:
        other = blocks[community != community[0]][0]
        told = layout.frame["community_id"].astype(str)
        raise InputError(
            f"locks: {_name(names)} must share a grid, but block {ids[blocks[0]]!r} lies in community "
            f"{told.iloc[blocks[0]]!r} and block {ids[other]!r} in {told.iloc[other]!r}; needed one community"
        )
    name = f"Lock {labels[0]!r} ({_name(names)})" if labels else f"The group of {_name(names)}"
    return _Group(blocks, labels[0] if labels else "", name)


def _judge_group(layout: Layout, group: _Group, lock: Any, ceiling: int) -> tuple[list[Any], list[str]]:
    """Return the parts of a group that are units, and what keeps it from being one."""
    sentences = []
    ids = layout.frame["block_id"].astype(str).to_numpy(dtype=object)
    lone = group.blocks[layout.alone[group.blocks]]
    if len(lone) and len(group.blocks) > 1:
        verb = "stands" if len(lone) == 1 else "stand"
        sentences.append(f"{group.name} cannot share a grid: {_name(sorted(ids[lone]))} {verb} alone by rule.")
    blocks = group.blocks[~layout.alone[group.blocks]]
    if len(blocks) < 2:
        return [], sentences
    total, largest = int(layout.households[blocks].sum()), int(layout.households[blocks].max())
    if total > max(ceiling, largest):
        limit = max(ceiling, largest)
        sentences.append(f"{group.name} has {total} households, above the {limit} that its grid may have: not kept.")
        return [], sentences
    parts = _split(layout, blocks)
    if len(parts) > 1:
        sentences.append(_explain_parts(layout, group, parts, lock, max(ceiling, largest)))
    return parts, sentences


def _split(layout: Layout, blocks: Any) -> list[Any]:
    """Return the connected parts of some blocks, from west to east."""
    place = np.full(len(layout.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    link = layout.contiguous & (place[layout.first] >= 0) & (place[layout.second] >= 0)
    found = label_connected(len(blocks), place[layout.first[link]], place[layout.second[link]])
    return [blocks[found == number] for number in range(int(found.max()) + 1)]


def _explain_parts(layout: Layout, group: _Group, parts: list[Any], lock: Any, limit: int) -> str:
    """Return in how many parts a group lies, and which blocks with the fewest households would join them."""
    mine = max(int(lock[part[0]]) for part in parts)
    barred = layout.alone | ((lock != FREE) & (lock != mine))
    beside = _neighbours(layout, barred)
    joined, between = set(parts[0].tolist()), set[int]()
    waiting = [set(part.tolist()) for part in parts[1:]]
    while waiting:
        path = _shortest(joined, set().union(*waiting), beside, layout.households)
        if path is None:
            return f"{group.name} lies in {len(parts)} parts that no land joins which can be crossed and is free."
        reached = next(part for part in waiting if path[-1] in part)
        waiting.remove(reached)
        joined |= reached | set(path)
        between |= set(path[:-1])
    extra = np.array(sorted(between - set(group.blocks.tolist())), dtype=np.int64)
    ids = layout.frame["block_id"].astype(str).to_numpy(dtype=object)
    added = int(layout.households[extra].sum())
    total = added + int(layout.households[np.concatenate(parts)].sum())
    over = f", {total} in all, above the {limit} that its grid may have" if total > limit else ""
    return (
        f"{group.name} lies in {len(parts)} parts; {_name(sorted(ids[extra]))} with {added} households would join "
        f"them{over}."
    )


def _neighbours(layout: Layout, barred: Any) -> dict[int, list[int]]:
    """Return by block the blocks in contact with it, ascending, without those that are barred."""
    use = layout.contiguous & ~barred[layout.first] & ~barred[layout.second]
    beside: dict[int, list[int]] = {}
    for a, b in zip(layout.first[use].tolist(), layout.second[use].tolist(), strict=True):
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    return beside


def _shortest(start: set[int], goal: set[int], beside: dict[int, list[int]], households: Any) -> list[int] | None:
    """Return the blocks between start and goal, the one reached last: fewest households, then fewest blocks."""
    waiting = [(0, 0, block, -1) for block in sorted(start)]
    before: dict[int, int] = {}
    while waiting:
        cost, steps, block, origin = heappop(waiting)
        if block in before:
            continue
        before[block] = origin
        if block in goal:
            path = [block]
            while before[path[-1]] not in start:
                path.append(before[path[-1]])
            return path[::-1]
        for other in beside.get(block, ()):
            if other not in before:
                price = 0 if other in goal else int(households[other])
                heappush(waiting, (cost + price, steps + 1, other, block))
    return None


def _name(ids: list[str]) -> str:
    shown = ", ".join(ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"block {shown}" if len(ids) == 1 else f"blocks {shown}{more}"
