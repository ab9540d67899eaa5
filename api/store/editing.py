"""How is a plan of the store edited: its last version read, edits applied, and a new version written?

What is read is kept in memory, by plan and version: versions never change, so nothing kept grows stale.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import orjson

from api.keeping import Turns
from api.store.changing import (
    Change,
    Loaded,
    build_change,
    edit_version,
    is_new,
    list_blocks,
    list_contents,
    name_grids,
    restore_grids,
)
from api.store.findings import (
    LAYER,
    MADE_ONCE,
    NOTHING,
    build_findings,
    name_finding,
    restore_findings,
    tell_outcome,
    write_features,
)
from api.store.records import Delta, Note, VersionRecord
from api.store.serving import ServedGround, build_features, build_served_ground
from api.store.states import describe_grids, to_grids, to_state
from api.store.store import Store
from api.store.taken import PUT_IN, Features, digest_layer, digest_layers
from api.store.undo import find_redone, find_undone
from api.store.versions import Kind
from spatial.errors import EditError
from spatial.plan.adopting import adopt_assignment
from spatial.plan.checks import check_plan
from spatial.plan.edits import (
    Proposal,
    Redivide,
    Repair,
    Split,
    begin,
    build_plan_grids,
    edit_to_dict,
    propose_repair,
)
from spatial.plan.model import Plan
from spatial.plan.outcome import build_outcome
from spatial.plan.state import open_draft

_ALL = 2**31 - 1
_KEPT = 8
_SLOW = frozenset({Split.kind, Redivide.kind, Repair.kind})


def import_plan(
    store: Store, plan: Plan, layers: Mapping[str, Sequence[Mapping[str, Any]]], note: Note
) -> VersionRecord:
    """Put a plan into a store; ``layers`` are its served features (parsed), of which grids are built anew."""
    ground = build_served_ground(plan)
    draft = open_draft(ground.ground.index, begin(plan))
    told = describe_grids(ground.ground, draft, draft.grids)
    grids = to_grids(told, build_features(ground, build_plan_grids(ground.ground, draft), list_blocks(told)))
    findings = build_findings(check_plan(plan))
    for one in layers.get(LAYER, ()):
        if one["properties"]["rule"] == MADE_ONCE:
            findings.setdefault(name_finding(MADE_ONCE, one["properties"]["subject"]), []).append(dict(one))
    delta = Delta(grids, findings)
    return store.create_plan(plan, layers, delta, note)


class Editor:
    """Edits plans of a store; safe to be used by many threads."""

    def __init__(self, store: Store) -> None:
        """Keep the store; nothing is read yet."""
        self.store = store
        self._grounds: OrderedDict[tuple[str, str], ServedGround] = OrderedDict()
        self._versions: OrderedDict[tuple[str, int, str], Loaded] = OrderedDict()
        self._turns = Turns()
        self._lock = Lock()

    @contextmanager
    def turn(self, plan_id: str, edits: Sequence[Mapping[str, Any]] = ()) -> Iterator[None]:
        """Let quick edits of a plan be made one after the other: who waits learns at once whether it is stale.

        Without it each would work out its answer and all but one throw it away. Edits that the engine takes long for
        let others pass.
        """
        if any(str(edit.get("kind")) in _SLOW for edit in edits):
            yield
            return
        with self._turns.wait(plan_id):
            yield

    def load(self, plan_id: str, version: int) -> Loaded:
        """Return a version, from memory where it was read before."""
        digest = self.store.get_version(plan_id, version).digest  # a restored store may have another version so named
        found: Loaded | None = _take(self._versions, (plan_id, version, digest), self._lock)
        if found is not None:
            return found
        grids = {grid.grid_id: grid for grid in self.store.read_grids(plan_id, version)}
        held, taken = self.store.read_findings(plan_id, version), self.store.list_taken(plan_id, version)
        ground = self._ground(plan_id)
        draft = open_draft(ground.ground.index, to_state(grids.values()))
        return self._keep(Loaded(plan_id, version, digest, ground, draft, grids, held, taken))

    def _ground(self, plan_id: str) -> ServedGround:
        key = plan_id, self.store.get_version(plan_id, 1).digest  # a restored store may have another plan of this id
        found: ServedGround | None = _take(self._grounds, key, self._lock)
        if found is None:
            found = build_served_ground(self.store.read_plan(plan_id))
            _put(self._grounds, key, found, self._lock)
        return found

    def _keep(self, loaded: Loaded) -> Loaded:
        _put(self._versions, (loaded.plan_id, loaded.version, loaded.digest), loaded, self._lock)
        return loaded

    def propose(self, plan_id: str, base: int, edits: Sequence[Mapping[str, Any]]) -> Change:
        """Return what edits (as they stand on the wire) would make of the last version; nothing is written.

        Raises
        ------
        StaleError
            If ``base`` is not the last version.
        EditError
            If an edit cannot be made.
        """
        self.store.require_head(plan_id, base)
        return edit_version(self.load(plan_id, base), edits)

    def propose_since(self, plan_id: str, seen: int, edits: Sequence[Mapping[str, Any]]) -> Change:
        """Return what edits that were made on an earlier version make of the last one, if it is the same.

        It is where no grid that they name or change was changed since by anybody, and they make the same grids, to the
        byte, of both versions; what rules they break is told of the last one.

        Raises
        ------
        StaleError
            If it is not.
        EditError
            If an edit could not be made on the version that was seen.
        """
        then = edit_version(self.load(plan_id, seen), edits)
        head = self.store.get_version(plan_id).version
        if seen == head:
            return then
        changed = {one.grid_id for one in self.store.read_changed(plan_id, seen, head).grids}
        if changed.isdisjoint({*name_grids(edits), *list_contents(then)}):
            try:
                now = edit_version(self.load(plan_id, head), edits)
            except EditError:
                now = None
            if now is not None and list_contents(now) == list_contents(then):
                return now
        raise self.store.tell_stale(plan_id, seen)

    def propose_assignment(
        self, plan_id: str, base: int, assignment: Mapping[str, str], told: Mapping[str, Any]
    ) -> Change:
        """Return what an assignment of blocks makes of the last version; ``told`` says where it is from.

        Raises
        ------
        StaleError
            If ``base`` is not the last version.
        EditError
            If it is not of the plan's blocks, or changes a grid that may not be changed.
        """
        self.store.require_head(plan_id, base)
        loaded = self.load(plan_id, base)
        return build_change(loaded, adopt_assignment(loaded.ground.ground, loaded.draft, assignment), [told])

    def propose_layers(
        self, plan_id: str, base: int, layers: Mapping[str, Features], told: Mapping[str, Any]
    ) -> Change:
        """Return what taking layers in place of those of the last version makes; ``told`` says where they are from.

        Raises
        ------
        StaleError
            If ``base`` is not the last version.
        """
        self.store.require_head(plan_id, base)
        loaded = self.load(plan_id, base)
        wanted: dict[str, Features | None] = dict(layers)
        for name, features in layers.items():
            if digest_layer(features) == digest_layer(self.read_layer(plan_id, 1, name)):
                wanted[name] = None  # what was put in comes back, and with it the version that had it
        contents = digest_layers(wanted)
        changed = {name: some for name, some in wanted.items() if contents[name] != loaded.taken.get(name, PUT_IN)}
        outcome = build_outcome(loaded.ground.ground, loaded.draft, loaded.draft, ())
        return Change(loaded, outcome, Delta((), {}, changed), [told], tell_outcome(outcome))

    def read_layer(self, plan_id: str, version: int, layer: str) -> Features:
        """Return all features of a layer as it stands in a version, parsed."""
        page = self.store.features(plan_id, version, layer, limit=_ALL)
        return [orjson.loads(feature) for feature in page.features]

    def read_taken(self, change: Change) -> dict[str, Features]:
        """Return the features of the layers that a change takes, by layer, also of those that are as put in."""
        plan_id = change.base.plan_id
        return {
            name: self.read_layer(plan_id, 1, name) if features is None else features
            for name, features in change.delta.layers.items()
        }

    def propose_undo(self, plan_id: str, base: int) -> tuple[Change, int]:
        """Return what undoing the last edit would make, and the version whose state comes back."""
        self.store.require_head(plan_id, base)
        return self._propose_state(plan_id, base, find_undone(self.store.list_versions(plan_id)))

    def propose_redo(self, plan_id: str, base: int) -> tuple[Change, int]:
        """Return what redoing the edit that was last undone would make, and the version whose state comes back."""
        self.store.require_head(plan_id, base)
        return self._propose_state(plan_id, base, find_redone(self.store.list_versions(plan_id)))

    def _propose_state(self, plan_id: str, base: int, target: int) -> tuple[Change, int]:
        loaded, earlier = self.load(plan_id, base), self.load(plan_id, target)
        grids = restore_grids([*loaded.grids.values()], [*earlier.grids.values()])
        ground = loaded.ground.ground
        same = len(grids) == len(earlier.grids)
        after = earlier.draft if same else open_draft(ground.index, to_state(grids))
        outcome = build_outcome(ground, loaded.draft, after, ())
        changed = [grid for grid in grids if is_new(loaded, grid)]
        findings = restore_findings(loaded.findings, earlier.findings)
        delta = Delta(changed, findings, self._restore_layers(loaded, earlier), loaded.grids)
        return Change(loaded, outcome, delta, (), tell_outcome(outcome)), target

    def _restore_layers(self, loaded: Loaded, earlier: Loaded) -> dict[str, Features | None]:
        """Return the layers to change so that those of a version become those of an earlier one."""
        now, then = loaded.taken, earlier.taken
        return {
            name: self.read_layer(loaded.plan_id, earlier.version, name) if name in then else None
            for name in sorted(now.keys() | then.keys())
            if now.get(name) != then.get(name)
        }

    def commit(self, change: Change, note: Note, *, kind: Kind = "edit", state_of: int | None = None) -> VersionRecord:
        """Write a change as a new version; ``state_of`` is the version whose state comes back by undo or redo.

        Raises
        ------
        StaleError
            If somebody wrote another version meanwhile.
        """
        base = change.base
        made = self.store.commit_version(base.plan_id, base.version, change.delta, note, kind=kind, state_of=state_of)
        grids = {**base.grids, **{grid.grid_id: grid for grid in change.delta.grids}}
        told = {name: write_features(some) for name, some in change.delta.findings.items()}
        held = {name: text for name, text in {**base.findings, **told}.items() if text != NOTHING}
        draft = change.outcome.draft
        taken = {**base.taken, **digest_layers(change.delta.layers)}
        taken = {name: content for name, content in taken.items() if content != PUT_IN}
        self._keep(Loaded(base.plan_id, made.version, made.digest, base.ground, draft, grids, held, taken))
        return made

    def repair(self, plan_id: str, base: int, grids: Sequence[str] | None) -> tuple[Proposal, list[dict[str, Any]]]:
        """Return the fewest moves that make grids contiguous, and the moves as they stand on the wire."""
        loaded = self.load(plan_id, base)
        found = propose_repair(loaded.ground.ground, loaded.draft, grids)
        return found, [edit_to_dict(edit, loaded.ground.ground.crs) for edit in found.edits]


def _take(held: OrderedDict[Any, Any], key: Any, lock: Lock) -> Any:
    with lock:
        if key in held:
            held.move_to_end(key)
        return held.get(key)


def _put(held: OrderedDict[Any, Any], key: Any, value: Any, lock: Lock) -> None:
    with lock:
        held[key] = value
        while len(held) > _KEPT:
            held.popitem(last=False)
