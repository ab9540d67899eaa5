"""The `wangge` command whole: what ``spatial.cli`` computes and writes, and `serve`."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from api.store_command import app as store_app
from spatial.cli import app
from spatial.console import honest

app.add_typer(store_app, name="store")


@app.command()
def serve(
    folder: Annotated[
        Path | None, typer.Argument(help="A plan folder written by `wangge plan`.", show_default=False)
    ] = None,
    osm: Annotated[
        Path | None,
        typer.Option(help="Street map to walk on at any place, with the plan's homes and gates.", show_default=False),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            envvar="WANGGE_STORE",
            help="Store of plans to edit under /plans: a .gpkg file or postgresql://...",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; name another to be reached.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535, show_default="8000")
    ] = None,
    proxy: Annotated[
        bool, typer.Option("--proxy", help="A proxy stands before it: take nobody for one of this machine.")
    ] = False,
) -> None:
    """Serve a plan: feeds under /collections and a map page, on this machine alone unless --host says otherwise.

    With --osm, walks and circles at any place are answered under /walking; with --store, plans are edited under /plans.
    """
    with honest(), suppress(KeyboardInterrupt):  # Ctrl-C is how a server is stopped
        from api.jobs.warming import start_warming
        from api.serve import serve as run
        from api.store.place import name_place

        if osm is not None:
            typer.echo(f"reading {osm} (the first start after an installation also compiles what walks) ...", err=True)
        shown = None if store is None else name_place(store)
        what = " and ".join(str(one) for one in (folder, osm, shown) if one is not None)

        def announce(address: str) -> None:
            typer.echo(f"serving {what} at {address}")
            start_warming()

        run(folder, host, port, osm=osm, store=store, proxy=proxy or None, announce=announce)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
