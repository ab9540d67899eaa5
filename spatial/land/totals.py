"""Do the households placed in a community fill its known total?"""

from typing import Any

from spatial.land.listing import Row, list_row


def compare_totals(communities: Any, placed: Any) -> Any:
    """Return one row per community whose total is known: ``community_id``, ``known`` and ``placed``, by id.

    ``placed`` is a Series community id -> households; a community it misses holds none.
    """
    rows = communities.loc[communities["households"].notna(), ["community_id", "households"]]
    rows = rows.sort_values("community_id", ignore_index=True).rename(columns={"households": "known"})
    return rows.assign(placed=rows["community_id"].map(placed).fillna(0).astype("int64"))


def is_far(known: Any, placed: Any, tolerance: float) -> Any:
    """Tell which numbers lie farther from the known totals than the tolerance, a share of the total, allows."""
    return (placed - known).abs() > tolerance * known + 1e-9


def list_totals(totals: Any, tolerance: float) -> list[Row]:
    """Return a row for LISTED per community whose total is not met, near ones apart from far ones."""
    rows = []
    far = is_far(totals["known"], totals["placed"], tolerance)
    for (name, known, placed), away in zip(totals.itertuples(index=False), far, strict=True):
        reason = "differs from the community's total" if away else "counts differ from its total"
        detail = f"its total is {known:g}, {placed} are placed in it; the counts are used"
        if placed != known:
            rows.append(list_row("communities", name, reason, "kept", detail, known - placed))
    return rows
