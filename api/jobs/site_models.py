"""What may be asked of the process that chooses sites, and what does its answer look like?"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from api.jobs.models import Asked, Count, Name, Number
from api.schemas import Model

ModelName = Literal["set_cover", "max_cover", "p_median", "p_center", "lscp", "mclp", "pmedian", "pcenter"]
Cell = str | bool | int | Number | None


class TimeRow(Asked):
    """A walk from a demand point to a site, as the answers about walks tell it too; its metres are left aside."""

    source_id: Name
    demand_id: Name
    seconds: Count
    metres: Count | None = None


class CostRow(Asked):
    """What it costs to serve a demand point from a site, in any unit: metres, minutes by bus, money."""

    source_id: Name
    demand_id: Name
    cost: Count


class PairColumns(Asked):
    """Pairs by column, which is shorter where there are many: the lists are equally long."""

    source_id: Annotated[list[str], Field(min_length=1)]
    demand_id: list[str]


class TimeColumns(PairColumns):
    """Walks by column."""

    seconds: list[Count]


class CostColumns(PairColumns):
    """Costs by column, in any unit."""

    cost: list[Count]


def _kind(given: Any) -> str:
    """Return which kind of table is given: by its first row, or its columns, it is one of costs or of times."""
    first = next(iter(given), None) if isinstance(given, list) else given
    holds = "costs" if isinstance(first, dict) and "cost" in first else "times"
    return f"{holds} by {'row' if isinstance(given, list) else 'column'}"


Times = Annotated[
    Annotated[list[TimeRow], Field(min_length=1), Tag("times by row")]
    | Annotated[list[CostRow], Field(min_length=1), Tag("costs by row")]
    | Annotated[TimeColumns, Tag("times by column")]
    | Annotated[CostColumns, Tag("costs by column")],
    Discriminator(_kind),
]


class Kind(Asked):
    """How many sites whose column has this value are open."""

    column: Name
    value: str
    least: int = Field(default=0, ge=0)
    most: int | None = Field(default=None, ge=0)


class Level(Asked):
    """A nested level and its own cutoff, one of the two; a site serves the levels below its own too."""

    level: int
    cutoff_min: Count | None = None
    cutoff: Count | None = Field(default=None, description="In place of cutoff_min: in the unit of the costs")
    weight: Count = 1.0


class SiteAsked(Asked):
    """Which sites open: walks, demand, candidates, a model and conditions."""

    times: Times = Field(
        description="By pair of site and demand point, as rows or by column: seconds, or in their place a cost in any "
        "unit, such as metres; then cutoffs are in that unit, too (cutoff, cutoffs, full_until)"
    )
    demand: Annotated[list[dict[str, Cell]], Field(min_length=1)] = Field(
        description="Rows with id and weight; may have load (room it takes) and groups, each a column of numbers"
    )
    candidates: Annotated[list[dict[str, Cell]], Field(min_length=1)] = Field(
        description="Rows with id; may have capacity, cost, mode, fixed, level, lon, lat, floor_area_m2 and texts"
    )
    model: ModelName = Field(description="lscp is set_cover, mclp max_cover, pmedian p_median, pcenter p_center")
    p: int | None = Field(default=None, ge=1, description="Most new sites; with closable most sites in all")
    cutoff_min: Count | None = Field(default=None, description="Minutes within which a site serves")
    cutoff: Count | None = Field(
        default=None, description="In place of cutoff_min: the same in the unit of the costs (seconds, where it is)"
    )
    capacities: bool = Field(default=True, description="Capacities limit who is served, where there are any")
    floor_m2: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Square metres per 100 of load: where a site has no capacity, its floor_area_m2 gives it",
    )
    skip_unknown: bool = Field(default=False, description="Times of unknown sites or demand are left out, and told")
    skip_unreachable: bool = Field(
        default=False, description="set_cover and p_center list demand that no site reaches, and serve the rest"
    )
    closable: bool = Field(default=False, description="Fixed sites may close")
    budget: Count | None = Field(default=None, description="Money for all new sites")
    mode_prices: dict[str, Count] = Field(default_factory=dict, description="Price of a site without cost, by mode")
    cheapest: bool = Field(default=False, description="set_cover minimises money, not the number of sites")
    spacing_m: Count = Field(default=0.0, description="Least distance between open sites, in metres")
    split: bool = Field(default=False, description="A demand point may be shared by several sites")
    backup: int = Field(default=1, ge=1, le=100, description="A point is served by its n-th nearest open site")
    full_until_min: Count | None = Field(
        default=None, description="max_cover counts all up to these minutes, then less and less to the cutoff"
    )
    full_until: Count | None = Field(default=None, description="The same in the unit of the costs")
    each_of: str = Field(default="", description="Column of the sites each value of which needs an open site")
    weights: dict[str, Count] = Field(default_factory=dict, description="What one of each group counts")
    cutoffs_min: dict[str, Count] = Field(default_factory=dict, description="Cutoffs of groups, in minutes")
    cutoffs: dict[str, Count] = Field(default_factory=dict, description="The same in the unit of the costs")
    kinds: list[Kind] = Field(default_factory=list)
    levels: list[Level] = Field(default_factory=list)
    pareto: bool = Field(
        default=False,
        description="Also lists every choice that no other beats in sites, coverage and cost; for few sites only",
    )
    budget_s: float = Field(default=30.0, ge=0, le=3600, description="Seconds to search and prove at most")
    seed: int = Field(default=0, ge=0, le=2**53, description="Equal inputs and seed give equal proven answers")


class Worthy(Model):
    """A choice that no other beats in number of new sites, what the model counts (value) and money at once."""

    sites: list[str]
    new_sites: int
    value: float
    cost: float


class Choice(Model):
    """Sites to open, whom each serves, the goal as the model counts it, and its bound."""

    model_config = ConfigDict(extra="allow")

    model: str
    status: str
    objective: float
    bound: float | None
    gap: float | None
    sites: list[str]
    new_sites: list[str]
    kept_sites: list[str]
    closed_sites: list[str]
    assignment: dict[str, str | None]
    by_site: list[dict[str, Any]]
    notes: list[str]
    pareto: list[Worthy] | None = Field(default=None, description="Where it was asked for, from few new sites to many")
