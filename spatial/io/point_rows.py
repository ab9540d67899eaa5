"""How do rows of gates, sites and other places become a frame of points that keeps a contract?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd

from spatial.io.features import Features, text_of
from spatial.io.headers import find_columns
from spatial.io.identity import drop_repeated, name_rows
from spatial.io.listing import join_listed
from spatial.io.numbers import read_numbers
from spatial.io.rows import label_listed, number_rows
from spatial.io.shapes import to_points
from spatial.tables import Table, require


@dataclass(frozen=True, slots=True)
class PointRows:
    """Rows of one input as points with ids, the columns found in it, what was listed so far, and the rows as given."""

    frame: Any
    columns: Mapping[str, str]
    source: str
    listed: Any
    given: Features

    def text(self, field: str) -> Any:
        """Return a field as text, "" where the input has none."""
        return text_of(self.frame, self.columns.get(field))

    def numbers(self, fields: Mapping[str, str]) -> tuple[dict[str, Any], Any]:
        """Return column -> numbers (NaN where nothing is known), and LISTED of cells that are none."""
        found = {name: self.columns[field] for name, field in fields.items() if field in self.columns}
        numbers, listed = read_numbers(self.frame, found, self.source)
        return {name: numbers.get(name, float("nan")) for name in fields}, listed

    def finish(self, columns: Mapping[str, Any], table: Table, *more: Any) -> tuple[Any, Any]:
        """Return the frame of a contract with the columns given, sorted by its key, and LISTED."""
        ids = {str(table.key): self.frame[table.key]}
        frame = gpd.GeoDataFrame({**ids, **columns}, geometry=self.frame.geometry, crs=self.frame.crs)
        texts = {name: "str" for name, kind in table.columns.items() if kind == "text"}
        flags = {name: "bool" for name, kind in table.columns.items() if kind == "flag"}
        numbers = {name: "float64" for name, kind in table.columns.items() if kind == "number"}
        rows, named = number_rows(frame, frame[table.key])
        frame = require(frame.astype({**texts, **flags, **numbers}).reset_index(drop=True), table)
        frame.attrs = {"origin": dict(self.given.origin), "rows": rows}
        return frame, label_listed(join_listed([self.listed, *more]), self.given.frame, str(table.key), named)


def point_rows(features: Features, table: Table, letter: str, fields: Sequence[str]) -> PointRows:
    """Return the rows of an input as points, named by their own ids or by letter and number."""
    source = str(features.origin["source"])
    columns = find_columns(features.frame.columns, fields, source)
    frame, unusable = to_points(features.frame, source)
    frame, repeated = drop_repeated(frame, source)
    frame, ids = name_rows(frame, str(table.key), letter, source)
    listed = join_listed([features.listed, unusable, repeated, ids])
    return PointRows(frame, columns, source, listed, features)
