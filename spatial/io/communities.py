"""Which land is to be divided, and into which communities (社区)? Repaired, without overlaps, gaps reported."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT, CoordType
from spatial.errors import InputError
from spatial.io.features import Features, Locator, read_features, text_of
from spatial.io.gaps import TOLD_M2, list_gaps
from spatial.io.headers import find_columns
from spatial.io.identity import drop_repeated, name_rows
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.numbers import read_counts
from spatial.io.rows import label_listed, number_rows
from spatial.io.shapes import to_areas
from spatial.io.systems import Undeclared
from spatial.tables import COMMUNITIES, require

_UNDECLARED = Undeclared()


def read_communities(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return COMMUNITIES in metres of ``crs``, sorted by id and without overlaps, and LISTED.

    Invalid outlines are repaired without losing land. Rows that share a code are one community of several parts, unless
    their names differ: then each name gets a number after the code, and that is listed. Land that two communities claim
    goes to the lower id. Overlaps, and gaps between communities, are listed with their area; gaps are left as they are.
    ``attrs["origin"]`` tells what the file said of itself.

    Raises
    ------
    InputError
        If the file cannot be read or holds no area.
    CrsError
        If its system is unknown or unusable.
    PersonalDataError
        If it holds names of persons, identity numbers or telephone numbers.
    """
    return build_communities(read_features(path, crs, coords, source="communities", undeclared=undeclared))


def build_communities(features: Features) -> tuple[Any, Any]:
    """Return COMMUNITIES of rows of text with a geometry, and LISTED."""
    source = "communities"
    frame, unusable = to_areas(features.frame, source)
    if frame.empty:
        raise InputError(f"{source}: found no area in {features.origin['path']}, needed at least one polygon")
    columns = find_columns(frame.columns, ("community_id", "community_name", "households"), source)
    frame, repeated = drop_repeated(frame, source)
    households, problem = read_counts(text_of(frame, columns.get("households")))
    odd = list_rows(source, frame.index[problem != ""], "household count not understood", "kept")
    frame = frame.assign(_households=households)
    frame, apart = _part_names(frame, columns)
    frame, merged = _merge_parts(frame, columns)
    frame, ids = name_rows(frame, "community_id", "c", source)
    communities = gpd.GeoDataFrame(
        {
            "community_id": frame["community_id"].to_numpy(),
            "name": text_of(frame, columns.get("community_name")).to_numpy(),
            "households": frame["_households"].to_numpy(dtype=np.float64),
            "proposed": False,
        },
        geometry=frame.geometry.to_numpy(),
        crs=frame.crs,
    ).astype({"community_id": "str", "name": "str"})
    rows, named = number_rows(frame, frame["community_id"])
    number = dict(zip(frame["community_id"], rows, strict=True))
    communities, overlaps = settle_overlaps(communities)
    notes = join_listed([features.listed, unusable, repeated, odd, apart, merged, ids])
    notes = label_listed(notes, features.frame, "community_id", named)
    by_id = {one: f"{row} ({one})" for one, row in number.items()}
    overlaps = overlaps.assign(row=overlaps["row"].map(lambda one: by_id.get(one, one)).astype("str"))
    communities = require(communities, COMMUNITIES)
    communities.attrs = {
        "origin": dict(features.origin),
        "rows": [number[one] for one in communities["community_id"]],
    }
    return communities, join_listed([notes, overlaps, list_gaps(communities)])


def read_area(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return the outline to be divided as one row of COMMUNITIES with ``proposed=True``, and LISTED.

    Several outlines are joined into one; its name is theirs, or the file's where they have none.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        As ``read_communities``.
    """
    features = read_features(path, crs, coords, source="area", undeclared=undeclared)
    frame, unusable = to_areas(features.frame, "area")
    if frame.empty:
        raise InputError(f"area: found no area in {features.origin['path']}, needed at least one polygon")
    columns = find_columns(frame.columns, ("community_name",), "area")
    names = [name for name in text_of(frame, columns.get("community_name")).unique() if name]
    name = "、".join(sorted(names)) if 0 < len(names) <= 3 else _stem(features)
    notes = [features.listed, unusable]
    outline = frame.geometry.iloc[0]
    if len(frame) > 1:
        shapes = frame.geometry.to_numpy()
        outline = shapely.normalize(shapely.union_all(shapes[np.argsort(shapely.to_wkb(shapes), kind="stable")]))
        notes.append(list_note("area", "several outlines joined into one", "merged", f"{len(frame)} outlines"))
    area = area_frame(outline, name, crs)
    area.attrs = {"origin": dict(features.origin)}
    return area, join_listed(notes)


def _stem(features: Features) -> str:
    """Return the name of a file without its suffix."""
    return Path(str(features.origin["path"])).stem


def area_frame(outline: Any, name: str, crs: Any) -> Any:
    """Return COMMUNITIES of one outline whose communities are proposed later."""
    columns = {"community_id": ["area"], "name": [name], "households": [np.nan], "proposed": [True]}
    frame = gpd.GeoDataFrame(columns, geometry=[outline], crs=crs).astype({"community_id": "str", "name": "str"})
    return require(frame, COMMUNITIES)


def find_centre(path: str | Path | Locator, coords: CoordType | None, *, undeclared: Undeclared) -> tuple[float, float]:
    """Return longitude and latitude of the middle of the outlines in a file."""
    features = read_features(path, LONLAT, coords, source="area", undeclared=undeclared)
    bounds = features.frame.geometry.bounds.dropna().to_numpy()
    if not len(bounds):
        raise InputError(f"found no outline in {features.origin['path']}, needed at least one polygon")
    lon, lat = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
    return float(lon), float(lat)


def _part_names(frame: Any, columns: Mapping[str, str]) -> tuple[Any, Any]:
    """Return rows whose code stands for several names with a code for each name, in the order of the names."""
    code = columns.get("community_id")
    if code is None:
        return frame, join_listed([])
    key, name = text_of(frame, code), text_of(frame, columns.get("community_name"))
    shared = (key != "") & (name.mask(name == "").groupby(key).transform("nunique") > 1)
    if not shared.any():
        return frame, join_listed([])
    taken, given = set(key), key.copy()
    for text, names in name[shared].groupby(key[shared], sort=True):
        serials = count(1)
        for one in sorted(names.unique()):
            own = next(free for serial in serials if (free := f"{text}-{serial}") not in taken)
            taken.add(own)
            given[names.index[names == one]] = own
    told = [f"{new}: {one}" for new, one in zip(given[shared], name[shared], strict=True)]
    listed = list_rows("communities", frame.index[shared], "one code for communities of several names", "guessed", told)
    return frame.assign(**{code: given}), listed


def _merge_parts(frame: Any, columns: Mapping[str, str]) -> tuple[Any, Any]:
    """Join rows that share a code into one community; a total that stands in each of them is counted once."""
    code = columns.get("community_id")
    if code is None:
        return frame, join_listed([])
    key, named = text_of(frame, code), text_of(frame, columns.get("community_name")) != ""
    shared = (key != "") & key.duplicated(keep=False)
    if not shared.any():
        return frame, join_listed([])
    kept, rows, details = frame[~shared], [], []
    for text, part in frame[shared].groupby(key[shared], sort=True):
        counts = part["_households"].dropna().unique()
        first = part.loc[[named[part.index].idxmax()]].assign(_households=counts.sum() if len(counts) else np.nan)
        rows.append(first.set_geometry([shapely.union_all(part.geometry.to_numpy())], crs=frame.crs))
        pieces = int(rows[-1].geometry.count_geometries().iloc[0])
        details.append(f"{text}: {len(part)} parts" + (f", {pieces} pieces of land apart" if pieces > 1 else ""))
    merged = gpd.GeoDataFrame(pd.concat([kept, *rows]), crs=frame.crs)
    return merged, list_rows("communities", [row.index[0] for row in rows], "parts of one community", "merged", details)


def settle_overlaps(communities: Any) -> tuple[Any, Any]:
    """Return communities, sorted by id, with land claimed twice given to the lower id, and LISTED of each such pair."""
    shapes = communities.geometry.to_numpy().copy()
    ids = communities["community_id"].to_numpy()
    low, high, shared = _overlaps(shapes)
    for at in np.unique(high):  # each loses to its own lower neighbours, as these were given
        lower = shapely.union_all(communities.geometry.to_numpy()[low[high == at]])
        shapes[at] = _areas_of(shapely.difference(shapes[at], lower))
    told = shared >= TOLD_M2
    pairs = [
        f"{ids[b]} and {ids[a]}: {m2:,.0f} m2 given to {ids[a]}" for a, b, m2 in zip(low, high, shared, strict=True)
    ]
    listed = [
        list_rows("communities", ids[high[told]], "overlaps another community", "repaired",
                  [text for text, big in zip(pairs, told, strict=True) if big])
    ]  # fmt: skip
    if not told.all():
        detail = f"{int((~told).sum())} pairs, {shared[~told].sum():.2f} m2 in all, given to the lower id"
        listed.append(list_note("communities", f"overlaps below {TOLD_M2:g} m2", "repaired", detail))
    empty = shapely.is_empty(shapes)
    listed.append(list_rows("communities", ids[empty], "lies wholly inside others", "dropped"))
    settled = communities.set_geometry(gpd.GeoSeries(shapes, index=communities.index, crs=communities.crs))
    return settled[~empty].reset_index(drop=True), join_listed(listed)


def _overlaps(shapes: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs (low, high) that share land, in order, and how much of it."""
    low, high = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    low, high = low[low < high], high[low < high]
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    shared = shapely.area(shapely.intersection(shapes[low], shapes[high]))
    return low[shared > 0], high[shared > 0], shared[shared > 0]


def _areas_of(geometry: Any) -> Any:
    """Return the polygons of a geometry."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0)]
    if len(polygons) == 0:
        return shapely.Polygon()
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(list(polygons))
