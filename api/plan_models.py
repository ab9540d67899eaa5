"""What is sent to plans of a store, and what do they answer, as OpenAPI describes it?"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.edit_schemas import EditAsked
from api.schemas import Feature

MOST_EDITS = 1000
MOST_TEXT = 2000
MOST_ID = 200
LayerName = Literal["circles", "sites", "candidates", "grids"]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EditsAsked(_Asked):
    """Edits that are made one after the other, all or none."""

    edits: list[EditAsked] = Field(min_length=1, max_length=MOST_EDITS)
    why: str = Field(default="", max_length=MOST_TEXT)


class ReasonAsked(_Asked):
    """Why something is done."""

    why: str = Field(default="", max_length=MOST_TEXT)


class TakeAsked(_Asked):
    """A job whose results become layers of the plan: circles, the sites chosen and their candidates, or grids."""

    job: str = Field(min_length=1, max_length=MOST_ID, description="Id of a successful job")
    layers: list[LayerName] | None = Field(
        default=None, min_length=1, description="Those of its layers that are wanted; else all that it makes"
    )
    why: str = Field(default="", max_length=MOST_TEXT)


class StatusAsked(_Asked):
    """The next step of a version."""

    version: int = Field(ge=1)
    status: Literal["field_checked", "under_publication", "approved", "in_force", "superseded"]
    why: str = Field(default="", max_length=MOST_TEXT)


class RepairAsked(_Asked):
    """Grids to make contiguous; without them, all that are not."""

    grids: list[str] | None = Field(default=None, max_length=MOST_EDITS)


class PlanTold(BaseModel):
    """A plan as a whole; ``etag`` names its last version, for If-Match."""

    plan_id: str
    title: str
    created: str
    created_by: str
    head: int
    in_force: int | None
    etag: str


class PlansTold(BaseModel):
    """Every plan of the store."""

    plans: list[PlanTold]


class VersionTold(BaseModel):
    """A version: who made it, when and why, from which one, and what it changed."""

    plan_id: str
    version: int
    parent: int | None
    kind: Literal["import", "edit", "layers", "undo", "redo"]
    state_of: int
    who: str
    when: str
    why: str
    status: Literal["draft", "field_checked", "under_publication", "approved", "in_force", "superseded"]
    digest: str
    edits: list[dict[str, Any]]
    summary: dict[str, Any]


class VersionsTold(BaseModel):
    """The versions of a plan, oldest first."""

    versions: list[VersionTold]


class LayerTold(BaseModel):
    """A page of a layer (RFC 7946), and the version it is of."""

    type: Literal["FeatureCollection"]
    plan_id: str
    version: int
    status: Literal["draft", "field_checked", "under_publication", "approved", "in_force", "superseded"]
    origin: dict[str, Any] | None = Field(
        default=None,
        description="Of results of a job: which one, what it was asked, who took it into the plan and when",
    )
    numberMatched: int
    numberReturned: int
    features: list[Feature]


class StrayTold(BaseModel):
    """A piece of a grid that lies apart from its largest; ``bbox`` is west, south, east, north in degrees."""

    grid_id: str
    blocks: list[str]
    households: int
    bbox: list[float]


class ChangeTold(BaseModel):
    """What edits make of a plan: ``version`` is null where nothing was written.

    ``layers`` are those that were taken from results of a job, or come back by undo and redo, as they stand then.
    """

    plan_id: str
    base: int
    version: int | None
    dry_run: bool
    etag: str
    grids: dict[str, Any]
    layers: dict[str, dict[str, Any]]
    created: list[str]
    retired: list[str]
    caused: list[dict[str, Any]]
    cured: list[dict[str, Any]]
    kept: list[dict[str, Any]]
    strays: list[StrayTold]
    notes: list[str]


class RepairTold(BaseModel):
    """The fewest moves that make grids contiguous; send ``edits`` to make them."""

    plan_id: str
    base: int
    etag: str
    edits: list[dict[str, Any]]
    households: int
    blocks: int
    proved: bool
    unmended: list[str]
    notes: list[str]
