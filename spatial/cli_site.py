"""`wangge site`: which sites open, from a table of travel times or along streets, with who serves whom and a bound."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

import spatial
from spatial.console import honest, option, show_progress, stoppable, telling_compiling
from spatial.errors import InfeasibleError, InputError
from spatial.progress import Progress
from spatial.siting.conditions import MODEL_NAMES as MODELS

EXIT_INFEASIBLE = 3
_REPORT, _LIST, _TABLE = (".json",), (".xlsx",), (".csv",)
_WRITING_S, _WRITING_SHARE = 3.0, 0.05


@dataclass(frozen=True, slots=True)
class _Job:
    """What is asked, and where the answer goes."""

    model: str
    p: int | None
    cutoff_min: float | None
    cutoff: float | None
    budget_s: float
    seed: int
    floor_m2: float | None
    profile: str | None
    out: Path
    listed: Path | None
    pareto: Path | None


def site(
    demand: Annotated[
        str,
        option(
            "Demand: a table of id, weight, load (room it takes) and groups, each a column of numbers; with --osm any "
            "vector file, or CSV with lon, lat and households, elderly ..."
        ),
    ],
    candidates: Annotated[
        str,
        option(
            "Sites: a table of id, capacity, cost, mode, fixed, level, lon, lat, floor_area_m2 and columns of text; "
            "with --osm any vector file, or CSV with lon, lat."
        ),
    ],
    model: Annotated[str, option("lscp (set cover), mclp (maximal cover), pmedian or pcenter.")],
    times: Annotated[
        Path | None,
        option("Costs: CSV or Parquet with source_id, demand_id and seconds (or any cost); without it give --osm."),
    ] = None,
    osm: Annotated[
        str | None, option("Street map along which the times are walked: any file that `wangge walk` takes.")
    ] = None,
    existing: Annotated[str | None, option("With --osm: the centres that are open today.")] = None,
    gates: Annotated[str | None, option("With --osm: gates of estates, with access.")] = None,
    estates: Annotated[str | None, option("With --osm: estates, with access gated or open.")] = None,
    coords: Annotated[
        str | None, option("With --osm: coordinates of the tables: wgs84, cgcs2000, gcj02 or bd09.")
    ] = None,
    crs: Annotated[str | None, option("With --osm: system of files that declare none, as for `wangge plan`.")] = None,
    p: Annotated[int | None, option("Most new sites; with --closable most sites in all.")] = None,
    cutoff_min: Annotated[float | None, option("Minutes within which a site serves, where costs are seconds.")] = None,
    cutoff: Annotated[float | None, option("The same in the unit of the cost column.")] = None,
    budget_s: Annotated[
        float, typer.Option(help="Seconds for reading and searching, without compiling.", min=0.0)
    ] = 60.0,
    cost_column: Annotated[
        str | None, typer.Option(help="Column of --times with the costs.", show_default="seconds, walk_s, cost")
    ] = None,
    weights: Annotated[str | None, option("What one of each group counts, such as weight=1,elderly=2.")] = None,
    cutoffs: Annotated[
        str | None, option("Cutoffs of groups, such as elderly=8: minutes with --cutoff-min, else cost units.")
    ] = None,
    closable: Annotated[bool, typer.Option("--closable", help="Fixed sites may close.")] = False,
    cost_budget: Annotated[float | None, option("Money for all new sites.")] = None,
    mode_prices: Annotated[str | None, option("Price of a site without cost, by mode: new=300,share=20.")] = None,
    cheapest: Annotated[
        bool, typer.Option("--cheapest", help="lscp minimises money, not the number of sites.")
    ] = False,
    spacing_m: Annotated[float, typer.Option(help="Least distance between open sites, in metres.", min=0.0)] = 0.0,
    no_capacity: Annotated[bool, typer.Option("--no-capacity", help="Capacities do not limit who is served.")] = False,
    floor_m2: Annotated[
        float | None,
        option("Square metres per 100 of load: where a site has no capacity, floor_area_m2 gives it."),
    ] = None,
    split: Annotated[bool, typer.Option("--split", help="A demand point may be shared by several sites.")] = False,
    backup: Annotated[int, typer.Option(help="A point is served by its N-th nearest open site.", min=1)] = 1,
    full_until: Annotated[
        float | None,
        option("mclp counts all up to this cost (minutes with --cutoff-min), then less and less to the cutoff."),
    ] = None,
    each_of: Annotated[str | None, option("Column of the sites each value of which needs an open site.")] = None,
    kind: Annotated[
        list[str] | None, option("Number of sites of a kind: mode=new:0-3 or street=东街:1-; repeat.")
    ] = None,
    level: Annotated[
        list[str] | None,
        option(
            "Nested level and its cutoff: 1:5 and 2:15, minutes with --cutoff-min, else cost units; a site serves "
            "lower levels too; repeat."
        ),
    ] = None,
    skip_unreachable: Annotated[
        bool,
        typer.Option("--skip-unreachable", help="lscp and pcenter list demand no site reaches, and serve the rest."),
    ] = False,
    skip_unknown: Annotated[bool, typer.Option("--skip-unknown", help="Pairs with unknown ids are left out.")] = False,
    profile: Annotated[
        str | None, typer.Option(help="Policy that gives floor area needed.", show_default="about_500")
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal inputs and seed give equal proven answers.", min=0)] = 0,
    listed: Annotated[
        Path | None,
        typer.Option("--list", help="Where the list of what to open, take over, share or build goes: .xlsx."),
    ] = None,
    pareto: Annotated[
        Path | None,
        option("Where every choice goes that no other beats in sites, coverage and cost (few sites only): .csv."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the answer goes: a .json, replaced whole.")] = Path("sites.json"),
) -> None:
    """Choose sites, from a table of travel times or along the streets, and say how far from the best they are."""
    from spatial.siting.ways import Deadline

    deadline = Deadline(max(budget_s - min(_WRITING_S, _WRITING_SHARE * budget_s), 0.0))
    job = _Job(model, p, cutoff_min, cutoff, budget_s, seed, floor_m2, profile, out, listed, pareto)
    words = {
        "weights": weights, "cutoffs": cutoffs, "mode_prices": mode_prices, "full_until": full_until,
        "kinds": kind, "levels": level,
    }  # fmt: skip
    plain = {
        "closable": closable, "budget": cost_budget, "cheapest": cheapest, "spacing_m": spacing_m, "split": split,
        "backup": backup, "each_of": each_of or "",
    }  # fmt: skip
    with honest():
        layers = {"existing": existing, "gates": gates, "estates": estates, "coords": coords, "crs": crs}
        tables = {"cost-column": cost_column, "skip-unknown": skip_unknown or None}
        sources = _sources((times, osm), demand, candidates, layers, tables)
        _check(job, sources.files)
        with telling_compiling(), stoppable() as check_stop, show_progress(check_stop) as on_progress:
            told = _choose(sources, job, (words, plain, no_capacity, skip_unreachable), deadline, on_progress)
            _write(told, job)
        _say(told, job)
        if told["status"] == "infeasible":
            typer.echo(f"wangge: {told['why']}", err=True)
            raise typer.Exit(EXIT_INFEASIBLE)


@dataclass(frozen=True, slots=True)
class _Given:
    """Every file that is read, and how: from tables or, along the streets of a map, from layers."""

    files: tuple[Path, ...]
    tables: Any = None
    layers: Any = None
    existing: str | None = None

    def read(self, profile: Any, limit_s: float, on_progress: Progress) -> Any:
        """Return the siting question as read."""
        if self.tables is not None:
            from spatial.io.site_inputs import read_site_inputs

            return read_site_inputs(self.tables)
        from spatial.io.site_layers import read_site_layers

        return read_site_layers(self.layers, profile, existing=self.existing, limit_s=limit_s, on_progress=on_progress)


def _sources(
    ways: tuple[Path | None, str | None], demand: str, candidates: str, layers: dict[str, Any], tables: dict[str, Any]
) -> _Given:
    """Return what is read; refuse two sources of times, none, and options of the other one."""
    times, osm = ways
    if (times is None) == (osm is None):
        raise InputError(
            f"found {'neither --times nor --osm' if osm is None else '--times and --osm'}, needed one: a table of "
            "times, or the street map to walk along"
        )
    strange = [name for name, value in (tables if times is None else layers).items() if value is not None]
    if strange:
        raise InputError(
            f"found --{strange[0]} with {'--osm' if times is None else '--times'}, needed it with "
            f"{'--times' if times is None else '--osm'} only"
        )
    if times is not None:
        from spatial.io.site_inputs import SiteSources

        tabled = SiteSources(times, Path(demand), Path(candidates), tables["cost-column"], bool(tables["skip-unknown"]))
        return _Given((tabled.times, tabled.demand, tabled.candidates), tables=tabled)
    from spatial.io.features import locate  # here: what walks takes longer to load than a table takes to read
    from spatial.io.walk_inputs import WalkSources

    existing = layers.pop("existing")
    given = [osm, demand, candidates, existing, layers["gates"], layers["estates"]]
    files = tuple(locate(one).path for one in given if one is not None)
    return _Given(files, layers=WalkSources(str(osm), candidates, demand, **layers), existing=existing)


def _check(job: _Job, inputs: tuple[Path, ...]) -> None:
    """Refuse what cannot be asked or written before anything is read."""
    from spatial.io.assignment import check_file_target

    if job.model not in MODELS:
        raise InputError(f"found --model {job.model}, needed lscp, mclp, pmedian or pcenter")
    if job.p is None and MODELS[job.model] != "set_cover":
        raise InputError(f"found --model {job.model} without --p, needed the number of sites to open")
    if job.cutoff_min is not None and job.cutoff is not None:
        raise InputError("found --cutoff-min and --cutoff, needed one of the two")
    for name, value in (("--cutoff-min", job.cutoff_min), ("--cutoff", job.cutoff), ("--floor-m2", job.floor_m2)):
        if value is not None and not 0 <= value < math.inf:
            raise InputError(f"found {name} {value}, needed a number of at least 0")
    for target, suffixes in ((job.out, _REPORT), (job.listed, _LIST), (job.pareto, _TABLE)):
        if target is not None:
            check_file_target(target, suffixes, inputs)


def _choose(sources: Any, job: _Job, given: Any, deadline: Any, on_progress: Progress) -> dict[str, Any]:
    """Return all that is told of the choice; of a question without an answer, why."""
    from spatial.io.profiles import DEFAULT_PROFILE
    from spatial.io.site_inputs import with_floor_rooms
    from spatial.io.site_outputs import describe_choice, describe_none, describe_worthy
    from spatial.io.site_words import read_conditions
    from spatial.siting.asking import ask
    from spatial.siting.compare import list_worthy
    from spatial.siting.settle import settle
    from spatial.siting.site_rules import check_kinds, number_of_sites

    words, plain, no_capacity, skip_unreachable = given
    profile = spatial.read_profile(job.profile or DEFAULT_PROFILE)
    policy = profile.siting
    m2_per_100 = policy.floor_m2_per_100_households if job.floor_m2 is None else job.floor_m2
    on_progress("reading", 0.0)
    per_minute = 60.0 if job.cutoff_min is not None else 1.0
    limit = job.cutoff if job.cutoff_min is None else 60.0 * job.cutoff_min
    cutoff = math.inf if limit is None else limit
    conditions = read_conditions(words, plain, per_minute)
    inputs = sources.read(profile, _farthest(cutoff, conditions), on_progress)
    if job.cutoff_min is not None and not inputs.in_seconds:
        raise InputError(
            f"found --cutoff-min with costs in column {inputs.column}, needed seconds, or --cutoff instead"
        )
    if job.floor_m2 and not no_capacity:
        inputs = with_floor_rooms(inputs, job.floor_m2)
    model = MODELS[job.model]
    conditions = replace(
        conditions,
        room=inputs.has_capacity and not no_capacity,
        refuse_unreachable=model in ("set_cover", "p_center") and not skip_unreachable,
    )
    about = {"seed": job.seed, "budget_s": job.budget_s, "conditions": conditions.told(), "wangge": spatial.__version__}
    check_kinds(inputs.setting.places, conditions)
    on_progress("siting", 0.0)
    try:
        most = number_of_sites(inputs.setting, job.p, conditions)
        asked = ask(inputs.setting, conditions, model=model, p=most, cutoff=cutoff)
        if job.pareto is not None:
            about["pareto"] = describe_worthy(list_worthy(inputs.setting, asked))
        done = settle(inputs.setting, asked, deadline=deadline, seed=job.seed, on_progress=on_progress)
    except InfeasibleError as error:
        none = describe_none(model, error, in_minutes=job.cutoff_min is not None)
        return {**none, **about, "seconds": deadline.spent(), "notes": list(inputs.notes)}
    told = describe_choice(inputs, asked, done, cutoff=cutoff, m2_per_100=m2_per_100)
    if not math.isfinite(cutoff) and model in ("set_cover", "max_cover"):
        told["notes"].append("no cutoff was given: every pair in the table counts as within reach")
    return {**told, **about}


def _farthest(cutoff: float, conditions: Any) -> float:
    """Return how far is walked: twice the largest cutoff, so that a larger one that would do can be told."""
    levels = [float(rule.cutoff) for rule in conditions.levels]
    groups = [float(one) for one in conditions.cutoffs.values()]
    return 2.0 * max([*groups, *(levels or [cutoff])])


def _write(told: dict[str, Any], job: _Job) -> None:
    from spatial.io.assignment import write_report
    from spatial.io.site_outputs import write_site_list, write_worthy

    write_report(told, job.out)
    if job.listed is not None:
        write_site_list(told, job.listed)
    if job.pareto is not None:
        write_worthy(told.get("pareto", []), job.pareto)


def _say(told: dict[str, Any], job: _Job) -> None:
    if told["objective"] is not None:
        count = len(told["sites"])
        typer.echo(
            f"{told['status']}: {count} site{'s' * (count != 1)} open, {len(told['new_sites'])} of them new; objective "
            f"{told['objective']:.10g}, bound {told['bound']:.10g}, gap {told['gap']:.4%}, {told['seconds']:.1f} s"
        )
    if told["status"] == "unknown":
        typer.echo(f"no answer: {told['why']}")
    for note in told["notes"]:
        typer.echo(f"  {note}")
    more = [f", {what} to {path}" for what, path in (("list", job.listed), ("Pareto list", job.pareto)) if path]
    typer.echo(f"answer written to {job.out}{''.join(more)}")
