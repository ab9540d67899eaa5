"""Which tables does a store have?"""

from collections.abc import Iterator

from api.store.database import Dialect, Rows
from api.store.layers import STORED

FORMAT = "wangge-store"
FORMAT_VERSION = 5

_TABLES = {
    "meta": "name {key} PRIMARY KEY, value {text} NOT NULL",
    "plans": """id {serial}, plan_id {key} NOT NULL UNIQUE, title {text} NOT NULL, created {text} NOT NULL,
        created_by {text} NOT NULL, head {integer} NOT NULL, in_force {integer}, digest {text} NOT NULL,
        profile {text} NOT NULL, report {text} NOT NULL""",
    "versions": """id {serial}, plan_id {key} NOT NULL REFERENCES plans(plan_id), version {integer} NOT NULL,
        parent {integer}, kind {text} NOT NULL, state_of {integer} NOT NULL, who {text} NOT NULL, made {text} NOT NULL,
        why {text} NOT NULL, status {text} NOT NULL, digest {text} NOT NULL, edits {text} NOT NULL,
        summary {text} NOT NULL, UNIQUE (plan_id, version)""",
    "statuses": """id {serial}, plan_id {key} NOT NULL, version {integer} NOT NULL, status {text} NOT NULL,
        who {text} NOT NULL, at {text} NOT NULL, why {text} NOT NULL,
        FOREIGN KEY (plan_id, version) REFERENCES versions(plan_id, version)""",
    "drawings": """plan_id {key} NOT NULL REFERENCES plans(plan_id), drawing {key} NOT NULL, feature {text} NOT NULL,
        PRIMARY KEY (plan_id, drawing)""",
    "contents": """plan_id {key} NOT NULL REFERENCES plans(plan_id), content {key} NOT NULL, document {text} NOT NULL,
        drawing {key} NOT NULL, decided {text} NOT NULL, PRIMARY KEY (plan_id, content),
        FOREIGN KEY (plan_id, drawing) REFERENCES drawings(plan_id, drawing)""",
    "changes": """plan_id {key} NOT NULL, grid_id {key} NOT NULL, version {integer} NOT NULL,
        content {key} NOT NULL, PRIMARY KEY (plan_id, grid_id, version),
        FOREIGN KEY (plan_id, version) REFERENCES versions(plan_id, version),
        FOREIGN KEY (plan_id, content) REFERENCES contents(plan_id, content)""",
    "findings": """plan_id {key} NOT NULL, finding {key} NOT NULL, version {integer} NOT NULL,
        features {text} NOT NULL, PRIMARY KEY (plan_id, finding, version),
        FOREIGN KEY (plan_id, version) REFERENCES versions(plan_id, version)""",
    "layer_features": """plan_id {key} NOT NULL REFERENCES plans(plan_id), content {key} NOT NULL,
        feature_id {key} NOT NULL, feature {text} NOT NULL, PRIMARY KEY (plan_id, content, feature_id)""",
    "layer_changes": """plan_id {key} NOT NULL, layer {key} NOT NULL, version {integer} NOT NULL,
        content {key} NOT NULL, PRIMARY KEY (plan_id, layer, version),
        FOREIGN KEY (plan_id, version) REFERENCES versions(plan_id, version)""",
    "ground": """plan_id {key} NOT NULL REFERENCES plans(plan_id), part {key} NOT NULL, content {blob} NOT NULL,
        PRIMARY KEY (plan_id, part)""",
    "served": """plan_id {key} NOT NULL REFERENCES plans(plan_id), layer {key} NOT NULL, feature_id {key} NOT NULL,
        feature {text} NOT NULL, PRIMARY KEY (plan_id, layer, feature_id)""",
    "jobs": """id {serial}, job_id {key} NOT NULL UNIQUE, process {text} NOT NULL, status {text} NOT NULL,
        progress {integer} NOT NULL, message {text} NOT NULL, waited {flag} NOT NULL, attempts {integer} NOT NULL,
        created {text} NOT NULL, started {text}, finished {text}, updated {text} NOT NULL, problem {text},
        inputs {blob} NOT NULL, results {blob}, owner {text} NOT NULL, alive {number} NOT NULL""",
    "job_events": """job_id {key} NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE, number {integer} NOT NULL,
        kind {text} NOT NULL, data {blob} NOT NULL, PRIMARY KEY (job_id, number)""",
    "tokens": """id {serial}, name {key} NOT NULL UNIQUE, role {text} NOT NULL, hash {key} NOT NULL UNIQUE,
        created {text} NOT NULL, revoked {text}""",
    "token_plans": """name {key} NOT NULL REFERENCES tokens(name), plan_id {key} NOT NULL REFERENCES plans(plan_id),
        PRIMARY KEY (name, plan_id)""",
    "audit": """id {serial}, at {text} NOT NULL, who {text} NOT NULL, action {text} NOT NULL, subject {text} NOT NULL,
        detail {text} NOT NULL""",
}  # order matters: what is referred to stands first
_INDEXES = {"changes_version": "changes (plan_id, version)", "statuses_plan": "statuses (plan_id, status, at)"}


def create_tables(rows: Rows, dialect: Dialect) -> None:
    """Make every table of an empty store."""
    for statement in _statements(dialect):
        rows.run(statement)
    rows.run("INSERT INTO meta VALUES (?, ?)", "format", FORMAT)
    rows.run("INSERT INTO meta VALUES (?, ?)", "format_version", str(FORMAT_VERSION))


def _statements(dialect: Dialect) -> Iterator[str]:
    types = dialect.types
    for name in _TABLES:
        yield _statement(dialect, name)
    for name in _INDEXES:
        yield _index(name)
    for layer in STORED.values():
        own = ", ".join(f"{column} {types[kind]}" for column, kind in layer.columns.items())
        yield f"""CREATE TABLE {layer.name} (fid {types["serial"]}, geom {types["geometry"]}, plan_id {types["key"]},
            feature_id {types["key"]}, {own}, UNIQUE (plan_id, feature_id))"""


def create_table(rows: Rows, dialect: Dialect, name: str) -> None:
    """Make one of the tables."""
    rows.run(_statement(dialect, name))


def create_index(rows: Rows, name: str) -> None:
    """Make one of the indexes."""
    rows.run(_index(name))


def _index(name: str) -> str:
    return f"CREATE INDEX {name} ON {_INDEXES[name]}"


def _statement(dialect: Dialect, name: str) -> str:
    return f"CREATE TABLE {name} ({_TABLES[name].format_map(dialect.types)})"
