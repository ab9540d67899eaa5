"""Can a zip file be unpacked without filling the disk, and which of its members form a map layer?"""

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from spatial.errors import InputError

_MAX_UNPACKED = 2**30
_MAX_RATIO = 200
_RATIO_FROM = 16 * 2**20
_MAX_MEMBERS = 5_000
_CHUNK = 2**20
_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_WHOLE_FILES = (".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".kml")
DAMAGES = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, KeyError)
"""What the reading of a damaged zip container may raise."""
_CODECS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def check_container(raw: bytes, name: str) -> zipfile.ZipFile:
    """Return a zip archive whose directory promises a bearable size.

    Raises
    ------
    InputError
        If it is no zip file, is encrypted, or would unpack to too many or too large members.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except DAMAGES as error:
        raise InputError(f"{name} is not a whole zip container: {error}") from error
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > _MAX_MEMBERS or total > _MAX_UNPACKED:
        raise InputError(f"{name} would unpack to {len(members)} members of {total:,} bytes; needed at most 1 GiB")
    if total > _RATIO_FROM and total > _MAX_RATIO * max(len(raw), 1):
        raise InputError(f"{name} would unpack from {len(raw):,} to {total:,} bytes; refused as a zip bomb")
    for member in members:
        if member.flag_bits & 1:
            raise InputError(f"{name}: member {member.filename!r} is encrypted; needed a zip without a password")
        if member.compress_type not in _CODECS:
            raise InputError(f"{name}: member {member.filename!r} is packed in an unknown way; needed deflate or store")
    return archive


def unpack_layer(path: Path, folder: Path) -> Path:
    """Unpack the one map layer of a zip file into a folder, under a plain name, and return the path of its main file.

    Names inside the archive are never used as paths.

    Raises
    ------
    InputError
        If the archive holds no layer, or several, or breaks the limits of ``check_container``.
    """
    archive = check_container(path.read_bytes(), path.name)
    members = {_clean(member): member for member in archive.infolist() if not member.is_dir()}
    for inside in members:
        if inside.is_absolute() or ".." in inside.parts:
            raise InputError(f"{path.name}: member {str(inside)!r} leads out of the archive; refused")
    visible = [one for one in members if one.parts[0] != "__MACOSX" and not one.name.startswith(".")]
    mains = [one for one in visible if one.suffix.lower() in (".shp", *_WHOLE_FILES)]
    if len(mains) != 1:
        raise InputError(f"{path.name} holds {sorted(map(str, mains)) or 'no map layer'}; needed exactly one layer")
    main = mains[0]
    parts = [one for one in visible if _stem(one) == _stem(main)] if main.suffix.lower() == ".shp" else [main]
    for part in parts:
        suffix = part.suffix.lower()
        if part is main or suffix in _SHAPE_PARTS:
            _copy(archive, members[part], folder / f"layer{suffix}", path.name)
    return folder / f"layer{main.suffix.lower()}"


def _clean(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))


def _stem(inside: PurePosixPath) -> str:
    return str(inside.with_suffix("")).lower()


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, name: str) -> None:
    """Copy a member, stopping where it grows beyond what the directory promised."""
    copied = 0
    try:
        with archive.open(member) as source, target.open("wb") as out:
            while chunk := source.read(_CHUNK):
                copied += len(chunk)
                if copied > member.file_size:
                    raise InputError(f"{name}: member {member.filename!r} is larger than it says; refused")
                out.write(chunk)
    except InputError:
        raise
    except DAMAGES as error:
        raise InputError(f"{name}: member {member.filename!r} is damaged: {error}") from error
