"""Which gates, candidate sites, open centres, grids of today and other places did the planner bring?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from spatial.crs import CoordType
from spatial.folding import fold_header
from spatial.io.features import Features, Locator, locate, read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.identity import content_ids, drop_repeated
from spatial.io.listing import join_listed, list_rows
from spatial.io.point_rows import point_rows
from spatial.io.rows import label_listed, number_rows
from spatial.io.shapes import to_areas
from spatial.io.systems import Undeclared
from spatial.io.vectors import VECTOR_SUFFIXES, list_layers
from spatial.tables import CANDIDATES, CURRENT, FACILITIES, GATES, POIS, require

_UNDECLARED = Undeclared()
_MODES: Mapping[str, str] = {
    "transfer": "划转 划拨 移交 调拨 transfer",
    "vacate": "腾退 腾挪 腾让 vacate",
    "share": "共享 共用 共建 共建共享 合用 share shared",
    "new": "新建 新增 new newbuild build",
    "reuse": "利旧 盘活 闲置盘活 改建 改造 改扩建 reuse reused conversion",
}
_GATE_ACCESS: Mapping[str, str] = {
    "open": "开放 常开 全天开放 敞开 公共 人车通行 open yes public permissive",
    "private": "业主 仅业主 门禁 刷卡 刷脸 住户 居民 封闭管理 private residents resident permit key gated",
    "closed": "关闭 封闭 常闭 停用 封堵 锁闭 closed no locked blocked",
}


def read_gates(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return GATES in metres of ``crs`` and LISTED; access is open, private, closed, "" or the word that was given."""
    features = read_features(path, crs, coords, source="gates", undeclared=undeclared)
    rows = point_rows(features, GATES, "g", ("estate", "access", "hours"))
    access = _translate(rows.text("access"), _GATE_ACCESS)
    columns = {"estate_id": rows.text("estate"), "access": access, "hours": rows.text("hours")}
    return rows.finish(columns, GATES)


def read_candidates(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return CANDIDATES in metres of ``crs`` and LISTED; cost and floor area are NaN where nothing is known."""
    features = read_features(path, crs, coords, source="candidates", undeclared=undeclared)
    rows = point_rows(features, CANDIDATES, "n", ("name", "kind", "mode", "cost", "area"))
    numbers, odd = rows.numbers({"cost": "cost", "floor_area_m2": "area"})
    columns = {
        "name": rows.text("name"),
        "kind": rows.text("kind"),
        "mode": _translate(rows.text("mode"), _MODES),
        **numbers,
        "proposed": False,
    }
    return rows.finish(columns, CANDIDATES, odd)


def read_existing(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return FACILITIES, the centres open today, in metres of ``crs``, and LISTED."""
    features = read_features(path, crs, coords, source="existing", undeclared=undeclared)
    rows = point_rows(features, FACILITIES, "x", ("name", "kind", "area"))
    numbers, odd = rows.numbers({"floor_area_m2": "area"})
    return rows.finish({"name": rows.text("name"), "kind": rows.text("kind"), **numbers}, FACILITIES, odd)


def read_pois(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return POIS in metres of ``crs`` and LISTED."""
    features = read_features(path, crs, coords, source="pois", undeclared=undeclared)
    rows = point_rows(features, POIS, "p", ("name", "kind"))
    return rows.finish({"name": rows.text("name"), "kind": rows.text("kind")}, POIS)


def read_current(
    paths: Sequence[str | Path | Locator] | str | Path | Locator,
    crs: Any,
    coords: CoordType | None = None,
    *,
    undeclared: Undeclared = _UNDECLARED,
) -> tuple[Any, Any]:
    """Return CURRENT, today's grids of one or several departments, in metres of ``crs``, and LISTED.

    Each file, and each layer of a GeoPackage, is a department of its own unless a column names the department.
    ``attrs["origins"]`` tells what each layer said of itself.
    """
    many = [paths] if isinstance(paths, str | Path | Locator) else list(paths)
    frames, listed, origins = [], [], []
    for where in [layer for one in many for layer in _every_layer(locate(one))]:
        features = read_features(where, crs, coords, source="current", undeclared=undeclared)
        frame, notes = _one_current(features, where.layer or where.path.stem)
        frames.append(frame.rename_axis(index="_row").reset_index())
        listed.append(notes)
        origins.append(dict(features.origin))
    current = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=crs) if frames else CURRENT.empty(crs)
    current = current.sort_values(["layer", "code", "name"], kind="stable").reset_index(drop=True)
    rows = [str(row) for row in current.pop("_row")] if frames else []
    current = require(current, CURRENT)
    current.attrs = {"origins": origins, "rows": rows}
    return current, join_listed(listed)


def _every_layer(where: Locator) -> list[Locator]:
    if where.layer is not None or where.path.suffix.lower() not in VECTOR_SUFFIXES or not where.path.is_file():
        return [where]
    layers = list_layers(where.path)
    return [where] if len(layers) < 2 else [Locator(where.path, layer, where.name) for layer in layers]


def _one_current(features: Features, layer: str) -> tuple[Any, Any]:
    frame, unusable = to_areas(features.frame, "current")
    frame, repeated = drop_repeated(frame, "current")
    columns = find_columns(frame.columns, ("layer", "code", "name"), "current")
    named = text_of(frame, columns.get("layer"))
    code = text_of(frame, columns.get("code"))
    unnamed = list_rows("current", frame.index[code == ""], "grid without a code", "guessed", "a code is given")
    frame = frame.assign(_layer=named.mask(named == "", layer), _code=code.mask(code == "", content_ids(frame, "w")))
    current = gpd.GeoDataFrame(
        {
            "layer": frame["_layer"].astype("str"),
            "code": frame["_code"].astype("str"),
            "name": text_of(frame, columns.get("name")),
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    _, named = number_rows(current, current["code"])
    listed = join_listed([features.listed, unusable, repeated, unnamed])
    return current, label_listed(listed, features.frame, "code", named)


def _translate(column: Any, words: Mapping[str, str]) -> Any:
    """Return texts in our words where these are known, else as they stand in lower case."""
    known = {fold_header(word): name for name, text in words.items() for word in text.split()}
    return column.map(lambda text: known.get(fold_header(text), text.strip().lower())).astype("str")
