"""What is a planner told of walks beside their tables: in the report, and in lines on the screen?"""

from typing import Any

from spatial.io.plan_report import find_attribution
from spatial.io.walk_inputs import WalkInputs
from spatial.walking.survey import Survey
from spatial.walking.walker import Walker

_SHOWN = 8
_NAMED = 3
_SECONDS = 60.0
_SAID_OF_THE_MAP = ("not on the map: ", "with hours that cannot be read")
"""Counts of the report that are said at once: each may be why somebody is not reached."""


def describe_walks(read: WalkInputs, survey: Survey, walker: Walker) -> dict[str, Any]:
    """Return what the report tells of who walked, what was read, and how much came of it."""
    return {
        "walker": {
            "speed": walker.speed,
            "m_per_s": read.network.m_per_s,
            "steps": walker.steps,
            "at": walker.at,
        },
        "counts": {
            "sources": len(read.sources),
            "demand_points": len(read.demand),
            **{name: read.demand[name].sum().item() for name in read.counted},
            "pairs": len(survey.times),
            "circles": len(survey.circles),
            "unreachable": len(survey.unreached),
        },
        "counted": list(read.counted),
        "by": list(read.by),
        "listed": read.listed.to_dict("records"),
        "provenance": read.provenance,
        "attribution": find_attribution(read.provenance),
        "crs": {"served": "OGC:CRS84", "worked_in": read.network.crs.name},
    }


def say_walks(read: WalkInputs, survey: Survey) -> list[str]:
    """Return the lines that a planner reads."""
    homes = read.demand["households"].sum().item()
    return [
        f"{_things(len(read.sources), 'source')}, {_things(len(read.demand), 'demand point')} of "
        f"{_things(homes, 'household')}, {_things(len(survey.times), 'walk')} within the largest limit",
        *_say_coverage(survey.coverage),
        *_say_unreached(survey.report["unreached"]),
        *_say_access(survey.report["access_walks"]),
        *_say_map(survey.report["network"]),
        *_say_listed(read.listed),
    ]


def _say_coverage(table: Any) -> list[str]:
    lines = []
    for row in table[(table["by"] == "") & (table["counted"] == "households")].to_dict("records"):
        limit = f"{row['limit'] / _SECONDS:g} min" if row["mode"] == "time" else f"{row['limit']:g} m"
        share = f"{row['share']:.1%}" if row["total"] else "no household"
        theme = f"{row['theme']}: " if row["theme"] else ""
        lines.append(
            f"  {theme}{limit}: {row['reached']:,} of {row['total']:,} households ({share}), "
            f"{row['overlap']:,} with two sources or more"
        )
    return lines


def _say_unreached(unreached: Any) -> list[str]:
    return [
        f"  not reached, {reason}: {_things(many['points'], 'point')} of {_things(many['households'], 'household')}"
        for reason, many in unreached.items()
    ]


def _say_access(access_walks: Any) -> list[str]:
    lines = []
    for who, what in (("sites", "sources"), ("demand", "demand points")):
        told = access_walks[who]
        if told["points_beyond"]:
            ids = told.get("ids_beyond", [])
            some = ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")
            lines.append(
                f"  {told['points_beyond']:,} of {told['points']:,} {what} farther than {told['beyond_m']:g} m from "
                f"any street: the map lacks paths there{some and f' ({some})'}"
            )
    return lines


def _say_map(network: Any) -> list[str]:
    """Return a line on what the street map says that could not be used, if there is any."""
    said = [
        f"{many:,} {name.removeprefix(_SAID_OF_THE_MAP[0])}"
        for name, many in network.items()
        if many and any(part in name for part in _SAID_OF_THE_MAP)
    ]
    return [f"  street map: {'; '.join(said)}"] if said else []


def _say_listed(listed: Any) -> list[str]:
    lines = [f"  {row.source}: {row.reason} ({_where(row)})" for row in listed.head(_SHOWN).itertuples()]
    if len(listed) > _SHOWN:
        lines.append(f"  ... and {len(listed) - _SHOWN} more notes on the inputs in report.json")
    return lines


def _where(row: Any) -> str:
    """Return which row of an input a note is about, and what it says of it."""
    place = [f"row {row.row}"] if row.row.isdecimal() else [row.row] if row.row.endswith(" rows") else []
    return ": ".join([*place, *([row.detail] if row.detail else [])]) or row.row


def _things(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"
