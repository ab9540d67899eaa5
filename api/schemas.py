"""What do answers look like? The models that the OpenAPI document shows and the tests hold answers against."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """An answer: no member that is not named here."""

    model_config = ConfigDict(extra="forbid")


class GeoJSON(BaseModel):
    """What comes in as GeoJSON: members of others are allowed (RFC 7946, 6.1), such as the links of a feed."""

    model_config = ConfigDict(extra="ignore")


class Link(Model):
    """A link to another address."""

    href: str
    rel: str
    type: str
    title: str = ""
    templated: bool = False


class Landing(Model):
    """Where everything begins."""

    title: str
    description: str
    attribution: str = ""
    links: list[Link]


class Conformance(Model):
    """The parts of OGC API that are kept."""

    conformsTo: list[str]


class SpatialExtent(Model):
    """Where a feed lies, in CRS84."""

    bbox: list[list[float]]
    crs: Literal["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]


class TemporalExtent(Model):
    """When a feed was in force: in all, then each term; null is without end."""

    interval: list[Annotated[list[str | None], Field(min_length=2, max_length=2)]]
    trs: Literal["http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"]


class Extent(Model):
    """Where a feed lies, and when it was in force."""

    spatial: SpatialExtent | None = None
    temporal: TemporalExtent | None = None


class Collection(Model):
    """One feed: a layer of the plan."""

    id: str
    title: str
    description: str
    attribution: str = ""
    itemType: Literal["feature"]
    crs: list[str]
    storageCrs: str
    extent: Extent | None = None
    origin: dict[str, Any] | None = Field(default=None, description="Of results of a job: which one, of which version")
    links: list[Link]


class Collections(Model):
    """All feeds of the plan."""

    links: list[Link]
    crs: list[str]
    collections: list[Collection]


class Queryables(BaseModel):
    """What a filter may ask of a feed, as JSON Schema."""

    title: str
    type: Literal["object"]
    properties: dict[str, dict[str, Any]]
    additionalProperties: bool


class Feature(Model):
    """One feature of a feed (RFC 7946)."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any] | None
    properties: dict[str, Any]
    links: list[Link] = Field(default_factory=list)


class FeatureCollection(Model):
    """A page of a feed (RFC 7946 with the members of OGC API - Features)."""

    type: Literal["FeatureCollection"]
    bbox: list[float] = Field(default_factory=list)
    features: list[Feature]
    links: list[Link]
    timeStamp: str
    numberMatched: int
    numberReturned: int


class ShiftedCollection(FeatureCollection):
    """A page of a feed in coordinates of Chinese maps: no GeoJSON, its numbers are not WGS 84."""

    coordType: Literal["gcj02", "bd09"]


class TileMatrixSets(BaseModel):
    """The tilings that are known."""

    tileMatrixSets: list[dict[str, Any]]


class TileMatrixSet(BaseModel):
    """A tiling: how the world is cut into tiles at each zoom."""

    id: str
    uri: str
    crs: str
    tileMatrices: list[dict[str, Any]]


class TileSets(BaseModel):
    """The tilesets of a feed."""

    links: list[Link]
    tilesets: list[dict[str, Any]]


class AnyTileSet(BaseModel):
    """A tileset: where its tiles are; with f=tilejson in the words of TileJSON."""

    title: str = ""
    links: list[Link] = Field(default_factory=list)
    tilejson: str = ""
    tiles: list[str] = Field(default_factory=list)
    vector_layers: list[dict[str, Any]] = Field(default_factory=list)


class VerticalPlace(Model):
    """A vertical grid about a place: some floors of a tower; 1 is that on the ground, -1 the first below."""

    vertical_id: str
    name: str
    lowest_floor: int
    highest_floor: int


class Place(Model):
    """The grid in which a place lies, null outside all, and the vertical grids there, those of the floor if named."""

    grid_id: str | None
    code: str | None
    vertical_grids: list[VerticalPlace]


class Places(Model):
    """The grid of each place, in the order in which they were sent; null outside all."""

    grid_ids: list[str | None]
    codes: list[str | None]
    vertical_ids: list[str | None] = Field(default=[], description="Of each place on its floor, where floors were sent")


Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


MOST_FLOORS = 300
Floor = Annotated[int, Field(ge=-MOST_FLOORS, le=MOST_FLOORS)]


class PlacesAsked(Model):
    """Places as longitude and latitude, in coordinates of a kind, and their floors where vertical grids are asked for.

    A floor is a whole number but 0: 1 is that on the ground, -1 the first below; null where it is not known.
    """

    points: Annotated[list[Annotated[list[Degrees], Field(min_length=2, max_length=2)]], Field(fail_fast=True)]
    """Longitude and latitude of each place; the first bad one is told: an error for each takes gigabytes."""
    coords: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] = "wgs84"
    floors: Annotated[list[Floor | None], Field(fail_fast=True)] | None = None
    """Floor of each place."""


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class Division(Model):
    """How far from the best possible the grids are: no lawful division costs less than the bound."""

    status: Literal["optimal", "gap", "infeasible"]
    bound: float
    gap: float


class Metrics(Model):
    """The numbers of a plan that the map page shows."""

    plan_id: str
    plan_version: int
    title: str
    profile: dict[str, Any]
    seed: int | str | None
    attribution: list[str]
    summary: dict[str, Any]
    scorecard: Any
    division: Division | None
    violations: dict[str, Any]
    listed: dict[str, Any]
    not_used: list[str]
    layers: dict[str, int]
    files: list[dict[str, Any]]
