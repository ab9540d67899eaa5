"""`wangge divide`: ready-made blocks, or a whole district community by community, into grids with a bound and a gap."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import numpy as np
import typer

import spatial
from spatial.console import EXIT_STOPPED, compile_first, deferring, honest, option, show_progress, stoppable, warn
from spatial.errors import CancelledError, InputError
from spatial.profile import Profile
from spatial.progress import Progress

_LABELS, _REPORT = (".csv", ".parquet"), (".json",)
_FILES = ("blocks", "adjacency", "locks")


@dataclass(frozen=True, slots=True)
class _Job:
    """What is divided, how, and where the outcome goes."""

    profile: str | None
    budget_s: float
    seed: int
    coords: str | None
    crs: str | None
    out: Path
    report: Path | None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An assignment, what is told of it, and the lines that a planner reads."""

    assignment: Any
    told: dict[str, Any]
    lines: list[str]


def divide(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A folder whose district.toml names the inputs: divided community by community.", show_default=False
        ),
    ] = None,
    blocks: Annotated[
        str | None, option("Ready-made blocks: any vector file with polygons; file.gpkg:layer picks a layer.")
    ] = None,
    households: Annotated[str | None, option("Column of the blocks that holds their households.")] = None,
    block_id: Annotated[
        str | None,
        typer.Option(
            "--id", help="Column that holds the ids of the blocks.", show_default="block_id, else the row's number"
        ),
    ] = None,
    adjacency: Annotated[
        str | None,
        option(
            "Borders: CSV, Parquet or layer with focal, neighbor, shared_m, clear_m; may add clarity, crossable. "
            "Without it the outlines are measured, and no border is clear."
        ),
    ] = None,
    current: Annotated[
        str | None, option("Today's grids: a table with ids of blocks and --current-column, or a layer of areas.")
    ] = None,
    current_column: Annotated[
        str | None, typer.Option(help="Column of --current that names the grid.", show_default="grid_id")
    ] = None,
    locks: Annotated[
        str | None,
        option(
            "Blocks tied to each other: a table with block_id and grid_id (one text, one grid; two texts, two grids) "
            "or together (one text, one grid), or JSON with fixed and together."
        ),
    ] = None,
    only: Annotated[
        str | None, option("Grids of --current to draw anew, such as 3,5,8; all others stay as they are.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Policy: a shipped profile or the path of a .toml.", show_default="about_500")
    ] = None,
    budget: Annotated[
        float, typer.Option(help="Seconds to search and prove at most; for each community of a folder.", min=0.0)
    ] = 10.0,
    seed: Annotated[int, typer.Option(help="Equal inputs and seed give equal grids.", min=0)] = 0,
    coords: Annotated[
        str | None,
        typer.Option(
            help="Coordinates of files that declare none: wgs84, cgcs2000, gcj02 or bd09.", show_default="wgs84"
        ),
    ] = None,
    crs: Annotated[str | None, option("System of files that declare none, as for `wangge plan`.")] = None,
    out: Annotated[Path, typer.Option(help="Where block_id, grid_id go: .csv or .parquet, replaced whole.")] = Path(
        "labels.csv"
    ),
    report: Annotated[
        Path | None, option("Where status, objective, bound, gap, terms, violations go: a .json, replaced whole.")
    ] = None,
) -> None:
    """Divide blocks into grids, and say how far from the best possible they are. Ctrl-C keeps the best so far."""
    every = {
        "blocks": blocks, "households": households, "block_id": block_id, "adjacency": adjacency, "current": current,
        "current_column": current_column, "locks": locks, "only": only,
    }  # fmt: skip
    given = {name: value for name, value in every.items() if value is not None}
    job = _Job(profile, budget, seed, coords, crs, out, report)
    with honest():
        with stoppable() as check_stop, show_progress(check_stop) as on_progress:
            _check(folder, given, job)
            made, stopped = (
                _divide_folder(folder, job, on_progress)
                if folder is not None
                else _divide_blocks(given, job, on_progress)
            )
            on_progress("writing", 0.0)
            _write(made, job)
        for line in made.lines:
            typer.echo(line)
        typer.echo(f"{len(made.assignment):,} blocks written to {out}" + (f", report to {report}" if report else ""))
        if stopped:
            typer.echo("wangge: stopped; the best found so far is written", err=True)
            raise typer.Exit(EXIT_STOPPED)


def _check(folder: Path | None, given: dict[str, str], job: _Job) -> None:
    """Refuse options that do not go together, and targets that cannot be written, before anything is read."""
    from spatial.io.assignment import check_file_target

    if folder is not None and given:
        raise InputError(f"found a folder and {_flag(sorted(given)[0])}, needed one or the other")
    if folder is None and "blocks" not in given:
        raise InputError("found nothing to divide, needed a folder with a district.toml, or --blocks and --households")
    if folder is None and "households" not in given:
        raise InputError("found --blocks without --households, needed the column that holds the households")
    for name in ("current_column", "only"):
        if name in given and "current" not in given:
            raise InputError(f"found {_flag(name)} without --current, needed today's grids beside it")
    if job.profile is not None:
        spatial.read_profile(job.profile)
    inputs = [given[name] for name in _FILES if name in given]
    check_file_target(job.out, _LABELS, inputs)
    if job.report is not None:
        check_file_target(job.report, _REPORT, [*inputs, *([given["current"]] if "current" in given else [])])


def _flag(name: str) -> str:
    return "--id" if name == "block_id" else f"--{name.replace('_', '-')}"


@contextmanager
def _interruptible(on_progress: Progress) -> Iterator[tuple[Progress, Any]]:
    """Give a progress that stops the work where Ctrl-C asked for it, so that what is found by then is kept."""
    with deferring() as asked:

        def tell(stage: str, share: float) -> None:
            if asked.is_set():
                raise CancelledError("stopped")
            on_progress(stage, share)

        yield tell, asked


def _divide_blocks(given: dict[str, str], job: _Job, on_progress: Progress) -> tuple[_Outcome, bool]:
    """Return ready-made blocks divided, all of them or some of today's grids, and whether it was stopped."""
    from spatial.io.block_inputs import BlockSources, check_grids, read_block_inputs
    from spatial.io.division_report import describe_division, list_grids, say_division, say_listed
    from spatial.io.profiles import DEFAULT_PROFILE

    profile = spatial.read_profile(job.profile or DEFAULT_PROFILE)
    files = {name: value for name, value in given.items() if name != "only"}
    read = read_block_inputs(BlockSources(**files, coords=job.coords, crs=job.crs), profile, on_progress=on_progress)
    brought: dict[str, Any] = {"current": read.current, "locks": read.locks}
    options = {name: value for name, value in brought.items() if value is not None}
    if "only" in given:
        options["grids"] = _names(given["only"])
        check_grids(read.current, options["grids"])
    run: Any = spatial.redivide if "only" in given else spatial.divide
    rng = np.random.default_rng([job.seed, 1])
    compile_first(profile, on_progress)
    with _interruptible(on_progress) as (tell, asked):
        began = monotonic()
        division = run(
            read.blocks, read.adjacency, profile, rng=rng, budget_s=job.budget_s, on_progress=tell, **options
        )
        seconds, stopped = monotonic() - began, asked.is_set()
    grids = list_grids(read.blocks, division.assignment, division.explanations, profile)
    told = describe_division(division, grids, seconds=seconds)
    about = _about(job, profile, stopped=stopped, listed=read.listed, provenance=read.provenance)
    return _Outcome(division.assignment, {**told, **about}, [*say_division(told), *say_listed(read.listed)]), stopped


def _about(job: _Job, profile: Profile, *, stopped: bool, listed: Any, provenance: Any) -> dict[str, Any]:
    """Return what a report tells of the run beside the division."""
    return {
        "profile": profile.name,
        "seed": job.seed,
        "budget_s": job.budget_s,
        "stopped": stopped,
        "wangge": spatial.__version__,
        "inputs": dict(provenance),
        "listed": listed.to_dict("records"),
    }


def _names(text: str) -> tuple[str, ...]:
    names = tuple(sorted({one.strip() for one in text.split(",")} - {""}))
    if not names:
        raise InputError(f"found --only {text!r}, needed the names of grids, such as 3,5,8")
    return names


def _divide_folder(folder: Path, job: _Job, on_progress: Progress) -> tuple[_Outcome, bool]:
    """Return a district divided community by community, proposed where none are known, and whether it was stopped.

    A line about each community is printed as it is done.
    """
    import pandas as pd

    from spatial.division.by_community import CommunityDivision, divide_communities
    from spatial.division.communities import propose_communities
    from spatial.io.division_report import (
        describe_communities,
        describe_community,
        join_assignments,
        list_grids,
        say_community,
        say_division,
    )
    from spatial.io.listing import say_doubts, say_loud
    from spatial.io.sources import read_sources

    sources, named = read_sources(folder)
    profile = spatial.read_profile(job.profile or named)
    system = {name: value for name, value in (("coords", job.coords), ("crs", job.crs)) if value is not None}
    inputs = spatial.read_inputs(replace(sources, **system), on_progress=on_progress)
    warn(say_doubts(inputs.listed.to_dict("records")))
    land = spatial.build_blocks(inputs, profile, on_progress=on_progress)
    blocks, proposed = land.blocks, bool(land.communities["proposed"].any())
    if proposed:
        rng = np.random.default_rng([job.seed, 0])
        names = propose_communities(blocks, land.adjacency, profile, rng=rng, on_progress=on_progress)
        blocks = blocks.assign(community_id=blocks["block_id"].map(names).astype("str"))
    width = int(blocks["community_id"].str.len().max())

    def say(one: CommunityDivision) -> None:
        mine = blocks[(blocks["community_id"] == one.community_id).to_numpy()]
        grids = list_grids(mine, one.division.assignment, one.division.explanations, profile)
        typer.echo(say_community(describe_community(one, grids), width=width))

    compile_first(profile, on_progress)
    with _interruptible(on_progress) as (tell, asked):
        began = monotonic()
        done = divide_communities(
            blocks, land.adjacency, profile, seed=job.seed, budget_s=job.budget_s, on_progress=tell, on_done=say
        )
        seconds, stopped = monotonic() - began, asked.is_set()
    told = describe_communities(done, blocks, land.adjacency, profile, seconds=seconds)
    listed = pd.concat([inputs.listed, land.listed], ignore_index=True)
    about = _about(job, profile, stopped=stopped, listed=listed, provenance=inputs.provenance)
    about["communities_proposed"] = proposed
    lines = ["the communities are proposed: none were given"] if proposed else []
    lines += [*say_division(told), *say_loud(about["listed"])]
    return _Outcome(join_assignments(done), {**told, **about}, lines), stopped


def _write(made: _Outcome, job: _Job) -> None:
    from spatial.io.assignment import write_assignment, write_report

    write_assignment(made.assignment, job.out)
    if job.report is not None:
        write_report(made.told, job.report)
