"""Which files does a planner bring, and what does ``district.toml`` say of them?"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spatial.crs import CoordType
from spatial.errors import InputError
from spatial.io.features import locate
from spatial.io.profiles import DEFAULT_PROFILE
from spatial.io.systems import check_coords

DISTRICT_FILE = "district.toml"
_FILES = (
    "area", "communities", "osm", "estates", "buildings", "gates", "candidates", "existing", "current", "pois",
    "vertical_grids",
)  # fmt: skip
_MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Sources:
    """The inputs of a plan, each by its path; what is None is not there.

    A path may be followed by the layer and the name of the rows wanted: ``districts.gpkg|layer=outlines|name=江岸区``.

    Attributes
    ----------
    area, communities:
        Outline to be divided; communities (社区) with code, name and households.
    osm, place:
        Street map on disk, or the name of a place to fetch from OpenStreetMap; one of both.
    estates, buildings, gates, candidates, existing, pois, vertical_grids:
        Registers or map layers, see ``data/README.md``.
    current:
        Today's grids: one path, or several, one per department.
    coords:
        What longitudes and latitudes mean in files that declare no system: ``wgs84``, ``cgcs2000``, ``gcj02`` or
        ``bd09``; or for single inputs, whatever they declare: ``estates=bd09, area=gcj02``.
    crs:
        System of files with projected coordinates that declare none, such as ``EPSG:4547``.
    name:
        What the district is called.
    attribution:
        Whom the street map is credited to, "" for nobody; without it the kind of file tells (OpenStreetMap or not).
    """

    area: Path | str | None = None
    communities: Path | str | None = None
    osm: Path | str | None = None
    place: str | None = None
    estates: Path | str | None = None
    buildings: Path | str | None = None
    gates: Path | str | None = None
    candidates: Path | str | None = None
    existing: Path | str | None = None
    current: Path | str | tuple[Path | str, ...] | None = None
    pois: Path | str | None = None
    vertical_grids: Path | str | None = None
    coords: str = "wgs84"
    crs: str | None = None
    name: str = ""
    attribution: str | None = None


def read_sources(folder: str | Path) -> tuple[Sources, str]:
    """Return the inputs that a folder's ``district.toml`` names, and the profile, by name or path.

    Raises
    ------
    InputError
        If the file is missing, is not TOML, has an unknown key or a value of another kind, or names a file that is
        missing or outside the folder.
    """
    root = Path(folder).resolve()
    document = _read_toml(root / DISTRICT_FILE)
    known = {field.name for field in fields(Sources)} | {"profile"}
    for key in document:
        if key not in known:
            raise InputError(f"{DISTRICT_FILE}: unknown key {key!r}; known are {', '.join(sorted(known))}")
    profile = _text(document.pop("profile", DEFAULT_PROFILE), "profile")
    if profile.endswith(".toml"):
        profile = _inside(root, profile, "profile")
    return Sources(**{key: _value(root, key, value) for key, value in document.items()}), profile


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.parent.is_dir():
        raise InputError(f"found no folder {path.parent}; needed one with a {DISTRICT_FILE} that names the inputs")
    if not path.is_file():
        made = path.with_name("plan.gpkg").is_file()
        divide = f"wangge divide --blocks {path.with_name('plan.gpkg')}:blocks --households households"
        hint = f"; it is a plan that was made: `{divide}` divides it" if made else ""
        raise InputError(f"folder {path.parent} has no {DISTRICT_FILE}; needed one that names the inputs{hint}")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{DISTRICT_FILE} has {path.stat().st_size:,} bytes; needed at most {_MAX_BYTES:,}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{DISTRICT_FILE} is not readable as TOML: {error}") from error


def _value(root: Path, key: str, value: Any) -> Any:
    if key == "current" and isinstance(value, list):
        return tuple(_inside(root, _text(one, key), key) for one in value)
    if key == "coords" and isinstance(value, Mapping):
        return ", ".join(f"{name}={_text(kind, f'coords.{name}')}" for name, kind in sorted(value.items()))
    if key == "attribution" and value == "":
        return value
    text = _text(value, key)
    return _inside(root, text, key) if key in _FILES else text


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{DISTRICT_FILE}: {key} is {value!r}, needed a text")
    return value.strip()


def _inside(root: Path, text: str, key: str) -> str:
    """Return a path of the folder, links followed, with the parts after ``|`` as they were."""
    file, bar, rest = text.partition("|")
    file = file.strip()
    path = (root / file).resolve()
    if "\0" in file or Path(file).is_absolute() or not path.is_relative_to(root):
        raise InputError(f"{DISTRICT_FILE}: {key} is {text!r}, which leads out of the folder; needed a file inside it")
    if not path.is_file():
        raise InputError(f"{DISTRICT_FILE}: {key} is {text!r}, which is not there")
    return f"{path}{bar}{rest}"


def coords_of(sources: Sources) -> tuple[CoordType, dict[str, CoordType]]:
    """Return the coordinates of files that declare none, and of inputs named one by one.

    Raises
    ------
    CrsError
        If a kind of coordinates is unknown.
    InputError
        If an input is unknown.
    """
    general: CoordType = "wgs84"
    named: dict[str, CoordType] = {}
    for part in filter(None, (one.strip() for one in sources.coords.split(","))):
        key, equals, kind = part.partition("=")
        if not equals:
            general = check_coords(part)
        elif key.strip() in _FILES and key.strip() != "osm":
            named[key.strip()] = check_coords(kind)
        else:
            raise InputError(f"coords: unknown input {key.strip()!r}; known are {', '.join(_FILES)} without osm")
    return general, named


def given_files(sources: Sources) -> dict[str, list[Path]]:
    """Return the files of each input that is given, in the order of the inputs."""
    found = {}
    for key in _FILES:
        value = getattr(sources, key)
        if value is not None:
            many = value if isinstance(value, tuple) else (value,)
            found[key] = [locate(one).path for one in many]
    return found
