"""What does a store hold: plans, versions, grids, pages of features and tokens, as values?"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

STATUSES = ("draft", "field_checked", "under_publication", "approved", "in_force", "superseded")
"""The life of a version; each step leads to the next one and no other."""

DECIDED = ("name", "locked", "attributes", "predecessors")
"""What is served of a grid beside GRIDS, and what may change of it while all that is measured of it stays."""


def canonical(document: Any) -> str:
    """Return a JSON-ready value as text that is equal for equal values."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def digest_of(*parts: str | bytes) -> str:
    """Return the SHA-256 over texts, each with its length before it."""
    contents = [part.encode() if isinstance(part, str) else bytes(part) for part in parts]
    return hashlib.sha256(b"".join([told for one in contents for told in (b"%d:" % len(one), one)])).hexdigest()


def tell_decided(document: Mapping[str, Any]) -> bytes:
    """Return the end of the feature of a grid: what is decided of it comes after all that is measured."""
    return b"," + orjson.dumps({name: document[name] for name in DECIDED})[1:] + b"}"


@dataclass(frozen=True)
class Grid:
    """One grid of a version, living or retired: what is decided of it, and how it is served.

    Attributes
    ----------
    grid_id:
        Stays with the grid from version to version.
    document:
        All that was decided, JSON-ready: ``blocks`` (sorted ids), ``code``, ``name``, ``locked`` and the like.
    drawn:
        The GeoJSON feature that is served, as bytes, up to what is decided: the same while the grid has the same blocks
        and measures the same. It is empty for a retired grid, which keeps its id and code for ever.
    decided:
        The rest of the feature.
    """

    grid_id: str
    document: Mapping[str, Any]
    drawn: bytes = b""
    decided: bytes = b""

    @cached_property
    def text(self) -> str:
        """The document as it is kept."""
        return canonical(self.document)

    @cached_property
    def drawing(self) -> str:
        """Digest of how it is drawn."""
        return digest_of(self.drawn)

    @cached_property
    def feature(self) -> bytes:
        """The GeoJSON feature that is served; empty for a retired grid."""
        return self.drawn + self.decided

    @cached_property
    def content(self) -> str:
        """Digest of document and feature: equal grids have equal ones, whatever their version."""
        return digest_of(self.text, self.feature)


@dataclass(frozen=True, slots=True)
class Delta:
    """What a version changes.

    Attributes
    ----------
    grids:
        Living or retired.
    findings:
        By name (see ``api.store.findings``).
    layers:
        Features of whole layers, parsed, by layer; None where one is again as the plan was put in with.
    before:
        Some grids as they are in the version that is changed, by id; the others are read.
    """

    grids: Sequence[Grid]
    findings: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    layers: Mapping[str, Sequence[Mapping[str, Any]] | None] = field(default_factory=dict)
    before: Mapping[str, Grid] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing is changed."""
        return not (self.grids or self.findings or self.layers)


@dataclass(frozen=True, slots=True)
class Changed:
    """By what a version differs from another one: its grids, and features of its findings by id.

    A grid without a feature is none of its living ones, and a finding that is None is none of its.
    """

    grids: Sequence[Grid]
    findings: Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Note:
    """Who makes a version and why; ``edits`` and ``summary`` tell what was asked and what came of it, JSON-ready."""

    who: str
    why: str
    edits: Sequence[Mapping[str, Any]] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan as a whole: ``head`` is its last version, ``in_force`` the one that is in force, if any."""

    plan_id: str
    title: str
    created: str
    created_by: str
    head: int
    in_force: int | None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version: never changed once made, but for its status.

    Attributes
    ----------
    parent:
        The version before; None for the first one.
    kind:
        ``import``, ``edit``, ``layers``, ``undo`` or ``redo``.
    state_of:
        The version that made the state this one has: its own number, or an earlier one after undo and redo.
    when:
        Time of making, RFC 3339 in UTC.
    digest:
        SHA-256 over every grid, the ground below and the layers that were taken: equal maps have equal digests.
    """

    plan_id: str
    version: int
    parent: int | None
    kind: str
    state_of: int
    who: str
    when: str
    why: str
    status: str
    digest: str
    edits: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Features of a layer in the order of their ids, ready to be sent, and how many there are in all."""

    features: tuple[bytes, ...]
    matched: int


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token without its secret; ``revoked`` is when it ended, if it did.

    ``plans`` are those that it is for, sorted; without any it is for the whole store.
    """

    name: str
    role: str
    created: str
    revoked: str | None
    plans: tuple[str, ...] = ()
