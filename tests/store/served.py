"""What of a plan goes into a store, and edits that are made on the toy plan again and again."""

from typing import Any

import orjson

from api.store.editing import Editor
from api.store.records import Note, VersionRecord
from spatial.io.geojson import to_feature_collection
from spatial.io.plan_layers import build_layers
from spatial.plan.model import Plan

TOY = "toy-0001"


def serve_layers(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return the features of each layer of a plan, parsed."""
    layers = build_layers(plan, None)
    return {name: orjson.loads(to_feature_collection(frame))["features"] for name, frame in layers.items()}


def edit(editor: Editor, base: int, *edits: dict[str, Any], who: str = "planner", why: str = "") -> VersionRecord:
    """Make edits on a version of the toy plan."""
    change = editor.propose(TOY, base, edits)
    return editor.commit(change, Note(who, why, change.edits))


def move(block: str, to: str) -> dict[str, Any]:
    """Return the edit that moves a block."""
    return {"kind": "move_blocks", "blocks": [block], "to": to}


def rename(grid: str, name: str) -> dict[str, Any]:
    """Return the edit that renames a grid."""
    return {"kind": "rename", "grid": grid, "name": name}
