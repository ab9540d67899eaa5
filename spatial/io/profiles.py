"""Read profiles: the shipped ones by name, a planner's own by path."""

import tomllib
from pathlib import Path
from typing import Any

from spatial.errors import MissingError, ProfileError
from spatial.profile import Profile, build_profile

DEFAULT_PROFILE = "about_500"
_LONGEST_CHAIN = 5


def profile_folder() -> Path:
    """Return the folder of the shipped profiles: ``data/profiles`` of a checkout, or inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / "data" / "profiles"
    return checkout if checkout.is_dir() else package / "_profiles"


def list_profiles() -> list[str]:
    """Return the names of the shipped profiles, sorted."""
    return sorted(path.stem for path in profile_folder().glob("*.toml"))


def read_profile(name_or_path: str | Path = DEFAULT_PROFILE) -> Profile:
    """Return a profile by shipped name, or from a TOML file when the text ends in ``.toml``.

    A profile may say ``extends = "about_500"`` and then give only what differs.

    Raises
    ------
    MissingError
        If there is no such profile.
    ProfileError
        If the file is not TOML, extends itself, or breaks the rules of ``build_profile``.
    """
    path = _locate(str(name_or_path), Path())
    document = _read_chain(path, _LONGEST_CHAIN)
    try:
        return build_profile(document)
    except ProfileError as error:
        raise ProfileError(f"profile {path.name}: {str(error).removeprefix('profile: ')}") from error


def _locate(name: str, beside: Path) -> Path:
    path = beside / name if name.endswith(".toml") else profile_folder() / f"{name}.toml"
    if not path.is_file():
        raise MissingError(
            f"no profile {name!r}; shipped are {', '.join(list_profiles())}, or give the path of a .toml file"
        )
    return path


def _read_chain(path: Path, depth: int) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {path.name}: not readable as TOML: {error}") from error
    parent = document.pop("extends", None)
    if parent is None:
        return document
    if depth == 0 or not isinstance(parent, str):
        raise ProfileError(f"profile {path.name}: extends is {parent!r}; needed a profile that does not extend itself")
    return _overlay(_read_chain(_locate(parent, path.parent), depth - 1), document)


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return the lower document with the upper one's sections laid over it, key by key."""
    out = dict(below)
    for key, value in above.items():
        merges = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = {**out[key], **value} if merges else value
    return out
