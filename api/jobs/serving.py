"""What is served beside the jobs: which plan folder, street map and store, under which settings?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.settings import Settings
from spatial.errors import MissingError


@dataclass(frozen=True, slots=True)
class Serving:
    """What a worker may use of the server's: a plan folder, a street map, a store of plans, and the settings.

    ``who`` is who asked for the job, where that is known.
    """

    folder: Path | None
    osm: Path | None
    settings: Settings
    store: str | None = None
    who: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it in the types of JSON."""
        return {
            "folder": None if self.folder is None else str(self.folder.resolve()),
            "osm": None if self.osm is None else str(self.osm.resolve()),
            "store": self.store,
            "who": self.who,
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
            if self.store is not None:
                raise MissingError(
                    "found no plan among the inputs, needed the id of one of the store as plan, or blocks"
                )
            raise MissingError(
                "no plan is served here, needed blocks among the inputs, or a server of a plan folder: "
                "`wangge serve FOLDER`"
            )
        return self.folder

    def open_store(self) -> Any:
        """Return the store of plans, opened.

        Raises
        ------
        MissingError
            If none is served.
        """
        if self.store is None:
            raise MissingError(
                "no store of plans is served here, needed blocks among the inputs, or a server of a store: "
                "`wangge serve --store plans.gpkg`"
            )
        from api.store.store import open_store  # here: a server of a folder alone need not load what edits

        return open_store(self.store)


def read_serving(told: Mapping[str, Any]) -> Serving:
    """Return what ``to_dict`` told."""
    folder, osm = (None if told[name] is None else Path(told[name]) for name in ("folder", "osm"))
    return Serving(folder, osm, Settings(**told["settings"]), told["store"], told["who"])


def name_store(store: Path | str) -> str:
    """Return how a worker finds a store: an address as it is, a file by its whole path."""
    return str(store) if "://" in str(store) else str(Path(store).resolve())
