"""Where do plans live? One store, whichever database keeps it."""

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api.store import findings, grids, plans, statuses, taken, tokens, versions
from api.store.database import Database
from api.store.embedded import create_embedded, open_embedded, restore_embedded
from api.store.errors import StaleError, StoreError
from api.store.history import read_features
from api.store.inspection import inspect_plans
from api.store.place import Place, is_address
from api.store.records import Changed, Delta, Grid, Note, Page, PlanRecord, TokenRecord, VersionRecord
from api.store.tables import Box
from api.store.terms import Term, read_terms
from spatial.errors import MissingError
from spatial.plan.model import Plan
from spatial.profile import Profile


def utc_now() -> str:
    """Return the time in UTC, RFC 3339, in microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Store:
    """Plans, their versions, tokens and the record of who did what; each method is one transaction.

    A method that returns has its work on the disk; one that raises has changed nothing. Every method raises StoreError
    where the database fails.
    """

    database: Database
    clock: Callable[[], str] = utc_now

    def create_plan(self, plan: Plan, layers: plans.Features, change: Delta, note: Note) -> VersionRecord:
        """Put a plan in with its served layers; ``change`` holds the grids and findings of its first version."""
        with self.database.writing() as rows:
            return plans.add_plan(rows, self.database.dialect, plan, layers, change, note, when=self.clock())

    def list_plans(self) -> list[PlanRecord]:
        """Return every plan, by id."""
        with self.database.reading() as rows:
            return plans.list_plans(rows)

    def get_plan(self, plan_id: str) -> PlanRecord:
        """Return what is told of a plan; raises MissingError if there is none."""
        with self.database.reading() as rows:
            return plans.read_record(rows, plan_id)

    def read_plan(self, plan_id: str) -> Plan:
        """Return a plan as it was put in; raises MissingError if there is none."""
        with self.database.reading() as rows:
            return plans.read_plan(rows, plan_id)

    def read_report(self, plan_id: str) -> tuple[dict[str, Any], Profile]:
        """Return what a plan reports of its making, and its profile; raises MissingError if there is no such plan."""
        with self.database.reading() as rows:
            return plans.read_report(rows, plan_id)

    def get_version(self, plan_id: str, version: int | None = None, *, as_of: str | None = None) -> VersionRecord:
        """Return a version: of a number, or the one in force at a time (RFC 3339, UTC), else the last one."""
        with self.database.reading() as rows:
            if as_of is not None:
                version = statuses.find_in_force(rows, plan_id, as_of)
            chosen = versions.find_head(rows, plan_id) if version is None else version
            return versions.read_version(rows, plan_id, chosen)

    def list_versions(self, plan_id: str) -> list[VersionRecord]:
        """Return every version of a plan, oldest first."""
        with self.database.reading() as rows:
            return versions.list_versions(rows, plan_id)

    def list_terms(self, plan_id: str) -> list[Term]:
        """Return when each version of a plan that ever came into force was in force, oldest first."""
        with self.database.reading() as rows:
            return read_terms(rows, plan_id)

    def get_grid(self, plan_id: str, version: int, grid_id: str) -> Grid:
        """Return a living grid of a version; raises MissingError if there is none."""
        with self.database.reading() as rows:
            return grids.read_grid(rows, plan_id, version, grid_id)

    def read_grids(self, plan_id: str, version: int) -> list[Grid]:
        """Return every grid of a version, living or retired, by id."""
        with self.database.reading() as rows:
            versions.read_version(rows, plan_id, version)
            return grids.read_grids(rows, plan_id, version)

    def read_findings(self, plan_id: str, version: int) -> dict[str, str]:
        """Return the rules that a version breaks: finding -> its features as a JSON list."""
        with self.database.reading() as rows:
            versions.read_version(rows, plan_id, version)
            return findings.read_findings(rows, plan_id, version)

    def read_changed(self, plan_id: str, one: int, other: int) -> Changed:
        """Return by what grids and findings a version differs from another one, earlier or later."""
        with self.database.reading() as rows:
            told = grids.read_changed(rows, plan_id, one, other)
            return Changed(told, findings.read_changed_findings(rows, plan_id, one, other))

    def look(self, plan_id: str) -> tuple[PlanRecord, list[Term], str]:
        """Return what is told of a plan, its terms, and the digest of its first version, all of one moment.

        A restored store may have another plan of the same id: its first version tells.
        """
        with self.database.reading() as rows:
            plan, terms = plans.read_record(rows, plan_id), read_terms(rows, plan_id)
            return plan, terms, versions.read_version(rows, plan_id, 1).digest

    def list_taken(self, plan_id: str, version: int) -> dict[str, str]:
        """Return the layers of a version that are not as the plan was put in with: layer -> digest of its features."""
        with self.database.reading() as rows:
            versions.read_version(rows, plan_id, version)
            return taken.find_taken(rows, plan_id, version)

    def list_origins(self, plan_id: str, version: int) -> dict[str, VersionRecord]:
        """Return, by layer of a version that is not as the plan was put in with, the version that took it."""
        with self.database.reading() as rows:
            origins = taken.find_origins(rows, plan_id, version)
            return {layer: versions.read_version(rows, plan_id, number) for layer, number in origins.items()}

    def find_state(self, plan_id: str, grid_id: str, state: str) -> int | None:
        """Return the last version that gave a grid the content that begins so; None if none ever did."""
        with self.database.reading() as rows:
            return versions.find_state(rows, plan_id, grid_id, state)

    def list_meanwhile(self, plan_id: str, base: int) -> list[dict[str, Any]]:
        """Return what changed after a version, JSON-ready."""
        with self.database.reading() as rows:
            return versions.tell_meanwhile(rows, plan_id, base)

    def require_head(self, plan_id: str, base: int) -> None:
        """Raise StaleError, with what changed meanwhile, unless a version is the last one."""
        with self.database.reading() as rows:
            versions.require_head(rows, plan_id, base)

    def tell_stale(self, plan_id: str, base: int) -> StaleError:
        """Return what tells that an edit stands on a version which is no longer the last one."""
        with self.database.reading() as rows:
            return versions.tell_stale(rows, plan_id, base, versions.find_head(rows, plan_id))

    def commit_version(
        self,
        plan_id: str,
        base: int,
        change: Delta,
        note: Note,
        *,
        kind: versions.Kind = "edit",
        state_of: int | None = None,
    ) -> VersionRecord:
        """Add a version on top of ``base`` with these changes.

        Raises
        ------
        StaleError
            If ``base`` is no longer the last version.
        """
        with self.database.writing() as rows:
            made = versions.add_version(
                *(rows, self.database.dialect, plan_id, base, change, note),
                kind=kind,
                state_of=state_of,
                when=self.clock(),
            )
            self._record(rows, note.who, kind, f"{plan_id}/{made.version}", note.why)
            return made

    def set_status(self, plan_id: str, version: int, status: str, note: Note) -> VersionRecord:
        """Take a version one step on; raises StatusError if it is not the next step."""
        with self.database.writing() as rows:
            when = self.clock()
            now = statuses.set_status(rows, self.database.dialect, plan_id, version, status, note, when=when)
            self._record(rows, note.who, status, f"{plan_id}/{version}", note.why)
            return now

    def features(
        self,
        plan_id: str,
        version: int,
        layer: str,
        *,
        box: Box | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> Page:
        """Return a page of a layer as it stood in a version; ``box`` is west, south, east, north in degrees."""
        with self.database.reading() as rows:
            return read_features(
                *(rows, self.database.dialect, plan_id, version, layer), box=box, limit=limit, offset=offset
            )

    def changed_grids(self, plan_id: str, version: int) -> list[str]:
        """Return the ids of the grids that a version changed."""
        with self.database.reading() as rows:
            return grids.find_changed(rows, plan_id, version)

    def create_token(self, name: str, role: str, plans: Collection[str] = ()) -> str:
        """Make a token, for some plans alone or for the whole store; return its secret, which is told this once."""
        with self.database.writing() as rows:
            secret = tokens.add_token(rows, name, role, when=self.clock(), plans=plans)
            told = f"{role} of {', '.join(sorted(set(plans)))}" if plans else role
            self._record(rows, "command line", "token created", name, told)
            return secret

    def revoke_token(self, name: str) -> None:
        """End a token; raises MissingError if none of this name is in use."""
        with self.database.writing() as rows:
            tokens.revoke_token(rows, name, when=self.clock())
            self._record(rows, "command line", "token revoked", name, "")

    def list_tokens(self) -> list[TokenRecord]:
        """Return every token, also those that ended."""
        with self.database.reading() as rows:
            return tokens.list_tokens(rows)

    def find_token(self, secret: str) -> TokenRecord:
        """Return the token of a secret; raises AccessError if it is unknown or ended."""
        with self.database.reading() as rows:
            return tokens.find_token(rows, secret)

    def has_tokens(self) -> bool:
        """Tell whether a token was ever made: from then on whoever has none is the public."""
        with self.database.reading() as rows:
            return rows.one("SELECT 1 FROM tokens LIMIT 1") is not None

    def list_audit(self) -> list[tuple[str, str, str, str, str]]:
        """Return who did what: time, name, action, subject and reason, oldest first."""
        with self.database.reading() as rows:
            return [tuple(row) for row in rows.all("SELECT at, who, action, subject, detail FROM audit ORDER BY id")]

    def _record(self, rows: Any, who: str, action: str, subject: str, detail: str) -> None:
        told = (self.clock(), who, action, subject, detail)
        rows.run("INSERT INTO audit (at, who, action, subject, detail) VALUES (?, ?, ?, ?, ?)", *told)

    def backup(self, target: Path) -> None:
        """Write the store as it stands at one moment to a new file, whole or not at all."""
        self.database.backup(target)

    def check(self) -> list[str]:
        """Return what is wrong with the store, a sentence each; none when all is well."""
        found = self.database.inspect()
        with self.database.reading() as rows:
            return found + inspect_plans(rows)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def open_store(place: Place) -> Store:
    """Return the store at a place.

    Raises
    ------
    MissingError
        If there is none.
    StoreError
        If it cannot be opened, or is of another format.
    """
    if is_address(place):
        from api.store.postgis import open_postgis

        return Store(open_postgis(str(place)))
    return Store(open_embedded(Path(place)))


def restore_store(source: Path, place: Place, *, replace: bool = False) -> None:
    """Put a backup in the place of a store, whole or not at all; a backup that is not whole is refused.

    Raises
    ------
    MissingError
        If there is no backup.
    StoreError
        If the backup is not whole, there is a store already and ``replace`` is not set, or PostgreSQL keeps the store.
    """
    if is_address(place):
        raise StoreError(f"found a PostgreSQL store, needed a file; restore it with `pg_restore -d ... {source}`")
    if Path(place).exists() and not replace:
        raise StoreError(f"{place} exists; say --replace to put the backup in its place")
    if not source.is_file():
        raise MissingError(f"no backup {source}")
    with TemporaryDirectory(dir=Path(place).resolve().parent, prefix=".restoring-") as beside:
        copy = Path(beside) / "copy.gpkg"  # opening a store changes its file; the backup stays as it is
        shutil.copyfile(source, copy)
        held = Store(open_embedded(copy, keep=lambda *_: f"the backup {source} stays as it is"))
        try:
            found = held.check()
        finally:
            held.close()
        if found:
            raise StoreError(f"the backup {source} is not whole: {found[0]}; needed another one")
        restore_embedded(copy, Path(place))


def create_store(place: Place) -> Store:
    """Make an empty store at a place and return it.

    Raises
    ------
    StoreError
        If there is one already, or the place cannot be written.
    """
    if is_address(place):
        from api.store.postgis import create_postgis

        return Store(create_postgis(str(place)))
    return Store(create_embedded(Path(os.fspath(place))))
