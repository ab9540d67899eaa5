"""Who may do what? Tokens by name and role; of a secret only its digest is kept."""

import hashlib
import secrets
from collections.abc import Collection

from api.store.database import Row, Rows
from api.store.errors import AccessError
from api.store.records import TokenRecord
from api.store.versions import find_head
from spatial.errors import InputError, MissingError

ROLES = ("public", "planner", "administrator")
"""From the least to the most; each may do what those before it may."""
LOCAL = "local"
"""The name of whoever needs no token: who asks on this machine of a store that has none yet."""
_TAKEN = (LOCAL, "command line")
"""Names that stand in the record, and beside jobs, of whoever had no token."""
_PREFIX = "wangge_"
_BYTES = 32
# A secret of 256 random bits cannot be guessed, so one plain digest hides it as well as a slow one.


def add_token(rows: Rows, name: str, role: str, *, when: str, plans: Collection[str] = ()) -> str:
    """Make a token, for some plans alone or for the whole store; return its secret, which is told this once.

    Raises
    ------
    InputError
        If the role is unknown, or the name empty, in use, or that of whoever has no token.
    MissingError
        If there is no such plan.
    """
    if role not in ROLES[1:]:
        raise InputError(f"found the role {role!r}, needed one of {', '.join(ROLES[1:])}")
    if not name.strip():
        raise InputError("found a token without a name, needed one that says whose it is")
    if name in _TAKEN:
        raise InputError(f"found the name {name!r}, needed another name: this one stands for whoever had no token")
    if rows.one("SELECT 1 FROM tokens WHERE name = ?", name) is not None:
        raise InputError(f"there was a token {name!r} already; needed another name, so that the record stays clear")
    secret = _PREFIX + secrets.token_urlsafe(_BYTES)
    rows.run("INSERT INTO tokens (name, role, hash, created) VALUES (?, ?, ?, ?)", name, role, hash_token(secret), when)
    for plan_id in sorted(set(plans)):
        find_head(rows, plan_id)
        rows.run("INSERT INTO token_plans VALUES (?, ?)", name, plan_id)
    return secret


def hash_token(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def revoke_token(rows: Rows, name: str, *, when: str) -> None:
    """End a token.

    Raises
    ------
    MissingError
        If there is none of this name, or it ended before.
    """
    if rows.run("UPDATE tokens SET revoked = ? WHERE name = ? AND revoked IS NULL", when, name) == 0:
        raise MissingError(f"no token {name!r} is in use")


def list_tokens(rows: Rows) -> list[TokenRecord]:
    """Return every token, also those that ended."""
    told = rows.all("SELECT name, role, created, revoked FROM tokens ORDER BY name")
    return [_to_record(rows, row) for row in told]


def find_token(rows: Rows, secret: str) -> TokenRecord:
    """Return the token of a secret.

    Raises
    ------
    AccessError
        If it is unknown or ended.
    """
    found = rows.one("SELECT name, role, created, revoked FROM tokens WHERE hash = ?", hash_token(secret))
    if found is None or found[3] is not None:
        raise AccessError("the token is unknown or was revoked", known=False)
    return _to_record(rows, found)


def _to_record(rows: Rows, found: Row) -> TokenRecord:
    """Return a token with the plans that it is for."""
    name, role, created, revoked = found
    told = rows.all("SELECT plan_id FROM token_plans WHERE name = ?", name)
    return TokenRecord(name, role, created, revoked, tuple(sorted(row[0] for row in told)))
