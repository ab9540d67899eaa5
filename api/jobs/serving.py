"""What is served beside the jobs: which plan folder, which street map, under which settings?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.settings import Settings
from spatial.errors import MissingError


@dataclass(frozen=True, slots=True)
class Serving:
    """What a worker may use of the server's: a plan folder, a street map, and the settings."""

    folder: Path | None
    osm: Path | None
    settings: Settings

    def to_dict(self) -> dict[str, Any]:
        """Return it in the types of JSON."""
        return {
            "folder": None if self.folder is None else str(self.folder.resolve()),
            "osm": None if self.osm is None else str(self.osm.resolve()),
            "settings": self.settings.model_dump(mode="json"),
        }

    def plan_folder(self) -> Path:
        """Return the folder of the plan that is served.

        Raises
        ------
        MissingError
            If none is.
        """
        if self.folder is None:
            raise MissingError("no plan is served here; needed blocks among the inputs")
        return self.folder


def read_serving(told: Mapping[str, Any]) -> Serving:
    """Return what ``to_dict`` told."""
    folder, osm = (None if told[name] is None else Path(told[name]) for name in ("folder", "osm"))
    return Serving(folder, osm, Settings(**told["settings"]))
