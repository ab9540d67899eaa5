"""Which layers were taken from results of jobs, in which version, and what stands in them?

What a plan was put in with stays as it is. A version that takes a layer keeps its features by their digest, so that
undo and redo name them again; a layer that no version took is the one that was put in.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.store.database import Dialect, Rows
from api.store.records import digest_of
from api.store.tables import put_features, read_served

Features = Sequence[Mapping[str, Any]]
TAKEN = ("circles", "sites", "candidates")
"""Layers that results of jobs may stand in."""
PUT_IN = ""
"""Content of a layer that is as the plan was put in with."""


def digest_layer(features: Features) -> str:
    """Return the digest of the features of a layer, whatever their order."""
    return digest_of(*_write(features).values())


def digest_layers(layers: Mapping[str, Features | None]) -> dict[str, str]:
    """Return the content of layers; None stands for what was put in."""
    return {name: PUT_IN if features is None else digest_layer(features) for name, features in layers.items()}


def _write(features: Features) -> dict[str, str]:
    """Return features as they are kept, by id."""
    return {one["id"]: orjson.dumps(one).decode() for one in sorted(features, key=lambda one: str(one["id"]))}


def find_taken(rows: Rows, plan_id: str, version: int) -> dict[str, str]:
    """Return the content of each layer of a version that is not as it was put in, by layer."""
    found = rows.all(
        "SELECT layer, content FROM layer_changes WHERE plan_id = ? AND version <= ? ORDER BY version",
        *(plan_id, version),
    )
    last = {str(layer): str(content) for layer, content in found}
    return {layer: last[layer] for layer in TAKEN if last.get(layer, PUT_IN) != PUT_IN}


def find_changed_layers(rows: Rows, plan_id: str, version: int) -> list[str]:
    """Return the layers that a version changed."""
    told = "SELECT layer FROM layer_changes WHERE plan_id = ? AND version = ? ORDER BY layer"
    return [str(row[0]) for row in rows.all(told, plan_id, version)]


def find_origins(rows: Rows, plan_id: str, version: int) -> dict[str, int]:
    """Return, by layer that is not as it was put in, the version that took it."""
    told = "SELECT min(version) FROM layer_changes WHERE plan_id = ? AND layer = ? AND content = ?"
    found = {
        layer: rows.one(told, plan_id, layer, content) for layer, content in find_taken(rows, plan_id, version).items()
    }
    return {layer: int(row[0]) for layer, row in found.items() if row is not None}


def read_content(rows: Rows, plan_id: str, layer: str, content: str) -> list[bytes]:
    """Return the features of a layer by id, as bytes ready to be sent."""
    if content == PUT_IN:
        return read_served(rows, layer, plan_id)
    found = rows.all(
        "SELECT feature FROM layer_features WHERE plan_id = ? AND content = ? ORDER BY feature_id", plan_id, content
    )
    return [row[0].encode() for row in found]


def put_layers(rows: Rows, dialect: Dialect, plan_id: str, version: int, layers: Mapping[str, Features | None]) -> None:
    """Write the layers that a version takes (None: as put in), and show them as those of the last version."""
    contents = digest_layers(layers)
    for layer, features in sorted(layers.items()):
        content = contents[layer]
        if features is not None:
            rows.run_many(
                """INSERT INTO layer_features (plan_id, content, feature_id, feature) VALUES (?, ?, ?, ?)
                   ON CONFLICT (plan_id, content, feature_id) DO NOTHING""",
                [(plan_id, content, key, text) for key, text in _write(features).items()],
            )
        rows.run(
            "INSERT INTO layer_changes (plan_id, layer, version, content) VALUES (?, ?, ?, ?)",
            *(plan_id, layer, version, content),
        )
        shown = [orjson.loads(one) for one in read_content(rows, plan_id, layer, content)]
        rows.run(f"DELETE FROM {layer} WHERE plan_id = ?", plan_id)
        put_features(rows, dialect, layer, plan_id, shown)


def inspect_layers(rows: Rows, plan_id: str, head: int) -> list[str]:
    """Return what is wrong with the layers that were taken, a sentence each."""
    kept: dict[str, list[str]] = {}
    for content, feature in rows.all(
        "SELECT content, feature FROM layer_features WHERE plan_id = ? ORDER BY content, feature_id", plan_id
    ):
        kept.setdefault(str(content), []).append(str(feature))
    found = [f"a layer of content {key} was changed" for key, some in kept.items() if digest_of(*some) != key]
    now = find_taken(rows, plan_id, head)
    for layer in TAKEN:
        wanted = {orjson.loads(one)["id"] for one in read_content(rows, plan_id, layer, now.get(layer, PUT_IN))}
        shown = {row[0] for row in rows.all(f"SELECT feature_id FROM {layer} WHERE plan_id = ?", plan_id)}
        if shown != wanted:
            found.append(f"the layer of {layer} is not the last version")
    return found
