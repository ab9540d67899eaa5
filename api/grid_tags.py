"""On which state of a grid is a change made? Entity tags of single grids, and If-Match."""

import hashlib
import re
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request
from starlette.exceptions import HTTPException

from api.plan_answers import tag_of
from api.plan_query import find_named
from api.store.errors import StaleGridError
from api.store.records import Grid, VersionRecord
from api.store.store import Store

_STATE = re.compile(r'"([0-9a-f]{20})-[0-9a-f]{12}"')


def tag_of_state(state: str, address: str, media_type: str) -> str:
    """Return the entity tag of a grid: of its state, and of the address and the form in which it is told."""
    told = hashlib.sha256(f"{address} {media_type}".encode()).hexdigest()
    return f'"{state[:20]}-{told[:12]}"'


def require_match(request: Request, store: Store, head: VersionRecord, grid: Grid | None) -> None:
    """Refuse a change that was not made on what is there now; ``grid`` is the one to be changed.

    If-Match names the grid as it was told in whatever form, or the whole plan; ``*`` is whatever is there, for clients
    that cannot name more. Other grids may have changed since.

    Raises
    ------
    HTTPException
        428 if there is no If-Match, 412 if it names nothing that ever was.
    StaleGridError
        If it names an earlier state; it tells what changed since.
    """
    given = request.headers.get("if-match")
    what = "plan" if grid is None else f"grid {grid.grid_id!r}"
    if given is None:
        detail = f"found no If-Match, needed the ETag of the {what} as you saw it (or * for whatever it is now)"
        raise HTTPException(HTTPStatus.PRECONDITION_REQUIRED, detail)
    tags = [f'"{part.strip().removeprefix("W/").strip(chr(34))}"' for part in given.split(",")]
    states = [found[1] for found in map(_STATE.fullmatch, tags) if found]
    known = grid is not None and grid.content[:20] in states
    if known or '"*"' in tags or tag_of(head) in tags:
        return
    if grid is not None:
        _refuse_old_states(store, head, grid, states)
    before = find_named(store, head, tags)
    if before is not None:
        raise StaleGridError(what, head, before, store.list_meanwhile(head.plan_id, before))
    detail = f"If-Match is {given!r}, which is not the {what} as it is now; read it again"
    raise HTTPException(HTTPStatus.PRECONDITION_FAILED, detail)


def _refuse_old_states(store: Store, head: VersionRecord, grid: Grid, states: Sequence[str]) -> None:
    """Refuse a change that was made on an earlier state of a grid; one that it never had is passed by."""
    for state in states:
        before = store.find_state(head.plan_id, grid.grid_id, state)
        if before is not None:
            since = store.list_meanwhile(head.plan_id, before)
            own = [one for one in since if grid.grid_id in one["grids"]]
            raise StaleGridError(f"grid {grid.grid_id!r}", head, before, own)
