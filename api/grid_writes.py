"""Which edits does a grid that a client wrote ask for (OGC API - Features, Part 4)?"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import shapely

from api.store.records import Grid
from spatial.crs import CRS84, NamedSystem, from_named, to_metres
from spatial.errors import EditError, InputError
from spatial.plan.drawing import choose_drawn
from spatial.plan.ground import Ground
from spatial.plan.state import DEDICATED

WRITABLE = ("name", "locked", "attributes")
"""Properties of a grid that clients change; all others are worked out."""
CREATABLE = ("name", "purpose", "attributes", "locked")
_MEMBERS = ("type", "id", "geometry", "properties", "bbox", "links")
Edits = list[dict[str, Any]]


def read_feature(content: bytes) -> dict[str, Any]:
    """Return a feature, or a part of one, as it was sent.

    Raises
    ------
    InputError
        If it is no JSON object, or has a member that no feature has.
    """
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is no JSON: {error}; needed a GeoJSON feature") from error
    if not isinstance(body, dict):
        raise InputError(f"the body is {_kind(body)}, needed a GeoJSON feature")
    strange = sorted(set(body) - set(_MEMBERS))
    if strange:
        raise InputError(f"the body has a member {strange[0]!r}, needed only {', '.join(_MEMBERS)}")
    if body.get("type", "Feature") != "Feature":
        raise InputError(f"the body is of type {body['type']!r}, needed Feature")
    if not isinstance(body.get("properties", {}), dict):
        raise InputError(f"properties are {_kind(body['properties'])}, needed an object")
    return body


def read_area(geometry: Any, ground: Ground, system: NamedSystem) -> Any:
    """Return a geometry that was sent, in metres.

    Raises
    ------
    InputError
        If it is no GeoJSON geometry.
    CrsError
        If it lies where its system is not defined.
    """
    if not isinstance(geometry, dict):
        raise InputError(f"geometry is {_kind(geometry)}, needed a GeoJSON geometry")
    try:
        drawn = shapely.from_geojson(orjson.dumps(geometry).decode())
    except (shapely.errors.GEOSException, TypeError) as error:  # TypeError: nested deeper than any geometry is
        raise InputError(f"geometry cannot be read: {error}; needed a GeoJSON geometry") from error
    plain = shapely.force_2d(drawn) if system is CRS84 else from_named(drawn, system)
    west, south, east, north = shapely.bounds(plain)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(
            "geometry lies outside the earth; needed longitude before latitude, or its system in Content-Crs"
        )
    return to_metres(plain, ground.crs)


def ask_patch(ground: Ground, grid: Grid, body: Mapping[str, Any], system: NamedSystem) -> Edits:
    """Return the edits that a merge patch (RFC 7396) of a grid asks for; none where it changes nothing.

    Raises
    ------
    EditError
        If it changes what is worked out, or gives a value of another kind.
    """
    _require_id(grid, body)
    wanted: dict[str, Any] = body.get("properties", {})
    now = orjson.loads(grid.feature)["properties"]
    what = f"grid {grid.grid_id!r}"
    for name in sorted(set(wanted) - set(WRITABLE)):
        if name not in now:
            raise EditError(
                f"{what}: found {name!r}, needed only {', '.join(WRITABLE)} (own values go into attributes)"
            )
        if wanted[name] != now[name]:
            raise EditError(f"{what}: {name!r} is worked out and stays {now[name]!r}; found {wanted[name]!r}")
    lock = _ask_lock(what, grid, wanted)
    moves = _ask_moves(what, ground, grid, read_area(body["geometry"], ground, system)) if "geometry" in body else []
    return [
        *(one for one in lock if one["kind"] == "unlock"),
        *_ask_name(what, grid, wanted),
        *_ask_attributes(what, grid, wanted),
        *moves,
        *(one for one in lock if one["kind"] == "lock"),
    ]


def ask_replacement(ground: Ground, grid: Grid, body: Mapping[str, Any], system: NamedSystem) -> Edits:
    """Return the edits that put a whole feature in the place of a grid.

    Raises
    ------
    EditError
        As ``ask_patch``, and if the feature misses its geometry or a property that clients change.
    """
    what, properties = f"grid {grid.grid_id!r}", body.get("properties", {})
    missing = [name for name in WRITABLE if name not in properties]
    missing += [name for name in ("type", "geometry") if name not in body]
    if missing:
        raise EditError(f"{what}: found no {missing[0]!r}, needed the whole feature; a part of it is sent with PATCH")
    wanted = _read_attributes(what, properties["attributes"])
    gone = dict.fromkeys(set(grid.document["attributes"]) - set(wanted))
    return ask_patch(ground, grid, {**body, "properties": {**properties, "attributes": {**gone, **wanted}}}, system)


def ask_creation(ground: Ground, body: Mapping[str, Any], system: NamedSystem) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the edit that makes a dedicated grid of the blocks mostly in the drawn area, and what is set of it then.

    What is set is a part of a feature, for ``ask_set``.

    Raises
    ------
    EditError
        If the feature has no name or area, or tells what is worked out.
    """
    what, given = "a new grid", {k: v for k, v in body.get("properties", {}).items() if v is not None}
    if given.pop("kind", DEDICATED) != DEDICATED:
        raise EditError(f"{what}: found another kind, needed {DEDICATED}: other grids are split, merged and redrawn")
    strange = sorted(set(given) - set(CREATABLE))
    if strange:
        raise EditError(
            f"{what}: found {strange[0]!r}, which is worked out or unknown; needed only {', '.join(CREATABLE)}"
        )
    if "name" not in given:
        raise EditError(f"{what}: found no name, needed one")
    blocks = choose_drawn(ground, read_area(body.get("geometry"), ground, system), what)
    made = {"kind": "create_dedicated", "blocks": list(blocks), "name": given.pop("name")}
    if "purpose" in given:
        made["purpose"] = given.pop("purpose")
    return made, given


def ask_set(grid_id: str, given: Mapping[str, Any]) -> Edits:
    """Return the edits that set attributes and the lock of a grid that was just made."""
    what = f"grid {grid_id!r}"
    attributes = _read_attributes(what, given.get("attributes"))
    told = [{"kind": "set_attributes", "grid": grid_id, "attributes": attributes}] if attributes else []
    locked = _read_flag(what, given["locked"]) if "locked" in given else False
    return [*told, *([{"kind": "lock", "grids": [grid_id]}] if locked else [])]


def _require_id(grid: Grid, body: Mapping[str, Any]) -> None:
    if body.get("id", grid.grid_id) != grid.grid_id:
        raise EditError(f"grid {grid.grid_id!r}: found the id {body['id']!r}, needed that of the address: ids stay")


def _ask_name(what: str, grid: Grid, wanted: Mapping[str, Any]) -> Edits:
    name = "" if wanted.get("name") is None else wanted["name"]
    if not isinstance(name, str):
        raise EditError(f"{what}: name is {_kind(name)}, needed a text")
    changes = "name" in wanted and name != grid.document["name"]
    return [{"kind": "rename", "grid": grid.grid_id, "name": name}] if changes else []


def _ask_lock(what: str, grid: Grid, wanted: Mapping[str, Any]) -> Edits:
    if "locked" not in wanted or _read_flag(what, wanted["locked"]) == grid.document["locked"]:
        return []
    return [{"kind": "lock" if wanted["locked"] else "unlock", "grids": [grid.grid_id]}]


def _ask_attributes(what: str, grid: Grid, wanted: Mapping[str, Any]) -> Edits:
    now = grid.document["attributes"]
    if "attributes" in wanted and wanted["attributes"] is None:
        given: dict[str, Any] = dict.fromkeys(now)
    else:
        given = _read_attributes(what, wanted.get("attributes"))
    # A flag equals the number 1 in Python, not in a feed
    told = {key: value for key, value in given.items() if orjson.dumps(value) != orjson.dumps(now.get(key))}
    return [{"kind": "set_attributes", "grid": grid.grid_id, "attributes": told}] if told else []


def _read_attributes(what: str, value: Any) -> dict[str, Any]:
    """Return attributes; some clients send objects as texts."""
    read = value
    if isinstance(value, str):
        try:
            read = orjson.loads(value)
        except orjson.JSONDecodeError:
            read = value
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise EditError(f"{what}: attributes are {_kind(value)}, needed an object")
    return read


def _read_flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise EditError(f"{what}: locked is {_kind(value)}, needed true or false")
    return value


def _ask_moves(what: str, ground: Ground, grid: Grid, area: Any) -> Edits:
    """Return the move of the blocks that the grid gains; it cannot lose one, as nobody says who takes it."""
    drawn, held = choose_drawn(ground, area, what), set(grid.document["blocks"])
    lost = sorted(held - set(drawn))
    if lost:
        raise EditError(
            f"{what}: the drawn area leaves out {_some(lost)}, and a block is always in a grid; "
            "needed the area of the grid that takes it drawn over it, or the edit move_blocks"
        )
    gained = [block for block in drawn if block not in held]
    return [{"kind": "move_blocks", "blocks": gained, "to": grid.grid_id}] if gained else []


def _some(names: Sequence[str]) -> str:
    return f"block {names[0]!r}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a flag", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
