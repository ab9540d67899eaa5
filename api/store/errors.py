"""What can go wrong with a store?

StoreError (SpatialError)          the store cannot be read or written: no room, locked, broken, unreachable
StaleError (SpatialError)          an edit stands on a version that is no longer the last one
StaleGridError (SpatialError)      a grid is written to that is not as it was seen any more
StatusError (InputError)           a version cannot take this step from its status
AccessError (SpatialError)         a token is missing, unknown or of too low a role
"""

from collections.abc import Sequence
from typing import Any

from api.store.records import VersionRecord
from spatial.errors import InputError, SpatialError


class StoreError(SpatialError):
    """The store cannot be read or written; nothing of what was begun is kept."""


class StatusError(InputError):
    """A version cannot take this step from its status."""


class StaleError(SpatialError):
    """An edit stands on a version that is no longer the last one; ``meanwhile`` tells what changed since."""

    def __init__(self, plan_id: str, base: int, head: int, meanwhile: Sequence[dict[str, Any]]) -> None:
        """Keep which version was edited, which is the last one, and what lies between."""
        names = ("grids", "layers")
        grids = [one for name in names for one in sorted({one for version in meanwhile for one in version[name]})]
        some = ", ".join(grids[:5]) + (" and more" if len(grids) > 5 else "")
        super().__init__(
            f"plan {plan_id!r} stands at version {head}, the edit was made on version {base}; meanwhile changed: "
            f"{some or 'nothing but the order of versions'}; look at them and edit version {head}"
        )
        self.plan_id, self.base, self.head, self.meanwhile = plan_id, base, head, list(meanwhile)

    def to_dict(self) -> dict[str, Any]:
        """Return what a client needs to catch up, JSON-ready."""
        return {"plan_id": self.plan_id, "base": self.base, "head": self.head, "meanwhile": self.meanwhile}


class StaleGridError(SpatialError):
    """A grid, or the plan, is not as who changes it saw it; ``meanwhile`` tells what changed since."""

    def __init__(self, what: str, head: VersionRecord, base: int, meanwhile: Sequence[dict[str, Any]]) -> None:
        """Keep in which version it was as it was seen, which is the last one, and what changed it since."""
        by = ", ".join(f"version {one['version']} by {one['who']}" for one in meanwhile[-3:])
        super().__init__(f"If-Match names the {what} as it was in version {base}; changed since: {by}; read it again")
        self.head, self.base, self.meanwhile = head, base, list(meanwhile)

    def to_dict(self) -> dict[str, Any]:
        """Return what a client needs to catch up, JSON-ready."""
        head = self.head
        return {"plan_id": head.plan_id, "base": self.base, "head": head.version, "meanwhile": self.meanwhile}


class AccessError(SpatialError):
    """A token is missing or unknown (``known`` is False), or of too low a role."""

    def __init__(self, text: str, *, known: bool) -> None:
        """Keep the sentence, and whether it is known who asks."""
        super().__init__(text)
        self.known = known
