"""What may be asked of walks, and what do the answers look like?"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from api.schemas import GeoJSON, Model

MOST_ZOOM = 22
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Place = Annotated[list[Number], Field(min_length=2, max_length=3, description="[longitude, latitude] in degrees")]


class PointGeometry(GeoJSON):
    """A place (RFC 7946)."""

    type: Literal["Point"]
    coordinates: Place


class PointFeature(GeoJSON):
    """A place with an id: its own, else a property id, site_id, source_id or demand_id, else its number in the list."""

    type: Literal["Feature"]
    id: str | int | None = None
    geometry: PointGeometry
    properties: dict[str, Any] | None = None
    bbox: list[Number] | None = None


class PointCollection(GeoJSON):
    """Places (RFC 7946)."""

    type: Literal["FeatureCollection"]
    features: list[PointFeature]
    name: str | None = None
    bbox: list[Number] | None = None


def _kind(given: Any) -> str:
    return "list" if isinstance(given, list) else "collection"


Points = Annotated[
    Annotated[PointCollection, Tag("collection")] | Annotated[list[Place], Tag("list")], Discriminator(_kind)
]


class WhatIf(Model):
    """What would be closed and added before anybody walks."""

    close: list[str] = Field(
        default_factory=list, description="Ids of gates, 'node N' of the map or 'edge N' of the network"
    )
    add: list[list[Place]] = Field(
        default_factory=list,
        description="Footbridges as lines of [longitude, latitude]; each end joins the nearest street",
    )


class CirclesAsked(WhatIf):
    """Circles about points: limits in minutes or in metres, else the profile's minutes."""

    points: Points
    minutes: list[Number] | None = None
    metres: list[Number] | None = None
    gates: Literal["open", "closed"] = "open"
    zoom: int | None = Field(default=None, ge=0, le=MOST_ZOOM, description="Zoom of the web map that shows them")


class TimesAsked(WhatIf):
    """Walks from every demand point to every source within one limit, in minutes or in metres."""

    sources: Points
    demand: Points
    minutes: Number | None = None
    metres: Number | None = None
    gates: Literal["open", "closed"] = "open"


class CircleProperties(Model):
    """One circle: households walk along the network; minutes in time mode, metres in distance mode."""

    site_id: str
    mode: Literal["time", "distance"]
    minutes: float | None
    limit_m: float
    households: int | None
    access_m: float
    data_limited: bool


class CircleFeature(Model):
    """A circle (RFC 7946)."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: CircleProperties


class Circles(Model):
    """Circles (RFC 7946), sorted by point, then limit."""

    type: Literal["FeatureCollection"]
    bbox: list[float]
    profile: str | None = None
    features: list[CircleFeature]


class Pair(Model):
    """A walk within the limit."""

    source_id: str
    demand_id: str
    seconds: float
    metres: float


class Times(Model):
    """Walks within the limit, sorted by source, then demand point; and who reaches no source."""

    mode: Literal["time", "distance"]
    limit: float
    pairs: list[Pair]
    unreached: list[str]


class Walkable(Model):
    """The walk network that answers, and whose homes it counts."""

    source: str
    same_map_as_plan: bool | None
    nodes: int
    edges: int
    demand_points: int | None
    households: int | None
    m_per_s: float
    minutes: list[float]
    metres: list[float]
    most_points: int
    most_pairs: int
    network: dict[str, int]
