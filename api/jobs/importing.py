"""How does a plan folder that a client sends as a zip file become a plan of the store?"""

import base64
import binascii
import io
import zipfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from api.jobs.models import ImportAsked
from api.jobs.serving import Serving
from api.jobs.telling import Teller
from api.store.editing import import_plan
from api.store.folders import read_folder_plan
from api.store.records import Note
from spatial.errors import InputError, MissingError
from spatial.io.plan_folder import REPORT
from spatial.plan.model import Plan

_MOST_FILES = 60
_MOST_BYTES = 2**30
"""Most bytes of all files together, once they are unpacked."""
_SENT = "plan"
"""What errors call the folder that was sent, as the input is named."""
_ENDS = (".json", ".geojson", ".csv", ".gpkg")
_ENCRYPTED = 1


def run_import(inputs: Any, serving: Serving, teller: Teller) -> dict[str, Any]:
    """Return the plan as it stands in the store, at its first version."""
    asked = ImportAsked.model_validate(inputs)
    with TemporaryDirectory(prefix="wangge-") as name:
        teller.progress("unpacking", 0.0)
        unpack(_decode(asked.plan), Path(name))
        teller.progress("reading the plan", 0.1)
        plan, layers = read_sent(Path(name))
        teller.progress("putting it into the store", 0.4)
        store = serving.open_store()
        try:
            made = import_plan(store, plan, layers, Note(serving.who or "job", asked.why))
        finally:
            store.close()
    return {
        "plan_id": made.plan_id,
        "version": made.version,
        "grids": len(plan.grids),
        "blocks": len(plan.blocks),
    }


def read_sent(folder: Path) -> tuple[Plan, dict[str, list[dict[str, Any]]]]:
    """Return the plan of a folder that was sent, and its layers.

    Raises
    ------
    InputError
        If there is none, or it is broken; told of what was sent, not of where it lies on the server.
    """
    if not (folder / REPORT).is_file():
        raise InputError(f"{_SENT} holds no {REPORT}, needed the files of a plan folder")
    try:
        return read_folder_plan(folder)
    except (InputError, MissingError) as error:
        raise InputError(str(error).replace(f"{folder}", _SENT)) from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"plan is not readable as base64 ({error}); needed a zip file in base64") from error


def unpack(content: bytes, folder: Path) -> None:
    """Write the files of a zip file into a folder, by their bare names: no path in it leads anywhere.

    Raises
    ------
    InputError
        If it is no zip file, is broken or encrypted, holds other files than a plan does, or too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            files = [one for one in packed.infolist() if not one.is_dir()]
            _check(files)
            left = _MOST_BYTES
            for one in files:
                with packed.open(one) as source:
                    unpacked = source.read(left + 1)  # a header may lie about the size
                left -= len(unpacked)
                if left < 0:
                    raise InputError(f"plan holds more than {_MOST_BYTES:,} bytes, needed at most as many")
                (folder / PurePosixPath(one.filename).name).write_bytes(unpacked)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise InputError(f"plan is not readable as a zip file ({error}); needed the files of a plan folder") from error


def _check(files: list[zipfile.ZipInfo]) -> None:
    names = [PurePosixPath(one.filename).name for one in files]
    strange = [one.filename for one, name in zip(files, names, strict=True) if not name.endswith(_ENDS)]
    if strange:
        raise InputError(f"plan holds {strange[0]!r}, needed the files of a plan folder and no others")
    if len(set(names)) < len(names) or not 0 < len(names) <= _MOST_FILES:
        raise InputError(f"plan holds {len(names)} files, needed those of one plan folder, each once")
    if any(one.flag_bits & _ENCRYPTED for one in files):
        raise InputError("plan is encrypted, needed a plain zip file")
    if sum(one.file_size for one in files) > _MOST_BYTES:
        raise InputError(f"plan holds more than {_MOST_BYTES:,} bytes, needed at most as many")
