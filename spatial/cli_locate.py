"""`wangge locate`: in which grid of a plan each row of a table lies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from spatial.console import honest
from spatial.errors import InputError

if TYPE_CHECKING:
    from spatial.crs import CoordType as Kind


def locate(
    folder: Annotated[Path, typer.Argument(help="A plan folder written by `wangge plan`.", show_default=False)],
    places: Annotated[Path, typer.Argument(help="CSV of places with columns lon and lat.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(help="CSV to write: the same rows with grid_id, grid_code and, by floors, vertical_id."),
    ] = Path("located.csv"),
    coords: Annotated[str, typer.Option(help="Kind of the coordinates: wgs84, cgcs2000, gcj02 or bd09.")] = "wgs84",
) -> None:
    """Tell in which grid each place lies; one on a border is always told in the same grid."""
    with honest():
        from spatial.crs import CoordType
        from spatial.io.locate_table import locate_table

        kinds: dict[str, Kind] = {kind: kind for kind in get_args(CoordType)}
        if coords not in kinds:
            raise InputError(f"--coords is {coords!r}; needed one of {', '.join(kinds)}")
        told = locate_table(folder, places, out, coords=kinds[coords])
        typer.echo(
            f"places in a grid: {told.inside:,}, in none: {told.outside:,}; rows without a place: {told.unreadable:,}"
            f"{'' if told.floorless is None else f', without a floor: {told.floorless:,}'}; written to {out}"
        )
