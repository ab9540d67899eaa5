"""What may be asked of the processes that divide and import, and what do their answers look like?"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from api.schemas import GeoJSON, Model
from spatial.io.profiles import list_profiles

Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _shipped(name: str) -> str:
    """Return the name of a shipped profile; never a path."""
    if name not in list_profiles():
        raise ValueError(f"found profile {name!r}, needed one of {', '.join(list_profiles())}")
    return name


ProfileName = Annotated[str, AfterValidator(_shipped), Field(json_schema_extra={"enum": list_profiles()})]


class Asked(Model):
    """What a client sends: no member that is not named, and no value of another kind."""

    model_config = ConfigDict(extra="forbid", strict=True)


class BlockCollection(GeoJSON):
    """Blocks as polygons in longitude and latitude, their id and households among the properties (RFC 7946)."""

    type: Literal["FeatureCollection"]
    features: Annotated[list[dict[str, Any]], Field(min_length=1)]
    name: str | None = None
    bbox: list[Number] | None = None


class Border(Asked):
    """Two blocks side by side: metres of their border, and how much of it lies on a clear line."""

    focal: Name
    neighbor: Name
    shared_m: Count
    clear_m: Count | None = None
    clarity: Share | None = None
    crossable: bool = True
    barrier: str = ""


class BlocksAsked(Asked):
    """Blocks to divide: sent along, or those of communities of the plan that is served."""

    blocks: BlockCollection | None = Field(
        default=None, description="Blocks; without them those of the plan that is served"
    )
    households: Name = Field(default="households", description="Property of the blocks that holds their households")
    adjacency: list[Border] | None = Field(
        default=None, description="Borders of the blocks sent; without them they are measured on the outlines"
    )
    fixed: dict[str, str] = Field(
        default_factory=dict, description="Block to label: one label, one grid; two labels, two grids"
    )
    together: list[list[str]] = Field(default_factory=list, description="Groups of blocks that share a grid")
    plan: Name | None = Field(
        default=None, description="A plan of the store, as its last version has it, in place of blocks"
    )
    profile: ProfileName | None = Field(
        default=None, description="A shipped profile; else that of the plan served, or about_500"
    )
    budget_s: float = Field(default=10.0, ge=0, le=3600, description="Seconds to search and prove at most")
    seed: int = Field(default=0, ge=0, le=2**53, description="Equal inputs and seed give equal grids")


class DivideAsked(BlocksAsked):
    """What is divided into grids, with its bound."""

    current: dict[str, str] | None = Field(
        default=None, description="Block to its grid of today, of blocks sent: households that change grid cost"
    )
    communities: list[Name] | None = Field(
        default=None, min_length=1, description="Communities of the plan that is served; without them all"
    )


class RedivideAsked(BlocksAsked):
    """Which of today's grids are drawn anew, all others being kept."""

    grids: Annotated[list[Name], Field(min_length=1)] = Field(description="Ids of the grids to draw anew")
    current: dict[str, str] | None = Field(
        default=None, description="Block to its grid of today, of blocks sent; else the grids of the plan served"
    )


class Divided(Model):
    """A division, its total cost, and the bound that no lawful division is below."""

    assignment: dict[str, str]
    status: Literal["optimal", "gap", "infeasible"]
    objective: float
    bound: float | None
    gap: float | None
    terms: dict[str, float | None]
    grids: list[dict[str, Any]]
    explanations: dict[str, str]
    reasons: list[str]
    violations: list[str]
    trace: list[list[float | None]]
    communities: list[dict[str, Any]]
    listed: list[dict[str, Any]]
    profile: str
    seconds: float


class ImportAsked(Asked):
    """A plan to be put into the store."""

    plan: Annotated[str, Field(min_length=1, json_schema_extra={
        "format": "byte", "contentEncoding": "base64", "contentMediaType": "application/zip"})] = Field(
        description="The files of a plan folder in one zip file, in base64"
    )  # fmt: skip
    why: str = Field(default="", max_length=2000, description="Why; kept with the first version")


class Imported(Model):
    """The plan as it stands in the store."""

    plan_id: str
    version: int
    grids: int
    blocks: int
