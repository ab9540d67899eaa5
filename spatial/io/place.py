"""What does the live OpenStreetMap hold at a place known by its name?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import osmnx
import requests
import shapely
from osmnx import settings

from spatial.crs import metric_crs, require_metric, to_lonlat, to_metres
from spatial.errors import InputError
from spatial.io.osm import build_streets
from spatial.io.osm_elements import Elements, Pile, Relation, fixed_point, keep_tags, sort_elements
from spatial.tables import Streets

SURROUND_M = 500.0
"""Streets are read this far beyond the place: residents walk there too."""
_MAX_BUSY = 3
_BUSY = (429, 504)
_LOCK = Lock()  # the settings of osmnx belong to the process
_WALKED = ("all", "all_public", "walk", "bike")
_FEATURES: Mapping[str, bool | list[str]] = {
    "building": True,
    "landuse": True,
    "leisure": True,
    "amenity": True,
    "shop": True,
    "office": True,
    "place": True,
    "natural": True,
    "waterway": True,
    "railway": True,
    "barrier": True,
    "entrance": True,
    "area:highway": True,
    "man_made": ["embankment", "dyke", "pier", "breakwater", "groyne", "bridge", "cutline"],
}
_PLAZAS: Mapping[str, list[str]] = {"highway": ["pedestrian", "elevator", "platform", "corridor"]}


def read_place(name: str, *, crs: Any = None, network_type: str = "all") -> tuple[Streets, Any]:
    """Return the street map around a place, and the outline of the place, both in metres.

    The place is looked up at Nominatim and its map is fetched from Overpass, through OSMnx and its settings (addresses,
    time limits, rate limits). What comes is read as any OpenStreetMap extract is, so gates, walls and holes keep their
    places. ``network_type`` says which streets are fetched, in the words of OSMnx.

    Raises
    ------
    InputError
        If the place is not found or has no outline, the network type is unknown, or a server does not answer in full.
    CrsError
        If the system is not in metres.
    """
    with _LOCK, _recording() as answers:
        outline = _outline(name)
        metric = metric_crs(outline.centroid.x, outline.centroid.y) if crs is None else require_metric(crs, "crs")
        outline_m = to_metres(outline, metric)
        around = to_lonlat(shapely.buffer(outline_m, SURROUND_M), metric)
        answers.clear()
        _fetch(name, around, network_type)
    elements = _to_elements(name, answers)
    return build_streets(elements, crs=metric, clip=around, source=f"OpenStreetMap at {name}"), outline_m


@contextmanager
def _recording() -> Iterator[list[Any]]:
    """Give the list of answers the servers send, and put the settings of osmnx back at the end.

    With ``cache_only_mode`` osmnx fetches and builds nothing: its graphs lose gates, holes and node ids.
    """
    answers: list[Any] = []
    busy: list[int] = []

    def keep(response: requests.Response, *_: Any, **__: Any) -> None:
        """Keep what a server answered; give up where servers are busy again and again."""
        if response.status_code in _BUSY:
            busy.append(response.status_code)
            if len(busy) >= _MAX_BUSY:
                raise requests.RequestException(f"the server is busy ({response.status_code})")
        elif response.ok:
            try:
                answers.append(response.json())
            except ValueError:
                answers.append(None)

    before = (settings.use_cache, settings.cache_only_mode, settings.requests_kwargs)
    settings.use_cache, settings.cache_only_mode = False, True
    settings.requests_kwargs = {**before[2], "hooks": {"response": keep}}
    try:
        yield answers
    finally:
        settings.use_cache, settings.cache_only_mode, settings.requests_kwargs = before


def _outline(name: str) -> Any:
    """Return the outline of a place in longitude and latitude."""
    if not name.strip():
        raise InputError("the name of the place is empty; needed one that OpenStreetMap knows")
    try:
        found = osmnx.geocode_to_gdf(name).geometry.iloc[0]
    except (requests.RequestException, OSError) as error:
        raise InputError(f"place {name!r} cannot be looked up: {_reason(error)}") from error
    except TypeError as error:
        raise InputError(f"place {name!r} is known without an outline; needed a place with an area") from error
    except (ValueError, KeyError) as error:
        raise InputError(f"place {name!r} is not found: {_reason(error)}") from error
    return shapely.make_valid(shapely.force_2d(found), method="structure", keep_collapsed=False)


def _fetch(name: str, around: Any, network_type: str) -> None:
    """Ask for the streets, then for all else; the answers are recorded as they come."""
    tags = {**_FEATURES, **(_PLAZAS if network_type in _WALKED else {})}
    streets = partial(osmnx.graph_from_polygon, around, network_type=network_type, simplify=False, retain_all=True)
    for ask in (streets, partial(osmnx.features_from_polygon, around, tags)):
        try:
            ask()
        except InterruptedError:  # all is fetched: what cache_only_mode ends with
            continue
        except (requests.RequestException, OSError) as error:
            raise InputError(f"the map of {name!r} cannot be fetched: {_reason(error)}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"the map of {name!r} is not given: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return why a server gave nothing: in a few words where the wire failed, else as it was said."""
    request = getattr(error, "request", None)
    host = urlsplit(str(request.url)).hostname if request is not None else None
    if host is not None:
        match error:
            case requests.exceptions.SSLError():
                return f"no trusted connection to {host}"
            case requests.ConnectionError():
                return f"no connection to {host}"
            case requests.Timeout():
                return f"no answer in time from {host}"
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _to_elements(name: str, answers: list[Any]) -> Elements:
    """Return the elements of the answers of Overpass; an answer that says it is not whole is refused."""
    pile = Pile()
    for answer in answers:
        if not isinstance(answer, dict) or "elements" not in answer:
            continue  # the server's status page, or the answer of a name server
        if "remark" in answer:
            raise InputError(f"the map of {name!r} did not come whole: {answer['remark']}")
        for element in answer["elements"]:
            _take(pile, element)
    if not pile.way_id:
        raise InputError(f"the map of {name!r} holds no street; needed at least one")
    return sort_elements(pile, None)


def _take(pile: Pile, element: Mapping[str, Any]) -> None:
    tags, version = element.get("tags", {}), element.get("version", 0)
    match element.get("type"):
        case "node":
            pile.add_node(element["id"], version, fixed_point(element.get("lon")), fixed_point(element.get("lat")))
            pile.add_place(element["id"], version, tags.items())
        case "way":
            pile.add_way(element["id"], version, tags.items(), element.get("nodes", []))
        case "relation" if tags.get("type") == "multipolygon":
            members = tuple((m["ref"], m.get("role", "")) for m in element.get("members", []) if m["type"] == "way")
            pile.add_relation(version, Relation(element["id"], keep_tags(tags.items()), members))
