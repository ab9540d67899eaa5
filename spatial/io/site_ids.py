"""Does one id stand for a candidate and for an open centre? Then a word before it tells the two apart."""

from typing import Any

from spatial.io.listing import join_listed, list_rows
from spatial.io.rows import row_labels

_REASON = "id stands for a candidate and for an open centre"


def tell_apart(candidates: Any, existing: Any) -> tuple[Any, Any, Any]:
    """Return CANDIDATES and FACILITIES that share no ``site_id``, sorted by it, and LISTED of the changed ids.

    An id that both bear becomes ``candidate-1`` and ``existing-1``.
    """
    ids = [set(frame["site_id"]) for frame in (candidates, existing)]
    shared, taken = sorted(ids[0] & ids[1]), ids[0] | ids[1]
    if not shared:
        return candidates, existing, join_listed([])
    frames, listed = [], []
    for source, word, frame in (("candidates", "candidate", candidates), ("existing", "existing", existing)):
        renamed = {}
        for one in shared:
            own = f"{word}-{one}"
            while own in taken:
                own = f"{word}-{own}"
            taken.add(own)
            renamed[one] = own
        mine = frame["site_id"].isin(shared)
        told = frame["site_id"][mine].map(renamed)
        listed.append(list_rows(source, row_labels(frame)[mine], _REASON, "repaired", told))
        own_ids = frame["site_id"].where(~mine, frame["site_id"].map(renamed)).astype("str")
        frames.append(frame.assign(site_id=own_ids).sort_values("site_id", kind="stable").reset_index(drop=True))
    return frames[0], frames[1], join_listed(listed)
