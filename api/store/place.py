"""Where is a store: a file, or the address of a PostgreSQL database?"""

import re
from pathlib import Path

Place = Path | str
_PASSWORD = re.compile(r"(?<=[?&]password=)[^&]*", re.IGNORECASE)


def is_address(place: Place) -> bool:
    """Tell whether a place is the address of a PostgreSQL database."""
    return str(place).startswith(("postgresql://", "postgres://"))


def name_place(place: Place) -> str:
    """Return a place as it is told to people: without its password."""
    if not is_address(place):
        return str(place)
    scheme, _, rest = str(place).partition("://")
    inside, at, beside = rest.rpartition("@")
    user = inside.partition(":")[0]
    return f"{scheme}://{user}{at}{_PASSWORD.sub('...', beside)}"
