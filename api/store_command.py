"""`wangge store`: make a store, put plans in, copy it, check it, and say who may edit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from spatial.console import honest
from spatial.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Keep plans in a store: a GeoPackage that QGIS opens, or PostGIS.")
token_app = typer.Typer(no_args_is_help=True, help="Say who may edit: bearer tokens.")
app.add_typer(token_app, name="token")

Place = Annotated[
    str,
    typer.Option(
        "--store", envvar="WANGGE_STORE", help="The store: a .gpkg file or postgresql://...", show_default=False
    ),
]


@app.command()
def init(store: Place) -> None:
    """Make an empty store."""
    with honest():
        from api.store.store import create_store

        create_store(store).close()
        typer.echo(f"made an empty store; put a plan in with `wangge store import FOLDER --store {store}`")


@app.command("import")
def import_folder(
    store: Place,
    folder: Annotated[Path, typer.Argument(help="A plan folder written by `wangge plan`.", show_default=False)],
    who: Annotated[str, typer.Option(help="Who puts it in; an office, not a person.")] = "command line",
    why: Annotated[str, typer.Option(help="Why; kept with the first version.")] = "",
) -> None:
    """Put the plan of a folder in, as the first version."""
    with honest():
        from api.store.editing import import_plan
        from api.store.folders import read_folder_plan
        from api.store.records import Note
        from api.store.store import open_store

        kept = open_store(store)
        plan, layers = read_folder_plan(folder)
        made = import_plan(kept, plan, layers, Note(who, why))
        kept.close()
        typer.echo(f"plan {made.plan_id}: {len(plan.grids)} grids of {len(plan.blocks)} blocks, version {made.version}")


@app.command()
def backup(store: Place, target: Annotated[Path, typer.Argument(help="The new file.", show_default=False)]) -> None:
    """Write the store as it stands at one moment to a new file; a server may go on meanwhile."""
    with honest():
        from api.store.store import open_store

        kept = open_store(store)
        kept.backup(target)
        kept.close()
        typer.echo(f"wrote {target}")


@app.command()
def restore(
    store: Place,
    source: Annotated[Path, typer.Argument(help="A file that `backup` wrote.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Put it over a store that is there.")] = False,
) -> None:
    """Put a backup in the place of a store, whole or not at all; start servers of it again afterwards."""
    with honest():
        from api.store.store import restore_store

        restore_store(source, store, replace=replace)
        typer.echo(f"restored {store} from {source}")


@app.command()
def check(store: Place) -> None:
    """Hold every version against its digest and every layer against the last version."""
    with honest():
        from api.store.store import open_store

        kept = open_store(store)
        found = kept.check()
        plans = [f"{plan.plan_id} with {plan.head} versions" for plan in kept.list_plans()]
        kept.close()
        if found:
            raise InputError(f"the store is broken: {'; '.join(found)}")
        typer.echo(f"whole: {', '.join(plans) or 'no plan yet'}")


@token_app.command()
def add(
    store: Place,
    name: Annotated[str, typer.Argument(help="Whose it is; stands with every version.", show_default=False)],
    role: Annotated[str, typer.Option(help="planner or administrator.")] = "planner",
    plan: Annotated[
        list[str] | None,
        typer.Option("--plan", help="Id of a plan that it is for; may stand again. Else it is for the whole store."),
    ] = None,
) -> None:
    """Make a token and print its secret, once; from the first one on, nobody edits without.

    One for some plans edits and sees those alone, and runs jobs on them, of which it sees its own.
    """
    with honest():
        from api.store.store import open_store

        kept = open_store(store)
        secret = kept.create_token(name, role, plan or ())
        kept.close()
        typer.echo(f"token {name} ({_say(role, plan or ())}), shown this once:", err=True)
        typer.echo(secret)


@token_app.command("list")
def list_tokens(store: Place) -> None:
    """List tokens without their secrets."""
    with honest():
        from api.store.store import open_store

        kept = open_store(store)
        for token in kept.list_tokens():
            ended = f", revoked {token.revoked}" if token.revoked else ""
            typer.echo(f"{token.name}: {_say(token.role, token.plans)}, made {token.created}{ended}")
        kept.close()


def _say(role: str, plans: Sequence[str]) -> str:
    return f"{role} of {', '.join(plans)}" if plans else role


@token_app.command()
def revoke(
    store: Place, name: Annotated[str, typer.Argument(help="The name of the token.", show_default=False)]
) -> None:
    """End a token."""
    with honest():
        from api.store.store import open_store

        kept = open_store(store)
        kept.revoke_token(name)
        kept.close()
        typer.echo(f"token {name} ended")
