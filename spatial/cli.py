"""`wangge plan`, `divide`, `locate`, `walk`, `site`, `sample`, `profiles`: read, compute, write, say what is done.

`wangge serve` is added where the server lives, in ``api.command``.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import spatial
from spatial.cli_divide import divide
from spatial.cli_locate import locate
from spatial.cli_site import site
from spatial.cli_walk import walk
from spatial.console import compile_first, honest, option, show_progress, stoppable, telling_compiling, warn
from spatial.errors import InputError
from spatial.progress import Progress

if TYPE_CHECKING:
    from spatial.inputs import Inputs

app = typer.Typer(
    name="wangge",
    help="Divide a city into grids (网格), walk it, and site its service centres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def plan(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder whose district.toml names the inputs.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write the plan into; replaced whole.")] = Path("plan"),
    area: Annotated[
        str | None, option("Outline to be divided: any vector file; file.gpkg|name=江岸区 picks rows.")
    ] = None,
    communities: Annotated[str | None, option("Communities (社区): polygons with code and name.")] = None,
    osm: Annotated[
        str | None, option("Street map: .osm.pbf, .osm, .osm.gz, osmnx .graphml, or a layer of road lines.")
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(help='Place to fetch from OpenStreetMap, such as "Qindu, Xianyang".', show_default=False),
    ] = None,
    estates: Annotated[str | None, option("Estates (小区名录) with households: CSV, Excel or vector file.")] = None,
    buildings: Annotated[str | None, option("Buildings (楼栋): polygons with levels and households.")] = None,
    gates: Annotated[str | None, option("Gates of estates, with access and hours.")] = None,
    candidates: Annotated[str | None, option("Places where a centre may open.")] = None,
    existing: Annotated[str | None, option("Centres that are open today.")] = None,
    current: Annotated[str | None, option("Today's grids, of one or several departments.")] = None,
    pois: Annotated[str | None, option("Shops, schools, clinics and other places.")] = None,
    vertical_grids: Annotated[
        str | None, option("Floors of towers that are grids of their own: outlines with lowest and highest floor.")
    ] = None,
    coords: Annotated[
        str | None,
        typer.Option(help="Coordinates of the tables: wgs84, cgcs2000, gcj02 or bd09.", show_default="wgs84"),
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="System of files that declare none, such as EPSG:4547.", show_default=False)
    ] = None,
    attribution: Annotated[
        str | None, typer.Option(help="Whom the street map is credited to.", show_default="by the kind of file")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the district is called.", show_default=False)] = None,
    profile: Annotated[
        str | None, typer.Option(help="Policy: a shipped profile or the path of a .toml.", show_default="about_500")
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal inputs and seed give an equal plan.", min=0)] = 0,
) -> None:
    """Make a plan: cut the land into blocks, divide it into grids, walk it, site centres, and write it all down."""
    given = {
        "area": area, "communities": communities, "osm": osm, "place": place, "estates": estates,
        "buildings": buildings, "gates": gates, "candidates": candidates, "existing": existing, "current": current,
        "pois": pois, "vertical_grids": vertical_grids, "coords": coords, "crs": crs, "attribution": attribution,
        "name": name,
    }  # fmt: skip
    with honest(), stoppable() as check_stop, show_progress(check_stop) as on_progress:
        from spatial.io.listing import say_doubts
        from spatial.io.plan_folder import check_target
        from spatial.plan.checks import list_checks

        check_target(out)
        if profile is not None:
            spatial.read_profile(profile)
        on_progress("reading", 0.0)
        inputs, named = _read(folder, {k: v for k, v in given.items() if v is not None}, on_progress)
        policy = spatial.read_profile(profile or named)
        warn(say_doubts(inputs.listed.to_dict("records")))
        compile_first(policy, on_progress)
        with telling_compiling():
            made = spatial.make_plan(inputs, policy, seed=seed, on_progress=on_progress)
        on_progress("checking", 0.0)
        violations = spatial.check_plan(made, buildings=inputs.buildings)
        scorecard = spatial.measure_plan(made, violations=violations)
        on_progress("writing", 0.0)
        extra = {"checks": list_checks(violations, buildings=inputs.buildings)}
        card = scorecard.to_dict()
        spatial.write_plan(made, out, scorecard=card, violations=violations, inputs=inputs, extra_report=extra)
    _tell(made, inputs, violations, out)


def _read(folder: Path | None, given: dict[str, Any], on_progress: Progress) -> tuple["Inputs", str]:
    """Read a folder's inputs, its system and coordinates as given, or the single files given."""
    from spatial.io.profiles import DEFAULT_PROFILE
    from spatial.io.sources import read_sources

    if folder is not None:
        strange = sorted(given.keys() - {"coords", "crs", "attribution", "name"})
        if strange:
            raise InputError(
                f"found a folder and --{strange[0]}, needed one or the other: district.toml names the inputs"
            )
        sources, named = read_sources(folder)
        return spatial.read_inputs(replace(sources, **given), on_progress=on_progress), named
    if not given.keys() & {"area", "communities", "osm", "place"}:
        raise InputError("found nothing to divide, needed a folder with a district.toml, or --area, --osm or --place")
    return spatial.read_inputs(spatial.Sources(**given), on_progress=on_progress), DEFAULT_PROFILE


def _tell(made: Any, inputs: "Inputs", violations: Any, out: Path) -> None:
    """Print what was made, and what a planner should know before trusting it."""
    from spatial.io.listing import say_loud

    status = made.grids["status"].value_counts()
    lived = int(made.blocks["households"].sum())
    typer.echo(
        f"{len(made.grids)} grids of {lived:,} households in {len(made.communities)} communities: "
        f"{status.get('in_band', 0)} in the band, {status.get('low', 0)} low, {status.get('high', 0)} high, "
        f"{status.get('oversize', 0)} oversize"
    )
    if made.communities["proposed"].any():
        typer.echo("  the communities are proposed: none were given")
    if guessed := int(made.demand.loc[made.demand["estimated"], "households"].sum()):
        typer.echo(f"  {guessed:,} households are estimated or shared out by floor area")
    siting = made.report["siting"]
    why = f": {siting['why']}" if siting["status"] == "not done" else ""
    proposed = " at proposed places" if len(made.sites) and made.sites["proposed"].any() else ""
    typer.echo(f"{len(made.sites)} sites{proposed}{why}")
    errors, warnings = ((violations["severity"] == kind).sum() for kind in ("error", "warning"))
    typer.echo(f"{errors} hard rules broken, {warnings} exceptions counted")
    listed = made.report["listed"]
    dropped = sum(row["action"] == "dropped" for row in listed)
    typer.echo(f"{len(listed)} notes on the inputs in listed.csv, {dropped} of them rows that were dropped")
    for line in say_loud(listed):
        typer.echo(line)
    typer.echo(f"plan {made.plan_id} written to {out}")


app.command()(divide)
app.command()(locate)
app.command()(site)
app.command()(walk)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write it into; an earlier sample there is replaced.")],
    seed: Annotated[int, typer.Option(help="Another seed, another district.", min=0)] = 1,
    communities: Annotated[
        int, typer.Option(help="Size; 103 is a city district of 350,000 households.", min=4, max=400)
    ] = 6,
) -> None:
    """Make a believable district with all input files, to try Wangge on."""
    with honest():
        typer.echo(f"making a district of {communities} communities")
        spatial.write_sample(folder, seed=seed, communities=communities)
        typer.echo(f"district written to {folder}; divide it with: wangge plan {folder} --out plan")


@app.command()
def profiles() -> None:
    """List the shipped profiles with their bands."""
    with honest():
        for name in spatial.list_profiles():
            one = spatial.read_profile(name)
            band = f"{one.grid.floor_households}-{one.grid.ceiling_households}"
            typer.echo(f"{name:14} {band:>9} households  {one.title}")
