"""`wangge walk`: who walks to which facility within how many minutes, counted along the network, and who does not."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer

import spatial
from spatial.console import honest, option, show_progress, stoppable, telling_compiling
from spatial.errors import InputError
from spatial.profile import Profile

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Job:
    """What is asked beside the files."""

    profile: Profile
    walker: Any
    mode: str
    minutes: str | None
    metres: str | None
    gates_state: str
    themes: tuple[str, ...]
    out: Path


def walk(
    osm: Annotated[str, option("Street map: .osm.pbf, .osm, .osm.gz, osmnx .graphml, or a layer of road lines.")],
    sources: Annotated[str, option("Facilities that are walked to: CSV with id, lon, lat, or any vector file.")],
    demand: Annotated[
        str, option("Demand: CSV with id, lon, lat and households, elderly, children ..., or any vector file.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the walks into; replaced whole.")] = Path("walk"),
    minutes: Annotated[
        str | None, typer.Option(help="Limits of the circles, such as 5,10,15.", show_default="the profile's")
    ] = None,
    metres: Annotated[
        str | None, typer.Option(help="Limits in distance mode, such as 300,500,1000.", show_default="the profile's")
    ] = None,
    mode: Annotated[str, typer.Option(help="Limits count time or distance.")] = "time",
    gates: Annotated[str | None, option("Gates of estates, with access.")] = None,
    estates: Annotated[str | None, option("Estates (小区): outlines, with access gated or open.")] = None,
    heights: Annotated[
        str | None, option("Heights: a raster (.asc, .hgt, .tif), or a CSV with lon, lat, z_m; slopes take their time.")
    ] = None,
    gates_state: Annotated[
        str, typer.Option(help="open: residents of both ends pass their gates; closed: those of the home alone.")
    ] = "open",
    speed: Annotated[str, typer.Option(help="Speed of the profile: adult, elderly or stroller.")] = "adult",
    no_steps: Annotated[
        bool, typer.Option("--no-steps", help="Walk without steps and escalators, as wheels do.")
    ] = False,
    at: Annotated[
        str | None,
        option('Day and time, such as "Tu 20:30": gates and ways are closed outside their opening hours.'),
    ] = None,
    households: Annotated[
        str | None, typer.Option(help="Column of the demand that holds its households.", show_default="by its name")
    ] = None,
    by: Annotated[str | None, option("Columns of the demand to count by, such as grid_id,community.")] = None,
    areas: Annotated[
        list[str] | None,
        option("Grids, communities or other polygons to count by; once for each file: --areas a.gpkg --areas b.gpkg."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Column of the sources that holds their kind.", show_default="by its name")
    ] = None,
    themes: Annotated[
        str | None,
        option("Kinds of sources to count one by one, such as pharmacy,school; a kind that is absent covers 0 %."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Policy: a shipped profile or the path of a .toml.", show_default="about_500")
    ] = None,
    coords: Annotated[
        str | None,
        typer.Option(help="Coordinates of the tables: wgs84, cgcs2000, gcj02 or bd09.", show_default="wgs84"),
    ] = None,
    crs: Annotated[str | None, option("System of files that declare none, as for `wangge plan`.")] = None,
    attribution: Annotated[
        str | None, typer.Option(help="Whom the street map is credited to.", show_default="by the kind of file")
    ] = None,
) -> None:
    """Walk: minutes from demand to facilities, circles, coverage by group, and who is not served and why."""
    from spatial.io.profiles import DEFAULT_PROFILE
    from spatial.io.walk_inputs import WalkSources
    from spatial.walking.walker import Walker

    with honest():
        walker = Walker(speed, not no_steps, at)  # type: ignore[arg-type]
        files = WalkSources(
            osm,
            sources,
            demand,
            gates=gates,
            estates=estates,
            heights=heights,
            households=households,
            by=_names(by, "by"),
            areas=tuple(areas or ()),
            kind=kind,
            coords=coords,
            crs=crs,
            attribution=attribution,
        )
        chosen = spatial.read_profile(profile or DEFAULT_PROFILE)
        job = _Job(chosen, walker, mode, minutes, metres, gates_state, _names(themes, "themes"), out)
        _run(files, job)


def _run(files: Any, job: _Job) -> None:
    from spatial.io.walk_inputs import read_walk_inputs
    from spatial.io.walk_outputs import check_walk_target, write_walks
    from spatial.io.walk_told import describe_walks, say_walks
    from spatial.walking.survey import Walks, survey_walks

    began = monotonic()
    with telling_compiling(), stoppable() as check_stop, show_progress(check_stop) as on_progress:
        asked = Walks(read_limits(job.profile, job.mode, job.minutes, job.metres), job.mode, job.gates_state)  # type: ignore[arg-type]
        if job.gates_state not in ("open", "closed"):
            raise InputError(f"found --gates-state {job.gates_state!r}, needed open or closed")
        given = (files.osm, files.sources, files.demand, files.gates, files.estates, files.heights, *files.areas)
        job.walker.m_per_s(job.profile.walking), job.walker.minute()  # refuses words that it does not know
        check_walk_target(job.out, [one for one in given if one is not None])
        read = read_walk_inputs(files, job.profile, walker=job.walker, on_progress=on_progress)
        spent = {"read": monotonic() - began}
        survey = survey_walks(
            read.network,
            read.sources,
            read.demand,
            asked,
            counted=read.counted,
            by=read.by,
            themes=_themes(read.sources, job.themes, files.kind),
            on_progress=on_progress,
        )
        spent["walk"] = monotonic() - began - spent["read"]
        on_progress("writing", 0.0)
        about = {
            "wangge_version": spatial.__version__,
            "profile": {"name": job.profile.name, "title": job.profile.title},
            "asked": {
                "mode": asked.mode, "limits": list(asked.limits), "gates": asked.gates, "themes": list(job.themes),
            },
            **describe_walks(read, survey, job.walker),
            "seconds": {name: round(value, 3) for name, value in spent.items()},
        }  # fmt: skip
        write_walks(survey, read.sources, read.demand, job.out, report=about)
    for line in say_walks(read, survey):
        typer.echo(line)
    typer.echo(f"walks written to {job.out}")


def read_limits(profile: Profile, mode: str, minutes: str | None, metres: str | None) -> tuple[float, ...]:
    """Return the limits in seconds or, in distance mode, metres; minutes there are those of the profile's circles.

    Raises
    ------
    InputError
        If the mode is unknown, a limit is no number above 0, or limits do not go with the mode.
    """
    rules = profile.walking
    if mode not in ("time", "distance"):
        raise InputError(f"found --mode {mode!r}, needed time or distance")
    if mode == "time":
        if metres is not None:
            raise InputError("found --metres in time mode, needed --minutes, or --mode distance")
        asked = rules.circle_min if minutes is None else _numbers(minutes, "minutes")
        return tuple(one * _SECONDS for one in asked)
    if metres is not None:
        if minutes is not None:
            raise InputError("found --minutes and --metres, needed one of them")
        return _numbers(metres, "metres")
    if minutes is None:
        return rules.circle_m
    known = dict(zip(rules.circle_min, rules.circle_m, strict=False))
    wanted = _numbers(minutes, "minutes")
    strange = [one for one in wanted if one not in known]
    if strange:
        told = ", ".join(f"{one:g} = {far:g} m" for one, far in known.items())
        raise InputError(
            f"found --minutes {strange[0]:g} in distance mode, where the profile knows {told}; needed one of them, "
            "or --metres"
        )
    return tuple(known[one] for one in wanted)


def _numbers(text: str, name: str) -> tuple[float, ...]:
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(0 < one < float("inf") for one in found):
        raise InputError(f"found --{name} {text!r}, needed numbers above 0 and below infinity, such as 5,10,15")
    return tuple(found)


def _names(text: str | None, option_name: str) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    if not names:
        raise InputError(f"found --{option_name} {text!r}, needed names, such as a,b")
    return names


def _themes(sources: Any, wanted: tuple[str, ...], kind: str | None) -> dict[str, list[str]]:
    """Return kind -> ids of its sources: the kinds that are asked for, else all where their column is named."""
    found: dict[str, list[str]] = {}
    for one, of in zip(sources["site_id"], sources["kind"], strict=True):
        found.setdefault(of, []).append(one)
    found.pop("", None)
    if wanted:
        if not found:
            raise InputError("found --themes and no kind of any source, needed a column of kinds, or --kind to name it")
        return {name: found.get(name, []) for name in wanted}
    return found if kind is not None else {}
